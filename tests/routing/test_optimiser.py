"""Solvers behind one port: what each is asked, what it answers, and who is asked for what."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chalicelib.routing.model import Break, Capacity, StopFlag, StopKind
from chalicelib.routing.objective import Circumstances
from chalicelib.routing.optimiser import Budget, Engine, EngineFailed, engine_for
from chalicelib.routing.optimiser.booked import BookedEngine
from chalicelib.routing.optimiser.live import LiveEngine
from chalicelib.routing.optimiser.pose import pose
from chalicelib.routing.optimiser.problem import Orders, Problem, Rest, Task, Van
from chalicelib.routing.packed import Route
from chalicelib.routing.travel_times import CITY_PROFILE, WorkClock
from tests.benchmarks.days import ZONE
from tests.builders import (
    MIDNIGHT,
    THE_DAY_BEFORE,
    Street,
    calm_world,
    hour,
    hours,
    route,
    shift,
    stop,
)
from tests.routing.engines import Ticking, patient

NOW = THE_DAY_BEFORE
STREET = Street()
MINUTE, HOUR = 60, 3600
BOTH = [pytest.param(BookedEngine(), id="pyvrp"), pytest.param(LiveEngine(), id="ortools")]
each_engine = pytest.mark.parametrize("engine", BOTH)


def a_while() -> Budget:
    """Enough for either solver on a few stops, counted in looks at the clock."""
    return replace(patient(100), clock=Ticking(step=1e-4), until=2.0)


def calm(now: int) -> Circumstances:
    """The street, and nothing uncertain."""
    return Circumstances(travel=STREET, world=calm_world(), now=now)


def posed(*routes: Route, waiting: Sequence[Route] = (), now: int = NOW) -> Problem:
    return pose(routes, waiting, calm(now)).problem


def stops_of(problem: Problem, orders: Orders) -> list[list[int]]:
    return [[problem.tasks[number].stop_id for number in order] for order in orders]


def on_street(houses: Sequence[float], vans: Sequence[Van], tasks: Sequence[Task], **more: object) -> Problem:
    """A problem on the street, by hand: row k of the matrix is `houses[k]`."""
    at = np.array(houses, dtype=float)
    seconds = np.round(60 * np.abs(at[:, None] - at)).astype(np.int64)
    return Problem(tasks=tuple(tasks), vans=tuple(vans), seconds=seconds, **more)  # type: ignore[arg-type]


def task(
    number: int, *, opens: int = 0, closes: int = 10 * HOUR, service: int = 300, parcels: int = 1
) -> Task:
    return Task(
        stop_id=number + 1, place=number, opens=opens, closes=closes, service=service, load=(parcels, 0, 0)
    )


def van(
    name: str, start: int, end: int, takes: Sequence[int], order: Sequence[int] = (), **more: object
) -> Van:
    given = {"starts": 0, "ends": 10 * HOUR, "capacity": (None, None, None)} | more
    return Van(
        shift_id=name,
        start=start,
        end=end,
        takes=frozenset(takes),
        order=tuple(order),
        **given,  # type: ignore[arg-type]
    )


def drive(problem: Problem, at: int, order: Sequence[int]) -> list[int]:
    """When service starts at each task, worked out apart."""
    here, now, starts = problem.vans[at].start, problem.vans[at].starts, []
    for number in order:
        now = max(now + int(problem.seconds[here, number]), problem.tasks[number].opens)
        starts.append(now)
        now, here = now + problem.tasks[number].service, number
    return starts


# ------------------------------------------------------------------------------------- what is asked


def test_a_problem_has_every_live_stop_and_the_streets_legs() -> None:
    """Ghosts are nobody's task; times are seconds since the first shift's start."""
    problem = posed(
        route(stop(1, 10, hours(9, 10)), stop(2, 20, held_until=NOW - 60), of=shift("a")),
        route(stop(3, -5), of=shift("b", start=9)),
    )
    assert [each.stop_id for each in problem.tasks] == [1, 3]
    assert (problem.tasks[0].opens, problem.tasks[0].closes) == (HOUR, 2 * HOUR)
    assert [each.starts for each in problem.vans] == [0, HOUR]
    assert problem.orders == ((0,), (1,))
    assert problem.seconds[0, 1] == 15 * MINUTE
    assert problem.seconds[problem.vans[0].start, 0] == 10 * MINUTE


def test_legs_take_as_long_as_traffic_lets_them_in_the_middle_of_the_window() -> None:
    """The same street is slower at ten than at seven."""
    clock = WorkClock.over(CITY_PROFILE, ZONE, start=MIDNIGHT, end=MIDNIGHT + 86_400)
    late = stop(1, 10, hours(9.5, 10.5))
    early = stop(2, 10.5, hours(6, 7))
    problem = pose(
        [route(late, early)], [], Circumstances(travel=STREET, world=calm_world(clock=clock), now=NOW)
    ).problem
    home = problem.vans[0].end
    assert problem.seconds[0, home] == round(1.4 * 600)
    assert problem.seconds[1, home] < problem.seconds[0, home]


def test_who_may_take_what_follows_from_pins_skills_and_loading() -> None:
    """Pinned stops stay, skills are needed, a loaded van neither takes nor gives, a withdrawn one gives."""
    pinned = replace(stop(1, 10), flags=StopFlag.PINNED)
    cold = stop(2, 11, skills=["fridge"])
    free = stop(3, 12)
    vans = [
        route(pinned, cold, free, of=shift("a", skills=["fridge"])),
        route(stop(4, 13), of=shift("b")),
        replace(route(stop(5, 14), of=shift("c")), withdrawn=True),
        route(stop(6, 15), of=shift("d", start=6)),
    ]
    problem = posed(*vans, now=hour(7))
    takes = [{problem.tasks[number].stop_id for number in each.takes} for each in problem.vans]
    assert takes == [{1, 2, 3, 4, 5}, {3, 4, 5}, {5}, {6}]


def test_what_is_done_is_where_the_van_starts_from() -> None:
    """Its load is on board no more for others to use, its time is spent."""
    started = route(stop(1, 10), stop(2, 20), of=shift("a", capacity=Capacity(parcels=5)))
    problem = posed(started.marked(0, kind=StopKind.DONE))
    (only,) = problem.vans
    assert [each.stop_id for each in problem.tasks] == [2]
    assert only.starts == 15 * MINUTE
    assert only.capacity == (4, None, None)
    assert problem.seconds[only.start, 0] == 10 * MINUTE


# ----------------------------------------------------------------------------------- what is answered


@each_engine
def test_each_solver_parts_vans_that_cross(engine: Engine) -> None:
    """From the present orders to better ones."""
    problem = posed(
        route(stop(1, 10), stop(2, -10), stop(3, 11), of=shift("a")),
        route(stop(4, -11), stop(5, 12), stop(6, -12), of=shift("b")),
    )
    orders = engine.improve(problem, a_while())
    assert problem.fault_of(orders) is None
    sides = sorted(sorted(order) for order in stops_of(problem, orders))
    assert sides in ([[], [1, 2, 3, 4, 5, 6]], [[1, 3, 5], [2, 4, 6]])


@each_engine
def test_each_solver_keeps_windows_loads_and_pins(engine: Engine) -> None:
    """The shortest way that keeps them, not the shortest."""
    small = Capacity(parcels=2)
    problem = posed(
        route(
            replace(stop(1, 10, hours(8, 9)), flags=StopFlag.PINNED),
            stop(2, -10, hours(8, 9)),
            of=shift("a", capacity=small),
        ),
        route(stop(3, 11, hours(9, 10)), stop(4, -11, hours(9, 10)), of=shift("b", capacity=small)),
    )
    orders = engine.improve(problem, a_while())
    assert problem.fault_of(orders) is None
    for at, order in enumerate(orders):
        assert len(order) <= 2
        for number, start in zip(order, drive(problem, at, order), strict=True):
            assert problem.tasks[number].opens <= start <= problem.tasks[number].closes
    assert 0 in orders[0]


@each_engine
def test_a_stop_that_may_be_left_out_is_the_last_thing_left_out(engine: Engine) -> None:
    """The one that fits is placed however far it is; the one that does not is left."""
    waiting = route(stop(7, -200), stop(8, 400, hours(8, 9)))
    problem = posed(route(stop(1, 10), of=shift("a")), waiting=[waiting])
    orders = engine.improve(problem, a_while())
    assert sorted(stops_of(problem, orders)[0]) == [1, 7]


@each_engine
def test_who_must_be_early_waits_until_the_door_opens(engine: Engine) -> None:
    """A window tightened to before it opens: the van is there by then, and stays until it opened."""
    tight = task(0, opens=HOUR, closes=30 * MINUTE)
    assert tight.visit == (30 * MINUTE, 30 * MINUTE, 35 * MINUTE)
    soon = task(1, closes=HOUR + 10 * MINUTE)
    problem = on_street([20, 21, 0, 0], [van("a", 2, 3, [0, 1], [0, 1])], [tight, soon])
    assert engine.improve(problem, a_while()) == ((0, 1),)


def test_vans_that_are_alike_keep_most_of_what_they_have() -> None:
    """Which of two equal vans drives an order is chosen so that fewest stops move."""
    plan = [route(stop(1, 10), stop(2, 11), of=shift("a")), route(stop(3, -10), stop(4, -11), of=shift("b"))]
    problem = posed(*plan)
    orders = BookedEngine().improve(problem, patient(1))
    assert [sorted(order) for order in orders] == [[0, 1], [2, 3]]


def test_capacities_in_several_dimensions_bind_each_by_itself() -> None:
    """Many light parcels here, a few heavy ones there."""
    heavy, light = (0, 8_000, 0), (4, 10, 0)
    tasks = [replace(task(at), load=load) for at, load in enumerate([heavy, light, heavy, light])]
    vans = [
        van("strong", 4, 5, range(4), [0, 1], capacity=(5, 20_000, None)),
        van("roomy", 6, 7, range(4), [3], capacity=(9, 9_000, None)),
    ]
    problem = on_street(
        [10, 11, 12, 13, 0, 0, 0, 0], vans, [*tasks[:2], replace(tasks[2], required=False), tasks[3]]
    )
    orders = BookedEngine().improve(problem, patient(200))
    for order, limits in zip(orders, ((5, 20_000), (9, 9_000)), strict=True):
        for dimension, limit in enumerate(limits):
            assert sum(tasks[number].load[dimension] for number in order) <= limit
    assert sorted(number for order in orders for number in order) == [0, 1, 2, 3]


# ----------------------------------------------------------------------------------- the live day


def test_lateness_that_must_be_borne_is_as_small_as_can_be() -> None:
    """Two doors at the same time and one van: one of them waits, and not for longer than the way."""
    tasks = [task(0, closes=20 * MINUTE), task(1, closes=20 * MINUTE)]
    problem = on_street([20, -20, 0, 0], [van("a", 2, 3, [0, 1], [0, 1])], tasks, soft=True)
    (order,) = LiveEngine().improve(problem, a_while())
    starts = drive(problem, 0, order)
    assert sum(max(start - 20 * MINUTE, 0) for start in starts) == 45 * MINUTE


def test_hard_windows_that_cannot_be_kept_have_no_answer() -> None:
    """Control: without softness there is nothing to say, and that is said."""
    tasks = [task(0, closes=20 * MINUTE), task(1, closes=20 * MINUTE)]
    problem = on_street([20, -20, 0, 0], [van("a", 2, 3, [0, 1], [0, 1])], tasks)
    with pytest.raises(EngineFailed, match="OR-Tools"):
        LiveEngine().improve(problem, a_while())


def test_parcels_of_a_stranded_van_are_fetched_and_delivered_by_one_that_comes_by() -> None:
    """Pickups where it stands, then their doors; the helper's own parcels are on board from the start."""
    own, pickups, deliveries = task(0), [task(1, service=60), task(2, service=60)], [task(3), task(4)]
    tasks = [own, *pickups, *deliveries]
    near = van("near", 5, 6, range(5), [0], capacity=(2, None, None))
    far = van("far", 7, 8, range(5), [], capacity=(2, None, None), starts=5 * HOUR)
    houses = [10, 20, 20, 25, 30, 0, 0, -60, -60]
    problem = on_street(houses, [near, far], tasks, meetings=((1, 3), (2, 4)), soft=True)
    orders = LiveEngine().improve(problem, a_while())
    assert problem.fault_of(orders) is None
    for order in orders:
        on_board = sum(1 for number in order if number == 0)
        for number in order:
            on_board += 1 if number in (1, 2) else -1
            assert 0 <= on_board <= 2
        for pickup, delivery in problem.meetings:
            assert (pickup in order) == (delivery in order)
            assert pickup not in order or order.index(pickup) < order.index(delivery)
    assert len(orders[0]) == 5


