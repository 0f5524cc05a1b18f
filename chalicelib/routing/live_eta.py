"""What is shown of a forecast: an interval that only narrows, and a status that does not flicker.

Every event moves every forecast a little, and a time that jumps about is believed by nobody. So what was
shown stays shown, cut down by what has become known, until too much of the forecast lies outside; then it
moves, and says in which direction. The status changes at one threshold and changes back at another.
`shown_next` is for whoever tells a buyer something, the governor of texts: what was told is the window of the
last message, and neither an event nor a look at the page changes it. A merchant reads forecasts as they are.
Weak point: an interval cut at what was shown covers a little less than its nine tenths.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import erfc, sqrt

from chalicelib.units import Probability, Timestamp

_NINE_TENTHS = 1.6449  # half of a normal's 90 % interval, in standard deviations


class Status(StrEnum):
    """How a delivery stands against its promised window."""

    ON_TIME = "on_time"
    AT_RISK = "at_risk"
    LATE = "late"


class Because(StrEnum):
    """Why an interval moved beyond what was shown before."""

    FIRST = "first"
    EXPLAINED = "explained"  # the caller has a reason: a replan, an incident, a change by the buyer
    LATER = "later"
    EARLIER = "earlier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """5 %, 50 % and 95 % of a start of service."""

    earliest_at: Timestamp
    expected_at: Timestamp
    latest_at: Timestamp

    def __post_init__(self) -> None:
        """Refuse what is out of order."""
        if not self.earliest_at <= self.expected_at <= self.latest_at:
            raise ValueError("an interval's three instants must be in order")

    def outside(self, other: "Interval") -> tuple[Probability, Probability]:
        """Probability of being before, and of being after, what another interval shows.

        Two half normals through the three instants.
        """
        return (
            _beyond(self.expected_at - other.earliest_at, self, other.earliest_at),
            _beyond(other.latest_at - self.expected_at, self, other.latest_at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When what is shown changes; probabilities.

    Attributes
    ----------
    moves_above
        Share of a forecast outside the interval shown from which on the interval moves.
    at_risk_below, safe_above
        Probability of being kept at which a delivery on time gets at risk, and at which it is safe again.
    late_below, hope_above
        The same between at risk and late.

    Raises
    ------
    ValueError
        If a status would change back at once.
    """

    moves_above: Probability = 0.25
    at_risk_below: Probability = 0.80
    safe_above: Probability = 0.92
    late_below: Probability = 0.10
    hope_above: Probability = 0.25

    def __post_init__(self) -> None:
        """Keep the thresholds apart."""
        if not 0 <= self.late_below < self.hope_above <= self.at_risk_below < self.safe_above <= 1:
            raise ValueError("needs 0 <= late_below < hope_above <= at_risk_below < safe_above <= 1")


USUAL = Thresholds()


def shown_next(
    shown: Interval | None, fresh: Interval, *, explained: bool = False, thresholds: Thresholds = USUAL
) -> tuple[Interval, Because | None]:
    """What to show now, and why it is not within what was shown before, if it is not.

    Parameters
    ----------
    shown
        What is shown so far.
    fresh
        The forecast as it is now.
    explained
        There is a reason to show something new, which the caller tells.
    """
    if shown is None:
        return fresh, Because.FIRST
    if shown.earliest_at <= fresh.earliest_at and fresh.latest_at <= shown.latest_at:
        return fresh, None
    if explained:
        return fresh, Because.EXPLAINED
    before, after = fresh.outside(shown)
    if before + after > thresholds.moves_above:
        return fresh, Because.LATER if after > before else Because.EARLIER
    earliest, latest = max(shown.earliest_at, fresh.earliest_at), min(shown.latest_at, fresh.latest_at)
    expected = min(max(fresh.expected_at, earliest), latest)
    return Interval(earliest_at=earliest, expected_at=expected, latest_at=latest), None


def status_next(status: Status | None, kept: Probability, thresholds: Thresholds = USUAL) -> Status:
    """How a delivery stands now that it is kept with this probability; None had no status yet."""
    if kept < thresholds.late_below or (status is Status.LATE and kept < thresholds.hope_above):
        return Status.LATE
    if kept < thresholds.at_risk_below:
        return Status.AT_RISK
    if status in (Status.AT_RISK, Status.LATE) and kept < thresholds.safe_above:
        return Status.AT_RISK
    return Status.ON_TIME


def _beyond(distance: float, forecast: Interval, bound: Timestamp) -> Probability:
    """How likely the forecast is beyond a bound that is so far outside its middle."""
    above = forecast.latest_at - forecast.expected_at
    side = above if bound > forecast.expected_at else forecast.expected_at - forecast.earliest_at
    if side == 0:
        return 0.0 if distance >= 0 else 1.0
    return erfc(distance * _NINE_TENTHS / side / sqrt(2)) / 2
