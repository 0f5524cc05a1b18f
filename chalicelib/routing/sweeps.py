"""The bounds of every gap of every route, swept once per route.

For a gap i→j the forward sweep gives the earliest departure from i, the backward sweep the latest arrival at
j, both tightened by what the noise is expected to take (`routing.spread`). They stay true while the route is
the same object and no hold in it runs out, so a search over two hundred vans sweeps only what changed since
the last. Weak point: memory, about 250 bytes for each gap.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.closed import windows_left
from chalicelib.routing.model import Load, StopKind, TimeWindow, Visit
from chalicelib.routing.packed import FOREVER, GHOST_GRACE, Route, StopArray, joined
from chalicelib.routing.proof import Judgements, World
from chalicelib.routing.schedule import Batch, Floats, Timetable, backward, forward, lay_out
from chalicelib.routing.spread import Reserves, reserves
from chalicelib.routing.travel_times import EARTH_RADIUS_METRES, Places
from chalicelib.units import Seconds, Timestamp

_GAP = np.dtype(
    [
        ("depart", "f8"),  # earliest departure from i
        ("late_waited", "f8"),  # latest arrival at j if the van had to wait for x to open
        ("margin", "f8"),  # how much later than planned an arrival at x must be expected
        ("leg", "f8"),  # from i to j
        ("depart_work", "f8"),  # on the work clock
        ("late_work", "f8"),  # ... of the latest arrival at j if it had not
        ("late_waited_work", "f8"),
        ("from_lat", "f8"),
        ("from_lon", "f8"),
        ("to_lat", "f8"),
        ("to_lon", "f8"),
        ("from_node", "i4"),
        ("to_node", "i4"),
        ("gap", "i8"),
    ]
)
SECONDS_PER_ROOT = 8.7 * EARTH_RADIUS_METRES**0.5  # a city's roads, about: 8.7 s for the root of a metre
MOST_WAYS = 50_000  # about ten megabytes
_RAW = np.dtype(("V", _GAP.itemsize))  # numpy joins opaque records much faster than named ones

type GapArray = NDArray[np.void]
type Indices = NDArray[np.intp]
type Engine = tuple[str, int]  # name and fingerprint of travel times
type Way = tuple[int, int]  # from and to, as `place_keys`
type Place = tuple[
    int, Seconds, Seconds, Seconds
]  # a gap, the ways into and out of it, and the screen's slack


@dataclass(frozen=True, slots=True)
class Notes:
    """What was found out about a route by whoever would change it; gone when it changes, or a hold runs out.

    Attributes
    ----------
    takes
        Whether it may take a stop into a gap, by engine, gap and record.
    joints
        Seconds past a stop that is left out, by engine and its place.
    relieved
        Its bounds without each of its stops (`routing.relief`), once they were asked for.
    """

    takes: dict[tuple[Engine, int, bytes], bool] = field(default_factory=dict)
    joints: dict[tuple[Engine, int], Seconds] = field(default_factory=dict)
    relieved: list[Floats] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Known:
    """A route that was swept."""

    gaps: GapArray
    free: Floats
    until: Timestamp
    notes: Notes = field(default_factory=Notes)


@dataclass(frozen=True, slots=True)
class Homes:
    """Where some stops could go instead, the best first; found by `routing.leaving`.

    Attributes
    ----------
    price
        By stop the seconds of driving of the best; infinite where there is none, or where none was sought.
    sought
        Which stops were asked about.
    places, untried
        By stop the places that are proven, and those not proven yet because a better one was.
    guesses
        By stop what the best seems to cost, and the gaps that seem best, before any road is asked.
    """

    price: Floats
    sought: NDArray[np.bool_]
    places: dict[int, list[Place]] = field(default_factory=dict)
    untried: dict[int, list[Place]] = field(default_factory=dict)
    guesses: dict[int, tuple[float, list[int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Swept:
    """Routes with the bounds of all their gaps, route after route, ready to be judged.

    Attributes
    ----------
    owner
        Index of each gap's route.
    free
        What each van can still take, shape (routes, 3): parcels, grams, millilitres; infinite where nothing
        binds.
    room
        Seconds of driving that each gap can bear more.
    depart, late_waited
        As in the gaps.
    xyz
        Where each gap begins and ends, on the unit sphere: shape (2, 3, gaps). Chords are cheap and never
        longer than the way.
    closed
        As in `World`.
    homes
        Where some stops could go instead, by circumstances and stop (`routing.leaving`).
    """

    routes: tuple[Route, ...]
    gaps: GapArray
    owner: NDArray[np.intp]
    free: Floats
    room: Floats
    depart: Floats
    late_waited: Floats
    xyz: Floats
    closed: tuple[TimeWindow, ...] = ()
    homes: dict[Hashable, Homes] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        routes: Sequence[Route],
        gaps: GapArray,
        sizes: Sequence[int],
        free: Floats,
        closed: tuple[TimeWindow, ...] = (),
    ) -> "Swept":
        """Lay out beside each other what every search reads of every gap."""
        return cls(
            routes=tuple(routes),
            gaps=gaps,
            owner=np.repeat(np.arange(len(sizes)), sizes),
            free=free,
            room=gaps["late_work"] - gaps["depart_work"] - gaps["leg"],
            depart=np.ascontiguousarray(gaps["depart"]),
            late_waited=np.ascontiguousarray(gaps["late_waited"]),
            xyz=np.stack([on_sphere(gaps[f"{side}_lat"], gaps[f"{side}_lon"]) for side in ("from", "to")]),
            closed=closed,
        )

    @cached_property
    def place_keys(self) -> Indices:
        """Where each gap begins and ends, as `place_keys` has it: shape (2, gaps)."""
        gaps = self.gaps
        return np.stack(
            [
                place_keys(*(np.rint(gaps[f"{side}_{axis}"] * 1e6) for axis in ("lat", "lon")))
                for side in ("from", "to")
            ]
        )

    @cached_property
    def crowd(self) -> "Crowd":
        """All stops of these routes."""
        return Crowd.of(self)

    def able(self, visit: Visit) -> NDArray[np.bool_]:
        """Which vans have the skills and the room for a visit."""
        return self.skilled(visit) & self.roomy(visit)

    def skilled(self, visit: Visit) -> NDArray[np.bool_]:
        """Which vans have every skill it asks for."""
        if not visit.skills:
            return np.ones(len(self.routes), dtype=bool)
        return np.array([visit.skills <= route.shift.skills for route in self.routes], dtype=bool)

    def roomy(self, visit: Visit) -> NDArray[np.bool_]:
        """Which vans have room for it, in every dimension."""
        return np.asarray((self.free >= _amounts(visit.load)).all(axis=1))


@dataclass(frozen=True, slots=True)
class Crowd:
    """All stops of some routes, route after route: who could make room.

    Attributes
    ----------
    stops
        Their windows as closures leave them.
    owner, first
        Index of each stop's route, and of each route's first stop.
    before
        The gap before each stop; the one behind it is the next.
    joint
        About how long the way past each stop would be.
    relief
        For each gap: about what its van could win most by giving one stop away, in seconds.
    """

    stops: StopArray
    owner: Indices
    first: Indices
    before: Indices
    joint: Floats
    relief: Floats

    @classmethod
    def of(cls, swept: "Swept") -> "Crowd":
        """Lay out what is known of every stop without roads."""
        count = np.array([len(route.stops) for route in swept.routes], dtype=np.intp)
        stops = joined(route.stops for route in swept.routes)
        stops["window_start"], stops["window_end"], _ = windows_left(stops, swept.closed)
        owner = np.repeat(np.arange(len(count)), count)
        before = np.arange(len(stops)) + owner
        ways = swept.gaps["leg"][before] + swept.gaps["leg"][before + 1]
        past = chords(swept.xyz[0][:, before], swept.xyz[1][:, before + 1])
        joint = np.floor(np.minimum(SECONDS_PER_ROOT * np.sqrt(past), ways))
        most = np.zeros(len(count))
        np.maximum.at(most, owner, stops["service_time"] + ways - joint)
        return cls(stops, owner, np.cumsum(count) - count, before, joint, most[swept.owner])


class Sweeps:
    """Bounds of routes already seen: a route is an immutable object, so it is swept once.

    One per `World`; not shared between threads.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.judgements = Judgements(world)
        self._known: WeakKeyDictionary[Route, _Known] = WeakKeyDictionary()
        self._last = Swept.of((), np.zeros(0, _GAP), (), np.zeros((0, 3)))
        self._last_until = FOREVER
        self._ways: dict[Engine, dict[Way, Seconds]] = {}

    def of(self, routes: Sequence[Route], now: Timestamp) -> Swept:
        """Bounds of these routes; only new ones, and those in which a hold ran out, are computed."""
        same = len(routes) == len(self._last.routes) and all(map(_same, routes, self._last.routes))
        if same and now < self._last_until:
            return self._last
        unknown = [route for route in routes if not ((known := self._known.get(route)) and now < known.until)]
        if unknown:
            self._sweep(unknown, now)
        rows = [self._known[route] for route in routes]
        gaps = np.concatenate([np.zeros(0, _RAW), *(known.gaps for known in rows)]).view(_GAP)
        free = np.array([known.free for known in rows]).reshape(len(rows), 3)
        self._last = Swept.of(routes, gaps, [len(known.gaps) for known in rows], free, self.world.closed)
        self._last_until = min((known.until for known in rows), default=FOREVER)
        return self._last

    def notes(self, route: Route) -> Notes:
        """What was found out about a swept route, to read and to add to."""
        return self._known[route].notes

    def ways(self, engine: Engine) -> dict[Way, Seconds]:
        """Seconds between places of stops and depots, to read and to add to: they outlive every change.

        Forgotten now and then, so that a process which sees many days does not keep them all.
        """
        known = self._ways.setdefault(engine, {})
        if len(known) > MOST_WAYS:
            known.clear()
        return known

    def holding(self, routes: Sequence[Route], now: Timestamp) -> NDArray[np.bool_]:
        """Which of these routes have a hold in them that has not run out."""
        self.of(routes, now)
        return np.array([self._known[route].until < FOREVER for route in routes], dtype=bool)

    def _sweep(self, routes: Sequence[Route], now: Timestamp) -> None:
        batch = lay_out(routes, now, self.world.closed)
        times = forward(batch, self.world.clock)
        late = backward(batch, times, self.world.clock)
        kept_back = reserves(batch, times, self.world.noise, self.world.target)
        gaps = _gaps(routes, batch, times, late, kept_back, self.world).view(_RAW)
        ends = np.cumsum(batch.count + 1)
        free, until = _free(routes, batch), _unchanged_until(batch)
        for at, (first, end) in enumerate(pairwise([0, *ends.tolist()])):
            self._known[routes[at]] = _Known(gaps[first:end], free[at], until[at])