def test_a_break_is_taken_where_it_still_starts_in_time() -> None:
    """The solver leaves room for it: the door behind it is reached half an hour later."""
    rest = Rest(earliest=10 * MINUTE, latest=20 * MINUTE, duration=30 * MINUTE)
    tasks = [task(0, closes=HOUR), task(1, closes=35 * MINUTE)]
    for rests, first in (((), {0, 1}), ((rest,), {1})):
        problem = on_street([10, 12, 0, 0], [van("a", 2, 3, [0, 1], [0, 1], rests=rests)], tasks)
        (order,) = LiveEngine().improve(problem, a_while())
        assert order[0] in first


# ------------------------------------------------------------------------------------ who is asked


def test_the_kind_of_problem_decides_who_is_asked() -> None:
    """PyVRP for booked plans, breaks included; OR-Tools for lateness to be borne and for transfers."""
    rest = Break(earliest_at=hour(11), latest_at=hour(12), duration=1800)
    booked = posed(route(stop(1, 10), of=shift("a", breaks=[rest])))
    assert isinstance(engine_for(booked), BookedEngine)
    assert isinstance(engine_for(replace(booked, soft=True)), LiveEngine)
    assert isinstance(engine_for(replace(booked, meetings=((0, 0),))), LiveEngine)


@each_engine
def test_nothing_to_do_is_done_at_once(engine: Engine) -> None:
    """No stops, or no vans."""
    assert engine.improve(posed(route()), patient()) == ((),)
    assert engine.improve(posed(waiting=[route(stop(1, 10))]), patient()) == ()


def test_no_solver_is_loaded_before_it_is_asked() -> None:
    """Whoever searches slots never pays for one."""
    code = (
        "import sys; from chalicelib.routing import replan, rebase, optimiser; "
        "print([name for name in ('pyvrp', 'ortools') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "[]"


def test_what_pyvrp_refuses_is_a_failure_with_its_reason() -> None:
    """A matrix that is none: the worker hears which solver, and why."""
    bad = replace(posed(route(stop(1, 10), stop(2, 11))), seconds=np.zeros((2, 2), dtype=np.int64))
    with pytest.raises(EngineFailed, match="PyVRP"):
        BookedEngine().improve(bad, patient())


def test_a_hold_is_offered_only_to_vans_that_load_after_it_ends() -> None:
    """The exact check would refuse it; the solver need not try."""
    held = stop(2, 11, held_until=hour(8))
    routes = [route(stop(1, 10), held, of=shift("late", start=12)), route(stop(3, 12), of=shift("early"))]
    posed = pose(routes, [], calm(THE_DAY_BEFORE))
    late, early = posed.problem.vans
    assert {posed.problem.tasks[number].stop_id for number in late.takes} == {1, 2, 3}
    assert {posed.problem.tasks[number].stop_id for number in early.takes} == {1, 3}
