"""Where one more stop fits: every gap of every route judged at once, then proven.

For a new stop x in the gap i→j the two sweeps bound the start of service: A = departure from i + t(i,x) and
B = latest arrival at j - t(x,j) - service. A window [o, c] fits exactly when A <= B, A <= c and o <= B, so
one pass over the gaps answers all windows (Savelsbergh 1992; Campbell and Savelsbergh 2004). The bounds are
tightened by what the noise is expected to take (`routing.spread`), which makes the pass a *screen*; the best
few candidates of each window are then *proven* (`routing.proof`), and only that makes an offer. Slack is
tested before any road is asked. Weak point: only direct insertion; who makes room is `ejection`'s part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.closed import narrowed_window
from chalicelib.routing.model import NOBODY, Leg, Stop, TimeWindow, Visit
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import harmless, judge
from chalicelib.routing.schedule import Floats
from chalicelib.routing.sweeps import SECONDS_PER_ROOT, Sweeps, Swept, chords, on_sphere, places_at
from chalicelib.routing.travel_times import EARTH_RADIUS_METRES, Places, TravelTimes, WorkClock
from chalicelib.units import Probability, Seconds, Timestamp

NEAREST = 600  # gaps whose roads are looked up, shared among the windows
LEAST_NEAREST = 48  # of one window
ROUNDS = (1, 11)  # candidates of a window proven in each round, until one holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A gap in which a window may fit: found by the screen, not proven.

    Attributes
    ----------
    slack
        Seconds left between the screen's bounds: the fewer, the less likely the proof.
    """

    route: Route
    gap: int
    window: TimeWindow
    leg_in: Seconds
    leg_out: Seconds
    extra: Seconds
    slack: Seconds = 0


