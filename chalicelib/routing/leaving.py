"""Where stops could go instead: gaps of other vans of their plan, screened, then proven.

Nothing here depends on who would come in a stop's place, so it is found once for a stop while the plan stands
still; of a plan that changed only what touches the changed vans is asked and proven anew. Weak point: gaps
are chosen by the straight line, so behind a river the best may not be among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.insertion import Candidate, rehearsed, slack_of
from chalicelib.routing.model import StopKind, TimeWindow
from chalicelib.routing.proof import harmless, judge
from chalicelib.routing.schedule import Floats
from chalicelib.routing.sweeps import (
    SECONDS_PER_ROOT,
    Homes,
    Indices,
    Place,
    Sweeps,
    Swept,
    chords,
    on_sphere,
    place_keys,
    places_at,
)
from chalicelib.routing.travel_times import EARTH_RADIUS_METRES, Places, TravelTimes
from chalicelib.units import Seconds, Timestamp

MOST_GAPS = 400  # gaps stops are held against
_AT_ONCE = 24  # stops: what is computed for each of them and each gap stays in fast memory
GUESS_ERR: Seconds = 180  # of a way as the crow flies, now and then
_DOUBTFUL: Seconds = 100  # by so much the screen is too strict, now and then
_PROBABLE: Seconds = 900  # with so much slack a proof will hardly fail
_DOUBT = 3  # seconds of driving that a second less counts in a ranking
_UNLIKELY = 12  # ... that a second beyond its bound counts, of a guess


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How many gaps of other vans are looked up on roads for one stop, and how many of these are proven."""

    looked_up: int = 8
    proven: int = 3


NEARBY = Reach()


