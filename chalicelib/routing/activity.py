"""What a van does right now, and what may be left of that.

It has already lasted: the remaining time is that of a lognormal which is known to be longer, or of a hold-up,
and the more overdue it is, the surer it is a hold-up. Weak point: nobody says what holds a van up, so a lunch
that was not tapped looks like trouble at the door.
"""

from dataclasses import dataclass
from enum import Enum
from math import erfc, exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.luck import COUNT, Luck
from chalicelib.routing.model import Break
from chalicelib.routing.pace import UNKNOWN_DOOR, Belief, Door, Pace, Spread, known_of
from chalicelib.routing.packed import Route
from chalicelib.units import Probability, Seconds, Timestamp

type Floats = NDArray[np.float64]
type Singles = NDArray[np.float32]

_NINE_TENTHS = 1.6449  # half of a normal's 90 % interval, in standard deviations
_TINY = 1e-9
_NEVER = 1e-250
_ROOT_TWO = sqrt(2)
# Where a survival function is looked at: standard deviations up to which a lognormal has its body, steps
# through that as shares of it, and from there on steps through a hold-up's tail as shares of its mean.
_BODY = 3.2
_BODY_STEPS = (0.0, 0.15, 0.3, 0.43, 0.56, 0.7, 0.85, 1.0)
_TAIL_STEPS = (0.3, 1.0, 8.0)
_NO_BODY = (0.0,) * len(_TAIL_STEPS)
_NOTHING: Singles = np.zeros(COUNT, dtype=np.float32)


type Span = tuple[Timestamp, Timestamp, Timestamp]
"""5 %, 50 % and 95 % of an instant."""


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
    door
        Of the visit in progress.
    free_at
        Not left: when the van is back from its shift before, 5 %, 50 % and 95 %; None if it is at the depot.
    drove_off_at
        At a door: when the van left the stop before, and with it a chance to take a break; 0 if not known.
    """

    doing: Doing
    since: Timestamp
    planned: Seconds = 0
    door: Door = UNKNOWN_DOOR
    drove_off_at: Timestamp = 0
    free_at: Span | None = None

    def leaves_at(self, starts_at: Timestamp, now: Timestamp) -> Timestamp:
        """When the leg ahead is expected to begin, or began; `starts_at` is the start of the rest's shift."""
        if self.doing is Doing.DRIVING:
            return self.since
        if self.doing is Doing.NOT_LEFT:
            return max(starts_at, now, self.free_at[1] if self.free_at else now)
        return now


def rest_of_it(
    pace: Pace, activity: Activity, table: Luck, rest: Route, driven: float, hour: int, now: Timestamp
) -> tuple[float, Singles]:
    """When what the van does now can end at the earliest, and how many seconds after that it does.

    Parameters
    ----------
    driven
        Seconds of the leg ahead, in the traffic of its `hour`.
    """
    spread = pace.habits.spread
    if activity.doing is Doing.NOT_LEFT:
        begins, late = max(rest.shift.starts_at, now), table.lateness * np.float32(spread.late_start)
        return begins, late if activity.free_at is None else late + _still_out(
            activity.free_at, begins, table
        )
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
            pace.habits.service_level + pace.service.mean + known,
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


def _still_out(free_at: Span, begins: Timestamp, table: Luck) -> Singles:
    """How long after the start of its shift a van is back from the one before, in each scenario."""
    low, middle, high = (at - begins for at in free_at)
    luck = table.before
    side = np.where(luck > 0, high - middle, middle - low) / _NINE_TENTHS
    back: Floats = np.maximum(middle + luck * side, 0.0)
    return back.astype(np.float32)


def wish_for(
    table: Luck, spread: Spread, number: int, pause: Break, activity: Activity, now: Timestamp
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
