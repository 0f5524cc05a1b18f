"""The timetable of many routes at once: forward sweep, backward sweep, and the odds of keeping each window.

Routes are laid side by side in arrays of shape (places, routes): place k is the k-th stop, the place after
the last stop is the depot, and what lies beyond it is padding with no effect. The forward sweep gives the
planned times, the backward sweep the latest start that keeps every later promise (Savelsbergh's forward time
slack, 1992), the simulation of `uncertainty` how likely each window is kept.
Weak point: a batch costs as many steps as its longest route has stops.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.closed import windows_left
from chalicelib.routing.model import TimeWindow
from chalicelib.routing.packed import Route, StopArray, joined, live
from chalicelib.routing.travel_times import WorkClock
from chalicelib.routing.uncertainty import Noise, Rows, Watch, drive, row_of, scenarios
from chalicelib.units import Probability, Timestamp

NEVER = float(1 << 40)  # later than any timestamp
_NO_PAUSE = -1e15

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Routes side by side; every array down to `row` has shape (places, routes).

    Attributes
    ----------
    leg
        Free-flow seconds from the place before.
    opens, closes
        The window in which service may start, after closures; the depot closes at the shift's end.
    service
        Expected seconds at the door; 0 for ghosts and depots.
    barred
        Where nothing is delivered in all of the window.
    row
        Which noise each place has: `uncertainty.row_of`.
    stops, owner
        All stops, route after route, and the index of each one's route.
    real
        Which of the stops are no ghosts.
    count
        Stops of each route; `count[r]` is also the place of the depot at its end.
    starts
        When each route leaves.
    breaks
        Shape (breaks, 3, routes): earliest start, latest start, duration; absent ones last 0 s.
    """

    leg: Floats
    opens: Floats
    closes: Floats
    service: Floats
    barred: NDArray[np.bool_]
    row: Rows
    stops: StopArray
    owner: NDArray[np.intp]
    real: NDArray[np.bool_]
    count: NDArray[np.intp]
    starts: Floats
    breaks: Floats

    @property
    def places(self) -> int:
        """Rows of the arrays: the longest route's stops, and the depot."""
        return len(self.leg)


def lay_out(routes: Sequence[Route], now: Timestamp, closed: Sequence[TimeWindow] = ()) -> Batch:
    """Lay routes side by side, expired holds as ghosts: no service, no window, still a point on the way.

    Parameters
    ----------
    closed
        Times in which nothing is delivered: windows that are not served yet become narrower.
    """
    count = np.array([len(route.stops) for route in routes], dtype=np.intp)
    places, n = int(count.max(initial=0)) + 1, len(routes)
    leg, opens, service = (np.zeros((places, n)) for _ in range(3))
    closes = np.full((places, n), NEVER)
    noise_row = np.zeros((places, n), dtype=np.intp)
    barred = np.zeros((places, n), dtype=bool)
    stops = joined(route.stops for route in routes)
    owner = np.repeat(np.arange(n), count)
    place = np.arange(len(stops)) - np.repeat(np.cumsum(count) - count, count)
    real = live(stops, now)
    leg[place, owner] = stops["leg_seconds"]
    noise_row[place, owner] = row_of(stops["lat"], stops["lon"])
    window_start, window_end, inside = windows_left(stops, closed)
    opens[place, owner] = np.where(real, window_start, 0)
    closes[place, owner] = np.where(real, window_end, NEVER)
    barred[place, owner] = real & inside
    service[place, owner] = np.where(real, stops["service_time"], 0)
    each = np.arange(n)
    leg[count, each] = [route.last_leg.seconds for route in routes]
    closes[count, each] = [route.shift.ends_at for route in routes]
    most = max((len(route.shift.breaks) for route in routes), default=0)
    breaks = np.zeros((most, 3, n))
    breaks[:, 1] = NEVER
    for r, route in enumerate(routes) if most else ():
        for b, rest in enumerate(route.shift.breaks):
            breaks[b, :, r] = rest.earliest_at, rest.latest_at, rest.duration
    starts = np.array([route.shift.starts_at for route in routes], dtype=float)
    return Batch(leg, opens, closes, service, barred, noise_row, stops, owner, real, count, starts, breaks)


@dataclass(frozen=True, slots=True)
class Timetable:
    """When each route of a batch is where, as planned; shape (places, routes).

    Attributes
    ----------
    depart
        Leaving for the place, a break before it included.
    arrive, start
        At the place; service starts when the window opens, or at once.
    pause, pause_until
        The breaks taken before the place as one rule: departure becomes
        `max(departure + pause, pause_until)`.
    pause_by
        The latest departure that still starts those breaks in time.
    break_late
        By how many seconds the latest of each route's breaks starts too late, shape (routes,); negative if
        none does.
    """

    depart: Floats
    arrive: Floats
    start: Floats
    pause: Floats
    pause_until: Floats
    pause_by: Floats
    break_late: Floats