class Leaving:
    """The stops of some routes, and the gaps that could take them.

    Parameters
    ----------
    open_routes
        Which routes may gain and lose stops.
    plans
        The plan of each route, as any number: a stop never leaves its own.
    """

    def __init__(
        self,
        sweeps: Sweeps,
        swept: Swept,
        open_routes: NDArray[np.bool_],
        plans: NDArray[np.int64],
        travel: TravelTimes,
        now: Timestamp,
        reach: Reach,
    ) -> None:
        self._sweeps, self._swept, self._open, self._plans = sweeps, swept, open_routes, plans
        self._travel, self._now, self._reach = travel, now, reach
        self._engine = travel.name, travel.fingerprint
        circumstances = self._engine, open_routes.tobytes(), plans.tobytes(), reach
        if circumstances not in swept.homes:
            count = len(swept.crowd.stops)
            swept.homes[circumstances] = Homes(np.full(count, np.inf), np.zeros(count, dtype=bool))
        self._homes = swept.homes[circumstances]

    def price(self, stops: Indices) -> Floats:
        """Seconds of driving for each of these in another van; infinite where none will do. After `seek`."""
        return np.asarray(self._homes.price[stops])

    def home(self, stop: int) -> Candidate:
        """The best proven gap of another van."""
        return self._candidate(stop, self._homes.places[stop][0])

    def homes(self, stop: int) -> list[Candidate]:
        """Every proven gap of other vans, the best first: the others are proven when they are asked for."""
        places = self._homes.places[stop]
        others = [(stop, place) for place in self._homes.untried.pop(stop, ())]
        places += [place for (_, place), holds in zip(others, self._proven(others), strict=True) if holds]
        return [self._candidate(stop, place) for place in places]

    def guesses(self, stops: Indices) -> Floats:
        """About what driving each of these costs in another van, without roads; infinite: none will do."""
        new = np.array([at for at in stops.tolist() if at not in self._homes.guesses], dtype=np.intp)
        if len(new):
            self._guess(new)
        return np.array([self._homes.guesses[at][0] for at in stops.tolist()])

    def seek(self, stops: Indices) -> None:
        """Find where these could go, if that is not known yet; they were guessed before."""
        new = stops[~self._homes.sought[stops]]
        if not len(new):
            return
        screened = self._screened([(at, gap) for at in new.tolist() for gap in self._homes.guesses[at][1]])
        self._homes.sought[new] = True
        for at, places in screened.items():
            self._homes.untried[at] = sorted(places, key=self._price)[: self._reach.proven]
        left = list(screened)
        while left:
            tried = [(at, self._homes.untried[at].pop(0)) for at in left]
            for (at, place), holds in zip(tried, self._proven(tried), strict=True):
                if holds:
                    self._homes.places[at], self._homes.price[at] = [place], self._extra(place)
            left = [at for at in left if at not in self._homes.places and self._homes.untried[at]]

    def _candidate(self, at: int, place: Place) -> Candidate:
        gap, leg_in, leg_out, slack = place
        swept, row = self._swept, self._swept.crowd.stops[at]
        return Candidate(
            route=swept.routes[swept.owner[gap]],
            gap=int(swept.gaps["gap"][gap]),
            window=TimeWindow(start=int(row["window_start"]), end=int(row["window_end"])),
            leg_in=leg_in,
            leg_out=leg_out,
            extra=self._extra(place),
            slack=slack,
        )

    def _extra(self, place: Place) -> Seconds:
        gap, leg_in, leg_out, _ = place
        return leg_in + leg_out - int(self._swept.gaps["leg"][gap])

    def _price(self, place: Place) -> float:
        return self._extra(place) + float(doubt(np.array(float(place[-1]))))

    def _guess(self, leaving: Indices) -> None:
        """Note for each stop the gaps of other vans that seem best."""
        swept, clock = self._swept, self._sweeps.world.clock
        rows = swept.crowd.stops[leaving]
        service = rows["service_time"].astype(float)
        gaps = np.flatnonzero(
            self._open[swept.owner]
            & (swept.room >= service.min() * clock.slowest)
            & (swept.late_waited >= (rows["window_start"] + service).min())
            & (swept.depart <= rows["window_end"].max())
        )
        if len(gaps) > MOST_GAPS:
            gaps = gaps[np.argpartition(-swept.room[gaps], MOST_GAPS)[:MOST_GAPS]]
        for first in range(0, len(leaving), _AT_ONCE):
            self._guess_among(leaving[first : first + _AT_ONCE], gaps)

    def _guess_among(self, leaving: Indices, gaps: Indices) -> None:
        """The same for a few stops and gaps that may do."""
        swept, clock = self._swept, self._sweeps.world.clock
        rows = swept.crowd.stops[leaving]
        service = rows["service_time"].astype(float)
        opens, closes = (rows[name].astype(float) for name in ("window_start", "window_end"))
        able = self._able(leaving)[:, swept.owner[gaps]]
        here = on_sphere(rows["lat"] / 1e6, rows["lon"] / 1e6)[:, :, None]
        chord_in, chord_out = (chords(side[:, None, gaps], here) for side in swept.xyz)
        fewest = EARTH_RADIUS_METRES / self._travel.fastest_metres_per_second
        spare = swept.room[gaps] + swept.gaps["leg"][gaps] - service[:, None] * clock.slowest
        way_in, way_out = SECONDS_PER_ROOT * np.sqrt(chord_in), SECONDS_PER_ROOT * np.sqrt(chord_out)
        soonest = swept.depart[gaps] + fewest / clock.fastest * chord_in
        latest = swept.late_waited[gaps] - service[:, None] - fewest / clock.fastest * chord_out
        able &= fewest * (chord_in + chord_out) <= spare
        able &= (soonest <= closes[:, None]) & (latest >= opens[:, None])
        cost = way_in + way_out - swept.gaps["leg"][gaps]
        for over in (
            way_in + way_out - spare,
            swept.depart[gaps] + way_in - closes[:, None],
            opens[:, None] - (swept.late_waited[gaps] - service[:, None] - way_out),
        ):
            able &= over <= GUESS_ERR
            cost += unlikely(over)
        cost[~able] = np.inf
        best = np.argsort(cost, axis=1, kind="stable")[:, : self._reach.looked_up]
        for row, at in enumerate(leaving.tolist()):
            fit = best[row][able[row, best[row]]]
            least = float(cost[row, fit[0]]) if len(fit) else np.inf
            self._homes.guesses[at] = least, gaps[fit].tolist()

    def _able(self, leaving: Indices) -> NDArray[np.bool_]:
        """Which route may take which stop: another of its plan, with skills and room, loaded late enough."""
        swept, crowd = self._swept, self._swept.crowd
        rows, owner = crowd.stops[leaving], crowd.owner[leaving]
        able = (self._plans[owner][:, None] == self._plans) & self._open
        able[np.arange(len(leaving)), owner] = False
        able &= self._loads_at >= np.where(rows["kind"] == StopKind.HELD, rows["expires_at"], 0)[:, None]
        for dimension, name in enumerate(("parcels", "grams", "millilitres")):
            able &= swept.free[:, dimension] >= rows[name][:, None]
        for row in np.flatnonzero(rows["skills"]).tolist():
            skills = swept.routes[owner[row]].stop(self._index(leaving[row])).skills
            able[row] &= [skills <= route.shift.skills for route in swept.routes]
        return np.asarray(able)

    @cached_property
    def _loads_at(self) -> NDArray[np.int64]:
        return np.array([route.shift.loads_at for route in self._swept.routes])

    def _index(self, at: int) -> int:
        """Which place a stop has in its route."""
        return int(at - self._swept.crowd.first[self._swept.crowd.owner[at]])

    def _screened(self, moves: Sequence[tuple[int, int]]) -> dict[int, list[Place]]:
        """By stop the gaps that the roads and the tightened bounds allow."""
        if not moves:
            return {}
        swept, clock = self._swept, self._sweeps.world.clock
        rows = swept.crowd.stops[[at for at, _ in moves]]
        gaps = swept.gaps[[gap for _, gap in moves]]
        leg_in, leg_out = np.array(self._ways(moves), dtype=float).T
        earliest = clock.clock(gaps["depart_work"] + leg_in)
        latest, latest_waited = (
            clock.clock(gaps[name] - leg_out) - rows["service_time"]
            for name in ("late_work", "late_waited_work")
        )
        opens, closes = (rows[name].astype(float) for name in ("window_start", "window_end"))
        slack = slack_of(earliest, earliest + gaps["margin"], latest, latest_waited, opens, closes)
        found: dict[int, list[Place]] = {}
        for n in np.flatnonzero(slack >= -_DOUBTFUL).tolist():
            at, gap = moves[n]
            found.setdefault(at, []).append((gap, int(leg_in[n]), int(leg_out[n]), int(slack[n])))
        return found

    def _ways(self, moves: Sequence[tuple[int, int]]) -> list[tuple[Seconds, Seconds]]:
        """Seconds from where each gap begins to its stop, and on to where it ends; asked for once."""
        swept, known = self._swept, self._sweeps.ways(self._engine)
        stops, gaps = np.array(moves, dtype=np.intp).T
        here = place_keys(swept.crowd.stops["lat"][stops], swept.crowd.stops["lon"][stops]).tolist()
        ins = list(zip(swept.place_keys[0, gaps].tolist(), here, strict=True))
        outs = list(zip(here, swept.place_keys[1, gaps].tolist(), strict=True))
        missing: dict[int, list[int]] = {}
        for n, (way_in, way_out) in enumerate(zip(ins, outs, strict=True)):
            if way_in not in known or way_out not in known:
                missing.setdefault(moves[n][0], []).append(n)
        for at, numbers in missing.items():
            row = swept.crowd.stops[at]
            place = Places(
                lat=np.array([row["lat"] / 1e6]), lon=np.array([row["lon"] / 1e6]), node=row["node"][None]
            )
            ends = swept.gaps[gaps[numbers]]
            seconds = self._travel.to_one(places_at(ends, "from"), place).tolist()
            known.update(zip([ins[n] for n in numbers], seconds, strict=True))
            seconds = self._travel.from_one(place, places_at(ends, "to")).tolist()
            known.update(zip([outs[n] for n in numbers], seconds, strict=True))
        return [(known[way_in], known[way_out]) for way_in, way_out in zip(ins, outs, strict=True)]

    def _proven(self, moves: Sequence[tuple[int, Place]]) -> list[bool]:
        """Whether each gap may take its stop: the van driven through all scenarios, beside it as it is."""
        swept, world = self._swept, self._sweeps.world
        candidates = [self._candidate(at, place) for at, place in moves]
        takes = [self._sweeps.notes(candidate.route).takes for candidate in candidates]
        keys = [
            (self._engine, candidate.gap, swept.crowd.stops[at].tobytes())
            for (at, _), candidate in zip(moves, candidates, strict=True)
        ]
        new = [n for n, (key, known) in enumerate(zip(keys, takes, strict=True)) if key not in known]
        changed = [
            rehearsed(
                candidates[n].route,
                candidates[n],
                swept.routes[swept.crowd.owner[moves[n][0]]].stop(self._index(moves[n][0])),
            )
            for n in new
        ]
        before = self._sweeps.judgements.of([candidates[n].route for n in new], self._now)
        for n, was, after in zip(new, before, judge(changed, self._now, world), strict=True):
            takes[n][keys[n]] = harmless(was, after, world.target, new=candidates[n].gap)
        return [known[key] for key, known in zip(keys, takes, strict=True)]


def unlikely(seconds: Floats) -> Floats:
    """What it counts in a ranking that a guess is over its bound, or near: guesses err."""
    return np.asarray(_UNLIKELY * np.maximum(seconds + GUESS_ERR, 0.0))


def doubt(slack: Floats) -> Floats:
    """What it counts in a ranking that a proof may fail, for so much slack."""
    return np.asarray(_DOUBT * np.maximum(_PROBABLE - slack, 0.0))
