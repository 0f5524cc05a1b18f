"""Whether a depot delivers to a point, and whether a drawn area is one a computer can decide on.

Areas are judged on the plain of longitude and latitude, as GeoJSON (RFC 7946) draws them, in whole millionths
of a degree, so that no rounding decides whether two edges cross. What lies exactly on an edge may fall on
either side. Weak point: the check of a ring is quadratic in its points, which is why these are bounded.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chalicelib.errors import FieldError, InvalidRequest
from chalicelib.fleet.model import Polygon, Polygons, Radius, Ring, ServiceArea
from chalicelib.routing.model import Location
from chalicelib.routing.travel_times import EARTH_RADIUS_METRES
from chalicelib.units import Metres

MAX_RADIUS_METRES: Final[Metres] = 200_000
MAX_RING_POINTS: Final = 500
MAX_AREA_POINTS: Final = 2_000
MAX_HOLES: Final = 20
MAX_LATITUDE: Final = 85.0
MIN_AREA_KM2: Final = 0.001
MAX_AREA_KM2: Final = 100_000.0
_MICRO: Final = 1_000_000
_POINTER: Final = "/service_area"

type _Point = tuple[int, int]  # lon, lat in millionths of a degree


def serves(area: ServiceArea, depot: Location, place: Location) -> bool:
    """Whether a depot that stands at `depot` delivers to `place`.

    Cost: O(points) for a drawn area, about 20 us for a ring of 500; a bounding box spares most of it.
    """
    if isinstance(area, Radius):
        return metres_between(depot, place) <= area.metres
    return any(
        _inside(polygon.outer, place) and not any(_inside(hole, place) for hole in polygon.holes)
        for polygon in area.polygons
    )


def ring_km2(ring: Ring) -> float:
    """Measure what a ring covers on the globe, good to a percent at the size of a region.

    Chamberlain and Duquette, Some algorithms for polygons on a sphere (2007); O(points).
    """
    phis, lambdas = [math.radians(lat) for lat in ring.lats], [math.radians(lon) for lon in ring.lons]
    total = sum(
        (lambdas[i] - lambdas[i - 1]) * (2 + math.sin(phis[i]) + math.sin(phis[i - 1]))
        for i in range(len(phis))
    )
    return abs(total) / 2 * (EARTH_RADIUS_METRES / 1000) ** 2


def polygons_from_geojson(geometry: Mapping[str, Any]) -> Polygons:
    """Read a GeoJSON Polygon or MultiPolygon and check that points can be told inside from outside.

    Heights are ignored, points that repeat the one before are dropped, either orientation is fine. Bounded:
    at most 500 points a ring, 20 holes a polygon and 2000 points in all, about 0.5 s in the worst case.

    Raises
    ------
    InvalidRequest
        With a pointer to the ring or point and the reason: of the wrong shape, open, too few or too many
        points, out of range, near a pole, across the antimeridian, no area or too much, crossing or touching
        itself, a hole that is not inside.
    """
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon"):
        raise _refused("/type", "is a GeoJSON Polygon or MultiPolygon")
    drawn = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(drawn, Sequence) or isinstance(drawn, str) or not drawn:
        raise _refused("/coordinates", "holds at least one polygon")
    where = ["/coordinates"] if kind == "Polygon" else [f"/coordinates/{i}" for i in range(len(drawn))]
    _count_points(drawn, where)
    polygons = tuple(_polygon(rings, pointer) for rings, pointer in zip(drawn, where, strict=True))
    covered = sum(ring_km2(polygon.outer) for polygon in polygons)
    if covered > MAX_AREA_KM2:
        raise _refused("/coordinates", f"covers {covered:,.0f} km2; at most {MAX_AREA_KM2:,.0f} are served")
    return Polygons(polygons=polygons)


def geojson(area: Polygons) -> dict[str, Any]:
    """Write a drawn area as GeoJSON, rings closed again."""
    drawn = [
        [[list(point) for point in _closed(ring)] for ring in (polygon.outer, *polygon.holes)]
        for polygon in area.polygons
    ]
    if len(drawn) == 1:
        return {"type": "Polygon", "coordinates": drawn[0]}
    return {"type": "MultiPolygon", "coordinates": drawn}


def metres_between(one: Location, other: Location) -> float:
    """Measure the way as the crow flies: the haversine formula on a sphere, good to half a percent."""
    phi, other_phi = math.radians(one.lat), math.radians(other.lat)
    half_chord_squared = (
        math.sin((other_phi - phi) / 2) ** 2
        + math.cos(phi) * math.cos(other_phi) * math.sin(math.radians(other.lon - one.lon) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_METRES * math.asin(math.sqrt(min(half_chord_squared, 1.0)))


def _inside(ring: Ring, place: Location) -> bool:
    """Count the edges that a ray to the east crosses; odd is inside."""
    lat, lon = place.lat, place.lon
    lats, lons = ring.lats, ring.lons
    if not (min(lats) <= lat <= max(lats) and min(lons) <= lon <= max(lons)):
        return False
    inside = False
    before_lat, before_lon = lats[-1], lons[-1]
    for here_lat, here_lon in zip(lats, lons, strict=True):
        if (here_lat > lat) != (before_lat > lat):
            crossing = here_lon + (lat - here_lat) * (before_lon - here_lon) / (before_lat - here_lat)
            if lon < crossing:
                inside = not inside
        before_lat, before_lon = here_lat, here_lon
    return inside


def _refused(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(
        "the service area cannot be used", code="bad_area", fields=[FieldError(_POINTER + pointer, detail)]
    )


def _count_points(drawn: Sequence[Any], where: Sequence[str]) -> None:
    """Refuse what is too much to look at before looking at it."""
    total = 0
    for rings, pointer in zip(drawn, where, strict=True):
        if not isinstance(rings, Sequence) or isinstance(rings, str) or not rings:
            raise _refused(pointer, "holds at least one ring")
        if len(rings) > MAX_HOLES + 1:
            raise _refused(pointer, f"has {len(rings) - 1} holes; at most {MAX_HOLES} are allowed")
        for number, ring in enumerate(rings):
            if not isinstance(ring, Sequence) or isinstance(ring, str):
                raise _refused(f"{pointer}/{number}", "is a list of points")
            if len(ring) > MAX_RING_POINTS:
                detail = f"has {len(ring)} points; at most {MAX_RING_POINTS} are allowed"
                raise _refused(f"{pointer}/{number}", detail)
            total += len(ring)
    if total > MAX_AREA_POINTS:
        raise _refused("/coordinates", f"has {total} points; at most {MAX_AREA_POINTS} are allowed")


def _polygon(rings: Sequence[Any], pointer: str) -> Polygon:
    points = [_ring(ring, f"{pointer}/{number}") for number, ring in enumerate(rings)]
    outer, *holes = points
    polygon = Polygon(outer=_as_ring(outer), holes=tuple(map(_as_ring, holes)))
    for number, hole in enumerate(holes, start=1):
        lon, lat = hole[0]
        if _meet(outer, hole) or not _inside(polygon.outer, Location(lat=lat / _MICRO, lon=lon / _MICRO)):
            raise _refused(f"{pointer}/{number}", "is a hole that is not wholly inside its polygon")
    return polygon


def _ring(positions: Sequence[Any], pointer: str) -> list[_Point]:
    points: list[_Point] = []
    for number, position in enumerate(positions):
        point = _point(position, f"{pointer}/{number}")
        if not points or point != points[-1]:
            points.append(point)
    if len(positions) < 4 or len(points) < 4:
        raise _refused(pointer, "has at least four different points, the first repeated as the last")
    if points[0] != points[-1]:
        raise _refused(pointer, "is not closed: its last point repeats its first")
    points.pop()
    if any(abs(here[0] - before[0]) > 180 * _MICRO for before, here in _edges(points)):
        raise _refused(pointer, "crosses the antimeridian; draw one polygon on either side")
    if _meets_itself(points):
        raise _refused(pointer, "crosses or touches itself")
    if ring_km2(_as_ring(points)) < MIN_AREA_KM2:
        raise _refused(pointer, f"covers less than {MIN_AREA_KM2 * 1e6:.0f} square metres")
    return points


def _point(position: Any, pointer: str) -> _Point:
    if not isinstance(position, Sequence) or isinstance(position, str) or len(position) not in (2, 3):
        raise _refused(pointer, "is a point: [longitude, latitude]")
    lon, lat = position[:2]
    for number in (lon, lat):
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise _refused(pointer, "is a point of two numbers: [longitude, latitude]")
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise _refused(
            pointer, "has a longitude from -180 to 180 and a latitude from -90 to 90, in this order"
        )
    if abs(lat) > MAX_LATITUDE:
        raise _refused(pointer, f"lies nearer to a pole than {MAX_LATITUDE:.0f} degrees")
    return round(lon * _MICRO), round(lat * _MICRO)


def _as_ring(points: Sequence[_Point]) -> Ring:
    return Ring(
        lats=tuple(lat / _MICRO for _, lat in points),
        lons=tuple(lon / _MICRO for lon, _ in points),
    )


def _closed(ring: Ring) -> Iterator[tuple[float, float]]:
    yield from zip(ring.lons, ring.lats, strict=True)
    yield ring.lons[0], ring.lats[0]


def _edges(points: Sequence[_Point]) -> Iterator[tuple[_Point, _Point]]:
    return zip([points[-1], *points[:-1]], points, strict=True)


def _meets_itself(points: Sequence[_Point]) -> bool:
    """Whether a closed line has a spike, or two of its edges that are not neighbours share a point."""
    n = len(points)
    for i in range(n):
        before, here, after = points[i - 1], points[i], points[(i + 1) % n]
        forth = (here[0] - before[0], here[1] - before[1])
        back = (after[0] - here[0], after[1] - here[1])
        straight = forth[0] * back[1] == forth[1] * back[0]
        if straight and forth[0] * back[0] + forth[1] * back[1] < 0:
            return True
    edges = list(_edges(points))  # edge i ends in point i, edge i + 1 starts there
    order = sorted(range(n), key=lambda i: min(edges[i][0][0], edges[i][1][0]))
    for rank, i in enumerate(order):
        one = edges[i]
        right = max(one[0][0], one[1][0])
        for j in order[rank + 1 :]:
            other = edges[j]
            if min(other[0][0], other[1][0]) > right:
                break
            if (i - j) % n not in (1, n - 1) and _share_a_point(*one, *other):
                return True
    return False


def _meet(one: Sequence[_Point], other: Sequence[_Point]) -> bool:
    west, east = min(lon for lon, _ in other), max(lon for lon, _ in other)
    south, north = min(lat for _, lat in other), max(lat for _, lat in other)
    others = list(_edges(other))
    return any(
        _share_a_point(a, b, c, d)
        for a, b in _edges(one)
        if min(a[0], b[0]) <= east and max(a[0], b[0]) >= west
        if min(a[1], b[1]) <= north and max(a[1], b[1]) >= south
        for c, d in others
    )


def _share_a_point(a: _Point, b: _Point, c: _Point, d: _Point) -> bool:
    """Whether the stretches ab and cd have a point in common; exact."""
    if (
        max(a[0], b[0]) < min(c[0], d[0])
        or max(c[0], d[0]) < min(a[0], b[0])
        or max(a[1], b[1]) < min(c[1], d[1])
        or max(c[1], d[1]) < min(a[1], b[1])
    ):
        return False
    # Their boxes overlap, so they meet exactly when neither lies wholly on one side of the other.
    return _side(a, b, c) * _side(a, b, d) <= 0 and _side(c, d, a) * _side(c, d, b) <= 0


def _side(a: _Point, b: _Point, p: _Point) -> int:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
