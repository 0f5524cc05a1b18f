"""A fleet service on a store in memory, with one depot and a van to change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from chalicelib.errors import OffRoad
from chalicelib.events import Tenant
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.model import Depot, Driver
from chalicelib.fleet.plans import RouteWrite, routes_between
from chalicelib.fleet.service import Fleet, ShiftWish
from chalicelib.fleet.store import FleetChanges
from chalicelib.promises.store import Changes
from chalicelib.routing.model import Capacity, Location, Stop
from chalicelib.routing.packed import Route
from chalicelib.routing.travel_times import StraightLine
from chalicelib.routing.uncertainty import Noise
from tests.fakes_store import InMemoryStore
from tests.fleet.builders import (
    ACME,
    NOW,
    STRAIGHT,
    TUESDAY,
    at,
    booked,
    depot,
    van,
)

WEDNESDAY = TUESDAY + timedelta(days=1)
SHIFT = "porto.van-1.2026-11-24.0800"


class Coast(StraightLine):
    """Straight lines on land; no road west of the coast."""

    def snap(self, location: Location) -> int:
        if location.lon < -9:
            raise OffRoad("the nearest road is far away")
        return -1


class RacedStore(InMemoryStore):
    """Lets others write just before the next commit of a fleet; unguarded, such a commit overwrites them."""

    def __init__(self, *, guarded: bool = True) -> None:
        super().__init__()
        self.guarded = guarded
        self.before_commit: Callable[[], object] = lambda: None
        self.commits: list[FleetChanges] = []

    def commit_fleet(self, tenant: Tenant, changes: FleetChanges) -> None:
        before, self.before_commit = self.before_commit, lambda: None
        before()
        self.commits.append(changes)
        if not self.guarded:
            changes = self._whatever_is_stored(tenant, changes)
        super().commit_fleet(tenant, changes)

    def book(self, write: RouteWrite) -> None:
        """Write one route, as a booking does."""
        self.commit(ACME, Changes(routes=(write,)))

    def _whatever_is_stored(self, tenant: Tenant, changes: FleetChanges) -> FleetChanges:
        here = self.depot(tenant, changes.depot_id)
        routes = []
        for write in changes.routes:
            stored = self.route(tenant, write.depot_id, write.day, write.route.shift.shift_id)
            routes.append(replace(write, route=replace(write.route, version=stored.version if stored else 0)))
        return replace(changes, fleet_version=here.fleet_version if here else 0, routes=tuple(routes))


@dataclass
class World:
    """A fleet service on a store in memory."""

    store: RacedStore = field(default_factory=RacedStore)
    pauses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.store, lambda _depot: Coast(), noise=Noise(), pause=self.pauses.append)

    def describe(self, **more: Any) -> None:
        """Put the depot and a van."""
        self.fleet.put_depot(ACME, depot(**more), NOW)
        self.fleet.put_vehicle(ACME, "porto", van(), NOW)

    def routes(self, day: date = TUESDAY) -> dict[str, Route]:
        here = self.depot()
        stored = self.store.routes(
            ACME, "porto", first=day - timedelta(days=1), last=day + timedelta(days=1), consistent=True
        )
        merged = routes_between(
            stored, here, self.store.vehicles(ACME, here), first=day, last=day, travel=STRAIGHT
        )
        return {route.shift.shift_id: route for route in merged[day]}

    def book(self, stops: Sequence[Stop], shift_id: str = SHIFT, day: date = TUESDAY) -> list[str]:
        """Put stops onto a route, as bookings do; gives the ids of the promises."""
        route = self.routes(day)[shift_id]
        born = self.depot().fleet_version if route.version == 0 else None
        write = RouteWrite(depot_id="porto", day=day, route=booked(route, stops), fleet_version=born)
        self.store.book(write)
        return [promise_id(each.stop_id) for each in stops]

    def depot(self) -> Depot:
        found = self.store.depot(ACME, "porto")
        assert found is not None
        return found

    def put_shift(self, shift_id: str, starts: int = 8, ends: int = 16, **more: Any) -> tuple[str, ...]:
        return self.fleet.put_shift(ACME, "porto", shift_id, wish(starts, ends, **more), NOW).at_risk


def wish(starts: int = 8, ends: int = 16, day: date = TUESDAY, **more: Any) -> ShiftWish:
    described: dict[str, Any] = {
        "starts_at": at(starts, day=day),
        "ends_at": at(ends, day=day),
        "vehicle_id": "van-1",
        "capacity": Capacity(parcels=20),
        "skills": frozenset(),
        "driver": Driver(name="Ines", phone="+12025550123"),
    }
    return ShiftWish(**{**described, **more})
