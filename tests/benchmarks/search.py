"""What one slot search costs: our own work, a plain loop over every position, and asking a solver.

    python -m tests.benchmarks.search

Two days, twelve two-hour slots, real roads of Porto. "Loose" days have plenty of slack everywhere, the worst
case; "booked" ones were sold out by the product (twenty vans' days, repeated). Times are CPU milliseconds,
medians; "+ room" is what slots that are full take once more, and how many it opens. Solver questions are wall
seconds of one thread. Solvers are asked about ten vans of one day only: for two hundred the table multiplies
by twenty, as if solvers grew no faster than linearly.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from chalicelib.routing.ejection import Ejection
from chalicelib.routing.insertion import Insertion
from chalicelib.routing.model import TimeWindow, Visit
from chalicelib.routing.packed import Route, pack, unpack
from chalicelib.routing.proof import World
from chalicelib.routing.sweeps import Sweeps
from chalicelib.routing.travel_times import Places
from tests.benchmarks.days import (
    FIRST_DAY,
    City,
    booked_day,
    loose_day,
    porto,
    shoppers,
    the_day_before,
    windows_of,
    world,
)

DAYS = (FIRST_DAY, FIRST_DAY + timedelta(days=1))
NOW = the_day_before(FIRST_DAY)
WINDOWS = [window for day in DAYS for window in windows_of(day)]
SIZES = (10, 50, 200)
STOPS = 50


def loose(city: City, vans: int) -> list[Route]:
    """Two days with slack everywhere."""
    return [route for day in DAYS for route in loose_day(city, day, vans=vans, stops=STOPS, seed=1)]


def booked(city: City, here: World, vans: int) -> list[Route]:
    """Two sold-out days; beyond twenty vans the same ones again under other names."""
    routes = []
    for day in DAYS:
        sold = booked_day(city, day, here, vans=min(vans, 20), seed=1)
        for van in range(vans):
            route = sold[van % len(sold)]
            shift = replace(route.shift, shift_id=f"{route.shift.shift_id}-{van}")
            routes.append(replace(route, shift=shift))
    return routes


def visits(city: City, number: int) -> list[Visit]:
    """Shoppers all over the city."""
    return [shopper.visit for shopper, _ in zip(shoppers(city, FIRST_DAY, 99), range(number), strict=False)]


def cpu(work: Callable[[], object]) -> float:
    """CPU milliseconds of one run."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


def search(city: City, sweeps: Sweeps, routes: Sequence[Route], visit: Visit) -> list[bool]:
    """Answer every window, proofs included."""
    swept = sweeps.of(routes, NOW)
    asked = Insertion(sweeps, swept, swept.able(visit), visit, WINDOWS, city.travel, NOW)
    return [proof is not None for proof in asked.best()]


