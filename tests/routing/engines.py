"""Solvers that do what a test wants, and clocks that need no waiting."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chalicelib.routing.optimiser import Budget, EngineFailed
from chalicelib.routing.optimiser.problem import Orders, Problem


@dataclass(slots=True)
class Answering:
    """Gives the same answer every time, made from the problem."""

    answer: Callable[[Problem], Sequence[Sequence[int]]]
    asked: list[Problem] = field(default_factory=list)

    def improve(self, problem: Problem, budget: Budget) -> Orders:
        self.asked.append(problem)
        return tuple(tuple(order) for order in self.answer(problem))


class Crashing:
    """Raises as the adapters of real solvers do."""

    def improve(self, problem: Problem, budget: Budget) -> Orders:
        raise EngineFailed("it crashed")


@dataclass(slots=True)
class Ticking:
    """A clock on which every look takes a while."""

    step: float = 0.001
    at: float = 0.0

    def __call__(self) -> float:
        self.at += self.step
        return self.at


def patient(iterations: int = 40, seed: int = 1) -> Budget:
    """So many steps and no deadline: the same answer on every machine."""
    return Budget(clock=lambda: 0.0, until=1.0, iterations=iterations, seed=seed)
