"""One plan before and after a replan, side by side on the same map: what moved, and what it was good for.

Vans keep their colour. What changed is drawn strongly, what did not is faint. A delivery that changed vans
has a dark ring, on the left in the colour of the van that had it, on the right of the one that has it now.
Where nothing changed nothing is faint. Weak point: vans that share a street hide each other, as on any map.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from chalicelib.routing.model import Location
from infra.demo.map import (
    INK,
    LAND,
    MUTED,
    PAPER,
    PLACE,
    WATER,
    DrawnVan,
    Page,
    backdrop,
    colour_of,
    depot_mark,
    legal_and_scale,
    place_label,
    text,
    way,
)
from infra.demo.streets import Streets

WIDTH, HEIGHT = 1760, 900
SIDE, SIDE_HEIGHT = 690, 720  # of each map
EDGE, GAP = 28, 16
TOP = 150
PANEL = EDGE + 2 * SIDE + GAP + EDGE
RIGHT = WIDTH - EDGE
_FAINTLY = ' opacity="0.28"'
_LESS = ' opacity="0.55"'
GOOD, BAD = "#1f7a44", "#b3261e"
MOST_ROWS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number and what it counts; `good` colours it, None leaves it as it is."""

    number: str
    label: str
    good: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is to be seen.

    Parameters
    ----------
    before, after
        The same vans in the same order.
    moved
        Doors of deliveries that changed vans.
    waiting_before, waiting_after
        Doors of promises that no van has.
    verdict
        What came of it, in a sentence.
    """

    title: str
    verdict: str
    figures: Sequence[Figure]
    depot: tuple[str, Location]
    before: Sequence[DrawnVan]
    after: Sequence[DrawnVan]
    moved: frozenset[Location]
    waiting_before: Sequence[Location]
    waiting_after: Sequence[Location]
    places: Sequence[tuple[str, Location]] = ()
    waters: Sequence[tuple[str, Location]] = ()


def draw(comparison: Comparison, streets: Streets | None) -> str:
    """Draw both plans as one SVG document; without streets the background stays empty."""
    everything = [point for van in (*comparison.before, *comparison.after) for point in van.line]
    seen = [*everything, *comparison.waiting_before, *comparison.waiting_after, comparison.depot[1]]
    page = Page.around(seen, SIDE, SIDE_HEIGHT)
    pairs = zip(comparison.before, comparison.after, strict=True)
    differ = [list(was.doors) != list(then.doors) for was, then in pairs]
    changed = differ if any(differ) else [True] * len(differ)
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        "font-family=\"'Inter','Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif\" "
        f'fill="{INK}" role="img" aria-label="{escape(comparison.title)}: {escape(comparison.verdict)}">',
        "<defs>",
        f'<clipPath id="side"><rect width="{SIDE}" height="{SIDE_HEIGHT}" rx="14"/></clipPath>',
        '<g id="streets">',
        f'<rect width="{SIDE}" height="{SIDE_HEIGHT}" fill="{LAND}"/>',
        *(backdrop(page, streets) if streets else ()),
        *(place_label(page, name, at, PLACE) for name, at in comparison.places),
        *(place_label(page, name, at, WATER) for name, at in comparison.waters),
        "</g></defs>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="14" fill="{PAPER}"/>',
        text(EDGE, 48, comparison.title, size=27, weight=700),
        text(EDGE, 76, comparison.verdict, size=15.5, colour=MUTED),
        *_figures(comparison.figures),
        *_side(page, "before", EDGE, comparison, comparison.before, comparison.waiting_before, changed),
        *_side(
            page, "after", EDGE + SIDE + GAP, comparison, comparison.after, comparison.waiting_after, changed
        ),
        *_panel(comparison, changed),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _figures(figures: Sequence[Figure]) -> Iterable[str]:
    """A line of numbers under the title; the reader's own font decides how wide they are."""
    yield f'<text x="{EDGE}" y="122">'
    for number, figure in enumerate(figures):
        colour = INK if figure.good is None else GOOD if figure.good else BAD
        gap = ' dx="34"' if number else ""
        yield f'<tspan{gap} font-size="25" font-weight="700" fill="{colour}">{escape(figure.number)}</tspan>'
        yield f'<tspan dx="8" font-size="15" fill="{MUTED}">{escape(figure.label)}</tspan>'
    yield "</text>"


