"""Whether a changed route endangers anything: every route driven through all scenarios, before and after.

This is the exact check behind every offer, hold, change and removal. Weak point: a change is compared with
the route as it is, stop by stop, so a change that trades one promise for another is refused; only a replan
may weigh promises against each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.model import TimeWindow
from chalicelib.routing.packed import Route
from chalicelib.routing.schedule import Floats, forward, lay_out, odds, reached_by, start_quantiles
from chalicelib.routing.travel_times import WorkClock
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import Probability, Timestamp

PROOF_SCENARIOS = 320
_SECOND_FRACTION = 1e-3  # planned times are sums of floats; a thousandth of a second is not late


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a route is judged by: the speed of the hour, the noise, and the share of promises to be kept.

    Attributes
    ----------
    closed
        Times in which nothing is delivered: see `routing.closed`.
    """

    clock: WorkClock
    noise: Noise
    target: Probability
    closed: tuple[TimeWindow, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """One route's timetable and odds; place k is its k-th stop, the last place the depot.

    Attributes
    ----------
    arrive, start
        Planned arrival, and start of service after any waiting.
    late
        Seconds behind the window's end as planned, or that of what closures leave of it; negative is early.
    kept
        Probability of keeping each window, for the depot of returning within the shift; 0 where nothing is
        delivered in all of the window.
    break_late
        Seconds by which a break starts too late; negative if none does.
    now
        The moment it was judged at: later, holds in it may have become ghosts.
    driven
        Planned seconds on the road, at the speed of the hour.
    """

    arrive: Floats
    start: Floats
    late: Floats
    kept: Floats
    break_late: float
    now: Timestamp
    driven: float = 0.0

    def sound(self, target: Probability) -> bool:
        """Whether everything in it is on time, and kept with at least this probability."""
        return bool(
            self.kept.min() >= target
            and self.late.max() <= _SECOND_FRACTION
            and self.break_late <= _SECOND_FRACTION
        )


def judge(routes: Sequence[Route], now: Timestamp, world: World) -> list[Judged]:
    """Drive routes as planned and through all scenarios.

    Same state, same answer: the scenarios are fixed. Cost: `PROOF_SCENARIOS` drives of each route.
    """
    if not routes:
        return []
    batch = lay_out(routes, now, world.closed)
    times = forward(batch, world.clock)
    kept = np.where(batch.barred, 0.0, odds(batch, times, world.noise, count=PROOF_SCENARIOS))
    late = times.arrive - batch.closes
    on_the_way = np.arange(batch.places)[:, None] <= batch.count
    driven = np.where(on_the_way, times.arrive - times.depart, 0.0).sum(axis=0)
    return [
        Judged(
            times.arrive[:places, r],
            times.start[:places, r],
            late[:places, r],
            kept[:places, r],
            float(times.break_late[r]),
            now,
            float(driven[r]),
        )
        for r, places in enumerate((batch.count + 1).tolist())
    ]


def forecast(routes: Sequence[Route], now: Timestamp, world: World) -> list[Floats]:
    """When service starts at each place: 5 %, 50 % and 95 % of the scenarios, shape (places, 3) for each."""
    if not routes:
        return []
    batch = lay_out(routes, now, world.closed)
    times = forward(batch, world.clock)
    reached = start_quantiles(batch, times, world.noise, count=PROOF_SCENARIOS, at=(0.05, 0.5, 0.95))
    return [reached[:places, r] for r, places in enumerate((batch.count + 1).tolist())]


def surely_reached(routes: Sequence[Route], now: Timestamp, world: World) -> list[Floats]:
    """When each place is reached at the latest with the target's probability; the depot last.

    What the windows of `judge` are held against: `kept` is at least the target exactly where the window ends
    no earlier. Cost: as `judge`.
    """
    if not routes:
        return []
    batch = lay_out(routes, now, world.closed)
    times = forward(batch, world.clock)
    reached = reached_by(batch, times, world.noise, count=PROOF_SCENARIOS, target=world.target)
    return [reached[:places, r] for r, places in enumerate((batch.count + 1).tolist())]


def harmless(
    before: Judged, after: Judged, target: Probability, *, new: int | None = None, gone: int | None = None
) -> bool:
    """Whether a changed route endangers nothing that it kept before.

    A sale never creates a violation, and a violation that is there already never grows: every stop both have
    is no later than before or on time, and kept with at least the target's probability or the one it had.

    Parameters
    ----------
    new
        Place of a stop that only `after` has: on time, at or above the target.
    gone
        Place of a stop that only `before` has.
    """
    if new is not None and (after.late[new] > _SECOND_FRACTION or after.kept[new] < target):
        return False
    was, now_late = _without(before.late, gone), _without(after.late, new)
    floor = np.minimum(_without(before.kept, gone), target)
    return (
        bool((now_late <= np.maximum(was, 0.0) + _SECOND_FRACTION).all())
        and bool((_without(after.kept, new) >= floor).all())
        and after.break_late <= max(before.break_late, 0.0) + _SECOND_FRACTION
    )


def _without(values: Floats, place: int | None) -> NDArray[np.float64]:
    return values if place is None else np.concatenate([values[:place], values[place + 1 :]])


class Judgements:
    """Routes already judged: a route never changes, so one judgement serves until a hold in it expires.

    One per `World`; not shared between threads.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._known: WeakKeyDictionary[Route, tuple[Judged, Timestamp]] = WeakKeyDictionary()

    def of(self, routes: Sequence[Route], now: Timestamp) -> list[Judged]:
        """Each route's judgement; only what is not known, or no longer true, is computed."""
        unknown = [
            route
            for route in dict.fromkeys(routes)
            if not ((known := self._known.get(route)) and now < known[1])
        ]
        for route, judged in zip(unknown, judge(unknown, now, self.world), strict=True):
            self._known[route] = judged, route.unchanged_until(now)
        return [self._known[route][0] for route in routes]
