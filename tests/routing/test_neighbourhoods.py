"""Work on a plan is divided so that what belongs together is together, and nothing is left out."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.routing.neighbourhoods import neighbourhoods
from chalicelib.routing.packed import Route
from tests.builders import THE_DAY_BEFORE, hours, route, shift, stop

NOW = THE_DAY_BEFORE


def van(name: str, *houses: float, start: float = 8, end: float = 18) -> Route:
    """A route with a stop at each house."""
    number = 100 * sum(map(ord, name))
    return route(
        *(stop(number + at, house, hours(start, end)) for at, house in enumerate(houses)), of=shift(name)
    )


def names(piece: tuple[Route, ...]) -> list[str]:
    return sorted(each.shift.vehicle_id for each in piece)


PLAN = [van("a", 10, 11), van("b", 12, 13), van("c", 80, 81), van("d", 82), van("e", -50)]


def test_the_routes_around_a_change_come_first() -> None:
    """Two vans that meet, not the two that come first in the list."""
    first = next(neighbourhoods(PLAN, None, ["shift-of-d"], NOW, most=2))
    assert names(first) == ["c", "d"]


def test_every_route_with_stops_is_in_some_piece() -> None:
    """Nothing stays as bad as it is because nobody looked."""
    pieces = list(neighbourhoods(PLAN, None, [], NOW, most=2))
    assert {name for piece in pieces for name in names(piece)} == {"a", "b", "c", "d", "e"}
    assert all(len(piece) <= 2 for piece in pieces)


def test_stops_without_a_van_come_before_all() -> None:
    """Around where they are."""
    lost = route(stop(7, 79))
    waiting = replace(lost, shift=replace(lost.shift, shift_id="~unassigned", vehicle_id=""))
    first = next(neighbourhoods(PLAN, waiting, ["shift-of-e"], NOW, most=2))
    assert names(first) == ["c", "d"]


def test_the_same_street_at_another_hour_is_far_away() -> None:
    """Vans that never meet have nothing to exchange."""
    plan = [van("a", 10, start=8, end=9), van("b", 10, start=16, end=17), van("c", 15, start=8, end=9)]
    assert names(next(neighbourhoods(plan, None, ["shift-of-a"], NOW, most=2))) == ["a", "c"]


def test_an_idle_van_is_invited() -> None:
    """It may be just what is missing; a withdrawn one is not."""
    plan = [*PLAN, van("idle"), replace(van("gone"), withdrawn=True)]
    first = next(neighbourhoods(plan, None, ["shift-of-d"], NOW, most=3))
    assert names(first) == ["c", "d", "idle"]
    assert "gone" not in {name for piece in neighbourhoods(plan, None, [], NOW) for name in names(piece)}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(-40, 40), max_size=4), max_size=9), st.integers(2, 8))
def test_pieces_are_never_larger_than_asked_for(houses: list[list[int]], most: int) -> None:
    """Whatever the plan looks like, each piece has distinct routes and at most so many."""
    plan = [van(f"van-{number}", *each) for number, each in enumerate(houses)]
    pieces = list(neighbourhoods(plan, None, ["shift-of-van-0"], NOW, most=most))
    assert all(0 < len({id(each) for each in piece}) == len(piece) <= most for piece in pieces)
    busy = {each.shift.vehicle_id for each in plan if len(each.stops)}
    assert busy <= {name for piece in pieces for name in names(piece)}
