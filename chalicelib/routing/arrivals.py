"""When a van that is under way reaches each stop that is left: 5 %, 50 % and 95 %, in one pass.

The rest of the route is driven through the same `COUNT` scenarios at once. Without waiting an arrival is a
running sum of legs and visits; a closed door only ever lifts it, so that waiting is a running maximum of what
it lifted (Lindley 1952), and all stops and scenarios are a handful of array steps. That is why scenarios are
used where a closed form was planned (sums of lognormals, Fenton and Wilkinson 1960): it costs as much, and
has no formula for a wait, a break that may come two stops earlier, or a rare and long hold-up, of which each
bends the shape of the distribution.

What the van does right now has already lasted: its remaining time is that of a lognormal which is known to
be longer, or of a hold-up, and the more overdue it is, the surer it is a hold-up.
Weak points: the hour's traffic is that of the expected departure, not of each scenario's own; on a route
longer than `LEGS` the luck of the first legs is used a second time.
"""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from math import erfc, exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.model import Break
from chalicelib.routing.pace import STRETCH_STEP, UNKNOWN_DOOR, Belief, Door, Habits, Pace, Spread, known_of
from chalicelib.routing.packed import Route, live
from chalicelib.routing.travel_times import WorkClock
from chalicelib.routing.uncertainty import Dice
from chalicelib.units import HOUR, Probability, Seconds, Timestamp

COUNT = 64  # scenarios; twice as many are 0.3 % better in the median
LEGS = 256
QUANTILES: tuple[Probability, Probability, Probability] = (0.05, 0.5, 0.95)

type Floats = NDArray[np.float64]
type Singles = NDArray[np.float32]

_USUAL = 1.35  # by how much traffic stretches a leg, to guess the hour it is driven in
_TINY = 1e-9
_NEVER = 1e-250
_ROOT_TWO = sqrt(2)
# Where a survival function is looked at: standard deviations up to which a lognormal has its body, steps
# through that as shares of it, and from there on steps through a hold-up's tail as shares of its mean.
_BODY = 3.2
_BODY_STEPS = (0.0, 0.15, 0.3, 0.43, 0.56, 0.7, 0.85, 1.0)
_TAIL_STEPS = (0.3, 1.0, 8.0)
_NO_BODY = (0.0,) * len(_TAIL_STEPS)


