"""What road look-ups cost: ``python -m tests.benchmarks.roads``. Medians on this machine, side by side.

Beside ours stand the engine asked many-to-one without a reversed hierarchy, the straight line, and plain
Dijkstra (heapq, stopping when every target is settled).
"""

import heapq
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from pyroutingkit import CCHMetric, CCHTopology

from chalicelib.adapters.road_graph import RoadFigures, RoadGraph
from chalicelib.routing.model import Location
from chalicelib.routing.travel_times import Places, StraightLine

PORTO = Path(__file__).parents[2] / "infra" / "roads" / "porto"
TARGETS = (1, 20, 200, 2_000, 20_000)


def milliseconds(ask: Callable[[], object], *, times: int) -> float:
    """Median wall time of a call."""
    taken = []
    for _ in range(times):
        began = perf_counter()
        ask()
        taken.append(perf_counter() - began)
    return 1000 * median(taken)


class Dijkstra:
    """The textbook, on adjacency lists."""

    def __init__(self, figures: RoadFigures) -> None:
        self._leaving: list[list[tuple[int, int]]] = [[] for _ in figures.lat]
        for tail, head, cost in zip(
            figures.tail.tolist(), figures.head.tolist(), figures.deciseconds.tolist(), strict=True
        ):
            self._leaving[tail].append((head, cost))

    def from_one(self, source: int, targets: set[int]) -> dict[int, int]:
        """Deciseconds to every target."""
        missing, settled = set(targets), dict[int, int]()
        queue = [(0, source)]
        while queue and missing:
            cost, node = heapq.heappop(queue)
            if node in settled:
                continue
            settled[node] = cost
            missing.discard(node)
            for head, edge in self._leaving[node]:
                if head not in settled:
                    heapq.heappush(queue, (cost + edge, head))
        return settled


def one_hierarchy(figures: RoadFigures) -> CCHMetric:
    """Build the bare engine, one direction only."""
    topology = CCHTopology()
    lat, lon = figures.lat.astype(np.float32), figures.lon.astype(np.float32)
    topology.build(figures.tail, figures.head, lat, lon, len(lat))
    metric = CCHMetric(topology)
    metric.customize(figures.deciseconds)
    return metric


def main() -> None:
    """Print the table."""
    figures = RoadFigures.read(PORTO / "graph.npz")
    graph, straight, textbook, bare = (
        RoadGraph(figures),
        StraightLine(),
        Dijkstra(figures),
        one_hierarchy(figures),
    )
    corners = np.genfromtxt(PORTO / "points.csv", delimiter=",", skip_header=1)
    locations = [Location(lat=lat, lon=lon) for lat, lon in corners.tolist()]
    doors = Places.of(locations, [graph.snap(location) for location in locations])

    reading = milliseconds(lambda: RoadFigures.read(PORTO / "graph.npz"), times=5)
    loading = milliseconds(lambda: RoadGraph(figures), times=5)
    snapping = milliseconds(lambda: graph.snap(locations[0]), times=200)
    pairing = milliseconds(lambda: graph.pairs(doors[:50], doors[50:100]), times=9) / 50
    print(f"Porto: {len(figures.lat):,} nodes, {len(figures.tail):,} directed edges")
    print(f"read the figures {reading:.0f} ms, load both hierarchies {loading:.0f} ms")
    print(f"snap {1000 * snapping:.0f} us, a pair with its metres {1000 * pairing:.0f} us")
    titles = ("1 to N", "N to 1", "one-sided", "straight", "Dijkstra")
    print(f"{'milliseconds':<12}" + "".join(f"{title:>10}" for title in titles))
    chance = np.random.default_rng(1)
    for count in TARGETS:
        row = look_ups(
            doors[0], doors[chance.integers(0, len(doors), count)], graph, bare, straight, textbook
        )
        print(f"N = {count:<8,}" + "".join(f"{figure:10.3f}" for figure in row))


def look_ups(
    here: Places, there: Places, graph: RoadGraph, bare: CCHMetric, straight: StraightLine, textbook: Dijkstra
) -> list[float]:
    """One row of the table."""
    source, targets = here.node.astype(np.uint32), there.node.astype(np.uint32)
    wanted = set(there.node.tolist())
    return [
        milliseconds(lambda: graph.from_one(here, there), times=15),
        milliseconds(lambda: graph.to_one(there, here), times=15),
        milliseconds(lambda: bare.distances_many_to_many(targets, source), times=3),
        milliseconds(lambda: straight.from_one(here, there), times=15),
        milliseconds(lambda: textbook.from_one(int(source[0]), wanted), times=3),
    ]


if __name__ == "__main__":
    main()
