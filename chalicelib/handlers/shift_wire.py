"""How vehicles and shifts look in JSON.

A body becomes a description of `fleet.model`, judged when it is put; a view is made of what is stored.
Weak point: body and view repeat each other's fields, because one has defaults and the other none.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from chalicelib.fleet.model import (
    Driver,
    Vehicle,
    WallBreak,
    Weekday,
    WeeklyShift,
)
from chalicelib.fleet.service import Accepted
from chalicelib.fleet.shifts import KnownShift, ShiftWish
from chalicelib.handlers.depot_wire import AT_RISK, Days
from chalicelib.handlers.wire import (
    Body,
    Date,
    Grams,
    Id,
    Instant,
    LatLon,
    LocationView,
    Millilitres,
    Name,
    Phone,
    View,
    WallTime,
)
from chalicelib.routing.model import Break, Capacity, Shift

_MOST_LINES = 28
_MOST_BREAKS = 8

Skill = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$"), Field(examples=["fridge"])]
"""Something a van can or has, and a delivery may need."""

Skills = Annotated[list[Skill], Field(max_length=16)]
BreakSeconds = Annotated[int, Field(ge=60, le=4 * 3600)]


class CapacityBody(Body):
    """What a van can carry at once; a dimension left out does not bind."""

    parcels: Annotated[int, Field(ge=0, le=60_000)] | None = None
    grams: Grams | None = None
    millilitres: Millilitres | None = None

    def capacity(self) -> Capacity:
        """Read it as the domain has it."""
        return Capacity(parcels=self.parcels, grams=self.grams, millilitres=self.millilitres)

    @staticmethod
    def of(capacity: Capacity) -> "CapacityBody":
        """Show a capacity."""
        return CapacityBody(parcels=capacity.parcels, grams=capacity.grams, millilitres=capacity.millilitres)


class DriverBody(Body):
    """Who drives."""

    name: Name
    phone: Phone | None = None

    def driver(self) -> Driver:
        """Read it as the domain has it."""
        return Driver(name=self.name, phone=self.phone)


class DriverView(View):
    """Who drives."""

    name: str
    phone: str | None

    @staticmethod
    def of(driver: Driver | None) -> "DriverView | None":
        """Show a driver, if there is one."""
        return DriverView(name=driver.name, phone=driver.phone) if driver else None


class WeeklyBody(Body):
    """A shift worked every week. One that ends no later than it starts ends the day after."""

    days: Days = list(Weekday)
    starts: WallTime
    ends: WallTime
    driver: DriverBody | None = None

    def weekly(self) -> WeeklyShift:
        """Read it as the domain has it."""
        return WeeklyShift(
            days=frozenset(self.days),
            starts=self.starts,
            ends=self.ends,
            driver=self.driver.driver() if self.driver else None,
        )


class WeeklyView(View):
    """A shift worked every week."""

    days: list[Weekday]
    starts: WallTime
    ends: WallTime
    driver: DriverView | None

    @staticmethod
    def of(weekly: WeeklyShift) -> "WeeklyView":
        """Show a line of the template."""
        return WeeklyView(
            days=[day for day in Weekday if day in weekly.days],
            starts=weekly.starts,
            ends=weekly.ends,
            driver=DriverView.of(weekly.driver),
        )


class WallBreakBody(Body):
    """A rest that starts between two local times; a shift has it if it lies wholly inside."""

    earliest: WallTime
    latest: WallTime
    duration_seconds: BreakSeconds


class VehicleBody(Body):
    """A van and the shifts it works every week."""

    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "capacity": {"parcels": 60, "grams": 800_000},
        "skills": ["fridge"],
        "weekly": [{"days": ["mon", "tue", "wed", "thu", "fri"], "starts": "08:00", "ends": "16:00"}],
        "breaks": [{"earliest": "11:30", "latest": "13:00", "duration_seconds": 1800}],
    }

    capacity: CapacityBody
    skills: Skills = []
    weekly: Annotated[list[WeeklyBody], Field(max_length=_MOST_LINES)] = []
    breaks: Annotated[list[WallBreakBody], Field(max_length=_MOST_BREAKS)] = []

    def vehicle(self, vehicle_id: str) -> Vehicle:
        """Read it as the domain has it."""
        return Vehicle(
            vehicle_id=vehicle_id,
            capacity=self.capacity.capacity(),
            skills=frozenset(self.skills),
            weekly=tuple(line.weekly() for line in self.weekly),
            breaks=tuple(WallBreak(**dict(rest)) for rest in self.breaks),
        )


class VehicleView(View):
    """A van."""

    vehicle_id: str
    capacity: CapacityBody
    skills: list[str]
    weekly: list[WeeklyView]
    breaks: list[WallBreakBody]
    version: int

    @staticmethod
    def of(vehicle: Vehicle) -> "VehicleView":
        """Show a vehicle."""
        return VehicleView(
            vehicle_id=vehicle.vehicle_id,
            capacity=CapacityBody.of(vehicle.capacity),
            skills=sorted(vehicle.skills),
            weekly=[WeeklyView.of(line) for line in vehicle.weekly],
            breaks=[
                WallBreakBody(
                    earliest=rest.earliest, latest=rest.latest, duration_seconds=rest.duration_seconds
                )
                for rest in vehicle.breaks
            ],
            version=vehicle.version,
        )


class VehicleAccepted(VehicleView):
    """A van as it was stored, and what that endangers."""

    at_risk: Annotated[tuple[str, ...], Field(description=AT_RISK)]

    @staticmethod
    def accepted(accepted: Accepted[Vehicle]) -> "VehicleAccepted":
        """Show what a PUT did."""
        return VehicleAccepted(**dict(VehicleView.of(accepted.value)), at_risk=accepted.at_risk)


class ShiftVehicleBody(Body):
    """The van of a single shift, as it is on that day."""

    vehicle_id: Id
    capacity: CapacityBody
    skills: Skills = []


class BreakBody(Body):
    """A rest that starts between two instants."""

    earliest_at: Instant
    latest_at: Instant
    duration_seconds: BreakSeconds


class ShiftBody(Body):
    """A van's working time on one day."""

    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "starts_at": "2026-11-24T08:00:00+00:00",
        "ends_at": "2026-11-24T16:00:00+00:00",
        "vehicle": {"vehicle_id": "van-1", "capacity": {"parcels": 60}},
        "driver": {"name": "Ines", "phone": "+12025550123"},
    }

    starts_at: Instant
    ends_at: Instant
    loads_at: Annotated[Instant | None, Field(description="By the depot's loading lead, unless given.")] = (
        None
    )
    vehicle: ShiftVehicleBody
    driver: DriverBody | None = None
    breaks: Annotated[list[BreakBody], Field(max_length=_MOST_BREAKS)] = []
    start: Annotated[LatLon | None, Field(description="The depot, unless given.")] = None
    end: Annotated[LatLon | None, Field(description="The depot, unless given.")] = None

    def wish(self) -> ShiftWish:
        """Read it as the domain has it."""
        return ShiftWish(
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            loads_at=self.loads_at,
            vehicle_id=self.vehicle.vehicle_id,
            capacity=self.vehicle.capacity.capacity(),
            skills=frozenset(self.vehicle.skills),
            driver=self.driver.driver() if self.driver else None,
            breaks=tuple(
                Break(earliest_at=rest.earliest_at, latest_at=rest.latest_at, duration=rest.duration_seconds)
                for rest in self.breaks
            ),
            start=self.start.location() if self.start else None,
            end=self.end.location() if self.end else None,
        )


