"""Which promises of a plan are in danger, and why it is said of them.

A promise is at risk when its van is expected to keep what closures leave of its window less often than
`target_kept`, cannot carry it, lacks a skill it needs or has to be home before, when nothing is delivered in
all of its window, or when no van has it at all; it is broken when even the plan comes too late for the window
itself. Weak point: a van with too many parcels or too
short a shift is assumed to leave out the last stops of its order, though its driver may choose others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from chalicelib.routing.closed import windows_left
from chalicelib.routing.edit import places_of
from chalicelib.routing.model import Leg, Load, Stop, StopKind, TimeWindow
from chalicelib.routing.packed import GHOST_GRACE, Route, fits, together
from chalicelib.routing.proof import Judged, World, judge
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.units import Probability, StopId, Timestamp

if TYPE_CHECKING:
    from chalicelib.fleet.live import Live

_PLANNED_LATE = 1.0  # seconds: less than that is rounding


class Risk(StrEnum):
    """How a promise stands."""

    KEPT = "kept"
    AT_RISK = "at_risk"
    BROKEN = "broken"


class Cause(StrEnum):
    """Why a promise does not stand well: the first of these that is true."""

    CLOSED = "closed"  # nothing is delivered in all of its window: only another slot helps
    NO_VAN = "no_van"  # every replan looks for one
    SKILL = "skill"
    LOAD = "load"
    SHIFT_ENDS = "shift_ends"  # its van has to be home before
    LATE = "late"  # as planned, or too likely


ENDANGERED = (Risk.AT_RISK, Risk.BROKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A stop that counts, as its route's timetable has it.

    Attributes
    ----------
    planned_at
        When service starts, any waiting for the window included; None when no van has it.
    kept
        Probability of arriving within the window; None when no van has it.
    risk
        None for a hold and for a meeting of vans: nothing is promised there.
    cause
        Of its being at risk or broken; None otherwise.
    """

    stop: Stop
    planned_at: Timestamp | None
    kept: Probability | None
    risk: Risk | None
    cause: Cause | None = None


def visits(
    routes: Sequence[Route], now: Timestamp, *, world: World, travel: TravelTimes
) -> list[list[Visit]]:
    """Judge the stops of routes, ghosts left out; what is done counts as kept.

    Cost: one drive of all routes through every scenario (see `routing.proof.judge`), and O(log stops) more of
    each route that is not expected home in time.
    """
    judged = judge(routes, now, world)
    found = []
    for route, timetable in zip(routes, judged, strict=True):
        here, carried = list[Visit](), Load()
        served = _served_before_home(route, timetable, now, world, travel)
        _, _, barred = windows_left(route.stops, world.closed)
        for at, stop in enumerate(route.all_stops()):
            if _is_ghost(stop, now):
                continue
            carried = together(carried, stop.load)
            kept = float(timetable.kept[at])
            cause = None
            if barred[at]:
                cause = Cause.CLOSED
            elif not stop.skills <= route.shift.skills:
                cause = Cause.SKILL
            elif not fits(carried, route.shift.capacity):
                cause = Cause.LOAD
            elif at >= served:
                cause = Cause.SHIFT_ENDS
            elif kept < world.target:
                cause = Cause.LATE
            late = bool(timetable.arrive[at] > stop.window.end + _PLANNED_LATE)
            risk = _risk(stop, safe=cause is None, late=late)
            here.append(
                Visit(
                    stop=stop,
                    planned_at=round(float(timetable.start[at])),
                    kept=round(kept, 3),
                    risk=risk,
                    cause=(cause or Cause.LATE) if risk in ENDANGERED else None,
                )
            )
        found.append(here)
    return found


def visits_ahead(day: "Live", now: Timestamp, *, world: World, travel: TravelTimes) -> list[Visit]:
    """Judge what is left of a shift as `visits` does, but by the times and odds that are expected today."""
    found = []
    for visit in visits([day.rest], now, world=world, travel=travel)[0]:
        stop_id, window = visit.stop.stop_id, visit.stop.window
        kept, expected_at = day.kept[stop_id], day.arrivals[stop_id].expected_at
        cause = visit.cause
        if cause in (None, Cause.LATE):
            cause = Cause.LATE if kept < world.target else None
        late = expected_at > window.end + _PLANNED_LATE
        risk = _risk(visit.stop, safe=cause is None, late=late)
        found.append(
            replace(
                visit,
                kept=round(kept, 3),
                risk=risk,
                cause=(cause or Cause.LATE) if risk in ENDANGERED else None,
            )
        )
    return found


def waiting(route: Route, now: Timestamp, closed: Sequence[TimeWindow] = ()) -> list[Visit]:
    """Show the stops of a plan's unassigned route: at risk until their window has passed, then broken."""
    found = []
    _, _, barred = windows_left(route.stops, closed)
    for at, stop in enumerate(route.all_stops()):
        if not _is_ghost(stop, now):
            risk = _risk(stop, safe=False, late=stop.window.end < now)
            cause = Cause.CLOSED if barred[at] else Cause.NO_VAN
            found.append(
                Visit(
                    stop=stop,
                    planned_at=None,
                    kept=None,
                    risk=risk,
                    cause=cause if risk in ENDANGERED else None,
                )
            )
    return found


def endangered(judged: Iterable[Iterable[Visit]]) -> list[StopId]:
    """Pick the promises that are at risk or broken, in the order of their routes."""
    return [visit.stop.stop_id for route in judged for visit in route if visit.risk in ENDANGERED]


def _served_before_home(
    route: Route, timetable: Judged, now: Timestamp, world: World, travel: TravelTimes
) -> int:
    """How many stops, from the first on, the van can serve and be back by its shift's end well enough."""
    count = len(route.stops)
    if timetable.kept[count] >= world.target or not count:
        return count
    around = places_of(route)
    home = around[count + 1]
    seconds = travel.to_one(around[1 : count + 1], home)
    served, too_many = 0, count
    while too_many - served > 1:
        middle = (served + too_many) // 2
        leg = Leg(seconds=int(seconds[middle - 1]), metres=0)
        cut = replace(route, stops=route.stops[:middle], last_leg=leg)
        if judge([cut], now, world)[0].kept[middle] >= world.target:
            served = middle
        else:
            too_many = middle
    return served


def _is_ghost(stop: Stop, now: Timestamp) -> bool:
    return stop.kind is StopKind.HELD and stop.expires_at + GHOST_GRACE <= now


def _risk(stop: Stop, *, safe: bool, late: bool) -> Risk | None:
    if stop.kind in (StopKind.HELD, StopKind.MEETING):
        return None
    if stop.kind is StopKind.DONE:
        return Risk.KEPT
    if late:
        return Risk.BROKEN
    return Risk.KEPT if safe else Risk.AT_RISK
