"""Depots and vehicles survive being stored."""

import json
from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.fleet.documents import (
    depot_document,
    driver_document,
    read_depot,
    read_driver,
    read_vehicle,
    vehicle_document,
)
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
from chalicelib.routing.model import Capacity, Location
from chalicelib.routing.travel_times import SpeedProfile
from tests.fleet.builders import depot, van

words = st.text(max_size=8)
whole = st.integers(0, 10**9)
walls = st.builds(time, st.integers(0, 23), st.integers(0, 59))
days = st.frozensets(st.sampled_from(Weekday), min_size=1)
locations = st.builds(Location, lat=st.floats(-85, 85), lon=st.floats(-180, 180))
degrees = st.floats(-85, 85)
rings = st.builds(
    lambda points: Ring(lats=tuple(lat for lat, _ in points), lons=tuple(lon for _, lon in points)),
    st.lists(st.tuples(degrees, degrees), min_size=3, max_size=6),
)
areas = st.builds(Radius, metres=whole) | st.builds(
    Polygons,
    polygons=st.lists(
        st.builds(Polygon, outer=rings, holes=st.lists(rings, max_size=2).map(tuple)), min_size=1, max_size=2
    ).map(tuple),
)
slots = st.builds(
    SlotTemplate,
    starts=walls,
    ends=walls,
    days=days,
    price=st.none() | st.builds(Money, amount=whole, currency=words),
    order_by=st.none() | st.builds(OrderBy, days_before=st.integers(0, 14), time=walls),
)
slowness = st.lists(st.floats(0.1, 10), min_size=24, max_size=24).map(tuple)
depots = st.builds(
    Depot,
    depot_id=words,
    name=words,
    location=locations,
    timezone=words,
    currency=words,
    service_area=areas,
    slots=st.lists(slots, max_size=3).map(tuple),
    booking=st.builds(BookingRules, horizon_days=whole, cutoff_minutes=whole, hold_seconds=whole),
    service=st.builds(ServiceTime, base_seconds=whole, per_parcel_seconds=whole),
    loading_lead_minutes=whole,
    handover=st.builds(
        Handover, attended=st.booleans(), requires=st.frozensets(st.sampled_from(Requirement))
    ),
    closures=st.lists(
        st.builds(
            Closure, from_at=whole, to_at=whole, reason=words, sell=st.booleans(), deliver=st.booleans()
        ),
        max_size=3,
    ).map(tuple),
    target_kept=st.floats(0.5, 0.999),
    travel=st.builds(
        Travel,
        engine=st.sampled_from(TravelEngine),
        graph=st.none() | words,
        profile=st.builds(SpeedProfile, slowness=slowness, weekend=st.none() | slowness),
    ),
    offer_shaping=st.builds(
        OfferShaping,
        mode=st.sampled_from(ShapingMode),
        detour_ratio=st.floats(1, 100),
        detour_seconds=whole,
        surcharge_per_minute=st.none() | st.builds(Money, amount=whole, currency=words),
    ),
    version=whole,
    fleet_version=whole,
)
drivers = st.builds(Driver, name=words, phone=st.none() | words)
limits = st.none() | whole
vehicles = st.builds(
    Vehicle,
    vehicle_id=words,
    capacity=st.builds(Capacity, parcels=limits, grams=limits, millilitres=limits),
    skills=st.frozensets(words, max_size=3),
    weekly=st.lists(
        st.builds(WeeklyShift, days=days, starts=walls, ends=walls, driver=st.none() | drivers), max_size=3
    ).map(tuple),
    breaks=st.lists(
        st.builds(WallBreak, earliest=walls, latest=walls, duration_seconds=whole), max_size=3
    ).map(tuple),
    version=whole,
)


@given(depots)
def test_depot_survives_being_stored(described: Depot) -> None:
    """Written as JSON and read back it is the same, and so is its document."""
    document = json.loads(json.dumps(depot_document(described)))
    again = read_depot(document, version=described.version, fleet_version=described.fleet_version)
    assert again == described
    assert again.fleet_version == described.fleet_version
    assert depot_document(again) == document


def test_depot_stored_before_there_was_offer_shaping_has_none() -> None:
    """What was written without the policy is read with its default, which is off."""
    document = depot_document(depot())
    del document["shaping"]
    assert read_depot(document, version=1, fleet_version=1).offer_shaping.mode is ShapingMode.OFF


@given(vehicles)
def test_vehicle_survives_being_stored(described: Vehicle) -> None:
    """Written as JSON and read back it is the same."""
    document = json.loads(json.dumps(vehicle_document(described)))
    assert read_vehicle(document, version=described.version) == described


@given(drivers)
def test_driver_survives_being_stored(driver: Driver) -> None:
    """Written and read back it is the same."""
    assert read_driver(json.loads(json.dumps(driver_document(driver)))) == driver


def test_shape_of_another_time_is_refused_by_name() -> None:
    """Code never guesses at a document that newer code wrote."""
    with pytest.raises(ValueError, match="porto is stored in shape 2"):
        read_depot({**depot_document(depot()), "shape": 2}, version=1, fleet_version=1)
    with pytest.raises(ValueError, match="van-1 is stored in shape 0"):
        read_vehicle({**vehicle_document(van()), "shape": 0}, version=1)


def test_depots_are_told_apart_by_content_not_by_version_alone() -> None:
    """What is cached by a depot is never taken for another tenant's depot of the same id and version."""
    ours, theirs = depot(version=3), depot(version=3, timezone="Europe/Madrid")
    assert hash(ours) == hash(theirs)
    assert ours != theirs
    assert depot(fleet_version=1) == depot(fleet_version=2)
