"""Endpoints for a merchant's webhooks."""

from typing import Annotated

from pydantic import Field

from chalicelib.handlers.endpoints import Call, Endpoints
from chalicelib.handlers.http import Answer
from chalicelib.handlers.paging import Listed, PageQuery, next_cursor, position
from chalicelib.handlers.wire import Body, Instant, Label, View, absent
from chalicelib.merchants.model import Scope
from chalicelib.webhooks.destinations import LONGEST_URL
from chalicelib.webhooks.model import Attempt, Event, EventType, Failure, Secret, StopReason, Webhook
from chalicelib.webhooks.service import Replay, Saved, Wish

api = Endpoints("Webhooks")

_MANAGES = Scope.OPS | Scope.ADMIN
_WEBHOOK = "/v1/webhooks/{webhook_id}"
_LAST_SEQUENCE = 10**12 - 1


class WebhookRequest(Body):
    """What a webhook shall be. What is left out goes back to its default, but for the secret, which stays."""

    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_URL,
            description="https, port 443, a public host name. Redirects are not followed.",
            examples=["https://shop.example/webhooks"],
        ),
    ]
    events: Annotated[
        list[EventType] | None,
        Field(
            min_length=1,
            max_length=len(EventType),
            description="`null`: all, also those that are to come.",
        ),
    ] = None
    description: Annotated[Label | None, Field(description="For yourself.")] = None
    enabled: Annotated[
        bool, Field(description="`true` also starts again what was stopped because it failed.")
    ] = True
    rotate_secret: Annotated[
        bool,
        Field(description="Sign with a new secret. For a day the one before signs beside it."),
    ] = False

    def wish(self) -> Wish:
        """Read the body as the domain has it."""
        return Wish(
            url=self.url,
            events=frozenset(self.events or ()),
            description=self.description,
            enabled=self.enabled,
            rotate_secret=self.rotate_secret,
        )


class SecretView(View):
    """A secret that signs, without its text."""

    created_at: Instant
    valid_until: Annotated[Instant | None, Field(description="`null`: until it is rotated.")]

    @staticmethod
    def of(secret: Secret) -> "SecretView":
        """Show a secret."""
        return SecretView(created_at=secret.created_at, valid_until=secret.valid_until)


class StoppedView(View):
    """Since when and why a webhook is sent nothing."""

    reason: Annotated[
        StopReason,
        Field(
            description="`gone`: it answered 410. `failing`: for five days. `by_merchant`: you said so. "
            "`secret_lost`: there is nothing to sign with; rotate the secret."
        ),
    ]
    at: Instant


class WebhookView(View):
    """A webhook."""

    webhook_id: str
    url: str
    events: list[EventType] | None
    description: str | None
    enabled: bool
    stopped: StoppedView | None
    failing_since: Annotated[Instant | None, Field(description="The first failure after the last success.")]
    secrets: Annotated[list[SecretView], Field(description="Events are signed with each; the newest first.")]
    created_at: Instant

    @staticmethod
    def of(webhook: Webhook, now: int) -> "WebhookView":
        """Show a webhook."""
        stopped = webhook.stopped
        return WebhookView(
            webhook_id=webhook.webhook_id,
            url=webhook.url,
            events=sorted(webhook.events) or None,
            description=webhook.description,
            enabled=stopped is None,
            stopped=StoppedView(reason=stopped.reason, at=stopped.at) if stopped else None,
            failing_since=webhook.failing_since,
            secrets=[SecretView.of(each) for each in webhook.secrets if each.signs_at(now)],
            created_at=webhook.created_at,
        )


class SavedWebhookView(WebhookView):
    """A webhook as it was saved, with its secret if that is new."""

    secret: Annotated[
        str | None,
        absent(description="`whsec_…`, for the libraries of Standard Webhooks. It is shown this once."),
    ]

    @staticmethod
    def after(saved: Saved, now: int) -> "SavedWebhookView":
        """Show what was saved."""
        return SavedWebhookView(**dict(WebhookView.of(saved.webhook, now)), secret=saved.secret)


class WebhookList(Listed[WebhookView]):
    """All webhooks of the merchant."""


class AttemptView(View):
    """One POST, and what came of it."""

    event_id: Annotated[str, Field(description="`webhook-id`: the same in every attempt and replay.")]
    sequence: int
    type: EventType
    at: Instant
    number: Annotated[int, Field(description="Of the attempts at this event, from 1 on.")]
    replayed: bool
    delivered: Annotated[bool, Field(description="Whether the answer was 2xx.")]
    status: Annotated[int | None, Field(description="Of the answer; `null`: there was none.")]
    failure: Annotated[Failure | None, Field(description="Why there was none.")]
    milliseconds: int
    next_attempt_at: Annotated[Instant | None, Field(description="`null`: it was taken, or is given up.")]

    @staticmethod
    def of(attempt: Attempt) -> "AttemptView":
        """Show an attempt."""
        result = attempt.result
        return AttemptView(
            event_id=attempt.event_id,
            sequence=attempt.sequence,
            type=attempt.type,
            at=attempt.at,
            number=attempt.number,
            replayed=attempt.replayed,
            delivered=result.delivered,
            status=result.status,
            failure=result.failure,
            milliseconds=result.milliseconds,
            next_attempt_at=attempt.next_attempt_at,
        )


