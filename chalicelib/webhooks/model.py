"""A merchant's webhooks, the events they are sent, and what became of each attempt.

An event is a fact that merchants may know, with a number in the merchant's own log and the bytes that are
sent for it, each time the same ones. A delivery is what is still to be sent to one webhook: one event, or a
run of them. Weak point: events are not in order unless they are replayed; `data.sequence` tells theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chalicelib.events import FactKind
from chalicelib.units import DAY, HOUR, MINUTE, Seconds, Timestamp

REPLAY: Final = "replay"  # name of the one delivery of a webhook that is a run
# Between the attempts, as Standard Webhooks advises: about three days from the first to the last.
WAITS: Final[tuple[Seconds, ...]] = (
    5,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
SPREAD: Final = 0.2  # by which a wait may be longer, by chance: what failed together does not come back so
STOPPED_AFTER: Final[Seconds] = 5 * DAY  # of nothing but failures
MOST_SECRETS: Final = 5
RESEALED_EVERY: Final[Seconds] = 3 * DAY  # less than half of what a sealing key is kept after its use


class EventType(StrEnum):
    """What merchants are told of."""

    PROMISE_CONFIRMED = "promise.confirmed"
    PROMISE_CHANGED = "promise.changed"
    PROMISE_CANCELLED = "promise.cancelled"
    PROMISE_AT_RISK = "promise.at_risk"
    PROMISE_RECOVERED = "promise.recovered"
    PROMISE_BROKEN = "promise.broken"
    PROMISE_OUT_FOR_DELIVERY = "promise.out_for_delivery"
    PROMISE_DELIVERED = "promise.delivered"
    PROMISE_FAILED = "promise.failed"
    PROMISE_CHOICES = "promise.choices"
    PROMISE_ACCESS_ASKED = "promise.access_asked"
    PROMISE_CORRECTED = "promise.corrected"
    ETA_CHANGED = "eta.changed"
    PLAN_REPLANNED = "plan.replanned"
    NOTIFICATION_FAILED = "notification.failed"
    BUYER_MESSAGE_UNHANDLED = "buyer.message_unhandled"
    TEST = "webhook.test"


# What each fact is called outside; None: it is told in the ledger, or to nobody. Every kind stands here.
PUBLISHED: Final[Mapping[FactKind, EventType | None]] = {
    FactKind.PROMISE_CONFIRMED: EventType.PROMISE_CONFIRMED,
    FactKind.PROMISE_IMPORTED: EventType.PROMISE_CONFIRMED,  # `kind` tells the two apart
    FactKind.PROMISE_CHANGED: EventType.PROMISE_CHANGED,
    FactKind.CHANGE_REFUSED: None,
    FactKind.PROMISE_CANCELLED: EventType.PROMISE_CANCELLED,
    FactKind.PROMISE_PINNED: None,
    FactKind.PROMISE_UNPINNED: None,
    FactKind.PROMISE_AT_RISK: EventType.PROMISE_AT_RISK,
    FactKind.PROMISE_RECOVERED: EventType.PROMISE_RECOVERED,
    FactKind.PROMISE_BROKEN: EventType.PROMISE_BROKEN,
    FactKind.PROMISE_OUT_FOR_DELIVERY: EventType.PROMISE_OUT_FOR_DELIVERY,
    FactKind.PROMISE_EXPECTED: EventType.ETA_CHANGED,
    FactKind.PROMISE_TOLD: None,
    FactKind.PROMISE_ARRIVING: EventType.ETA_CHANGED,
    FactKind.PROMISE_DELIVERED: EventType.PROMISE_DELIVERED,
    FactKind.PROMISE_FAILED: EventType.PROMISE_FAILED,
    FactKind.PROMISE_CHOICES: EventType.PROMISE_CHOICES,
    FactKind.PROMISE_ACCESS_ASKED: EventType.PROMISE_ACCESS_ASKED,
    FactKind.PROMISE_CORRECTED: EventType.PROMISE_CORRECTED,
    FactKind.PROMISE_CONTACTED: None,
    FactKind.PROMISE_SCORED: None,
    FactKind.NOTIFICATION_FAILED: EventType.NOTIFICATION_FAILED,
    FactKind.BUYER_REPLIED: None,
    FactKind.BUYER_UNHANDLED: EventType.BUYER_MESSAGE_UNHANDLED,
    FactKind.SHIFT_DEPARTED: None,
    FactKind.SHIFT_RETURNED: None,
    FactKind.SHIFT_INCIDENT: None,
    FactKind.SHIFT_PROGRESSED: None,
    FactKind.ROUTE_CHANGED: None,
    FactKind.PLAN_CHANGED: None,
    FactKind.PLAN_TROUBLED: None,
    FactKind.PLAN_REPLANNED: EventType.PLAN_REPLANNED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something a merchant is told.

    Attributes
    ----------
    event_id
        The same in every attempt and replay: by this a receiver tells that it has an event already.
    sequence
        In the merchant's log, from 1 on without a gap, in the order in which events were recorded.
    body
        The JSON that is sent.
    only_for
        The one webhook it is for; None: for each that wants its type.
    """

    event_id: str
    sequence: int
    type: EventType
    at: Timestamp
    body: str
    only_for: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What signs.

    Attributes
    ----------
    sealed
        Opens with the webhook's own purpose only; what is inside was shown once.
    valid_until
        When it stops signing; None for the newest, which signs until it is replaced.
    """

    sealed: str
    created_at: Timestamp
    valid_until: Timestamp | None = None

    def signs_at(self, now: Timestamp) -> bool:
        """Whether events of this moment are signed with it."""
        return self.valid_until is None or now < self.valid_until


class StopReason(StrEnum):
    """Why a webhook is sent nothing."""

    BY_MERCHANT = "by_merchant"
    GONE = "gone"  # it answered 410
    FAILING = "failing"  # for days
    SECRET_LOST = "secret_lost"  # none of its secrets opens: a table was restored from long ago


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A webhook that is sent nothing, since when and why."""

    reason: StopReason
    at: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address of a merchant's that is told of events.

    Attributes
    ----------
    events
        The types it wants; none: all, also those that are to come.
    secrets
        The newest first; events are signed with each that is still valid.
    resealed_at
        When the secrets were last sealed: what sealed them is dropped some time after it was replaced.
    stopped
        None as long as it is sent events.
    failing_since
        The first failure after the last success.
    """

    webhook_id: str
    url: str
    events: frozenset[EventType]
    secrets: tuple[Secret, ...]
    created_at: Timestamp
    resealed_at: Timestamp
    description: str | None = None
    stopped: Stopped | None = None
    failing_since: Timestamp | None = None
    version: int = 0

    def wants(self, event: Event) -> bool:
        """Whether an event is for it, stopped or not."""
        if event.only_for is not None:
            return event.only_for == self.webhook_id
        return not self.events or event.type in self.events


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is still to be sent to a webhook; when all is sent, or given up, it is gone.

    Attributes
    ----------
    name
        The event's sequence, or `REPLAY`: of a webhook each is there once.
    next, last
        The events from one sequence to another, in this order; for a single event they are the same.
    tries
        How often the next event was tried, the attempt under way included.
    ready_at
        Not before.
    due_at
        When the sweeper looks whether it was forgotten.
    """

    webhook_id: str
    name: str
    next: int
    last: int
    ready_at: Timestamp
    due_at: Timestamp
    tries: int = 0
    version: int = 0


class Failure(StrEnum):
    """Why a receiver gave no answer."""

    ADDRESS_REFUSED = "address_refused"  # its name leads where we do not go
    NAME_NOT_FOUND = "name_not_found"
    NOT_REACHED = "not_reached"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    BAD_ANSWER = "bad_answer"


GONE_STATUS: Final = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one POST: a status, or why there is none."""

    milliseconds: int
    status: int | None = None
    failure: Failure | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it: 2xx says so, and nothing else does, a redirect neither."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One POST, for the merchant to read.

    Attributes
    ----------
    number
        Of this event in its delivery, from 1 on.
    next_attempt_at
        None: it was taken, or is given up.
    """

    webhook_id: str
    at: Timestamp
    event_id: str
    sequence: int
    type: EventType
    number: int
    replayed: bool
    result: Result
    next_attempt_at: Timestamp | None = None


def wait_after(tries: int, chance: float) -> Seconds | None:
    """How long to wait after so many failed tries of one event; None: give up.

    Parameters
    ----------
    chance
        From 0 to 1: none or all of what a wait may be longer.
    """
    return round(WAITS[tries - 1] * (1 + SPREAD * chance)) if tries <= len(WAITS) else None
