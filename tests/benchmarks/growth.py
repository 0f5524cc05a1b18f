"""How the worker grows: more depots that ask at once, and more vans in one plan.

    python -m tests.benchmarks.growth --depots 1,4,16 --vans 50,100,200,400

Depots: each asks once for an improvement of eight vans; as many workers as there are cores take one plan at a
time, as the queue hands them out, and the same CPU seconds for each. Where nothing else runs, all is done
when the busiest worker is. Vans: one run over one plan in a process of its own, which tells its CPU time and
its peak of memory. Plans are sold on the real roads of Porto by insertion, 20 stops a van and 25 vans at a
time, and no run has improved them. Weak point: the store is in memory, so what DynamoDB and its network take
is missing (`make bench ARGS=http` has it); and a plan of such parts has more to gain than one that was
improved behind every booking.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from chalicelib.dispatch.budget import LONGEST_SECONDS
from chalicelib.dispatch.service import Dispatch, Job
from chalicelib.fleet.model import Depot, Radius, Travel, TravelEngine
from chalicelib.fleet.planning import Planner
from chalicelib.fleet.plans import PlanKey, RouteWrite
from chalicelib.fleet.store import FleetChanges
from chalicelib.promises.store import Changes
from chalicelib.receipts import no_receipt
from chalicelib.routing.optimiser import Budget, engine_for
from chalicelib.routing.optimiser.problem import Orders, Problem
from chalicelib.routing.packed import Route, pack
from chalicelib.routing.proof import judge
from chalicelib.routing.travel_times import CITY_PROFILE
from chalicelib.routing.uncertainty import Noise
from tests.benchmarks.days import FIRST_DAY, City, book_day, porto, the_day_before, world
from tests.fakes_store import InMemoryStore
from tests.promises.shop import TENANT, a_depot

NOW = the_day_before(FIRST_DAY)
STOPS = 20  # of a van
VANS_OF_A_DEPOT = 8
VANS_OF_A_SHOP = 25
WORKER_SECONDS = 60.0  # what Lambda would leave a run; its own rule is tighter
BUILT = Path(__file__).parents[2] / "build" / "worker.zip"
MB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of the worker took, and what came of it."""

    state: str
    stops: int
    driven_before: float
    saved: float
    moves: int
    risky: int
    cpu: float
    worker: int
    began: float
    ended: float
    idle_mb: float
    peak_mb: float
    packed_kb: float

    @property
    def gain(self) -> float:
        """Share of the driving that is saved."""
        return self.saved / self.driven_before


class Engines:
    """The engines of the product, in this very process, so that its CPU time is all there is."""

    def improve(self, problem: Problem, budget: Budget) -> Orders:
        return engine_for(problem).improve(problem, budget)


def plan(city: City, vans: int, seed: int) -> list[Route]:
    """A day as buyers leave it behind: sold shop by shop, and all of them one plan."""
    routes = list[Route]()
    for block, first in enumerate(range(0, vans, VANS_OF_A_SHOP)):
        here = min(VANS_OF_A_SHOP, vans - first)
        sold = book_day(city, FIRST_DAY, world(), vans=here, seed=1000 * seed + block, most=STOPS * here)
        for number, route in enumerate(sold, start=first):
            stops, name = route.stops.copy(), f"van-{number:03d}"
            stops["stop_id"] += 100_000 * (block + 1)
            shift = replace(route.shift, shift_id=name, vehicle_id=name)
            routes.append(replace(route, stops=stops, shift=shift))
    return routes


def depot_of(city: City) -> Depot:
    """A depot where the vans of the plan start."""
    return a_depot(
        location=city.depot.location,
        service_area=Radius(metres=100_000),
        travel=Travel(engine=TravelEngine.STRAIGHT_LINE, profile=CITY_PROFILE),
        version=1,
        fleet_version=1,
    )


