"""Where one more stop fits: every gap of every route judged at once, then proven.

For a new stop x in the gap i→j the two sweeps bound the start of service: A = departure from i + t(i,x) and
B = latest arrival at j - t(x,j) - service. A window [o, c] fits exactly when A <= B, A <= c and o <= B, so
one pass over the gaps answers all windows (Savelsbergh 1992; Campbell and Savelsbergh 2004). The bounds are
tightened by the spread of a few scenarios, which makes the pass a *screen*; the best few candidates of each
window are then *proven* (`routing.proof`), and only that makes an offer. Slack is tested before any road is
asked. Weak point: only direct insertion; nothing moves to make room.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.model import Capacity, Leg, Load, Location, Stop, TimeWindow
from chalicelib.routing.packed import FOREVER, Route, carried
from chalicelib.routing.proof import Judgements, World, harmless, judge
from chalicelib.routing.schedule import Batch, Floats, Timetable, backward, forward, lay_out, margins
from chalicelib.routing.travel_times import EARTH_RADIUS_METRES, Places, TravelTimes
from chalicelib.units import Probability, Seconds, Timestamp

SCREEN_SCENARIOS = 32
NEAREST = 1500  # gaps whose roads are looked up first, best by straight line; the rest only if they must be
ROUNDS = (1, 3, 8)  # candidates of a window proven in each round, until one holds

_GAP = np.dtype(
    [
        ("depart", "f8"),  # earliest departure from i
        ("late", "f8"),  # latest arrival at j
        ("leg", "f8"),  # from i to j
        ("margin", "f8"),  # how much later than planned an arrival in this gap must be expected
        ("depart_work", "f8"),  # the first two on the work clock
        ("late_work", "f8"),
        ("from_xyz", "f8", 3),  # on the unit sphere: chords are cheap and never longer than the way
        ("to_xyz", "f8", 3),
        ("from_lat", "f8"),
        ("from_lon", "f8"),
        ("to_lat", "f8"),
        ("to_lon", "f8"),
        ("from_node", "i4"),
        ("to_node", "i4"),
        ("gap", "i4"),
    ]
)
_RAW = np.dtype(("V", _GAP.itemsize))  # numpy joins opaque records much faster than named ones

type GapArray = NDArray[np.void]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A delivery somebody asks for: a stop that has no window yet."""

    location: Location
    node: int
    load: Load
    skills: frozenset[str]
    service_time: Seconds


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
    """

    routes: tuple[Route, ...]
    gaps: GapArray
    owner: NDArray[np.intp]
    free: Floats

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
        self._last = Swept((), np.zeros(0, _GAP), np.zeros(0, np.intp), np.zeros((0, 3)))
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
        sizes = [len(gaps) for gaps, _, _ in rows]
        joined = np.concatenate([gaps for gaps, _, _ in rows]) if rows else np.zeros(0, _RAW)
        self._last = Swept(
            routes=tuple(routes),
            gaps=joined.view(_GAP),
            owner=np.repeat(np.arange(len(rows)), sizes),
            free=np.array([free for _, free, _ in rows]).reshape(len(rows), 3),
        )
        self._last_until = min((until for _, _, until in rows), default=FOREVER)
        return self._last

    def _sweep(self, routes: Sequence[Route], now: Timestamp) -> None:
        batch = lay_out(routes, now)
        times = forward(batch, self.world.clock)
        deviations = NormalDist().inv_cdf(self.world.target)
        margin = margins(batch, times, self.world.noise, count=SCREEN_SCENARIOS, deviations=deviations)
        late = backward(batch, times, self.world.clock, batch.closes - margin)
        gaps = _gaps(routes, batch, times, late, margin, self.world).view(_RAW)
        for route, end in zip(routes, np.cumsum(batch.count + 1).tolist(), strict=True):
            own = gaps[end - len(route.stops) - 1 : end]
            free = _limits(route.shift.capacity) - _amounts(carried(route, now))
            self._known[route] = own, free, route.unchanged_until(now)


def _same(one: Route, other: Route) -> bool:
    return one is other


def _amounts(load: Load) -> Floats:
    return np.array([load.parcels, load.grams, load.millilitres], dtype=float)


def _limits(capacity: Capacity) -> Floats:
    limits = (capacity.parcels, capacity.grams, capacity.millilitres)
    return np.array([np.inf if limit is None else limit for limit in limits])


def _gaps(
    routes: Sequence[Route], batch: Batch, times: Timetable, late: Floats, margin: Floats, world: World
) -> GapArray:
    """All gaps route after route: k stops make k + 1 gaps."""
    real = (np.arange(batch.places)[:, None] <= batch.count).T
    gaps = np.zeros(int(real.sum()), dtype=_GAP)
    starts = np.cumsum(batch.count + 1) - batch.count - 1
    ends = starts + batch.count
    gaps["gap"] = np.arange(len(gaps)) - np.repeat(starts, batch.count + 1)
    for name, values in (("leg", batch.leg), ("depart", times.depart), ("late", late), ("margin", margin)):
        gaps[name] = values.T[real]
    gaps["depart_work"] = world.clock.work(gaps["depart"])
    gaps["late_work"] = world.clock.work(gaps["late"])
    stops = np.concatenate([route.stops for route in routes])
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
        gaps[f"{side}_xyz"] = _on_sphere(gaps[f"{side}_lat"], gaps[f"{side}_lon"])
    return gaps


def _on_sphere(lat: Floats, lon: Floats) -> Floats:
    phi, theta = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], axis=-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A gap in which a window may fit: found by the screen, not proven."""

    route: Route
    gap: int
    window: TimeWindow
    leg_in: Seconds
    leg_out: Seconds
    extra: Seconds