def forward(batch: Batch, clock: WorkClock) -> Timetable:
    """Drive every route as planned: earliest departure and arrival at each place.

    Breaks are taken before the first place from which they could no longer start in time.
    Cost: O(places) array steps, no travel-time calls.
    """
    shape = batch.leg.shape
    depart, arrive, start = (np.empty(shape) for _ in range(3))
    pause, pause_until, pause_by = np.zeros(shape), np.full(shape, _NO_PAUSE), np.full(shape, NEVER)
    leaving, break_late = batch.starts, np.full(shape[1], -1.0)
    taken = batch.breaks[:, 2] == 0
    for k in range(batch.places):
        for b, (earliest, latest, duration) in enumerate(batch.breaks):
            until = (
                np.maximum(clock.clock(clock.work(leaving) + batch.leg[k]), batch.opens[k]) + batch.service[k]
            )
            due = ~taken[b] & (until > latest) & (k <= batch.count)
            if due.any():
                begins = np.maximum(leaving, earliest)
                break_late = np.where(due, np.maximum(break_late, begins - latest), break_late)
                pause_by[k] = np.where(due, np.minimum(pause_by[k], latest - pause[k]), pause_by[k])
                leaving = np.where(due, begins + duration, leaving)
                pause_until[k] = np.where(
                    due, np.maximum(pause_until[k] + duration, earliest + duration), pause_until[k]
                )
                pause[k] = np.where(due, pause[k] + duration, pause[k])
                taken[b] |= due
        depart[k] = leaving
        arrive[k] = clock.clock(clock.work(leaving) + batch.leg[k])
        start[k] = np.maximum(arrive[k], batch.opens[k])
        leaving = start[k] + batch.service[k]
    return Timetable(depart, arrive, start, pause, pause_until, pause_by, break_late)


def backward(batch: Batch, times: Timetable, clock: WorkClock) -> Floats:
    """Latest arrival at each place that keeps this and every later window, breaks included.

    Exact where no break follows; a break is taken to stay where it is, so a route that would take it earlier
    when delayed may in truth bear a little more.

    Returns
    -------
    Shape (places, routes); a route keeps its windows exactly if no planned arrival is later.
    """
    late = np.empty_like(batch.leg)
    late[-1] = batch.closes[-1]
    for k in range(batch.places - 2, -1, -1):
        leave_by = clock.clock(clock.work(late[k + 1]) - batch.leg[k + 1])
        if batch.breaks.size:
            leave_by = np.where(
                times.pause_until[k + 1] > leave_by,
                -NEVER,
                np.minimum(leave_by - times.pause[k + 1], times.pause_by[k + 1]),
            )
        late[k] = np.minimum(batch.closes[k], leave_by - batch.service[k])
    return late


def odds(batch: Batch, times: Timetable, noise: Noise, *, count: int) -> Floats:
    """Probability of reaching each place by the end of its window (the depot: of its shift).

    Returns
    -------
    Shape (places, routes). Cost: `uncertainty.drive` with `count` scenarios.
    """
    closes = np.minimum(batch.closes - batch.starts, 1e9).astype(np.float32)[:, :, None]
    on_time = np.empty(batch.leg.shape, dtype=np.int64)

    def watch(places: slice, arrivals: NDArray[np.float32]) -> None:
        in_time = np.packbits(arrivals <= closes[places], axis=-1)
        np.bitwise_count(in_time).sum(axis=-1, out=on_time[places])

    _drive(batch, times, noise, count, watch)
    return on_time / count


def start_quantiles(
    batch: Batch, times: Timetable, noise: Noise, *, count: int, at: Sequence[Probability]
) -> Floats:
    """When service starts at each place with these probabilities, waiting included, since the epoch.

    Returns
    -------
    Shape (places, routes, quantiles). Cost: `uncertainty.drive` with `count` scenarios, and a sort of each.
    """
    quantiles = np.empty((*batch.leg.shape, len(at)))

    def watch(places: slice, arrivals: NDArray[np.float32]) -> None:
        quantiles[places] = np.moveaxis(np.quantile(arrivals, at, axis=-1), 0, -1)

    _drive(batch, times, noise, count, watch)
    return np.maximum(quantiles + batch.starts[:, None], batch.opens[:, :, None])


def reached_by(batch: Batch, times: Timetable, noise: Noise, *, count: int, target: Probability) -> Floats:
    """When each place is reached at the latest in the target's share of scenarios, since the epoch.

    A window is kept with at least that probability exactly if it ends no earlier: see `odds`.

    Returns
    -------
    Shape (places, routes). Cost: `uncertainty.drive` with `count` scenarios, and a partition of each.
    """
    last = min(max(ceil(target * count - 1e-9), 1), count) - 1
    reached = np.empty(batch.leg.shape)

    def watch(places: slice, arrivals: NDArray[np.float32]) -> None:
        reached[places] = np.partition(arrivals, last, axis=-1)[..., last]

    _drive(batch, times, noise, count, watch)
    return reached + batch.starts


def _drive(batch: Batch, times: Timetable, noise: Noise, count: int, watch: Watch) -> None:
    """Single precision is fine for seconds since the shift's start, not for seconds since the epoch."""
    drive(
        scenarios(noise, count),
        rows=batch.row,
        drive_time=times.arrive - times.depart,
        window_open=np.maximum(batch.opens - batch.starts, -1e9),
        service_time=batch.service,
        pause=times.pause,
        pause_until=times.pause_until - batch.starts,
        watch=watch,
    )
