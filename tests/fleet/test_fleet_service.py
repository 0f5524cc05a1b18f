"""Describing a fleet, and what a change of it does to promises already made (F26)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from chalicelib.errors import Conflict, InvalidRequest, NotFound, OffRoad
from chalicelib.events import FactKind
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.model import Closure, Driver
from chalicelib.fleet.plans import UNASSIGNED, PlanKey
from chalicelib.fleet.risk import Risk
from chalicelib.routing.model import Capacity, Location, StopKind
from tests.fleet.builders import (
    ACME,
    NOW,
    PORTO,
    TUESDAY,
    at,
    depot,
    held,
    stop,
    van,
    weekly,
)
from tests.fleet.world import SHIFT, WEDNESDAY, World, wish

# --- depots


def test_depot_is_read_as_it_was_put(world: World) -> None:
    """And its version grows with every change, not with a repetition."""
    assert world.fleet.depot(ACME, "porto") == replace(depot(), version=1)
    again = world.fleet.put_depot(ACME, depot(), NOW)
    assert (again.value.version, len(world.store.commits)) == (1, 2)
    renamed = world.fleet.put_depot(ACME, depot(name="Porto West"), NOW)
    assert renamed.value.version == 2
    assert world.fleet.depot(ACME, "porto") == renamed.value
    assert world.depot().fleet_version == renamed.value.fleet_version == 3


def test_depots_are_listed_in_parts() -> None:
    """In order of their ids, each once."""
    world = World()
    for depot_id in ("c", "a", "b"):
        world.fleet.put_depot(ACME, depot(depot_id=depot_id), NOW)
    first, rest = world.fleet.depots(ACME, after=None, limit=2)
    assert ([each.depot_id for each in first], rest) == (["a", "b"], "b")
    last, end = world.fleet.depots(ACME, after=rest, limit=2)
    assert ([each.depot_id for each in last], end) == (["c"], None)


def test_depot_off_the_road_is_refused(world: World) -> None:
    """Before anything is stored."""
    with pytest.raises(OffRoad):
        world.fleet.put_depot(ACME, depot(depot_id="sea", location=Location(lat=41, lon=-12)), NOW)
    assert world.store.depot(ACME, "sea") is None


def test_promises_inside_a_no_delivery_closure_are_answered_as_at_risk(world: World) -> None:
    """The slots are closed at once; nothing is cancelled."""
    inside, _outside = world.book([stop(), stop((14, 16))])
    shut = Closure(from_at=at(7), to_at=at(11), reason="Strike")
    assert world.fleet.put_depot(ACME, depot(closures=(shut,)), NOW).at_risk == (inside,)
    assert len(world.routes()[SHIFT].stops) == 2
    selling_stopped = replace(shut, deliver=True)
    assert world.fleet.put_depot(ACME, depot(closures=(selling_stopped,)), NOW).at_risk == ()


def test_time_zone_of_a_depot_with_shifts_cannot_change(world: World) -> None:
    """Plans are keyed by its dates; without stored shifts it may."""
    world.fleet.put_depot(ACME, depot(timezone="Europe/Madrid"), NOW)
    world.fleet.put_depot(ACME, depot(), NOW)
    world.book([stop()])
    with pytest.raises(Conflict) as refused:
        world.fleet.put_depot(ACME, depot(timezone="Europe/Madrid"), NOW)
    assert refused.value.code == "depot_in_use"


def test_booked_routes_follow_a_depot_that_moves(world: World) -> None:
    """Start, end, legs and loading time; the stops stay."""
    (promised,) = world.book([stop()])
    before = world.routes()[SHIFT]
    there = Location(lat=PORTO.lat + 0.05, lon=PORTO.lon)
    moved = world.fleet.put_depot(ACME, depot(location=there, loading_lead_minutes=60), NOW)
    after = world.routes()[SHIFT]
    assert (after.shift.start, after.shift.end, after.shift.loads_at) == (there, there, at(7))
    assert after.all_stops() == before.all_stops()
    assert after.last_leg != before.last_leg
    assert (moved.at_risk, after.version) == ((), before.version + 1)
    far = Location(lat=PORTO.lat + 1.5, lon=PORTO.lon)
    assert world.fleet.put_depot(ACME, depot(location=far), NOW).at_risk == (promised,)


# --- vehicles


def test_vehicle_that_was_put_yields_shifts_for_the_whole_horizon(world: World) -> None:
    """And a vehicle read is the one that was put."""
    assert world.fleet.vehicle(ACME, "porto", "van-1") == replace(van(), version=1)
    for days in range(14):
        day = TUESDAY + timedelta(days=days)
        assert list(world.routes(day)) == [f"porto.van-1.{day}.0800"]


def test_shrinking_a_van_is_accepted_and_answered_with_the_promises_at_risk(world: World) -> None:
    """F26: no silent cancel; what no longer fits is named and stays where it is."""
    promises = world.book([stop(parcels=2), stop(parcels=2), stop((10, 12), parcels=2)])
    accepted = world.fleet.put_vehicle(ACME, "porto", van(capacity=Capacity(parcels=4)), NOW)
    assert accepted.at_risk == (promises[2],)
    assert world.routes()[SHIFT].shift.capacity == Capacity(parcels=4)
    assert len(world.routes()[SHIFT].stops) == 3
    shorter = van(weekly=(weekly(8, 10),))
    assert promises[2] in world.fleet.put_vehicle(ACME, "porto", shorter, NOW).at_risk


def test_vehicle_put_again_unchanged_writes_nothing(world: World) -> None:
    """A nightly repetition of the whole fleet costs reads only."""
    world.book([stop()])
    commits = len(world.store.commits)
    world.fleet.put_vehicle(ACME, "porto", van(), NOW)
    assert len(world.store.commits) == commits


def test_template_changes_are_facts_of_the_plans_they_touch(world: World) -> None:
    """So that somebody tries to improve them."""
    world.book([stop()])
    world.fleet.put_vehicle(ACME, "porto", van(capacity=Capacity(parcels=9)), NOW)
    _tenant, (fact,) = world.store.outbox[-1]
    assert (fact.kind, fact.subject, fact.sequence) == (FactKind.PLAN_CHANGED, "porto/2026-11-24", 0)


def test_template_never_undoes_what_was_put_or_deleted_by_hand(world: World) -> None:
    """Neither by a change of the template, nor by removing the vehicle and putting it again."""
    world.put_shift(SHIFT, 9, 12)
    world.fleet.delete_shift(ACME, "porto", f"porto.van-1.{WEDNESDAY}.0800", NOW)
    for change in (van(weekly=(weekly(8, 18),)), van(weekly=()), van()):
        world.fleet.put_vehicle(ACME, "porto", change, NOW)
        assert world.routes()[SHIFT].shift.starts_at == at(9)
        assert all(route.withdrawn for route in world.routes(WEDNESDAY).values())
    world.fleet.delete_vehicle(ACME, "porto", "van-1", NOW)
    world.fleet.put_vehicle(ACME, "porto", van(), NOW)
    assert world.routes()[SHIFT].shift.starts_at == at(9)
    assert all(route.withdrawn for route in world.routes(WEDNESDAY).values())


def test_removed_vehicle_leaves_its_promises_unassigned_and_at_risk(world: World) -> None:
    """In one transaction; the route is taken back, and returns if the vehicle does."""
    promises = world.book([stop(), stop()])
    assert world.fleet.delete_vehicle(ACME, "porto", "van-1", NOW).at_risk == tuple(promises)
    routes = world.routes()
    assert routes[SHIFT].withdrawn
    assert len(routes[UNASSIGNED].stops) == 2
    with pytest.raises(NotFound):
        world.fleet.vehicle(ACME, "porto", "van-1")
    with pytest.raises(NotFound):
        world.fleet.delete_vehicle(ACME, "porto", "van-1", NOW)
    world.fleet.put_vehicle(ACME, "porto", van(), NOW)
    assert not world.routes()[SHIFT].withdrawn


def test_loaded_van_is_not_touched_by_its_template(world: World) -> None:
    """From `loads_at` the parcels are aboard."""
    world.book([stop()])
    accepted = world.fleet.delete_vehicle(ACME, "porto", "van-1", at(7, 30))
    assert accepted.at_risk == ()
    assert not world.routes()[SHIFT].withdrawn
    assert len(world.routes()[SHIFT].stops) == 1


def test_overlapping_weekly_shifts_are_refused(world: World) -> None:
    """`shift_overlap`, with the line."""
    with pytest.raises(InvalidRequest) as refused:
        world.fleet.put_vehicle(ACME, "porto", van(weekly=(weekly(8, 12), weekly(11, 15))), NOW)
    assert (refused.value.code, refused.value.fields[0].pointer) == ("shift_overlap", "/weekly/1")


# --- shifts


def test_shift_is_read_as_it_was_put(world: World) -> None:
    """With its driver, who is nowhere in the route."""
    world.put_shift("extra", 17, 21)
    known = world.fleet.shift(ACME, "porto", "extra")
    assert (known.shift.starts_at, known.shift.ends_at, known.shift.loads_at) == (at(17), at(21), at(16, 30))
    assert (known.by_hand, known.place) == (True, PlanKey(depot_id="porto", day=TUESDAY))
    assert known.driver == Driver(name="Ines", phone="+12025550123")
    assert "Ines" not in repr(world.routes()["extra"])


def test_shift_of_a_template_is_read_with_the_templates_driver(world: World) -> None:
    """By the same call as one that was put."""
    line = weekly(8, 16, driver=Driver(name="Rui"))
    world.fleet.put_vehicle(ACME, "porto", van(weekly=(line,)), NOW)
    known = world.fleet.shift(ACME, "porto", SHIFT)
    assert (known.by_hand, known.driver) == (False, Driver(name="Rui"))
    assert world.fleet.shift_place(ACME, SHIFT) == known.place
    assert world.fleet.shift_place(ACME, "porto.van-1.2026-11-24.0900") is None
    assert world.fleet.shift_place(ACME, "no-date") is None


def test_promises_stay_on_a_shrunk_shift_and_are_answered_as_at_risk(world: World) -> None:
    """F26 for a single shift: parcels, skills, hours."""
    promises = world.book([stop(parcels=3), stop((10, 12), parcels=3), stop((14, 16), parcels=3)])
    assert world.put_shift(SHIFT) == ()
    assert world.put_shift(SHIFT, capacity=Capacity(parcels=6)) == (promises[2],)
    assert world.put_shift(SHIFT, ends=12) == (promises[2],)
    assert world.put_shift(SHIFT, starts=11) == (promises[0],)
    assert len(world.routes()[SHIFT].stops) == 3


def test_overlap_of_one_vans_shifts_is_refused_also_across_midnight(world: World) -> None:
    """422 `shift_overlap` names the other; another van, or touching ends, are fine."""
    for starts_at, ends_at in (
        (at(7), at(9)),
        (at(15), at(17)),
        (at(7), at(17)),
        (at(20), at(8, 1, day=WEDNESDAY)),
    ):
        with pytest.raises(InvalidRequest) as refused:
            world.put_shift("extra", starts_at=starts_at, ends_at=ends_at)
        assert refused.value.code == "shift_overlap"
        assert str(refused.value.extra["shift_id"]).startswith("porto.van-1.")
    world.put_shift("late", starts_at=at(16), ends_at=at(8, day=WEDNESDAY))
    world.put_shift("other", vehicle_id="van-2")


def test_shift_taken_back_makes_room_for_another(world: World) -> None:
    """Delete the template's shift of a day, put one with other hours."""
    world.fleet.delete_shift(ACME, "porto", SHIFT, NOW)
    world.put_shift("short", 10, 12)
    assert not world.routes()["short"].withdrawn
    with pytest.raises(InvalidRequest):
        world.put_shift(SHIFT)  # and now the first one overlaps


