"""Room made for one more stop: another stop goes to another van, and the newcomer takes its place.

Asked only for windows in which nothing fits directly. If stop y between i and j left, a newcomer could start
anywhere between the departure from i and the latest arrival at j, which the sweeps know already; so all stops
are tried in one pass, as gaps are. For the best of them a gap of another van is screened for y, and both
changed routes are proven by the exact scenarios. Every step has a cap, shared among the windows: who asks for
one window alone has more tried. Weak point: y leaves its van, and the newcomer stands exactly where y stood;
chains of moves are left to the improvement between bookings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.closed import narrowed_window, windows_left
from chalicelib.routing.insertion import (
    SECONDS_PER_ROOT,
    Candidate,
    Moved,
    Proof,
    look_up,
    rehearsed,
    slack_of,
)
from chalicelib.routing.model import NO_LEG, NOBODY, StopFlag, StopKind, TimeWindow, Visit
from chalicelib.routing.packed import Route, joined, live
from chalicelib.routing.proof import harmless, judge
from chalicelib.routing.schedule import Floats
from chalicelib.routing.sweeps import Sweeps, Swept, on_sphere
from chalicelib.routing.travel_times import EARTH_RADIUS_METRES, Places, TravelTimes
from chalicelib.units import Seconds, Timestamp

MOST_OPENINGS = 192  # stops whose place is judged on roads for the newcomer, shared among the windows
MOST_LEAVING = 64  # of them those for which another van is sought
MOST_GAPS = 600  # gaps of other vans they are held against
MOST_MOVES = 48  # moves that are looked up on roads
MOST_PROVEN = 30  # moves that are proven
FIRST = 2  # of a window, before the others of it are tried
DESTINATIONS = 2  # of one stop
MOST_WINDOWS = 48  # further ones are not tried: a month that is sold out costs no more than a week
_SLACK: Seconds = 180  # a move with less of it between its bounds often fails its proof
_GUESS_ERR: Seconds = 180  # of a way as the crow flies, now and then
_UNLIKELY = 12  # seconds of driving that a second short of these counts in a ranking

type Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Leaving:
    """A stop that could make room for the newcomer in some window, and where it could go instead."""

    candidate: Candidate
    at: int


class Ejection:
    """One visit against all stops that could make room for it.

    Parameters
    ----------
    swept
        The routes, from `Sweeps.of`.
    open_routes
        Which of them may gain and lose stops: not withdrawn, not loaded yet.
    plans
        The plan of each route, as any number: a stop never leaves its own.
    windows
        The windows in which nothing fits directly.
    """

    def __init__(
        self,
        sweeps: Sweeps,
        swept: Swept,
        open_routes: NDArray[np.bool_],
        plans: NDArray[np.int64],
        visit: Visit,
        windows: Sequence[TimeWindow],
        travel: TravelTimes,
        now: Timestamp,
    ) -> None:
        self._sweeps, self._swept, self._open, self._plans = sweeps, swept, open_routes, plans
        closed = sweeps.world.closed
        self._windows = [narrowed_window(window, closed) or window for window in windows[:MOST_WINDOWS]]
        self._visit, self._travel, self._now = visit, travel, now
        self._unheard = len(windows) - len(self._windows)

    def best(self) -> list[Proof | None]:
        """For each window the best of the moves tried that is proven; None if none holds.

        Best is little extra driving, and slack enough that the proof is likely. Cost: a pass over all stops,
        two travel-time calls for `MOST_OPENINGS` places, `2 * MOST_MOVES` pairs of roads that are not known
        yet, and two batches of `MOST_PROVEN` proofs at most.
        """
        found: list[Proof | None] = [None] * len(self._windows)
        moves, most = self._moves(), max(MOST_PROVEN // len(self._windows), 1)
        for first, last in ((0, min(FIRST, most)), (FIRST, most)):
            tried = [
                (at, move)
                for at, ranked in enumerate(moves)
                if found[at] is None
                for move in ranked[first:last]
            ]
            for (at, _), proof in zip(tried, self._prove([move for _, move in tried]), strict=True):
                if proof.holds and found[at] is None:
                    found[at] = proof
        return [*found, *[None] * self._unheard]

    def choices(self) -> list[Proof]:
        """Every proven move among those tried for the first window, the best first."""
        return [proof for proof in self._prove(self._moves()[0][:MOST_PROVEN]) if proof.holds]

    # -- who could leave ----------------------------------------------------------------------------

    @cached_property
    def _stops(self) -> tuple[NDArray[np.void], Indices, Indices]:
        """All stops as closures leave their windows, the index of each one's route, and of the gap before."""
        routes = self._swept.routes
        count = np.array([len(route.stops) for route in routes], dtype=np.intp)
        stops = joined(route.stops for route in routes)
        closed = self._sweeps.world.closed
        stops["window_start"], stops["window_end"], _ = windows_left(stops, closed)
        owner = np.repeat(np.arange(len(routes)), count)
        return stops, owner, np.arange(len(stops)) + owner

    def _openings(self) -> Indices:
        """The stops in whose place the newcomer might stand, by slack and the straight line."""
        stops, owner, gap = self._stops
        swept, visit, clock = self._swept, self._visit, self._sweeps.world.clock
        skilled = swept.skilled(visit) & self._open
        may_leave = (
            skilled[owner]
            & live(stops, self._now)
            & (stops["kind"] != StopKind.DONE)
            & (stops["flags"] & StopFlag.PINNED == 0)
        )
        for dimension, (name, amount) in enumerate(
            (
                ("parcels", visit.load.parcels),
                ("grams", visit.load.grams),
                ("millilitres", visit.load.millilitres),
            )
        ):
            may_leave &= swept.free[owner, dimension] + stops[name] >= amount
        left = np.flatnonzero(may_leave)
        before, behind = gap[left], gap[left] + 1
        here = on_sphere(np.array(visit.location.lat), np.array(visit.location.lon))
        chord_in = _chords(swept.xyz[0][:, before], here)
        chord_out = _chords(swept.xyz[1][:, behind], here)
        fewest = EARTH_RADIUS_METRES / self._travel.fastest_metres_per_second
        spare = (
            swept.gaps["late_work"][behind]
            - swept.gaps["depart_work"][before]
            - visit.service_time * clock.slowest
        )
        soonest = swept.depart[before] + fewest / clock.fastest * chord_in
        latest = swept.late_waited[behind] - visit.service_time - fewest / clock.fastest * chord_out
        driving = SECONDS_PER_ROOT * (np.sqrt(chord_in) + np.sqrt(chord_out))
        saved = swept.gaps["leg"][before] + swept.gaps["leg"][behind]
        fits = fewest * (chord_in + chord_out) <= spare
        cost = driving - saved + _unlikely(driving - spare)
        share = max(MOST_OPENINGS // len(self._windows), 1)
        chosen = np.zeros(len(left), dtype=bool)
        for window in self._windows:
            usable = np.flatnonzero(fits & (soonest <= window.end) & (latest >= window.start))
            chosen[usable[np.argsort(cost[usable], kind="stable")[:share]]] = True
        return left[chosen]

    def _candidates(self) -> list[list[_Leaving]]:
        """For each window the places in which the roads let the newcomer stand, least extra driving first."""
        chosen = self._openings()
        if not len(chosen):
            return [[] for _ in self._windows]
        _, owner, gap = self._stops
        before, behind = gap[chosen], gap[chosen] + 1
        swept = self._swept
        gaps, after = swept.gaps[before], swept.gaps[behind]
        gaps["leg"] += after["leg"]
        for name in ("late_waited", "late_work", "late_waited_work", "to_lat", "to_lon", "to_node"):
            gaps[name] = after[name]
        routes = [swept.routes[at] for at in owner[chosen].tolist()]
        emptied = Swept.of(routes, gaps, [1] * len(routes), np.full((len(routes), 3), np.inf))
        here = look_up(emptied, np.arange(len(routes)), self._visit, self._travel, self._sweeps.world.clock)
        by_place = {
            (id(route), place): at
            for route, place, at in zip(routes, gaps["gap"].tolist(), chosen.tolist(), strict=True)
        }
        return [
            [
                _Leaving(candidate, by_place[id(candidate.route), candidate.gap])
                for candidate in here.candidates(window, MOST_OPENINGS)
            ]
            for window in self._windows
        ]

    # -- where they could go ------------------------------------------------------------------------

    def _moves(self) -> list[list[tuple[Candidate, Moved]]]:
        """For each window the moves that pass the screen, the best first."""
        share = max(MOST_LEAVING // len(self._windows), 1)
        leaving = [ranked[:share] for ranked in self._candidates()]
        stops = sorted({each.at for ranked in leaving for each in ranked})
        if not stops:
            return [[] for _ in self._windows]
        guesses = self._guessed(np.array(stops))
        few = max(MOST_MOVES // len(self._windows), 1)
        wanted = list[list[tuple[_Leaving, int]]]()
        for ranked in leaving:
            pairs = [
                (_price(each.candidate) + guess, each, gap)
                for each in ranked
                for guess, gap in guesses[each.at]
            ]
            pairs.sort(key=lambda pair: pair[0])
            wanted.append([(each, gap) for _, each, gap in pairs[:few]])
        screened = self._screened({(each.at, gap) for ranked in wanted for each, gap in ranked})
        moves = [
            [
                (each.candidate, Moved(index=each.candidate.gap, to=to))
                for each, gap in ranked
                if (to := screened.get((each.at, gap))) is not None
            ]
            for ranked in wanted
        ]
        for tried in moves:
            tried.sort(key=lambda move: _price(move[0]) + _price(move[1].to))
        return moves

    def _guessed(self, leaving: Indices) -> dict[int, list[tuple[float, int]]]:
        """For each stop the gaps of other vans that seem best: the driving they cost, about, and which."""
        stops, _, _ = self._stops
        swept, clock = self._swept, self._sweeps.world.clock
        rows = stops[leaving]
        service = rows["service_time"].astype(float)
        opens, closes = (rows[name].astype(float) for name in ("window_start", "window_end"))
        gaps = np.flatnonzero(
            self._open[swept.owner]
            & (swept.room >= service.min() * clock.slowest)
            & (swept.late_waited >= (opens + service).min())
            & (swept.depart <= closes.max())
        )
        if len(gaps) > MOST_GAPS:
            gaps = gaps[np.argpartition(-swept.room[gaps], MOST_GAPS)[:MOST_GAPS]]
        able = self._able(leaving)[:, swept.owner[gaps]]
        here = on_sphere(rows["lat"] / 1e6, rows["lon"] / 1e6)[:, :, None]
        chord_in, chord_out = (_chords(side[:, None, gaps], here) for side in swept.xyz)
        fewest = EARTH_RADIUS_METRES / self._travel.fastest_metres_per_second
        spare = swept.room[gaps] + swept.gaps["leg"][gaps] - service[:, None] * clock.slowest
        way_in, way_out = SECONDS_PER_ROOT * np.sqrt(chord_in), SECONDS_PER_ROOT * np.sqrt(chord_out)
        soonest = swept.depart[gaps] + fewest / clock.fastest * chord_in
        latest = swept.late_waited[gaps] - service[:, None] - fewest / clock.fastest * chord_out
        able &= fewest * (chord_in + chord_out) <= spare
        able &= (soonest <= closes[:, None]) & (latest >= opens[:, None])
        cost = way_in + way_out - swept.gaps["leg"][gaps]
        cost += _unlikely(way_in + way_out - spare)
        cost += _unlikely(swept.depart[gaps] + way_in - closes[:, None])
        cost += _unlikely(opens[:, None] - (swept.late_waited[gaps] - service[:, None] - way_out))
        cost[~able] = np.inf
        best = np.argsort(cost, axis=1, kind="stable")[:, :DESTINATIONS]
        return {
            at: [(float(cost[row, gap]), int(gaps[gap])) for gap in best[row].tolist() if able[row, gap]]
            for row, at in enumerate(leaving.tolist())
        }

    def _able(self, leaving: Indices) -> NDArray[np.bool_]:
        """Which route may take which stop: another of its plan, with skills and room, loaded late enough."""
        stops, owners, gaps = self._stops
        swept = self._swept
        rows, owner = stops[leaving], owners[leaving]
        loads_at = np.array([route.shift.loads_at for route in swept.routes])
        able = (self._plans[owner][:, None] == self._plans) & self._open
        able[np.arange(len(leaving)), owner] = False
        able &= loads_at >= np.where(rows["kind"] == StopKind.HELD, rows["expires_at"], 0)[:, None]
        for dimension, name in enumerate(("parcels", "grams", "millilitres")):
            able &= swept.free[:, dimension] >= rows[name][:, None]
        for row in np.flatnonzero(rows["skills"]).tolist():
            gap = gaps[leaving[row]]
            skills = swept.routes[owner[row]].stop(int(swept.gaps["gap"][gap])).skills
            able[row] &= [skills <= route.shift.skills for route in swept.routes]
        return np.asarray(able)

    def _screened(self, moves: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Candidate]:
        """The moves that the roads and the tightened bounds allow, of a stop into a gap."""
        tried = sorted(moves)
        if not tried:
            return {}
        stops, _, _ = self._stops
        swept, clock = self._swept, self._sweeps.world.clock
        rows = stops[[at for at, _ in tried]]
        gaps = swept.gaps[[gap for _, gap in tried]]
        leg_in, leg_out = self._ways(rows, gaps, [swept.owner[gap] for _, gap in tried])
        earliest = clock.clock(gaps["depart_work"] + leg_in)
        latest, latest_waited = (
            clock.clock(gaps[name] - leg_out) - rows["service_time"]
            for name in ("late_work", "late_waited_work")
        )
        opens, closes = (rows[name].astype(float) for name in ("window_start", "window_end"))
        slack = slack_of(earliest, earliest + gaps["margin"], latest, latest_waited, opens, closes)
        return {
            tried[at]: Candidate(
                route=swept.routes[swept.owner[tried[at][1]]],
                gap=int(gaps["gap"][at]),
                window=TimeWindow(start=int(rows["window_start"][at]), end=int(rows["window_end"][at])),
                leg_in=int(leg_in[at]),
                leg_out=int(leg_out[at]),
                extra=int(leg_in[at] + leg_out[at] - gaps["leg"][at]),
                slack=int(slack[at]),
            )
            for at in np.flatnonzero(slack >= 0).tolist()
        }

    def _ways(self, rows: NDArray[np.void], gaps: NDArray[np.void], owner: Sequence[int]) -> Floats:
        """Seconds from where each gap begins to its stop, and on to where it ends; asked for once."""
        known = [self._sweeps.ways(self._swept.routes[at]) for at in owner]
        places = rows[["lat", "lon", "node"]].tolist()
        keys = [
            (self._travel.fingerprint, gap, *place)
            for gap, place in zip(gaps["gap"].tolist(), places, strict=True)
        ]
        new = np.flatnonzero([key not in ways for key, ways in zip(keys, known, strict=True)])
        if len(new):
            here = Places.of_arrays(
                lat=rows["lat"][new] / 1e6, lon=rows["lon"][new] / 1e6, node=rows["node"][new]
            )
            start, end = (
                Places.of_arrays(
                    lat=gaps[f"{side}_lat"][new],
                    lon=gaps[f"{side}_lon"][new],
                    node=gaps[f"{side}_node"][new],
                )
                for side in ("from", "to")
            )
            seconds, _ = self._travel.pairs(Places.concat([start, here]), Places.concat([here, end]))
            for at, leg_in, leg_out in zip(
                new.tolist(), seconds[: len(new)].tolist(), seconds[len(new) :].tolist(), strict=True
            ):
                known[at][keys[at]] = leg_in, leg_out
        return np.array([ways[key] for key, ways in zip(keys, known, strict=True)], dtype=float).T

    # -- whether that holds -------------------------------------------------------------------------

    def _prove(self, moves: Sequence[tuple[Candidate, Moved]]) -> list[Proof]:
        """Drive both routes of each move through all scenarios, beside them as they are."""
        target = self._sweeps.world.target
        after = judge(
            [route for move in moves for route in self._changed(*move)], self._now, self._sweeps.world
        )
        proofs = list[Proof]()
        for number, (candidate, moved) in enumerate(moves):
            here, there = after[2 * number : 2 * number + 2]
            was = self._sweeps.judgements.of([candidate.route, moved.to.route], self._now)
            proofs.append(
                Proof(
                    candidate=candidate,
                    confidence=float(here.kept[candidate.gap]),
                    holds=harmless(was[0], here, target, new=candidate.gap, gone=moved.index)
                    and harmless(was[1], there, target, new=moved.to.gap),
                    planned_at=round(here.start[candidate.gap]),
                    moved=moved,
                )
            )
        return proofs

    def _changed(self, candidate: Candidate, moved: Moved) -> tuple[Route, Route]:
        """The two routes as they would be; legs in seconds only."""
        leaving = candidate.route.stop(moved.index)
        newcomer = self._visit.stop(NOBODY, candidate.window)
        return (
            rehearsed(candidate.route.removed(moved.index, NO_LEG), candidate, newcomer),
            rehearsed(moved.to.route, moved.to, leaving),
        )


def _price(candidate: Candidate) -> float:
    """The driving it adds, and what it counts that its proof may fail."""
    return candidate.extra + _UNLIKELY * max(_SLACK - candidate.slack, 0)


def _chords(places: Floats, here: Floats) -> Floats:
    """Straight lines through the globe, as shares of its radius."""
    x, y, z = (side - one for side, one in zip(places, here, strict=True))
    return np.asarray(np.sqrt(x * x + y * y + z * z))


def _unlikely(seconds: Floats) -> Floats:
    """What it counts in a ranking that a guess is over its bound, or near: guesses err."""
    return _UNLIKELY * np.maximum(seconds + _GUESS_ERR, 0.0)
