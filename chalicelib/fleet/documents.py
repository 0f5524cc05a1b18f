"""Depots, vehicles, drivers and what altered a route as plain JSON documents, and back.

The one place that knows their stored shape; `shape` is the version of it, and readers keep all that were ever
written. Versions stay outside: they guard the row a document is stored in. Wall times are `HH:MM`, instants
and quantities whole numbers, sets sorted lists; what has a default is written out, so that a later default
changes nothing that is stored.
"""

from datetime import time
from typing import Any

from chalicelib.fleet.model import (
    BookingRules,
    Closure,
    Depot,
    Driver,
    Handover,
    Money,
    OfferShaping,
    OrderBy,
    Polygon,
    Polygons,
    Radius,
    Requirement,
    Ring,
    ServiceArea,
    ServiceTime,
    ShapingMode,
    SlotTemplate,
    Travel,
    TravelEngine,
    Vehicle,
    WallBreak,
    Weekday,
    WeeklyShift,
)
from chalicelib.routing.altered import Alteration, Altered, Cause
from chalicelib.routing.model import Capacity, Location
from chalicelib.routing.travel_times import SpeedProfile

type Document = dict[str, Any]

SHAPE = 1


def depot_document(depot: Depot) -> Document:
    """Write a depot."""
    return {
        "shape": SHAPE,
        "depot_id": depot.depot_id,
        "name": depot.name,
        "at": [depot.location.lat, depot.location.lon],
        "timezone": depot.timezone,
        "currency": depot.currency,
        "area": _area(depot.service_area),
        "slots": [_slot(template) for template in depot.slots],
        "booking": [depot.booking.horizon_days, depot.booking.cutoff_minutes, depot.booking.hold_seconds],
        "service": [depot.service.base_seconds, depot.service.per_parcel_seconds],
        "loading_lead_minutes": depot.loading_lead_minutes,
        "handover": [depot.handover.attended, sorted(depot.handover.requires)],
        "closures": [
            [closure.from_at, closure.to_at, closure.reason, closure.sell, closure.deliver]
            for closure in depot.closures
        ],
        "target_kept": depot.target_kept,
        "travel": _travel(depot.travel),
        "shaping": _shaping(depot.offer_shaping),
    }


def read_depot(stored: Document, *, version: int, fleet_version: int) -> Depot:
    """Read what `depot_document` wrote.

    Raises
    ------
    ValueError
        It is in a shape this code does not know.
    """
    _check_shape(stored, "depot_id")
    attended, requires = stored["handover"]
    horizon_days, cutoff_minutes, hold_seconds = stored["booking"]
    base_seconds, per_parcel_seconds = stored["service"]
    return Depot(
        depot_id=stored["depot_id"],
        name=stored["name"],
        location=_read_location(stored["at"]),
        timezone=stored["timezone"],
        currency=stored["currency"],
        service_area=_read_area(stored["area"]),
        slots=tuple(_read_slot(template) for template in stored["slots"]),
        booking=BookingRules(
            horizon_days=horizon_days, cutoff_minutes=cutoff_minutes, hold_seconds=hold_seconds
        ),
        service=ServiceTime(base_seconds=base_seconds, per_parcel_seconds=per_parcel_seconds),
        loading_lead_minutes=stored["loading_lead_minutes"],
        handover=Handover(attended=attended, requires=frozenset(map(Requirement, requires))),
        closures=tuple(
            Closure(from_at=from_at, to_at=to_at, reason=reason, sell=sell, deliver=deliver)
            for from_at, to_at, reason, sell, deliver in stored["closures"]
        ),
        target_kept=float(stored["target_kept"]),
        travel=_read_travel(stored["travel"]),
        # Depots were stored before there was this policy.
        offer_shaping=_read_shaping(stored["shaping"]) if "shaping" in stored else OfferShaping(),
        version=version,
        fleet_version=fleet_version,
    )


def vehicle_document(vehicle: Vehicle) -> Document:
    """Write a vehicle; the drivers of its template are in it, so it is as personal as they are."""
    return {
        "shape": SHAPE,
        "vehicle_id": vehicle.vehicle_id,
        "capacity": [vehicle.capacity.parcels, vehicle.capacity.grams, vehicle.capacity.millilitres],
        "skills": sorted(vehicle.skills),
        "weekly": [
            [
                _days(weekly.days),
                _wall(weekly.starts),
                _wall(weekly.ends),
                weekly.driver and driver_document(weekly.driver),
            ]
            for weekly in vehicle.weekly
        ],
        "breaks": [
            [_wall(rest.earliest), _wall(rest.latest), rest.duration_seconds] for rest in vehicle.breaks
        ],
    }


def read_vehicle(stored: Document, *, version: int) -> Vehicle:
    """Read what `vehicle_document` wrote.

    Raises
    ------
    ValueError
        It is in a shape this code does not know.
    """
    _check_shape(stored, "vehicle_id")
    parcels, grams, millilitres = stored["capacity"]
    return Vehicle(
        vehicle_id=stored["vehicle_id"],
        capacity=Capacity(parcels=parcels, grams=grams, millilitres=millilitres),
        skills=frozenset(stored["skills"]),
        weekly=tuple(
            WeeklyShift(
                days=_read_days(days),
                starts=_read_wall(starts),
                ends=_read_wall(ends),
                driver=driver and read_driver(driver),
            )
            for days, starts, ends, driver in stored["weekly"]
        ),
        breaks=tuple(
            WallBreak(earliest=_read_wall(earliest), latest=_read_wall(latest), duration_seconds=duration)
            for earliest, latest, duration in stored["breaks"]
        ),
        version=version,
    )


