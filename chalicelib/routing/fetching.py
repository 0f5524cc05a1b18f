"""Whom to fetch next from a van that broke down, and where in which van's order: every place tried at once.

A solver knows windows only and is told to be sure; but a rescue is a gamble, and half a chance is more than
none. So, before one is asked, parcels are handed out one by one where most promises are expected to be kept:
all places of all of them in a van's order are driven through the matrix together, and how likely a window is
kept follows from how far from its end it is reached (a logistic curve). The few best are for the caller to
judge properly. Weak point: who was handed out stays where it is; to turn an order around is for the solver.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.optimiser.pose import Posed
from chalicelib.routing.optimiser.problem import Orders, Van

_STEEPNESS = 1.702  # a logistic curve this steep is a normal distribution to within a hundredth
_SURE = 2.0  # standard deviations between likely and surely
_LEAST_SLIP = 60.0  # seconds; where the scenarios say less, a matrix is not that exact
_A_SECOND_LATE = 1e-6  # of a promise: it decides between places that keep as many

type Floats = NDArray[np.float64]
type Numbers = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """A van's order with one more pick-up and its delivery.

    Attributes
    ----------
    gain
        By how many promises more it is expected to keep; about, and less than nothing if others lose.
    """

    van: int
    order: tuple[int, ...]
    gain: float


class Fetching:
    """The places of what is stranded in the orders of the vans that can come.

    Parameters
    ----------
    slip
        By how many seconds later than the matrix says a place is surely reached, by when it says so.
    """

    def __init__(self, posed: Posed, slip: Callable[[Floats], Floats]) -> None:
        self._problem, self._slip = posed.problem, slip
        tasks = posed.problem.tasks
        self._place = np.array([task.place for task in tasks], dtype=np.intp)
        self._opens = np.array([task.opens for task in tasks], dtype=float)
        self._closes = np.array([task.closes for task in tasks], dtype=float)
        self._service = np.array([task.service for task in tasks], dtype=float)
        self._load = np.array([task.load for task in tasks], dtype=np.int64)
        self._of = [id(route) for route, _ in posed.sources]  # whose list a pick-up is on
        self._awaited = np.ones(len(tasks), dtype=bool)
        self._awaited[[pickup for pickup, _ in posed.problem.meetings]] = False
        self._known: dict[tuple[int, tuple[int, ...], tuple[int, int]], Fetch] = {}

    def best(self, orders: Orders, most: int) -> list[Fetch]:
        """Find the most promising ways to fetch one more stop, at most one for each van and stop.

        Cost: about 2 ms for each van of 20 stops and each stop aboard; what was asked before is remembered.
        """
        placed = {number for order in orders for number in order}
        waiting = [pair for pair in self._problem.meetings if pair[0] not in placed]
        found = list[Fetch]()
        for at, (van, order) in enumerate(zip(self._problem.vans, orders, strict=True)):
            able = [pair for pair in waiting if van.takes.issuperset(pair) and self._fits(van, order, pair)]
            for pair in able:
                known = (at, order, pair)
                if known not in self._known:
                    self._known[known] = self._into(at, van, order, pair)
                found.append(self._known[known])
        return sorted(found, key=lambda fetch: -fetch.gain)[:most]

    def _into(self, at: int, van: Van, order: tuple[int, ...], pair: tuple[int, int]) -> Fetch:
        """The best of all places of one pair in one order."""
        places = _places(len(order), self._met(order, self._of[pair[0]]))
        tried = np.array([*order, *pair], dtype=np.intp)[places]
        worth = self._worth(van, tried)
        before = self._worth(van, np.array([order], dtype=np.intp))[0]
        best = int(worth.argmax())
        return Fetch(van=at, order=tuple(tried[best].tolist()), gain=float(worth[best] - before))

    def _met(self, order: Sequence[int], stranded: int) -> int | None:
        """Behind which of the stops the van has met the stranded one already."""
        met = [
            at
            for at, number in enumerate(order)
            if self._of[number] == stranded and not self._awaited[number]
        ]
        return met[-1] + 1 if met else None

    def _fits(self, van: Van, order: Sequence[int], pair: tuple[int, int]) -> bool:
        load = self._load[[number for number in (*order, pair[1]) if self._awaited[number]]].sum(axis=0)
        return all(
            limit is None or had <= limit for had, limit in zip(load.tolist(), van.capacity, strict=True)
        )

    def _worth(self, van: Van, tried: Numbers) -> Floats:
        """How many of its promises a van would keep with each of some orders, less a little for lateness."""
        rows, columns = tried.shape
        now, at = np.full(rows, float(van.starts)), np.full(rows, van.start)
        worth, late = np.zeros(rows), np.zeros(rows)
        to_rest = [np.ones(rows, dtype=bool) for _ in van.rests]
        for column in range(columns):
            task = tried[:, column]
            place = self._place[task]
            leg, service, opens = self._problem.seconds[at, place], self._service[task], self._opens[task]
            for rest, open_ in zip(van.rests, to_rest, strict=True):
                due = open_ & (np.maximum(now + leg, opens) + service > rest.latest)
                now = np.where(due, np.maximum(now, rest.earliest) + rest.duration, now)
                open_ &= ~due
            reached = np.maximum(now + leg, opens)
            spare = self._closes[task] - reached
            sure = np.maximum(self._slip(reached), _LEAST_SLIP) / _SURE
            kept = 1.0 / (1.0 + np.exp(np.clip(-_STEEPNESS * spare / sure, -50.0, 50.0)))
            awaited = self._awaited[task]
            worth += np.where(awaited, kept, 0.0)
            late += np.where(awaited, np.maximum(-spare, 0.0), 0.0)
            now, at = reached + service, place
        late += np.maximum(now + self._problem.seconds[at, van.end] - van.ends, 0.0)
        return worth - _A_SECOND_LATE * late


def _places(stops: int, met: int | None) -> Numbers:
    """Every way to put two more into an order, a row each: the two are numbered `stops` and the next.

    Parameters
    ----------
    met
        Where the first of them goes, if that is known; else anywhere. The other one always comes later.
    """
    numbers = list(range(stops))
    return np.array(
        [
            [*numbers[:first], stops, *numbers[first:then], stops + 1, *numbers[then:]]
            for first in (range(stops + 1) if met is None else (met,))
            for then in range(first, stops + 1)
        ],
        dtype=np.intp,
    )