class AttemptList(Listed[AttemptView]):
    """What was sent in the last 30 days, the latest first."""


class ReplayRequest(Body):
    """From where on."""

    from_sequence: Annotated[
        int, Field(ge=1, le=_LAST_SEQUENCE, description="`data.sequence` of the first event to send again.")
    ]


class ReplayView(View):
    """What is sent again."""

    from_sequence: int
    to_sequence: int


class TestEventView(View):
    """The event that is sent."""

    event_id: str
    sequence: int


@api.endpoint("GET", "/v1/webhooks", scope=_MANAGES, answers={200: WebhookList})
def list_webhooks(call: Call) -> Answer:
    """List the webhooks."""
    found = call.services.webhooks.listed(call.tenant)
    return Answer(200, WebhookList(data=[WebhookView.of(each, call.now) for each in found]))


@api.endpoint(
    "PUT",
    _WEBHOOK,
    scope=_MANAGES,
    request=WebhookRequest,
    answers={200: SavedWebhookView},
    problems=("too_many_webhooks", "too_many_secrets"),
    example={"url": "https://shop.example/webhooks", "events": ["promise.confirmed", "promise.cancelled"]},
)
def put_webhook(call: Call[WebhookRequest]) -> Answer:
    """Make a webhook, or change it.

    Events are POSTed as Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`, and a body
    `{type, timestamp, data}`. Verify the signature with the `secret` of the answer, which is shown this once,
    and drop a `webhook-id` that you have already. Answer 2xx within 10 seconds; anything else is tried again
    after 5 seconds, 5 and 30 minutes, 2, 5, 10, 14, 20 and 24 hours. 410 stops the webhook, and so do five
    days of nothing but failures. `data.sequence` numbers your events without a gap, `data.promise_sequence`
    those of a promise: what comes with a lower number than you know is older.
    """
    saved = call.services.webhooks.put(call.tenant, call.path["webhook_id"], call.body.wish(), call.now)
    return Answer(200, SavedWebhookView.after(saved, call.now))


@api.endpoint("GET", _WEBHOOK, scope=_MANAGES, answers={200: WebhookView})
def get_webhook(call: Call) -> Answer:
    """Read a webhook."""
    found = call.services.webhooks.read(call.tenant, call.path["webhook_id"])
    return Answer(200, WebhookView.of(found, call.now))


@api.endpoint("DELETE", _WEBHOOK, scope=_MANAGES, answers={204: None})
def delete_webhook(call: Call) -> Answer:
    """Delete a webhook; what was still to be sent to it is not."""
    call.services.webhooks.remove(call.tenant, call.path["webhook_id"])
    return Answer(204)


@api.endpoint("GET", f"{_WEBHOOK}/attempts", scope=_MANAGES, query=PageQuery, answers={200: AttemptList})
def list_attempts(call: Call[None, PageQuery]) -> Answer:
    """List what was sent to a webhook and what it answered, the latest first."""
    attempts, place = call.services.webhooks.attempts(
        call.tenant, call.path["webhook_id"], limit=call.query.limit, before=position(call)
    )
    shown = [AttemptView.of(each) for each in attempts]
    return Answer(200, AttemptList(data=shown, next_cursor=next_cursor(call, place)))


@api.endpoint(
    "POST",
    f"{_WEBHOOK}/replay",
    scope=_MANAGES,
    request=ReplayRequest,
    answers={202: ReplayView},
    problems=("webhook_stopped",),
    example={"from_sequence": 1},
)
def replay_webhook(call: Call[ReplayRequest]) -> Answer:
    """Send all events from a sequence on once more, under the same ids.

    They come in order, one after the other; at one that is not taken the replay waits, as for any attempt.
    Events are kept for 30 days. Another replay of the same webhook takes the place of one under way.
    """

    def answer(replay: Replay) -> Answer:
        return Answer(202, ReplayView(from_sequence=replay.first, to_sequence=replay.last))

    replay = call.services.webhooks.replay(
        call.tenant, call.path["webhook_id"], call.body.from_sequence, call.now, call.receipt(answer)
    )
    return answer(replay)


@api.endpoint(
    "POST", f"{_WEBHOOK}/test", scope=_MANAGES, answers={202: TestEventView}, problems=("webhook_stopped",)
)
def send_test_event(call: Call) -> Answer:
    """Send a `webhook.test` event, whatever types the webhook wants; its attempts tell what came of it."""

    def answer(event: Event) -> Answer:
        return Answer(202, TestEventView(event_id=event.event_id, sequence=event.sequence))

    event = call.services.webhooks.test(call.tenant, call.path["webhook_id"], call.now, call.receipt(answer))
    return answer(event)
