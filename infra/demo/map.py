"""A picture of the vans' day as SVG: their ways on real streets, every door, who drives when.

Written by hand, element by element, so that nothing has to be installed to draw it. Weak point: where many
vans share a street the last one drawn is on top.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from chalicelib.routing.model import Location
from chalicelib.units import Metres
from infra.demo.streets import Streets

ATTRIBUTION = "Roads © OpenStreetMap contributors, ODbL 1.0"

WIDTH, HEIGHT = 1280, 880  # of the picture, in pixels
MAP_WIDTH = 890
MARGIN = 34  # around the outermost door
PANEL_LEFT = MAP_WIDTH + 28
PANEL_RIGHT = WIDTH - 28

PAPER, LAND, INK, MUTED, PLACE, WATER, BAR = (
    "#ffffff",
    "#f5f2ec",
    "#22272e",
    "#6b7280",
    "#857b69",
    "#8fb0c4",
    "#7383e6",
)
# Least speed, colour and width of the streets behind the vans; the slowest are drawn first.
STREETS = ((30.0, "#e4dfd5", 0.8), (44.0, "#d9d2c5", 1.2), (66.0, "#cbc2b2", 2.2))
BACKDROP_GRAIN = 1.1  # pixels by which a street may be drawn beside itself
ROUTE_GRAIN = 0.5
# Neighbours in the list are told apart easily, also by most people who see fewer colours.
COLOURS = (
    "#1f77b4", "#e4572e", "#2a9d54", "#8e44ad", "#d99a00", "#0fa3b1", "#c2185b", "#6b8e23",
    "#34495e", "#f2789f", "#7f5539", "#5b6ee1", "#00876c", "#b5651d", "#9b5de5", "#d62828",
    "#3a86ff", "#588157", "#ad1457", "#ff7f11",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnVan:
    """A van's day.

    Parameters
    ----------
    hours
        Of its shift, as a person writes them.
    line
        Every point it passes, depot to depot.
    """

    name: str
    depot: str
    hours: str
    line: Sequence[Location]
    doors: Sequence[Location]
    metres: Metres


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is to be seen, in words and places."""

    title: str
    subtitle: str
    vans: Sequence[DrawnVan]
    depots: Sequence[tuple[str, Location]]
    slots: Sequence[tuple[str, int]]
    places: Sequence[tuple[str, Location]] = ()
    waters: Sequence[tuple[str, Location]] = ()


def draw(picture: Picture, streets: Streets) -> str:
    """Draw the picture as one SVG document, roughly 150 KB for 250 doors."""
    page = Page.around([point for van in picture.vans for point in van.line], MAP_WIDTH, HEIGHT)
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        "font-family=\"'Inter','Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif\" "
        f'fill="{INK}" role="img" aria-label="{escape(picture.title)}: {escape(picture.subtitle)}">',
        f'<clipPath id="map"><rect width="{MAP_WIDTH}" height="{HEIGHT}" rx="14"/></clipPath>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="14" fill="{PAPER}"/>',
        f'<g clip-path="url(#map)"><rect width="{MAP_WIDTH}" height="{HEIGHT}" fill="{LAND}"/>',
        *backdrop(page, streets),
        *_ways(page, picture.vans),
        *(place_label(page, name, at, PLACE) for name, at in picture.places),
        *(place_label(page, name, at, WATER) for name, at in picture.waters),
        *_doors(page, picture.vans),
        *(depot_mark(page, name, at) for name, at in picture.depots),
        *legal_and_scale(page),
        "</g>",
        *_panel(picture),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class Page:
    """Where on a map a place is (Mercator, which keeps angles); `width` and `height` in pixels."""

    left: float
    top: float
    pixels_per_degree: float
    width: float
    height: float

    @staticmethod
    def around(places: Iterable[Location], width: float, height: float) -> "Page":
        """Cut a map so that all of these places are on it."""
        xs, ys = zip(*(_mercator(place) for place in places), strict=True)
        across, down = max(xs) - min(xs), max(ys) - min(ys)
        zoom = min((width - 2 * MARGIN) / max(across, 1e-3), (height - 2 * MARGIN) / max(down, 1e-3))
        left = (min(xs) + max(xs)) / 2 - width / 2 / zoom
        top = (min(ys) + max(ys)) / 2 - height / 2 / zoom
        return Page(left, top, zoom, width, height)

    def spot(self, place: Location) -> tuple[float, float]:
        """Pixels from the left and from the top."""
        x, y = _mercator(place)
        return (x - self.left) * self.pixels_per_degree, (y - self.top) * self.pixels_per_degree

    @property
    def metres_per_pixel(self) -> float:
        """Its scale, at the upper edge."""
        latitude = math.atan(math.sinh(-math.radians(self.top)))
        return 111_195 * math.cos(latitude) / self.pixels_per_degree


