"""Describing a fleet: depots, vehicles, shifts, and what a change of them does to promises already made.

Every command reads, decides and writes one transaction that relies on the depot's `fleet_version` and on the
version of each route it touches; when one of them moved, it reads and decides anew. So two changes of one
fleet never interleave, and no booking slips in between; and so all commands stand in one module, as they
share one way to read, to try again and to write. A change that promises cannot bear is accepted and answered
with the promises at risk. Weak point: a change that touches more routes than one transaction holds is written
in several, the description itself last; interrupted, it is completed by repeating it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from chalicelib.errors import Conflict, FieldError, InvalidRequest, NotFound, StaleWrite, Upstream
from chalicelib.events import Tenant
from chalicelib.fleet.calendar import ONE_DAY, date_named_in, local_date, weekly_shift_of, work_clock
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.model import Depot, Driver, Vehicle
from chalicelib.fleet.plan_report import PlanReport, report
from chalicelib.fleet.planning import TravelFor
from chalicelib.fleet.plans import PlanKey, RouteWrite, plan_changed, plans_changed, routes_between
from chalicelib.fleet.risk import endangered, visits, waiting
from chalicelib.fleet.rules import depot_faults, require, shift_faults, vehicle_faults, weekly_overlap
from chalicelib.fleet.shifts import (
    Consequences,
    KnownShift,
    ShiftWish,
    empty_route,
    overlapping,
    reshaped,
    shift_overlap,
    taken_back,
    templates_changed,
    withdrawn,
)
from chalicelib.fleet.store import FleetChanges, FleetStore, ShiftRow
from chalicelib.routing.closed import reached
from chalicelib.routing.model import StopKind
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import World
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import StopId, Timestamp

ATTEMPTS = 10
MOST_ROUTES_A_COMMIT = 60  # a transaction holds 100 rows, and more than routes are written

type Pause = Callable[[int], None]
"""Waits before the n-th repetition, longer each time and by chance, so that colliding writers part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted[T]:
    """What was stored, and the ids of the promises that this endangers."""

    value: T
    at_risk: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A shift as whoever drives it needs it."""

    depot: Depot
    place: PlanKey
    route: Route
    driver: Driver | None


class Fleet:
    """A merchant's depots, vehicles, shifts and plans; one per process, holds no state.

    Parameters
    ----------
    travel_for
        Finds a depot's travel-time engine.
    pause
        Waits before a repetition.
    """

    def __init__(self, store: FleetStore, travel_for: TravelFor, *, noise: Noise, pause: Pause) -> None:
        self._store, self._travel_for, self._noise, self._pause = store, travel_for, noise, pause

    # --- depots

    def depots(self, tenant: Tenant, *, after: str | None, limit: int) -> tuple[Sequence[Depot], str | None]:
        """List some depots of a merchant, in order of their ids.

        Parameters
        ----------
        after
            Id of the last depot of the part before; None for the first part.

        Returns
        -------
        The depots, and the `after` of the next part; None when this was the last.
        """
        rest = [depot for depot in self._store.depots(tenant) if depot.depot_id > (after or "")]
        return rest[:limit], rest[limit - 1].depot_id if len(rest) > limit else None

    def depot(self, tenant: Tenant, depot_id: str) -> Depot:
        """Read one depot.

        Raises
        ------
        NotFound
            The merchant has no such depot.
        """
        depot = self._store.depot(tenant, depot_id)
        if depot is None:
            raise NotFound("There is no such depot.")
        return depot

    def put_depot(self, tenant: Tenant, wish: Depot, now: Timestamp) -> Accepted[Depot]:
        """Describe a depot, new or anew.

        Booked routes that come from weekly templates follow the depot's location and loading lead. A plan
        with stops at a time in which something is delivered no more, or again, is looked at by the worker.

        Returns
        -------
        The depot; at risk are promises of routes that changed, and of those that closures reach into.

        Raises
        ------
        InvalidRequest
            The description contradicts itself, or no road is near (`off_road`).
        Conflict
            `depot_in_use`: the time zone cannot change while shifts are stored by its dates.
        """
        require(depot_faults(wish), "depot")
        try:
            travel = self._travel_for(wish)
        except Upstream as error:
            wrong = FieldError("/travel", "names an engine or road graph that is there")
            raise InvalidRequest("There are no such travel times.", fields=[wrong]) from error
        travel.snap(wish.location)
        return self._retried(lambda: self._put_depot(tenant, wish, now, travel))

    def _put_depot(self, tenant: Tenant, wish: Depot, now: Timestamp, travel: TravelTimes) -> Accepted[Depot]:
        old = self._store.depot(tenant, wish.depot_id)
        if old is None:
            depot = replace(wish, version=1, fleet_version=1)
            changes = FleetChanges(depot_id=wish.depot_id, fleet_version=0, depot=depot)
            self._store.commit_fleet(tenant, changes)
            return Accepted(value=depot)
        depot = replace(wish, version=old.version, fleet_version=old.fleet_version)
        farther = max(old, depot, key=lambda each: each.booking.horizon_days)
        stored = self._coming(tenant, farther, now)
        if depot.timezone != old.timezone and any(not route.withdrawn for _, route in stored):
            raise Conflict("The time zone cannot change while there are shifts.", code="depot_in_use")
        then = Consequences()
        if (depot.location, depot.loading_lead_minutes) != (old.location, old.loading_lead_minutes):
            then = templates_changed(depot, self._store.vehicles(tenant, old), stored, now, travel)
        changed = {route.shift.shift_id for route in then.changed}
        barred = [
            route
            for _, route in stored
            if route.shift.shift_id not in changed and reached(route, depot.closed, now)
        ]
        then = replace(then, changed=(*then.changed, *(route for route in barred if route.driven)))
        at_risk = self._endangered(depot, then, now, travel)
        at_risk += endangered(waiting(route, now) for route in barred if not route.driven)
        if depot != old or then.writes:
            depot = replace(depot, version=old.version + 1, fleet_version=_after(old, then))
            closed_or_reopened = set(old.closed) ^ set(depot.closed)
            plans = {
                PlanKey(depot_id=depot.depot_id, day=day)
                for day, route in stored
                if reached(route, closed_or_reopened, now)
            }
            changes = FleetChanges(
                depot_id=depot.depot_id,
                fleet_version=old.fleet_version,
                depot=depot,
                facts=tuple(plan_changed(plan, now, "closures") for plan in sorted(plans, key=str)),
            )
            self._commit(tenant, changes, then.writes, now, why="depot")
        return Accepted(value=depot, at_risk=_promise_ids(at_risk))

    # --- vehicles

    def vehicle(self, tenant: Tenant, depot_id: str, vehicle_id: str) -> Vehicle:
        """Read one vehicle.

        Raises
        ------
        NotFound
            The merchant has no such depot, or the depot no such vehicle.
        """
        vehicle = self._vehicle(tenant, self.depot(tenant, depot_id), vehicle_id)
        if vehicle is None:
            raise NotFound("There is no such vehicle.")
        return vehicle

    def put_vehicle(self, tenant: Tenant, depot_id: str, wish: Vehicle, now: Timestamp) -> Accepted[Vehicle]:
        """Describe a vehicle and its weekly template, new or anew.

        Booked routes that come from the template follow it (see `shifts.follow_template`); those that a human
        put or took back do not.

        Returns
        -------
        The vehicle; at risk are the promises of routes that changed or were taken back.

        Raises
        ------
        NotFound
            The merchant has no such depot.
        InvalidRequest
            `shift_overlap`, or the description contradicts itself.
        """
        require(vehicle_faults(wish), "vehicle")
        clash = weekly_overlap(wish)
        if clash:
            raise InvalidRequest("Shifts of the week overlap.", code="shift_overlap", fields=[clash])
        return self._retried(lambda: self._put_vehicle(tenant, depot_id, wish, now))

    def _put_vehicle(self, tenant: Tenant, depot_id: str, wish: Vehicle, now: Timestamp) -> Accepted[Vehicle]:
        depot = self.depot(tenant, depot_id)
        old = self._vehicle(tenant, depot, wish.vehicle_id)
        vehicle = replace(wish, version=old.version if old else 0)
        travel = self._travel_for(depot)
        then = templates_changed(depot, [vehicle], self._coming(tenant, depot, now), now, travel)
        if vehicle != old or then.writes:
            vehicle = replace(vehicle, version=vehicle.version + 1)
            changes = FleetChanges(depot_id=depot_id, fleet_version=depot.fleet_version, vehicle=vehicle)
            self._commit(tenant, changes, then.writes, now, why="vehicle")
        at_risk = self._endangered(depot, then, now, travel)
        return Accepted(value=vehicle, at_risk=_promise_ids(at_risk))

    def delete_vehicle(
        self, tenant: Tenant, depot_id: str, vehicle_id: str, now: Timestamp
    ) -> Accepted[None]:
        """Take a vehicle out: its template yields nothing any more, and what is not loaded yet is taken back.

        Shifts put by hand stay.

        Raises
        ------
        NotFound
            The merchant has no such depot, or the depot no such vehicle.
        """
        return self._retried(lambda: self._delete_vehicle(tenant, depot_id, vehicle_id, now))

    def _delete_vehicle(
        self, tenant: Tenant, depot_id: str, vehicle_id: str, now: Timestamp
    ) -> Accepted[None]:
        depot = self.depot(tenant, depot_id)
        vehicle = self._vehicle(tenant, depot, vehicle_id)
        if vehicle is None:
            raise NotFound("There is no such vehicle.")
        travel = self._travel_for(depot)
        idle = replace(vehicle, weekly=())
        then = templates_changed(depot, [idle], self._coming(tenant, depot, now), now, travel)
        changes = FleetChanges(
            depot_id=depot_id, fleet_version=depot.fleet_version, removed_vehicle=vehicle_id
        )
        self._commit(tenant, changes, then.writes, now, why="vehicle")
        return Accepted(value=None, at_risk=_promise_ids(self._endangered(depot, then, now, travel)))

    # --- shifts

    def shift_place(self, tenant: Tenant, shift_id: str) -> PlanKey | None:
        """Find the plan of a shift by its id alone; None if there is no such shift.

        Cost: one read for a shift a human touched; for a template's, its depot's plans around that date, and
        every depot's if the id is too long to name its own.
        """
        row = self._store.shift_row(tenant, shift_id)
        if row is not None:
            return row.place
        day = date_named_in(shift_id)
        depots = self._store.depots(tenant) if day else ()
        for depot in sorted(depots, key=lambda depot: not shift_id.startswith(f"{depot.depot_id}.")):
            routes = self._around(tenant, depot, day)[day] if day else []
            if day and _named(routes, shift_id):
                return PlanKey(depot_id=depot.depot_id, day=day)
        return None

    def shift(self, tenant: Tenant, depot_id: str, shift_id: str) -> KnownShift:
        """Read one shift, put by hand or from the template.

        Raises
        ------
        NotFound
            The depot has no such shift, or it was taken back.
        """
        depot, place, route = self._find(tenant, depot_id, shift_id)
        return _known(depot, place, route, self._driver(tenant, depot, route))

    def duty(self, tenant: Tenant, shift_id: str, *, place: PlanKey | None = None) -> Duty:
        """Find a shift by its id alone, with its route as it is, read strongly, and who drives it.

        Cost: three reads where the plan is known, and those of `shift_place` where it is not.

        Raises
        ------
        NotFound
            The merchant has no such shift, or it was taken back.
        """
        place = place or self.shift_place(tenant, shift_id)
        depot = self._store.depot(tenant, place.depot_id) if place else None
        if place is not None and depot is not None:
            route = self._store.route(tenant, place.depot_id, place.day, shift_id)
            if route is None:
                route = _named(self._around(tenant, depot, place.day)[place.day], shift_id)
            if route is not None and not route.withdrawn:
                driver = self._driver(tenant, depot, route)
                return Duty(depot=depot, place=place, route=route, driver=driver)
        raise NotFound("There is no such shift.")

    def put_shift(
        self, tenant: Tenant, depot_id: str, shift_id: str, wish: ShiftWish, now: Timestamp
    ) -> Accepted[KnownShift]:
        """Put a single shift, new or in place of what is known under its id; the template leaves it alone.

        Its stops stay on it, whatever it shrinks to.

        Returns
        -------
        The shift; at risk are those of its promises that it cannot be expected to keep.

        Raises
        ------
        NotFound
            The merchant has no such depot.
        InvalidRequest
            `shift_overlap` with another shift of the vehicle, or the description contradicts itself.
        Conflict
            `shift_in_use`: the id belongs to a shift of another depot or date.
        """
        return self._retried(lambda: self._put_shift(tenant, depot_id, shift_id, wish, now))

    def _put_shift(
        self, tenant: Tenant, depot_id: str, shift_id: str, wish: ShiftWish, now: Timestamp
    ) -> Accepted[KnownShift]:
        depot = self.depot(tenant, depot_id)
        shift = wish.at(depot, shift_id)
        require(shift_faults(shift), "shift")
        place = PlanKey(depot_id=depot_id, day=local_date(depot, shift.starts_at))
        if self.shift_place(tenant, shift_id) not in (None, place):
            raise Conflict("This id belongs to a shift of another depot or date.", code="shift_in_use")
        travel = self._travel_for(depot)
        around = self._around(tenant, depot, place.day)
        old = _named(around[place.day], shift_id)
        route = replace(reshaped(old, shift, travel) if old else empty_route(shift, travel), by_hand=True)
        other = overlapping(route, (known for routes in around.values() for known in routes))
        if other is not None:
            raise shift_overlap(route, other)
        row = ShiftRow(shift_id=shift_id, place=place, driver=wish.driver)
        write = RouteWrite(depot_id=depot_id, day=place.day, route=route)
        changes = FleetChanges(depot_id=depot_id, fleet_version=depot.fleet_version, shift=row)
        self._commit(tenant, changes, [(write,)], now, why="shift")
        at_risk = self._endangered(depot, Consequences(changed=(route,)), now, travel)
        return Accepted(value=_known(depot, place, route, wish.driver), at_risk=_promise_ids(at_risk))

    def delete_shift(self, tenant: Tenant, depot_id: str, shift_id: str, now: Timestamp) -> Accepted[None]:
        """Take a shift back, for good: no template brings it again, only putting it does.

        Returns
        -------
        At risk are its promises: in the same transaction they went to the plan's unassigned route.

        Raises
        ------
        NotFound
            The depot has no such shift, or it was taken back.
        """
        return self._retried(lambda: self._delete_shift(tenant, depot_id, shift_id, now))

    def _delete_shift(self, tenant: Tenant, depot_id: str, shift_id: str, now: Timestamp) -> Accepted[None]:
        depot, place, route = self._find(tenant, depot_id, shift_id)
        gone = withdrawn(route, now, by_hand=True)
        plan = [known for _, known in self._stored(tenant, depot, place.day, place.day)]
        writes = taken_back([gone], plan, depot, place.day)
        row = ShiftRow(shift_id=shift_id, place=place, driver=None)
        changes = FleetChanges(depot_id=depot_id, fleet_version=depot.fleet_version, shift=row)
        self._commit(tenant, changes, [writes], now, why="shift")
        then = Consequences(moved=gone.stops)
        at_risk = self._endangered(depot, then, now, self._travel_for(depot))
        return Accepted(value=None, at_risk=_promise_ids(at_risk))

    # --- plans

    def plan(self, tenant: Tenant, depot_id: str, day: date, now: Timestamp) -> PlanReport:
        """Show the plan of a local date as it stands.

        Raises
        ------
        NotFound
            The merchant has no such depot.
        """
        depot = self.depot(tenant, depot_id)
        place = PlanKey(depot_id=depot_id, day=day)
        routes = self._around(tenant, depot, day)[day]
        drivers = self._drivers(tenant, depot, place, routes)
        world, travel = self._world(depot, day, day), self._travel_for(depot)
        progresses = self._store.progresses(tenant, place)
        past = self._store.pasts.past(tenant, depot, now)
        return report(place, depot, routes, drivers, now, progresses, world=world, travel=travel, past=past)

    # --- reading

    def _vehicle(self, tenant: Tenant, depot: Depot, vehicle_id: str) -> Vehicle | None:
        vehicles = self._store.vehicles(tenant, depot)
        return next((vehicle for vehicle in vehicles if vehicle.vehicle_id == vehicle_id), None)

    def _stored(self, tenant: Tenant, depot: Depot, first: date, last: date) -> Sequence[tuple[date, Route]]:
        return self._store.routes(tenant, depot.depot_id, first=first, last=last, consistent=True)

    def _coming(self, tenant: Tenant, depot: Depot, now: Timestamp) -> Sequence[tuple[date, Route]]:
        """Stored routes of every plan that may still be under way or on sale."""
        today = local_date(depot, now)
        return self._stored(
            tenant, depot, today - ONE_DAY, today + timedelta(days=depot.booking.horizon_days)
        )

    def _around(self, tenant: Tenant, depot: Depot, day: date) -> dict[date, list[Route]]:
        """Routes of a day and its neighbours, whose shifts may reach into it."""
        first, last = day - ONE_DAY, day + ONE_DAY
        return routes_between(
            self._stored(tenant, depot, first, last),
            depot,
            self._store.vehicles(tenant, depot),
            first=first,
            last=last,
            travel=self._travel_for(depot),
        )

    def _find(self, tenant: Tenant, depot_id: str, shift_id: str) -> tuple[Depot, PlanKey, Route]:
        depot = self.depot(tenant, depot_id)
        place = self.shift_place(tenant, shift_id)
        if place is not None and place.depot_id == depot_id:
            route = _named(self._around(tenant, depot, place.day)[place.day], shift_id)
            if route is not None and not route.withdrawn:
                return depot, place, route
        raise NotFound("There is no such shift.")

    def _driver(self, tenant: Tenant, depot: Depot, route: Route) -> Driver | None:
        row = self._store.shift_row(tenant, route.shift.shift_id)
        return row.driver if row else _template_driver(depot, self._store.vehicles(tenant, depot), route)

    def _drivers(
        self, tenant: Tenant, depot: Depot, place: PlanKey, routes: Iterable[Route]
    ) -> Mapping[str, Driver]:
        """Who drives which shift: as put by hand, else as the template says."""
        put = {row.shift_id: row.driver for row in self._store.shift_rows(tenant, place)}
        vehicles = self._store.vehicles(tenant, depot)
        drivers = {
            route.shift.shift_id: put.get(route.shift.shift_id) or _template_driver(depot, vehicles, route)
            for route in routes
        }
        return {shift_id: driver for shift_id, driver in drivers.items() if driver}

    # --- judging and writing

    def _world(self, depot: Depot, first: date, last: date) -> World:
        return World(
            clock=work_clock(depot, first, last),
            noise=self._noise,
            target=depot.target_kept,
            closed=depot.closed,
        )

    def _endangered(
        self, depot: Depot, then: Consequences, now: Timestamp, travel: TravelTimes
    ) -> list[StopId]:
        """Promises that lost their van, and those whose van is not expected to keep them."""
        found = [stop.stop_id for stop in then.moved if stop.kind is StopKind.PROMISED]
        booked = [route for route in then.changed if len(route.stops)]
        if booked:
            days = [local_date(depot, route.shift.starts_at) for route in booked]
            world = self._world(depot, min(days), max(days))
            found += endangered(visits(booked, now, world=world, travel=travel))
        return found

    def _commit(
        self,
        tenant: Tenant,
        description: FleetChanges,
        groups: Iterable[tuple[RouteWrite, ...]],
        now: Timestamp,
        *,
        why: str,
    ) -> None:
        """Write groups of routes, and what is described anew together with the last of them."""
        *batches, last = _batches(groups)
        version = description.fleet_version
        for batch in batches:
            facts = plans_changed(batch, now, why)
            changes = FleetChanges(
                depot_id=description.depot_id, fleet_version=version, routes=batch, facts=facts
            )
            self._store.commit_fleet(tenant, changes)
            version += 1
        facts = (*description.facts, *plans_changed(last, now, why))
        changes = replace(description, fleet_version=version, routes=last, facts=facts)
        self._store.commit_fleet(tenant, changes)

    def _retried[R](self, attempt: Callable[[], R]) -> R:
        for number in range(ATTEMPTS - 1):
            try:
                return attempt()
            except StaleWrite:
                self._pause(number + 1)
        return attempt()


def _known(depot: Depot, place: PlanKey, route: Route, driver: Driver | None) -> KnownShift:
    return KnownShift(
        shift=route.shift, place=place, timezone=depot.timezone, driver=driver, by_hand=route.by_hand
    )


def _template_driver(depot: Depot, vehicles: Iterable[Vehicle], route: Route) -> Driver | None:
    if route.by_hand:
        return None
    lines = (
        weekly_shift_of(depot, vehicle, route.shift)
        for vehicle in vehicles
        if vehicle.vehicle_id == route.shift.vehicle_id
    )
    return next((line.driver for line in lines if line), None)


def _named(routes: Iterable[Route], shift_id: str) -> Route | None:
    return next((route for route in routes if route.shift.shift_id == shift_id), None)


def _batches(groups: Iterable[tuple[RouteWrite, ...]]) -> list[tuple[RouteWrite, ...]]:
    """Fill transactions with groups; at least one, even if there is nothing to put into it."""
    batches = [tuple[RouteWrite, ...]()]
    for group in groups:
        if batches[-1] and len(batches[-1]) + len(group) > MOST_ROUTES_A_COMMIT:
            batches.append(())
        batches[-1] += group
    return batches


def _after(depot: Depot, then: Consequences) -> int:
    return depot.fleet_version + len(_batches(then.writes))


def _promise_ids(stops: Iterable[StopId]) -> tuple[str, ...]:
    return tuple(promise_id(stop_id) for stop_id in dict.fromkeys(stops))
