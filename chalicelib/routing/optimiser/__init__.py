"""Solvers behind one port: each improves the orders of a few vans from what they are now.

Which one is asked follows from the kind of problem: PyVRP for booked plans; OR-Tools for what PyVRP cannot
express, which is lateness that must be borne and parcels that change vans on the way. Both are loaded at
first use, and nowhere else. Weak point: a solver is asked to stop at its deadline and looks at the clock
between its steps; one that never looks again is ended by whoever runs this process.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chalicelib.routing.optimiser.problem import Orders, Problem


class EngineFailed(Exception):
    """A solver raised, or had no answer at all: says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How long a solver may work.

    Attributes
    ----------
    clock
        Seconds, never going back: of the wall, or of this process's work.
    until
        When it must have answered, by that clock.
    iterations
        If given, also no more steps than this: with a deadline far away the answer is reproducible.
    seed
        Of the solver's own dice.
    """

    clock: Callable[[], float]
    until: float
    iterations: int | None = None
    seed: int = 1

    @property
    def left(self) -> float:
        """Seconds that remain, never negative."""
        return max(self.until - self.clock(), 0.0)

    def share(self, seconds: float) -> "Budget":
        """The same with an earlier deadline: so many seconds from now."""
        until = min(self.until, self.clock() + seconds)
        return Budget(clock=self.clock, until=until, iterations=self.iterations, seed=self.seed)


class Engine(Protocol):
    """A solver."""

    def improve(self, problem: Problem, budget: Budget) -> Orders:
        """Propose better orders, starting from the present ones; whoever asked checks them.

        Tasks that are not required may be missing.

        Raises
        ------
        EngineFailed
            There is no answer.
        """
        ...


def engine_for(problem: Problem) -> Engine:
    """Choose by what the problem needs; the solver is loaded here.

    Breaks are no reason for OR-Tools: where all else is hard PyVRP plans better around them, by windows that
    end earlier, than OR-Tools does with them (`tests.benchmarks.plans`).
    """
    if problem.soft or problem.meetings:
        from chalicelib.routing.optimiser.live import LiveEngine

        return LiveEngine()
    from chalicelib.routing.optimiser.booked import BookedEngine

    return BookedEngine()