def test_deleted_shift_leaves_its_stops_unassigned_in_one_transaction(world: World) -> None:
    """Promises are answered as at risk, live holds move too, ghosts vanish, deliveries stay."""
    done, promised = replace(stop(), kind=StopKind.DONE), stop()
    live, ghost = held(NOW + 600), held(NOW - 600)
    world.book([done, promised, live, ghost])
    answered = world.fleet.delete_shift(ACME, "porto", SHIFT, NOW)
    assert answered.at_risk == (promise_id(promised.stop_id),)
    routes = world.routes()
    assert [each.stop_id for each in routes[UNASSIGNED].all_stops()] == [promised.stop_id, live.stop_id]
    assert [each.stop_id for each in routes[SHIFT].all_stops()] == [done.stop_id]
    (commit,) = [commit for commit in world.store.commits if len(commit.routes) == 2]
    assert commit.shift is not None
    assert commit.shift.driver is None


def test_deleted_shift_is_not_there_any_more_until_it_is_put(world: World) -> None:
    """404 for reading and deleting it; putting it brings it back, with the place its id always had."""
    world.fleet.delete_shift(ACME, "porto", SHIFT, NOW)
    for call in (world.fleet.shift, lambda *names: world.fleet.delete_shift(*names, NOW)):
        with pytest.raises(NotFound):
            call(ACME, "porto", SHIFT)
    world.put_shift(SHIFT)
    assert world.fleet.shift(ACME, "porto", SHIFT).by_hand


