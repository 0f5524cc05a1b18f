"""Reads the streets a van may use from an OpenStreetMap extract, as arrays.

One pass: every drivable way becomes a run of node references with positions, a speed each way and a
class; what is neither an end, a junction nor needed for spacing is then folded into the edge that passes
it. Memory grows with the drivable streets (24 bytes a shape point) plus osmium's index of node positions
(16 bytes a node of the extract). Weak point: no turn restrictions, no signals, no gradients; a learned
scale per depot has to absorb them.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import osmium

from chalicelib.routing.travel_times import Floats, haversine_metres

JUNCTION_SECONDS: Final = 1.5
"""What every junction costs on average: slowing down, looking, turning."""

SPACING_METRES: Final = 150.0
"""A long street keeps a node this often, so that no door on it is snapped to a far corner."""

# A blocked node is another one on each side. OpenStreetMap has yet to number that many nodes.
_OWN_REFERENCES: Final = 2**62


class RoadClass(IntEnum):
    """What a road is for, as far as stopping at a door goes."""

    THROUGH = 0  # motorways, trunk roads, their links: nobody lives there
    MAIN = 1  # primary
    STREET = 2  # secondary, tertiary, unclassified, residential, living streets
    SERVICE = 3  # driveways, yards, car parks


# Free-flow speeds of a delivery van in km/h, bends and parked cars included, where no limit is tagged.
_KMH: Final[Mapping[str, float]] = {
    "motorway": 100,
    "motorway_link": 60,
    "trunk": 80,
    "trunk_link": 50,
    "primary": 55,
    "primary_link": 45,
    "secondary": 48,
    "secondary_link": 40,
    "tertiary": 40,
    "tertiary_link": 35,
    "unclassified": 32,
    "residential": 26,
    "living_street": 10,
    "road": 30,
    "service": 14,
}
_CLASS: Final[Mapping[str, RoadClass]] = {
    **dict.fromkeys(("motorway", "motorway_link", "trunk", "trunk_link"), RoadClass.THROUGH),
    **dict.fromkeys(("primary", "primary_link"), RoadClass.MAIN),
    "service": RoadClass.SERVICE,
}
# A limit is kept on average at 85 % of it: it is an upper bound, bends and crossings are not.
_SHARE_OF_LIMIT: Final = 0.85
_MPH: Final = 1.609344
_CLOSED: Final = {"no", "private", "agricultural", "forestry", "emergency"}
_BARRIERS: Final = {"bollard", "block", "cycle_barrier", "jersey_barrier", "debris", "log", "chain"}
_OPEN: Final = {"yes", "permissive", "destination", "delivery", "customers", "designated"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Streets:
    """A directed graph with parallel edges and islands still in it.

    Parameters
    ----------
    lat, lon
        Degrees per node.
    tail, head
        Nodes per edge.
    seconds, metres
        Free-flow driving time, junction included, and length per edge.
    road_class
        `RoadClass` per edge.
    """

    lat: Floats
    lon: Floats
    tail: npt.NDArray[np.int32]
    head: npt.NDArray[np.int32]
    seconds: Floats
    metres: Floats
    road_class: npt.NDArray[np.uint8]


@dataclass(slots=True)
class _Ways:
    """Drivable ways while they are read: one flat run of references, and figures per way."""

    refs: array[int] = field(default_factory=lambda: array("q"))
    lat: array[float] = field(default_factory=lambda: array("d"))
    lon: array[float] = field(default_factory=lambda: array("d"))
    points: array[int] = field(default_factory=lambda: array("i"))
    forward_kmh: array[float] = field(default_factory=lambda: array("f"))
    backward_kmh: array[float] = field(default_factory=lambda: array("f"))
    road_class: array[int] = field(default_factory=lambda: array("B"))
    blocked: set[int] = field(default_factory=set)


def read(path: Path, *, node_index: str = "flex_mem") -> Streets:
    """Read the drivable streets of an extract.

    Parameters
    ----------
    path
        `.osm.pbf` or any other format osmium knows, sorted as usual (nodes before ways).
    node_index
        Where osmium keeps node positions; ``sparse_file_array,FILE`` for extracts larger than the memory.

    Raises
    ------
    ValueError
        If no street in it is open to a van.
    """
    ways = _Ways()
    objects = osmium.FileProcessor(str(path)).with_locations(node_index)
    objects = objects.with_filter(osmium.filter.KeyFilter("highway", "barrier"))
    for thing in _told(objects):
        if thing.is_node():
            if _blocks(thing.tags):
                ways.blocked.add(thing.id)
        elif thing.is_way():
            _add(ways, thing)
    if not ways.points:
        raise ValueError("no street in this extract is open to a van")
    return _graph(ways)


def _told(objects: Iterable[Any]) -> Iterator[Any]:
    for count, thing in enumerate(objects):
        if count % 20_000 == 0:
            print(f"\rreading {count:,} tagged nodes and ways", end="", file=sys.stderr, flush=True)
        yield thing
    print(file=sys.stderr)


def _add(ways: _Ways, way: Any) -> None:
    """Add a way, in pieces where something blocks it: the street ends on both sides of a bollard."""
    forward, backward = speeds_kmh(way.tags)
    if not (forward or backward):
        return
    pieces: list[list[Any]] = [[]]
    for node in way.nodes:
        if node.location.valid():
            pieces[-1].append(node)
            if node.ref in ways.blocked:
                pieces.append([node])
    for piece in pieces:
        if len(piece) < 2:
            continue
        for node in piece:
            ways.refs.append(_OWN_REFERENCES + len(ways.refs) if node.ref in ways.blocked else node.ref)
            ways.lat.append(node.location.lat)
            ways.lon.append(node.location.lon)
        ways.points.append(len(piece))
        ways.forward_kmh.append(forward)
        ways.backward_kmh.append(backward)
        ways.road_class.append(_CLASS.get(way.tags["highway"], RoadClass.STREET))


def speeds_kmh(tags: Mapping[str, str]) -> tuple[float, float]:
    """Free-flow speeds along and against a way, 0 where a van may not drive."""
    highway = tags.get("highway", "")
    if highway not in _KMH or tags.get("area") == "yes" or not _may_enter(tags):
        return 0.0, 0.0
    untagged = _KMH[highway]
    both = _limit_kmh(tags.get("maxspeed"), untagged)
    forward = _limit_kmh(tags.get("maxspeed:forward"), both)
    backward = _limit_kmh(tags.get("maxspeed:backward"), both)
    implied = highway == "motorway" or tags.get("junction") in ("roundabout", "circular")
    oneway = tags.get("oneway", "yes" if implied else "no")
    if oneway in ("yes", "true", "1"):
        return forward, 0.0
    if oneway in ("-1", "reverse"):
        return 0.0, backward
    if oneway in ("reversible", "alternating"):
        return 0.0, 0.0
    return forward, backward


def _may_enter(tags: Mapping[str, str]) -> bool:
    """Follow the most specific access tag there is."""
    for key in ("motorcar", "motor_vehicle", "vehicle", "access"):
        if key in tags:
            return tags[key] not in _CLOSED
    return True


def _limit_kmh(limit: str | None, otherwise: float) -> float:
    """Read `50`, `30 mph`; anything else (`none`, `PT:urban`, `walk`) is no figure."""
    number, _, unit = (limit or "").partition(" ")
    if not number.isdecimal() or not 5 <= int(number) <= 140:
        return otherwise
    return int(number) * (_MPH if unit == "mph" else 1.0) * _SHARE_OF_LIMIT


def _blocks(tags: Mapping[str, str]) -> bool:
    if tags.get("barrier") not in _BARRIERS and not (tags.get("barrier") and "access" in tags):
        return False
    for key in ("motorcar", "motor_vehicle", "vehicle", "access"):
        if key in tags:
            return tags[key] not in _OPEN
    return True


def _graph(ways: _Ways) -> Streets:
    """Fold shape points into edges between ends, junctions and spacing nodes."""
    refs = np.frombuffer(ways.refs, dtype=np.int64)
    lat, lon = np.frombuffer(ways.lat), np.frombuffer(ways.lon)
    points = np.frombuffer(ways.points, dtype=np.int32)
    way = np.repeat(np.arange(len(points)), points)
    starts = np.zeros(len(refs), dtype=bool)
    starts[np.cumsum(points) - points] = True
    ends = np.roll(starts, -1)

    _, node, occurrences = np.unique(refs, return_inverse=True, return_counts=True)
    # Street arms meeting in a node: passing through counts two, beginning or ending one.
    arms = np.bincount(node, weights=2.0 - starts - ends)
    junction = arms >= 3
    steps = np.zeros(len(refs))
    steps[1:] = np.where(starts[1:], 0.0, haversine_metres(lat[:-1], lon[:-1], lat[1:], lon[1:]))
    along = np.cumsum(steps)
    road_class = np.frombuffer(ways.road_class, dtype=np.uint8)
    kept = starts | ends | (occurrences[node] > 1)
    kept |= _spaced(kept, along) & (road_class[way] != RoadClass.THROUGH)

    picked = np.flatnonzero(kept)
    one, other = picked[:-1], picked[1:]
    joined = way[one] == way[other]
    one, other = one[joined], other[joined]
    metres = along[other] - along[one]
    tails, heads, seconds, lengths, classes = [], [], [], [], []
    for kmh, tail, head in ((ways.forward_kmh, one, other), (ways.backward_kmh, other, one)):
        speed = np.frombuffer(kmh, dtype=np.float32).astype(np.float64)[way[tail]] / 3.6
        open_ = speed > 0
        tails.append(node[tail[open_]])
        heads.append(node[head[open_]])
        seconds.append(metres[open_] / speed[open_] + JUNCTION_SECONDS * junction[node[head[open_]]])
        lengths.append(metres[open_])
        classes.append(road_class[way[tail[open_]]])
    used, renumbered = np.unique(np.concatenate([*tails, *heads]), return_inverse=True)
    where = np.empty(len(occurrences), dtype=np.int64)
    where[node] = np.arange(len(refs))
    edges = sum(map(len, tails))
    return Streets(
        lat=lat[where[used]],
        lon=lon[where[used]],
        tail=renumbered[:edges].astype(np.int32),
        head=renumbered[edges:].astype(np.int32),
        seconds=np.concatenate(seconds),
        metres=np.concatenate(lengths),
        road_class=np.concatenate(classes),
    )


def _spaced(kept: npt.NDArray[np.bool_], along: Floats) -> npt.NDArray[np.bool_]:
    """Mark shape points where another `SPACING_METRES` since the last kept point are full."""
    last_kept = np.maximum.accumulate(np.where(kept, np.arange(len(kept)), 0))
    full = np.floor((along - along[last_kept]) / SPACING_METRES)
    spaced = np.zeros(len(kept), dtype=bool)
    spaced[1:] = (full[1:] > full[:-1]) & ~kept[1:]
    return spaced
