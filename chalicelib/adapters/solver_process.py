"""Solvers in a process of their own, so that one that crashes or hangs takes nothing with it.

The process is started with the first problem and kept for the next, because loading a solver takes longer
than most of its answers. Weak point: it is loaded again after a crash, in about half a second.
"""

import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from typing import Any, Final

from chalicelib.routing.optimiser import Budget, Engine, EngineFailed, engine_for
from chalicelib.routing.optimiser.problem import Orders, Problem

GRACE_SECONDS: Final = 2.0  # behind its deadline: a solver looks at the clock between its steps
START_SECONDS: Final = 10.0  # more for the first answer: Python and the solver are loaded before

type Choice = Callable[[Problem], Engine]


class SolverProcess:
    """An engine that runs elsewhere; which solver follows from the problem, as in `engine_for`.

    Parameters
    ----------
    program
        What the process runs, given the connection: a module's function as `module:function`.
    grace, start
        Seconds of patience beyond the budget: with every answer, and with the first.
    """

    def __init__(
        self,
        *,
        program: str = f"{__name__}:serve",
        grace: float = GRACE_SECONDS,
        start: float = START_SECONDS,
    ) -> None:
        self._program, self._grace, self._start = program, grace, start
        self._line: Connection[Any, Any] | None = None
        self._end: Callable[[], object] = lambda: None

    def improve(self, problem: Problem, budget: Budget) -> Orders:
        """Propose better orders.

        Raises
        ------
        EngineFailed
            The solver raised, crashed, or did not answer in time; the next problem meets a fresh one.
        """
        patience = budget.left + self._grace
        if self._line is None:
            patience += self._start
        line = self._line or self._started()
        try:
            line.send((problem, budget.left, budget.iterations, budget.seed))
            answer = line.recv() if line.poll(patience) else None
        except (EOFError, OSError) as error:
            self.close()
            raise EngineFailed("the solver crashed") from error
        if answer is None:
            self.close()
            raise EngineFailed("the solver did not answer in time")
        if isinstance(answer, str):
            raise EngineFailed(answer)
        orders: Orders = answer
        return orders

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._line = None
        self._end()

    def _started(self) -> "Connection[Any, Any]":
        ours, theirs = Pipe()
        module, _, function = self._program.partition(":")
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; from {module} import {function};"
            f"from multiprocessing.connection import Connection; {function}(Connection({theirs.fileno()}))"
        )
        with theirs:
            # In a session of its own: an interrupt at the terminal is for whoever asks, and ends both.
            child = subprocess.Popen(
                [sys.executable, "-c", code], pass_fds=[theirs.fileno()], start_new_session=True
            )
        self._line, self._end = ours, weakref.finalize(self, _ended, child, ours)
        return ours


def _ended(child: subprocess.Popen[bytes], line: "Connection[Any, Any]") -> None:
    line.close()
    child.kill()
    child.wait()


def serve(line: "Connection[Any, Any]", choose: Choice = engine_for) -> None:
    """Answer problems until nobody is there to ask any more."""
    while True:
        try:
            problem, seconds, iterations, seed = line.recv()
        except EOFError:
            return
        engine = choose(problem)  # loading it is not part of its time
        budget = Budget(
            clock=time.monotonic, until=time.monotonic() + seconds, iterations=iterations, seed=seed
        )
        try:
            line.send(engine.improve(problem, budget))
        except EngineFailed as failed:
            line.send(str(failed))
