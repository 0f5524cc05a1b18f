"""A few routes as a solver sees them, and what can be said of an answer without knowing of luck or traffic.

Weak point: times are whole seconds of one matrix; whether promises are kept is for the exact check.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chalicelib.units import Seconds, StopId

DIMENSIONS = ("parcels", "grams", "millilitres")

type Loads = tuple[int, int, int]
type Orders = tuple[tuple[int, ...], ...]
"""For each van the numbers of its tasks, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One stop to be visited; times in seconds since the origin.

    Attributes
    ----------
    place
        Row of the matrix.
    opens, closes
        Service starts within; `closes` may be before `opens`: then the van must be there that early and wait.
    required
        False: it may be left out, which is worse than any driving.
    """

    stop_id: StopId
    place: int
    opens: Seconds
    closes: Seconds
    service: Seconds
    load: Loads
    required: bool = True

    @property
    def visit(self) -> tuple[Seconds, Seconds, Seconds]:
        """Earliest start, latest start, duration, as solvers want them: whole, positive and in order.

        Who must be there before the door opens waits as if it were service.
        """
        closes = max(self.closes, 0)
        opens = max(min(self.opens, closes), 0)
        return opens, closes, self.service + max(self.opens - opens, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A break; times in seconds since the origin."""

    earliest: Seconds
    latest: Seconds
    duration: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Van:
    """One shift, from where it can still be planned.

    Attributes
    ----------
    start, end
        Rows of the matrix.
    starts, ends
        Seconds since the origin.
    capacity
        None where a dimension does not bind.
    takes
        The tasks it may serve, its own included.
    order
        The tasks it has now.
    """

    shift_id: str
    start: int
    end: int
    starts: Seconds
    ends: Seconds
    capacity: tuple[int | None, int | None, int | None]
    takes: frozenset[int]
    order: tuple[int, ...]
    rests: tuple[Rest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """What an engine is asked to improve.

    Attributes
    ----------
    seconds
        From row to column, traffic included; each task has a row of its own, each van two.
    meetings
        Pairs of tasks, pickup and delivery: one van serves both, in this order; all other tasks bring what
        was loaded at the depot.
    soft
        Lateness is not forbidden but worse than any driving.
    """

    tasks: tuple[Task, ...]
    vans: tuple[Van, ...]
    seconds: NDArray[np.int64]
    meetings: tuple[tuple[int, int], ...] = ()
    soft: bool = False

    @property
    def orders(self) -> Orders:
        """What the vans have now."""
        return tuple(van.order for van in self.vans)

    def arrivals(self, van: int, order: Sequence[int]) -> list[Seconds]:
        """When a van reaches each task of an order and its end, by the matrix and without breaks."""
        at, now, reached = self.vans[van].start, self.vans[van].starts, []
        for number in order:
            task = self.tasks[number]
            now += int(self.seconds[at, task.place])
            reached.append(now)
            now, at = max(now, task.opens) + task.service, task.place
        return [*reached, now + int(self.seconds[at, self.vans[van].end])]

    def detour(self, van: int, order: Sequence[int], number: int) -> Seconds:
        """Seconds of driving that one task of an order costs."""
        at = order.index(number)
        here = self.tasks[number].place
        before = self.tasks[order[at - 1]].place if at else self.vans[van].start
        behind = self.tasks[order[at + 1]].place if at + 1 < len(order) else self.vans[van].end
        return int(self.seconds[before, here] + self.seconds[here, behind] - self.seconds[before, behind])

    def tightened(self, closes: Sequence[Seconds], ends: Sequence[Seconds]) -> "Problem":
        """The same with other ends: of each task's window and of each van's shift."""
        return replace(
            self,
            tasks=tuple(replace(task, closes=until) for task, until in zip(self.tasks, closes, strict=True)),
            vans=tuple(replace(van, ends=until) for van, until in zip(self.vans, ends, strict=True)),
        )

    def going_on_from(self, orders: Sequence[Sequence[int]]) -> "Problem":
        """The same with other present orders."""
        return replace(
            self,
            vans=tuple(
                replace(van, order=tuple(order)) for van, order in zip(self.vans, orders, strict=True)
            ),
        )

    def optional(self) -> "Problem":
        """The same where each stop may be left out: whoever is asked keeps as many as can be kept."""
        return replace(self, tasks=tuple(replace(task, required=False) for task in self.tasks))

    def at_any_time(self) -> "Problem":
        """The same where what nobody has yet may come however late: better than not at all."""
        has = {number for van in self.vans for number in van.order}
        last = max(van.ends for van in self.vans)
        return replace(
            self,
            tasks=tuple(
                task if number in has else replace(task, closes=max(task.closes, last))
                for number, task in enumerate(self.tasks)
            ),
        )

    def completed(self, orders: Orders) -> Orders:
        """Put what must not be left out where it makes fewest late, and least; alone it decides nothing."""
        whole = [list(order) for order in orders]
        placed = {number for order in orders for number in order}
        missing = [number for number, task in enumerate(self.tasks) if task.required and number not in placed]
        for number in sorted(missing, key=lambda number: self.tasks[number].closes):
            choices = [
                (self._lateness(at, [*whole[at][:gap], number, *whole[at][gap:]]), at, gap)
                for at, van in enumerate(self.vans)
                if number in van.takes
                for gap in range(len(whole[at]) + 1)
            ]
            if choices:
                _, at, gap = min(choices)
                whole[at].insert(gap, number)
        return tuple(tuple(order) for order in whole)

    def _lateness(self, van: int, order: Sequence[int]) -> tuple[int, Seconds, Seconds]:
        """How many are late, how much, and when it is over."""
        *arrivals, home = self.arrivals(van, order)
        late = [
            arrival - self.tasks[number].closes
            for number, arrival in zip(order, arrivals, strict=True)
            if arrival > self.tasks[number].closes
        ]
        return len(late), sum(late) + max(home - self.vans[van].ends, 0), home

    def fault_of(self, orders: Sequence[Sequence[int]]) -> str | None:
        """Why an answer makes no sense, whatever the times; None if it does."""
        if len(orders) != len(self.vans):
            return "another number of vans"
        seen = [number for order in orders for number in order]
        if any(not 0 <= number < len(self.tasks) for number in seen):
            return "an unknown stop"
        if len(seen) != len(set(seen)):
            return "a stop twice"
        if any(task.required for number, task in enumerate(self.tasks) if number not in set(seen)):
            return "a stop is missing"
        if any(
            number not in van.takes for van, order in zip(self.vans, orders, strict=True) for number in order
        ):
            return "a stop on a van that may not take it"
        place = {number: (van, at) for van, order in enumerate(orders) for at, number in enumerate(order)}
        for pickup, delivery in self.meetings:
            first, then = place.get(pickup, (-1, -1)), place.get(delivery, (-1, -1))
            if first[0] != then[0] or first[1] > then[1]:
                return "a parcel that is delivered without being fetched"
        return None
