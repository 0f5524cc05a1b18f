"""How a delivery is spoken of to its buyer: in JSON, and in what the page's forms send."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from chalicelib.errors import InvalidRequest
from chalicelib.handlers.endpoints import OpenCall
from chalicelib.handlers.promise_wire import WindowView, window_view
from chalicelib.handlers.strict_json import check_declared, read_json, refusal, validated
from chalicelib.handlers.wire import Body, InstantText, LinkQuery, LocationView, Note, View, absent, rfc3339
from chalicelib.promises.model import ChangeKind, Feedback, Outcome, PromiseState
from chalicelib.tracking.model import Cause, Tracked

FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20


def _or_none(given: Any, read: ValidatorFunctionWrapHandler) -> int | None:
    try:
        number: int | None = read(given)
    except ValidationError:
        return None
    return number


type Score = Annotated[int, Field(ge=0, le=10)]


class PageQuery(LinkQuery):
    """What the page is to answer."""

    done: Annotated[
        int | None,
        Field(ge=1, le=10**6, description="The change to say the outcome of."),
        WrapValidator(_or_none),
    ] = None


class ScoreRequest(Body):
    """How likely the buyer is to recommend what came, and how it came."""

    product: Annotated[Score, Field(description="What was delivered.")]
    delivery: Annotated[Score, Field(description="How it was delivered.")]
    comment: Note | None = None

    def feedback(self) -> Feedback:
        """Give it as the promise keeps it."""
        return Feedback(product=self.product, delivery=self.delivery, comment=self.comment)


class ScoreView(View):
    """What was written down."""

    product: Score
    delivery: Score

    @staticmethod
    def of(feedback: Feedback) -> "ScoreView":
        """Show the scores; the words stay with the merchant."""
        return ScoreView(product=feedback.product, delivery=feedback.delivery)


class EtaView(View):
    """When the van is expected: 5 %, 50 % and 95 %, in steps of five minutes."""

    earliest_at: InstantText
    expected_at: InstantText
    latest_at: InstantText
    stops_before: Annotated[int, Field(description="Deliveries the van makes first.")]


class MovedView(View):
    """What changed last, and why."""

    cause: Cause
    at: InstantText
    from_window: Annotated[WindowView | None, absent(description="What held before.")]


class VanView(View):
    """Where the van was last seen."""

    location: LocationView
    seen_at: InstantText


class StateView(View):
    """A delivery as its buyer sees it: nothing of who receives it, nothing of anybody else's."""

    state: PromiseState
    window: Annotated[WindowView, Field(description="What you were last told.")]
    late: Annotated[bool, Field(description="Whether that will rather not be kept.")]
    eta: Annotated[EtaView | None, absent(description="While the van is under way.")]
    van: Annotated[VanView | None, absent(description="On the last stretch to this door only.")]
    moved: Annotated[MovedView | None, absent()]
    arranged: Annotated[list[ChangeKind], Field(description="What the driver was told for the door.")]
    outcome: Annotated[Outcome | None, absent(description="Of the last attempt.")]
    ended_at: Annotated[InstantText | None, absent(description="When that attempt ended.")]
    feedback: Annotated[ScoreView | None, absent()]
    poll_after_seconds: int

    @property
    def tag(self) -> str:
        """Stands for all of it, as an `ETag`."""
        return f'"{sha256(self.model_dump_json().encode()).hexdigest()[:32]}"'


def state_view(shown: Tracked) -> StateView:
    """Show a delivery; equal states give equal views."""
    zone, eta, van, moved = shown.timezone, shown.eta, shown.van, shown.moved
    return StateView(
        state=shown.state,
        window=window_view(shown.window, zone),
        late=shown.late,
        eta=EtaView(
            earliest_at=rfc3339(eta.earliest_at, zone),
            expected_at=rfc3339(eta.expected_at, zone),
            latest_at=rfc3339(eta.latest_at, zone),
            stops_before=eta.stops_before,
        )
        if eta
        else None,
        van=VanView(location=LocationView.of(van.location), seen_at=rfc3339(van.at, zone)) if van else None,
        moved=MovedView(
            cause=moved.cause,
            at=rfc3339(moved.at, zone),
            from_window=window_view(moved.from_window, zone) if moved.from_window else None,
        )
        if moved
        else None,
        arranged=list(shown.arranged),
        outcome=shown.outcome,
        ended_at=rfc3339(shown.ended_at, zone) if shown.ended_at is not None else None,
        feedback=ScoreView.of(shown.feedback) if shown.feedback else None,
        poll_after_seconds=shown.poll_after,
    )


def is_form(headers: Mapping[str, str]) -> bool:
    """Whether a request says that it is a form of the page, so that a person sent it."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came with a POST: JSON, or a form of the page.

    Attributes
    ----------
    form
        The fields that were filled in; None if it is JSON.
    key
        The Idempotency-Key, of a form its field `key`.
    """

    raw: bytes
    headers: Mapping[str, str]
    form: Mapping[str, str] | None
    key: str | None

    @staticmethod
    def of(call: OpenCall[Any]) -> "Sent":
        """Read as much as tells what it is.

        Raises
        ------
        InvalidRequest
            It says that it is a form, and is none.
        """
        if not is_form(call.headers):
            key = call.headers.get("idempotency-key")
            return Sent(raw=call.raw, headers=call.headers, form=None, key=key)
        fields = _fields(call.raw)
        key = fields.pop("key", None)
        # Of one page the same choice acts once; going back and choosing otherwise is another request.
        key = f"{key}-{sha256(call.raw).hexdigest()[:16]}" if key else None
        return Sent(raw=call.raw, headers=call.headers, key=key, form=fields)

    def read[M: BaseModel](self, model: type[M]) -> M:
        """Read it into a model, JSON as strictly as at any other endpoint.

        Raises
        ------
        InvalidRequest
            It is not what the model wants.
        """
        if self.form is None:
            check_declared(self.headers.get("content-type"), self.headers.get("content-encoding"))
            return validated(model, self.raw, read_json(self.raw))
        try:
            return model.model_validate_strings(dict(self.form))
        except ValidationError as error:
            raise refusal(error, dict(self.form)) from None


def _fields(raw: bytes) -> dict[str, str]:
    """The fields of a form; empty ones were left out by who filled it in."""
    try:
        fields = parse_qsl(raw.decode("ascii"), max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise InvalidRequest("The form is not valid.", code="malformed_json") from None
    found = dict(fields)
    if len(found) != len(fields):
        raise InvalidRequest("A field of the form is given twice.")
    return {name: text for name, text in found.items() if text.strip()}
