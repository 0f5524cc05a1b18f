"""The demo's own look at the streets, which checks the road engine and therefore must not share its code."""

from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest

from chalicelib.adapters.road_graph import RoadFigures
from chalicelib.routing.model import Location
from infra.demo.porto import ROADS, doors
from infra.demo.streets import Streets, chains

WIDTH = 7


def corner(number: int) -> Location:
    """Corners of a grid, 0.001 degrees (about 100 m) apart."""
    return Location(lat=41 + number // WIDTH / 1000, lon=-8 + number % WIDTH / 1000)


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[tuple[int, int], int]]:
    """A square town whose streets take 100 to 400 tenths of a second, each way another time."""
    chance, edges = Random(5), {}
    for number in range(WIDTH * WIDTH):
        for beyond in ([number + 1] if (number + 1) % WIDTH else []) + [number + WIDTH]:
            if beyond < WIDTH * WIDTH:
                edges[number, beyond] = chance.randrange(100, 400)
                edges[beyond, number] = chance.randrange(100, 400)
    ordered = sorted(edges)
    places = [corner(number) for number in range(WIDTH * WIDTH)]
    path = tmp_path_factory.mktemp("grid") / "graph.npz"
    RoadFigures(
        lat=np.array([round(place.lat * 1e6) for place in places], dtype=np.int32),
        lon=np.array([round(place.lon * 1e6) for place in places], dtype=np.int32),
        doorstep=np.ones(len(places), dtype=bool),
        tail=np.array([tail for tail, _ in ordered], dtype=np.uint32),
        head=np.array([head for _, head in ordered], dtype=np.uint32),
        deciseconds=np.array([edges[edge] for edge in ordered], dtype=np.uint32),
        metres=np.full(len(ordered), 100, dtype=np.uint32),
    ).write(path)
    return path, edges


def fastest(edges: dict[tuple[int, int], int], source: int) -> dict[int, int]:
    """Bellman and Ford: every edge again and again until nothing gets faster."""
    reached = {source: 0}
    for _ in range(WIDTH * WIDTH):
        for (tail, head), cost in edges.items():
            if tail in reached:
                reached[head] = min(reached.get(head, 10**9), reached[tail] + cost)
    return reached


def test_way_is_as_fast_as_one_found_by_trying_every_edge(
    grid: tuple[Path, dict[tuple[int, int], int]],
) -> None:
    """A* finds the fastest way between any two corners."""
    path, edges = grid
    streets = Streets(path)
    for source in (0, 10, 24, 48):
        for target, deciseconds in fastest(edges, source).items():
            assert streets.way(corner(source), corner(target)).seconds == deciseconds / 10


def test_way_passes_streets_only(grid: tuple[Path, dict[tuple[int, int], int]]) -> None:
    """Each step of a way is an edge, and its times add up to the whole."""
    path, edges = grid
    way = Streets(path).way(corner(0), corner(48))
    places = {corner(number): number for number in range(WIDTH * WIDTH)}
    numbers = [places[point] for point in way.points[1:-1]]
    assert sum(edges[step] for step in pairwise(numbers)) / 10 == way.seconds
    assert way.metres == pytest.approx(100 * (len(numbers) - 1), rel=0.15)


def test_no_leg_of_the_real_city_is_faster_than_the_road_engine_says() -> None:
    """The engine's times include the stretch to the door, so they are never shorter than ours."""
    from chalicelib.adapters.road_graph import RoadGraph
    from chalicelib.routing.travel_times import Places

    streets = Streets(ROADS / "graph.npz")
    engine = RoadGraph(RoadFigures.read(ROADS / "graph.npz"))
    chosen = Random(3).sample(doors(), 24)
    for one, other in zip(chosen[::2], chosen[1::2], strict=True):
        here, there = (Places.of([door], [engine.snap(door)]) for door in (one, other))
        seconds = int(engine.pairs(here, there)[0][0])
        ours = streets.way(one, other).seconds
        assert ours <= seconds <= ours + 60


def test_lines_hold_every_street_once() -> None:
    """Streets are drawn once, in lines that are longer than an edge."""
    edges = {(0, 1), (1, 2), (2, 3), (1, 4), (4, 5), (5, 6), (4, 6), (7, 8)}
    found = chains(edges)
    drawn = [tuple(sorted(step)) for chain in found for step in pairwise(chain)]
    assert sorted(drawn) == sorted(edges)
    assert len(found) < len(edges)