def driver_document(driver: Driver) -> Document:
    """Write a driver: personal."""
    return {"name": driver.name, "phone": driver.phone}


def read_driver(stored: Document) -> Driver:
    """Read what `driver_document` wrote."""
    return Driver(name=stored["name"], phone=stored["phone"])


def alteration_document(alteration: Alteration) -> Document:
    """Write what was done to a running route."""
    return {
        "because": alteration.because,
        "by": alteration.by,
        "at": alteration.at,
        "version": alteration.version,
        "stops": [list(each) for each in alteration.stops],
    }


def read_alteration(stored: Document) -> Alteration:
    """Read what `alteration_document` wrote."""
    return Alteration(
        because=Cause(stored["because"]),
        by=stored["by"],
        at=stored["at"],
        version=stored["version"],
        stops=tuple((stop_id, Altered(what)) for stop_id, what in stored["stops"]),
    )


def _check_shape(stored: Document, name: str) -> None:
    if stored["shape"] != SHAPE:
        raise ValueError(f"{stored.get(name)} is stored in shape {stored['shape']}; this code reads {SHAPE}")


def _read_location(stored: list[float]) -> Location:
    return Location(lat=float(stored[0]), lon=float(stored[1]))


def _wall(wall: time) -> str:
    return f"{wall:%H:%M}"


def _read_wall(stored: str) -> time:
    return time.fromisoformat(stored)


def _days(days: frozenset[Weekday]) -> list[str]:
    return [str(day) for day in Weekday if day in days]


def _read_days(stored: list[str]) -> frozenset[Weekday]:
    return frozenset(map(Weekday, stored))


def _area(area: ServiceArea) -> Document:
    if isinstance(area, Radius):
        return {"metres": area.metres}
    return {
        "polygons": [[_ring(ring) for ring in (polygon.outer, *polygon.holes)] for polygon in area.polygons]
    }


def _read_area(stored: Document) -> ServiceArea:
    if "metres" in stored:
        return Radius(metres=stored["metres"])
    polygons = []
    for outer, *holes in stored["polygons"]:
        polygons.append(Polygon(outer=_read_ring(outer), holes=tuple(map(_read_ring, holes))))
    return Polygons(polygons=tuple(polygons))


def _ring(ring: Ring) -> list[list[float]]:
    return [list(ring.lats), list(ring.lons)]


def _read_ring(stored: list[list[float]]) -> Ring:
    lats, lons = stored
    return Ring(lats=tuple(map(float, lats)), lons=tuple(map(float, lons)))


def _slot(template: SlotTemplate) -> Document:
    order_by = template.order_by
    return {
        "starts": _wall(template.starts),
        "ends": _wall(template.ends),
        "days": _days(template.days),
        "price": _money(template.price),
        "order_by": order_by and [order_by.days_before, _wall(order_by.time)],
    }


def _read_slot(stored: Document) -> SlotTemplate:
    order_by = stored["order_by"]
    return SlotTemplate(
        starts=_read_wall(stored["starts"]),
        ends=_read_wall(stored["ends"]),
        days=_read_days(stored["days"]),
        price=_read_money(stored["price"]),
        order_by=OrderBy(days_before=order_by[0], time=_read_wall(order_by[1])) if order_by else None,
    )


def _travel(travel: Travel) -> Document:
    weekend = travel.profile.weekend
    return {
        "engine": str(travel.engine),
        "graph": travel.graph,
        "slowness": list(travel.profile.slowness),
        "weekend": None if weekend is None else list(weekend),
    }


def _shaping(shaping: OfferShaping) -> Document:
    return {
        "mode": str(shaping.mode),
        "ratio": shaping.detour_ratio,
        "seconds": shaping.detour_seconds,
        "surcharge": _money(shaping.surcharge_per_minute),
    }


def _read_shaping(stored: Document) -> OfferShaping:
    return OfferShaping(
        mode=ShapingMode(stored["mode"]),
        detour_ratio=float(stored["ratio"]),
        detour_seconds=stored["seconds"],
        surcharge_per_minute=_read_money(stored["surcharge"]),
    )


def _money(money: Money | None) -> list[Any] | None:
    return [money.amount, money.currency] if money else None


def _read_money(stored: list[Any] | None) -> Money | None:
    return Money(amount=stored[0], currency=stored[1]) if stored else None


def _read_travel(stored: Document) -> Travel:
    weekend = stored["weekend"]
    profile = SpeedProfile(
        slowness=tuple(map(float, stored["slowness"])),
        weekend=None if weekend is None else tuple(map(float, weekend)),
    )
    return Travel(engine=TravelEngine(stored["engine"]), graph=stored["graph"], profile=profile)
