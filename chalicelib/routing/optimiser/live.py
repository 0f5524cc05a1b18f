"""The live day: OR-Tools' constraint solver, for what PyVRP cannot express.

Lateness may be borne at a price above any driving, parcels of a stranded van are picked up where it stands
and delivered by the same van that did, breaks are intervals. It starts from the routes as they are where they
are possible, from cheapest insertions where not. Weak point: far slower than PyVRP on what both can do.
"""

from collections.abc import Sequence
from typing import Any

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from chalicelib.routing.optimiser import Budget, EngineFailed
from chalicelib.routing.optimiser.problem import Orders, Problem
from chalicelib.units import DAY, Seconds

_WORTH_ANY_DRIVE = 100_000_000  # what leaving out a stop costs
_A_SECOND_LATE = 1_000  # seconds of driving
_NO_LIMIT = 1 << 40
_WALL_FOR_WORK = 10  # seconds of the wall in which one second of this process's work is surely done


class LiveEngine:
    """OR-Tools routing."""

    def improve(self, problem: Problem, budget: Budget) -> Orders:
        """Improve the orders by guided local search; `iterations` limits the solutions it looks at."""
        if not problem.tasks or not problem.vans:
            return problem.orders
        try:
            return _Model(problem).solved(budget)
        except (RuntimeError, ValueError, OverflowError, MemoryError, SystemError) as error:
            raise EngineFailed(f"OR-Tools: {error}") from error


class _Model:
    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._manager = pywrapcp.RoutingIndexManager(
            len(problem.seconds),
            len(problem.vans),
            [van.start for van in problem.vans],
            [van.end for van in problem.vans],
        )
        self._routing: Any = pywrapcp.RoutingModel(self._manager)
        self._horizon = DAY + max(
            *(van.ends for van in problem.vans), *(task.visit[1] for task in problem.tasks)
        )
        self._index = [self._manager.NodeToIndex(task.place) for task in problem.tasks]
        self._drive()
        self._carry()
        self._allow()
        self._meet()

    def _drive(self) -> None:
        """Times: legs and visits, windows, shifts, breaks."""
        problem, routing = self._problem, self._routing
        seconds = problem.seconds.tolist()
        routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitMatrix(seconds))
        visits = [0] * len(seconds)
        for task in problem.tasks:
            visits[task.place] = task.visit[2]
        until_left = [[leg + visits[row] for leg in legs] for row, legs in enumerate(seconds)]
        routing.AddDimension(
            routing.RegisterTransitMatrix(until_left), self._horizon, self._horizon, False, "time"
        )
        time = routing.GetDimensionOrDie("time")
        for task, index in zip(problem.tasks, self._index, strict=True):
            opens, closes, _ = task.visit
            time.CumulVar(index).SetMin(opens)
            self._end_by(time, index, closes)
        at_door = [visits[self._manager.IndexToNode(index)] for index in range(routing.Size())]
        for number, van in enumerate(problem.vans):
            time.CumulVar(routing.Start(number)).SetValue(van.starts)
            self._end_by(time, routing.End(number), max(van.ends, van.starts))
            rests = [
                routing.solver().FixedDurationIntervalVar(
                    rest.earliest, rest.latest, rest.duration, False, f"{van.shift_id} {at}"
                )
                for at, rest in enumerate(van.rests)
            ]
            if rests:
                time.SetBreakIntervalsOfVehicle(rests, number, at_door)

    def _end_by(self, time: Any, index: int, until: Seconds) -> None:
        if self._problem.soft:
            time.SetCumulVarSoftUpperBound(index, until, _A_SECOND_LATE)
        else:
            time.CumulVar(index).SetMax(until)

    def _carry(self) -> None:
        """Loads: what a van brings is on board from its start, what it is handed on the way is not."""
        problem, routing = self._problem, self._routing
        pickups = {pickup for pickup, _ in problem.meetings}
        for dimension in range(3):
            limits = [van.capacity[dimension] for van in problem.vans]
            if all(limit is None for limit in limits):
                continue
            change = [0] * len(problem.seconds)
            for number, task in enumerate(problem.tasks):
                load = task.load[dimension]
                change[task.place] = load if number in pickups else -load
            routing.AddDimensionWithVehicleCapacity(
                routing.RegisterUnaryTransitVector(change),
                0,
                [_NO_LIMIT if limit is None else limit for limit in limits],
                False,
                f"load {dimension}",
            )
            load_on_board = routing.GetDimensionOrDie(f"load {dimension}")
            for number in range(len(problem.vans)):
                load_on_board.CumulVar(routing.End(number)).SetValue(0)

    def _allow(self) -> None:
        """Skills, pins, loaded vans; and what may be left out."""
        for number, (task, index) in enumerate(zip(self._problem.tasks, self._index, strict=True)):
            unable = [at for at, van in enumerate(self._problem.vans) if number not in van.takes]
            self._routing.VehicleVar(index).RemoveValues(unable)
            if not task.required:
                self._routing.AddDisjunction([index], _WORTH_ANY_DRIVE)

    def _meet(self) -> None:
        routing = self._routing
        solver, time = routing.solver(), routing.GetDimensionOrDie("time")
        for pickup, delivery in self._problem.meetings:
            first, then = self._index[pickup], self._index[delivery]
            routing.AddPickupAndDelivery(first, then)
            solver.Add(routing.VehicleVar(first) == routing.VehicleVar(then))
            solver.Add(time.CumulVar(first) <= time.CumulVar(then))
            solver.Add(routing.ActiveVar(first) == routing.ActiveVar(then))

    def solved(self, budget: Budget) -> Orders:
        """Search from the present orders.

        Raises
        ------
        EngineFailed
            Nothing was found that keeps what must be kept.
        """
        routing = self._routing
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = (
            routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
        )
        parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        wall = _WALL_FOR_WORK * max(budget.left, 0.001)
        parameters.time_limit.FromMilliseconds(round(1000 * wall))
        if budget.iterations is not None:
            parameters.solution_limit = max(budget.iterations, 1)
        out_of_time = routing.solver().CustomLimit(lambda: budget.clock() >= budget.until)
        routing.AddSearchMonitor(out_of_time)
        routing.CloseModelWithParameters(parameters)
        start = routing.ReadAssignmentFromRoutes(self._now(), True)
        found = (
            routing.SolveFromAssignmentWithParameters(start, parameters)
            if start is not None
            else routing.SolveWithParameters(parameters)
        )
        if found is None:
            raise EngineFailed("OR-Tools: no answer in time")
        return tuple(self._order(found, number) for number in range(len(self._problem.vans)))

    def _now(self) -> Sequence[Sequence[int]]:
        return [[self._index[number] for number in order] for order in self._problem.orders]

    def _order(self, found: Any, van: int) -> tuple[int, ...]:
        of_index = {index: number for number, index in enumerate(self._index)}
        index, order = found.Value(self._routing.NextVar(self._routing.Start(van))), []
        while not self._routing.IsEnd(index):
            order.append(of_index[index])
            index = found.Value(self._routing.NextVar(index))
        return tuple(order)
