"""A place on a driven route is told to a kilometre, how far the van went to the second and the metre."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.routing.blurred import blurred, blurred_place
from chalicelib.routing.model import NO_NODE, Location
from chalicelib.routing.packed import Route
from chalicelib.routing.travel_times import Places
from tests.builders import Street, house, route, stop
from tests.routing.days_at_random import routes


def driven(one: Route) -> tuple[int, int]:
    """Seconds and metres of the whole route."""
    legs = one.stops["leg_seconds"], one.stops["leg_metres"]
    return int(legs[0].sum()) + one.last_leg.seconds, int(legs[1].sum()) + one.last_leg.metres


@given(before=routes(), data=st.data())
def test_only_the_place_of_that_stop_is_blurred(before: Route, data: st.DataObject) -> None:
    """All other places, windows and loads, and the sum of all legs, are as they were; again is the same."""
    if not len(before.stops):
        assert blurred(before, 1) is before
        return
    index = data.draw(st.integers(0, len(before.stops) - 1))
    stop_id = int(before.stops["stop_id"][index])
    index = before.index_of(stop_id) or 0
    after = blurred(before, stop_id)
    assert driven(after) == driven(before)
    assert blurred(after, stop_id) is after
    for at, (old, new) in enumerate(zip(before.all_stops(), after.all_stops(), strict=True)):
        told = blurred_place(old.location) if at == index else old.location
        assert (round(new.location.lat, 6), round(new.location.lon, 6)) == (
            round(told.lat, 6),
            round(told.lon, 6),
        )
        assert replace(new, location=old.location, node=old.node) == old
    if after is not before:
        assert (after.graph, int(after.stops["node"][index])) == (0, NO_NODE)


def test_house_cannot_be_found_by_the_legs_to_it_and_from_it() -> None:
    """CONTROL: before, how far it is from the house before it says on this street which house it is."""
    street = Street()
    before = route(stop(1, 5), stop(2, 12), stop(3, 30))
    after = blurred(before, 2)

    def seconds_to_it(from_first: Route) -> int:
        return int(from_first.stops["leg_seconds"][1])

    there = Places.of([house(5), house(12)], [NO_NODE] * 2)
    exact = int(street.pairs(there[:1], there[1:])[0][0])
    assert seconds_to_it(before) == exact
    assert abs(seconds_to_it(after) - exact) > 60


def test_stop_that_is_not_on_a_route_changes_nothing() -> None:
    """The very same route, so that nothing is written."""
    before = route(stop(1, 5))
    assert blurred(before, 2) is before


def test_place_is_told_to_a_kilometre() -> None:
    """As a promise of a forgotten buyer tells it."""
    assert blurred_place(Location(lat=41.161234, lon=-8.601234)) == Location(lat=41.16, lon=-8.6)
