"""The van on its last stretch, as a picture: SVG, drawn here, so that no third party learns who waits where.

Streets come from the depot's own road graph; without one there are the van, the door, and how far it is.
Weak point: it does not know which streets the van will take.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from chalicelib.routing.model import Location
from chalicelib.routing.travel_times import EARTH_RADIUS_METRES, haversine_metres

WIDTH, HEIGHT = 640, 400  # in the picture's own units
_MARGIN: Final = 1.35  # of the box beside what it must show
_LEAST_METRES: Final = 500  # wide, however near the van is
_DEGREE: Final = math.radians(1) * EARTH_RADIUS_METRES  # of latitude, in metres

type Streets = Callable[[Location, Location], Sequence[tuple[Location, Location]]]
"""Gives the stretches of street within a box: its south-western corner, its north-eastern one."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """A box around two places, and where in the picture something in it is."""

    middle: Location
    metres: float  # from the left edge to the right one

    @classmethod
    def around(cls, van: Location, door: Location) -> "_Frame":
        middle = Location(lat=(van.lat + door.lat) / 2, lon=(van.lon + door.lon) / 2)
        wide = abs(van.lon - door.lon) * _DEGREE * math.cos(math.radians(middle.lat))
        high = abs(van.lat - door.lat) * _DEGREE * WIDTH / HEIGHT
        return cls(middle, max(wide * _MARGIN, high * _MARGIN, _LEAST_METRES))

    def corner(self, side: int) -> Location:
        """The south-western corner (-1), or the north-eastern one (1)."""
        half = self.metres / 2 * side
        return Location(
            lat=self.middle.lat + half * HEIGHT / WIDTH / _DEGREE,
            lon=self.middle.lon + half / (_DEGREE * math.cos(math.radians(self.middle.lat))),
        )

    def place(self, location: Location) -> tuple[float, float]:
        scale = WIDTH / self.metres * _DEGREE
        east = (location.lon - self.middle.lon) * scale * math.cos(math.radians(self.middle.lat))
        return round(WIDTH / 2 + east, 1), round(HEIGHT / 2 - (location.lat - self.middle.lat) * scale, 1)


def metres_away(van: Location, door: Location) -> int:
    """As the crow flies, in steps of a hundred metres."""
    return max(round(float(haversine_metres(van.lat, van.lon, door.lat, door.lon)) / 100), 1) * 100


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG, and whether there are streets in it."""

    svg: Markup
    has_streets: bool


def drawn(van: Location, door: Location, streets: Streets, *, label: str) -> Picture:
    """Draw van and door on the streets around them.

    Parameters
    ----------
    label
        What it shows, for who cannot see it.
    """
    frame = _Frame.around(van, door)
    around = streets(frame.corner(-1), frame.corner(1))
    ends = ((frame.place(one), frame.place(other)) for one, other in around)
    lines = "".join(f"M{a:g} {b:g}L{c:g} {d:g}" for (a, b), (c, d) in ends)
    (van_x, van_y), (door_x, door_y) = frame.place(van), frame.place(door)
    svg = Markup(
        '<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">'
        '<path class="streets" d="{lines}"/>'
        '<path class="way" d="M{van_x} {van_y}L{door_x} {door_y}"/>'
        '<path class="door" d="M{door_x} {door_y}m-11 9v-12l11 -9l11 9v12z"/>'
        '<circle class="van" cx="{van_x}" cy="{van_y}" r="11"/>'
        "</svg>"
    ).format(
        width=WIDTH,
        height=HEIGHT,
        label=label,
        lines=lines,
        van_x=van_x,
        van_y=van_y,
        door_x=door_x,
        door_y=door_y,
    )
    return Picture(svg, bool(lines))