@dataclass(frozen=True, slots=True)
class Gaps:
    """The gaps a visit could still use, and what the roads say of them.

    Attributes
    ----------
    earliest, latest
        A and B of the module's docstring, in seconds since the epoch.
    surely
        A with the screen's margin: what must lie within the window.
    owner
        Index of each gap's route.
    """

    routes: Sequence[Route]
    owner: NDArray[np.intp]
    gap: NDArray[np.int32]
    leg_in: Floats
    leg_out: Floats
    extra: Floats
    earliest: Floats
    latest: Floats
    surely: Floats

    def candidates(self, window: TimeWindow, most: int) -> list[Candidate]:
        """The gaps in which this window fits, least extra driving first, at most `most`."""
        fit = np.flatnonzero(
            (self.surely <= window.end) & (np.maximum(self.earliest, window.start) <= self.latest)
        )
        if len(fit) > most:
            fit = fit[np.argpartition(self.extra[fit], most)[:most]]
        ranked = sorted(fit.tolist(), key=lambda at: (self.extra[at], self.owner[at], self.gap[at]))
        return [
            Candidate(
                route=self.routes[self.owner[at]],
                gap=int(self.gap[at]),
                window=window,
                leg_in=int(self.leg_in[at]),
                leg_out=int(self.leg_out[at]),
                extra=int(self.extra[at]),
            )
            for at in ranked
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the scenarios say of a candidate.

    Attributes
    ----------
    confidence
        Probability that the new stop's window is kept.
    holds
        Whether it may be sold: see `proof.harmless`.
    planned_at
        Planned start of service.
    """

    candidate: Candidate
    confidence: Probability
    holds: bool
    planned_at: Timestamp


class Insertion:
    """One visit against many routes: the screen, then the proof.

    Parameters
    ----------
    swept
        The routes, from `Sweeps.of`.
    allowed
        Which of the routes may take it (`Swept.able`, not loaded yet, ...).
    windows
        All windows that will be asked for; what fits none of them is pruned.
    """

    def __init__(
        self,
        sweeps: Sweeps,
        swept: Swept,
        allowed: NDArray[np.bool_],
        visit: Visit,
        windows: Sequence[TimeWindow],
        travel: TravelTimes,
        now: Timestamp,
    ) -> None:
        self._sweeps, self._swept, self._visit = sweeps, swept, visit
        self._windows, self._travel, self._now = windows, travel, now
        self._promising, self._others = self._prune(allowed)

    def _prune(self, allowed: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Gaps that slack and the straight line leave, the most promising apart. Exact: none is lost."""
        gaps, service = self._swept.gaps, self._visit.service_time
        opens = min(window.start for window in self._windows)
        closes = max(window.end for window in self._windows)
        slack = gaps["late"] - gaps["depart"] - gaps["leg"] - service
        alive = np.flatnonzero(
            (slack >= 0)
            & (gaps["late"] >= opens + service)
            & (gaps["depart"] <= closes)
            & allowed[self._swept.owner]
        )
        kept, spare = gaps[alive], slack[alive] + gaps["leg"][alive]
        lat, lon = np.array([self._visit.location.lat]), np.array([self._visit.location.lon])
        here = _on_sphere(lat, lon)
        fewest = EARTH_RADIUS_METRES / self._travel.fastest_metres_per_second
        way_in = fewest * np.sqrt(((kept["from_xyz"] - here) ** 2).sum(axis=1))
        way = way_in + fewest * np.sqrt(((kept["to_xyz"] - here) ** 2).sum(axis=1))
        near = np.flatnonzero((way <= spare) & (kept["depart"] + way_in <= closes))
        if len(near) <= NEAREST:
            return alive[near], alive[:0]
        order = near[np.argsort(way[near], kind="stable")]
        return alive[order[:NEAREST]], alive[order[NEAREST:]]

    def best(self) -> list[Proof | None]:
        """For each window the proven candidate with least extra driving; None where none can be proven.

        Cost: O(gaps) array work, two travel-time calls for at most `NEAREST` gaps (for all that are left
        only if a window found no place among those), and `sum(ROUNDS)` proofs a window at most.
        """
        found = self._proven(self._look_up(self._promising), range(len(self._windows)))
        missing = [at for at, proof in enumerate(found) if proof is None]
        if missing and len(self._others):
            for at, proof in zip(missing, self._proven(self._look_up(self._others), missing), strict=True):
                found[at] = proof
        return found

    def choices(self, at: int = 0) -> list[Proof]:
        """Every proven candidate among the best of one window, least extra driving first.

        For writers that meet others at the same gap: the next best is as good a promise.
        """
        for chosen in (self._promising, self._others):
            ranked = self._look_up(chosen).candidates(self._windows[at], sum(ROUNDS)) if len(chosen) else []
            proven = [proof for proof in self.prove(ranked) if proof.holds]
            if proven:
                return proven
        return []

    def look_up(self) -> Gaps:
        """Every gap that is left, with its roads."""
        return self._look_up(np.concatenate([self._promising, self._others]))

    def _look_up(self, chosen: NDArray[np.intp]) -> Gaps:
        kept, clock = self._swept.gaps[chosen], self._sweeps.world.clock
        x = Places.of([self._visit.location], [self._visit.node])
        leg_in = self._travel.to_one(_places(kept, "from"), x).astype(float)
        leg_out = self._travel.from_one(x, _places(kept, "to")).astype(float)
        earliest = clock.clock(kept["depart_work"] + leg_in)
        return Gaps(
            routes=self._swept.routes,
            owner=self._swept.owner[chosen],
            gap=kept["gap"],
            leg_in=leg_in,
            leg_out=leg_out,
            extra=leg_in + leg_out - kept["leg"],
            earliest=earliest,
            latest=clock.clock(kept["late_work"] - leg_out) - self._visit.service_time,
            surely=earliest + kept["margin"],
        )

    def _proven(self, gaps: Gaps, wanted: Sequence[int]) -> list[Proof | None]:
        found: list[Proof | None] = [None] * len(wanted)
        ranked = [gaps.candidates(self._windows[at], sum(ROUNDS)) for at in wanted]
        for first, last in pairwise(np.cumsum([0, *ROUNDS]).tolist()):
            tried = [
                (at, candidate)
                for at, proof in enumerate(found)
                if proof is None
                for candidate in ranked[at][first:last]
            ]
            for (at, _), proof in zip(tried, self.prove([candidate for _, candidate in tried]), strict=True):
                if proof.holds and found[at] is None:
                    found[at] = proof
        return found

    def prove(self, candidates: Sequence[Candidate]) -> list[Proof]:
        """Drive each candidate's whole route through all scenarios, beside the route as it is."""
        world = self._sweeps.world
        before = self._sweeps.judgements.of([candidate.route for candidate in candidates], self._now)
        after = judge([_with_visit(candidate, self._visit) for candidate in candidates], self._now, world)
        return [
            Proof(
                candidate=candidate,
                confidence=float(new.kept[candidate.gap]),
                holds=harmless(old, new, world.target, new=candidate.gap),
                planned_at=round(new.start[candidate.gap]),
            )
            for candidate, old, new in zip(candidates, before, after, strict=True)
        ]


def _places(gaps: GapArray, side: str) -> Places:
    return Places(lat=gaps[f"{side}_lat"], lon=gaps[f"{side}_lon"], node=gaps[f"{side}_node"])


def _with_visit(candidate: Candidate, visit: Visit) -> Route:
    """The route as it would be; legs in seconds only."""
    stop = Stop(
        stop_id=0,
        location=visit.location,
        node=visit.node,
        window=candidate.window,
        service_time=visit.service_time,
        load=visit.load,
        skills=visit.skills,
    )
    leg_in, leg_out = Leg(seconds=candidate.leg_in, metres=0), Leg(seconds=candidate.leg_out, metres=0)
    return candidate.route.inserted(candidate.gap, stop, leg_in, leg_out)