class ShiftVehicleView(View):
    """The van of a shift."""

    vehicle_id: str
    capacity: CapacityBody
    skills: list[str]


def vehicle_of(shift: Shift) -> ShiftVehicleView:
    """Show the van of a shift."""
    capacity = CapacityBody.of(shift.capacity)
    return ShiftVehicleView(vehicle_id=shift.vehicle_id, capacity=capacity, skills=sorted(shift.skills))


class ShiftView(View):
    """A shift."""

    shift_id: str
    depot_id: str
    date: Annotated[Date, Field(description="The local date it starts on: its plan.")]
    starts_at: Instant
    ends_at: Instant
    loads_at: Annotated[Instant, Field(description="From then on it takes no new parcel.")]
    vehicle: ShiftVehicleView
    driver: DriverView | None
    breaks: list[BreakBody]
    start: LocationView
    end: LocationView
    by_hand: Annotated[bool, Field(description="Put by hand: no template changes it.")]

    @staticmethod
    def of(known: KnownShift) -> "ShiftView":
        """Show a shift."""
        shift = known.shift
        return ShiftView(
            shift_id=shift.shift_id,
            depot_id=known.place.depot_id,
            date=known.place.day,
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            loads_at=shift.loads_at,
            vehicle=vehicle_of(shift),
            driver=DriverView.of(known.driver),
            breaks=[
                BreakBody(
                    earliest_at=rest.earliest_at, latest_at=rest.latest_at, duration_seconds=rest.duration
                )
                for rest in shift.breaks
            ],
            start=LocationView.of(shift.start),
            end=LocationView.of(shift.end),
            by_hand=known.by_hand,
        )


class ShiftAccepted(ShiftView):
    """A shift as it was stored, and what that endangers."""

    at_risk: Annotated[tuple[str, ...], Field(description=AT_RISK)]

    @staticmethod
    def accepted(accepted: Accepted[KnownShift]) -> "ShiftAccepted":
        """Show what a PUT did."""
        return ShiftAccepted(**dict(ShiftView.of(accepted.value)), at_risk=accepted.at_risk)


class AtRisk(View):
    """What taking something back endangers."""

    at_risk: Annotated[tuple[str, ...], Field(description=AT_RISK)]