def make_room(city: City, sweeps: Sweeps, routes: Sequence[Route], visit: Visit, full: list[bool]) -> int:
    """Try once more, with one stop making room, the windows in which nothing fits directly."""
    refused = [window for window, offered in zip(WINDOWS, full, strict=True) if not offered]
    if not refused:
        return 0
    everybody = np.ones(len(routes), dtype=bool)
    plans = np.array([route.shift.starts_at // 86_400 for route in routes])
    swept = sweeps.of(routes, NOW)
    asked = Ejection(sweeps, swept, everybody, plans, visit, refused, city.travel, NOW)
    return sum(proof is not None for proof in asked.best())


def plain_loop(city: City, bounds: Sequence[Sequence[float]], visit: Visit, places: Places) -> list[bool]:
    """Every window against every position, one after the other; road times for all of them in two calls."""
    here = Places.of([visit.location], [visit.node])
    half = len(places) // 2
    way_in = city.travel.to_one(places[:half], here).tolist()
    way_out = city.travel.from_one(here, places[half:]).tolist()
    return [_fits(window, bounds, way_in, way_out, visit.service_time) for window in WINDOWS]


def _fits(
    window: TimeWindow,
    bounds: Sequence[Sequence[float]],
    way_in: Sequence[int],
    way_out: Sequence[int],
    service: int,
) -> bool:
    found = False
    for at, (depart, late) in enumerate(bounds):
        start = max(depart + way_in[at], window.start)
        if start <= window.end and start + service + way_out[at] <= late:
            found = True
    return found


def measure(city: City, here: World, name: str, routes: list[Route], vans: int) -> float:
    """One row: our work with the plan in memory and when it must be unpacked, and the plain loop's."""
    sweeps = Sweeps(here)
    asked = visits(city, 30)
    search(city, sweeps, routes, asked[0])
    sweeps.judgements.of(routes, NOW)
    warm = statistics.median(cpu(lambda visit=visit: search(city, sweeps, routes, visit)) for visit in asked)
    stored = [(route.shift.shift_id, pack(route)) for route in routes]

    def from_bytes() -> None:
        read = [unpack(shift_id, packed, 1) for shift_id, packed in stored]
        Sweeps(here).of(read, NOW)

    cold = statistics.median(cpu(from_bytes) for _ in range(5))
    swept = sweeps.of(routes, NOW)
    gaps = swept.gaps
    bounds = list(zip(gaps["depart"].tolist(), gaps["late_waited"].tolist(), strict=True))
    places = Places(
        lat=np.concatenate([gaps["from_lat"], gaps["to_lat"]]),
        lon=np.concatenate([gaps["from_lon"], gaps["to_lon"]]),
        node=np.concatenate([gaps["from_node"], gaps["to_node"]]),
    )
    loop = statistics.median(cpu(lambda v=v: plain_loop(city, bounds, v, places)) for v in asked[:5])
    answers = [(visit, search(city, sweeps, routes, visit)) for visit in asked]
    offered = sum(sum(full) for _, full in answers) / len(asked)
    made = sum(make_room(city, sweeps, routes, visit, full) for visit, full in answers) / len(asked)
    more = statistics.median(
        cpu(lambda visit=visit, full=full: make_room(city, sweeps, routes, visit, full))
        for visit, full in answers
    )
    print(
        f"  {vans:4} x {STOPS}  {name:7} {len(gaps):7} {offered:7.1f} {made:+6.1f} {warm:8.2f} {more:+7.2f} "
        f"{cold:10.2f} "
        f"{loop:12.1f}   {loop / warm:8.0f}x",
        flush=True,
    )
    return warm


def ask_vroom(city: City, routes: Sequence[Route], visit: Visit, window: TimeWindow) -> float:
    """Wall seconds of VROOM deciding whether one more stop fits one window, from scratch."""
    import vroom

    matrix, origin = _matrix(city, routes, visit)
    problem = vroom.Input()
    problem.set_durations_matrix(profile="car", matrix_input=matrix)
    at = 1
    for number, route in enumerate(routes):
        times = [route.shift.starts_at - origin, route.shift.ends_at - origin]
        problem.add_vehicle(vroom.Vehicle(number + 1, start=0, end=0, capacity=[150], time_window=times))
        for stop in route.all_stops():
            asks = [[stop.window.start - origin, stop.window.end - origin]]
            problem.add_job(
                vroom.Job(at, location=at, default_service=stop.service_time, delivery=[1], time_windows=asks)
            )
            at += 1
    wanted = [[window.start - origin, window.end - origin]]
    problem.add_job(
        vroom.Job(at, location=at, default_service=visit.service_time, delivery=[1], time_windows=wanted)
    )
    began = time.perf_counter()
    problem.solve(exploration_level=0, nb_threads=1)
    return time.perf_counter() - began


def ask_ortools(city: City, routes: Sequence[Route], visit: Visit, window: TimeWindow, limit: int) -> float:
    """Wall seconds of OR-Tools doing the same: its first solution, by parallel cheapest insertion."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    matrix, origin = _matrix(city, routes, visit)
    stops = [stop for route in routes for stop in route.all_stops()]
    service = [0, *(stop.service_time for stop in stops), visit.service_time]
    asks = [*(stop.window for stop in stops), window]
    manager = pywrapcp.RoutingIndexManager(len(matrix), len(routes), 0)
    model = pywrapcp.RoutingModel(manager)
    seconds = matrix.tolist()

    def transit(start: int, end: int) -> int:
        here = manager.IndexToNode(start)
        return service[here] + seconds[here][manager.IndexToNode(end)]

    callback = model.RegisterTransitCallback(transit)
    model.SetArcCostEvaluatorOfAllVehicles(callback)
    shift = routes[0].shift
    model.AddDimension(callback, 86_400, shift.ends_at - origin, False, "time")
    times = model.GetDimensionOrDie("time")
    for at, asked in enumerate(asks, start=1):
        index = manager.NodeToIndex(at)
        times.CumulVar(index).SetRange(max(asked.start - origin, 0), asked.end - origin)
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    parameters.solution_limit = 1
    parameters.time_limit.FromSeconds(limit)
    began = time.perf_counter()
    model.SolveWithParameters(parameters)
    return time.perf_counter() - began


def _matrix(city: City, routes: Sequence[Route], visit: Visit) -> tuple[np.ndarray, int]:
    """Road seconds between the depot, every stop and the newcomer; and the origin of times."""
    stops = [stop for route in routes for stop in route.all_stops()]
    locations = [city.depot.location, *(stop.location for stop in stops), visit.location]
    nodes = [city.depot.node, *(stop.node for stop in stops), visit.node]
    places = Places.of(locations, nodes)
    rows = [city.travel.from_one(places[at : at + 1], places) for at in range(len(places))]
    return np.array(rows, dtype=np.uint32), routes[0].shift.starts_at


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=int, default=60, help="seconds OR-Tools may take for one question")
    asked = parser.parse_args()
    city, here = porto(roads=True), world()
    print(
        "  vans x stops  days      gaps offered  +room warm, ms  + room   cold, ms  plain loop    loop/warm"
    )
    warm = 0.0
    for vans in SIZES:
        warm = measure(city, here, "loose", loose(city, vans), vans)
        measure(city, here, "booked", booked(city, here, vans), vans)
    print("\n  one question (one stop, one slot) put to a solver, ten vans of one loose day:", flush=True)
    ten = loose_day(city, FIRST_DAY, vans=10, stops=STOPS, seed=1)
    visit = visits(city, 1)[0]
    vroom = ask_vroom(city, ten, visit, WINDOWS[2])
    print(f"    VROOM, lightest setting  {vroom:6.2f} s")
    ortools = ask_ortools(city, ten, visit, WINDOWS[2], asked.limit)
    print(f"    OR-Tools, first solution {ortools:6.2f} s")
    for name, seconds in (("VROOM", vroom), ("OR-Tools", ortools)):
        all_slots = seconds * len(WINDOWS) * SIZES[-1] / 10
        times = 1000 * all_slots / warm
        print(
            f"  twelve slots, {SIZES[-1]} vans: {name} at least {all_slots:,.0f} s, "
            f"{times:,.0f} times our {warm:.1f} ms"
        )


if __name__ == "__main__":
    main()
