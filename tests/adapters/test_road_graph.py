"""The road graph against plain Dijkstra, and everything that keeps its engine from crashing or lying."""

import heapq
import io
import json
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.road_graph import RoadFigures, RoadGraph, contraction_order
from chalicelib.errors import OffRoad
from chalicelib.routing.model import NO_NODE, Location
from chalicelib.routing.travel_times import (
    DOORSTEP_METRES_PER_SECOND,
    UNREACHABLE,
    Places,
    StraightLine,
    TravelTimes,
    fewest_seconds,
    haversine_metres,
)

PORTO = Path(__file__).parents[2] / "infra" / "roads" / "porto"


@pytest.fixture(scope="module")
def porto() -> RoadFigures:
    return RoadFigures.read(PORTO / "graph.npz")


@pytest.fixture(scope="module")
def roads(porto: RoadFigures) -> RoadGraph:
    return RoadGraph(porto)


@pytest.fixture(scope="module")
def doors(roads: RoadGraph) -> Places:
    """Real points beside streets of Porto."""
    figures = np.genfromtxt(PORTO / "points.csv", delimiter=",", skip_header=1)[:600]
    locations = [Location(lat=lat, lon=lon) for lat, lon in figures.tolist()]
    return Places.of(locations, [roads.snap(location) for location in locations])


def graph_of(
    edges: list[tuple[int, int, int]],
    *,
    nodes: int = 4,
    spacing: int = 1000,
    doorstep: list[bool] | None = None,
) -> RoadFigures:
    """Build nodes in a row from (41, -8) eastwards, with edges (tail, head, deciseconds) of 100 m each."""
    tail, head, deciseconds = (
        np.array(column, dtype=np.uint32) for column in zip(*sorted(edges), strict=True)
    )
    return RoadFigures(
        lat=np.full(nodes, 41_000_000, dtype=np.int32),
        lon=(-8_000_000 + spacing * np.arange(nodes)).astype(np.int32),
        doorstep=np.array(doorstep or [True] * nodes),
        tail=tail,
        head=head,
        deciseconds=deciseconds,
        metres=np.full(len(edges), 100, dtype=np.uint32),
    )


def at_nodes(figures: RoadFigures, *nodes: int) -> Places:
    """Stand exactly on nodes: no stretch from a door."""
    chosen = np.array(nodes, dtype=np.int32)
    return Places.of_arrays(lat=figures.lat[chosen] / 1e6, lon=figures.lon[chosen] / 1e6, node=chosen)


def dijkstra(figures: RoadFigures, source: int, *, backwards: bool = False) -> dict[int, int]:
    """Deciseconds from the source to every node it reaches (or that reaches it), the textbook way."""
    tails, heads = (figures.head, figures.tail) if backwards else (figures.tail, figures.head)
    leaving = defaultdict(list)
    for tail, head, cost in zip(tails.tolist(), heads.tolist(), figures.deciseconds.tolist(), strict=True):
        leaving[tail].append((head, cost))
    settled: dict[int, int] = {}
    queue = [(0, source)]
    while queue:
        cost, node = heapq.heappop(queue)
        if node in settled:
            continue
        settled[node] = cost
        for head, edge in leaving[node]:
            if head not in settled:
                heapq.heappush(queue, (cost + edge, head))
    return settled


