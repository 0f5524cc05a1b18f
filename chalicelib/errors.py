"""Every exception we raise, drawn as a tree.

    SlotkeeperError
    +- InvalidRequest            the caller sent something we refuse
    |  +- BadToken               an offer, cursor or token that is not ours or was edited
    |  +- OffRoad                a point too far from any road
    +- Unauthorized              no key, or not a live one
    +- Forbidden                 a live key without the right
    +- NotFound                  no such thing, or another merchant's
    +- Conflict                  the state says no
    |  +- SlotTaken              the last place went to someone else; carries alternatives
    |  +- IllegalTransition      the thing is in another state; carries both
    +- Expired                   it was good once; carries when it ended
    +- RateLimited               too many requests; carries when to come back
    +- StaleWrite                a version moved (retryable)
    +- AlreadyDone               this very request was carried out before; the door replays it
    +- Upstream                  DynamoDB, Twilio or a travel engine did not answer (retryable)

Expected answers are values (a refused slot is a slot with a reason); an exception means that the caller
cannot have what it asked. None of them knows HTTP: status codes live in one dictionary in `handlers.http`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.units import Seconds, Timestamp


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field: a JSON pointer into the request and a sentence."""

    pointer: str
    detail: str


class SlotkeeperError(Exception):
    """Something the caller has to know.

    Parameters
    ----------
    detail
        A sentence for the caller; holds no personal data.
    code
        Stable snake_case name of the case; the class's own where none is given.
    extra
        Further members of the answer, ready for JSON.
    """

    code = "internal"
    retryable = False

    def __init__(
        self, detail: str, *, code: str | None = None, extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.extra: Mapping[str, Any] = extra or {}


class InvalidRequest(SlotkeeperError):
    """The request is refused; `fields` says where."""

    code = "invalid_request"

    def __init__(self, detail: str, *, code: str | None = None, fields: Sequence[FieldError] = ()) -> None:
        super().__init__(detail, code=code)
        self.fields = tuple(fields)


class BadToken(InvalidRequest):
    """A sealed token that we did not issue, for this purpose, unedited."""

    code = "token_invalid"


class OffRoad(InvalidRequest):
    """A point farther from any road than the travel-time engine accepts."""

    code = "off_road"


class Unauthorized(SlotkeeperError):
    """There is no key, or it opens nothing."""

    code = "unauthorized"


class Forbidden(SlotkeeperError):
    """The key is good, and does not carry the right this call needs."""

    code = "forbidden"


class NotFound(SlotkeeperError):
    """There is no such thing for this merchant: the same answer whether it exists elsewhere or nowhere."""

    code = "not_found"


class Conflict(SlotkeeperError):
    """The state of the thing says no."""

    code = "conflict"


class SlotTaken(Conflict):
    """The last place in this slot went to someone else."""

    code = "slot_taken"


class IllegalTransition(Conflict):
    """The thing is in a state that does not allow this; `extra` carries `state`."""

    code = "illegal_transition"


class Expired(SlotkeeperError):
    """It was good until `expired_at`."""

    code = "expired"

    def __init__(self, detail: str, *, expired_at: Timestamp, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.expired_at = expired_at


class RateLimited(SlotkeeperError):
    """Too many requests; worth repeating after `retry_after`."""

    code = "rate_limited"

    def __init__(self, detail: str, *, retry_after: Seconds) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class StaleWrite(SlotkeeperError):
    """A condition of the write no longer held, every bounded retry included: nothing was done."""

    code = "stale_write"
    retryable = True


class AlreadyDone(SlotkeeperError):
    """The receipt of this Idempotency-Key exists already: an earlier or parallel request had the effect."""

    code = "already_done"


class Upstream(SlotkeeperError):
    """Something we depend on did not answer, or refused for now: nothing was done that is not undone."""

    code = "upstream_unavailable"
    retryable = True
