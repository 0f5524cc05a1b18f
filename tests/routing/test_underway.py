"""What is left of a route is a route: cut off, judged, changed and put back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.routing.edit import reordered
from chalicelib.routing.model import NO_NODE
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import judge
from chalicelib.routing.underway import Underway, rest_of, whole
from tests.builders import Street, calm_world, hour, house, route, stop

STREET = Street()
NOON = hour(12)


def at(place: float, since: float, *behind: int, towards: int = 0) -> Underway:
    """A van at a house since an hour, with stops behind it."""
    return Underway(
        behind=frozenset(behind), place=house(place), node=NO_NODE, since=hour(since), towards=towards
    )


def day(*houses: float) -> Route:
    """A van that visits these houses in this order, stop 1 first."""
    return route(*(stop(number, at) for number, at in enumerate(houses, start=1)))


def ids(changed: Route) -> list[int]:
    """Its stops in order."""
    return [int(stop_id) for stop_id in changed.stops["stop_id"]]


def test_the_rest_starts_where_and_when_the_van_is() -> None:
    """Seen at house 12 at noon with the first stop behind it, it reaches house 20 eight minutes later."""
    rest = rest_of(day(10, 20, 30), at(12, 12, 1), STREET)
    assert ids(rest) == [2, 3]
    (judged,) = judge([rest], NOON, calm_world())
    assert judged.arrive.tolist() == [NOON + 8 * 60, NOON + 8 * 60 + 300 + 10 * 60, NOON + 28 * 60 + 30 * 60]


def test_a_stop_served_out_of_turn_leaves_a_way_of_its_own() -> None:
    """Stop 2 was served first: from 1 the van goes straight to 3, which is not what was stored."""
    rest = rest_of(day(10, 50, 12), at(50, 12, 2), STREET)
    assert ids(rest) == [1, 3]
    assert rest.stops["leg_seconds"].tolist() == [40 * 60, 2 * 60]
    assert rest.last_leg.seconds == 12 * 60


def test_a_van_with_nothing_ahead_goes_home() -> None:
    """All that is left is the way back."""
    rest = rest_of(day(10, 20), at(20, 12, 1, 2), STREET)
    assert ids(rest) == []
    assert rest.last_leg.seconds == 20 * 60


def test_what_is_late_stays_late() -> None:
    """A shift ends when it did, though the van is still out by then: CONTROL, an hour before it is not."""
    late, in_time = (rest_of(day(10), at(10, since, 1), STREET) for since in (18.5, 17.5))
    assert judge([late], hour(18.5), calm_world())[0].late[-1] == 40 * 60
    assert judge([in_time], hour(17.5), calm_world())[0].late[-1] < 0


def test_a_changed_rest_is_put_back_under_what_is_behind() -> None:
    """Turned round behind the first stop, it is stored with the way from there."""
    before = day(10, 20, 30)
    underway = at(12, 12, 1)
    rest = rest_of(before, underway, STREET)
    turned = reordered(rest, [(rest, 1), (rest, 0)], STREET)
    stored = whole(before, underway, turned, STREET)
    assert ids(stored) == [1, 3, 2]
    assert stored.stops["leg_seconds"].tolist() == [10 * 60, 20 * 60, 10 * 60]
    assert (stored.shift, stored.version) == (before.shift, before.version)


@given(
    houses=st.lists(st.integers(0, 60), min_size=1, max_size=8),
    behind=st.sets(st.integers(1, 8)),
    place=st.integers(0, 60),
)
def test_an_unchanged_rest_is_put_back_as_it_was(houses: list[int], behind: set[int], place: int) -> None:
    """Same stops; same legs wherever the order is the same."""
    before = day(*houses)
    underway = at(place, 12, *behind)
    stored = whole(before, underway, rest_of(before, underway, STREET), STREET)
    assert sorted(ids(stored)) == sorted(ids(before))
    fresh = reordered(stored, [(stored, number) for number in range(len(houses))], STREET)
    assert np.array_equal(stored.stops["leg_seconds"], fresh.stops["leg_seconds"])
    assert stored.last_leg == fresh.last_leg


@pytest.mark.parametrize("unknown", [99, 1 << 60])
def test_a_stop_the_route_does_not_have_is_ignored(unknown: int) -> None:
    """It may have left the route since."""
    assert ids(rest_of(day(10, 20), at(0, 8, unknown), STREET)) == [1, 2]
