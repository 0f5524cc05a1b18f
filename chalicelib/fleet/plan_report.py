"""A plan as people look at it: every van's day in order, what nobody drives yet, and how the promises stand.

Weak point: `live_eta` is empty until the day moves; what is shown before is the plan and its odds.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.fleet.model import Depot, Driver
from chalicelib.fleet.plans import UNASSIGNED, PlanKey
from chalicelib.fleet.risk import Risk, Visit, visits, waiting
from chalicelib.routing.model import Load, Shift
from chalicelib.routing.packed import Route, together
from chalicelib.routing.proof import World
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.units import Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteReport:
    """One van's day.

    Attributes
    ----------
    load
        Everything it carries, holds included.
    """

    shift: Shift
    version: int
    driver: Driver | None
    by_hand: bool
    withdrawn: bool
    load: Load
    visits: tuple[Visit, ...]


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
    *,
    world: World,
    travel: TravelTimes,
) -> PlanReport:
    """Judge a plan's routes and lay them out by start; withdrawn ones are left out unless they did something.

    Parameters
    ----------
    routes
        All of the plan, the unassigned one included.
    drivers
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
    judged = visits(driven, now, world=world, travel=travel)
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
            )
            for route, here in zip(driven, judged, strict=True)
        ),
        unassigned=tuple(nobodys),
        counts={risk: counts[risk] for risk in Risk},
    )


def _load(here: Iterable[Visit]) -> Load:
    load = Load()
    for visit in here:
        load = together(load, visit.stop.load)
    return load
