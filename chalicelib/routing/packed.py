"""A route as a flat array, and as the bytes that are stored.

One stop is one 58-byte record; a route is its shift's constraints and its records, byte-shuffled and deflated
(about 26 bytes a stop), so that a depot-day of 200 vans is one cheap read. The first byte is the version of
the format: readers keep every version ever written. Weak point: a record has no room for anything personal or
variable in length, on purpose; that lives in the promise's own row.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.altered import Alteration
from chalicelib.routing.model import (
    Break,
    Capacity,
    Leg,
    Load,
    Location,
    Shift,
    Stop,
    StopFlag,
    StopKind,
    TimeWindow,
)
from chalicelib.units import Seconds, StopId, Timestamp

FORMAT = 1
GHOST_GRACE: Seconds = 2  # readers let a hold live this much longer than the buyer's confirm does
FOREVER: Timestamp = 1 << 40
_UNLIMITED = 0xFFFFFFFF
MICRO = 1_000_000  # a stop's place is stored in millionths of a degree

STOP = np.dtype(
    [
        ("stop_id", "<u8"),
        ("lat", "<i4"),  # millionths of a degree
        ("lon", "<i4"),
        ("node", "<i4"),  # in the road graph `Route.graph` names; -1 = none
        ("window_start", "<u4"),
        ("window_end", "<u4"),
        ("expires_at", "<u4"),
        ("leg_seconds", "<u4"),  # from the stop before, free flow
        ("leg_metres", "<u4"),
        ("grams", "<u4"),
        ("millilitres", "<u4"),
        ("skills", "<u4"),  # bits index `Route.skill_names`
        ("service_time", "<u2"),
        ("parcels", "<u2"),
        ("kind", "u1"),
        ("flags", "u1"),
    ]
)
MAX_SERVICE_TIME: Seconds = 0xFFFF
MAX_PARCELS = 0xFFFF
MAX_SKILLS = 32

_RAW = np.dtype(("V", STOP.itemsize))  # numpy joins opaque records much faster than named ones

type StopArray = NDArray[np.void]

_HEADER = struct.Struct("<IIIIIIiiiiiiIIIBBHH")
_BREAK = struct.Struct("<III")


def no_stops() -> StopArray:
    """An empty route's stops."""
    return np.zeros(0, dtype=STOP)