@dataclass(frozen=True, slots=True)
class Gaps:
    """The gaps a visit could still use, least extra driving first, and what the roads say of them.

    Attributes
    ----------
    earliest, latest
        A and B of the module's docstring, in seconds since the epoch.
    latest_waited
        B for a van that has to wait until the window opens.
    surely
        A with the screen's margin: what must lie within the window.
    owner
        Index of each gap's route.
    """

    routes: Sequence[Route]
    owner: NDArray[np.intp]
    gap: NDArray[np.int64]
    leg_in: Floats
    leg_out: Floats
    extra: Floats
    earliest: Floats
    latest: Floats
    latest_waited: Floats
    surely: Floats

    def candidates(self, window: TimeWindow, most: int) -> list[Candidate]:
        """The gaps in which this window fits, least extra driving first, at most `most`."""
        slack = slack_of(
            self.earliest, self.surely, self.latest, self.latest_waited, window.start, window.end
        )
        fit = np.flatnonzero(slack >= 0)
        return [
            Candidate(
                route=self.routes[self.owner[at]],
                gap=int(self.gap[at]),
                window=window,
                leg_in=int(self.leg_in[at]),
                leg_out=int(self.leg_out[at]),
                extra=int(self.extra[at]),
                slack=int(slack[at]),
            )
            for at in fit[:most].tolist()
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A stop that makes room: it leaves its place in the candidate's route for a gap of another.

    Attributes
    ----------
    index
        Its place in the route it leaves.
    """

    index: int
    to: Candidate


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
    moved
        Who has to make room first (`routing.ejection`); the candidate's gap counts without that stop.
    """

    candidate: Candidate
    confidence: Probability
    holds: bool
    planned_at: Timestamp
    moved: Moved | None = None

    @property
    def extra(self) -> Seconds:
        """Added driving, that of a stop which makes room included."""
        return self.candidate.extra + (self.moved.to.extra if self.moved else 0)


@dataclass(frozen=True, slots=True)
class _Left:
    """The gaps that pruning left, by what is known of them without roads.

    Attributes
    ----------
    gap
        Index among the swept gaps.
    soonest, latest
        No service starts earlier or later.
    guess
        About how much driving it would cost.
    surplus
        Seconds of driving it could bear beyond the guess.
    """

    gap: NDArray[np.intp]
    soonest: Floats
    latest: Floats
    guess: Floats
    surplus: Floats

    def near(self, windows: Sequence[TimeWindow], most: int) -> NDArray[np.intp]:
        """The most promising of each window: three quarters seem cheap, a quarter have the most time.

        The latter find the idle van far away when all vans close by are full.
        """
        if len(self.gap) <= most:
            return self.gap
        share = max(LEAST_NEAREST * most // NEAREST, most // len(windows), 1)
        near = np.zeros(len(self.gap), dtype=bool)
        for window in windows:
            usable = np.flatnonzero((self.soonest <= window.end) & (self.latest >= window.start))
            near[_least(self.guess, usable, share - share // 4)] = True
            near[_least(-self.surplus, usable, share // 4)] = True
        return self.gap[near]


def _least(values: Floats, among: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    if len(among) <= most:
        return among
    return among[np.argpartition(values[among], most)[:most]]


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
        closed = sweeps.world.closed
        self._windows = [narrowed_window(window, closed) or window for window in windows]
        self._travel, self._now = travel, now
        self._left = self._prune(allowed)

    def _prune(self, allowed: NDArray[np.bool_]) -> _Left:
        """Gaps that slack and the straight line leave. Exact: none is lost."""
        swept, service = self._swept, self._visit.service_time
        opens = min(window.start for window in self._windows)
        closes = max(window.end for window in self._windows)
        clock = self._sweeps.world.clock
        spare = swept.room - service * clock.slowest
        alive = (spare >= 0) & (swept.late_waited >= opens + service) & (swept.depart <= closes)
        if not allowed.all():
            alive &= allowed[swept.owner]
        left = np.flatnonzero(alive)
        here = on_sphere(np.array(self._visit.location.lat), np.array(self._visit.location.lon))
        fewest = EARTH_RADIUS_METRES / self._travel.fastest_metres_per_second
        chord_in, chord_out = (chords(side[:, left], here) for side in swept.xyz)
        leg = swept.gaps["leg"][left]
        by_clock = fewest / clock.fastest
        soonest = swept.depart[left] + by_clock * chord_in
        latest = swept.late_waited[left] - service - by_clock * chord_out
        fits = (
            (fewest * (chord_in + chord_out) - leg <= spare[left]) & (soonest <= closes) & (latest >= opens)
        )
        near = np.flatnonzero(fits)
        guess = SECONDS_PER_ROOT * (np.sqrt(chord_in[near]) + np.sqrt(chord_out[near])) - leg[near]
        return _Left(left[near], soonest[near], latest[near], guess, spare[left[near]] - guess)

    def best(self) -> list[Proof | None]:
        """For each window the proven candidate with least extra driving; None where none can be proven.

        Cost: O(gaps) array work, two travel-time calls for about `NEAREST` gaps (fewer where the engine says
        so), and `sum(ROUNDS)` proofs a window at most. On sold-out days of 200 vans that shortlist found
        every window that looking up all gaps and proving six times as many candidates found.
        """
        return self._proven(self._look_up(self._near(self._windows)))

    def choices(self, at: int = 0) -> list[Proof]:
        """Every proven candidate among the best of one window, least extra driving first.

        For writers that meet others at the same gap: the next best is as good a promise.
        """
        window = self._windows[at]
        ranked = self._look_up(self._near([window])).candidates(window, sum(ROUNDS))
        return [proof for proof in self.prove(ranked) if proof.holds]

    def _near(self, windows: Sequence[TimeWindow]) -> NDArray[np.intp]:
        return self._left.near(windows, min(NEAREST, self._travel.most_places))

    def look_up(self) -> Gaps:
        """Every gap that is left, with its roads."""
        return self._look_up(self._left.gap)

    def _look_up(self, chosen: NDArray[np.intp]) -> Gaps:
        return look_up(self._swept, chosen, self._visit, self._travel, self._sweeps.world.clock)

    def _proven(self, gaps: Gaps) -> list[Proof | None]:
        found: list[Proof | None] = [None] * len(self._windows)
        ranked = [gaps.candidates(window, sum(ROUNDS)) for window in self._windows]
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
        after = judge([self._with_visit(candidate) for candidate in candidates], self._now, world)
        # A route in which everything is kept needs no comparison with what it was.
        sound = [judged.sound(world.target) for judged in after]
        doubtful = [candidate.route for candidate, good in zip(candidates, sound, strict=True) if not good]
        before = dict(zip(doubtful, self._sweeps.judgements.of(doubtful, self._now), strict=True))
        return [
            Proof(
                candidate=candidate,
                confidence=float(new.kept[candidate.gap]),
                holds=good or harmless(before[candidate.route], new, world.target, new=candidate.gap),
                planned_at=round(new.start[candidate.gap]),
            )
            for candidate, new, good in zip(candidates, after, sound, strict=True)
        ]

    def _with_visit(self, candidate: Candidate) -> Route:
        stop = self._visit.stop(NOBODY, candidate.window)
        return rehearsed(candidate.route, candidate, stop)


def slack_of(
    earliest: Floats,
    surely: Floats,
    latest: Floats,
    latest_waited: Floats,
    opens: Timestamp | Floats,
    closes: Timestamp | Floats,
) -> Floats:
    """Seconds between the bounds of a start of service within a window; negative where it does not fit."""
    return np.minimum(np.minimum(closes - surely, latest - earliest), latest_waited - opens)


def look_up(
    swept: Swept, chosen: NDArray[np.intp], visit: Visit, travel: TravelTimes, clock: WorkClock
) -> Gaps:
    """Ask the roads what a visit would cost in some of the gaps, and when it could start there."""
    kept = swept.gaps[chosen]
    x = Places.of([visit.location], [visit.node])
    leg_in = travel.to_one(places_at(kept, "from"), x).astype(float)
    leg_out = travel.from_one(x, places_at(kept, "to")).astype(float)
    extra = leg_in + leg_out - kept["leg"]
    rank = np.argsort(extra, kind="stable")
    kept, leg_in, leg_out = kept[rank], leg_in[rank], leg_out[rank]
    earliest = clock.clock(kept["depart_work"] + leg_in)
    service = visit.service_time
    return Gaps(
        routes=swept.routes,
        owner=swept.owner[chosen[rank]],
        gap=kept["gap"],
        leg_in=leg_in,
        leg_out=leg_out,
        extra=extra[rank],
        earliest=earliest,
        latest=clock.clock(kept["late_work"] - leg_out) - service,
        latest_waited=clock.clock(kept["late_waited_work"] - leg_out) - service,
        surely=earliest + kept["margin"],
    )


def rehearsed(route: Route, candidate: Candidate, stop: Stop) -> Route:
    """The route as it would be with a stop where its candidate says; legs in seconds only."""
    leg_in, leg_out = (Leg(seconds=seconds, metres=0) for seconds in (candidate.leg_in, candidate.leg_out))
    return route.inserted(candidate.gap, stop, leg_in, leg_out)