def test_shift_id_is_unique_per_merchant(world: World) -> None:
    """Another depot or another date is another shift: `shift_in_use`."""
    world.fleet.put_depot(ACME, depot(depot_id="braga"), NOW)
    world.put_shift("extra", 17, 18)
    with pytest.raises(Conflict) as refused:
        world.put_shift("extra", 17, 18, day=WEDNESDAY)
    assert refused.value.code == "shift_in_use"
    for shift_id in ("extra", SHIFT):
        with pytest.raises(Conflict):
            world.fleet.put_shift(ACME, "braga", shift_id, wish(17, 18), NOW)
    with pytest.raises(NotFound):
        world.fleet.shift(ACME, "braga", "extra")


def test_shift_over_a_clock_change_keeps_its_instants() -> None:
    """Shown, stored and driven are the same: an instant is an instant (F23)."""
    world = World()
    world.describe(timezone="Europe/London")
    night = date(2027, 3, 27)
    world.put_shift("night", starts_at=at(22, day=night), ends_at=at(5, day=night + timedelta(days=1)))
    known = world.fleet.shift(ACME, "porto", "night")
    assert known.shift.ends_at - known.shift.starts_at == 6 * 3600
    assert known.place.day == night


def test_start_off_the_road_is_refused(world: World) -> None:
    """A van cannot start in the sea."""
    with pytest.raises(OffRoad):
        world.put_shift("extra", 17, 21, start=Location(lat=41, lon=-12))


