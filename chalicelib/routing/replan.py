"""From a solver's proposal to a change that may be committed: rebuilt on real legs, judged, or refused.

A solver knows windows only, so each ends as much earlier as luck needs there: by what the scenarios say of
stops that are reached at that time of day. Who is wronged all the same gets the best place that is left, its
window is tightened by its own measure, and the solver goes on from there within the budget. It would leave
behind whoever is not sure to be kept; so what is stranded is handed out first, and what is left of it after
each proposal (`routing.fetching`). Routes that exchange stops are one change; each stands or falls by itself,
and none is made unless it is better and wrongs nobody (`routing.objective`). Weak point: a reserve is that of
the neighbours in time, not its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.change import Change, change_between, components
from chalicelib.routing.edit import inserted, left_over, reordered
from chalicelib.routing.fetching import Fetching
from chalicelib.routing.model import Stop
from chalicelib.routing.objective import Circumstances, OnTheRoad, Promises, Seen, promises
from chalicelib.routing.optimiser import Budget, Engine, EngineFailed, engine_for
from chalicelib.routing.optimiser.pose import Posed, pose
from chalicelib.routing.optimiser.problem import Orders, Problem
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import surely_reached
from chalicelib.routing.sweeps import Sweeps
from chalicelib.units import Seconds

SHARES = (0.4, 0.5, 0.6, 1.0)  # of what is left of the budget, for each time the solver is asked
_FETCHING = 0.5  # of the budget, at most, before a solver is asked
_LIKELY = 8  # ways to fetch one more stop that are judged properly
_CAUTION = 75  # percent of them that it has to do for
_MORE_CAUTION = 15  # percent, after each proposal that could not be mended
_A_FEW = 12  # wronged stops that are worth a search each
_ALIKE = 12  # stops reached at about the same time, whose reserve is taken for a window's


@dataclass(frozen=True, slots=True, kw_only=True)
class Replan:
    """What came of looking at some routes.

    Attributes
    ----------
    unchanged
        Why nothing changes; empty if something does.
    refused
        What a solver proposed and was not done, whatever else was.
    """

    changes: tuple[Change, ...]
    promises_before: Promises
    promises_after: Promises
    unchanged: str = ""
    refused: tuple[str, ...] = ()

    @property
    def seconds_saved(self) -> Seconds:
        """Seconds of driving less than before."""
        return sum(change.seconds_saved for change in self.changes)


def replan(
    routes: Sequence[Route],
    waiting: Route | None,
    circumstances: Circumstances,
    budget: Budget,
    *,
    stranded: Sequence[Route] = (),
    engine: Engine | None = None,
) -> Replan:
    """Improve a few routes of one plan together.

    Parameters
    ----------
    routes
        Of vans; few enough for the budget, see `neighbourhoods`. Their nodes are the engine's.
    waiting
        The plan's unassigned route, whose stops are the first to find a place.
    stranded
        Of vans that broke down: what is on board, for the others to fetch.
    engine
        The solver; chosen by the kind of problem unless given.

    Returns
    -------
    Changes of which each is better than what it replaces and wrongs nobody, in any order; what a solver
    proposes beyond that is refused and named. On the road promises are weighed: see `Circumstances.pays`.
    """
    nobodys = [waiting] if waiting is not None else []
    posed = pose(routes, nobodys, circumstances, stranded=stranded)
    if circumstances.on_road is not None:
        circumstances = replace(circumstances, on_road=_as_posed(posed, stranded))
    attempt = _Attempt(posed, [*nobodys, *stranded], circumstances)
    if not posed.problem.vans:
        attempt.refuse("no van is left to come")
        return attempt.result()
    if posed.problem.meetings:
        attempt.fetch(budget.share(_FETCHING * budget.left))
    for share in SHARES:
        if budget.left <= 0 or not posed.problem.tasks or attempt.is_settled():
            break
        problem = attempt.problem()
        solver = engine or engine_for(problem)
        try:
            orders = solver.improve(problem, budget.share(share * budget.left))
        except EngineFailed as failed:
            attempt.refuse(str(failed))
            if circumstances.on_road is None:
                break
            continue  # the next question is another one
        if not attempt.take(problem, orders, budget):
            break
    return attempt.result()


def _as_posed(posed: Posed, stranded: Sequence[Route]) -> OnTheRoad:
    """What stays first, and what may be fetched, as it was before anything changes."""
    heads = zip(posed.routes, posed.leading, strict=True)
    return OnTheRoad(
        towards={route.shift.shift_id: head for route, head in heads},
        aboard=frozenset(stop_id for route in stranded for stop_id in route.stops["stop_id"].tolist()),
    )


class _Rescue(Enum):
    """How a solver is asked to save what is not kept."""

    HARD = auto()  # is there a way to keep everything?
    FEWEST = auto()  # how many can be kept? who cannot comes where that harms least
    SOFT = auto()  # how little lateness is there to be borne?
    FETCH_ANEW = auto()  # how much of what is stranded can be kept, at nobody's cost?
    FETCH = auto()  # how much more, from the best that is known?
    FETCH_LATE = auto()  # what of the rest can still be brought, at nobody's cost?


_BOOKED = (_Rescue.HARD, _Rescue.HARD, _Rescue.SOFT)
_ON_ROAD = (_Rescue.HARD, _Rescue.FEWEST, _Rescue.SOFT)
_STRANDED = (_Rescue.FETCH_ANEW, _Rescue.FETCH, _Rescue.FETCH_LATE)


def _questions(posed: Posed, circumstances: Circumstances) -> tuple[_Rescue, ...]:
    if circumstances.on_road is None:
        return _BOOKED
    return _STRANDED if posed.problem.meetings else _ON_ROAD


class _Attempt:
    """The best so far, and what was learned of the proposals that failed."""

    def __init__(self, posed: Posed, nobodys: Sequence[Route], circumstances: Circumstances) -> None:
        self._posed, self._circumstances = posed, circumstances
        self._before = circumstances.see([*posed.routes, *nobodys])
        self._best, self._orders = list(self._before), posed.problem.orders
        self._start = self._orders
        self._reserves = _Reserves(posed)
        self._reserves.learn(self._orders, self._reached(self._best))
        self._why: dict[str, None] = {}
        self._sweeps = Sweeps(circumstances.world)
        self._rescues = list(_questions(posed, circumstances))
        self._fetching = Fetching(posed, self._reserves.slip)

    def problem(self) -> Problem:
        """The problem with windows as they must be kept, to go on from the last proposal.

        What is too late already may stay so; but first it is asked whether everything could be kept, on the
        road then how much, and last for as little lateness as can be.
        """
        kept = self._reserves.applied(self._orders)
        if not (self._rescues and self._trouble()):
            return kept.going_on_from(self._start)
        rescue, tight = self._rescues.pop(0), self._reserves.applied(())
        match rescue:
            case _Rescue.HARD:
                return tight.going_on_from(self._start)
            case _Rescue.FEWEST:
                return tight.going_on_from(self._orders).optional()
            case _Rescue.SOFT:
                return replace(tight.going_on_from(self._orders), soft=True)
            case _Rescue.FETCH_ANEW:
                anew = self._posed.problem.orders
                return self._reserves.applied(anew).going_on_from(anew)
            case _Rescue.FETCH:
                return kept.going_on_from(self._orders)
            case _Rescue.FETCH_LATE:
                return kept.going_on_from(self._orders).at_any_time()

    def _trouble(self) -> bool:
        """Whether a van has a stop that it does not keep well enough, or nobody fetches what is stranded."""
        driven = self._circumstances.worth([seen for seen in self._best if seen.judged is not None])
        left = self._posed.problem.meetings and any(
            len(seen.route.stops) for seen in self._best if seen.judged is None
        )
        return driven.late > 0 or driven.doubt > 0 or bool(left)

    def is_settled(self) -> bool:
        """Whether there is nothing left to do: on the road nobody drives another way to save a minute."""
        return self._circumstances.on_road is not None and not self._trouble()

    def fetch(self, budget: Budget) -> None:
        """Have fetched what is stranded, as far as it goes without turning any order around."""
        self._adopt(*self._topped_up(self._best, self._orders, budget))

    def _topped_up(self, plan: Sequence[Seen], orders: Orders, budget: Budget) -> tuple[list[Seen], Orders]:
        """Fetch one more stop, and one more, as long as that is better than leaving it where it is."""
        vans, plan = len(self._posed.routes), list(plan)
        if not self._posed.problem.meetings:
            return plan, orders
        worth = self._circumstances.worth(plan)
        while budget.left > 0:
            fetches = self._fetching.best(orders, _LIKELY)
            routes = [
                reordered(
                    self._posed.routes[each.van],
                    self._posed.stops_of(each.van, each.order),
                    self._circumstances.travel,
                )
                for each in fetches
            ]
            best = None
            for each, seen in zip(fetches, self._circumstances.see(routes), strict=True):
                with_it = tuple(each.order if van == each.van else order for van, order in enumerate(orders))
                tried = [*plan[: each.van], seen, *plan[each.van + 1 : vans], *self._left(with_it)]
                gain = self._circumstances.worth(tried)
                if gain < worth:
                    worth, best = gain, (tried, with_it)
            if best is None:
                break
            plan, orders = best
        return plan, orders

    def refuse(self, why: str) -> None:
        """Remember why something stayed as it was."""
        self._why[why] = None

    def take(self, problem: Problem, orders: Orders, budget: Budget) -> bool:
        """Adopt what is good of a proposal; False if it is nonsense: the solver is not worth asking again."""
        fault = problem.fault_of(orders)
        if fault:
            self.refuse(f"the solver's answer has {fault}")
            return False
        orders = self._posed.problem.completed(orders)
        proposed, orders = self._topped_up(self._seen(orders), orders, budget)
        wrongs = self._adopt(proposed, orders)
        # Where it found no way out from its own last proposal it starts from what is good.
        self._start = orders if orders != self._start else self._orders
        self._reserves.learn(orders, self._reached(proposed), wrongs)
        if wrongs:
            mended = self._mended(proposed, orders, wrongs)
            if mended is not None and not self._adopt(self._seen(mended), mended):
                self._start = mended
            else:
                self._reserves.grow()
        return True

    def _mended(
        self, proposed: Sequence[Seen], orders: Orders, wrongs: Mapping[int, Sequence[int]]
    ) -> Orders | None:
        """Give the stops that were wronged the best place that wrongs nobody; None if there is none."""
        loose = {number for van, places in wrongs.items() for number in self._loose(van, orders, places)}
        if len(loose) > _A_FEW:
            return None
        kept = [tuple(number for number in order if number not in loose) for order in orders]
        routes = [
            proposed[van].route
            if kept[van] == order
            else reordered(
                self._posed.routes[van], self._posed.stops_of(van, kept[van]), self._circumstances.travel
            )
            for van, order in enumerate(orders)
        ]
        for number in sorted(loose):
            stop = self._stop(number)
            able = [number in van.takes for van in self._posed.problem.vans]
            found = inserted(
                stop, routes, able, self._sweeps, self._circumstances.travel, self._circumstances.now
            )
            if found is None:
                return None
            van, routes[van] = found
        known = {task.stop_id: number for number, task in enumerate(self._posed.problem.tasks)}
        return tuple(
            tuple(known[stop_id] for stop_id in route.stops["stop_id"].tolist()[head:] if stop_id in known)
            for route, head in zip(routes, self._posed.leading, strict=True)
        )

    def _loose(self, van: int, orders: Orders, places: Sequence[int]) -> list[int]:
        """The tasks at these places; for a van that comes home late the one that costs most driving."""
        order, problem = orders[van], self._posed.problem
        head = self._posed.leading[van]
        found = [order[place - head] for place in places if place - head < len(order)]
        if len(found) < len(places) and order:
            found.append(max(order, key=lambda number: problem.detour(van, order, number)))
        return found

    def _stop(self, number: int) -> Stop:
        route, index = self._posed.sources[number]
        return route.stop(index)

    def _seen(self, orders: Orders) -> list[Seen]:
        """The routes of a proposal on real legs; where an order is what it was, the very same object."""
        vans = len(self._posed.routes)
        routes = [seen.route for seen in self._best]
        for van, order in enumerate(orders):
            if order != self._orders[van]:
                stops = self._posed.stops_of(van, order)
                routes[van] = reordered(self._posed.routes[van], stops, self._circumstances.travel)
        changed = [van for van in range(vans) if routes[van] is not self._best[van].route]
        fresh = dict(zip(changed, self._circumstances.see([routes[van] for van in changed]), strict=True))
        return [*(fresh.get(van, self._best[van]) for van in range(vans)), *self._left(orders)]

    def _left(self, orders: Orders) -> list[Seen]:
        """What nobody has if vans drive these orders."""
        placed = {self._posed.problem.tasks[number].stop_id for order in orders for number in order}
        nobodys = self._before[len(self._posed.routes) :]
        return [Seen(left_over(seen.route, placed), None) for seen in nobodys]

    def _reached(self, plan: Sequence[Seen]) -> list[NDArray[np.float64]]:
        routes = [seen.route for seen in plan if seen.judged is not None]
        return surely_reached(routes, self._circumstances.now, self._circumstances.world)

    def _adopt(self, proposed: Sequence[Seen], orders: Orders) -> dict[int, list[int]]:
        """Put every good component of a proposal into the best so far; says who was wronged elsewhere."""
        wrongs: dict[int, list[int]] = {}
        best, best_orders = list(self._best), list(self._orders)
        for members in components(self._best, proposed, self._circumstances.now):
            old = [self._best[at] for at in members]
            new = [proposed[at] for at in members]
            found = self._circumstances.wronged(old, new)
            wrongs |= {members[at]: places for at, places in found.items()}
            if found:
                self.refuse("it would have endangered a promise")
            elif rule := self._circumstances.broken_rule(old, new):
                self.refuse(rule)
            elif self._circumstances.worth(new) < self._circumstances.worth(old):
                for at in members:
                    best[at] = proposed[at]
                    if at < len(orders):
                        best_orders[at] = orders[at]
        self._best, self._orders = best, tuple(best_orders)
        return wrongs

    def result(self) -> Replan:
        """The changes between what was and the best."""
        now, target = self._circumstances.now, self._circumstances.world.target
        after = list(self._before)
        changes = []
        for members in components(self._before, self._best, now):
            change = change_between(
                [self._before[at] for at in members], [self._best[at] for at in members], self._circumstances
            )
            if self._circumstances.pays(change.worth_before, change.worth_after):
                changes.append(change)
                for at in members:
                    after[at] = self._best[at]
        why = "; ".join(self._why) or "nothing better was found"
        return Replan(
            changes=tuple(changes),
            promises_before=promises(self._before, now, target),
            promises_after=promises(after, now, target),
            unchanged="" if changes else why,
            refused=tuple(self._why),
        )


class _Reserves:
    """By how much earlier windows must end for a solver that knows of no luck, nor of breaks."""

    def __init__(self, posed: Posed) -> None:
        self._posed = posed
        self._at = np.zeros(0)
        self._slip = np.zeros(0)
        self._own: dict[int, Seconds] = {}
        self._of_van: dict[int, Seconds] = {}
        self._caution = _CAUTION

    def learn(
        self,
        orders: Orders,
        reached: Sequence[NDArray[np.float64]],
        wrongs: Mapping[int, Sequence[int]] | None = None,
    ) -> None:
        """Compare when places are surely reached with when the matrix says so.

        Parameters
        ----------
        wrongs
            By van the places of its route for which this was not enough.
        """
        at, slip = [], []
        for van, order in enumerate(orders):
            head = self._posed.leading[van]
            planned = self._posed.problem.arrivals(van, order)
            surely = (reached[van][head:] - self._posed.origin).tolist()
            if not order or len(surely) != len(planned):
                continue
            at += planned
            slip += [late - plan for late, plan in zip(surely, planned, strict=True)]
            for place in (wrongs or {}).get(van, ()):
                needed = int(surely[place - head] - planned[place - head]) + 1
                if place - head < len(order):
                    self._own[order[place - head]] = needed
                else:
                    self._of_van[van] = needed
        rank = np.argsort(at, kind="stable")
        if len(rank):
            self._at, self._slip = np.array(at, dtype=float)[rank], np.array(slip)[rank]

    def grow(self) -> None:
        """Be more cautious: what was asked for was not enough."""
        self._caution = min(self._caution + _MORE_CAUTION, 100)

    def applied(self, orders: Orders) -> Problem:
        """The problem with earlier ends, but none so early that the present orders would break it."""
        problem = self._posed.problem
        closes = [
            task.closes - max(self._usual(task.closes), self._own.get(number, 0))
            for number, task in enumerate(problem.tasks)
        ]
        ends = [
            van.ends - max(self._usual(van.ends), self._of_van.get(at, 0))
            for at, van in enumerate(problem.vans)
        ]
        for van, order in enumerate(orders):
            *arrivals, home = problem.arrivals(van, order)
            # Only OR-Tools sees breaks: with them what a van has must not look impossible to it.
            rests = sum(rest.duration for rest in problem.vans[van].rests) if problem.meetings else 0
            ends[van] = max(ends[van], home + rests)
            for number, arrival in zip(order, arrivals, strict=True):
                closes[number] = max(closes[number], arrival + rests)
        return problem.tightened(closes, ends)

    def slip(self, reached: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much later than the matrix says places are surely reached that it says are reached then."""
        if not len(self._at):
            return np.zeros_like(reached)
        return np.interp(reached, self._at, self._slip)

    def _usual(self, until: Seconds) -> Seconds:
        """The reserve of places that are reached at about this time."""
        if not len(self._at):
            return 0
        near = int(np.searchsorted(self._at, until))
        first = max(min(near - _ALIKE // 2, len(self._at) - _ALIKE), 0)
        return int(np.percentile(self._slip[first : first + _ALIKE], self._caution))
