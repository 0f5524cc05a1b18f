"""Plans: what is stored of a depot's routes, completed by the empty ones that weekly templates yield.

A shift that nobody booked on and nobody touched is not stored; its route is made from the template, at
version 0, and the same object every time, because whoever searches remembers what was computed for a route by
that object. A stored route wins over the template's of the same id, and what a human put or took back, or
buyers booked on, wins over a template's shift that overlaps it: no vehicle is ever in two places.
Weak point: overlap is seen within the dates that are merged together.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from chalicelib.errors import OffRoad
from chalicelib.events import Actor, Fact, FactKind
from chalicelib.fleet.calendar import dates_between, instant, template_shifts
from chalicelib.fleet.model import Depot, Vehicle
from chalicelib.routing.model import NO_NODE, Capacity, Leg, Shift, Stop
from chalicelib.routing.packed import Route, no_stops
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.units import DAY, Timestamp

UNASSIGNED: Final = "~unassigned"
"""Shift id of the one route of each plan that no van drives: no merchant's id can look like this."""

NOWHERE: Final = Leg(seconds=0, metres=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanKey:
    """Which plan: a depot and the local date on which its shifts start."""

    depot_id: str
    day: date

    def __str__(self) -> str:
        """As the subject of a fact."""
        return f"{self.depot_id}/{self.day.isoformat()}"

    @staticmethod
    def parse(text: str) -> "PlanKey":
        """Read what `str` wrote."""
        depot_id, _, day = text.rpartition("/")
        return PlanKey(depot_id=depot_id, day=date.fromisoformat(day))


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteWrite:
    """Store `route` as version `route.version + 1`, if `route.version` is what is stored (0: nothing is).

    Attributes
    ----------
    fleet_version
        If given, also on condition that the depot's is still this. Needed for version 0 only: what is about
        to be stored was made from a template, and a change of the template rewrites stored routes; without
        this check a route could be born in between under constraints that no longer hold.
    """

    depot_id: str
    day: date
    route: Route
    fleet_version: int | None = None


def routes_between(
    stored: Iterable[tuple[date, Route]],
    depot: Depot,
    vehicles: Sequence[Vehicle],
    *,
    first: date,
    last: date,
    travel: TravelTimes,
) -> dict[date, list[Route]]:
    """Merge stored routes with those that the weekly templates yield.

    Parameters
    ----------
    stored
        Routes with the date of their plan; withdrawn and unassigned ones included.
    travel
        The depot's engine: its nodes go into the routes that are made here.

    Returns
    -------
    For each date from `first` to `last` its routes by shift id, the unassigned route last if there is one.
    The same template's route is the same object in every call with an equal depot and vehicle.

    Notes
    -----
    Cost: about 1 us per vehicle and date once made.
    """
    node, graph = _node_of(depot, travel), travel.fingerprint
    merged: dict[date, dict[str, Route]] = {day: {} for day in dates_between(first, last)}
    taken: defaultdict[str, list[Shift]] = defaultdict(list)
    for day, route in stored:
        if day in merged:
            merged[day][route.shift.shift_id] = route
        if route.by_hand or not route.withdrawn:
            taken[route.shift.vehicle_id].append(route.shift)
    for day, routes in merged.items():
        for vehicle in vehicles:
            theirs = taken.get(vehicle.vehicle_id, ())
            for route in _template_routes(depot, vehicle, day, node, graph):
                shift = route.shift
                if shift.shift_id not in routes and not any(overlap(shift, other) for other in theirs):
                    routes[shift.shift_id] = route
    return {day: [routes[shift_id] for shift_id in sorted(routes)] for day, routes in merged.items()}


def plans_changed(
    writes: Iterable[RouteWrite], now: Timestamp, why: str, *, actor: Actor = Actor.SYSTEM
) -> tuple[Fact, ...]:
    """One fact for each plan that was written to: it may be improvable now, or in trouble on the road."""
    troubled = dict[PlanKey, bool]()
    for write in writes:
        plan = PlanKey(depot_id=write.depot_id, day=write.day)
        late = write.route.withdrawn and now >= write.route.shift.loads_at
        troubled[plan] = troubled.get(plan, False) or late or is_on_road(write.route, now)
    return tuple(
        plan_changed(plan, now, why, actor=actor, troubled=troubled[plan])
        for plan in sorted(troubled, key=str)
    )


def plan_changed(
    plan: PlanKey,
    now: Timestamp,
    why: str,
    *,
    actor: Actor = Actor.SYSTEM,
    replan_id: str | None = None,
    troubled: bool = False,
) -> Fact:
    """Ask for a look at a plan.

    Parameters
    ----------
    replan_id
        Of the replan that is to answer somebody.
    troubled
        It is on the road: to be repaired at once, not improved in time.
    """
    data = {"why": why} if replan_id is None else {"why": why, "replan_id": replan_id}
    kind = FactKind.PLAN_TROUBLED if troubled else FactKind.PLAN_CHANGED
    return Fact(kind=kind, at=now, actor=actor, subject=str(plan), sequence=0, data=data)


def is_on_road(route: Route, now: Timestamp) -> bool:
    """Whether a van has loaded what it has: from then on its route is repaired, not improved."""
    return now >= route.shift.loads_at and bool(route.shift.vehicle_id) and len(route.stops) > 0


def overlap(one: Shift, other: Shift) -> bool:
    """Whether two shifts are under way at the same time; one may start the second the other ends."""
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


def unassigned(route: Route | None, depot: Depot, day: date, stops: Iterable[Stop]) -> Route:
    """Add stops to a plan's unassigned route, made anew if there is none yet.

    A stop that is there already stays as it is. Legs mean nothing in it and are 0.
    """
    if route is None:
        midnight = instant(ZoneInfo(depot.timezone), day, time(0))
        shift = Shift(
            shift_id=UNASSIGNED,
            vehicle_id="",
            starts_at=midnight,
            ends_at=midnight + DAY,
            loads_at=midnight,
            capacity=Capacity(parcels=0),
            skills=frozenset(),
            start=depot.location,
            end=depot.location,
        )
        route = Route(shift=shift, stops=no_stops(), last_leg=NOWHERE)
    for stop in stops:
        if route.index_of(stop.stop_id) is None:
            route = route.inserted(len(route.stops), stop, NOWHERE, NOWHERE)
    return route


@lru_cache(maxsize=16384)
def _template_routes(depot: Depot, vehicle: Vehicle, day: date, node: int, graph: int) -> tuple[Route, ...]:
    return tuple(
        Route(
            shift=shift,
            stops=no_stops(),
            last_leg=NOWHERE,  # a template's shift ends where it starts
            graph=graph,
            start_node=node,
            end_node=node,
        )
        for shift in template_shifts(depot, vehicle, day)
    )


def _node_of(depot: Depot, travel: TravelTimes) -> int:
    if not travel.fingerprint:  # no nodes; asking might mean asking a server
        return NO_NODE
    try:
        return travel.snap(depot.location)
    except OffRoad:  # refused when the depot was put; the graph may have changed since
        return NO_NODE
