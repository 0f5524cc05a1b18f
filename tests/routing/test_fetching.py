"""What is stranded is handed out stop by stop, where most promises are expected to be kept."""

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from chalicelib.routing.fetching import Fetching
from chalicelib.routing.model import Break, Capacity, StopKind
from chalicelib.routing.objective import Circumstances, OnTheRoad
from chalicelib.routing.optimiser import EngineFailed
from chalicelib.routing.optimiser.pose import Posed, pose
from chalicelib.routing.optimiser.problem import Orders, Problem
from chalicelib.routing.packed import Route
from chalicelib.routing.replan import Replan, replan
from tests.builders import hours, restless_world, route, shift, stop
from tests.routing.engines import Answering, patient
from tests.routing.test_live_replan import BIG, CALM, NOON, after, ids, left_of, stranded_day


def no_answer(problem: Problem) -> Orders:
    raise EngineFailed("no answer")


def without_a_solver(routes: list[Route], here: Circumstances, down: Route) -> Replan:
    """What comes of it if the solver never answers."""
    return replan(routes, None, here, patient(), stranded=[down], engine=Answering(no_answer))


def fetched(plan: Iterable[Route], done: Replan, which: Iterable[int]) -> dict[int, str]:
    """Who has which of these stops."""
    return {
        stop_id: found.shift.shift_id
        for found in after(list(plan), done)
        for stop_id in ids(found)
        if stop_id in which and found.driven
    }


def test_what_is_stranded_is_fetched_though_no_solver_answers() -> None:
    """One meeting, then both; CONTROL: with no time for it either, it stays where it is."""
    down, other, here = stranded_day()
    done = without_a_solver([other], here, down)
    _, rescuer = after([down, other], done)
    assert (rescuer.stops["kind"] == StopKind.MEETING).sum() == 1
    assert fetched([down, other], done, {1, 2}) == {1: "shift-of-b", 2: "shift-of-b"}
    late = replan([other], None, here, patient().share(0), stranded=[down], engine=Answering(no_answer))
    assert late.changes == ()


def test_each_helper_takes_what_it_can_bring_in_time() -> None:
    """Two parcels for opposite ends, an hour left: one van alone would keep one of them."""
    down = left_of(
        route(stop(1, 40, hours(10, 13)), stop(2, -40, hours(10, 13)), of=shift("a")), 0, stranded=True
    )
    helpers = [left_of(route(of=shift(name, capacity=BIG)), 1) for name in ("b", "c")]
    here = replace(CALM, on_road=OnTheRoad(aboard=frozenset({1, 2})))
    both = without_a_solver(helpers, here, down)
    assert set(fetched([down, *helpers], both, {1, 2}).values()) == {"shift-of-b", "shift-of-c"}
    assert here.worth(here.see(after([down, *helpers], both))).broken == 0
    alone = without_a_solver(helpers[:1], here, down)
    assert here.worth(here.see(after([down, helpers[0]], alone))).broken == 1


def test_half_a_chance_is_taken() -> None:
    """Nobody could promise it, and nobody else loses by it."""
    here = replace(CALM, world=restless_world(), on_road=OnTheRoad(aboard=frozenset({1})))
    other = left_of(route(of=shift("b", capacity=BIG)), 0)
    for house_at in range(20, 60):
        down = left_of(route(stop(1, house_at, hours(10, 12.75)), of=shift("a")), 5, stranded=True)
        done = without_a_solver([other], here, down)
        kept = 1 - here.worth(here.see(after([down, other], done))).broken
        if 0.3 < kept < 0.7:
            break
    assert 0.3 < kept < 0.7
    assert fetched([down, other], done, {1}) == {1: "shift-of-b"}


def test_who_would_lose_more_than_is_gained_is_left_alone() -> None:
    """The helper's own stop is kept as it is, though a parcel could be fetched before it."""
    down = left_of(route(stop(1, 25, hours(10, 12.9)), of=shift("a")), 20, stranded=True)
    own = [stop(3, -10, hours(10, 12.4)), stop(4, -12, hours(10, 12.5))]
    other = left_of(route(*own, of=shift("b", capacity=BIG)), 0)
    here = replace(CALM, on_road=OnTheRoad(aboard=frozenset({1})))
    done = without_a_solver([other], here, down)
    before = here.worth(here.see([other, down])).broken
    then = here.see(after([down, other], done))
    assert here.worth(then).broken <= before
    assert [each.judged.late[:2].max() <= 0 for each in then if each.judged is not None] == [True]


