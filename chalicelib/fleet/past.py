"""What a depot's finished days have taught, as its live forecasts use it; one row for each depot.

Drivers and doors are told apart by hashes under the row's own key, which nothing else is hashed with: from a
row alone nobody's name, address or number can be read, and what is not met again fades. Weak point: whoever
has the row can test a guess of who is in it.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from chalicelib.events import Tenant
from chalicelib.fleet.model import Depot
from chalicelib.routing.doors import Doors, Known, Marks, marks_of
from chalicelib.routing.history import History
from chalicelib.routing.pace import Habits, Spread
from chalicelib.routing.packed import StopArray
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import HOUR, Seconds, Timestamp

DAYS_NAMED: Final = 30  # learned days a row can tell from new ones
KEY_BYTES: Final = 16
FRESH_FOR: Final[Seconds] = HOUR  # business time; a past changes once a day


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Past:
    """What is known from before today.

    Attributes
    ----------
    days
        Those learned last, at most `DAYS_NAMED`.
    key
        Of the hashes by which drivers and doors are told apart; empty before anything was learned.
    timezone
        The depot's, by whose hours travel is learned.
    version
        Of the stored row; 0 before it is stored.
    """

    history: History
    doors: Doors
    days: tuple[date, ...]
    key: bytes
    timezone: str
    version: int = 0

    @staticmethod
    def none(timezone: str = "UTC") -> "Past":
        """Of a depot whose vans have not driven yet."""
        return Past(history=History.empty(), doors=Doors.none(), days=(), key=b"", timezone=timezone)

    def habits(self, driver: str, at: Timestamp, noise: Noise) -> Habits:
        """What a shift is expected to be like.

        Parameters
        ----------
        driver
            Whatever stands for one, as in `Progress.driver`; whoever is not known is as most are.
        at
            Any time of the shift.
        noise
            What is assumed as long as there was little to see.
        """
        history = assuming(self.history, noise)
        return history.habits(self.mark_of(driver), utc_offset=self.utc_offset(at))

    def utc_offset(self, at: Timestamp) -> Seconds:
        """How far the depot's wall clock is ahead of UTC."""
        ahead = datetime.fromtimestamp(at, ZoneInfo(self.timezone)).utcoffset()
        return round(ahead.total_seconds()) if ahead else 0

    def mark_of(self, driver: str) -> str:
        """Tell one driver from another without keeping who it is."""
        return blake2b(driver.encode(), digest_size=8, key=self.key).hexdigest()

    def marks_at(self, stops: StopArray) -> Marks:
        """Tell the doors of stops apart."""
        return marks_of(zip(stops["lat"].tolist(), stops["lon"].tolist(), strict=True), self.key)

    def doors_at(self, stops: StopArray) -> Known | None:
        """What is known of the doors of stops, as `routing.arrivals` takes it; None if nothing of any."""
        return self.doors.known(self.marks_at(stops)) if len(self.doors) else None

    def has(self, day: date) -> bool:
        """Whether a day was learned, or is too long ago to tell."""
        return day in self.days or (len(self.days) >= DAYS_NAMED and day < min(self.days))

    def with_day(self, day: date, history: History, doors: Doors) -> "Past":
        """The past with one more day in it."""
        days = tuple(sorted({*self.days, day})[-DAYS_NAMED:])
        return replace(self, history=history, doors=doors, days=days)


class PastStore(Protocol):
    """Where pasts are kept."""

    def past(self, tenant: Tenant, depot: Depot, now: Timestamp) -> Past:
        """A depot's past as it was at most `FRESH_FOR` ago; an empty one before anything was learned."""
        ...

    def stored_past(self, tenant: Tenant, depot: Depot) -> Past:
        """The same, strongly consistent."""
        ...

    def save_past(self, tenant: Tenant, depot_id: str, past: Past) -> None:
        """Store a past as `version + 1`, on condition of its version.

        Raises
        ------
        StaleWrite
            Somebody else stored one.
        """
        ...


@lru_cache(maxsize=64)
def assuming(history: History, noise: Noise) -> History:
    """Let a history assume this noise where little was seen; what follows from it is worked out once."""
    assumed = Spread.of(noise)
    return history if assumed == history.assumed else replace(history, assumed=assumed)