def _mercator(place: Location) -> tuple[float, float]:
    return place.lon, -math.degrees(math.asinh(math.tan(math.radians(place.lat))))


def backdrop(page: Page, streets: Streets) -> Iterable[str]:
    """Draw the streets behind the vans."""
    for least_kmh, colour, width in STREETS:
        lines = [[page.spot(place) for place in line] for line in streets.lines(least_kmh=least_kmh)]
        seen = [simplified(line, BACKDROP_GRAIN) for line in lines if _is_seen(page, line)]
        streets_path = "".join(path(line, per_pixel=1) for line in seen)
        yield (
            f'<path d="{streets_path}" fill="none" stroke="{colour}" stroke-width="{width}" '
            'stroke-linecap="round" stroke-linejoin="round"/>'
        )


def _is_seen(page: Page, line: Sequence[tuple[float, float]]) -> bool:
    on_it = any(0 <= x <= page.width and 0 <= y <= page.height for x, y in line)
    return on_it and math.dist(line[0], line[-1]) > 2


def _ways(page: Page, vans: Sequence[DrawnVan]) -> Iterable[str]:
    yield '<g fill="none" stroke-linecap="round" stroke-linejoin="round">'
    for number, van in enumerate(vans):
        yield from way(page, f"way{number}", van.line, colour_of(number))
    yield "</g>"


def way(page: Page, name: str, line: Sequence[Location], colour: str) -> Iterable[str]:
    """Draw the way of one van with a rim; `name` is its id in the document."""
    spots = simplified([page.spot(place) for place in line], ROUTE_GRAIN)
    yield f'<defs><path id="{name}" transform="scale(.1)" d="{path(spots, per_pixel=10)}"/></defs>'
    yield f'<use href="#{name}" stroke="{PAPER}" stroke-width="46" stroke-opacity=".8"/>'
    yield f'<use href="#{name}" stroke="{colour}" stroke-width="24" stroke-opacity=".92"/>'


def _doors(page: Page, vans: Sequence[DrawnVan]) -> Iterable[str]:
    for number, van in enumerate(vans):
        spots = [page.spot(door) for door in van.doors]
        circles = "".join(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3.7"/>' for x, y in spots)
        yield f'<g fill="{colour_of(number)}" stroke="{PAPER}" stroke-width="1.3">{circles}</g>'


def colour_of(number: int) -> str:
    """Give the colour of the n-th van."""
    return COLOURS[number % len(COLOURS)]


def depot_mark(page: Page, name: str, at: Location) -> str:
    """Mark a depot with its name, which stays on the map."""
    x, y = page.spot(at)
    wide = 9.2 * len(name) + 20
    left = min(max(x - wide / 2, 8), page.width - wide - 8)
    return (
        f'<g><path d="M{x - 11:.1f} {y + 9:.1f}v-12l11 -9l11 9v12z" fill="{INK}" '
        f'stroke="{PAPER}" stroke-width="2.5" stroke-linejoin="round"/>'
        f'<rect x="{left:.1f}" y="{y + 14:.1f}" width="{wide:.1f}" height="24" rx="12" fill="{INK}"/>'
        + text(left + wide / 2, y + 31, name, size=14.5, colour=PAPER, anchor="middle", weight=600)
        + "</g>"
    )


def place_label(page: Page, name: str, at: Location, colour: str) -> str:
    """Write the name of a place, or nothing where it is not on the map."""
    x, y = page.spot(at)
    half = 7.5 * len(name)
    if not (half < x < page.width - half and 30 < y < page.height - 30):
        return ""
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="14" font-weight="600" letter-spacing="3" fill="{colour}" '
        f'text-anchor="middle" stroke="{LAND}" stroke-width="3.5" paint-order="stroke">{escape(name)}</text>'
    )


def legal_and_scale(page: Page) -> Iterable[str]:
    """Say whose roads these are, and how long a way is."""
    kilometres = 2
    wide = kilometres * 1000 / page.metres_per_pixel
    below = page.height
    yield text(page.width - 14, below - 14, ATTRIBUTION, size=11.5, colour=MUTED, anchor="end")
    yield f'<path d="M16 {below - 22}v6h{wide:.1f}v-6" fill="none" stroke="{MUTED}" stroke-width="1.5"/>'
    yield text(16 + wide / 2, below - 24, f"{kilometres} km", size=11.5, colour=MUTED, anchor="middle")


