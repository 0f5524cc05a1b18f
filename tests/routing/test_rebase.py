"""Whoever booked while a plan was improved has won, and the improvement still counts."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.routing.change import Change
from chalicelib.routing.edit import inserted, without
from chalicelib.routing.model import Stop, StopFlag, StopKind
from chalicelib.routing.objective import Circumstances
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import judge
from chalicelib.routing.rebase import rebase
from chalicelib.routing.replan import replan
from chalicelib.routing.sweeps import Sweeps
from tests.builders import THE_DAY_BEFORE, Street, calm_world, hour, hours, restless_world, route, shift, stop
from tests.routing.engines import Answering, patient

NOW = THE_DAY_BEFORE
STREET = Street()
HERE = Circumstances(travel=STREET, world=restless_world(), now=NOW)

# Two vans that each drive the whole street.
CROSSED = (
    route(stop(1, 10), stop(2, -10), stop(3, 11), of=shift("a")),
    route(stop(4, -11), stop(5, 12), stop(6, -12), of=shift("b")),
)


@cache
def improvement(plan: tuple[Route, ...] = CROSSED) -> Change:
    (change,) = replan(plan, None, HERE, patient()).changes
    return change


def ids(of: Route) -> list[int]:
    return [int(stop_id) for stop_id in of.stops["stop_id"]]


def everything(routes: Sequence[Route]) -> list[int]:
    return sorted(stop_id for each in routes for stop_id in ids(each))


def booked(routes: Sequence[Route], newcomer: Stop) -> list[Route]:
    """Somebody was faster: the newcomer is in, one version on."""
    found = inserted(newcomer, routes, [True] * len(routes), Sweeps(HERE.world), STREET, NOW)
    assert found is not None
    at, changed = found
    return [*routes[:at], replace(changed, version=changed.version + 1), *routes[at + 1 :]]


def test_a_change_of_routes_that_nobody_touched_is_the_same_change() -> None:
    """Newer versions with the same stops: the same orders."""
    change = improvement()
    newer = [replace(each, version=7) for each in change.before]
    again = rebase(change, newer, HERE)
    assert again is not None
    assert [ids(each) for each in again.after] == [ids(each) for each in change.after]
    assert {each.version for each in again.after} == {7}
    assert again.seconds_saved == change.seconds_saved


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-40, 40), st.sampled_from([(8, 18), (9, 11), (12, 14)])), min_size=1, max_size=3
    )
)
def test_bookings_that_slipped_in_lose_nothing(newcomers: list[tuple[int, tuple[int, int]]]) -> None:
    """Everybody who was in either state is in the rebased one, and kept."""
    change = improvement()
    current = list(change.before)
    for number, (at, window) in enumerate(newcomers):
        current = booked(current, stop(50 + number, at, hours(*window)))
    again = rebase(change, current, HERE)
    assert again is not None
    assert everything(again.after) == everything(current)
    for judged in judge(list(again.after), NOW, HERE.world):
        assert judged.sound(HERE.world.target)
    assert again.worth_after < again.worth_before


def test_applying_the_old_answer_would_lose_the_booking() -> None:
    """Control: the routes as they were computed do not have the newcomer."""
    change = improvement()
    current = booked(change.before, stop(50, 20))
    assert 50 in everything(current)
    assert 50 not in everything(change.after)


def test_a_stop_that_was_cancelled_meanwhile_does_not_come_back() -> None:
    """Nor does its absence spoil the rest."""
    change = improvement()
    current = [without(each, 2, STREET, NOW, HERE.world) for each in change.before]
    again = rebase(change, current, HERE)
    assert again is not None
    assert everything(again.after) == [1, 3, 4, 5, 6]


def test_a_hold_that_was_confirmed_meanwhile_stays_confirmed() -> None:
    """What a stop is, the route says as it is now."""
    held = (
        route(stop(1, 10), stop(2, -10, held_until=hour(0)), stop(3, 11), of=shift("a")),
        CROSSED[1],
    )
    change = improvement(held)
    at = next(number for number, each in enumerate(change.before) if each.index_of(2) is not None)
    confirmed = [
        each.marked(each.index_of(2), kind=StopKind.PROMISED, expires_at=0) if number == at else each
        for number, each in enumerate(change.before)
    ]
    again = rebase(change, confirmed, HERE)
    assert again is not None
    holder = next(each for each in again.after if each.index_of(2) is not None)
    place = holder.index_of(2)
    assert place is not None
    assert holder.stop(place).kind is StopKind.PROMISED


def test_what_does_not_fit_any_more_is_dropped_and_the_rest_stands() -> None:
    """A long visit was pinned to one van meanwhile: what should move there stays, the other move is made."""
    calm = replace(HERE, world=calm_world())
    plan = [
        route(stop(1, 10), stop(2, -10, minutes=60), of=shift("a")),
        route(stop(4, -11), stop(5, 12), of=shift("b")),
    ]
    (change,) = replan(plan, None, calm, patient(), engine=Answering(lambda _: [[0, 3], [2, 1]])).changes
    pinned = replace(stop(60, -40, minutes=480), flags=StopFlag.PINNED)
    current = [plan[0], route(stop(4, -11), pinned, stop(5, 12), of=shift("b"))]
    again = rebase(change, current, calm)
    assert again is not None
    assert [move.stop_id for move in again.moves] == [5]
    assert [sorted(ids(each)) for each in again.after] == [[1, 2, 5], [4, 60]]


def test_a_van_that_was_loaded_meanwhile_keeps_what_it_has() -> None:
    """The time for exchanging parcels has passed: no move, at most another order."""
    change = improvement()
    again = rebase(change, change.before, replace(HERE, now=hour(7.6)))
    assert again is None or again.moves == ()


def test_without_a_gain_nothing_of_it_stands() -> None:
    """The routes are already as the change wants them."""
    change = improvement()
    assert rebase(change, change.after, HERE) is None


def test_only_the_same_shifts_can_be_rebased() -> None:
    """A caller's mistake is not guessed at."""
    with pytest.raises(ValueError, match="same shifts"):
        rebase(improvement(), CROSSED[:1], HERE)


def test_one_van_does_not_pay_for_the_trouble_of_another() -> None:
    """Both shifts were shortened meanwhile: less lateness in all is no excuse for a new one."""
    calm = replace(HERE, world=calm_world())
    plan = [route(stop(1, 10), of=shift("a")), route(stop(4, -11), stop(5, 12), of=shift("b"))]
    (change,) = replan(plan, None, calm, patient(), engine=Answering(lambda _: [[0, 2], [1]])).changes
    shortened = [
        replace(each, shift=replace(each.shift, ends_at=hour(8) + minutes * 60))
        for each, minutes in zip(plan, (28, 46), strict=True)
    ]
    late_before = calm.worth(calm.see(shortened)).late
    late_after = calm.worth(
        calm.see([replace(new, shift=old.shift) for new, old in zip(change.after, shortened, strict=True)])
    ).late
    assert 0 < late_after < late_before
    assert rebase(change, shortened, calm) is None