def posed_day(*, rest: Break | None = None) -> Posed:
    """Three stops aboard, a helper with four of its own."""
    aboard = [
        stop(number, at, hours(10, end)) for number, at, end in ((1, 25, 13), (2, 30, 13.5), (3, -5, 14))
    ]
    down = left_of(route(*aboard, of=shift("a")), 20, stranded=True)
    own = [stop(10 + at, 6 * at, hours(10, 12.5 + at / 3)) for at in range(1, 5)]
    other = left_of(route(*own, of=shift("b", capacity=BIG)), 10)
    if rest is not None:
        other = replace(other, shift=replace(other.shift, breaks=(rest,)))
    here = replace(CALM, on_road=OnTheRoad(aboard=frozenset({1, 2, 3})))
    return pose([other], [], here, stranded=[down])


@pytest.mark.parametrize("rested", [False, True])
def test_the_best_place_is_the_best_of_all_places(rested: bool) -> None:
    """By trying each of them one by one; and again when the van has met the stranded one already."""
    lunch = Break(earliest_at=NOON, latest_at=NOON + 1200, duration=900) if rested else None
    posed = posed_day(rest=lunch)
    fetching = Fetching(posed, lambda reached: np.full_like(reached, 400.0))
    orders = posed.problem.orders
    for _ in range(2):
        best = fetching.best(orders, 9)
        waiting = [pair for pair in posed.problem.meetings if pair[0] not in orders[0]]
        assert len(best) == len(waiting)
        for pair in waiting:
            met = [at for at, number in enumerate(orders[0]) if number in dict(posed.problem.meetings)]
            tried = max(naive_worth(posed, order) for order in every_place(orders[0], pair, met))
            (found,) = [each for each in best if pair[0] in each.order]
            assert found.gain == pytest.approx(tried - naive_worth(posed, orders[0]), abs=1e-9)
        assert [each.gain for each in best] == sorted((each.gain for each in best), reverse=True)
        orders = (best[0].order,)


def every_place(order: tuple[int, ...], pair: tuple[int, int], met: list[int]) -> Iterable[tuple[int, ...]]:
    for first in [met[-1] + 1] if met else range(len(order) + 1):
        for then in range(first, len(order) + 1):
            yield (*order[:first], pair[0], *order[first:then], pair[1], *order[then:])


def naive_worth(posed: Posed, order: tuple[int, ...]) -> float:
    """The same curve, stop by stop."""
    problem, (van,) = posed.problem, posed.problem.vans
    now, at, worth, late, rests = float(van.starts), van.start, 0.0, 0.0, list(van.rests)
    pickups = {pickup for pickup, _ in problem.meetings}
    for number in order:
        task = problem.tasks[number]
        leg = int(problem.seconds[at, task.place])
        if rests and max(now + leg, task.opens) + task.service > rests[0].latest:
            rest = rests.pop(0)
            now = max(now, rest.earliest) + rest.duration
        reached = max(now + leg, task.opens)
        if number not in pickups:
            worth += 1 / (1 + math.exp(min(max(-1.702 * (task.closes - reached) / 200, -50), 50)))
            late += max(reached - task.closes, 0)
        now, at = reached + task.service, task.place
    return worth - 1e-6 * (late + max(now + int(problem.seconds[at, van.end]) - van.ends, 0))


def test_a_van_that_is_full_or_may_not_is_never_proposed() -> None:
    """Neither by load nor by what it may take."""
    down, _, here = stranded_day()
    full = left_of(route(stop(3, 12, hours(10, 15)), of=shift("b", capacity=Capacity(parcels=1))), 10)
    gone = replace(left_of(route(of=shift("c", capacity=BIG)), 10), withdrawn=True)
    posed = pose([full, gone], [], here, stranded=[down])
    assert Fetching(posed, np.zeros_like).best(posed.problem.orders, 9) == []
    empty = left_of(route(of=shift("b", capacity=BIG)), 10)
    posed = pose([empty], [], here, stranded=[down])
    assert len(Fetching(posed, np.zeros_like).best(posed.problem.orders, 9)) == 2  # CONTROL
