"""What a driver's phone reports, and what may be wrong with it.

A phone reports late, twice, in any order, and by a clock of its own. `straightened` sets its clock right as
far as that can be known: a request that says when it was sent gives the clock away. Weak point: a phone that
does not say so, and whose clock is behind, reports milestones as older than they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from chalicelib.fleet.progress import Trouble
from chalicelib.promises.model import HandedOver, Outcome
from chalicelib.routing.model import NOBODY, Location
from chalicelib.units import MINUTE, Metres, Seconds, StopId, Timestamp

ON_TIME: Final[Seconds] = 30  # a clock that is off by less is right, and the request was under way
MOST_SKEW: Final[Seconds] = 2 * MINUTE  # how far ahead of us an event may claim to be

NO_PROOF: Final = HandedOver()


class EventKind(StrEnum):
    """What may be reported."""

    DEPARTED = "departed_depot"
    POSITION = "position"
    ARRIVED = "arrived"
    COMPLETED = "completed"
    INCIDENT = "incident"
    BREAK_STARTED = "break_started"
    BREAK_ENDED = "break_ended"
    RETURNED = "returned_to_depot"


class Why(StrEnum):
    """Why an event changes nothing."""

    UNKNOWN_PROMISE = "unknown_promise"  # not on this shift, or nobody's
    PROMISE_FINISHED = "promise_finished"  # only a correction opens it again
    ALREADY_KNOWN = "already_known"
    OUT_OF_DATE = "out_of_date"  # a position older than one that is known
    IMPOSSIBLE_JUMP = "impossible_jump"  # no van drives that fast
    IN_THE_FUTURE = "in_the_future"
    BEFORE_THE_SHIFT = "before_the_shift"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing reported; only the fields of its kind are set.

    Attributes
    ----------
    at
        When it happened, by the phone's clock until that is set right.
    stop_id
        The promise it is about; `NOBODY` if the id that was given is none of ours.
    delay, until_at, radius
        Of an incident: how long, until when, and how far around.
    """

    event_id: str
    kind: EventKind
    at: Timestamp
    stop_id: StopId = NOBODY
    location: Location | None = None
    outcome: Outcome | None = None
    parcels: int | None = None
    proof: HandedOver = NO_PROOF
    trouble: Trouble | None = None
    delay: Seconds | None = None
    until_at: Timestamp | None = None
    radius: Metres | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """An event that changed nothing, and why."""

    event_id: str
    reason: Why


def straightened(
    events: Iterable[Event], now: Timestamp, *, sent_at: Timestamp | None, not_before: Timestamp
) -> tuple[list[Event], list[Ignored]]:
    """Set the phone's clock right and put events in order; what still cannot have happened is ignored.

    Parameters
    ----------
    sent_at
        What the phone's clock showed when it sent them, if it says so.
    not_before
        Nothing of the shift can have happened earlier.
    """
    off = now - sent_at if sent_at is not None else 0
    if abs(off) <= ON_TIME:
        off = 0
    good, ignored = list[Event](), list[Ignored]()
    for event in sorted(events, key=lambda each: (each.at, _ORDER[each.kind], each.event_id)):
        at = event.at + off
        if at > now + MOST_SKEW:
            ignored.append(Ignored(event_id=event.event_id, reason=Why.IN_THE_FUTURE))
        elif at < not_before:
            ignored.append(Ignored(event_id=event.event_id, reason=Why.BEFORE_THE_SHIFT))
        else:
            until_at = event.until_at + off if event.until_at is not None else None
            good.append(replace(event, at=min(at, now), until_at=until_at))
    return good, ignored


# Within a second: one leaves the depot before one arrives, and arrives before one is done.
_ORDER: Final = {
    EventKind.DEPARTED: 0,
    EventKind.BREAK_ENDED: 1,
    EventKind.ARRIVED: 2,
    EventKind.POSITION: 3,
    EventKind.COMPLETED: 4,
    EventKind.INCIDENT: 5,
    EventKind.BREAK_STARTED: 6,
    EventKind.RETURNED: 7,
}
