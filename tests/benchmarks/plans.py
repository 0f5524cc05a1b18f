"""How good a plan is after some seconds of one thread: ours beside PyVRP, VROOM and OR-Tools as they come.

    INSTANCES=/folder/of/solomon/files python -m tests.benchmarks.plans
    INSTANCES=... python -m tests.benchmarks.plans --only RC1_2_5,R1_4_1 --cold 5,20 --warm 5

From nothing, and from the plan that bookings one by one leave behind. Every run has a process of its own, the
same CPU seconds (VROOM's own clock is the wall: it gets as many seconds of the wall as this machine needs for
that much work) and a fixed seed; its answer is checked and measured here. Gaps are to the best known total
distance; where only the one with fewest vans is known, they may be below zero. Without INSTANCES: generated
ones, and gaps are to the best of the four.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import numpy as np

from chalicelib.routing.objective import Circumstances
from chalicelib.routing.optimiser import Budget
from chalicelib.routing.optimiser.live import LiveEngine
from chalicelib.routing.optimiser.pose import pose
from chalicelib.routing.packed import Route
from chalicelib.routing.replan import replan
from tests.benchmarks.instances import NOW, WORLD, Instance, instances

SEED = 1

type Tours = list[list[int]]
"""Nodes of each van, the depot left out."""


def ours(instance: Instance, start: Sequence[Route] | None, seconds: float) -> Tours:
    """`routing.replan` on the whole plan."""
    here = Circumstances(travel=instance.travel, world=WORLD, now=NOW)
    until = time.process_time() + seconds
    budget = Budget(clock=time.process_time, until=until, seed=SEED)
    routes = list(start or instance.empty_routes())
    done = replan(routes, None if start else instance.nobodys(), here, budget)
    changed = {route.shift.shift_id: route for change in done.changes for route in change.after}
    return [changed.get(route.shift.shift_id, route).stops["node"].tolist() for route in routes]


def plain_pyvrp(instance: Instance, start: Sequence[Route] | None, seconds: float) -> Tours:
    """PyVRP as its documentation has it."""
    import pyvrp

    began = time.process_time()
    rows = instance.rows.tolist()
    matrix = instance.travel.seconds.astype(np.int64)
    data = pyvrp.ProblemData(
        locations=[pyvrp.Location(x, y) for _, x, y, *_ in rows],
        clients=[
            pyvrp.Client(
                location=node,
                delivery=[demand],
                service_duration=10 * service,
                tw_early=10 * ready,
                tw_late=10 * due,
            )
            for node, _, _, demand, ready, due, service in rows[1:]
        ],
        depots=[pyvrp.Depot(location=0)],
        vehicle_types=[
            pyvrp.VehicleType(
                instance.vans, [instance.capacity], tw_early=10 * rows[0][4], tw_late=10 * rows[0][5]
            )
        ],
        distance_matrices=[matrix],
        duration_matrices=[matrix],
    )
    initial = None
    if start is not None:
        nodes = [route.stops["node"].tolist() for route in start]
        initial = pyvrp.Solution(data, [[node - 1 for node in tour] for tour in nodes if tour])
    result = pyvrp.solve(
        data,
        stop=lambda _: time.process_time() - began >= seconds,
        seed=SEED,
        collect_stats=False,
        initial_solution=initial,
    )
    return [[visit.idx + 1 for visit in route if visit.is_client()] for route in result.best.routes()]


def vroom(instance: Instance, start: Sequence[Route] | None, seconds: float) -> Tours:
    """VROOM, exploring as much as it can."""
    import vroom
    from vroom.input.vehicle_step import VehicleStepEnd, VehicleStepSingle, VehicleStepStart

    rows = instance.rows.tolist()
    problem = vroom.Input()
    problem.set_durations_matrix(profile="car", matrix_input=instance.travel.seconds.astype(np.uint32))
    day = [10 * rows[0][4], 10 * rows[0][5]]
    for van in range(instance.vans):
        tour = start[van].stops["node"].tolist() if start is not None else []
        steps = [VehicleStepStart(), *map(VehicleStepSingle, tour), VehicleStepEnd()] if tour else []
        problem.add_vehicle(
            vroom.Vehicle(van + 1, start=0, end=0, capacity=[instance.capacity], time_window=day, steps=steps)
        )
    for node, _, _, demand, ready, due, service in rows[1:]:
        problem.add_job(
            vroom.Job(
                node,
                location=node,
                default_service=10 * service,
                delivery=[demand],
                time_windows=[[10 * ready, 10 * due]],
            )
        )
    wall = seconds * seconds_of_wall_for_one_of_work()
    solution = problem.solve(exploration_level=5, nb_threads=1, timeout=timedelta(seconds=wall))
    jobs = solution.routes[solution.routes.type == "job"]
    return [[int(node) for node in tour] for _, tour in jobs.groupby("vehicle_id", sort=False)["id"]]


def ortools(instance: Instance, start: Sequence[Route] | None, seconds: float) -> Tours:
    """OR-Tools: parallel cheapest insertion, then guided local search, all customers required."""
    routes = list(start or instance.empty_routes())
    waiting = [] if start else [instance.nobodys()]
    budget = Budget(clock=time.process_time, until=time.process_time() + seconds, seed=SEED)
    problem = pose(routes, waiting, Circumstances(travel=instance.travel, world=WORLD, now=NOW)).problem
    orders = LiveEngine().improve(problem, budget)
    return [[problem.tasks[number].stop_id for number in order] for order in orders]


SOLVERS: dict[str, Callable[[Instance, Sequence[Route] | None, float], Tours]] = {
    "ours": ours,
    "PyVRP": plain_pyvrp,
    "VROOM": vroom,
    "OR-Tools": ortools,
}


def seconds_of_wall_for_one_of_work() -> float:
    """How crowded the machine is just now."""
    wall, work = time.perf_counter(), time.process_time()
    while time.process_time() - work < 0.3:
        pass
    return (time.perf_counter() - wall) / (time.process_time() - work)


def length(instance: Instance, tours: Tours) -> int | None:
    """Total distance in tenths; None if a rule of the instance is broken."""
    matrix, rows = instance.travel.seconds, instance.rows
    if sorted(node for tour in tours for node in tour) != list(range(1, len(rows))):
        return None
    total, used = 0, [tour for tour in tours if tour]
    if len(used) > instance.vans:
        return None
    for tour in used:
        if rows[tour, 3].sum() > instance.capacity:
            return None
        now, at = 10 * int(rows[0, 4]), 0
        for node in [*tour, 0]:
            now += int(matrix[at, node])
            total += int(matrix[at, node])
            if now > 10 * rows[node, 5]:
                return None
            now, at = max(now, 10 * int(rows[node, 4])) + 10 * int(rows[node, 6]), node
    return total


def one(name: str, solver: str, seconds: float, *, warm: bool) -> dict[str, float | None]:
    """One run; for a process of its own."""
    (instance,) = [each for each in instances([name]) if each.name == name]
    start = instance.inserted_one_by_one(SEED) if warm else None
    began = time.process_time()
    tours = SOLVERS[solver](instance, start, seconds)
    return {
        "length": length(instance, tours),
        "cpu": time.process_time() - began,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def table(chosen: Sequence[Instance], seconds: float, *, warm: bool) -> None:
    """One row per instance, one column per solver."""
    print(
        f"\n{'from inserted plans' if warm else 'from nothing'}, {seconds:g} s of one thread: gap in % (MB)"
    )
    print(f"  {'':10}" + "".join(f"{name:>17}" for name in SOLVERS))
    gaps: list[list[float]] = []
    for instance in chosen:
        runs = [_run(instance.name, solver, seconds, warm=warm) for solver in SOLVERS]
        lengths = [run["length"] for run in runs]
        best = instance.best_known or min(found for found in lengths if found is not None)
        row = [np.inf if found is None else 100 * (found / best - 1) for found in lengths]
        gaps.append(row)
        cells = [f"{gap:9.2f} ({run['mb']:4.0f})" for gap, run in zip(row, runs, strict=True)]
        print(f"  {instance.name:10}" + "".join(f"{cell:>17}" for cell in cells), flush=True)
    means = np.mean(gaps, axis=0)
    print(f"  {'mean':10}" + "".join(f"{mean:10.2f}       " for mean in means.tolist()), flush=True)


def _run(name: str, solver: str, seconds: float, *, warm: bool) -> dict[str, float]:
    asked = ["--one", name, solver, str(seconds), str(int(warm))]
    run = subprocess.run(
        [sys.executable, "-m", __spec__.name, *asked], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="names of instances, separated by commas")
    parser.add_argument("--cold", default="5,20", help="CPU seconds from nothing")
    parser.add_argument("--warm", default="5,20", help="CPU seconds from inserted plans")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        name, solver, seconds, warm = asked.one
        print(json.dumps(one(name, solver, float(seconds), warm=warm == "1")))
        return
    chosen = instances([name for name in asked.only.split(",") if name])
    for seconds in filter(None, asked.cold.split(",")):
        table(chosen, float(seconds), warm=False)
    for seconds in filter(None, asked.warm.split(",")):
        table(chosen, float(seconds), warm=True)


if __name__ == "__main__":
    main()
