"""Fleets of other merchants, writers that collide, and any sequence of changes (F26)."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.errors import InvalidRequest, NotFound, StaleWrite
from chalicelib.fleet.plans import UNASSIGNED, RouteWrite
from chalicelib.fleet.service import ATTEMPTS
from chalicelib.routing.model import Capacity
from tests.fleet.builders import (
    ACME,
    BEST,
    NOW,
    TUESDAY,
    booked,
    depot,
    held,
    stop,
    van,
    weekly,
)
from tests.fleet.world import SHIFT, RacedStore, World, wish

# --- tenants, and writers that collide


def test_other_merchants_fleet_is_not_there(world: World) -> None:
    """Every call answers as if it did not exist."""
    calls = [
        lambda: world.fleet.depot(BEST, "porto"),
        lambda: world.fleet.vehicle(BEST, "porto", "van-1"),
        lambda: world.fleet.put_vehicle(BEST, "porto", van(), NOW),
        lambda: world.fleet.delete_vehicle(BEST, "porto", "van-1", NOW),
        lambda: world.fleet.shift(BEST, "porto", SHIFT),
        lambda: world.fleet.put_shift(BEST, "porto", SHIFT, wish(), NOW),
        lambda: world.fleet.delete_shift(BEST, "porto", SHIFT, NOW),
        lambda: world.fleet.plan(BEST, "porto", TUESDAY, NOW),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    assert world.fleet.shift_place(BEST, SHIFT) is None
    assert world.fleet.depots(BEST, after=None, limit=9) == ([], None)


def test_booking_that_comes_in_between_is_seen_on_the_next_try(world: World) -> None:
    """F26: the van shrinks while somebody books: the booking stands, and is answered as at risk."""
    world.book([stop(parcels=9)])
    late: list[str] = []
    world.store.before_commit = lambda: late.extend(world.book([stop(parcels=9)]))
    accepted = world.fleet.put_vehicle(ACME, "porto", van(capacity=Capacity(parcels=9)), NOW)
    assert accepted.at_risk == tuple(late)
    assert len(world.routes()[SHIFT].stops) == 2
    assert world.pauses == [1]


def test_without_the_condition_the_booking_in_between_is_lost() -> None:
    """F26, control: the same race with the guard removed overwrites a promise."""
    world = World(RacedStore(guarded=False))
    world.describe()
    world.book([stop(parcels=9)])
    world.store.before_commit = lambda: world.book([stop(parcels=9)])
    world.fleet.put_vehicle(ACME, "porto", van(capacity=Capacity(parcels=9)), NOW)
    assert len(world.routes()[SHIFT].stops) == 1


def test_two_shifts_put_at_once_do_not_overlap(world: World) -> None:
    """Two requests that each see a free van: the second one to commit looks again, and is refused."""
    world.store.before_commit = lambda: world.put_shift("one", 17, 20)
    with pytest.raises(InvalidRequest) as refused:
        world.put_shift("two", 18, 21)
    assert refused.value.code == "shift_overlap"


def test_without_the_condition_two_shifts_overlap() -> None:
    """Control: one van would be sold twice at a time."""
    world = World(RacedStore(guarded=False))
    world.describe()
    world.store.before_commit = lambda: world.put_shift("one", 17, 20)
    world.put_shift("two", 18, 21)
    assert {"one", "two"} <= set(world.routes())


def test_route_born_while_the_template_changes_is_refused(world: World) -> None:
    """A first booking made of the old template does not outlive it: it names the fleet it was made from."""
    route = world.routes()[SHIFT]
    seen = world.depot().fleet_version
    world.fleet.put_vehicle(ACME, "porto", van(capacity=Capacity(parcels=1)), NOW)
    stale = booked(route, [stop(parcels=9)])
    with pytest.raises(StaleWrite):
        world.store.book(RouteWrite(depot_id="porto", day=TUESDAY, route=stale, fleet_version=seen))
    # Control: without naming it, the van would be sold by a capacity it no longer has.
    world.store.book(RouteWrite(depot_id="porto", day=TUESDAY, route=stale))
    assert world.routes()[SHIFT].shift.capacity == Capacity(parcels=20)


def test_collisions_without_end_are_answered_with_a_retryable_error(world: World) -> None:
    """A bounded number of tries, each after a pause; then nothing was done."""
    world.book([stop()])

    def collide() -> None:
        route = world.routes()[SHIFT]
        world.store.book(RouteWrite(depot_id="porto", day=TUESDAY, route=route))
        world.store.before_commit = collide

    world.store.before_commit = collide
    with pytest.raises(StaleWrite):
        world.fleet.put_vehicle(ACME, "porto", van(capacity=Capacity(parcels=9)), NOW)
    assert world.pauses == list(range(1, ATTEMPTS))
    assert world.fleet.vehicle(ACME, "porto", "van-1").capacity == Capacity(parcels=20)


def test_change_of_many_routes_is_written_in_parts_with_the_description_last() -> None:
    """More routes than a transaction holds; every part within its bounds, each route once."""
    world = World()
    world.fleet.put_depot(ACME, depot(booking=replace(depot().booking, horizon_days=60)), NOW)
    world.fleet.put_vehicle(ACME, "porto", van(weekly=(weekly(8, 12), weekly(13, 17))), NOW)
    for days in range(1, 41):
        day = NOW_DATE + timedelta(days=days)
        for shift_id in list(world.routes(day)):
            world.book([stop()], shift_id, day)
    before = len(world.store.commits)
    smaller = van(weekly=(weekly(8, 12), weekly(13, 17)), capacity=Capacity(parcels=7))
    world.fleet.put_vehicle(ACME, "porto", smaller, NOW)
    commits = world.store.commits[before:]
    assert [len(commit.routes) for commit in commits] == [60, 20]
    assert [commit.vehicle is not None for commit in commits] == [False, True]
    assert world.routes()[SHIFT].shift.capacity == Capacity(parcels=7)


NOW_DATE = date(2026, 11, 23)


# --- any sequence of changes

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["van", "no van", "put", "delete", "book", "hold"]),
        st.integers(6, 14),
        st.integers(1, 9),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=60)
@given(CHANGES)
def test_no_change_of_the_fleet_ever_loses_or_doubles_a_stop(changes: list[tuple[str, int, int]]) -> None:
    """F26: after any sequence of changes each promise and live hold is in exactly one route of its plan, the
    routes of one van never overlap, and what is answered as at risk is promised."""
    world = World()
    world.describe()
    booked_ids, promises = set[int](), set[str]()
    for what, hour, size in changes:
        at_risk = _do(world, what, hour, size, booked_ids, promises)
        assert set(at_risk) <= promises
        routes = world.routes()
        found = [each.stop_id for route in routes.values() for each in route.all_stops()]
        assert sorted(found) == sorted(booked_ids)
        driven = sorted(
            (route.shift.starts_at, route.shift.ends_at)
            for shift_id, route in routes.items()
            if shift_id != UNASSIGNED and not route.withdrawn
        )
        assert all(one[1] <= other[0] for one, other in pairwise(driven))
        assert all(not len(route.stops) for route in routes.values() if route.withdrawn)


def _do(
    world: World, what: str, hour: int, size: int, booked_ids: set[int], promises: set[str]
) -> tuple[str, ...]:
    if what == "van":
        changed = van(weekly=(weekly(hour, hour + size),), capacity=Capacity(parcels=size))
        return world.fleet.put_vehicle(ACME, "porto", changed, NOW).at_risk
    open_routes = [
        shift_id
        for shift_id, route in world.routes().items()
        if shift_id != UNASSIGNED and not route.withdrawn
    ]
    try:
        if what == "no van":
            return world.fleet.delete_vehicle(ACME, "porto", "van-1", NOW).at_risk
        if what == "put":
            return world.put_shift(f"hand-{hour % 2}", hour, hour + size)
        if what == "delete":
            return world.fleet.delete_shift(ACME, "porto", f"hand-{hour % 2}", NOW).at_risk
    except (NotFound, InvalidRequest):
        return ()
    if open_routes:
        new = stop() if what == "book" else held(NOW + 600)
        booked_ids.add(new.stop_id)
        promised = set(world.book([new], open_routes[hour % len(open_routes)]))
        promises |= promised if what == "book" else set()
    return ()
