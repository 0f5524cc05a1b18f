"""Booked plans: PyVRP's iterated local search, from the routes as they are.

Several loads, different vans and shifts are its own; skills, pins and loaded vans become roads: for each set
of tasks a van may take there is a profile in which all other places are out of reach. Empty vans that are
alike are one type, else a large fleet would be searched van by van. Weak point: hard windows only.
"""

import warnings
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyvrp
from pyvrp.exceptions import PenaltyBoundWarning

from chalicelib.routing.optimiser import Budget, EngineFailed
from chalicelib.routing.optimiser.problem import Orders, Problem, Task, Van
from chalicelib.units import Seconds

OUT_OF_REACH: Seconds = 1_000_000
_WORTH_ANY_DRIVE: Seconds = 1_000_000  # what leaving out a stop costs
_NO_LIMIT = 1 << 40


class BookedEngine:
    """PyVRP."""

    def improve(self, problem: Problem, budget: Budget) -> Orders:
        """Improve the orders by iterated local search; a tight budget may return them as they are."""
        if not problem.tasks or not problem.vans:
            return problem.orders
        try:
            with warnings.catch_warnings():
                # It struggles with what cannot be kept; whether that matters is for the exact check.
                warnings.simplefilter("ignore", PenaltyBoundWarning)
                return _solve(problem, budget)
        except (RuntimeError, ValueError, IndexError, OverflowError, MemoryError) as error:
            raise EngineFailed(f"PyVRP: {error}") from error


def _solve(problem: Problem, budget: Budget) -> Orders:
    types = _types(problem)
    data = _data(problem, types)
    of_van = {van: number for number, vans in enumerate(types) for van in vans}
    initial = pyvrp.Solution(
        data,
        [pyvrp.Route(data, list(van.order), of_van[at]) for at, van in enumerate(problem.vans) if van.order],
    )
    result = pyvrp.solve(
        data,
        stop=_Stop(budget),
        seed=budget.seed,
        collect_stats=False,
        initial_solution=initial,
    )
    found: defaultdict[int, list[tuple[int, ...]]] = defaultdict(list)
    for route in result.best.routes():
        found[route.vehicle_type()].append(tuple(visit.idx for visit in route if visit.is_client()))
    return _handed_out(problem, types, found)


class _Stop:
    """Asked before every step."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self._steps = budget, 0

    def __call__(self, best_cost: float) -> bool:
        self._steps += 1
        most = self._budget.iterations
        return (most is not None and self._steps > most) or self._budget.clock() >= self._budget.until


def _types(problem: Problem) -> list[list[int]]:
    """Vans that are alike, whatever they have now."""
    alike: defaultdict[object, list[int]] = defaultdict(list)
    for at, van in enumerate(problem.vans):
        ends = tuple(problem.seconds[van.start].tolist()), tuple(problem.seconds[:, van.end].tolist())
        alike[ends, van.starts, van.ends, van.capacity, van.takes].append(at)
    return list(alike.values())


def _data(problem: Problem, types: Sequence[Sequence[int]]) -> pyvrp.ProblemData:
    vans = [problem.vans[members[0]] for members in types]
    binding = [at for at in range(3) if any(van.capacity[at] is not None for van in vans)]
    depots = [place for van in vans for place in (van.start, van.end)]
    profiles = list(dict.fromkeys(van.takes for van in vans))
    matrices = [_roads(problem, takes) for takes in profiles]
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in range(len(problem.seconds))],
        clients=[_client(task, binding) for task in problem.tasks],
        depots=[pyvrp.Depot(location=place) for place in depots],
        vehicle_types=[
            _vehicle_type(van, number, len(members), profiles.index(van.takes), binding)
            for number, (van, members) in enumerate(zip(vans, types, strict=True))
        ],
        distance_matrices=matrices,
        duration_matrices=matrices,
    )


def _client(task: Task, binding: Sequence[int]) -> pyvrp.Client:
    opens, closes, service = task.visit
    return pyvrp.Client(
        location=task.place,
        delivery=[task.load[at] for at in binding],
        service_duration=service,
        tw_early=opens,
        tw_late=closes,
        required=task.required,
        prize=0 if task.required else _WORTH_ANY_DRIVE,
    )


def _vehicle_type(
    van: Van, number: int, count: int, profile: int, binding: Sequence[int]
) -> pyvrp.VehicleType:
    limits = [van.capacity[at] for at in binding]
    return pyvrp.VehicleType(
        num_available=count,
        capacity=[_NO_LIMIT if limit is None else limit for limit in limits],
        start_depot=2 * number,
        end_depot=2 * number + 1,
        tw_early=van.starts,
        tw_late=max(van.ends, van.starts),
        profile=profile,
    )


def _roads(problem: Problem, takes: frozenset[int]) -> Any:
    roads = np.minimum(problem.seconds, OUT_OF_REACH)
    barred = [task.place for number, task in enumerate(problem.tasks) if number not in takes]
    if barred:
        roads = roads.copy()
        roads[:, barred] = OUT_OF_REACH
        np.fill_diagonal(roads, 0)
    return roads


def _handed_out(
    problem: Problem, types: Sequence[Sequence[int]], found: dict[int, list[tuple[int, ...]]]
) -> Orders:
    """Give each order to the van, among those alike, that has most of it already: fewer stops move."""
    orders: dict[int, tuple[int, ...]] = {}
    for number, members in enumerate(types):
        free = list(members)
        shared = sorted(
            (
                (-len(set(order) & set(problem.vans[van].order)), van, at)
                for at, order in enumerate(found[number])
                for van in members
            ),
        )
        given = set[int]()
        for _, van, at in shared:
            if van in free and at not in given:
                orders[van] = found[number][at]
                given.add(at)
                free.remove(van)
    return tuple(orders.get(van, ()) for van in range(len(problem.vans)))
