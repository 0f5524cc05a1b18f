"""The timetable of a route as one would work it out on paper: stop after stop, one route at a time.

Slow on purpose and without arrays, so that the sweeps have something to be measured against.
"""

from dataclasses import dataclass

from chalicelib.routing.model import StopKind
from chalicelib.routing.packed import GHOST_GRACE, Route
from chalicelib.routing.travel_times import WorkClock
from chalicelib.units import Seconds, Timestamp

THOUSANDTH = 1e-3  # of a second: what sums of floats may be off


@dataclass(frozen=True, slots=True)
class Called:
    """What happened at one place, and with the breaks on the way there."""

    departed: float
    arrived: float
    started: float
    closes: float
    break_late: float


def is_ghost(kind: StopKind, expires_at: Timestamp, now: Timestamp) -> bool:
    return kind is StopKind.HELD and expires_at + GHOST_GRACE <= now


def drive(
    route: Route, clock: WorkClock, now: Timestamp, *, delayed: dict[int, float] | None = None
) -> list[Called]:
    """Drive a route as planned; at places in `delayed` the van arrives that many seconds later."""
    shift = route.shift
    open_breaks = list(shift.breaks)
    legs = [int(seconds) for seconds in route.stops["leg_seconds"]] + [route.last_leg.seconds]
    leaving: float = shift.starts_at
    log = []
    for place, leg in enumerate(legs):
        if place < len(route.stops):
            each = route.stop(place)
            ghost = is_ghost(each.kind, each.expires_at, now)
            opens: float = 0 if ghost else each.window.start
            closes: float = float("inf") if ghost else each.window.end
            service: Seconds = 0 if ghost else each.service_time
        else:
            opens, closes, service = 0, shift.ends_at, 0
        break_late = -1.0
        for rest in list(open_breaks):
            done = max(_arrival(clock, leaving, leg), opens) + service
            if done > rest.latest_at:
                begins = max(leaving, rest.earliest_at)
                break_late = max(break_late, begins - rest.latest_at)
                leaving = begins + rest.duration
                open_breaks.remove(rest)
        arrived = _arrival(clock, leaving, leg) + (delayed or {}).get(place, 0.0)
        started = max(arrived, opens)
        log.append(Called(leaving, arrived, started, closes, break_late))
        leaving = started + service
    return log


def _arrival(clock: WorkClock, leaving: float, leg: Seconds) -> float:
    return float(clock.clock(clock.work(leaving) + leg))


def on_time(log: list[Called]) -> bool:
    """Whether every window is kept, the shift's end and the breaks' included."""
    return all(call.arrived <= call.closes + THOUSANDTH and call.break_late <= THOUSANDTH for call in log)


def spare(log: list[Called]) -> float:
    """Seconds to the nearest window's end; negative when one is missed."""
    return min(call.closes - call.arrived for call in log)
