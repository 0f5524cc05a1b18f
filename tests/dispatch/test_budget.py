"""How long a run may work: the rule, number by number."""

from dataclasses import replace

import pytest

from chalicelib.dispatch.budget import (
    LEAST_SECONDS,
    LONGEST_SECONDS,
    MOST_TIMES,
    SHARE_OF_WAIT,
    STOPS_A_SECOND,
    seconds_for,
)
from chalicelib.routing.packed import Route
from tests.builders import THE_DAY_BEFORE, hour, route, shift, stop

LOADS_AT = hour(7.5)


def plan(stops: int = 40, *, versions: tuple[int, ...] = (1,)) -> list[Route]:
    """As many vans as versions, loaded at half past seven, the stops on the first of them."""
    first, *others = versions
    return [
        route(*(stop(number, number) for number in range(1, stops + 1)), of=shift("van-0"), version=first),
        *(route(of=shift(f"van-{at}"), version=version) for at, version in enumerate(others, start=1)),
    ]


def seconds(
    routes: list[Route], improved: dict[str, int] | None = None, now: int = THE_DAY_BEFORE, **more: bool
) -> float:
    return seconds_for(routes, improved or {}, now, asked=more.get("asked", False))


def test_run_behind_one_booking_follows_the_size_of_the_plan() -> None:
    """Nearly nothing for an empty one."""
    assert seconds(plan(0)) == LEAST_SECONDS
    assert seconds(plan(40)) == LEAST_SECONDS + 40 / STOPS_A_SECOND


def test_plan_that_was_not_improved_for_long_gets_more() -> None:
    """Three bookings on one van and two on another since the last run: five times as long."""
    assert seconds(plan(versions=(7, 4)), {"shift-of-van-0": 4, "shift-of-van-1": 2}) == pytest.approx(
        5 * seconds(plan())
    )


def test_plan_that_nothing_happened_to_gets_as_much_as_behind_one_booking() -> None:
    """A closure or a repeated job: there is still a look."""
    assert seconds(plan(versions=(7, 4)), {"shift-of-van-0": 7, "shift-of-van-1": 9}) == seconds(plan())


def test_who_asks_gets_as_much_as_many_bookings_would() -> None:
    """And the hundredth booking buys no more than the tenth."""
    assert seconds(plan(), asked=True) == pytest.approx(MOST_TIMES * seconds(plan()))
    assert seconds(plan(versions=(100,))) == seconds(plan(), asked=True)


def test_no_run_is_longer_than_the_longest() -> None:
    """Four hundred stops, and somebody waits."""
    big = [replace(plan(0)[0], stops=plan(100)[0].stops) for _ in range(8)]
    assert seconds(big, asked=True) == LONGEST_SECONDS


@pytest.mark.parametrize("left", [20, 80])
def test_little_time_before_loading_leaves_little_for_a_run(left: int) -> None:
    """A share of it; the van that is loaded last counts."""
    soon = LOADS_AT - left
    assert seconds(plan(), now=soon, asked=True) == left / SHARE_OF_WAIT
    late_van = route(of=shift("late", start=14), version=1)
    assert seconds([*plan(), late_van], now=soon, asked=True) > left / SHARE_OF_WAIT


def test_plan_whose_vans_are_all_loaded_gets_nothing() -> None:
    """There is nothing left to move; nor is there on a van that was withdrawn."""
    assert seconds(plan(), now=LOADS_AT) == 0
    assert seconds([replace(each, withdrawn=True) for each in plan()]) == 0
    assert seconds([]) == 0


def test_changes_of_vans_that_are_loaded_buy_nothing() -> None:
    """Nobody can improve them any more."""
    late_van = route(of=shift("late", start=14), version=1)
    loaded = plan(versions=(9,))[0]
    assert seconds([loaded, late_van], now=LOADS_AT) == seconds(plan(), now=THE_DAY_BEFORE)