def _side(
    page: Page,
    name: str,
    left: int,
    comparison: Comparison,
    vans: Sequence[DrawnVan],
    waiting: Sequence[Location],
    changed: Sequence[bool],
) -> Iterable[str]:
    yield f'<g transform="translate({left} {TOP})"><g clip-path="url(#side)"><use href="#streets"/>'
    for strong in (False, True):  # what changed lies on top
        yield f'<g fill="none" stroke-linecap="round" stroke-linejoin="round"{"" if strong else _FAINTLY}>'
        for number, van in enumerate(vans):
            if len(van.line) > 1 and changed[number] is strong:
                yield from way(page, f"{name}{number}", van.line, colour_of(number))
        yield "</g>"
        for number, van in enumerate(vans):
            if changed[number] is strong:
                yield f'<g fill="{colour_of(number)}" stroke="{PAPER}" stroke-width="1.2"'
                yield f"{'' if strong else _FAINTLY}>"
                yield from (_door(page, door) for door in van.doors if door not in comparison.moved)
                yield "</g>"
    for number, van in enumerate(vans):
        yield f'<g class="moved" fill="{colour_of(number)}" stroke="{INK}" stroke-width="2.4">'
        yield from (_door(page, door, radius=6.6) for door in van.doors if door in comparison.moved)
        yield "</g>"
    yield f'<g class="waiting" fill="{PAPER}" stroke="{BAD}" stroke-width="2.6">'
    yield from (_door(page, door, radius=6.2) for door in waiting)
    yield "</g>"
    yield depot_mark(page, *comparison.depot)
    yield from legal_and_scale(page)
    yield f'</g><rect x="14" y="14" width="{11 * len(name) + 26}" height="32" rx="16" fill="{INK}"/>'
    yield text(27, 35.5, name.capitalize(), size=16, weight=600, colour=PAPER)
    yield "</g>"


def _door(page: Page, at: Location, *, radius: float = 3.4) -> str:
    x, y = page.spot(at)
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>'


def _panel(comparison: Comparison, changed: Sequence[bool]) -> Iterable[str]:
    y = TOP + 18.0
    yield text(PANEL, y, "Vans", size=15, weight=700)
    yield text(RIGHT - 84, y, "stops", size=12.5, colour=MUTED, anchor="end")
    yield text(RIGHT, y, "km", size=12.5, colour=MUTED, anchor="end")
    y += 14
    rows = list(zip(comparison.before, comparison.after, changed, strict=True))
    shown = rows if len(rows) <= MOST_ROWS else [row for row in rows if row[2]][:MOST_ROWS]
    high = min(27.0, (SIDE_HEIGHT - 130) / max(len(shown), 1))
    for number, (was, then, differs) in enumerate(rows):
        if (was, then, differs) not in shown:
            continue
        y += high
        yield f"<g{'' if differs else _LESS}>"
        yield (
            f'<circle cx="{PANEL + 7}" cy="{y - 4.5:.1f}" r="6.5" fill="{colour_of(number)}" '
            f'stroke="{PAPER}"/>'
        )
        yield text(PANEL + 23, y, was.name, size=14)
        stops = _then(len(was.doors), len(then.doors))
        yield text(RIGHT - 84, y, stops, size=14, anchor="end")
        yield text(
            RIGHT, y, _then(round(was.metres / 1000), round(then.metres / 1000)), size=14, anchor="end"
        )
        yield "</g>"
    if len(shown) < len(rows):
        y += high
        yield text(PANEL, y, f"and {len(rows) - len(shown)} more", size=13, colour=MUTED)
    yield from _marks(TOP + SIDE_HEIGHT - 62.0)


def _marks(y: float) -> Iterable[str]:
    """What the rings and the faint lines mean."""
    x = PANEL + 8
    yield f'<circle cx="{x}" cy="{y:.1f}" r="6.6" fill="{MUTED}" stroke="{INK}" stroke-width="2.4"/>'
    yield f'<circle cx="{x}" cy="{y + 26:.1f}" r="6.2" fill="{PAPER}" stroke="{BAD}" stroke-width="2.6"/>'
    yield f'<path d="M{PANEL} {y + 52:.1f}h16" stroke="{MUTED}" stroke-width="3"{_FAINTLY}/>'
    for number, words in enumerate(("changed vans", "no van has it: at risk", "drives as before")):
        yield text(PANEL + 26, y + 26 * number + 5, words, size=14, colour=MUTED)


def _then(was: int, then: int) -> str:
    """Both numbers, or one where nothing changed."""
    return str(was) if was == then else f"{was} \N{RIGHTWARDS ARROW} {then}"