def _panel(picture: Picture) -> Iterable[str]:
    yield text(PANEL_LEFT, 58, picture.title, size=25, weight=700)
    y = 84.0
    for line in picture.subtitle.split("\n"):
        yield text(PANEL_LEFT, y, line, size=15, colour=MUTED)
        y += 21
    y += 12
    row = min(30.0, (HEIGHT - 236 - y - 30 * len(picture.depots)) / max(len(picture.vans), 1))
    depot = None
    for number, van in enumerate(picture.vans):
        if van.depot != depot:
            depot = van.depot
            y += 8
            yield text(PANEL_LEFT, y + 10, depot, size=14, weight=700)
            yield text(PANEL_RIGHT - 62, y + 10, "stops", size=12, colour=MUTED, anchor="end")
            yield text(PANEL_RIGHT, y + 10, "km", size=12, colour=MUTED, anchor="end")
            y += 22
        yield from _legend_row(number, van, y + row / 2)
        y += row
    yield from _slot_bars(picture.slots, top=HEIGHT - 196)


def _legend_row(number: int, van: DrawnVan, y: float) -> Iterable[str]:
    colour = colour_of(number)
    yield (
        f'<path d="M{PANEL_LEFT} {y - 5:.1f}h22" stroke="{colour}" stroke-width="4" stroke-linecap="round"/>'
        f'<circle cx="{PANEL_LEFT + 11}" cy="{y - 5:.1f}" r="5" fill="{colour}" '
        f'stroke="{PAPER}" stroke-width="1.5"/>'
    )
    yield text(PANEL_LEFT + 34, y, van.name, size=14)
    yield text(PANEL_LEFT + 134, y, van.hours, size=14, colour=MUTED)
    yield text(PANEL_RIGHT - 62, y, str(len(van.doors)), size=14, anchor="end")
    yield text(PANEL_RIGHT, y, f"{van.metres / 1000:.0f}", size=14, anchor="end")


def _slot_bars(slots: Sequence[tuple[str, int]], *, top: float) -> Iterable[str]:
    if not slots:
        return
    yield text(PANEL_LEFT, top, "Promises by delivery window", size=14, weight=700)
    tallest, bottom = 108, top + 150
    step = (PANEL_RIGHT - PANEL_LEFT) / len(slots)
    most = max(1, *(count for _, count in slots))
    for number, (label, count) in enumerate(slots):
        x, high = PANEL_LEFT + number * step, count / most * tallest
        yield (
            f'<rect x="{x + 3:.1f}" y="{bottom - high:.1f}" width="{step - 6:.1f}" height="{high:.1f}" '
            f'rx="4" fill="{BAR}"/>'
        )
        yield text(x + step / 2, bottom - high - 6, str(count), size=13, anchor="middle")
        yield text(x + step / 2, bottom + 18, label, size=12.5, colour=MUTED, anchor="middle")


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: float,
    colour: str = INK,
    anchor: str = "start",
    weight: int = 400,
) -> str:
    """Write a line of text; whatever is in it is text and never markup."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(words)}</text>'
    )


def path(line: Sequence[tuple[float, float]], *, per_pixel: int) -> str:
    """SVG path data in whole numbers, step by step: half the size of absolute places."""
    spots = [(round(x * per_pixel), round(y * per_pixel)) for x, y in line]
    (x, y), *others = spots
    steps = []
    for beyond_x, beyond_y in others:
        if (beyond_x, beyond_y) != (x, y):
            steps.append(f"{beyond_x - x}{'' if beyond_y < y else ' '}{beyond_y - y}")
        x, y = beyond_x, beyond_y
    if not steps:
        return ""
    tail = "".join(step if step.startswith("-") or not at else f" {step}" for at, step in enumerate(steps))
    return f"M{spots[0][0]} {spots[0][1]}l{tail}"


def simplified(line: Sequence[tuple[float, float]], grain: float) -> list[tuple[float, float]]:
    """Leave out points that lie within `grain` of the line without them (Douglas and Peucker 1973)."""
    kept = {0, len(line) - 1}
    spans = [(0, len(line) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        farthest = max(range(first + 1, last), key=lambda at: _off(line[at], line[first], line[last]))
        if _off(line[farthest], line[first], line[last]) > grain:
            kept.add(farthest)
            spans += [(first, farthest), (farthest, last)]
    return [line[at] for at in sorted(kept)]


def _off(spot: tuple[float, float], one: tuple[float, float], other: tuple[float, float]) -> float:
    """Distance of a spot from the stretch between two others."""
    along_x, along_y = other[0] - one[0], other[1] - one[1]
    square = along_x * along_x + along_y * along_y
    if not square:
        return math.dist(spot, one)
    share = ((spot[0] - one[0]) * along_x + (spot[1] - one[1]) * along_y) / square
    share = min(1.0, max(0.0, share))
    return math.hypot(spot[0] - one[0] - share * along_x, spot[1] - one[1] - share * along_y)
