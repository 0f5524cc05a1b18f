"""The picture of a plan before and after: one map twice, marks for what moved, figures in words."""

from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest

from infra.demo.comparison import SIDE, SIDE_HEIGHT, Comparison, draw
from infra.picture import compared

SVG = "{http://www.w3.org/2000/svg}"
DAY = date(2026, 11, 24)
DEPOT = {"depot_id": "porto", "name": "Ribeira & <Sons>", "location": {"lat": 41.15, "lon": -8.61}}


def stop(name: str, lat: float) -> dict[str, Any]:
    return {"promise_id": f"prm_{name}", "location": {"lat": lat, "lon": -8.6}}


def plan(*routes: list[dict[str, Any]], unassigned: Any = (), at_risk: int = 0) -> dict[str, Any]:
    return {
        "routes": [
            {
                "shift_id": f"shift-{van}",
                "vehicle": {"vehicle_id": f"van-{van}"},
                "starts_at": f"{DAY}T08:00:00+00:00",
                "ends_at": f"{DAY}T16:00:00+00:00",
                "stops": stops,
            }
            for van, stops in enumerate(routes, start=1)
        ],
        "unassigned": list(unassigned),
        "promises": {"kept": 4, "at_risk": at_risk, "broken": 0},
    }


A, B, C, D, E = (stop(name, 41.10 + place / 50) for place, name in enumerate("abcde"))
BEFORE = plan([A, C], [B, D], [E])
AFTER = plan([A, B], [C], [E], unassigned=[D], at_risk=1)
REPLAN = {"state": "applied", "seconds_saved": 605, "why": None}


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """Two deliveries change vans, one loses its van, one van drives as before; no streets."""
    return compared(DEPOT, DAY, BEFORE, AFTER, REPLAN, None)


@pytest.fixture(scope="module")
def drawn(comparison: Comparison) -> ElementTree.Element:
    return ElementTree.fromstring(draw(comparison, None))


def circles(drawn: ElementTree.Element, mark: str) -> list[list[ElementTree.Element]]:
    """Of each side, the doors in a group of this class."""
    sides = [group for group in drawn.iter(f"{SVG}g") if (group.get("transform") or "").startswith("trans")]
    assert len(sides) == 2
    return [
        [circle for group in side.iter(f"{SVG}g") if group.get("class") == mark for circle in group]
        for side in sides
    ]


def colours_of(drawn: ElementTree.Element) -> dict[str, str]:
    """The colour of every way on either side."""
    ways = [use for use in drawn.iter(f"{SVG}use") if use.get("stroke-width") == "24"]
    return {use.get("href", ""): use.get("stroke", "") for use in ways}


def faint_of(drawn: ElementTree.Element) -> set[str]:
    groups = [group for group in drawn.iter(f"{SVG}g") if group.get("opacity")]
    return {use.get("href", "") for group in groups for use in group.iter(f"{SVG}use")}


def test_what_moved_is_marked_on_both_sides_in_the_same_places(drawn: ElementTree.Element) -> None:
    """Rings at the two doors that changed vans: one scale, one cut."""
    before, after = (
        sorted((circle.get("cx"), circle.get("cy")) for circle in side) for side in circles(drawn, "moved")
    )
    assert len(before) == 2
    assert before == after
    assert all(0 <= float(x or -1) <= SIDE and 0 <= float(y or -1) <= SIDE_HEIGHT for x, y in before)


def test_promise_without_a_van_has_a_mark_of_its_own(drawn: ElementTree.Element) -> None:
    """It did not change vans: it lost its own."""
    assert [len(side) for side in circles(drawn, "waiting")] == [0, 1]


def test_van_keeps_its_colour_and_is_faint_where_nothing_changed(drawn: ElementTree.Element) -> None:
    """Every way once on either side; those of the third van in a group that is faint."""
    colours = colours_of(drawn)
    assert sorted(colours) == sorted(f"#{side}{van}" for side in ("before", "after") for van in range(3))
    assert all(colours[f"#before{van}"] == colours[f"#after{van}"] for van in range(3))
    assert faint_of(drawn) == {"#before2", "#after2"}


def test_figures_say_what_it_was_good_for(comparison: Comparison, drawn: ElementTree.Element) -> None:
    """Driving saved, moves, and how the promises stand; names are text and never markup."""
    told = [(figure.number, figure.label) for figure in comparison.figures]
    assert told == [
        ("10 min", "of driving saved by the replan"),
        ("2", "deliveries changed vans"),
        ("4", "promises kept"),
        ("1", "at risk"),
        ("0", "broken"),
    ]
    texts = ["".join(element.itertext()) for element in drawn.iter(f"{SVG}text")]
    assert "Ribeira & <Sons>, Tuesday 24 November" in texts
    assert any("10 min" in line and "deliveries changed vans" in line for line in texts)
    assert "2 \N{RIGHTWARDS ARROW} 1" in texts  # stops of the second van


def test_unchanged_plan_says_why() -> None:
    """In the words of the replan; and where nothing changed nothing is faint."""
    same = {"state": "unchanged", "seconds_saved": 0, "why": "Nothing better was found."}
    shown = compared(DEPOT, DAY, BEFORE, BEFORE, same, None)
    assert shown.verdict == "The worker changed nothing. Nothing better was found."
    assert shown.moved == frozenset()
    assert faint_of(ElementTree.fromstring(draw(shown, None))) == set()


def test_deliveries_at_one_door_are_no_reason_to_stumble() -> None:
    """A plan with one stop at the depot itself has no extent, and is drawn all the same."""
    only = plan([stop("only", 41.15)])
    shown = compared({**DEPOT, "location": {"lat": 41.15, "lon": -8.6}}, DAY, only, only, REPLAN, None)
    assert ElementTree.fromstring(draw(shown, None)) is not None
