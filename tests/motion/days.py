"""A day as a driver's phone tells it, on the street of `tests.builders`, and phones that tell it badly."""

from collections.abc import Sequence
from datetime import date

from hypothesis import strategies as st

from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress, Trouble
from chalicelib.motion.events import Event, EventKind, straightened
from chalicelib.motion.reducer import Reduced, reduce
from chalicelib.promises.model import Outcome
from chalicelib.routing.packed import Route
from chalicelib.units import Timestamp
from tests.builders import hour, house, route, stop

PLAN = PlanKey(depot_id="d", day=date(2026, 11, 19))
EVENING = hour(20)


def van(stops: int = 3) -> Route:
    """Houses 10, 20, 30 and so on, in this order."""
    return route(*(stop(number, 10 * number) for number in range(1, stops + 1)))


def fresh(of: Route | None = None) -> Progress:
    """A van of which nothing is known yet."""
    return Progress(shift_id=(of or van()).shift.shift_id, plan=PLAN)


def told(kind: EventKind, at: Timestamp, event_id: str = "", **more: object) -> Event:
    """An event, named after what it says unless given a name."""
    name = event_id or f"{kind}.{at}.{more.get('stop_id', '')}"
    return Event(event_id=name, kind=kind, at=at, **more)  # type: ignore[arg-type]


def departed(at: float) -> Event:
    return told(EventKind.DEPARTED, hour(at))


def position(at: float, number: float) -> Event:
    return told(EventKind.POSITION, hour(at), location=house(number))


def arrived(stop_id: int, at: float) -> Event:
    return told(EventKind.ARRIVED, hour(at), stop_id=stop_id)


def completed(stop_id: int, at: float, outcome: Outcome = Outcome.DELIVERED_TO_RECIPIENT) -> Event:
    return told(EventKind.COMPLETED, hour(at), stop_id=stop_id, outcome=outcome)


def heard(events: Sequence[Event], progress: Progress | None = None, of: Route | None = None) -> Reduced:
    """What a batch makes of a shift, heard in the evening."""
    road = of or van()
    good, _ = straightened(events, EVENING, sent_at=None, not_before=hour(0))
    return reduce(progress or fresh(road), road, good)


@st.composite
def days(draw: st.DrawFn) -> tuple[Event, ...]:
    """A day without contradictions: taps may be missing, but what was tapped happened in this order."""
    at, events = hour(8) + draw(st.integers(0, 600)), list[Event]()
    if draw(st.booleans()):
        events.append(told(EventKind.DEPARTED, at))
    for number in draw(st.permutations(range(1, 5))):
        at += draw(st.integers(60, 1800))
        if draw(st.booleans()):
            events.append(told(EventKind.ARRIVED, at, stop_id=number))
        at += draw(st.integers(1, 600))
        if draw(st.booleans()):
            outcome = draw(st.sampled_from(Outcome))
            events.append(told(EventKind.COMPLETED, at, stop_id=number, outcome=outcome))
        if draw(st.booleans()):
            at += draw(st.integers(1, 600))
            events.append(told(EventKind.BREAK_STARTED, at))
            at += draw(st.integers(1, 1800))
            if draw(st.booleans()):
                events.append(told(EventKind.BREAK_ENDED, at))
        if draw(st.booleans()):
            trouble = draw(st.sampled_from(Trouble))
            events.append(told(EventKind.INCIDENT, at, trouble=trouble, delay=draw(st.integers(0, 7200))))
    if draw(st.booleans()):
        events.append(told(EventKind.RETURNED, at + 600))
    return tuple(events)


@st.composite
def told_badly(draw: st.DrawFn) -> tuple[tuple[Event, ...], list[list[Event]]]:
    """A day, and the same day shuffled, some of it twice, in batches."""
    day = draw(days())
    twice = [*day, *draw(st.lists(st.sampled_from(day), max_size=8) if day else st.just([]))]
    shuffled = draw(st.permutations(twice))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    bounds = zip([0, *cuts], [*cuts, len(shuffled)], strict=True)
    return day, [list(shuffled[first:last]) for first, last in bounds]
