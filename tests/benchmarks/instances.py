"""Public instances of vehicle routing with time windows as plans of ours, read from the folder in INSTANCES.

Solomon's format (Gehring and Homberger's is the same). Distances are truncated to one decimal, as the DIMACS
challenge counts them, and everything is in tenths, so that a "second" is a tenth of a unit. Nothing is
uncertain there and traffic is unknown.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chalicelib.errors import OffRoad
from chalicelib.routing.edit import inserted
from chalicelib.routing.model import Capacity, Leg, Load, Location, Shift, Stop, TimeWindow
from chalicelib.routing.packed import Route, no_stops
from chalicelib.routing.proof import World
from chalicelib.routing.sweeps import Sweeps
from chalicelib.routing.travel_times import MANY_PLACES, Places, Whole, WorkClock
from chalicelib.units import DAY, Timestamp
from tests.builders import CALM

EPOCH: Timestamp = 1_800_000_000
NOW: Timestamp = EPOCH - DAY
WORLD = World(clock=WorkClock.flat(), noise=CALM, target=0.98)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Travel times by node, as the instance defines them."""

    seconds: np.ndarray

    name = "table"
    fingerprint = 7
    fastest_metres_per_second = 1e6
    most_places = MANY_PLACES

    def snap(self, location: Location) -> int:
        raise OffRoad("Only the places of the instance are known, by their nodes.")

    def from_one(self, origin: Places, destinations: Places) -> Whole:
        return np.asarray(self.seconds[origin.node[0], destinations.node])

    def to_one(self, origins: Places, destination: Places) -> Whole:
        return np.asarray(self.seconds[origins.node, destination.node[0]])

    def pairs(self, origins: Places, destinations: Places) -> tuple[Whole, Whole]:
        seconds = np.asarray(self.seconds[origins.node, destinations.node])
        return seconds, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One of them.

    Attributes
    ----------
    rows
        Node, x, y, demand, ready, due, service; the depot first.
    best_known
        Total distance in tenths; None where nobody says.
    """

    name: str
    vans: int
    capacity: int
    rows: np.ndarray
    best_known: float | None

    @property
    def travel(self) -> Table:
        """Its distances."""
        x, y = self.rows[:, 1].astype(float), self.rows[:, 2].astype(float)
        apart = np.hypot(x[:, None] - x, y[:, None] - y)
        return Table(np.floor(10 * apart + 1e-9).astype(np.int32))

    def stops(self) -> list[Stop]:
        """Its customers."""
        return [
            Stop(
                stop_id=node,
                location=_location(x, y),
                node=node,
                window=TimeWindow(start=EPOCH + 10 * ready, end=EPOCH + 10 * due),
                service_time=10 * service,
                load=Load(parcels=demand),
            )
            for node, x, y, demand, ready, due, service in self.rows[1:].tolist()
        ]

    def empty_routes(self) -> list[Route]:
        """Its vans at the depot."""
        _, x, y, _, ready, due, _ = self.rows[0].tolist()
        depot = _location(x, y)
        return [
            Route(
                shift=Shift(
                    shift_id=f"van-{van:03d}",
                    vehicle_id=f"van-{van:03d}",
                    starts_at=EPOCH + 10 * ready,
                    ends_at=EPOCH + 10 * due,
                    loads_at=EPOCH + 10 * ready,
                    capacity=Capacity(parcels=self.capacity),
                    skills=frozenset(),
                    start=depot,
                    end=depot,
                ),
                stops=no_stops(),
                last_leg=Leg(seconds=0, metres=0),
                graph=Table.fingerprint,
                start_node=0,
                end_node=0,
            )
            for van in range(self.vans)
        ]

    def nobodys(self) -> Route:
        """All customers, waiting for a van."""
        first = self.empty_routes()[0]
        route = replace(first, shift=replace(first.shift, shift_id="~unassigned", vehicle_id=""))
        nowhere = Leg(seconds=0, metres=0)
        for stop in self.stops():
            route = route.inserted(len(route.stops), stop, nowhere, nowhere)
        return route

    def inserted_one_by_one(self, seed: int) -> list[Route]:
        """Customers come in random order and get the cheapest place: a plan as bookings leave it."""
        routes, sweeps, travel = self.empty_routes(), Sweeps(WORLD), self.travel
        stops = self.stops()
        for at in np.random.default_rng(seed).permutation(len(stops)).tolist():
            used = [route for route in routes if len(route.stops)]
            open_ones = [*used, next(route for route in routes if not len(route.stops))]
            found = inserted(stops[at], open_ones, [True] * len(open_ones), sweeps, travel, NOW)
            assert found is not None
            place, changed = found
            routes[next(n for n, route in enumerate(routes) if route is open_ones[place])] = changed
        return routes


def _location(x: int, y: int) -> Location:
    return Location(lat=y / 1000, lon=x / 1000)


def read(path: Path, best_known: float | None = None) -> Instance:
    """Read one file in Solomon's format."""
    lines = path.read_text("utf-8").split("\n")
    vans, capacity = map(int, lines[4].split())
    rows = np.array([[int(word) for word in line.split()] for line in lines[9:] if line.split()])
    return Instance(name=path.stem.upper(), vans=vans, capacity=capacity, rows=rows, best_known=best_known)


def generated(seed: int, customers: int = 150) -> Instance:
    """One of the same kind where no folder is named: customers all over, windows a sixth of the day."""
    chance = np.random.default_rng([seed, customers])
    horizon, length = 1000, 160
    opens = chance.integers(60, horizon - 100 - length, customers)
    rows = np.column_stack(
        [
            np.arange(1, customers + 1),
            chance.integers(0, 100, (customers, 2)),
            chance.integers(5, 30, customers),
            opens,
            opens + length,
            np.full(customers, 10),
        ]
    )
    depot = np.array([[0, 50, 50, 0, 0, horizon, 0]])
    return Instance(
        name=f"G{seed}_{customers}",
        vans=customers // 4,
        capacity=200,
        rows=np.concatenate([depot, rows]),
        best_known=None,
    )


def instances(names: Sequence[str] = ()) -> list[Instance]:
    """Those in the folder named by INSTANCES (some of them if named), else generated ones."""
    folder = os.environ.get("INSTANCES")
    if not folder:
        return [generated(seed) for seed in (1, 2)]
    known = json.loads((Path(folder) / "best_known.json").read_text("utf-8"))["best_known"]
    wanted = {name.upper() for name in names}
    return [
        read(path, _best(known.get(path.stem.upper(), {})))
        for path in sorted(Path(folder).glob("*.txt"))
        if not wanted or path.stem.upper() in wanted
    ]


def _best(known: dict[str, object]) -> float | None:
    """The shortest distance known; of the larger ones only that with fewest vans, in full precision."""
    if distance := known.get("distance_dimacs"):
        return 10 * float(str(distance))
    hierarchical = known.get("hierarchical")
    return 10 * float(hierarchical["best_known_cost"]) if isinstance(hierarchical, dict) else None
