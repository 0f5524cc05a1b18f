"""The bounds of every gap of every route, swept once per route.

For a gap i→j the forward sweep gives the earliest departure from i, the backward sweep the latest arrival at
j, both tightened by what the noise is expected to take (`routing.spread`). They stay true while the route is
the same object and no hold in it runs out, so a search over two hundred vans sweeps only what changed since
the last. Weak point: memory, about 250 bytes for each gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.model import Load, StopKind, Visit
from chalicelib.routing.packed import FOREVER, GHOST_GRACE, Route
from chalicelib.routing.proof import Judgements, World
from chalicelib.routing.schedule import Batch, Floats, Timetable, backward, forward, lay_out
from chalicelib.routing.spread import Reserves, reserves
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
_RAW = np.dtype(("V", _GAP.itemsize))  # numpy joins opaque records much faster than named ones

type GapArray = NDArray[np.void]


@dataclass(frozen=True, slots=True)
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
    """

    routes: tuple[Route, ...]
    gaps: GapArray
    owner: NDArray[np.intp]
    free: Floats
    room: Floats
    depart: Floats
    late_waited: Floats
    xyz: Floats

    @classmethod
    def of(cls, routes: Sequence[Route], gaps: GapArray, sizes: Sequence[int], free: Floats) -> "Swept":
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
        )

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


class Sweeps:
    """Bounds of routes already seen: a route is an immutable object, so it is swept once.

    One per `World`; not shared between threads.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.judgements = Judgements(world)
        self._known: WeakKeyDictionary[Route, tuple[NDArray[np.void], Floats, Timestamp]] = (
            WeakKeyDictionary()
        )
        self._ways: WeakKeyDictionary[Route, dict[tuple[int, ...], tuple[Seconds, Seconds]]] = (
            WeakKeyDictionary()
        )
        self._last = Swept.of((), np.zeros(0, _GAP), (), np.zeros((0, 3)))
        self._last_until = FOREVER

    def of(self, routes: Sequence[Route], now: Timestamp) -> Swept:
        """Bounds of these routes; only new ones, and those in which a hold ran out, are computed."""
        same = len(routes) == len(self._last.routes) and all(map(_same, routes, self._last.routes))
        if same and now < self._last_until:
            return self._last
        unknown = [route for route in routes if not ((known := self._known.get(route)) and now < known[2])]
        if unknown:
            self._sweep(unknown, now)
        rows = [self._known[route] for route in routes]
        joined = np.concatenate([np.zeros(0, _RAW), *(gaps for gaps, _, _ in rows)]).view(_GAP)
        free = np.array([free for _, free, _ in rows]).reshape(len(rows), 3)
        self._last = Swept.of(routes, joined, [len(gaps) for gaps, _, _ in rows], free)
        self._last_until = min((until for _, _, until in rows), default=FOREVER)
        return self._last

    def ways(self, route: Route) -> dict[tuple[int, ...], tuple[Seconds, Seconds]]:
        """What is known of the ways into and out of a route's gaps, for whoever looks them up again."""
        return self._ways.setdefault(route, {})

    def holding(self, routes: Sequence[Route], now: Timestamp) -> NDArray[np.bool_]:
        """Which of these routes have a hold in them that has not run out."""
        self.of(routes, now)
        return np.array([self._known[route][2] < FOREVER for route in routes], dtype=bool)

    def _sweep(self, routes: Sequence[Route], now: Timestamp) -> None:
        batch = lay_out(routes, now, self.world.closed)
        times = forward(batch, self.world.clock)
        late = backward(batch, times, self.world.clock)
        kept_back = reserves(batch, times, self.world.noise, self.world.target)
        gaps = _gaps(routes, batch, times, late, kept_back, self.world).view(_RAW)
        ends = np.cumsum(batch.count + 1)
        free, until = _free(routes, batch), _unchanged_until(batch)
        for at, (first, end) in enumerate(pairwise([0, *ends.tolist()])):
            self._known[routes[at]] = gaps[first:end], free[at], until[at]


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
