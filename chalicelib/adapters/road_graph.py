"""Travel times on real roads, in the process: customizable contraction hierarchies on a compact graph.

Two hierarchies share the graph's figures, one of them reversed: the engine is fast from one place to many
and slow from many to one (2 ms against 190 ms at 20,000), and on the reversed graph many to one *is* one
to many. Nodes are numbered in the order of contraction, so a hierarchy is loaded in milliseconds instead
of being built in seconds. Weak point: a place stands at its nearest node, and the stretch between is
driven as the crow flies.
"""

import tempfile
import threading
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Self

import numpy as np
import numpy.typing as npt

from chalicelib.errors import OffRoad
from chalicelib.routing.model import NO_NODE, Location
from chalicelib.routing.travel_times import (
    DOORSTEP_METRES_PER_SECOND,
    EARTH_RADIUS_METRES,
    MANY_PLACES,
    UNREACHABLE,
    Floats,
    MetresPerSecond,
    Places,
    Whole,
    haversine_metres,
)
from chalicelib.units import Metres

type Indices = npt.NDArray[np.uint32]

# The flat-earth stretch from a door to its node is shorter than the great circle by less than this share, at
# any latitude with roads and any sensible limit; without it `fastest_metres_per_second` would not be exact.
_FLAT_EARTH: Final = 1.001
_MICRODEGREE: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoadFigures:
    """A directed road graph as whole numbers, nodes numbered in an order of contraction.

    Parameters
    ----------
    lat, lon
        Millionths of a degree per node.
    doorstep
        Per node, whether a van stopping there is at a door: on a street, not on a motorway.
    tail, head
        Nodes per edge; edges sorted by them, no loops, no parallels.
    deciseconds
        Free-flow driving time per edge in tenths of a second, at least 1.
    metres
        Length per edge.

    Raises
    ------
    ValueError
        If the arrays do not fit each other, an edge leads nowhere, or no node is at a door: the engine
        underneath would crash the process, or worse, answer.
    """

    lat: npt.NDArray[np.int32]
    lon: npt.NDArray[np.int32]
    doorstep: npt.NDArray[np.bool_]
    tail: Indices
    head: Indices
    deciseconds: Indices
    metres: Indices

    def __post_init__(self) -> None:
        nodes, edges = self.lat.shape, self.tail.shape
        if not self.lon.shape == self.doorstep.shape == nodes or not self.doorstep.any():
            raise ValueError("a road graph needs figures for every node, and a node at a door")
        if not self.head.shape == self.deciseconds.shape == self.metres.shape == edges:
            raise ValueError("a road graph needs figures for every edge")
        if max(self.tail.max(initial=0), self.head.max(initial=0)) >= len(self.lat) or 0 in self.deciseconds:
            raise ValueError("an edge leads to no node of the graph, or takes no time")
        if (self.tail[1:] < self.tail[:-1]).any():
            raise ValueError("edges are sorted by their tails")

    @classmethod
    def read(cls, source: Path | IO[bytes]) -> Self:
        """Read what `write` wrote, from a file or a stream.

        Raises
        ------
        ValueError
            If it is something else, or damaged.
        """
        try:
            with np.load(source, allow_pickle=False) as arrays:
                degree = arrays["degree"]
                tail = np.repeat(np.arange(len(degree), dtype=np.int32), degree)
                return cls(
                    lat=np.cumsum(arrays["lat_steps"], dtype=np.int32),
                    lon=np.cumsum(arrays["lon_steps"], dtype=np.int32),
                    doorstep=np.unpackbits(arrays["doorstep"], count=len(degree)).astype(bool),
                    tail=tail.astype(np.uint32),
                    head=(tail + arrays["head_steps"]).astype(np.uint32),
                    deciseconds=arrays["deciseconds"].astype(np.uint32),
                    metres=arrays["metres"].astype(np.uint32),
                )
        except (KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError("this is not a road graph, or it is damaged") from error

    def write(self, target: Path | IO[bytes]) -> None:
        """Write as a compressed `.npz` of differences, about 13 bytes a node in all."""
        np.savez_compressed(
            target,
            lat_steps=np.diff(self.lat, prepend=np.int32(0)),
            lon_steps=np.diff(self.lon, prepend=np.int32(0)),
            doorstep=np.packbits(self.doorstep),
            degree=np.bincount(self.tail, minlength=len(self.lat)).astype(np.uint8),
            head_steps=self.head.astype(np.int32) - self.tail.astype(np.int32),
            deciseconds=_narrow(self.deciseconds),
            metres=_narrow(self.metres),
        )

    @property
    def fingerprint(self) -> int:
        """CRC-32 of the nodes' positions: changes when a stored node number would mean another place."""
        return zlib.crc32(self.lon.tobytes(), zlib.crc32(self.lat.tobytes())) or 1


def contraction_order(*, tail: Indices, head: Indices, lat: Floats, lon: Floats) -> npt.NDArray[np.int64]:
    """Find a nested dissection order of the nodes, first contracted first: seconds for a city, once a map.

    Raises
    ------
    ValueError
        If an edge leads to no node.
    """
    if max(tail.max(initial=0), head.max(initial=0)) >= len(lat):
        raise ValueError("an edge leads to no node of the graph")
    from pyroutingkit import CCHTopology

    topology = CCHTopology()
    topology.build(tail, head, lat.astype(np.float32), lon.astype(np.float32), len(lat))
    with tempfile.TemporaryDirectory() as folder:
        topology.save(folder)
        return np.fromfile(Path(folder) / "order", dtype=np.uint32).astype(np.int64)


class RoadGraph:
    """`TravelTimes` on a road graph.

    Answers are exact shortest paths by `RoadFigures.deciseconds`, plus the stretch between each door and
    its node at `DOORSTEP_METRES_PER_SECOND`. In Porto one to 200 takes 0.15 ms, to 20,000 2 ms, `pairs` 50 us
    each: ``python -m tests.benchmarks.roads``. Safe to call from several threads, one at a time underneath.

    Parameters
    ----------
    figures
        The graph. Loading takes a tenth of a second for a metropolitan area.
    snap_limit
        Metres from a place to its node beyond which `snap` refuses; at most 2,000.

    Raises
    ------
    ValueError
        If the limit is out of its range.
    """

    name = "roads"
    most_places = MANY_PLACES

    def __init__(self, figures: RoadFigures, *, snap_limit: Metres = 300) -> None:
        if not 0 < snap_limit <= 2000:
            raise ValueError("the snap limit is between 1 and 2,000 metres")
        self.fingerprint = figures.fingerprint
        self._lat = figures.lat / _MICRODEGREE
        self._lon = figures.lon / _MICRODEGREE
        self._tail, self._head, self._metres = figures.tail, figures.head, figures.metres
        self._deciseconds = figures.deciseconds
        self._snap_limit = snap_limit
        at_doors = np.flatnonzero(figures.doorstep)
        self._by_lat = at_doors[np.argsort(self._lat[at_doors], kind="stable")]
        self._sorted_lat = self._lat[self._by_lat]
        self.fastest_metres_per_second: MetresPerSecond = self._fastest(figures)
        self._forward = _hierarchy(figures.tail, figures.head, figures.deciseconds, nodes=len(self._lat))
        self._reversed = _hierarchy(figures.head, figures.tail, figures.deciseconds, nodes=len(self._lat))
        # The engine lets go of the interpreter while it works in buffers of its own: two threads in one
        # hierarchy crash the process.
        self._one_at_a_time = threading.Lock()

    def snap(self, location: Location) -> int:
        """Find the nearest node at a door; about 30 us.

        Raises
        ------
        OffRoad
            If it is farther away than the limit; says how far.
        """
        nodes = self._by_lat[self._band(location, self._snap_limit)]
        if len(nodes):
            metres = haversine_metres(location.lat, location.lon, self._lat[nodes], self._lon[nodes])
            nearest = int(np.argmin(metres))
            if metres[nearest] <= self._snap_limit:
                return int(nodes[nearest])
        everywhere = self._by_lat
        metres = haversine_metres(location.lat, location.lon, self._lat[everywhere], self._lon[everywhere])
        raise OffRoad(
            f"the nearest road is {metres.min():,.0f} metres away; at most {self._snap_limit} are accepted"
        )

    def streets(
        self, south_west: Location, north_east: Location, *, most: int
    ) -> list[tuple[Location, Location]]:
        """Stretches of street within a box, the fastest where there are too many; about 2 ms.

        Parameters
        ----------
        most
            How many at the most; one that may be driven both ways may come twice.
        """
        lat, lon = self._lat, self._lon
        inside = (lat >= south_west.lat) & (lat <= north_east.lat)
        inside &= (lon >= south_west.lon) & (lon <= north_east.lon)
        found = np.flatnonzero(inside[self._tail] & inside[self._head])
        speed = self._metres[found] / self._deciseconds[found]
        found = found[np.argsort(-speed, kind="stable")[:most]]
        ends = zip(self._tail[found].tolist(), self._head[found].tolist(), strict=True)
        return [(self._location(one), self._location(other)) for one, other in ends]

    def from_one(self, origin: Places, destinations: Places) -> Whole:
        """Seconds from one place to each destination."""
        return self._one_to_many(self._forward, origin, destinations)

    def to_one(self, origins: Places, destination: Places) -> Whole:
        """Seconds from each origin to one place: one to many on the reversed graph."""
        return self._one_to_many(self._reversed, destination, origins)

    def pairs(self, origins: Places, destinations: Places) -> tuple[Whole, Whole]:
        """Seconds and metres of the fastest path from each origin to the destination at the same index."""
        tails, heads = self._checked(origins), self._checked(destinations)
        road, metres = np.empty(len(tails)), np.zeros(len(tails))
        with self._one_at_a_time:
            for index, (tail, head) in enumerate(zip(tails.tolist(), heads.tolist(), strict=True)):
                road[index], _, edges = self._forward.query(tail, head)
                metres[index] = self._metres[edges].sum() if edges else 0
        seconds = self._with_doorsteps(road, origins, destinations)
        metres += self._doorstep_metres(origins) + self._doorstep_metres(destinations)
        metres[seconds == 0] = 0
        metres[seconds == UNREACHABLE] = UNREACHABLE
        return seconds, np.minimum(np.ceil(metres), UNREACHABLE).astype(np.int32)

    def _location(self, node: int) -> Location:
        return Location(lat=float(self._lat[node]), lon=float(self._lon[node]))

    def _one_to_many(self, hierarchy: Any, one: Places, many: Places) -> Whole:
        if len(one) != 1:
            raise ValueError("one place is one place")
        source, targets = self._checked(one), self._checked(many)
        with self._one_at_a_time:
            road = hierarchy.distances_many_to_many(source, targets)[0]
        return self._with_doorsteps(road, one, many)

    def _checked(self, places: Places) -> Indices:
        """Node numbers the engine may see: it crashes on one out of range, or answers nonsense.

        `NO_NODE`, the mark of a stop that this graph's roads do not reach, is looked up as any node; its
        answer is thrown away.

        Raises
        ------
        ValueError
            If a node is not of this graph: it was snapped to another one.
        """
        if len(places) and not NO_NODE <= places.node.min() <= places.node.max() < len(self._lat):
            raise ValueError("a place carries a node that is not of this road graph; snap it again")
        return np.maximum(places.node, 0).astype(np.uint32)

    def _doorstep_metres(self, places: Places) -> Floats:
        """From each place to its node; a flat earth is exact enough so close by, and five times cheaper."""
        north = np.radians(places.lat - self._lat[places.node])
        east = np.radians(places.lon - self._lon[places.node]) * np.cos(np.radians(places.lat))
        metres: Floats = np.hypot(north, east) * (EARTH_RADIUS_METRES * _FLAT_EARTH)
        return metres

    def _with_doorsteps(self, road: npt.ArrayLike, some: Places, others: Places) -> Whole:
        """Whole seconds from door to door, from tenths of seconds from node to node."""
        doorsteps = (self._doorstep_metres(some) + self._doorstep_metres(others)) / DOORSTEP_METRES_PER_SECOND
        # Where there is no road the engine says about 2**31, far above the cap.
        seconds = np.minimum(np.ceil(np.asarray(road) / 10 + doorsteps), UNREACHABLE)
        seconds[(some.node == NO_NODE) | (others.node == NO_NODE)] = UNREACHABLE
        seconds[(some.lat == others.lat) & (some.lon == others.lon)] = 0
        return seconds.astype(np.int32)

    def _band(self, location: Location, metres: Metres) -> slice:
        """Positions in `_by_lat` of the nodes not farther north or south than that."""
        reach = np.degrees(metres / EARTH_RADIUS_METRES)
        first, last = np.searchsorted(self._sorted_lat, [location.lat - reach, location.lat + reach])
        return slice(int(first), int(last) + 1)

    def _fastest(self, figures: RoadFigures) -> MetresPerSecond:
        """Exact: a path is no straighter than its edges together, nor faster than the fastest of them."""
        tail, head = figures.tail, figures.head
        straight = haversine_metres(self._lat[tail], self._lon[tail], self._lat[head], self._lon[head])
        fastest = float((straight / figures.deciseconds).max(initial=0.0)) * 10
        return max(fastest, DOORSTEP_METRES_PER_SECOND) * (1 + 1e-9)


def _hierarchy(tail: Indices, head: Indices, deciseconds: Indices, *, nodes: int) -> Any:
    """Load a hierarchy from figures in the layout of `CCHTopology.save`: a folder of raw arrays."""
    from pyroutingkit import CCHMetric, CCHTopology

    numbers = np.arange(nodes, dtype=np.uint32)
    layout = {"node_count": np.uint32(nodes), "order": numbers, "rank": numbers, "tail": tail, "head": head}
    topology = CCHTopology()
    with tempfile.TemporaryDirectory() as folder:
        for name, figures in layout.items():
            (Path(folder) / name).write_bytes(figures.tobytes())
        topology.load(folder)
    metric = CCHMetric(topology)
    metric.customize(deciseconds)
    return metric


def _narrow(figures: Indices) -> npt.NDArray[np.uint16] | Indices:
    return figures.astype(np.uint16) if figures.max(initial=0) < 2**16 else figures