def joined(parts: Iterable[StopArray]) -> StopArray:
    """Several routes' stops, or parts of them, one after the other."""
    return np.concatenate([np.zeros(0, _RAW), *(part.view(_RAW) for part in parts)]).view(STOP)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Route:
    """The stops of one shift in order, depot to depot, and the version its next write must name.

    Compared by identity: what was computed for a route is kept for as long as that very object lives.

    Attributes
    ----------
    stops
        Records of dtype `STOP`, in driving order.
    last_leg
        From the last stop (from the start, when there is none) to the shift's end.
    skill_names
        What the bits of `stops["skills"]` mean; at most 32.
    graph
        Fingerprint of the road graph that numbered the nodes; 0 = none did.
    version
        0: the shift comes from a vehicle's weekly template and nothing was ever stored for it.
    withdrawn
        The shift was taken back: nothing may be added, and the template does not bring it again.
    by_hand
        Somebody put this shift; a change of the template leaves it alone.
    altered
        Why it is not what its driver knew: see `routing.altered`; stored beside the bytes.
    """

    shift: Shift
    stops: StopArray
    last_leg: Leg
    version: int = 0
    skill_names: tuple[str, ...] = ()
    graph: int = 0
    start_node: int = -1
    end_node: int = -1
    withdrawn: bool = False
    by_hand: bool = False
    altered: tuple[Alteration, ...] = ()

    @property
    def driven(self) -> bool:
        """Whether a vehicle drives it; nobody drives what a plan has no van for."""
        return bool(self.shift.vehicle_id)

    def index_of(self, stop_id: StopId) -> int | None:
        """Where this stop is in the order, or None."""
        found = np.flatnonzero(self.stops["stop_id"] == stop_id)
        return int(found[0]) if len(found) else None

    def unchanged_until(self, now: Timestamp) -> Timestamp:
        """When the next live hold in it becomes a ghost: until then, what is computed of it stays true."""
        held = self.stops["expires_at"][(self.stops["kind"] == StopKind.HELD) & live(self.stops, now)]
        return int(held.min()) + GHOST_GRACE if len(held) else FOREVER

    def stop(self, index: int) -> Stop:
        """The record at `index` as a `Stop`."""
        record = self.stops[index]
        bits = int(record["skills"])
        return Stop(
            stop_id=int(record["stop_id"]),
            location=Location(lat=int(record["lat"]) / MICRO, lon=int(record["lon"]) / MICRO),
            node=int(record["node"]),
            window=TimeWindow(start=int(record["window_start"]), end=int(record["window_end"])),
            service_time=int(record["service_time"]),
            load=Load(
                parcels=int(record["parcels"]),
                grams=int(record["grams"]),
                millilitres=int(record["millilitres"]),
            ),
            skills=frozenset(name for bit, name in enumerate(self.skill_names) if bits >> bit & 1),
            kind=StopKind(int(record["kind"])),
            expires_at=int(record["expires_at"]),
            flags=StopFlag(int(record["flags"])),
        )

    def all_stops(self) -> list[Stop]:
        """Every record as a `Stop`, in order."""
        return [self.stop(index) for index in range(len(self.stops))]

    def inserted(self, gap: int, stop: Stop, leg_in: Leg, leg_out: Leg) -> "Route":
        """Put a stop before the one at `gap` (behind the last when `gap` is the number of stops)."""
        names, bits = skill_bits(self.skill_names, stop.skills)
        record = np.zeros(1, dtype=STOP)
        record[0] = (
            stop.stop_id,
            round(stop.location.lat * MICRO),
            round(stop.location.lon * MICRO),
            stop.node,
            stop.window.start,
            stop.window.end,
            stop.expires_at,
            leg_in.seconds,
            leg_in.metres,
            stop.load.grams,
            stop.load.millilitres,
            bits,
            stop.service_time,
            stop.load.parcels,
            stop.kind,
            stop.flags,
        )
        stops = joined([self.stops[:gap], record, self.stops[gap:]])
        last_leg = self.last_leg
        if gap < len(self.stops):
            stops["leg_seconds"][gap + 1], stops["leg_metres"][gap + 1] = leg_out.seconds, leg_out.metres
        else:
            last_leg = leg_out
        return replace(self, stops=stops, last_leg=last_leg, skill_names=names)

    def removed(self, index: int, leg: Leg) -> "Route":
        """Take the stop at `index` out; `leg` joins its neighbours."""
        stops = joined([self.stops[:index], self.stops[index + 1 :]])
        last_leg = self.last_leg
        if index < len(stops):
            stops["leg_seconds"][index], stops["leg_metres"][index] = leg.seconds, leg.metres
        else:
            last_leg = leg
        return replace(self, stops=stops, last_leg=last_leg)

    @property
    def promised(self) -> StopArray:
        """The stops that are promises, done or not yet, in order."""
        stops: StopArray = self.stops[self.stops["kind"] == StopKind.PROMISED]
        return stops

    @property
    def promised_ids(self) -> list[StopId]:
        """The ids of these, in order."""
        ids: list[StopId] = self.promised["stop_id"].tolist()
        return ids

    def marked(self, index: int, **fields: Any) -> "Route":
        """Change fields of one record in place: kind, expiry, flags, window, service time."""
        stops = self.stops.copy()
        for name, value in fields.items():
            stops[name][index] = value
        return replace(self, stops=stops)


def live(stops: StopArray, now: Timestamp) -> NDArray[np.bool_]:
    """Tell real stops from ghosts: holds that ran out, and are only a point the van may still pass."""
    return np.asarray(
        (stops["kind"] != StopKind.HELD) | (stops["expires_at"].astype(np.int64) + GHOST_GRACE > now)
    )


def carried(route: Route, now: Timestamp) -> Load:
    """Everything the van of this route takes along, ghosts left out."""
    real = route.stops[live(route.stops, now)]
    return Load(
        parcels=int(real["parcels"].sum(dtype=np.int64)),
        grams=int(real["grams"].sum(dtype=np.int64)),
        millilitres=int(real["millilitres"].sum(dtype=np.int64)),
    )


def fits(load: Load, capacity: Capacity) -> bool:
    """Whether a load stays within a capacity in every dimension that binds."""
    return (
        (capacity.parcels is None or load.parcels <= capacity.parcels)
        and (capacity.grams is None or load.grams <= capacity.grams)
        and (capacity.millilitres is None or load.millilitres <= capacity.millilitres)
    )


def together(one: Load, other: Load) -> Load:
    """Add two loads."""
    return Load(
        parcels=one.parcels + other.parcels,
        grams=one.grams + other.grams,
        millilitres=one.millilitres + other.millilitres,
    )


