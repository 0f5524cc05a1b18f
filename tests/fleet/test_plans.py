"""What is stored of a plan, completed by the empty routes that weekly templates yield."""

from dataclasses import replace
from datetime import date, timedelta
from time import perf_counter

from chalicelib.errors import OffRoad
from chalicelib.fleet.calendar import template_shifts
from chalicelib.fleet.model import Depot, Vehicle
from chalicelib.fleet.plans import UNASSIGNED, PlanKey, routes_between, unassigned
from chalicelib.routing.model import Location, StopKind
from chalicelib.routing.packed import Route, pack, unpack
from chalicelib.routing.travel_times import StraightLine
from tests.fleet.builders import NOW, PORTO, STRAIGHT, TUESDAY, at, booked, depot, held, stop, van, weekly

WEDNESDAY = TUESDAY + timedelta(days=1)


class NumberedRoads(StraightLine):
    """Straight lines with nodes, like a road graph; none for what is off every road."""

    @property
    def fingerprint(self) -> int:
        return 77

    def snap(self, location: Location) -> int:
        if location.lat > 80:
            raise OffRoad("far off")
        return 5


def merge(
    *stored: tuple[date, Route], here: Depot | None = None, vans: list[Vehicle] | None = None, **more: object
) -> dict[date, list[Route]]:
    described = {"first": TUESDAY, "last": TUESDAY, "travel": STRAIGHT}
    return routes_between(stored, here or depot(), vans or [van()], **{**described, **more})  # type: ignore[arg-type]


def ids(routes: list[Route]) -> list[str]:
    return [route.shift.shift_id for route in routes]


def template_route() -> Route:
    (route,) = merge()[TUESDAY]
    return route


def test_templates_fill_the_whole_horizon_with_empty_routes() -> None:
    """A fleet that was only described can be sold from: version 0, no stops, start to end is nothing."""
    last = TUESDAY + timedelta(days=13)
    plans = merge(vans=[van("van-2"), van("van-1")], last=last)
    assert list(plans) == [TUESDAY + timedelta(days=n) for n in range(14)]
    assert ids(plans[last]) == ["porto.van-1.2026-12-07.0800", "porto.van-2.2026-12-07.0800"]
    route = plans[TUESDAY][0]
    assert (route.version, len(route.stops), route.last_leg.seconds) == (0, 0, 0)
    assert not route.by_hand
    assert not route.withdrawn


def test_route_of_a_template_is_the_same_object_every_time() -> None:
    """What was computed of a route is kept by that object, also when depot and van were read anew."""
    (once,) = merge()[TUESDAY]
    (again,) = merge(here=replace(depot(), fleet_version=9), vans=[replace(van())])[TUESDAY]
    assert once is again
    (other_version,) = merge(vans=[van(version=1)])[TUESDAY]
    assert other_version is not once


def test_route_of_a_template_is_numbered_by_the_depots_roads() -> None:
    """Nodes and fingerprint come from the engine; a depot off its roads is looked up by coordinates."""
    (route,) = merge(travel=NumberedRoads())[TUESDAY]
    assert (route.graph, route.start_node, route.end_node) == (77, 5, 5)
    (lost,) = merge(travel=NumberedRoads(), here=depot(location=Location(lat=81, lon=0)))[TUESDAY]
    assert lost.start_node == -1


def test_stored_route_wins_over_the_templates() -> None:
    """Booked, put by hand or taken back: what is stored stands, the unassigned route comes last."""
    stored = replace(booked(template_route(), [stop()]), version=4)
    assert merge((TUESDAY, stored))[TUESDAY] == [stored]
    gone = replace(template_route(), withdrawn=True, by_hand=True, version=1)
    nobodys = replace(unassigned(None, depot(), TUESDAY, [stop()]), version=1)
    assert merge((TUESDAY, nobodys), (TUESDAY, gone))[TUESDAY] == [gone, nobodys]


def test_template_never_puts_a_van_into_two_places() -> None:
    """What a human put or took back, and what is booked, shuts out the template's shift that overlaps it."""
    morning = replace(template_route().shift, shift_id="by-hand", starts_at=at(6), ends_at=at(9))
    for marks in ({"by_hand": True}, {"by_hand": True, "withdrawn": True}, {}):
        route = replace(template_route(), shift=morning, version=1, **marks)  # type: ignore[arg-type]
        assert ids(merge((TUESDAY, route))[TUESDAY]) == ["by-hand"]
    elsewhere = replace(template_route(), shift=replace(morning, vehicle_id="van-2"), version=1)
    assert len(merge((TUESDAY, elsewhere))[TUESDAY]) == 2  # another van's shift is no obstacle
    early = replace(template_route(), shift=replace(morning, ends_at=at(8)), version=1, by_hand=True)
    assert len(merge((TUESDAY, early))[TUESDAY]) == 2  # one may start the second the other ends


def test_overlap_is_seen_across_midnight() -> None:
    """A shift put on Tuesday that lasts into Wednesday shuts out Wednesday's early template shift."""
    night = replace(template_route().shift, shift_id="night", starts_at=at(22), ends_at=at(5, day=WEDNESDAY))
    put = replace(template_route(), shift=night, version=1, by_hand=True)
    plans = merge((TUESDAY, put), vans=[van(weekly=(weekly(4, 12),))], last=WEDNESDAY)
    assert ids(plans[TUESDAY]) == ["night", "porto.van-1.2026-11-24.0400"]
    assert plans[WEDNESDAY] == []


def test_unassigned_route_survives_being_stored_and_takes_each_stop_once() -> None:
    """Stops keep everything they are, whoever drives them."""
    one, other = stop(), held(NOW + 600)
    route = unassigned(None, depot(), TUESDAY, [one, other])
    assert (route.shift.shift_id, route.version) == (UNASSIGNED, 0)
    again = unpack(UNASSIGNED, pack(route), 1)
    assert again.all_stops() == [one, other]
    assert [each.kind for each in again.all_stops()] == [StopKind.PROMISED, StopKind.HELD]
    assert unassigned(again, depot(), TUESDAY, [one]).all_stops() == [one, other]


def test_plan_is_named_as_facts_name_it() -> None:
    """`depot/date`."""
    assert str(PlanKey(depot_id="porto", day=TUESDAY)) == "porto/2026-11-24"


def test_merging_a_large_fleet_is_cheap() -> None:
    """200 vans over three dates, made before: about a microsecond per van and date."""
    vans = [van(f"van-{number}") for number in range(200)]
    merge(vans=vans, last=TUESDAY + timedelta(days=2))
    times = []
    for _ in range(10):
        began = perf_counter()
        merge(vans=vans, last=TUESDAY + timedelta(days=2))
        times.append(perf_counter() - began)
    assert min(times) < 0.005


def test_template_shift_starts_and_ends_at_the_depot() -> None:
    """Where the depot is."""
    (shift,) = template_shifts(depot(), van(), TUESDAY)
    assert shift.start == shift.end == PORTO
