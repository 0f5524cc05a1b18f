"""When a van that is under way reaches each stop that is left: 5 %, 50 % and 95 %, in one pass.

The rest of the route is driven through the same `COUNT` scenarios at once. Without waiting an arrival is a
running sum of legs and visits; a closed door only ever lifts it, so that waiting is a running maximum of what
it lifted (Lindley 1952), and all stops and scenarios are a handful of array steps. That is why scenarios are
used where a closed form was planned (sums of lognormals, Fenton and Wilkinson 1960): it costs as much, and
has no formula for a wait, a break that may come two stops earlier, or a rare and long hold-up, of which each
bends the shape of the distribution.

Weak point: the hour's traffic is that of the expected departure, not of each scenario's own.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.activity import Activity, Doing, rest_of_it, wish_for
from chalicelib.routing.luck import COUNT, Luck, luck_of
from chalicelib.routing.pace import STRETCH_STEP, Habits, Pace, known_of
from chalicelib.routing.packed import Route, live
from chalicelib.routing.travel_times import WorkClock
from chalicelib.units import HOUR, Probability, Seconds, Timestamp

type Floats = NDArray[np.float64]
type Singles = NDArray[np.float32]

_USUAL = 1.35  # by how much traffic stretches a leg, to guess the hour it is driven in


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Arrivals:
    """When the rest of a route happens, in seconds since the epoch.

    Attributes
    ----------
    arrive
        Reaching each stop: 5 %, 50 % and 95 %, shape (stops, 3).
    start
        Start of service there: the same, but never before the window opens.
    kept
        Probability of arriving by the end of each window, shape (stops,).
    back
        Reaching the shift's end: 5 %, 50 % and 95 %.
    home
        Probability of that within the shift.
    """

    arrive: Floats
    start: Floats
    kept: Floats
    back: Floats
    home: Probability


def arrivals(
    rest: Route,
    clock: WorkClock,
    pace: Pace,
    activity: Activity,
    now: Timestamp,
    *,
    doors: Floats | None = None,
) -> Arrivals:
    """Work out when each stop that is left is reached.

    Parameters
    ----------
    rest
        The stops still to be visited in order, legs in free-flow seconds, the first one from where
        `activity` says; breaks still to be taken on its shift. Expired holds are points on the way.
    doors
        Of the stops of `rest`: visits and residual as in `pace.Door`, shape (stops, 2); without them
        nothing is known of the addresses.

    Notes
    -----
    Same state, same answer. Cost: some 110 us of CPU for 30 stops, a third more with waits and a break
    ahead, and a few ms when a `Spread` is first met.
    """
    habits = pace.habits
    table = luck_of(habits.spread)
    stops = rest.stops
    n = len(stops)
    legs, closes = np.empty(n + 1), np.empty(n + 1)
    legs[:n], legs[n] = stops["leg_seconds"], rest.last_leg.seconds
    closes[:n], closes[n] = stops["window_end"], rest.shift.ends_at
    opens, service = stops["window_start"].astype(np.float64), stops["service_time"].astype(np.float64)
    if np.count_nonzero(stops["expires_at"]):  # of held stops only
        ghosts = np.flatnonzero(~live(stops, now))
        opens[ghosts], closes[ghosts], service[ghosts] = 0.0, np.inf, 0.0
    until_open = opens - now

    leaves_at = activity.leaves_at(rest.shift.starts_at, now)
    driven, hours = _planned(legs, service, until_open, clock, leaves_at, now, habits.utc_offset)
    begins, first = rest_of_it(pace, activity, table, rest, float(driven[0]), int(hours[0]), now)
    lasts = _travel(pace, table, driven, hours)
    if activity.doing is Doing.DRIVING:
        lasts[0] = first
    else:
        lasts[0] += first
    at_door = _service(pace, table, service, doors)
    lasts[1:] += at_door
    free = _running_sum(n + 1) @ lasts  # arrivals if no door were ever closed
    free += np.float32(begins - now)
    closed, before = _closed_doors(until_open)
    reached = _lifted(free, until_open, closed, before)
    for number, pause in enumerate(rest.shift.breaks):
        leaving = reached - lasts
        leaving[1:] += at_door
        leaving[0] += first
        due = leaving >= wish_for(table, habits.spread, number, pause, activity, now)
        due[0] &= activity.doing is not Doing.DRIVING
        free += np.float32(pause.duration) * due
        reached = _lifted(free, until_open, closed, before)
    return _summary(reached, habits, table, opens, closes, now)


def _planned(
    legs: Floats,
    service: Floats,
    opens: Floats,
    clock: WorkClock,
    leaves_at: Timestamp,
    now: Timestamp,
    utc_offset: Seconds,
) -> tuple[Floats, NDArray[np.intp]]:
    """Seconds of each leg in the traffic of the hour it is expected to be driven in, and that local hour."""
    lasts = _USUAL * legs
    lasts[1:] += service
    lasts[0] += max(leaves_at - now, 0)
    leaving = np.add.accumulate(lasts)
    leaving[1:] += np.maximum.accumulate(np.maximum(opens - leaving[:-1], 0.0))
    leaving -= _USUAL * legs
    leaving += now
    leaving[0] = leaves_at
    driven = clock.clock(clock.work(leaving) + legs)
    driven -= leaving
    leaving += utc_offset
    return driven, (leaving * (1 / HOUR)).astype(np.intp) % 24


def _travel(pace: Pace, table: Luck, driven: Floats, hours: NDArray[np.intp]) -> Singles:
    """Seconds of each leg in each scenario."""
    n = len(driven)
    route, fading = pace.travel, pace.fading
    alone = sqrt(max(route.variance, 0.0))
    along = pace.shared / alone if alone else 0.0
    rest = sqrt(max(fading.variance - along**2, 0.0))
    mood = table.route * np.float32(along)
    mood += table.mood * np.float32(rest)
    mood += np.float32(fading.mean)
    luck: Singles = np.multiply(table.rows(table.memory, n)[:, None], mood)
    if alone:
        luck += table.route * np.float32(alone)
    luck += table.rows(table.travel, n)
    np.exp(luck, out=luck)
    luck *= (driven * np.exp(pace.habits.by_hour.take(hours) + route.mean)).astype(np.float32)[:, None]
    luck += _where(table.rows(table.hold_up, n), driven)
    return luck


def _service(pace: Pace, table: Luck, service: Floats, doors: Floats | None) -> Singles:
    """Seconds at each door in each scenario."""
    n = len(service)
    habits, spread = pace.habits, pace.habits.spread
    level = np.full(n, habits.service_level)
    if doors is None:
        spreads = np.full(n, sqrt(spread.service_door**2 + spread.service_visit**2))
    else:
        known, unknown = known_of(doors[:, 0], doors[:, 1], spread)
        level = level + known
        spreads = np.sqrt(unknown + spread.service_visit**2)
    luck: Singles = table.rows(table.visit, n) * spreads.astype(np.float32)[:, None]
    luck += table.hand * np.float32(sqrt(max(pace.service.variance, 0.0)))
    np.exp(luck, out=luck)
    luck *= (service * np.exp(level + pace.service.mean)).astype(np.float32)[:, None]
    luck += _where(table.rows(table.trouble, n), service)
    return luck


def _where(trouble: Singles, lasts: Floats) -> Singles:
    """No leg, no hold-up on it; no visit, no trouble there."""
    if np.count_nonzero(lasts) == len(lasts):
        return trouble
    return trouble * (lasts > 0)[:, None]


@lru_cache(maxsize=64)
def _running_sum(n: int) -> Singles:
    """As a matrix: three times as fast as `np.add.accumulate` along the slow axis."""
    return np.tri(n, dtype=np.float32)


def _closed_doors(until_open: Floats) -> tuple[list[int], NDArray[np.intp]]:
    """Stops at which a van can still wait, and for each place how many of them come before it.

    Behind a door that opened at ten nobody waits for one that opens at nine.
    """
    doors, before, latest = list[int](), [0], 0.0
    for stop, opens in enumerate(until_open.tolist()):
        if opens > latest:
            latest = opens
            doors.append(stop)
        before.append(len(doors))
    return doors, np.array(before)


def _lifted(free: Singles, until_open: Floats, doors: list[int], before: NDArray[np.intp]) -> Singles:
    """Arrivals, given those without any waiting: each wait moves all that follows it."""
    if not doors:
        return free
    lift = np.zeros((len(doors) + 1, COUNT), dtype=np.float32)
    np.subtract(until_open[doors, None], free[doors], out=lift[1:], casting="same_kind")
    np.maximum.accumulate(lift, axis=0, out=lift)
    reached: Singles = lift.take(before, axis=0)
    reached += free
    return reached


def _summary(
    reached: Singles,
    habits: Habits,
    table: Luck,
    opens: Floats,
    closes: Floats,
    now: Timestamp,
) -> Arrivals:
    """Quantiles and odds, stretched by what calibration found."""
    reached.sort(axis=1)
    raw = (reached @ table.weights).astype(np.float64)
    shown, ends = raw, closes - now
    if len(habits.stretch):
        shown, ends = _stretched(raw, ends, habits.stretch)
    in_time = reached <= ends.astype(np.float32)[:, None]
    kept = np.add.reduce(in_time, axis=1, dtype=np.float64) / COUNT
    np.maximum(shown, 0.0, out=shown)
    shown.sort(axis=1)  # where all scenarios agree, single precision may not
    shown += now
    return Arrivals(
        arrive=shown[:-1],
        start=np.maximum(shown[:-1], opens[:, None]),
        kept=kept[:-1],
        back=shown[-1],
        home=float(kept[-1]),
    )


def _stretched(raw: Floats, closes: Floats, stretch: Floats) -> tuple[Floats, Floats]:
    """Calibrated quantiles; and the windows' ends, moved to where the uncalibrated scenarios have them."""
    middle = raw[:, 1]
    leads = np.minimum(middle * (1 / STRETCH_STEP), len(stretch) - 1).astype(np.intp)
    moves = stretch.take(leads, axis=0)
    # A window's end is as many stretched half-widths off the middle as it is plain ones in the scenarios.
    spare = closes - middle
    return (raw[:, None] @ moves)[:, 0], middle + spare / np.where(spare < 0, moves[:, 0, 0], moves[:, 2, 2])