# --- plans


def test_plan_shows_routes_in_order_with_what_nobody_drives(world: World) -> None:
    """Stops in order with plan and odds, counts, drivers, and a version that grows."""
    world.put_shift("late", 17, 21)
    first, second = world.book([stop(), stop((10, 12), parcels=2)])
    before = world.fleet.plan(ACME, "porto", TUESDAY, NOW)
    assert [route.shift.shift_id for route in before.routes] == [SHIFT, "late"]
    shown = before.routes[0]
    assert [promise_id(visit.stop.stop_id) for visit in shown.visits] == [first, second]
    assert [visit.planned_at for visit in shown.visits][1] == at(10)
    assert (shown.load.parcels, shown.driver) == (3, None)
    assert before.routes[1].driver == Driver(name="Ines", phone="+12025550123")
    assert before.counts == {Risk.KEPT: 2, Risk.AT_RISK: 0, Risk.BROKEN: 0}
    world.fleet.delete_shift(ACME, "porto", SHIFT, NOW)
    after = world.fleet.plan(ACME, "porto", TUESDAY, NOW)
    assert [route.shift.shift_id for route in after.routes] == ["late"]
    assert [promise_id(visit.stop.stop_id) for visit in after.unassigned] == [first, second]
    assert after.counts == {Risk.KEPT: 0, Risk.AT_RISK: 2, Risk.BROKEN: 0}
    assert after.version > before.version


def test_plan_of_a_day_nobody_booked_is_the_template(world: World) -> None:
    """Version 0, no stops."""
    plan = world.fleet.plan(ACME, "porto", WEDNESDAY, NOW)
    assert (len(plan.routes), plan.version, plan.routes[0].visits) == (1, 0, ())
