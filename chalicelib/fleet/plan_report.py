"""A plan as people look at it: every van's day in order, what nobody drives yet, and how the promises stand.

A van that has left is shown as its day goes: what it did, and what is expected of the rest. Weak point: a
stop that is behind counts as kept or broken by when the van came, whatever came of it there.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.fleet.arrival import Arrival
from chalicelib.fleet.live import Live, Turn, live
from chalicelib.fleet.model import Depot, Driver
from chalicelib.fleet.past import Past
from chalicelib.fleet.plans import UNASSIGNED, PlanKey
from chalicelib.fleet.progress import Progress, served_by
from chalicelib.fleet.risk import Cause, Risk, Visit, visits, visits_ahead, waiting
from chalicelib.fleet.turns import turn_before
from chalicelib.routing.model import Load, Shift, StopKind
from chalicelib.routing.packed import Route, together
from chalicelib.routing.proof import World
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.units import StopId, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteReport:
    """One van's day.

    Attributes
    ----------
    load
        Everything it carries, holds included.
    arrivals
        When it is expected where, from the moment it moves.
    """

    shift: Shift
    version: int
    driver: Driver | None
    by_hand: bool
    withdrawn: bool
    load: Load
    visits: tuple[Visit, ...]
    arrivals: Mapping[StopId, Arrival] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReport:
    """A whole plan.

    Attributes
    ----------
    version
        Sum of its routes' versions: grows with every change.
    counts
        Promises by how they stand, unassigned ones included.
    """

    place: PlanKey
    timezone: str
    version: int
    routes: tuple[RouteReport, ...]
    unassigned: tuple[Visit, ...]
    counts: Mapping[Risk, int]


def report(
    place: PlanKey,
    depot: Depot,
    routes: Sequence[Route],
    drivers: Mapping[str, Driver],
    now: Timestamp,
    progresses: Mapping[str, Progress],
    *,
    world: World,
    travel: TravelTimes,
    past: Past,
) -> PlanReport:
    """Judge a plan's routes and lay them out by start; withdrawn ones are left out unless they did something.

    Parameters
    ----------
    routes
        All of the plan, the unassigned one included.
    drivers, progresses
        By shift id.
    """
    driven = sorted(
        (
            route
            for route in routes
            if route.shift.shift_id != UNASSIGNED and not (route.withdrawn and not len(route.stops))
        ),
        key=lambda route: (route.shift.starts_at, route.shift.shift_id),
    )
    nobodys = [
        visit
        for route in routes
        if route.shift.shift_id == UNASSIGNED
        for visit in waiting(route, now, world.closed)
    ]

    def look(route: Route, progress: Progress, before: Turn | None) -> Live:
        return live(route, progress, now, world=world, travel=travel, past=past, before=before)

    judged = visits(driven, now, world=world, travel=travel)
    arrivals = dict[str, Mapping[StopId, Arrival]]()
    for number, route in enumerate(driven):
        shift_id = route.shift.shift_id
        progress = progresses.get(shift_id) or Progress(shift_id=shift_id, plan=place)
        before = turn_before(route, driven, progresses, look)
        if not progress.milestones:
            judged[number] = [_as_loaded(visit, progress) for visit in judged[number]]
        if progress.milestones or before is not None:
            day = look(route, progress, before)
            ahead = visits_ahead(day, now, world=world, travel=travel)
            behind = served_by(route, progress)
            judged[number] = _as_it_went(judged[number], ahead, progress, behind)
            arrivals[shift_id] = day.arrivals
    counts = Counter(visit.risk for here in [*judged, nobodys] for visit in here if visit.risk)
    return PlanReport(
        place=place,
        timezone=depot.timezone,
        version=sum(route.version for route in routes),
        routes=tuple(
            RouteReport(
                shift=route.shift,
                version=route.version,
                driver=drivers.get(route.shift.shift_id),
                by_hand=route.by_hand,
                withdrawn=route.withdrawn,
                load=_load(here),
                visits=tuple(here),
                arrivals=arrivals.get(route.shift.shift_id, {}),
            )
            for route, here in zip(driven, judged, strict=True)
        ),
        unassigned=tuple(nobodys),
        counts={risk: counts[risk] for risk in Risk},
    )


def _as_it_went(
    planned: Iterable[Visit], ahead: Iterable[Visit], progress: Progress, behind: Collection[StopId]
) -> list[Visit]:
    """Stops in the plan's order: those behind as they went, those ahead as they are expected to."""
    expected = {visit.stop.stop_id: visit for visit in ahead}
    found = []
    for visit in planned:
        stop = visit.stop
        planned_at = _as_loaded(visit, progress).planned_at
        served = progress.visit(stop.stop_id) if stop.stop_id in behind else None
        if served is not None and visit.risk is not None:
            kept = served.arrived_at <= stop.window.end
            stop = stop if served.left_at is None else replace(stop, kind=StopKind.DONE)
            risk, cause = (Risk.KEPT, None) if kept else (Risk.BROKEN, Cause.LATE)
            visit = Visit(stop=stop, planned_at=planned_at, kept=float(kept), risk=risk, cause=cause)
        else:
            visit = replace(expected.get(stop.stop_id, visit), planned_at=planned_at)
        found.append(visit)
    return found


def _as_loaded(visit: Visit, progress: Progress) -> Visit:
    """A visit with the time that was planned for it as its van was loaded, if it has that window still."""
    at = progress.planned.get(visit.stop.stop_id)
    return visit if at is None or at < visit.stop.window.start else replace(visit, planned_at=at)


def _load(here: Iterable[Visit]) -> Load:
    load = Load()
    for visit in here:
        load = together(load, visit.stop.load)
    return load
