"""Endpoints that exist in a sandbox only: the test clock, the inbox of texts, and what buyers answer."""

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.errors import InvalidRequest
from chalicelib.handlers.due import due_to, remind
from chalicelib.handlers.endpoints import Call, Endpoints
from chalicelib.handlers.http import Answer
from chalicelib.handlers.paging import Listed
from chalicelib.handlers.telemetry import Telemetry, structured_log
from chalicelib.handlers.wire import Body, Instant, InstantText, Phone, Query, View, rfc3339
from chalicelib.merchants.model import ALL_SCOPES
from chalicelib.settings import Stage
from chalicelib.units import Timestamp

api = Endpoints("Sandbox")

_LONGEST_STEP = 400 * 86_400
_telemetry = Telemetry(structured_log(), stage=lambda: Stage.SANDBOX)


class ClockRequest(Body):
    """Where the business clock goes; it never goes back."""

    now_at: Instant | None = None
    advance_seconds: Annotated[int | None, Field(ge=0, le=_LONGEST_STEP)] = None

    @model_validator(mode="after")
    def _one_way(self) -> "ClockRequest":
        if (self.now_at is None) == (self.advance_seconds is None):
            raise PydanticCustomError("clock", "Give either now_at or advance_seconds")
        return self


class ClockView(View):
    """The business clock."""

    now_at: InstantText


class InboxQuery(Query):
    """Whose texts."""

    phone: Annotated[str | None, Field(max_length=20)] = None


class TextView(View):
    """A text that the fake Twilio took."""

    model_config = ConfigDict(serialize_by_alias=True)

    to: str
    sender: Annotated[str, Field(alias="from")]
    body: str
    sid: str
    status: str
    sent_at: str
    num_segments: int


class ReplyRequest(Body):
    """A buyer's text."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    phone: Annotated[Phone, Field(alias="from", description="The buyer's number.")]
    to: Annotated[
        str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="The number they were texted from.")
    ]
    body: Annotated[str, Field(max_length=1600)]


class ReplyView(View):
    """That it is on its way."""

    message_sid: Annotated[str, Field(description="Twilio's id of it.")]


class InboxView(Listed[TextView]):
    """Texts, oldest first."""


@api.endpoint(
    "POST",
    "/v1/test/clock",
    scope=ALL_SCOPES,
    request=ClockRequest,
    answers={200: ClockView},
    problems=("clock_moved_back",),
)
def move_clock(call: Call[ClockRequest]) -> Answer:
    """Move the business clock of your test data forward; answers when what came due is done."""

    def answer(at: Timestamp) -> Answer:
        return Answer(200, ClockView(now_at=rfc3339(at)))

    wanted, now = call.body, call.now
    then = wanted.now_at if wanted.now_at is not None else now + (wanted.advance_seconds or 0)
    if then < now:
        raise InvalidRequest(f"The clock stands at {rfc3339(now)} and only goes forward.")
    receipt = call.receipt(answer)(then)
    call.services.store.set_clock_offset(call.tenant, then - call.system_now, receipt=receipt)
    call.services.expire_due(call.tenant, then)
    call.services.bring_due(call.tenant, then)
    remind(call.services, due_to(call.services, call.tenant, then), _telemetry)
    return answer(then)


@api.endpoint(
    "GET",
    "/v1/test/messages",
    scope=ALL_SCOPES,
    query=InboxQuery,
    answers={200: InboxView},
)
def read_inbox(call: Call[None, InboxQuery]) -> Answer:
    """Read the texts your buyers got, as the fake Twilio took them."""
    texts = call.services.inbox(call.query.phone)
    own = call.services.store.own_sids(call.tenant, [text["sid"] for text in texts])
    shown = [TextView.model_validate(text) for text in texts if text["sid"] in own]
    return Answer(200, InboxView(data=shown))


@api.endpoint(
    "POST",
    "/v1/test/replies",
    scope=ALL_SCOPES,
    request=ReplyRequest,
    answers={202: ReplyView},
)
def play_reply(call: Call[ReplyRequest]) -> Answer:
    """Play a buyer who writes back: the fake Twilio brings it by the real signed webhook, a moment later."""
    wish = call.body
    sid = call.services.play_reply(phone=wish.phone, to=wish.to, body=wish.body)
    return Answer(202, ReplyView(message_sid=sid))
