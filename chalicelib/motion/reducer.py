"""From events to progress: a pure fold that ends the same, whatever order its events come in.

Every rule is a least, a greatest or a set, so that it matters little which event was heard first: the van
left with the earliest sign of it, came with the earliest tap, was back with the latest. Two things are
first come, first served on purpose: what came of a stop, because a finished promise stays finished, and
positions, because an old one says nothing new. An event that comes twice is known by its mark; the marks of
the last `MOST_MARKS` accepted ones are kept, several batches of a phone, and an older twin is ignored for
what it says, because that is known. What is ignored leaves no mark: it may be right when it comes again.
Weak point: who taps two different outcomes for one stop is believed the first time, a correction aside.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from chalicelib.fleet.progress import Incident, Progress, Rest, Served, Trouble
from chalicelib.motion import positions
from chalicelib.motion.events import Event, EventKind, Ignored, Why
from chalicelib.routing.model import StopKind
from chalicelib.routing.packed import Route
from chalicelib.units import StopId, Timestamp

MOST_MARKS: Final = 300
MOST_TAPS: Final = 40  # of breaks
MOST_INCIDENTS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduced:
    """What a batch made of a shift.

    Attributes
    ----------
    accepted
        In the order in which they happened.
    duplicates
        How many were known by their mark.
    """

    progress: Progress
    accepted: tuple[Event, ...] = ()
    duplicates: int = 0
    ignored: tuple[Ignored, ...] = ()


def reduce(
    progress: Progress, route: Route, events: Iterable[Event], *, finished: AbstractSet[StopId] = frozenset()
) -> Reduced:
    """Take events, straightened and in order, into a shift's progress.

    Parameters
    ----------
    finished
        Promises that nobody is to try again, wherever they ended.

    Notes
    -----
    Cost: O(stops) for each event.
    """
    promised = {
        stop_id
        for stop_id, kind in zip(route.stops["stop_id"].tolist(), route.stops["kind"].tolist(), strict=True)
        if kind in (StopKind.PROMISED, StopKind.DONE)
    }
    known = set(progress.marks)
    accepted, ignored, duplicates = list[Event](), list[Ignored](), 0
    for event in events:
        mark = mark_of(event.event_id)
        if mark in known:
            duplicates += 1
            continue
        stepped: Progress | Why
        if event.kind in _ABOUT_A_PROMISE and event.stop_id not in promised:
            stepped = Why.UNKNOWN_PROMISE
        elif event.stop_id in finished and _tries_again(progress, event):
            stepped = Why.PROMISE_FINISHED
        elif event.kind is EventKind.POSITION:
            stepped = positions.seen(progress, route, event)
        else:
            stepped = _STEPS[event.kind](progress, event)
            if isinstance(stepped, Progress):
                stepped = replace(stepped, hunch=None, milestones=stepped.milestones + 1)
        if isinstance(stepped, Why):
            if stepped is Why.IMPOSSIBLE_JUMP:
                progress = positions.doubted(progress, event)
            ignored.append(Ignored(event_id=event.event_id, reason=stepped))
            continue
        known.add(mark)
        if stepped.milestones != progress.milestones:
            stepped = _settled(stepped)
        progress = replace(stepped, marks=(*stepped.marks, mark)[-MOST_MARKS:])
        accepted.append(event)
    return Reduced(progress=progress, accepted=tuple(accepted), duplicates=duplicates, ignored=tuple(ignored))


def mark_of(event_id: str) -> str:
    """Shorten an event's id to 48 bits: of 300, two share a mark once in six billion shifts."""
    return b64encode(blake2b(event_id.encode(), digest_size=6).digest()).decode()


def _tries_again(progress: Progress, event: Event) -> bool:
    """Whether an event would begin an attempt, rather than tell more of the last one."""
    visit = progress.visit(event.stop_id)
    over = visit is not None and visit.outcome is not None and event.at <= (visit.left_at or 0)
    return event.kind in _ABOUT_A_PROMISE and not over


def _departed(progress: Progress, event: Event) -> Progress | Why:
    if progress.departed_at is not None and progress.departed_at <= event.at:
        return Why.ALREADY_KNOWN
    return replace(progress, departed_at=event.at)


def _arrived(progress: Progress, event: Event) -> Progress | Why:
    visit = progress.visit(event.stop_id)
    if visit is None:
        return _came(progress, Served(stop_id=event.stop_id, arrived_at=event.at))
    if visit.outcome is not None and visit.left_at is not None and event.at > visit.left_at:
        if visit.outcome.startswith("delivered_"):
            return Why.PROMISE_FINISHED
        return _came(progress, Served(stop_id=event.stop_id, arrived_at=event.at))  # it is tried again
    if not visit.inferred and event.at >= visit.arrived_at:
        return Why.ALREADY_KNOWN
    left_at = visit.left_at
    if visit.outcome is None and left_at is not None and left_at < event.at:
        left_at = None  # positions had it come and go before; a tap is believed more
    said = replace(visit, arrived_at=event.at, left_at=left_at, inferred=False)
    return _came(_without(progress, visit), said)


