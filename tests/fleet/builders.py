"""A depot in Porto, a van, and stops to put into its routes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time
from itertools import count
from zoneinfo import ZoneInfo

from chalicelib.events import Mode, Tenant
from chalicelib.fleet.ids import new_stop_id
from chalicelib.fleet.model import (
    EVERY_DAY,
    Depot,
    Radius,
    SlotTemplate,
    Travel,
    TravelEngine,
    Vehicle,
    WeeklyShift,
)
from chalicelib.routing.edit import legs_between, places_of
from chalicelib.routing.model import Capacity, Load, Location, Stop, StopKind, TimeWindow
from chalicelib.routing.packed import Route
from chalicelib.routing.travel_times import Places, SpeedProfile, StraightLine

ACME = Tenant(merchant_id="acme", mode=Mode.TEST)
BEST = Tenant(merchant_id="best", mode=Mode.TEST)
LISBON = ZoneInfo("Europe/Lisbon")
PORTO = Location(lat=41.15, lon=-8.61)
TUESDAY = date(2026, 11, 24)
STRAIGHT = StraightLine()
_numbers = count(1)


def at(hour: int, minute: int = 0, *, day: date = TUESDAY, zone: ZoneInfo = LISBON) -> int:
    """A local time as an instant."""
    return int(datetime.combine(day, time(hour, minute), zone).timestamp())


NOW = at(12, day=date(2026, 11, 23))  # the noon before


def depot(**more: object) -> Depot:
    """A depot that sells four two-hour slots a day."""
    described = {
        "depot_id": "porto",
        "name": "Porto",
        "location": PORTO,
        "timezone": "Europe/Lisbon",
        "currency": "EUR",
        "service_area": Radius(metres=10_000),
        "slots": tuple(SlotTemplate(starts=time(h), ends=time(h + 2)) for h in (8, 10, 14, 16)),
        "travel": Travel(engine=TravelEngine.STRAIGHT_LINE, profile=SpeedProfile(slowness=(1.0,) * 24)),
    }
    return Depot(**{**described, **more})  # type: ignore[arg-type]


def weekly(starts: int, ends: int, **more: object) -> WeeklyShift:
    """A shift of every day, from hour to hour."""
    described = {"days": EVERY_DAY, "starts": time(starts), "ends": time(ends)}
    return WeeklyShift(**{**described, **more})  # type: ignore[arg-type]


def van(vehicle_id: str = "van-1", **more: object) -> Vehicle:
    """A van that works from eight to four every day."""
    described = {
        "vehicle_id": vehicle_id,
        "capacity": Capacity(parcels=20),
        "weekly": (weekly(8, 16),),
    }
    return Vehicle(**{**described, **more})  # type: ignore[arg-type]


def stop(
    window: tuple[int, int] = (8, 10), *, parcels: int = 1, metres_north: int = 1000, **more: object
) -> Stop:
    """A promised stop of five minutes, north of the depot, in a window of that Tuesday."""
    number = next(_numbers)
    described = {
        "stop_id": new_stop_id(1_790_000_000_000 + number, number),
        "location": Location(lat=PORTO.lat + metres_north / 111_195, lon=PORTO.lon),
        "window": TimeWindow(start=at(window[0]), end=at(window[1])),
        "service_time": 300,
        "load": Load(parcels=parcels),
    }
    return Stop(**{**described, **more})  # type: ignore[arg-type]


def held(expires_at: int, **more: object) -> Stop:
    """A held stop."""
    return replace(stop(), kind=StopKind.HELD, expires_at=expires_at, **more)  # type: ignore[arg-type]


def booked(route: Route, stops: Sequence[Stop]) -> Route:
    """The route with stops appended, legs as the straight line has them."""
    for each in stops:
        here = Places.of([each.location], [each.node])
        around = places_of(route)
        last, home = around[len(route.stops)], around[len(route.stops) + 1]
        leg_in, leg_out = legs_between(Places.concat([last, here, home]), STRAIGHT)
        route = route.inserted(len(route.stops), each, leg_in, leg_out)
    return route
