"""What a new description of a shift does to a route that is booked already."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.fleet.calendar import template_shifts
from chalicelib.fleet.model import Vehicle
from chalicelib.fleet.plans import NOWHERE, UNASSIGNED, unassigned
from chalicelib.fleet.shifts import (
    empty_route,
    follow_template,
    overlapping,
    reshaped,
    templates_changed,
    withdrawn,
)
from chalicelib.routing.edit import legs_between, places_of
from chalicelib.routing.model import Capacity, Leg, Location, Shift, StopFlag, StopKind
from chalicelib.routing.packed import Route, no_stops
from tests.fleet.builders import NOW, PORTO, STRAIGHT, TUESDAY, at, booked, depot, held, stop, van, weekly


def shift(vehicle: Vehicle | None = None) -> Shift:
    (described,) = template_shifts(depot(), vehicle or van(), TUESDAY)
    return described


def route(*, stops: int = 2, **more: object) -> Route:
    empty = Route(shift=shift(), stops=no_stops(), last_leg=NOWHERE, version=3)
    return replace(booked(empty, [stop() for _ in range(stops)]), **more)  # type: ignore[arg-type]


def legs(of: Route) -> list[Leg]:
    inner = [Leg(seconds=int(row["leg_seconds"]), metres=int(row["leg_metres"])) for row in of.stops]
    return [*inner, of.last_leg]


def test_route_keeps_its_stops_and_version_when_its_shift_shrinks() -> None:
    """Nothing is cancelled silently, and the write is guarded by what was read."""
    before = route()
    after = reshaped(before, replace(before.shift, ends_at=at(9), capacity=Capacity(parcels=1)), STRAIGHT)
    assert after.all_stops() == before.all_stops()
    assert (after.version, after.shift.ends_at) == (3, at(9))
    assert legs(after) == legs(before)


def test_route_that_starts_or_ends_elsewhere_gets_new_legs() -> None:
    """The legs are what the engine says of the places, first and last included."""
    before = route()
    home = Location(lat=PORTO.lat + 0.2, lon=PORTO.lon)
    after = reshaped(before, replace(before.shift, start=home, end=home), STRAIGHT)
    assert legs(after) == legs_between(places_of(after), STRAIGHT)
    assert legs(after)[1] == legs(before)[1]
    assert legs(after)[0] != legs(before)[0]
    assert legs(after)[2] != legs(before)[2]


def test_empty_route_knows_the_way_from_its_start_to_its_end() -> None:
    """A van that is parked elsewhere drives even without a stop."""
    away = Location(lat=PORTO.lat + 0.1, lon=PORTO.lon)
    assert empty_route(shift(), STRAIGHT).last_leg == Leg(seconds=0, metres=0)
    far = empty_route(replace(shift(), end=away), STRAIGHT)
    assert [far.last_leg] == legs_between(places_of(far), STRAIGHT)
    assert far.version == 0


def test_stops_of_a_withdrawn_shift_leave_and_what_is_done_stays() -> None:
    """Promises and live holds go, pins end, ghosts vanish, deliveries stay on record."""
    done, pinned = replace(stop(), kind=StopKind.DONE), stop(flags=StopFlag.PINNED)
    live, ghost = held(NOW + 60), held(NOW - 60)
    gone = withdrawn(booked(route(stops=0), [done, pinned, live, ghost]), NOW, by_hand=True)
    assert gone.route.all_stops() == [done]
    assert gone.route.withdrawn
    assert gone.route.by_hand
    assert gone.route.version == 3
    assert gone.stops == (replace(pinned, flags=StopFlag.NONE), live)


def follow(stored: list[Route], vehicle: Vehicle, now: int = NOW) -> tuple[list[Route], list[Route]]:
    changed, gone = follow_template(stored, template_shifts(depot(), vehicle, TUESDAY), now, STRAIGHT)
    return changed, [withdrawal.route for withdrawal in gone]


def test_booked_route_follows_its_template() -> None:
    """New capacity, skills and end of the same shift."""
    bigger = van(capacity=Capacity(parcels=99), weekly=(weekly(8, 18),))
    (after,), gone = follow([route()], bigger)
    assert after.shift == shift(bigger)
    assert len(after.stops) == 2
    assert gone == []


def test_template_that_says_the_same_changes_nothing() -> None:
    """No write, no new version, no job."""
    assert follow([route()], van()) == ([], [])


def test_booked_route_keeps_its_id_when_the_template_moves() -> None:
    """Starting at nine instead of eight does not throw the day's bookings out."""
    (after,), gone = follow([route()], van(weekly=(weekly(9, 17),)))
    assert after.shift.shift_id == "porto.van-1.2026-11-24.0800"
    assert (after.shift.starts_at, after.shift.ends_at) == (at(9), at(17))
    assert gone == []


