"""The picture of the routes: whole, well-formed, and no more points than the eye needs."""

import math
import re
from random import Random
from xml.etree import ElementTree

import pytest

from chalicelib.routing.model import Location
from infra.demo.map import ATTRIBUTION, HEIGHT, MAP_WIDTH, DrawnVan, Picture, draw, simplified
from infra.demo.porto import PLACE_NAMES, ROADS, doors
from infra.demo.streets import Streets

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn() -> ElementTree.Element:
    streets, chosen = Streets(ROADS / "graph.npz"), Random(1).sample(doors(), 9)
    depot = chosen[0]
    vans = []
    for number, served in enumerate((chosen[1:5], chosen[5:9])):
        legs = zip([depot, *served], [*served, depot], strict=True)
        ways = [streets.way(*leg) for leg in legs]
        vans.append(
            DrawnVan(
                name=f"van {number}",
                depot="North & <South>",
                hours="08:00-12:00",
                line=[point for way in ways for point in way.points],
                doors=served,
                metres=sum(way.metres for way in ways),
            )
        )
    picture = Picture(
        title="Tuesday",
        subtitle="8 doors\n2 vans",
        vans=vans,
        depots=[("North & <South>", depot)],
        slots=[("8-10", 5), ("10-12", 3), ("12-14", 0)],
        places=PLACE_NAMES,
    )
    return ElementTree.fromstring(draw(picture, streets))


def texts(drawn: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in drawn.iter(f"{SVG}text")]


def test_every_van_has_its_way_and_every_door_its_mark(drawn: ElementTree.Element) -> None:
    """Two vans with four doors each: two ways, each drawn with a rim, and eight marks on the map."""
    assert [use.get("href") for use in drawn.iter(f"{SVG}use")] == ["#way0", "#way0", "#way1", "#way1"]
    on_map = [float(mark.get("cx", "")) for mark in drawn.iter(f"{SVG}circle")]
    assert sum(x < MAP_WIDTH for x in on_map) == 8


def test_doors_lie_on_the_map(drawn: ElementTree.Element) -> None:
    """The map is cut so that nothing a van passes is outside."""
    for path in drawn.iter(f"{SVG}path"):
        if (path.get("id") or "").startswith("way"):
            start, *steps = re.split("[Ml]", path.get("d", ""))[1:]
            x, y = map(int, start.split())
            numbers = [int(number) for number in re.findall(r"-?\d+", "".join(steps))]
            for step_x, step_y in zip(numbers[::2], numbers[1::2], strict=True):
                x, y = x + step_x, y + step_y
                assert 0 <= x <= MAP_WIDTH * 10
                assert 0 <= y <= HEIGHT * 10


def test_map_says_whose_roads_it_shows(drawn: ElementTree.Element) -> None:
    """The licence of the roads asks for attribution wherever they are seen."""
    assert ATTRIBUTION in texts(drawn)
    assert "OpenStreetMap contributors" in ATTRIBUTION


def test_names_are_text_and_never_markup(drawn: ElementTree.Element) -> None:
    """A depot's name is the merchant's own choice."""
    assert "North & <South>" in texts(drawn)


def test_simplified_line_stays_within_its_grain() -> None:
    """No point that is left out lies farther from the line than the grain."""
    chance = Random(2)
    line = [(float(x), 20 * math.sin(x / 9) + chance.random()) for x in range(200)]
    kept = simplified(line, 1.5)
    assert kept[0] == line[0]
    assert kept[-1] == line[-1]
    assert len(kept) < len(line) / 3
    for spot in line:
        before, behind = max(at for at in kept if at <= spot), min(at for at in kept if at >= spot)
        across = behind[0] - before[0]
        height = (
            before[1] if not across else before[1] + (behind[1] - before[1]) * (spot[0] - before[0]) / across
        )
        assert abs(spot[1] - height) <= 1.5 * 2.5  # upright, on a slope of at most 20 / 9


def test_closed_line_is_simplified_too() -> None:
    """A round trip starts where it ends; its farthest point is kept."""
    assert simplified([(0.0, 0.0), (5.0, 5.0), (0.0, 0.0)], 1.0) == [(0.0, 0.0), (5.0, 5.0), (0.0, 0.0)]


def test_place_far_outside_is_not_named() -> None:
    """A name is left out where the map does not reach."""
    streets, (depot, door) = Streets(ROADS / "graph.npz"), doors()[:2]
    way = streets.way(depot, door)
    van = DrawnVan(name="van", depot="d", hours="", line=way.points, doors=[door], metres=way.metres)
    picture = Picture(
        title="",
        subtitle="",
        vans=[van],
        depots=[("d", depot)],
        slots=[],
        places=[("FAR", Location(lat=38.7, lon=-9.1))],
    )
    assert "FAR" not in draw(picture, streets)