def _free(routes: Sequence[Route], batch: Batch) -> Floats:
    """What each van can still take, ghosts left out."""
    limits = (
        (route.shift.capacity.parcels, route.shift.capacity.grams, route.shift.capacity.millilitres)
        for route in routes
    )
    free = np.array([[np.inf if limit is None else limit for limit in each] for each in limits], dtype=float)
    for dimension, name in enumerate(("parcels", "grams", "millilitres")):
        taken = np.where(batch.real, batch.stops[name], 0)
        free[:, dimension] -= np.bincount(batch.owner, weights=taken, minlength=len(routes))
    return free


def _unchanged_until(batch: Batch) -> list[Timestamp]:
    """When the next live hold of each route becomes a ghost."""
    until = np.full(len(batch.count), FOREVER)
    held = np.flatnonzero(batch.real & (batch.stops["kind"] == StopKind.HELD))
    np.minimum.at(until, batch.owner[held], batch.stops["expires_at"][held].astype(np.int64) + GHOST_GRACE)
    return until.tolist()


def _same(one: Route, other: Route) -> bool:
    return one is other


def _amounts(load: Load) -> Floats:
    return np.array([load.parcels, load.grams, load.millilitres], dtype=float)


def _gaps(
    routes: Sequence[Route],
    batch: Batch,
    times: Timetable,
    late: Floats,
    kept_back: Reserves,
    world: World,
) -> GapArray:
    """All gaps route after route: k stops make k + 1 gaps."""
    real = (np.arange(batch.places)[:, None] <= batch.count).T
    gaps = np.zeros(int(real.sum()), dtype=_GAP)
    starts = np.cumsum(batch.count + 1) - batch.count - 1
    ends = starts + batch.count
    gaps["gap"] = np.arange(len(gaps)) - np.repeat(starts, batch.count + 1)
    waited = late - kept_back.after_waiting
    for name, values in (
        ("leg", batch.leg),
        ("depart", times.depart),
        ("late_waited", waited),
        ("margin", kept_back.until_here),
        ("depart_work", world.clock.work(times.depart)),
        ("late_work", world.clock.work(late - kept_back.onwards)),
        ("late_waited_work", world.clock.work(waited)),
    ):
        gaps[name] = values.T[real]
    stops = batch.stops
    before_stop, behind_stop = np.ones((2, len(gaps)), dtype=bool)
    before_stop[ends] = False
    behind_stop[starts] = False
    for side, at_stop, at_depot in (("to", before_stop, ends), ("from", behind_stop, starts)):
        first = side == "from"
        places = [route.shift.start if first else route.shift.end for route in routes]
        gaps[f"{side}_lat"][at_stop] = stops["lat"] / 1e6
        gaps[f"{side}_lon"][at_stop] = stops["lon"] / 1e6
        gaps[f"{side}_node"][at_stop] = stops["node"]
        gaps[f"{side}_lat"][at_depot] = [place.lat for place in places]
        gaps[f"{side}_lon"][at_depot] = [place.lon for place in places]
        gaps[f"{side}_node"][at_depot] = [route.start_node if first else route.end_node for route in routes]
    return gaps


def on_sphere(lat: Floats, lon: Floats) -> Floats:
    """Place points, in degrees, on the unit sphere: x, y, z first."""
    phi, theta = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)])


def chords(places: Floats, others: Floats) -> Floats:
    """Straight lines through the globe between points on the unit sphere, as shares of its radius."""
    x, y, z = (side - other for side, other in zip(places, others, strict=True))
    return np.asarray(np.sqrt(x * x + y * y + z * z))


def place_keys(lat: Floats, lon: Floats) -> Indices:
    """One number for each place, from whole millionths of a degree."""
    return np.asarray((lat.astype(np.int64) << 32) + lon.astype(np.int64))


def places_at(gaps: GapArray, side: str) -> Places:
    """Where gaps begin (`from`) or end (`to`)."""
    return Places(lat=gaps[f"{side}_lat"], lon=gaps[f"{side}_lon"], node=gaps[f"{side}_node"])