def test_each_shift_of_the_template_is_taken_once_by_the_nearest_route() -> None:
    """Two booked routes, two new shifts."""
    morning = route(shift=replace(shift(), ends_at=at(12)))
    evening = route(shift=replace(shift(), shift_id="evening", starts_at=at(13), ends_at=at(17)))
    changed, gone = follow([evening, morning], van(weekly=(weekly(7, 12), weekly(14, 18))))
    assert {after.shift.shift_id: after.shift.starts_at for after in changed} == {
        "evening": at(14),
        "porto.van-1.2026-11-24.0800": at(7),
    }
    assert gone == []


def test_booked_route_without_a_shift_is_taken_back_and_returns_with_it() -> None:
    """What the template took back, the template brings again."""
    changed, (gone,) = follow([route()], van(weekly=()))
    assert (changed, gone.withdrawn, gone.by_hand) == ([], True, False)
    assert follow([gone], van(weekly=())) == ([], [])
    (back,), none = follow([gone], van())
    assert not back.withdrawn
    assert none == []


@pytest.mark.parametrize(
    "marks",
    [{"by_hand": True}, {"by_hand": True, "withdrawn": True}, {"shift": replace(shift(), loads_at=NOW)}],
)
def test_template_leaves_alone_what_a_human_touched_or_what_is_loaded(marks: dict[str, object]) -> None:
    """Put by hand, taken back by hand, or past `loads_at`."""
    for template in (van(weekly=()), van(capacity=Capacity(parcels=1)), van(weekly=(weekly(9, 12),))):
        assert follow([route(**marks)], template) == ([], [])


def test_shift_that_a_human_took_is_not_given_to_another_route() -> None:
    """What was put by hand stands in the template's place: the booked route is taken back, not doubled."""
    put = route(shift=replace(shift(), shift_id="by-hand", starts_at=at(12), ends_at=at(16)), by_hand=True)
    booked_before = route(shift=replace(shift(), ends_at=at(11)))
    changed, gone = follow([put, booked_before], van(weekly=(weekly(9, 16),)))
    assert changed == []
    assert [each.shift.shift_id for each in gone] == ["porto.van-1.2026-11-24.0800"]


def test_stops_of_vans_that_leave_one_day_share_the_unassigned_route() -> None:
    """One plan, one unassigned route, one write of it."""
    one = route()
    two = route(shift=shift(van("van-2")))
    waiting = replace(unassigned(None, depot(), TUESDAY, [stop()]), version=5)
    stored = [(TUESDAY, one), (TUESDAY, two), (TUESDAY, waiting)]
    idle = [van(weekly=()), van("van-2", weekly=())]
    then = templates_changed(depot(), idle, stored, NOW, STRAIGHT)
    (group,) = then.writes
    assert [write.route.shift.shift_id for write in group] == [
        "porto.van-1.2026-11-24.0800",
        "porto.van-2.2026-11-24.0800",
        UNASSIGNED,
    ]
    assert (len(group[-1].route.stops), group[-1].route.version) == (5, 5)
    assert len(then.moved) == 4


def test_shifts_of_one_van_may_touch_and_not_overlap() -> None:
    """One may start the second the other ends; other vans, other ids and withdrawn ones are no obstacle."""
    evening = route(shift=replace(shift(), shift_id="evening", starts_at=at(16), ends_at=at(20)))
    assert overlapping(evening, [route()]) is None
    longer = replace(route(), shift=replace(shift(), ends_at=at(16) + 1))
    assert overlapping(longer, [evening]) is evening
    assert overlapping(longer, [longer, replace(evening, withdrawn=True)]) is None
    assert overlapping(longer, [replace(evening, shift=replace(evening.shift, vehicle_id="van-2"))]) is None


def test_route_that_would_run_into_last_nights_is_refused() -> None:
    """`shift_overlap` names the other shift, also when it belongs to the day before."""
    night = route(shift=replace(shift(), shift_id="night", starts_at=at(3), ends_at=at(7)), by_hand=True)
    stored = [(TUESDAY - timedelta(days=1), night), (TUESDAY, route())]
    earlier = van(weekly=(weekly(6, 16),))
    with pytest.raises(InvalidRequest) as refused:
        templates_changed(depot(), [earlier], stored, NOW, STRAIGHT)
    assert (refused.value.code, refused.value.extra) == ("shift_overlap", {"shift_id": "night"})
    assert templates_changed(depot(), [van()], stored, NOW, STRAIGHT).writes == ()