class Doing(Enum):
    """What a van does right now."""

    NOT_LEFT = "not_left"
    DRIVING = "driving"
    AT_DOOR = "at_door"
    RESTING = "resting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What a van does, and since when.

    Attributes
    ----------
    since
        Driving: when it was where the rest of the route starts. At a door: when service started, later than
        now where the van waits for the window. Resting: when the break began. Not left: ignored, the rest's
        shift says when it should leave.
    planned
        Seconds the visit or the break should take; a leg's is in the route.
    kind, door
        Of the visit in progress.
    drove_off_at
        At a door: when the van left the stop before, and with it a chance to take a break; 0 if not known.
    """

    doing: Doing
    since: Timestamp
    planned: Seconds = 0
    kind: int = 0
    door: Door = UNKNOWN_DOOR
    drove_off_at: Timestamp = 0


class _Table:
    """The scenarios' luck, as far as it can be drawn before a route is known; a row for each leg ahead.

    Latin hypercubes (McKay, Beckman and Conover 1979), so that few scenarios are fair in every single leg.
    """

    def __init__(self, spread: Spread) -> None:
        dice, rows, once = Dice(COUNT), np.arange(LEGS + 1), np.arange(4)
        travel, fading, visit, leg_trouble, stop_trouble, normal, uniform = range(7)
        ahead = np.arange(1, LEGS + 2)
        fresh = spread.travel_fading * sqrt(1 - spread.fading_memory**2) * dice.normal(fading, rows)
        path = np.zeros(COUNT)
        self.travel = np.empty((LEGS + 1, COUNT), dtype=np.float32)
        for row, own in enumerate(spread.travel_leg * dice.normal(travel, rows)):
            path = spread.fading_memory * path + fresh[row]
            self.travel[row] = path + own
        self.memory = (spread.fading_memory**ahead).astype(np.float32)
        self.visit = dice.normal(visit, rows).astype(np.float32)
        delays = dice.delays(leg_trouble, rows, spread.leg_trouble, spread.leg_trouble_delay)
        self.hold_up = delays.astype(np.float32)
        delays = dice.delays(stop_trouble, rows, spread.stop_trouble, spread.stop_trouble_delay)
        self.trouble = delays.astype(np.float32)
        self.route, self.mood, self.hand = dice.normal(normal, once[:3]).astype(np.float32)
        self.ending, self.lateness = -np.log(dice.uniform(uniform, once[:2])).astype(np.float32)
        self.wishes = dice.uniform(uniform, once[2:]).astype(np.float32)
        self.weights = _weights()

    def rows(self, of: Singles, count: int) -> Singles:
        """As many rows, from the first one again where there are not so many."""
        return of[:count] if count <= len(of) else of[np.arange(count) % len(of)]


@lru_cache(maxsize=64)
def _table(spread: Spread) -> _Table:
    """One per merchant and day; 0.3 MB each."""
    return _Table(spread)


@lru_cache(maxsize=1)
def _weights() -> Singles:
    """How the sorted scenarios make each quantile: smoother than any one of them (Harrell and Davis 1982)."""
    fine = (np.arange(100 * COUNT) + 0.5) / (100 * COUNT)
    columns = []
    for quantile in QUANTILES:
        above, below = (COUNT + 1) * quantile, (COUNT + 1) * (1 - quantile)
        density = np.exp((above - 1) * np.log(fine) + (below - 1) * np.log1p(-fine))
        shares = density.reshape(COUNT, 100).sum(axis=1)
        columns.append(shares / shares.sum())
    return np.array(columns, dtype=np.float32).T


_NOTHING: Singles = np.zeros(COUNT, dtype=np.float32)


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
    kinds: NDArray[np.integer] | None = None,
    doors: Floats | None = None,
) -> Arrivals:
    """Work out when each stop that is left is reached.

    Parameters
    ----------
    rest
        The stops still to be visited in order, legs in free-flow seconds, the first one from where
        `activity` says; breaks still to be taken on its shift. Expired holds are points on the way.
    kinds, doors
        Of the stops of `rest`: kind of address, shape (stops,); visits and residual as in `pace.Door`, shape
        (stops, 2). Without them nothing is known of the addresses.

    Notes
    -----
    Same state, same answer. Cost: some 110 us of CPU for 30 stops, a third more with waits and a break
    ahead, and a few ms when a `Spread` is first met.
    """
    habits = pace.habits
    table = _table(habits.spread)
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

    driven, hours = _planned(legs, service, until_open, clock, activity, now, habits.utc_offset)
    begins, first = _first(pace, activity, table, rest, float(driven[0]), int(hours[0]), now)
    lasts = _travel(pace, table, driven, hours)
    if activity.doing is Doing.DRIVING:
        lasts[0] = first
    else:
        lasts[0] += first
    at_door = _service(pace, table, service, kinds, doors)
    lasts[1:] += at_door
    free = _running_sum(n + 1) @ lasts  # arrivals if no door were ever closed
    free += np.float32(begins - now)
    closed, before = _closed_doors(until_open)
    reached = _lifted(free, until_open, closed, before)
    for number, pause in enumerate(rest.shift.breaks):
        leaving = reached - lasts
        leaving[1:] += at_door
        leaving[0] += first
        due = leaving >= _wish(table, habits.spread, number, pause, activity, now)
        due[0] &= activity.doing is not Doing.DRIVING
        free += np.float32(pause.duration) * due
        reached = _lifted(free, until_open, closed, before)
    return _summary(reached, habits, table, opens, closes, now)


def _planned(
    legs: Floats,
    service: Floats,
    opens: Floats,
    clock: WorkClock,
    activity: Activity,
    now: Timestamp,
    utc_offset: Seconds,
) -> tuple[Floats, NDArray[np.intp]]:
    """Seconds of each leg in the traffic of the hour it is expected to be driven in, and that local hour."""
    lasts = _USUAL * legs
    lasts[1:] += service
    leaving = np.add.accumulate(lasts)
    leaving[1:] += np.maximum.accumulate(np.maximum(opens - leaving[:-1], 0.0))
    leaving -= _USUAL * legs
    leaving += now
    if activity.doing is Doing.DRIVING:
        leaving[0] = activity.since
    driven = clock.clock(clock.work(leaving) + legs)
    driven -= leaving
    leaving += utc_offset
    return driven, (leaving * (1 / HOUR)).astype(np.intp) % 24


def _travel(pace: Pace, table: _Table, driven: Floats, hours: NDArray[np.intp]) -> Singles:
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


def _service(
    pace: Pace, table: _Table, service: Floats, kinds: NDArray[np.integer] | None, doors: Floats | None
) -> Singles:
    """Seconds at each door in each scenario."""
    n = len(service)
    habits, spread = pace.habits, pace.habits.spread
    level = np.full(n, habits.by_kind[0]) if kinds is None else habits.by_kind.take(kinds)
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


def _first(
    pace: Pace, activity: Activity, table: _Table, rest: Route, driven: float, hour: int, now: Timestamp
) -> tuple[float, Singles]:
    """When what the van does now can end at the earliest, and how many seconds after that it does."""
    spread = pace.habits.spread
    if activity.doing is Doing.NOT_LEFT:
        return max(rest.shift.starts_at, now), table.lateness * np.float32(spread.late_start)
    if activity.doing is Doing.RESTING:
        return max(activity.since + activity.planned, now), _NOTHING
    if activity.doing is Doing.DRIVING:
        memory = spread.fading_memory
        faded = memory**2 * pace.fading.variance + (1 - memory**2) * spread.travel_fading**2
        luck = Belief(
            float(pace.habits.by_hour[hour]) + pace.travel.mean + memory * pace.fading.mean,
            pace.travel.variance + faded + 2 * memory * pace.shared + spread.travel_leg**2,
        )
        planned, seldom, delay = driven, spread.leg_trouble, spread.leg_trouble_delay
    else:
        known, unknown = known_of(activity.door.visits, activity.door.residual, spread)
        luck = Belief(
            float(pace.habits.by_kind[activity.kind]) + pace.service.mean + known,
            pace.service.variance + unknown + spread.service_visit**2,
        )
        planned, seldom, delay = activity.planned, spread.stop_trouble, spread.stop_trouble_delay
    if planned <= 0:
        return now, _NOTHING
    elapsed = max(now - activity.since, 0)
    return max(now, activity.since), _left(planned, luck, seldom, delay, elapsed, table.ending)


def _left(
    planned: float, luck: Belief, seldom: Probability, delay: float, elapsed: float, waits: Singles
) -> Singles:
    """What is left of something that has already taken `elapsed` seconds, in each scenario.

    Given that it takes longer than that: the survival function from there on, read backwards. It is a
    lognormal, or with probability `seldom` one with an exponential hold-up behind it.
    """
    middle, spread = planned * exp(luck.mean), max(sqrt(max(luck.variance, 0.0)), _TINY)
    behind = log(elapsed / middle) / spread if elapsed > 0 else -_BODY  # in standard deviations
    begins = max(behind, -_BODY)
    reach = max(_BODY, behind + 1.5) - begins
    steps = [begins + step * reach for step in _BODY_STEPS]
    points = [elapsed, *[middle * exp(at * spread) for at in steps]]
    survive = [erfc(at / _ROOT_TWO) / 2 for at in (behind, *steps)]
    if seldom:
        end = points[-1]
        points += [end + step * delay for step in _TAIL_STEPS]
        survive += _NO_BODY
        survive = [
            usual + seldom * (max(usual, exp((middle - at) / delay) if at > middle else 1.0) - usual)
            for at, usual in zip(points, survive, strict=True)
        ]
    if survive[0] < _NEVER:  # it should be over; nothing is known of how it can still last
        return _NOTHING
    # On the scale of its logarithm, on which a hold-up's tail is a straight line.
    hazard = [-log(max(share, _NEVER)) for share in survive]
    found: Floats = np.interp(waits + hazard[0], hazard, points)
    found -= elapsed
    return found.astype(np.float32)


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


def _wish(
    table: _Table, spread: Spread, number: int, pause: Break, activity: Activity, now: Timestamp
) -> Singles:
    """When the driver wants this break, in seconds from now: not before driving on without it."""
    width = pause.latest_at - pause.earliest_at
    half = sqrt(3) * spread.break_spread
    earliest = pause.earliest_at + max(spread.break_lean - half, 0.0) * width
    latest = pause.earliest_at + min(spread.break_lean + half, 1.0) * width
    if activity.doing in (Doing.DRIVING, Doing.AT_DOOR):
        earliest = max(earliest, float(activity.drove_off_at or activity.since))
    wishes = table.wishes[number % len(table.wishes)]
    found: Singles = wishes * np.float32(max(latest - earliest, 0.0)) + np.float32(earliest - now)
    return found


def _summary(
    reached: Singles,
    habits: Habits,
    table: _Table,
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
