"""Depots and vans as their merchant describes them, and the slots and shifts that follow.

Descriptions speak in local wall time (a `datetime.time` and a day of the week), because that is what a shop
prints on its door; `fleet.calendar` turns them into instants. A depot and a vehicle are hashed by id and
version, so that what is derived from them can be cached by them at the cost of a dictionary look-up.
Weak point: a description is replaced as a whole, there is no history of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
from typing import Final

from chalicelib.routing.model import Capacity, Location, TimeWindow
from chalicelib.routing.packed import MAX_SERVICE_TIME
from chalicelib.routing.travel_times import CITY_PROFILE, SpeedProfile
from chalicelib.units import Metres, MinorUnits, Probability, Seconds, Timestamp


class Weekday(StrEnum):
    """A day of the week, as it stands on the wire; in the order of `date.weekday`."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"

    @staticmethod
    def of(day: date) -> "Weekday":
        """Name the day of the week of a date."""
        return _WEEK[day.weekday()]

    @property
    def number(self) -> int:
        """0 for Monday to 6 for Sunday."""
        return _WEEK.index(self)


MOST_MINOR_UNITS: Final = 1_000_000_000  # of any amount of money

_WEEK = tuple(Weekday)
EVERY_DAY = frozenset(_WEEK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in the smallest unit of an ISO 4217 currency."""

    amount: MinorUnits
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Radius:
    """A service area: everything within so many metres of the depot, as the crow flies."""

    metres: Metres


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A closed line without self-intersection; the last point is not repeated.

    Two parallel tuples instead of points, because they compare, hash and are walked fast.
    """

    lats: tuple[float, ...]
    lons: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """What lies inside `outer` and in none of the `holes`."""

    outer: Ring
    holes: tuple[Ring, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygons:
    """A service area drawn on the map: the union of its polygons; made by `fleet.area` only."""

    polygons: tuple[Polygon, ...]


type ServiceArea = Radius | Polygons


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBy:
    """The last local moment at which a slot can be ordered, counted from the slot's own date."""

    days_before: int
    time: time


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotTemplate:
    """A window that is on sale every week; one that `ends` no later than it `starts` ends the day after."""

    starts: time
    ends: time
    days: frozenset[Weekday] = EVERY_DAY
    price: Money | None = None
    order_by: OrderBy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRules:
    """How far ahead, how late and for how long a checkout may claim a slot."""

    horizon_days: int = 14
    cutoff_minutes: int = 60
    hold_seconds: Seconds = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTime:
    """What a visit takes at the door, unless the checkout says otherwise."""

    base_seconds: Seconds = 300
    per_parcel_seconds: Seconds = 20

    def of(self, parcels: int) -> Seconds:
        """Estimate the seconds at the door for so many parcels, at most `MAX_SERVICE_TIME`."""
        return min(self.base_seconds + self.per_parcel_seconds * parcels, MAX_SERVICE_TIME)


class Requirement(StrEnum):
    """What a driver has to bring back from the door."""

    SIGNATURE = "signature"
    PHOTO = "photo"
    PIN = "pin"
    AGE_18 = "age_18"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """How a parcel changes hands: whether somebody must be at home, and what proves it."""

    attended: bool = False
    requires: frozenset[Requirement] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A time in which slots are not sold, or not delivered either.

    It concerns the slots whose window it overlaps, whenever they are bought. What is not delivered is not
    sold, whatever `sell` says; `sell=False, deliver=True` stops the sale and keeps what was sold.
    """

    from_at: Timestamp
    to_at: Timestamp
    reason: str
    sell: bool = False
    deliver: bool = False

    def overlaps(self, window: TimeWindow) -> bool:
        """Whether some of the window lies inside; sharing only an end is not overlapping."""
        return window.start < self.to_at and self.from_at < window.end


class TravelEngine(StrEnum):
    """Who answers how long a van drives."""

    ROADS = "roads"
    OSRM = "osrm"
    STRAIGHT_LINE = "straight_line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """Where a depot's travel times come from.

    Attributes
    ----------
    graph
        Key of the depot's road graph. Without one, `ROADS` means the built-in graph that covers the depot,
        and the straight line, labelled, where none does.
    profile
        Speed by hour of the local day.
    """

    engine: TravelEngine = TravelEngine.ROADS
    graph: str | None = None
    profile: SpeedProfile = CITY_PROFILE


class ShapingMode(StrEnum):
    """What becomes of slots that would send a van far out of its way."""

    OFF = "off"
    HIDE = "hide"
    PRICE = "price"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferShaping:
    """A merchant's policy for slots with a long detour, so that vans sell more of their day.

    A detour is long beyond `detour_ratio` times that of the same day's cheapest slot, plus `detour_seconds`.

    Attributes
    ----------
    detour_ratio
        At least 1: the cheapest slot is never shaped.
    surcharge_per_minute
        What `PRICE` adds for each minute begun beyond that limit.
    """

    mode: ShapingMode = ShapingMode.OFF
    detour_ratio: float = 2.0
    detour_seconds: Seconds = 1200
    surcharge_per_minute: Money | None = None

    def limit(self, cheapest: Seconds) -> Seconds:
        """The longest detour that is left alone beside the cheapest one; never less than that."""
        return round(self.detour_ratio * max(cheapest, 0)) + self.detour_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Depot:
    """A place vans start from, and the terms on which its slots are sold.

    Attributes
    ----------
    timezone
        IANA name; all wall times of the depot and its vans are read in it.
    loading_lead_minutes
        So long before a shift starts its van is loaded, unless the shift says otherwise.
    handover
        Asked of every delivery that does not ask for something itself.
    target_kept
        The share of sold promises that must be kept, between 0.5 and 0.999.
    version
        0: not stored yet.
    fleet_version
        Grows with every write to the depot, its vehicles and its shifts, in the same transaction: what was
        read under one value belongs together, and the vehicles can be cached by it.
    """

    depot_id: str
    name: str
    location: Location
    timezone: str
    currency: str
    service_area: ServiceArea
    slots: tuple[SlotTemplate, ...]
    booking: BookingRules = BookingRules()
    service: ServiceTime = ServiceTime()
    loading_lead_minutes: int = 30
    handover: Handover = Handover()
    closures: tuple[Closure, ...] = ()
    target_kept: Probability = 0.98
    travel: Travel = Travel()
    offer_shaping: OfferShaping = OfferShaping()
    version: int = 0
    fleet_version: int = field(default=0, compare=False)

    def __hash__(self) -> int:
        return hash((self.depot_id, self.version))

    @property
    def closed(self) -> tuple[TimeWindow, ...]:
        """Times in which nothing is delivered."""
        return tuple(
            TimeWindow(start=closure.from_at, end=closure.to_at)
            for closure in self.closures
            if not closure.deliver
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """Who drives: personal, and therefore never part of a route."""

    name: str
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyShift:
    """A shift a vehicle works every week; one that `ends` no later than it `starts` ends the day after."""

    days: frozenset[Weekday]
    starts: time
    ends: time
    driver: Driver | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WallBreak:
    """A rest that starts between two wall times; a shift has it if it lies wholly inside the shift."""

    earliest: time
    latest: time
    duration_seconds: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A van of a depot and the shifts it works every week; `version` 0 means not stored yet."""

    vehicle_id: str
    capacity: Capacity
    skills: frozenset[str] = frozenset()
    weekly: tuple[WeeklyShift, ...] = ()
    breaks: tuple[WallBreak, ...] = ()
    version: int = 0

    def __hash__(self) -> int:
        return hash((self.vehicle_id, self.version))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A delivery window on sale at a depot on a date.

    Attributes
    ----------
    slot_id
        The same for the same depot, date and wall times, whatever else changes: `porto.2026-11-24.0800-1000`.
    date
        Local date on which the window starts.
    order_by_at
        The slot's own order-by time as an instant; further cut-offs come from booking rules and vans.
    closed
        Why the slot is not sold, in the words of the closure; None when it is.
    deliver
        False when nothing is delivered in it: promises already made are at risk.
    """

    slot_id: str
    depot_id: str
    date: date
    window: TimeWindow
    price: Money | None = None
    order_by_at: Timestamp | None = None
    closed: str | None = None
    deliver: bool = True

    @property
    def sell(self) -> bool:
        """Whether it may be sold, as far as closures go."""
        return self.closed is None


type Drivers = Mapping[str, Driver]  # by shift_id
