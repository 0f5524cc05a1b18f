"""The streets of a city, read for looking at: what to draw behind the vans, and the way a van takes.

The ways are found by an A* search of our own, so that the demo can check the road engine's times instead of
asking the engine about itself. Weak point: tens of milliseconds for a way across town, where the engine
needs a few microseconds.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chalicelib.adapters.road_graph import RoadFigures
from chalicelib.routing.model import Location
from chalicelib.routing.travel_times import EARTH_RADIUS_METRES, Floats, haversine_metres
from chalicelib.units import Metres

MICRODEGREE = 1e-6


@dataclass(frozen=True, slots=True)
class Way:
    """The fastest way between two doors: free-flow driving time between their nodes, and what it passes."""

    seconds: float
    metres: Metres
    points: Sequence[Location]


class Streets:
    """A road graph with its own search.

    Parameters
    ----------
    graph
        File that `infra.roads.build` wrote.
    """

    def __init__(self, graph: Path) -> None:
        self._figures = RoadFigures.read(graph)
        self._lat: Floats = self._figures.lat.astype(np.float64) * MICRODEGREE
        self._lon: Floats = self._figures.lon.astype(np.float64) * MICRODEGREE
        self._doorsteps = np.flatnonzero(self._figures.doorstep)
        self._first = np.searchsorted(self._figures.tail, np.arange(len(self._lat) + 1)).tolist()
        self._head = self._figures.head.tolist()
        self._deciseconds = self._figures.deciseconds.tolist()
        # Flat earth, in metres: exact enough for a lower bound once it is rounded down by a per cent.
        north = math.radians(1) * EARTH_RADIUS_METRES
        self._y = (self._lat * north).tolist()
        self._x = (self._lon * north * math.cos(math.radians(float(self._lat.mean())))).tolist()
        self._metres_per_decisecond = self._fastest() * 1.01

    def way(self, origin: Location, destination: Location) -> Way:
        """Find the fastest way by A*: pure Python, about a microsecond for every metre of it.

        Raises
        ------
        ValueError
            If there is none; a graph of `infra.roads.build` is strongly connected.
        """
        nodes, deciseconds = self._search(self._nearest(origin), self._nearest(destination))
        points = [origin, *(self._location(node) for node in nodes), destination]
        return Way(deciseconds / 10, self._length(nodes), points)

    def metres_to(self, location: Location) -> float:
        """Distance to the nearest place at a street."""
        return float(haversine_metres(location.lat, location.lon, self._lat, self._lon).min())

    def lines(self, *, least_kmh: float) -> list[list[Location]]:
        """Gather streets at least so fast into long lines, each once whichever way it may be driven."""
        kmh = self._figures.metres / self._figures.deciseconds * 36
        fast = np.flatnonzero(kmh >= least_kmh)
        edges = {
            (min(tail, head), max(tail, head))
            for tail, head in zip(
                self._figures.tail[fast].tolist(), self._figures.head[fast].tolist(), strict=True
            )
        }
        return [[self._location(node) for node in chain] for chain in chains(edges)]

    def _search(self, source: int, target: int) -> tuple[list[int], int]:
        x, y, first, head, cost = self._x, self._y, self._first, self._head, self._deciseconds
        goal_x, goal_y, pace = x[target], y[target], 1 / self._metres_per_decisecond
        reached = {source: 0}
        came_from: dict[int, int] = {}
        open_nodes: list[tuple[float, int, int]] = [(0.0, 0, source)]
        while open_nodes:
            _, spent, node = heapq.heappop(open_nodes)
            if node == target:
                return _walk_back(came_from, target), spent
            if spent > reached[node]:
                continue
            for edge in range(first[node], first[node + 1]):
                beyond, then = head[edge], spent + cost[edge]
                if then < reached.get(beyond, 1 << 60):
                    reached[beyond], came_from[beyond] = then, node
                    left = math.hypot(x[beyond] - goal_x, y[beyond] - goal_y) * pace
                    heapq.heappush(open_nodes, (then + left, then, beyond))
        raise ValueError("there is no way between these places")

    def _length(self, nodes: Sequence[int]) -> Metres:
        tail, head = np.array(nodes[:-1], dtype=int), np.array(nodes[1:], dtype=int)
        return round(
            float(haversine_metres(self._lat[tail], self._lon[tail], self._lat[head], self._lon[head]).sum())
        )

    def _nearest(self, location: Location) -> int:
        metres = haversine_metres(
            location.lat, location.lon, self._lat[self._doorsteps], self._lon[self._doorsteps]
        )
        return int(self._doorsteps[int(np.argmin(metres))])

    def _location(self, node: int) -> Location:
        return Location(lat=float(self._lat[node]), lon=float(self._lon[node]))

    def _fastest(self) -> float:
        tail, head = self._figures.tail, self._figures.head
        straight = haversine_metres(self._lat[tail], self._lon[tail], self._lat[head], self._lon[head])
        return float((straight / self._figures.deciseconds).max())


def chains(edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Join edges end to end into as few lines as easily found; every edge is in one of them."""
    neighbours: dict[int, set[int]] = defaultdict(set)
    for one, other in edges:
        neighbours[one].add(other)
        neighbours[other].add(one)
    found = []
    # From crossings and dead ends first, so that a line is not begun in its middle; rings come last.
    for start in sorted(neighbours, key=lambda node: (len(neighbours[node]) == 2, node)):
        while neighbours[start]:
            chain = [start]
            while neighbours[chain[-1]]:
                here = chain[-1]
                beyond = min(neighbours[here])
                neighbours[here].remove(beyond)
                neighbours[beyond].remove(here)
                chain.append(beyond)
            found.append(chain)
    return found


def _walk_back(came_from: dict[int, int], target: int) -> list[int]:
    nodes = [target]
    while nodes[-1] in came_from:
        nodes.append(came_from[nodes[-1]])
    return nodes[::-1]
