"""The live plans of a depot, ready to be searched: routes read, bounds and judgements remembered.

What a route's sweep and judgement cost is paid once per version of the route and process. Weak point: these
memories belong to one depot as described now; a new description starts afresh.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import Upstream
from chalicelib.events import Tenant
from chalicelib.fleet.calendar import dates_between, work_clock
from chalicelib.fleet.model import Depot, Vehicle
from chalicelib.fleet.plans import NOWHERE, UNASSIGNED, RouteWrite, routes_between
from chalicelib.routing.edit import renumbered, without
from chalicelib.routing.ejection import Ejection
from chalicelib.routing.insertion import Insertion
from chalicelib.routing.model import StopKind, TimeWindow, Visit
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import World
from chalicelib.routing.sweeps import Sweeps, Swept
from chalicelib.routing.travel_times import StraightLine, TravelTimes
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import Seconds, StopId, Timestamp

_DEPOTS_REMEMBERED = 64

type TravelFor = Callable[[Depot], TravelTimes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a stop was when last written: a hint; on a miss the plan is read.

    Attributes
    ----------
    day
        The plan's: local date of the shift's start.
    """

    depot_id: str
    day: date
    shift_id: str


class PlanStore(Protocol):
    """Where routes are kept, as far as reading plans needs it."""

    def vehicles(self, tenant: Tenant, depot: Depot) -> Sequence[Vehicle]:
        """All vehicles of a depot, as of its `fleet_version`."""
        ...

    def routes(
        self, tenant: Tenant, depot_id: str, *, first: date, last: date, consistent: bool
    ) -> Sequence[tuple[date, Route]]:
        """Stored routes of the plans from one local date to another, both included.

        A route whose version has not changed since it was last read is the very same object.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DepotPlans:
    """All routes of a depot's plans over some dates, as one read found them.

    Attributes
    ----------
    days
        The plan (local date) of each route.
    unassigned
        Of each plan what no van has: never searched.
    answering
        Whether `travel` is the depot's own engine; False if that is out of reach and the straight line
        stands in, which only a search may rely on.
    """

    depot: Depot
    routes: tuple[Route, ...]
    days: tuple[date, ...]
    unassigned: tuple[tuple[date, Route], ...]
    travel: TravelTimes
    sweeps: Sweeps
    answering: bool = True

    @property
    def world(self) -> World:
        """What its routes are judged by."""
        return self.sweeps.world

    def swept(self, now: Timestamp) -> Swept:
        """Its routes with the bounds of their gaps."""
        return self.sweeps.of(self.routes, now)

    def open_for_loading(self, now: Timestamp) -> NDArray[np.bool_]:
        """Which routes still take parcels: not withdrawn, and not loaded yet."""
        return np.array(
            [not route.withdrawn and now < route.shift.loads_at for route in self.routes], dtype=bool
        )

    def insertion(
        self,
        visit: Visit,
        windows: Sequence[TimeWindow],
        now: Timestamp,
        travel: TravelTimes | None = None,
        *,
        only: str | None = None,
    ) -> Insertion:
        """Ask where a visit fits, in every route that may take it; in that of one shift, if one is named."""
        swept = self.swept(now)
        allowed = swept.able(visit) & self.open_for_loading(now)
        if only is not None:
            allowed &= np.array([route.shift.shift_id == only for route in self.routes], dtype=bool)
        return Insertion(self.sweeps, swept, allowed, visit, windows, travel or self.travel, now)

    def ejection(
        self,
        visit: Visit,
        windows: Sequence[TimeWindow],
        now: Timestamp,
        travel: TravelTimes | None = None,
    ) -> Ejection:
        """Ask who could make room for a visit where it fits nowhere directly; nobody leaves his plan."""
        return Ejection(
            self.sweeps,
            self.swept(now),
            self.open_for_loading(now),
            np.array([day.toordinal() for day in self.days], dtype=np.int64),
            visit,
            windows,
            travel or self.travel,
            now,
        )

    def without_stop(self, stop_id: StopId, now: Timestamp) -> "DepotPlans":
        """The same plans as if a stop had been taken out, if it is in them."""
        holder = self.holder(stop_id)
        if holder is None:
            return self
        if is_unassigned(holder):
            at = holder.index_of(stop_id)
            return self if at is None else self.with_route(holder.removed(at, NOWHERE))
        return self.with_route(without(holder, stop_id, self.travel, now, self.world))

    def with_route(self, changed: Route) -> "DepotPlans":
        """The same plans with one route replaced by what it would become."""
        return replace(
            self,
            routes=tuple(changed if _same_shift(route, changed) else route for route in self.routes),
            unassigned=tuple(
                (day, changed if _same_shift(route, changed) else route) for day, route in self.unassigned
            ),
        )

    def loading_from(self, earliest: Timestamp) -> "DepotPlans":
        """The same plans without the vans that are loaded before a moment."""
        later = [
            (day, route)
            for day, route in zip(self.days, self.routes, strict=True)
            if route.shift.loads_at >= earliest
        ]
        return replace(self, routes=tuple(route for _, route in later), days=tuple(day for day, _ in later))

    def write(self, route: Route) -> RouteWrite:
        """Store one of these routes, changed."""
        found = self.found(route)
        born = self.depot.fleet_version if route.version == 0 else None
        return RouteWrite(depot_id=found.depot_id, day=found.day, route=route, fleet_version=born)

    def same_shift(self, route: Route) -> Route:
        """The route these plans have for the shift of another."""
        return next(other for _, other in self._all() if _same_shift(other, route))

    def same_shifts(self, routes: Sequence[Route]) -> list[Route] | None:
        """The routes these plans have for the shifts of others; None if one of them is gone."""
        found = [next((one for _, one in self._all() if _same_shift(one, route)), None) for route in routes]
        known = [route for route in found if route is not None]
        return known if len(known) == len(found) else None

    def holder(self, stop_id: StopId) -> Route | None:
        """The route that is to serve a stop; the unassigned one, if no van has it.

        A route keeps a stop that it tried and gave away, as one that is done: it does not hold it.
        """
        return next((route for _, route in self._all() if _holds(route, stop_id)), None)

    def found(self, route: Route) -> Found:
        """Where a route stands."""
        day = next(day for day, other in self._all() if _same_shift(other, route))
        return Found(depot_id=self.depot.depot_id, day=day, shift_id=route.shift.shift_id)

    def _all(self) -> Iterator[tuple[date, Route]]:
        return chain(zip(self.days, self.routes, strict=True), self.unassigned)


def is_unassigned(route: Route) -> bool:
    """Whether this is the plan's list of what no van has, and not a van's route."""
    return route.shift.shift_id == UNASSIGNED


def _holds(route: Route, stop_id: StopId) -> bool:
    at = route.index_of(stop_id)
    return at is not None and int(route.stops["kind"][at]) != StopKind.DONE


def _same_shift(one: Route, other: Route) -> bool:
    return (one.shift.shift_id, one.shift.starts_at) == (other.shift.shift_id, other.shift.starts_at)


class Planner:
    """Reads plans and remembers what was computed of them; one per process.

    Parameters
    ----------
    staleness
        How old a snapshot may be that answers a search, in seconds; writes always read strongly.
    """

    def __init__(self, store: PlanStore, travel_for: TravelFor, *, noise: Noise, staleness: Seconds) -> None:
        self._store, self._travel_for = store, travel_for
        self._noise, self._staleness = noise, staleness
        self._sweeps: dict[tuple[Tenant, str], Sweeps] = {}
        self._snapshots: dict[tuple[Tenant, str, date, date], tuple[Timestamp, DepotPlans]] = {}

    def read(
        self, tenant: Tenant, depot: Depot, first: date, last: date, *, now: Timestamp, consistent: bool
    ) -> DepotPlans:
        """The plans whose routes may serve windows that start on local dates from `first` to `last`.

        A window after midnight may be served by the shift of the day before, so that day is read too.
        """
        key = (tenant, depot.depot_id, first, last)
        if not consistent and self._staleness:
            read_at, plans = self._snapshots.get(key, (0, None))
            if plans is not None and plans.depot == depot and 0 <= now - read_at < self._staleness:
                return plans
        begin = first - timedelta(days=1)
        travel, answering = self._engine(depot, needed=consistent)
        stored = self._store.routes(tenant, depot.depot_id, first=begin, last=last, consistent=consistent)
        merged = routes_between(
            stored, depot, self._store.vehicles(tenant, depot), first=begin, last=last, travel=travel
        )
        pairs = [
            (day, renumbered(route, travel)) for day in dates_between(begin, last) for route in merged[day]
        ]
        vans = [(day, route) for day, route in pairs if not is_unassigned(route)]
        plans = DepotPlans(
            depot=depot,
            routes=tuple(route for _, route in vans),
            days=tuple(day for day, _ in vans),
            unassigned=tuple((day, route) for day, route in pairs if is_unassigned(route)),
            travel=travel,
            sweeps=self._sweeps_of(tenant, depot, now),
            answering=answering,
        )
        self._snapshots = {key: (now, plans)} if self._staleness else {}
        return plans

    def _engine(self, depot: Depot, *, needed: bool) -> tuple[TravelTimes, bool]:
        try:
            return self._travel_for(depot), True
        except Upstream:
            if needed:
                raise
            return StraightLine(), False

    def _sweeps_of(self, tenant: Tenant, depot: Depot, now: Timestamp) -> Sweeps:
        """The memory for a depot as it is described now; a new day brings a new clock and a new memory."""
        horizon = depot.booking.horizon_days
        today = date.fromordinal(date(1970, 1, 1).toordinal() + now // 86_400)
        clock = work_clock(depot, today - timedelta(days=2), today + timedelta(days=horizon + 2))
        world = World(clock=clock, noise=self._noise, target=depot.target_kept, closed=depot.closed)
        key = (tenant, depot.depot_id)
        known = self._sweeps.get(key)
        if known is None or known.world != world:
            if len(self._sweeps) >= _DEPOTS_REMEMBERED:
                self._sweeps.pop(next(iter(self._sweeps)))
            known = self._sweeps[key] = Sweeps(world)
        return known
