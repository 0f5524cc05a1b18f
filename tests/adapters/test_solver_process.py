"""A solver elsewhere answers like one here, and nothing it does takes us with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chalicelib.adapters.solver_process import SolverProcess, serve
from chalicelib.routing.optimiser import Budget, Engine, EngineFailed, engine_for
from chalicelib.routing.optimiser.problem import Orders, Problem, Task, Van

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def a_problem() -> Problem:
    """Four stops on a line, ten seconds apart, driven in a foolish order."""
    places = np.array([10, 20, 30, 40, 0, 0])
    tasks = tuple(
        Task(stop_id=at + 1, place=at, opens=0, closes=10_000, service=0, load=(1, 0, 0)) for at in range(4)
    )
    van = Van(
        shift_id="van",
        start=4,
        end=5,
        starts=0,
        ends=10_000,
        capacity=(10, None, None),
        takes=frozenset(range(4)),
        order=(3, 0, 2, 1),
    )
    apart = np.abs(places[:, None] - places[None, :]).astype(np.int64)
    return Problem(tasks=tasks, vans=(van,), seconds=apart)


def a_budget(seconds: float = 20.0, *, iterations: int | None = 50) -> Budget:
    return Budget(clock=time.monotonic, until=time.monotonic() + seconds, iterations=iterations)


class Scripted:
    """Does what the number of a task's seconds at the door asks for."""

    def improve(self, problem: Problem, budget: Budget) -> Orders:
        wanted = problem.tasks[0].service
        if wanted == 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        if wanted == 2:
            signal.pause()
        if wanted == 3:
            raise EngineFailed("no idea")
        if wanted == 4:
            raise ZeroDivisionError
        return problem.orders


def scripted(line: "Connection[Any, Any]") -> None:
    """What the process runs in these tests."""
    engine: Engine = Scripted()
    serve(line, lambda _: engine)


def asking(wanted: int) -> Problem:
    problem = a_problem()
    task = problem.tasks[0]
    changed = Task(
        stop_id=task.stop_id,
        place=task.place,
        opens=task.opens,
        closes=task.closes,
        service=wanted,
        load=task.load,
    )
    return Problem(tasks=(changed, *problem.tasks[1:]), vans=problem.vans, seconds=problem.seconds)


@pytest.fixture
def actor() -> Iterator[SolverProcess]:
    process = SolverProcess(program=f"{__name__}:scripted", grace=0.3, start=20.0)
    yield process
    process.close()


def test_answer_is_that_of_the_solver_here() -> None:
    """The same problem, seed and steps: the same orders."""
    process = SolverProcess()
    try:
        there = process.improve(a_problem(), a_budget())
        here = engine_for(a_problem()).improve(a_problem(), a_budget())
        again = process.improve(a_problem(), a_budget())
    finally:
        process.close()
    assert there == again == here
    assert sorted(there[0]) == [0, 1, 2, 3]
    assert there != a_problem().orders


@pytest.mark.parametrize(
    ("wanted", "why"), [(1, "crashed"), (2, "did not answer in time"), (3, "no idea"), (4, "crashed")]
)
def test_solver_that_fails_is_an_error_and_the_next_problem_is_solved(
    actor: SolverProcess, wanted: int, why: str
) -> None:
    """A crash of native code, an endless loop, an honest failure, a bug."""
    actor.improve(asking(0), a_budget(1.0))
    with pytest.raises(EngineFailed, match=why):
        actor.improve(asking(wanted), a_budget(0.1))
    assert actor.improve(asking(0), a_budget(5.0)) == a_problem().orders


def test_without_a_process_of_its_own_a_crash_takes_the_worker_with_it() -> None:
    """Control: the same solver called directly."""
    path = f"import sys; sys.path[:] = {sys.path!r}; import {__name__} as here;"
    code = f"{path} here.Scripted().improve(here.asking(1), None)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGSEGV


def test_process_ends_with_whoever_asked() -> None:
    """Nothing is left behind, also when nobody closed it."""
    process = SolverProcess(program=f"{__name__}:scripted")
    process.improve(asking(0), a_budget(20.0))
    child = process._end.peek()[2][0]  # type: ignore[attr-defined]  # noqa: SLF001
    del process
    assert child.returncode is not None