def _completed(progress: Progress, event: Event) -> Progress | Why:
    visit = progress.visit(event.stop_id)
    done = Served(
        stop_id=event.stop_id, arrived_at=event.at, left_at=event.at, outcome=event.outcome, inferred=True
    )
    if visit is None:
        return _came(progress, done)
    if visit.outcome is not None:
        if visit.outcome.startswith("delivered_"):
            return Why.PROMISE_FINISHED
        again = visit.left_at is not None and event.at > visit.left_at
        return _came(progress, done) if again else Why.ALREADY_KNOWN
    if visit.arrived_at <= event.at:
        left_at = event.at if visit.left_at is None else min(visit.left_at, event.at)
        done = replace(visit, left_at=left_at, outcome=event.outcome)
    return _came(_without(progress, visit), done)


def _incident(progress: Progress, event: Event) -> Progress | Why:
    kind = event.trouble or Trouble.DELAY
    until_at = event.at + event.delay if event.delay is not None else event.until_at
    happened = Incident(
        kind=kind,
        at=event.at,
        until_at=until_at,
        stop_id=event.stop_id or None,
        location=event.location,
        radius=event.radius,
    )
    incidents = sorted((*progress.incidents, happened), key=lambda each: (each.at, each.kind))
    return replace(progress, incidents=tuple(incidents[-MOST_INCIDENTS:]))


def _break_tapped(progress: Progress, event: Event) -> Progress | Why:
    tap = (event.at, event.kind is EventKind.BREAK_STARTED)
    if tap in progress.taps:
        return Why.ALREADY_KNOWN
    if len(progress.taps) >= MOST_TAPS:
        return Why.TOO_MANY
    return replace(progress, taps=tuple(sorted((*progress.taps, tap))))


def _returned(progress: Progress, event: Event) -> Progress | Why:
    if progress.returned_at is not None and progress.returned_at >= event.at:
        return Why.ALREADY_KNOWN
    return replace(progress, returned_at=event.at)


def _came(progress: Progress, visit: Served) -> Progress:
    """The same with one visit more; whoever came somewhere has left the depot."""
    served = sorted((*progress.served, visit), key=lambda each: (each.arrived_at, each.stop_id))
    left = visit.arrived_at if progress.departed_at is None else min(progress.departed_at, visit.arrived_at)
    return replace(progress, served=tuple(served), departed_at=left)


def _without(progress: Progress, visit: Served) -> Progress:
    return replace(progress, served=tuple(each for each in progress.served if each is not visit))


def _settled(progress: Progress) -> Progress:
    """Work out what follows from all that was said: breaks, and what still holds the van up.

    Who arrives somewhere after an incident is no longer held up by it, nor broken down.
    """
    last = progress.served[-1].arrived_at if progress.served else 0
    pending = [each for each in progress.incidents if each.at >= last]
    delays = [each.until_at for each in pending if each.kind is Trouble.DELAY and each.until_at is not None]
    downs = [each.at for each in pending if each.kind is Trouble.VEHICLE_DOWN]
    return replace(
        progress,
        rests=_rests(progress.taps),
        held_until=max(delays, default=None),
        down_at=min(downs, default=None),
    )


def _rests(taps: Iterable[tuple[Timestamp, bool]]) -> tuple[Rest, ...]:
    """Pair the taps: the first start opens a break, the first end closes it; an end alone is a break, too."""
    rests, began_at = list[Rest](), None
    for at, begins in taps:
        if begins:
            began_at = at if began_at is None else began_at
        else:
            rests.append(Rest(began_at=at if began_at is None else began_at, ended_at=at))
            began_at = None
    if began_at is not None:
        rests.append(Rest(began_at=began_at))
    return tuple(rests)


_ABOUT_A_PROMISE = frozenset({EventKind.ARRIVED, EventKind.COMPLETED})
_STEPS: Mapping[EventKind, Callable[[Progress, Event], Progress | Why]] = {
    EventKind.DEPARTED: _departed,
    EventKind.ARRIVED: _arrived,
    EventKind.COMPLETED: _completed,
    EventKind.INCIDENT: _incident,
    EventKind.BREAK_STARTED: _break_tapped,
    EventKind.BREAK_ENDED: _break_tapped,
    EventKind.RETURNED: _returned,
}