def run(vans: int, seed: int) -> Run:
    """One run of the worker over one plan."""
    city = porto(roads=True)
    routes = plan(city, vans, seed)
    store, depot = InMemoryStore(), depot_of(city)
    store.commit_fleet(TENANT, FleetChanges(depot_id=depot.depot_id, fleet_version=0, depot=depot))
    store.commit(
        TENANT,
        Changes(
            routes=tuple(RouteWrite(depot_id=depot.depot_id, day=FIRST_DAY, route=route) for route in routes)
        ),
    )
    dispatch = Dispatch(
        store,
        Planner(store, lambda _: city.travel, noise=Noise(), staleness=0),
        engine=Engines,
        new_number=count(1).__next__,
        clock=time.process_time,
        pause=lambda _: None,
    )
    asked = dispatch.ask(TENANT, depot.depot_id, FIRST_DAY, NOW, no_receipt)
    driven = sum(judged.driven for judged in judge(routes, NOW, world()))
    job = Job(plan=PlanKey(depot_id=depot.depot_id, day=FIRST_DAY), replan_id=asked.replan_id)
    idle, began, cpu = _peak_mb(), time.time(), time.process_time()
    done = dispatch.run(TENANT, job, NOW, seconds=WORKER_SECONDS)
    return Run(
        state=done.state,
        stops=sum(len(route.stops) for route in routes),
        driven_before=driven,
        saved=done.seconds_saved,
        moves=len(done.moves),
        risky=done.standing.at_risk + done.standing.broken if done.standing else 0,
        cpu=time.process_time() - cpu,
        worker=os.getpid(),
        began=began,
        ended=time.time(),
        idle_mb=idle,
        peak_mb=_peak_mb(),
        packed_kb=sum(len(pack(route)) for route in routes) / 1024,
    )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def depots(counts: Sequence[int]) -> None:
    """Print a row for each number of depots that ask at once."""
    workers = os.cpu_count() or 1
    print(f"\n  depots that ask at once, {VANS_OF_A_DEPOT} vans each, {workers} workers")
    print(
        f"  {'depots':>8} {'all done':>9} {'busiest worker':>15} {'CPU s each':>11} "
        f"{'less driving (least)':>21} {'not kept':>9}"
    )
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        list(pool.map(abs, range(workers)))  # processes there, before anything is timed
        for number in counts:
            runs = list(pool.map(run, [VANS_OF_A_DEPOT] * number, range(number)))
            gains = [each.gain for each in runs]
            wall = max(each.ended for each in runs) - min(each.began for each in runs)
            work = dict.fromkeys((each.worker for each in runs), 0.0)
            for each in runs:
                work[each.worker] += each.cpu
            print(
                f"  {number:8} {wall:7.0f} s {max(work.values()):9.0f} CPU s "
                f"{np.mean([each.cpu for each in runs]):11.1f} "
                f"{np.median(gains):12.1%} ({min(gains):5.1%}) {sum(each.risky for each in runs):9}",
                flush=True,
            )


def vans(counts: Sequence[int]) -> None:
    """Print a row for each size of a plan."""
    print(f"\n  vans in one plan, {STOPS} stops each; one run of at most {LONGEST_SECONDS:.0f} s")
    print(
        f"  {'vans':>8} {'stops':>7} {'packed KB':>10} {'CPU s':>7} {'peak MB':>8} {'of the run':>11} "
        f"{'less driving':>13} {'not kept':>9}"
    )
    for number in counts:
        command = [sys.executable, "-m", __spec__.name, "--one", str(number)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        one = Run(**json.loads(told.splitlines()[-1]))
        print(
            f"  {number:8} {one.stops:7} {one.packed_kb:10.0f} {one.cpu:7.1f} {one.peak_mb:8.0f} "
            f"{one.peak_mb - one.idle_mb:11.0f} {one.gain:13.1%} {one.risky:9}",
            flush=True,
        )


def size() -> None:
    """Print what the worker weighs, if it was built."""
    if not BUILT.exists():
        print("\n  the worker's artefact is not built here: make package")
        return
    with zipfile.ZipFile(BUILT) as built:
        unzipped = sum(each.file_size for each in built.infolist())
    print(
        f"\n  the worker: {BUILT.stat().st_size / MB:.0f} MB zipped, {unzipped / MB:.0f} of 250 MB unzipped"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depots", default="1,4,16", help="how many at once")
    parser.add_argument("--vans", default="50,100,200,400", help="in one plan")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(asdict(run(asked.one, seed=0))))
        return
    depots([int(number) for number in asked.depots.split(",") if number])
    vans([int(number) for number in asked.vans.split(",") if number])
    size()


if __name__ == "__main__":
    main()
