"""Building a road graph from a map small enough to check by hand."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.road_graph import RoadFigures, RoadGraph
from chalicelib.routing.model import Location
from infra.roads.build import build, points_on_streets, streets_of_npz
from infra.roads.extract import JUNCTION_SECONDS, RoadClass, Streets, read, speeds_kmh
from infra.roads.graph import compact, largest_strong_component

DEGREE_METRES = 111_195.08


def osm(
    folder: Path,
    nodes: list[tuple[int, float, float]],
    ways: list[tuple[list[int], Mapping[str, str]]],
    barriers: tuple[int, ...] = (),
) -> Path:
    """Write a map: nodes as (id, lat, lon), ways as (node ids, tags)."""
    lines = ['<?xml version="1.0"?><osm version="0.6">']
    for number, lat, lon in nodes:
        inside = '<tag k="barrier" v="bollard"/>' if number in barriers else ""
        lines.append(f'<node id="{number}" version="1" lat="{lat}" lon="{lon}">{inside}</node>')
    for number, (refs, tags) in enumerate(ways):
        inside = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        inside += "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        lines.append(f'<way id="{number + 1}" version="1">{inside}</way>')
    path = folder / "map.osm"
    path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
    return path


def row(count: int, *, step: float = 0.0005) -> list[tuple[int, float, float]]:
    """Nodes 1, 2, ... northwards from the equator, 55.6 m apart."""
    return [(number + 1, number * step, 10.0) for number in range(count)]


def edges_of(streets: Streets) -> dict[tuple[float, float], float]:
    """Seconds by the latitudes an edge joins, in thousandths of a degree."""
    lat = np.round(streets.lat * 1000, 3).tolist()
    return {
        (lat[tail], lat[head]): seconds
        for tail, head, seconds in zip(
            streets.tail.tolist(), streets.head.tolist(), streets.seconds.tolist(), strict=True
        )
    }


class TestTags:
    """Who may drive where, and how fast."""

    @pytest.mark.parametrize(
        ("tags", "forward", "backward"),
        [
            ({"highway": "residential"}, 26, 26),
            ({"highway": "residential", "oneway": "yes"}, 26, 0),
            ({"highway": "residential", "oneway": "-1"}, 0, 26),
            ({"highway": "residential", "junction": "roundabout"}, 26, 0),
            ({"highway": "motorway"}, 100, 0),
            ({"highway": "motorway", "oneway": "no"}, 100, 100),
            ({"highway": "primary", "maxspeed": "40"}, 34, 34),
            (
                {"highway": "primary", "maxspeed": "30 mph"},
                pytest.approx(41.04, abs=0.01),
                pytest.approx(41.04, abs=0.01),
            ),
            ({"highway": "primary", "maxspeed": "40", "maxspeed:backward": "20"}, 34, 17),
            ({"highway": "primary", "maxspeed": "none"}, 55, 55),
            ({"highway": "primary", "maxspeed": "0"}, 55, 55),
            ({"highway": "footway"}, 0, 0),
            ({"highway": "track"}, 0, 0),
            ({"railway": "tram"}, 0, 0),
            ({"highway": "service", "area": "yes"}, 0, 0),
            ({"highway": "residential", "access": "private"}, 0, 0),
            ({"highway": "residential", "access": "no", "motor_vehicle": "yes"}, 26, 26),
            ({"highway": "residential", "access": "destination"}, 26, 26),
            ({"highway": "residential", "oneway": "reversible"}, 0, 0),
        ],
    )
    def test_speeds_follow_the_tags(self, tags: dict[str, str], forward: float, backward: float) -> None:
        assert speeds_kmh(tags) == (forward, backward)


class TestExtract:
    """From ways and nodes to edges."""

    def test_shape_points_are_folded_into_edges_between_crossings(self, tmp_path: Path) -> None:
        """A crossing at node 2; the crossing costs whoever drives onto it, the dead ends nobody."""
        nodes = [*row(3), (4, 0.0005, 10.0005)]
        path = osm(
            tmp_path, nodes, [([1, 2, 3], {"highway": "residential"}), ([2, 4], {"highway": "residential"})]
        )
        edges = edges_of(read(path))
        driving = 0.0005 * DEGREE_METRES / (26 / 3.6)
        assert edges[(0.0, 0.5)] == pytest.approx(driving + JUNCTION_SECONDS, rel=1e-6)
        assert edges[(0.5, 0.0)] == pytest.approx(driving, rel=1e-6)
        assert (0.0, 1.0) not in edges

    def test_a_street_without_crossings_is_one_edge_each_way(self, tmp_path: Path) -> None:
        edges = edges_of(read(osm(tmp_path, row(3), [([1, 2, 3], {"highway": "residential"})])))
        assert sorted(edges) == [(0.0, 1.0), (1.0, 0.0)]

    def test_a_long_street_keeps_nodes_for_its_doors_and_a_motorway_does_not(self, tmp_path: Path) -> None:
        """Ten steps of 55.6 m: every 150 m begun a node, at 167, 334 and 500 m."""
        street = read(osm(tmp_path, row(11), [(list(range(1, 12)), {"highway": "residential"})]))
        assert np.round(street.lat / 0.0005).tolist() == [0, 3, 6, 9, 10]
        motorway = read(osm(tmp_path, row(11), [(list(range(1, 12)), {"highway": "motorway"})]))
        assert len(motorway.lat) == 2
        assert street.metres.max() < 200 < motorway.metres.max()

    def test_a_bollard_ends_the_street_on_both_sides(self, tmp_path: Path) -> None:
        ways = [([1, 2, 3], {"highway": "residential"})]
        assert len(read(osm(tmp_path, row(3), ways)).lat) == 2
        split = read(osm(tmp_path, row(3), ways, barriers=(2,)))
        assert len(split.lat) == 4
        assert largest_strong_component(split.tail, split.head, nodes=4).sum() == 2

    def test_a_map_without_streets_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="no street"):
            read(osm(tmp_path, row(2), [([1, 2], {"highway": "footway"})]))


def streets_of(edges: list[tuple[int, int, float, RoadClass]], *, nodes: int) -> Streets:
    tail, head, seconds, classes = zip(*edges, strict=True)
    return Streets(
        lat=41.0 + 0.001 * np.arange(nodes),
        lon=np.full(nodes, -8.0),
        tail=np.array(tail, dtype=np.int32),
        head=np.array(head, dtype=np.int32),
        seconds=np.array(seconds, dtype=np.float64),
        metres=np.full(len(edges), 111.2),
        road_class=np.array(classes, dtype=np.uint8),
    )


class TestCompact:
    """What a van can reach and leave again, without what it would never choose."""

    def test_islands_loops_and_slow_parallels_are_left_out(self) -> None:
        """0, 1, 2 in a circle; 3 is a one-way in, 4 and 5 an island; 0 -> 1 twice, 2 -> 2 a loop."""
        street = RoadClass.STREET
        figures = compact(
            streets_of(
                [
                    *(
                        (0, 1, 20.0, street),
                        (0, 1, 10.04, street),
                        (1, 2, 10.0, street),
                        (2, 0, 10.0, street),
                    ),
                    *((2, 2, 1.0, street), (2, 3, 1.0, street), (4, 5, 1.0, street), (5, 4, 1.0, street)),
                ],
                nodes=6,
            )
        )
        assert sorted(figures.lat.tolist()) == [41_000_000, 41_001_000, 41_002_000]
        assert sorted(figures.deciseconds.tolist()) == [100, 100, 101]

    def test_nobody_stops_on_a_motorway(self) -> None:
        """Nodes 0 and 1 are on streets too; 2 is only on the motorway."""
        figures = compact(
            streets_of(
                [
                    *((0, 1, 9.0, RoadClass.STREET), (1, 2, 9.0, RoadClass.THROUGH)),
                    (2, 0, 9.0, RoadClass.THROUGH),
                ],
                nodes=3,
            )
        )
        assert sorted(figures.lat[figures.doorstep].tolist()) == [41_000_000, 41_001_000]
        assert RoadGraph(figures).snap(Location(lat=41.0019, lon=-8.0)) == figures.lat.tolist().index(
            41_001_000
        )

    def test_an_edge_is_never_faster_than_the_map_says(self) -> None:
        figures = compact(
            streets_of([(0, 1, 0.01, RoadClass.STREET), (1, 0, 7.21, RoadClass.STREET)], nodes=2)
        )
        assert sorted(figures.deciseconds.tolist()) == [1, 73]

    @given(st.integers(1, 12), st.data())
    def test_the_largest_component_is_that_of_plain_reachability(
        self, nodes: int, data: st.DataObject
    ) -> None:
        node = st.integers(0, nodes - 1)
        edges = data.draw(st.lists(st.tuples(node, node), max_size=30))
        reach = np.eye(nodes, dtype=bool)
        for tail, head in edges:
            reach[tail, head] = True
        for via in range(nodes):
            reach |= np.outer(reach[:, via], reach[via])
        mutual = reach & reach.T
        found = largest_strong_component(
            np.array([tail for tail, _ in edges], dtype=np.int32),
            np.array([head for _, head in edges], dtype=np.int32),
            nodes=nodes,
        )
        assert found.sum() == mutual.sum(axis=1).max()
        assert (mutual[np.argmax(found)] == found).all()


class TestPoints:
    """Demand where people live."""

    def test_points_are_beside_streets_within_the_radius_and_the_same_for_a_seed(self) -> None:
        """Edge 0 -> 1 is a street, 1 -> 2 a motorway, 3 -> 4 a street too far away."""
        streets = streets_of(
            [(0, 1, 9.0, RoadClass.STREET), (1, 2, 9.0, RoadClass.THROUGH), (3, 4, 9.0, RoadClass.STREET)],
            nodes=5,
        )
        centre = Location(lat=41.0, lon=-8.0)
        lat, lon = points_on_streets(streets, centre=centre, radius=250, count=200, seed=3)
        again = points_on_streets(streets, centre=centre, radius=250, count=200, seed=3)
        assert np.array_equal(lat, again[0])
        assert np.array_equal(lon, again[1])
        assert ((lat > 40.9997) & (lat < 41.0013)).all()
        assert np.abs(lon + 8.0).max() < 0.0003

    def test_a_street_driven_both_ways_has_no_more_doors_than_a_one_way_street(self) -> None:
        """Of 4,000 points on two streets of one length, half are on either."""
        street = RoadClass.STREET
        both = streets_of([(0, 1, 9.0, street), (1, 0, 9.0, street), (2, 3, 9.0, street)], nodes=4)
        lat, _ = points_on_streets(
            both, centre=Location(lat=41.0, lon=-8.0), radius=9_000, count=4000, seed=3
        )
        assert 0.45 < (lat < 41.0015).mean() < 0.55


class TestCommand:
    """The whole command on a town of 6 x 6 blocks."""

    def test_it_writes_a_graph_that_answers_with_its_licence_beside_it(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        side = range(6)
        nodes = [(1 + 6 * y + x, 41.0 + 0.001 * y, -8.0 + 0.001 * x) for y in side for x in side]
        ways = [([1 + 6 * y + x for x in side], {"highway": "residential"}) for y in side]
        ways += [([1 + 6 * y + x for y in side], {"highway": "tertiary"}) for x in side]
        folder = tmp_path / "town"
        arguments = argparse.Namespace(
            extract=osm(tmp_path, nodes, ways),
            folder=folder,
            from_npz=False,
            node_index="flex_mem",
            source="a town",
            centre=Location(lat=41.0025, lon=-7.9975),
            radius_metres=2000.0,
            points=50,
            seed=1,
        )
        figures = build(arguments)
        graph = RoadFigures.read(folder / "graph.npz")
        assert (len(graph.lat), len(graph.tail)) == (36, 120) == (figures["nodes"], figures["edges"])
        assert json.loads((folder / "figures.json").read_text())["fingerprint"] == graph.fingerprint
        assert len((folder / "points.csv").read_text().splitlines()) == 51
        readme = (folder / "README.md").read_text()
        assert "© OpenStreetMap contributors" in readme
        assert "ODbL" in readme
        assert "a town" in readme
        assert "[4/4]" in capsys.readouterr().err
        first = (folder / "graph.npz").read_bytes()
        build(arguments)
        assert (folder / "graph.npz").read_bytes() == first

    def test_it_reads_ready_made_graphs_too(self, tmp_path: Path) -> None:
        np.savez(
            tmp_path / "graph.npz",
            lon=np.array([-8.0, -7.999], dtype=np.float32),
            lat=np.array([41.0, 41.0], dtype=np.float32),
            tail=np.array([0, 1], dtype=np.int32),
            head=np.array([1, 0], dtype=np.int32),
            sec=np.array([10.0, 2.0], dtype=np.float32),
            metres=np.array([84.0, 84.0], dtype=np.float32),
        )
        streets = streets_of_npz(tmp_path / "graph.npz")
        assert streets.road_class.tolist() == [RoadClass.STREET, RoadClass.THROUGH]
        assert sorted(compact(streets).deciseconds.tolist()) == [20, 100]
