"""Room made for one more stop: another stop goes to another van, the newcomer stands anywhere in its old one.

Asked only for windows in which nothing fits directly. The bounds of all gaps of a route without one of its
stops (`routing.relief`), and where that stop could go instead (`routing.leaving`), do not depend on who
comes: both are kept while the vans stay as they are. What is left for a search is a pass over the gaps near
the newcomer (`routing.vacancies`), roads for the few best, and proofs of these. Tried with them are places
that the screen refused by little, for which nobody has to leave. Every step has a cap, shared among the
windows: who asks for one alone has more tried. Weak point: one stop moves; chains of moves are left to the
improvement between bookings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.closed import narrowed_window
from chalicelib.routing.insertion import Candidate, Moved, Proof, rehearsed
from chalicelib.routing.leaving import GUESS_ERR, NEARBY, Leaving, Reach, doubt
from chalicelib.routing.model import NOBODY, Leg, TimeWindow, Visit
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import harmless, judge
from chalicelib.routing.schedule import Floats
from chalicelib.routing.sweeps import Indices, Sweeps, Swept, places_at
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.routing.vacancies import NOBODY_LEAVES, Pairs, Timed, Vacancies
from chalicelib.units import Seconds, Timestamp

LEAST_WINDOWS = 3  # who asks for fewer has no more tried for each: one slot costs a third of a day
MOST_WINDOWS = 48  # further ones are not tried: a month that is sold out costs no more than a week
DOUBTFUL: Seconds = 200  # by so much the screen is too strict, now and then

type Move = tuple[Candidate, Moved | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is tried, shared among the windows; `make bench ARGS=recall` shows what more of it finds.

    Attributes
    ----------
    gaps
        Gaps near the newcomer, each tried with every stop of its route that may leave.
    leaving
        Stops for which another van is sought, if that is not known yet.
    looked_up
        Moves that are looked up on roads.
    proven, first
        Moves that are proven, and those of one window that are before the others of it.
    reach
        How far another van is sought for one stop.
    """

    gaps: int = 192
    leaving: int = 128
    looked_up: int = 120
    proven: int = 48
    first: int = 2
    reach: Reach = NEARBY


