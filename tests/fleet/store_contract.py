"""What any store of fleets must do; subclass it with a `store` fixture."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import StaleWrite
from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.fleet.calendar import template_shifts
from chalicelib.fleet.model import Driver
from chalicelib.fleet.plans import NOWHERE, PlanKey, RouteWrite
from chalicelib.fleet.store import FleetChanges, FleetStore, ShiftRow
from chalicelib.routing.packed import Route, no_stops, pack
from tests.fleet.builders import ACME, BEST, NOW, TUESDAY, booked, depot, stop, van

PLACE = PlanKey(depot_id="porto", day=TUESDAY)
ROW = ShiftRow(shift_id="by-hand", place=PLACE, driver=Driver(name="Ines", phone="+12025550123"))


def change(fleet_version: int, **more: Any) -> FleetChanges:
    return FleetChanges(depot_id="porto", fleet_version=fleet_version, **more)


def write(route: Route, day: Any = TUESDAY) -> RouteWrite:
    return RouteWrite(depot_id="porto", day=day, route=route)


def route(shift_id: str | None = None) -> Route:
    (shift,) = template_shifts(depot(), van(), TUESDAY)
    shift = replace(shift, shift_id=shift_id or shift.shift_id)
    return booked(Route(shift=shift, stops=no_stops(), last_leg=NOWHERE), [stop(), stop()])


class FleetStoreContract:
    """One class of tests for every implementation."""

    @staticmethod
    def describe(store: FleetStore, tenant: Tenant = ACME) -> None:
        """Put a depot: the fleet is at version 1 afterwards."""
        store.commit_fleet(tenant, change(0, depot=depot(version=1)))

    def test_depot_is_read_as_it_was_put(self, store: FleetStore) -> None:
        """Content and both versions."""
        self.describe(store)
        found = store.depot(ACME, "porto")
        assert found == depot(version=1)
        assert found is not None
        assert found.fleet_version == 1
        assert store.depot(ACME, "lisbon") is None

    def test_depots_are_listed_in_order_of_their_ids(self, store: FleetStore) -> None:
        """All of one tenant."""
        for depot_id in ("porto", "braga", "faro"):
            put = FleetChanges(depot_id=depot_id, fleet_version=0, depot=depot(depot_id=depot_id, version=1))
            store.commit_fleet(ACME, put)
        assert [each.depot_id for each in store.depots(ACME)] == ["braga", "faro", "porto"]

    def test_tenants_never_see_each_other(self, store: FleetStore) -> None:
        """Whatever is read, and under the same ids."""
        self.describe(store)
        store.commit_fleet(ACME, change(1, vehicle=van(), shift=ROW, routes=(write(route()),)))
        assert store.depot(BEST, "porto") is None
        assert list(store.depots(BEST)) == []
        assert list(store.vehicles(BEST, depot())) == []
        assert list(store.routes(BEST, "porto", first=TUESDAY, last=TUESDAY, consistent=True)) == []
        assert store.shift_row(BEST, ROW.shift_id) is None
        assert list(store.shift_rows(BEST, PLACE)) == []
        self.describe(store, BEST)  # the same id is free for another tenant
        assert len(store.vehicles(ACME, depot(fleet_version=2))) == 1

    def test_fleet_version_grows_with_every_commit(self, store: FleetStore) -> None:
        """A vehicle or shift write moves it too, so that what is cached by it is never stale."""
        self.describe(store)
        store.commit_fleet(ACME, change(1, vehicle=van(version=1)))
        store.commit_fleet(ACME, change(2, shift=ROW))
        found = store.depot(ACME, "porto")
        assert found is not None
        assert (found.version, found.fleet_version) == (1, 3)

    @pytest.mark.parametrize("fleet_version", [0, 2])
    def test_commit_on_another_fleet_version_changes_nothing(
        self, store: FleetStore, fleet_version: int
    ) -> None:
        """The guard under which two descriptions cannot contradict each other."""
        self.describe(store)
        stale = change(fleet_version, depot=depot(name="Other", version=2), vehicle=van(), shift=ROW)
        with pytest.raises(StaleWrite):
            store.commit_fleet(ACME, replace(stale, routes=(write(route()),)))
        found = store.depot(ACME, "porto")
        assert found is not None
        assert (found.name, found.fleet_version) == ("Porto", 1)
        assert list(store.vehicles(ACME, found)) == []
        assert store.shift_row(ACME, ROW.shift_id) is None
        assert list(store.routes(ACME, "porto", first=TUESDAY, last=TUESDAY, consistent=True)) == []

    def test_vehicles_are_listed_and_removed(self, store: FleetStore) -> None:
        """In order of their ids; a removed one is gone, and may come again."""
        self.describe(store)
        store.commit_fleet(ACME, change(1, vehicle=van("van-2", version=1)))
        store.commit_fleet(ACME, change(2, vehicle=van("van-1", version=1)))
        found = store.vehicles(ACME, depot(version=1, fleet_version=3))
        assert list(found) == [van("van-1", version=1), van("van-2", version=1)]
        store.commit_fleet(ACME, change(3, removed_vehicle="van-2"))
        assert list(store.vehicles(ACME, depot(version=1, fleet_version=4))) == [van("van-1", version=1)]

    def test_route_is_stored_on_its_version(self, store: FleetStore) -> None:
        """0 must not exist; afterwards only the version that was read may be replaced."""
        self.describe(store)
        first = route()
        store.commit_fleet(ACME, change(1, routes=(write(first),)))
        ((day, found),) = store.routes(ACME, "porto", first=TUESDAY, last=TUESDAY, consistent=True)
        assert (day, found.version, pack(found)) == (TUESDAY, 1, pack(first))
        with pytest.raises(StaleWrite):
            store.commit_fleet(ACME, change(2, routes=(write(first),)))
        with pytest.raises(StaleWrite):
            store.commit_fleet(ACME, change(2, routes=(write(replace(first, version=2)),)))
        store.commit_fleet(ACME, change(2, routes=(write(replace(found, withdrawn=True)),)))
        ((_, again),) = store.routes(ACME, "porto", first=TUESDAY, last=TUESDAY, consistent=True)
        assert (again.version, again.withdrawn) == (2, True)

    def test_one_stale_route_stops_all_of_them(self, store: FleetStore) -> None:
        """All or nothing, the description included."""
        self.describe(store)
        store.commit_fleet(ACME, change(1, routes=(write(route("one")),)))
        both = (write(route("two")), write(route("one")))
        with pytest.raises(StaleWrite):
            store.commit_fleet(ACME, change(2, vehicle=van(version=1), routes=both))
        stored = store.routes(ACME, "porto", first=TUESDAY, last=TUESDAY, consistent=True)
        assert [known.shift.shift_id for _, known in stored] == ["one"]
        assert list(store.vehicles(ACME, depot(version=1, fleet_version=2))) == []

    def test_routes_are_read_by_date(self, store: FleetStore) -> None:
        """Both ends included, nothing beyond."""
        self.describe(store)
        days = [TUESDAY + timedelta(days=n) for n in range(4)]
        writes = tuple(write(route(f"shift-{day}"), day) for day in days)
        store.commit_fleet(ACME, change(1, routes=writes))
        found = store.routes(ACME, "porto", first=days[1], last=days[2], consistent=True)
        assert sorted(day for day, _ in found) == days[1:3]

    def test_many_routes_are_one_commit(self, store: FleetStore) -> None:
        """As many as the fleet ever writes at once."""
        self.describe(store)
        writes = tuple(write(route(f"shift-{number}")) for number in range(60))
        facts = (fact(),)
        store.commit_fleet(ACME, change(1, routes=writes, facts=facts, vehicle=van(version=1)))
        assert len(store.routes(ACME, "porto", first=TUESDAY, last=TUESDAY, consistent=True)) == 60

    def test_shift_row_keeps_its_place(self, store: FleetStore) -> None:
        """An id is unique per merchant: it may be written again, but not for another plan."""
        self.describe(store)
        store.commit_fleet(ACME, change(1, shift=ROW))
        assert store.shift_row(ACME, "by-hand") == ROW
        assert list(store.shift_rows(ACME, PLACE)) == [ROW]
        elsewhere = PlanKey(depot_id="porto", day=TUESDAY + timedelta(days=1))
        with pytest.raises(StaleWrite):
            store.commit_fleet(ACME, change(2, shift=replace(ROW, place=elsewhere)))
        store.commit_fleet(ACME, change(2, shift=replace(ROW, driver=None)))
        assert store.shift_row(ACME, "by-hand") == replace(ROW, driver=None)
        assert list(store.shift_rows(ACME, elsewhere)) == []

    def test_facts_are_accepted_with_the_commit(self, store: FleetStore) -> None:
        """Any number of plans may have changed."""
        self.describe(store)
        store.commit_fleet(ACME, change(1, routes=(write(route()),), facts=(fact(), fact())))


def fact() -> Fact:
    return Fact(
        kind=FactKind.PLAN_CHANGED,
        at=NOW,
        actor=Actor.MERCHANT,
        subject=str(PLACE),
        sequence=0,
        data={"why": "shift"},
    )
