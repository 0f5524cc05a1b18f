"""What closures leave of windows: the longest piece, or nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.routing.closed import narrowed, narrowed_window, reached
from chalicelib.routing.insertion import Insertion
from chalicelib.routing.model import TimeWindow
from chalicelib.routing.objective import Circumstances
from chalicelib.routing.optimiser.pose import pose
from chalicelib.routing.proof import World, judge
from chalicelib.routing.sweeps import Sweeps
from chalicelib.routing.travel_times import WorkClock
from tests.builders import CALM, THE_DAY_BEFORE, Street, hour, hours, route, stop, visit


def shut(*closed: TimeWindow) -> World:
    """A world in which everything goes as planned, but nothing is delivered at these times."""
    return World(clock=WorkClock.flat(), noise=CALM, target=0.98, closed=closed)


@pytest.mark.parametrize(
    ("closed", "left"),
    [
        ([], hours(8, 10)),
        ([hours(10, 12)], hours(8, 10)),
        ([hours(6, 8)], hours(8, 10)),
        ([hours(9, 12)], hours(8, 9)),
        ([hours(6, 9)], hours(9, 10)),
        ([hours(8.25, 8.5)], hours(8.5, 10)),
        ([hours(9, 9.5), hours(8.5, 9.25)], hours(8, 8.5)),
        ([hours(8, 10)], None),
        ([hours(9, 11), hours(7, 9)], None),
    ],
)
def test_longest_piece_outside_the_closures_is_left(
    closed: list[TimeWindow], left: TimeWindow | None
) -> None:
    """Closures may overlap, come in any order, and touch a window at its ends without touching it."""
    assert narrowed_window(hours(8, 10), closed) == left


def test_window_of_a_moment_that_no_closure_touches_stays() -> None:
    """It is short, not barred."""
    assert narrowed_window(hours(8, 8), [hours(9, 10)]) == hours(8, 8)
    assert narrowed_window(hours(9, 9), [hours(8, 10)]) is None


moments = st.integers(0, 30)
spans = st.tuples(moments, moments).filter(lambda span: span[0] < span[1])


@settings(max_examples=200)
@given(window=spans, closed=st.lists(spans, max_size=4))
def test_what_is_left_is_the_longest_run_of_open_seconds(
    window: tuple[int, int], closed: list[tuple[int, int]]
) -> None:
    """Counted second by second: a stretch between two seconds is open if no closure covers it."""
    opened = [
        not any(first <= second < last for first, last in closed) for second in range(window[0], window[1])
    ]
    runs, run = [0], 0
    for is_open in opened:
        run = run + 1 if is_open else 0
        runs.append(run)
    starts, ends, barred = narrowed(
        np.array([window[0]]), np.array([window[1]]), [TimeWindow(start=a, end=b) for a, b in closed]
    )
    if max(runs) == 0:
        assert barred[0]
        assert (starts[0], ends[0]) == window
    else:
        assert not barred[0]
        assert ends[0] - starts[0] == max(runs)
        assert all(opened[starts[0] - window[0] : ends[0] - window[0]])


@pytest.mark.parametrize(("now", "found"), [(hour(7), True), (hour(10), True), (hour(10) + 1, False)])
def test_closure_reaches_into_a_plan_while_a_window_of_it_is_to_come(now: int, found: bool) -> None:
    """What is over is touched by nothing, nor is a window that only shares an end."""
    promised, ghost = stop(1, 10, hours(8, 10)), stop(2, 10, hours(14, 16), held_until=hour(1))
    assert reached(route(promised, ghost), [hours(9, 11)], now) is found
    assert not reached(route(promised, ghost), [hours(10, 18)], now)


def test_van_waits_until_a_closure_is_over() -> None:
    """Planned, judged and swept alike: the door opens when the closure ends."""
    each = route(stop(1, 10, hours(8, 10)))
    (as_planned,) = judge([each], THE_DAY_BEFORE, shut())
    (waiting,) = judge([each], THE_DAY_BEFORE, shut(hours(7, 9)))
    assert as_planned.start[0] == hour(8) + 600
    assert waiting.start[0] == hour(9)
    assert waiting.kept[0] == 1.0


def test_stop_planned_inside_a_closure_is_late() -> None:
    """By what it comes after the closure has begun."""
    each = route(stop(1, 60, hours(8, 10)))
    (judged,) = judge([each], THE_DAY_BEFORE, shut(hours(8.5, 12)))
    assert judged.late[0] == 30 * 60
    assert judged.kept[0] == 0.0


def test_promise_that_lies_inside_altogether_is_never_kept_and_harms_nobody_else() -> None:
    """Its own odds are nil; the stop behind it is planned as if nothing were closed."""
    each = route(stop(1, 10, hours(8, 9)), stop(2, 20, hours(9.5, 10)))
    (free,), (closed,) = (judge([each], THE_DAY_BEFORE, world) for world in (shut(), shut(hours(7, 9.25))))
    assert (free.kept[0], closed.kept[0]) == (1.0, 0.0)
    assert (closed.kept[1], closed.start[1]) == (1.0, free.start[1])
    assert closed.late[0] <= 0


def proven(world: World, window: TimeWindow) -> tuple[float, int] | None:
    """Confidence and planned start of the best place for a visit on an empty van."""
    sweeps = Sweeps(world)
    swept = sweeps.of([route()], THE_DAY_BEFORE)
    asked = Insertion(sweeps, swept, np.array([True]), visit(10), [window], Street(), THE_DAY_BEFORE)
    (proof,) = asked.best()
    return (proof.confidence, proof.planned_at) if proof else None


def test_newcomer_is_placed_beside_a_closure_and_never_inside() -> None:
    """Part of the window is enough; none of it is not."""
    assert proven(shut(hours(7, 9)), hours(8, 10)) == (1.0, hour(9))
    assert proven(shut(hours(7, 11)), hours(8, 10)) is None


def test_without_the_closure_the_newcomer_would_be_planned_into_it() -> None:
    """Control: the same visit in a world that knows of none."""
    assert proven(shut(), hours(8, 10)) == (1.0, hour(8) + 600)


def test_solver_gets_the_narrow_window_and_nothing_that_cannot_be_kept() -> None:
    """What waits for a van and cannot be delivered at all is not posed; what a van has stays with it."""
    closed = shut(hours(8.5, 9.5))
    own = route(stop(1, 10, hours(8, 9)), stop(2, 20, hours(8.5, 9.5)))
    waits = route(stop(3, 30, hours(8.5, 9)), stop(4, 40, hours(9, 11)))
    problem = pose([own], [waits], Circumstances(travel=Street(), world=closed, now=THE_DAY_BEFORE)).problem
    tasks = {task.stop_id: (task.opens, task.closes) for task in problem.tasks}
    assert tasks == {
        1: (0, 1800),
        2: (1800, 5400),
        4: (5400, 10_800),
    }