def seconds_of(settled: dict[int, int], nodes: list[int]) -> list[int]:
    return [-(-settled[node] // 10) if node in settled else UNREACHABLE for node in nodes]


class TestAgainstDijkstra:
    """Hierarchies change the cost of an answer, never the answer."""

    def test_every_time_in_porto_is_that_of_plain_dijkstra(
        self, porto: RoadFigures, roads: RoadGraph
    ) -> None:
        """Both hierarchies, thousands of random pairs, to the second."""
        chance = np.random.default_rng(7)
        for source in chance.integers(0, len(porto.lat), 4).tolist():
            nodes = chance.integers(0, len(porto.lat), 1000).tolist()
            here, there = at_nodes(porto, source), at_nodes(porto, *nodes)
            assert roads.from_one(here, there).tolist() == seconds_of(dijkstra(porto, source), nodes)
            assert roads.to_one(there, here).tolist() == seconds_of(
                dijkstra(porto, source, backwards=True), nodes
            )

    @given(
        edges=st.lists(
            st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(1, 400)),
            min_size=1,
            max_size=24,
            unique_by=lambda e: e[:2],
        )
    )
    def test_every_small_graph_is_answered_like_dijkstra(self, edges: list[tuple[int, int, int]]) -> None:
        """Islands, one-way streets and dead ends included; unreachable is a finite figure, never wrapped."""
        figures = graph_of([edge for edge in edges if edge[0] != edge[1]] or [(0, 1, 5)], nodes=8)
        graph, everywhere = RoadGraph(figures), at_nodes(figures, *range(8))
        for node in range(8):
            here = at_nodes(figures, node)
            assert graph.from_one(here, everywhere).tolist() == seconds_of(
                dijkstra(figures, node), list(range(8))
            )
            backwards = dijkstra(figures, node, backwards=True)
            assert graph.to_one(everywhere, here).tolist() == seconds_of(backwards, list(range(8)))

    def test_pairs_agree_with_the_one_to_many_look_up(self, roads: RoadGraph, doors: Places) -> None:
        some, others = doors[:40], doors[40:80]
        seconds, metres = roads.pairs(some, others)
        for index in range(40):
            assert roads.from_one(some[index], others[index : index + 1])[0] == seconds[index]
        straight = haversine_metres(some.lat, some.lon, others.lat, others.lon)
        assert (metres >= np.floor(straight)).all()
        assert (metres < 5 * straight + 2000).all()

    def test_metres_are_those_of_the_fastest_path_not_of_the_shortest(self) -> None:
        """0 -> 3 directly is 100 m and 90 s; by 1 and 2 it is 300 m and 30 s."""
        figures = graph_of([(0, 3, 900), (0, 1, 100), (1, 2, 100), (2, 3, 100)], spacing=100)
        seconds, metres = RoadGraph(figures).pairs(at_nodes(figures, 0), at_nodes(figures, 3))
        assert (seconds.tolist(), metres.tolist()) == ([30], [300])

    def test_an_order_of_contraction_names_every_node_once(self) -> None:
        order = contraction_order(
            tail=np.array([0, 1, 2, 3], dtype=np.uint32),
            head=np.array([1, 2, 3, 0], dtype=np.uint32),
            lat=np.array([41.0, 41.0, 41.1, 41.1]),
            lon=np.array([-8.0, -8.1, -8.1, -8.0]),
        )
        assert sorted(order.tolist()) == [0, 1, 2, 3]


class TestDoors:
    """A place is not a node: the stretch between belongs to the leg."""

    def test_the_stretch_to_the_door_is_driven_slowly(self) -> None:
        """70 m (0.00063 degrees north) beside each node: 10 s more at either end, and the road's 20 s."""
        figures = graph_of([(0, 1, 200), (1, 0, 200)], nodes=2)
        off = np.full(1, 41.00063)
        ends = [
            Places.of_arrays(lat=off, lon=np.array([lon]), node=np.array([node], dtype=np.int32))
            for lon, node in ((-8.0, 0), (-7.999, 1))
        ]
        seconds, metres = RoadGraph(figures).pairs(*ends)
        assert DOORSTEP_METRES_PER_SECOND == 7.0
        assert seconds.tolist() == [20 + 10 + 10 + 1]
        assert metres[0] == pytest.approx(100 + 70 + 70, abs=2)

    def test_two_parcels_for_one_door_need_no_driving(self, roads: RoadGraph, doors: Places) -> None:
        assert roads.from_one(doors[0], doors[:2])[0] == 0
        assert [figures.tolist() for figures in roads.pairs(doors[0], doors[0])] == [[0], [0]]

    def test_leaving_a_stop_out_never_takes_longer(self, roads: RoadGraph, doors: Places) -> None:
        """The triangle inequality survives rounding, doorsteps included: 60 x 60 x 60 triples."""
        few = doors[:60]
        table = np.array([roads.from_one(few[index], few) for index in range(len(few))])
        assert (table[:, None, :] <= table[:, :, None] + table[None, :, :]).all()

    def test_rounding_to_the_nearest_second_would_break_the_triangle(self) -> None:
        """Control: 1.4 + 1.4 = 2.8 s; to the nearest second 1 + 1 < 3, rounded up 2 + 2 >= 3."""
        figures = graph_of([(0, 1, 14), (1, 2, 14)], spacing=10)
        graph, row = RoadGraph(figures), at_nodes(figures, 0, 1, 2)
        first, whole = graph.from_one(row[0], row[1:]).tolist()
        assert round(2.8) > round(1.4) + round(1.4)
        assert whole <= first + graph.from_one(row[1], row[2:])[0]

    def test_the_lower_bound_is_exact(self, roads: RoadGraph, doors: Places) -> None:
        """Ruling a position out by the straight line never rules out one that roads would allow."""
        for index in range(0, len(doors), 4):
            bound = fewest_seconds(doors[index], doors, roads.fastest_metres_per_second)
            assert (bound <= roads.from_one(doors[index], doors)).all()
            assert (bound <= roads.to_one(doors, doors[index])).all()

    @given(st.data())
    def test_the_lower_bound_is_exact_between_any_nodes(
        self, roads: RoadGraph, porto: RoadFigures, data: st.DataObject
    ) -> None:
        node = st.integers(0, len(porto.lat) - 1)
        some = at_nodes(porto, data.draw(node))
        others = at_nodes(porto, *data.draw(st.lists(node, min_size=1, max_size=20)))
        bound = fewest_seconds(some, others, roads.fastest_metres_per_second)
        assert (bound <= roads.from_one(some, others)).all()

    def test_no_destinations_are_no_seconds(self, roads: RoadGraph, doors: Places) -> None:
        assert roads.from_one(doors[0], doors[:0]).tolist() == []
        assert roads.to_one(doors[:0], doors[0]).tolist() == []
        assert roads.pairs(doors[:0], doors[:0])[0].tolist() == []


class TestSnap:
    """Only onto roads that vans reach and leave, only nearby."""

    def test_it_takes_the_nearest_node_at_a_door(self) -> None:
        """Node 1 is nearer but on a motorway."""
        figures = graph_of([(0, 1, 10), (1, 2, 10), (2, 0, 10)], nodes=3, doorstep=[True, False, True])
        assert RoadGraph(figures).snap(Location(lat=41.0, lon=-7.9986)) == 2

    def test_a_point_beyond_the_limit_is_refused_with_its_distance(self) -> None:
        figures = graph_of([(0, 1, 10), (1, 0, 10)], nodes=2)
        graph = RoadGraph(figures, snap_limit=100)
        assert graph.snap(Location(lat=41.00089, lon=-8.0)) == 0
        with pytest.raises(OffRoad, match=r"111 metres away; at most 100"):
            graph.snap(Location(lat=41.001, lon=-8.0))
        with pytest.raises(OffRoad, match=r"\d metres away"):
            graph.snap(Location(lat=-41.0, lon=100.0))

    def test_snapping_finds_what_looking_everywhere_finds(
        self, roads: RoadGraph, porto: RoadFigures, doors: Places
    ) -> None:
        at_doors = np.flatnonzero(porto.doorstep)
        lat, lon = porto.lat[at_doors] / 1e6, porto.lon[at_doors] / 1e6
        for index in range(100):
            metres = haversine_metres(doors.lat[index], doors.lon[index], lat, lon)
            assert doors.node[index] == at_doors[np.argmin(metres)]

    @pytest.mark.parametrize("limit", [0, -5, 2001])
    def test_a_limit_that_means_nothing_is_refused(self, limit: int) -> None:
        with pytest.raises(ValueError, match="snap limit"):
            RoadGraph(graph_of([(0, 1, 10)], nodes=2), snap_limit=limit)


class TestForeignNodes:
    """The engine checks nothing: what reaches it must be its own."""

    @pytest.mark.parametrize("node", [4, 4_000_000, 2**31 - 1, -2])
    def test_a_node_of_another_graph_is_refused(self, node: int) -> None:
        figures = graph_of([(0, 1, 10), (1, 0, 10)])
        graph, here = RoadGraph(figures), at_nodes(figures, 0)
        foreign = Places.of([Location(lat=41.0, lon=-8.0)], [node])
        for ask in (
            lambda: graph.from_one(here, foreign),
            lambda: graph.from_one(foreign, here),
            lambda: graph.to_one(foreign, here),
            lambda: graph.pairs(here, foreign),
        ):
            with pytest.raises(ValueError, match="not of this road graph"):
                ask()

    def test_unguarded_a_foreign_node_kills_the_process(self) -> None:
        """Control: the same look-up without the check ends in a segmentation fault."""
        assert crash_of(
            "graph.distances_many_to_many(np.array([0], np.uint32), np.array([4_000_000_000], np.uint32))"
        )

    def test_a_stop_that_this_graph_does_not_reach_is_unreachable(self) -> None:
        figures = graph_of([(0, 1, 10), (1, 0, 10)])
        graph, here = RoadGraph(figures), at_nodes(figures, 0)
        lost = Places.of([Location(lat=43.0, lon=-8.0), Location(lat=41.0, lon=-7.999)], [NO_NODE, 1])
        assert graph.from_one(here, lost).tolist() == [UNREACHABLE, 1]
        assert graph.to_one(lost, here).tolist() == [UNREACHABLE, 1]
        seconds, metres = graph.pairs(here, lost[:1])
        assert (seconds.tolist(), metres.tolist()) == ([UNREACHABLE], [UNREACHABLE])

    @pytest.mark.parametrize("edge", [(0, 4, 10), (4, 0, 10), (0, 1, 0)])
    def test_a_graph_with_an_edge_to_nowhere_or_without_time_is_refused(
        self, edge: tuple[int, int, int]
    ) -> None:
        with pytest.raises(ValueError, match="no node of the graph, or takes no time"):
            graph_of([edge])

    def test_edges_out_of_order_would_be_written_as_other_edges_and_are_refused(self) -> None:
        figures = graph_of([(0, 1, 10), (1, 0, 20)])
        with pytest.raises(ValueError, match="sorted"):
            replace(figures, tail=figures.tail[::-1], head=figures.head[::-1])


class TestThreads:
    """One graph answers a whole server."""

    def test_threads_that_ask_at_once_get_the_right_answers(self, roads: RoadGraph, doors: Places) -> None:
        expected = [roads.from_one(doors[index], doors).tolist() for index in range(20)]
        wrong: list[int] = []

        def ask() -> None:
            for index in range(20):
                if roads.from_one(doors[index], doors).tolist() != expected[index]:
                    wrong.append(index)
                if roads.to_one(doors, doors[index])[index] or roads.pairs(doors[:1], doors[:1])[0][0]:
                    wrong.append(index)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []

    def test_without_the_lock_threads_kill_the_process(self) -> None:
        """Control: the engine works in shared buffers with the interpreter let go."""
        assert crash_of(
            "import threading\n"
            "def ask():\n"
            "    for _ in range(4000): graph.distances_many_to_many(nodes[:1], nodes)\n"
            "threads = [threading.Thread(target=ask) for _ in range(8)]\n"
            "for thread in threads: thread.start()\n"
            "for thread in threads: thread.join()"
        )


def crash_of(script: str) -> bool:
    """Run the bare engine on a grid of 100 x 100 in a process of its own; whether a signal ended it."""
    setting = """
import resource
import numpy as np
from pyroutingkit import CCHMetric, CCHTopology
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
nodes = np.arange(10_000, dtype=np.uint32)
east, south = nodes.reshape(100, 100)[:, :-1].ravel(), nodes.reshape(100, 100)[:-1].ravel()
tail = np.concatenate([east, east + 1, south, south + 100])
head = np.concatenate([east + 1, east, south + 100, south])
topology = CCHTopology()
topology.build(tail, head, (nodes // 100).astype(np.float32), (nodes % 100).astype(np.float32), 10_000)
graph = CCHMetric(topology)
graph.customize(np.ones(len(tail), np.uint32))
"""
    ended = subprocess.run(
        [sys.executable, "-c", setting + script], capture_output=True, timeout=60, check=False
    )
    return ended.returncode < 0


class TestFigures:
    """The file beside the code."""

    def test_writing_and_reading_keep_every_figure(self, porto: RoadFigures) -> None:
        stored = io.BytesIO()
        porto.write(stored)
        stored.seek(0)
        read = RoadFigures.read(stored)
        for name in ("lat", "lon", "doorstep", "tail", "head", "deciseconds", "metres"):
            assert np.array_equal(getattr(read, name), getattr(porto, name))

    def test_loading_twice_gives_the_same_fingerprint_and_another_graph_another(
        self, porto: RoadFigures
    ) -> None:
        again = RoadFigures.read(PORTO / "graph.npz")
        assert RoadGraph(again).fingerprint == porto.fingerprint
        assert 0 < porto.fingerprint < 2**32
        assert graph_of([(0, 1, 10)]).fingerprint != porto.fingerprint

    @pytest.mark.parametrize(
        "bytes_of", [lambda whole: b"PK but not really", lambda whole: whole[:-30], lambda whole: b""]
    )
    def test_something_else_or_half_of_it_is_not_a_road_graph(
        self, bytes_of: Callable[[bytes], bytes]
    ) -> None:
        with pytest.raises(ValueError, match=r"road graph|pickle") as caught:
            RoadFigures.read(io.BytesIO(bytes_of((PORTO / "graph.npz").read_bytes())))
        assert caught.type is ValueError

    def test_a_graph_of_other_figures_is_not_one(self) -> None:
        stored = io.BytesIO()
        np.savez(stored, lat=np.zeros(2))
        stored.seek(0)
        with pytest.raises(ValueError, match="not a road graph"):
            RoadFigures.read(stored)

    def test_what_stands_beside_the_graph_is_about_this_graph(self, porto: RoadFigures) -> None:
        """Source and licence travel with the figures; the fitted curve is the one the code falls back to."""
        about = json.loads((PORTO / "figures.json").read_text())
        assert about["fingerprint"] == porto.fingerprint
        assert (about["nodes"], about["edges"]) == (len(porto.lat), len(porto.tail))
        assert "OpenStreetMap" in about["licence"]
        assert "ODbL" in (PORTO / "README.md").read_text()
        curve = about["straight_line"]
        assert StraightLine() == StraightLine(
            **{name: curve[name] for name in curve if name != "median_error"}
        )


def test_the_straight_line_is_a_last_resort(
    roads: RoadGraph, doors: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of all legs are off by less than a fifth; under a kilometre it is far worse."""
    engines: list[TravelTimes] = [roads, StraightLine()]
    tables = [
        np.array([engine.from_one(doors[index], doors) for index in range(0, 600, 6)]) for engine in engines
    ]
    here = doors[::6]
    straight = haversine_metres(here.lat[:, None], here.lon[:, None], doors.lat, doors.lon)
    with capsys.disabled():
        print("\nstraight line against roads, median error of a leg:")
        for nearest, farthest in pairwise((100, 1_000, 2_000, 5_000, 10_000, 24_000)):
            chosen = (straight >= nearest) & (straight < farthest)
            off = np.abs(tables[1][chosen] / tables[0][chosen] - 1)
            worse = np.quantile(off, 0.9)
            span = f"{nearest / 1000:.1f} to {farthest / 1000:.1f} km"
            print(f"  {span:>15} {np.median(off):6.1%}, a tenth over {worse:.0%}")
            assert np.median(off) < 0.35
    far = straight >= 100
    assert np.median(np.abs(tables[1][far] / tables[0][far] - 1)) < 0.2


def test_streets_of_a_box_are_those_within_it_the_fastest_first(roads: RoadGraph) -> None:
    """For looking at: both ends inside, and where there are too many, the fastest."""
    low, high = Location(lat=41.145, lon=-8.625), Location(lat=41.155, lon=-8.610)
    every = roads.streets(low, high, most=100_000)
    assert len(every) > 100
    for end in (end for stretch in every for end in stretch):
        assert low.lat <= end.lat <= high.lat
        assert low.lon <= end.lon <= high.lon
    assert roads.streets(low, high, most=10) == every[:10]
    assert roads.streets(high, low, most=10) == []
