"""Endpoints about the texts to a buyer."""

from typing import Annotated

from chalicelib.errors import BadToken
from chalicelib.fleet.ids import promise_id
from chalicelib.handlers.endpoints import Call, Endpoints
from chalicelib.handlers.http import Answer
from chalicelib.handlers.paging import Listed
from chalicelib.handlers.promises import promise_stop_id
from chalicelib.handlers.wire import InstantText, View, absent, rfc3339
from chalicelib.merchants.model import Scope
from chalicelib.notifications.model import Message, MessageKind, MessageStatus

api = Endpoints("Notifications")


class MessageView(View):
    """A text, sent or not; or one that the buyer wrote (`reply`)."""

    message_id: str
    kind: MessageKind
    status: MessageStatus
    created_at: InstantText
    body: str
    sid: Annotated[str | None, absent(description="Twilio's id of it.")]
    reason: Annotated[str | None, absent(description="Why it was not sent, or the carrier's error code.")]
    request_id: Annotated[
        str | None, absent(description="`X-Request-Id` of the request that it goes back to.")
    ]


class MessagesView(Listed[MessageView]):
    """All texts about a promise, oldest first."""


@api.endpoint(
    "GET",
    "/v1/promises/{promise_id}/messages",
    scope=Scope.CHECKOUT | Scope.OPS,
    answers={200: MessagesView},
    problems=("not_found",),
)
def read_messages(call: Call[None]) -> Answer:
    """Texts about a promise, sent and not sent, with reasons."""
    promise = call.services.promises.read(call.tenant, promise_stop_id(call))
    messages = call.services.store.messages(call.tenant, promise_id(promise.stop_id))
    views = [
        MessageView(
            message_id=message.message_id,
            kind=message.kind,
            status=message.status,
            created_at=rfc3339(message.created_at, promise.timezone),
            body=_body(call, message),
            sid=message.sid,
            reason=message.reason,
            request_id=message.request_id,
        )
        for message in messages
    ]
    return Answer(200, MessagesView(data=views))


def _body(call: Call[None], message: Message) -> str:
    """What a text says; a buyer's is sealed elsewhere, and forgotten before long."""
    if message.kind is not MessageKind.REPLY or message.sid is None:
        return message.body
    try:
        arrived = call.services.phone_book.inbound(message.sid)
    except BadToken:
        return ""
    return arrived[0].body if arrived else ""