ORDINARY = Effort()


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
        effort: Effort = ORDINARY,
    ) -> None:
        self._sweeps, self._swept, self._open = sweeps, swept, open_routes
        closed = sweeps.world.closed
        self._windows = [narrowed_window(window, closed) or window for window in windows[:MOST_WINDOWS]]
        self._visit, self._travel, self._now = visit, travel, now
        self._effort, self._unheard = effort, len(windows) - len(self._windows)
        self._vacancies = Vacancies(
            sweeps, swept, open_routes, visit, self._windows, travel, now, effort.gaps
        )
        self._leaving = Leaving(sweeps, swept, open_routes, plans, travel, now, effort.reach)

    def best(self) -> list[Proof | None]:
        """For each window the best of the moves tried that is proven; None if none holds.

        Best is little extra driving, and slack enough that the proof is likely. Cost: a pass over all gaps
        and some thousand pairs, two travel-time calls, two batches of proofs; where stops are asked for that
        were not since the plan changed, as much again for each few of them.
        """
        found: list[Proof | None] = [None] * len(self._windows)
        moves = self._moves()
        for most in (self._effort.first, None):
            tried = [
                (at, move)
                for at, ranked in enumerate(moves)
                if found[at] is None
                for move in islice(ranked, most)
            ]
            for (at, _), proof in zip(tried, self._prove([move for _, move in tried]), strict=True):
                if proof.holds and found[at] is None:
                    found[at] = proof
        return [*found, *[None] * self._unheard]

    def choices(self) -> list[Proof]:
        """Every proven move among those tried for the first window, the best first.

        Whoever leaves may have several places to go to.
        """
        proofs = self._prove(list(self._moves()[0]))
        return [choice for proof in proofs if proof.holds for choice in self._each(proof)]

    def _each(self, proof: Proof) -> Iterator[Proof]:
        """The same with every other place for the stop that leaves."""
        if proof.moved is None:
            yield proof
            return
        for home in self._leaving.homes(self._stop_of(proof.candidate.route, proof.moved.index)):
            yield replace(proof, moved=replace(proof.moved, to=home))

    # -- who leaves ---------------------------------------------------------------------------------

    def _share(self, most: int) -> int:
        """What one of the windows gets of a cap: of a few no more than of `LEAST_WINDOWS`."""
        return max(most // max(len(self._windows), LEAST_WINDOWS), 1)

    def _moves(self) -> list[Iterator[Move]]:
        """For each window the moves that pass the screen, the best first; each is built when it is wanted."""
        if not len(self._swept.crowd.stops):
            return [iter(()) for _ in self._windows]
        pairs, effort = self._vacancies.pairs(), self._effort
        guessed = self._vacancies.guessed(pairs)
        ranked = [self._ranked(guessed, window, -GUESS_ERR - DOUBTFUL) for window in self._windows]
        price_of = self._elsewhere(self._who(pairs, ranked))
        few = self._share(effort.looked_up)
        pairs = pairs[
            np.unique(
                np.concatenate(
                    [_best(order, price + price_of[pairs.leaving[order]], few) for order, price in ranked]
                )
            )
        ]
        timed = self._vacancies.on_roads(pairs)
        return [self._ranked_moves(pairs, timed, price_of, window) for window in self._windows]

    def _who(self, pairs: Pairs, ranked: Sequence[tuple[Indices, Floats]]) -> Indices:
        """For whom another van is sought: who makes room cheaply, and could go somewhere cheaply."""
        share = self._share(self._effort.leaving)
        firsts = [_firsts(pairs.leaving[order], 2 * share) for order, _ in ranked]
        who = np.unique(np.concatenate(firsts))
        elsewhere = np.full(len(self._swept.crowd.stops), np.inf)
        elsewhere[who] = self._leaving.guesses(who)
        asked = []
        for order, price in ranked:
            stops = pairs.leaving[order]
            total = np.where(stops == NOBODY_LEAVES, np.inf, price + elsewhere[stops])
            asked.append(_firsts(stops[_best(np.arange(len(order)), total, len(order))], share))
        return np.unique(np.concatenate(asked))

    def _elsewhere(self, who: Indices) -> Floats:
        """Seconds of driving for each stop in another van, infinite for all but these; last 0, for nobody.

        Others may be known from other searches: they are left out, so that the same state gives the same
        answer.
        """
        self._leaving.seek(who)
        price = np.full(len(self._swept.crowd.stops) + 1, np.inf)
        price[who], price[NOBODY_LEAVES] = self._leaving.price(who), 0.0
        return price

    def _ranked(self, timed: Timed, window: TimeWindow, least: Seconds) -> tuple[Indices, Floats]:
        """The pairs with that much slack, least extra driving and doubt first, and what these are."""
        slack = timed.slack(window)
        fit = np.flatnonzero(slack >= least)
        price = timed.extra[fit] + doubt(slack[fit])
        order = np.argsort(price, kind="stable")
        return fit[order], price[order]

    def _ranked_moves(
        self, pairs: Pairs, timed: Timed, price_of: Floats, window: TimeWindow
    ) -> Iterator[Move]:
        order, price = self._ranked(timed, window, -DOUBTFUL)
        slack = timed.slack(window)[order]
        again = (pairs.leaving[order] == NOBODY_LEAVES) & (slack >= 0)  # the direct search tried these
        order, price, slack = order[~again], price[~again], slack[~again]
        price = price + price_of[pairs.leaving[order]]
        for at in _best(np.arange(len(order)), price, self._share(self._effort.proven)).tolist():
            yield self._move(pairs, timed, int(order[at]), window, int(slack[at]))

    def _move(self, pairs: Pairs, timed: Timed, at: int, window: TimeWindow, slack: Seconds) -> Move:
        swept, leaving = self._swept, int(pairs.leaving[at])
        owner = int(swept.owner[pairs.begins[at]])
        candidate = Candidate(
            route=swept.routes[owner],
            gap=int(pairs.gap[at]),
            window=window,
            leg_in=int(timed.leg_in[at]),
            leg_out=int(timed.leg_out[at]),
            extra=round(timed.extra[at]),
            slack=slack,
        )
        if leaving == NOBODY_LEAVES:
            return candidate, None
        index = int(leaving - swept.crowd.first[owner])
        return candidate, Moved(index=index, to=self._leaving.home(leaving))

    # -- whether that holds -------------------------------------------------------------------------

    def _prove(self, moves: Sequence[Move]) -> list[Proof]:
        """Drive the newcomer's van through all scenarios, beside it as it is; the other was driven before."""
        exact = [self._exact(*move) for move in moves]
        after = judge([changed for _, changed in exact], self._now, self._sweeps.world)
        before = self._sweeps.judgements.of([candidate.route for candidate, _ in exact], self._now)
        proofs = list[Proof]()
        for (candidate, _), (_, moved), was, then in zip(exact, moves, before, after, strict=True):
            gone = None if moved is None else moved.index
            proofs.append(
                Proof(
                    candidate=candidate,
                    confidence=float(then.kept[candidate.gap]),
                    holds=harmless(was, then, self._sweeps.world.target, new=candidate.gap, gone=gone),
                    planned_at=round(then.start[candidate.gap]),
                    moved=moved,
                )
            )
        return proofs

    def _exact(self, candidate: Candidate, moved: Moved | None) -> tuple[Candidate, Route]:
        """A candidate with the way past the stop that leaves as roads have it, and the route as it would be.

        Legs in seconds only.
        """
        left = candidate.route
        if moved is not None:
            joint = 0
            if candidate.gap != moved.index:
                joint = self._joint(left, moved.index)
                guess = self._swept.crowd.joint[self._stop_of(left, moved.index)]
                candidate = replace(candidate, extra=round(candidate.extra + joint - guess))
            left = left.removed(moved.index, Leg(seconds=joint, metres=0))
        return candidate, rehearsed(left, candidate, self._visit.stop(NOBODY, candidate.window))

    def _joint(self, route: Route, index: int) -> Seconds:
        """Seconds past a stop, from the one before to the one behind it; asked for once."""
        known = self._sweeps.notes(route).joints
        key = (self._travel.name, self._travel.fingerprint), index
        if key not in known:
            before = self._swept.crowd.before[self._stop_of(route, index)]
            gaps = self._swept.gaps[before : before + 2]
            start, end = places_at(gaps[:1], "from"), places_at(gaps[1:], "to")
            known[key] = int(self._travel.from_one(start, end)[0])
        return known[key]

    def _stop_of(self, route: Route, index: int) -> int:
        """Which of all stops that one of a route is."""
        at = next(n for n, each in enumerate(self._swept.routes) if each is route)
        return int(self._swept.crowd.first[at] + index)


def _firsts(stops: Indices, most: int) -> Indices:
    """The first few of those who could leave, each once."""
    who, first = np.unique(stops[stops != NOBODY_LEAVES], return_index=True)
    return who[np.argsort(first)[:most]]


def _best(order: Indices, price: Floats, most: int) -> Indices:
    """The cheapest few, those that are possible."""
    cheapest = np.argsort(price, kind="stable")[:most]
    return order[cheapest[np.isfinite(price[cheapest])]]
