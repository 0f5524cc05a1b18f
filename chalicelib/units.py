"""The words for quantities: whole numbers with the unit in the name, and the two clocks.

Inside the product every quantity is an integer; only coordinates and probabilities are floats. Local time
exists in `fleet.calendar` (a depot's wall clock) and on the wire, nowhere else.
"""

from datetime import UTC, datetime
from typing import Protocol

type Timestamp = int  # seconds since 1970-01-01T00:00:00Z
type Seconds = int  # a duration
type Metres = int
type Grams = int
type Millilitres = int
type MinorUnits = int  # money: cents, pence, ...
type Probability = float  # 0 to 1
type StopId = int  # 63 bits, time-ordered, unique per merchant; see `promises.ids`

MINUTE: Seconds = 60
HOUR: Seconds = 3600
DAY: Seconds = 86400


class Clock(Protocol):
    """What time it is outside; a merchant's business time is this plus an offset (sandbox only)."""

    def system_now(self) -> Timestamp:
        """Seconds since the epoch, UTC."""
        ...


def iso_utc(at: Timestamp) -> str:
    """Write an instant as RFC 3339 in UTC, for keys and logs.

    Examples
    --------
    >>> iso_utc(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