def pack(route: Route) -> bytes:
    """Write a route as bytes; its version and what altered it stand beside them in the row."""
    shift = route.shift
    strings = "\x1f".join((shift.vehicle_id, ",".join(sorted(shift.skills)), ",".join(route.skill_names)))
    encoded = strings.encode()
    header = _HEADER.pack(
        shift.starts_at,
        shift.ends_at,
        shift.loads_at,
        *(
            _UNLIMITED if limit is None else limit
            for limit in (shift.capacity.parcels, shift.capacity.grams, shift.capacity.millilitres)
        ),
        round(shift.start.lat * MICRO),
        round(shift.start.lon * MICRO),
        route.start_node,
        round(shift.end.lat * MICRO),
        round(shift.end.lon * MICRO),
        route.end_node,
        route.graph,
        route.last_leg.seconds,
        route.last_leg.metres,
        route.withdrawn | route.by_hand << 1,
        len(shift.breaks),
        len(route.stops),
        len(encoded),
    )
    breaks = b"".join(_BREAK.pack(rest.earliest_at, rest.latest_at, rest.duration) for rest in shift.breaks)
    shuffled = route.stops.view(np.uint8).reshape(len(route.stops), STOP.itemsize).T.tobytes()
    return bytes([FORMAT]) + zlib.compress(header + encoded + breaks + shuffled, 6)


def unpack(shift_id: str, packed: bytes, version: int) -> Route:
    """Read what `pack` wrote.

    Raises
    ------
    ValueError
        The first byte names a format this code does not know.
    """
    if packed[0] != FORMAT:
        raise ValueError(f"route {shift_id} is stored in format {packed[0]}; this code reads {FORMAT}")
    body = zlib.decompress(packed[1:])
    (
        starts_at, ends_at, loads_at, parcels, grams, millilitres,
        start_lat, start_lon, start_node, end_lat, end_lon, end_node,
        graph, leg_seconds, leg_metres, marks, n_breaks, n_stops, n_strings,
    ) = _HEADER.unpack_from(body)  # fmt: skip
    at = _HEADER.size
    vehicle_id, skills, skill_names = body[at : at + n_strings].decode().split("\x1f")
    at += n_strings
    breaks = []
    for _ in range(n_breaks):
        earliest_at, latest_at, duration = _BREAK.unpack_from(body, at)
        breaks.append(Break(earliest_at=earliest_at, latest_at=latest_at, duration=duration))
        at += _BREAK.size
    shuffled = np.frombuffer(body, dtype=np.uint8, offset=at).reshape(STOP.itemsize, n_stops).T.tobytes()
    return Route(
        shift=Shift(
            shift_id=shift_id,
            vehicle_id=vehicle_id,
            starts_at=starts_at,
            ends_at=ends_at,
            loads_at=loads_at,
            capacity=Capacity(parcels=_limit(parcels), grams=_limit(grams), millilitres=_limit(millilitres)),
            skills=frozenset(skills.split(",")) if skills else frozenset(),
            start=_location(start_lat, start_lon),
            end=_location(end_lat, end_lon),
            breaks=tuple(breaks),
        ),
        stops=np.frombuffer(shuffled, dtype=STOP),
        last_leg=Leg(seconds=leg_seconds, metres=leg_metres),
        version=version,
        skill_names=tuple(skill_names.split(",")) if skill_names else (),
        graph=graph,
        start_node=start_node,
        end_node=end_node,
        withdrawn=bool(marks & 1),
        by_hand=bool(marks & 2),
    )


@lru_cache(maxsize=256)
def _location(lat: int, lon: int) -> Location:
    """Most routes of a plan start and end at the same place."""
    return Location(lat=lat / MICRO, lon=lon / MICRO)


def _limit(stored: int) -> int | None:
    return None if stored == _UNLIMITED else stored


def skill_bits(names: tuple[str, ...], wanted: frozenset[str]) -> tuple[tuple[str, ...], int]:
    """Write skills as bits of a route's names, to which unknown ones are added.

    Raises
    ------
    ValueError
        There would be more than `MAX_SKILLS` names.
    """
    names += tuple(sorted(wanted - set(names)))
    if len(names) > MAX_SKILLS:
        raise ValueError(f"a route can tell {MAX_SKILLS} skills apart")
    return names, sum(1 << names.index(name) for name in wanted)
