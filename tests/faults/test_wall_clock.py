"""F23: across clock changes, what a buyer is shown is what is stored, and what the van drives.

`tests/fleet/test_calendar.py` has the table of windows; here one goes from the search into a route.
"""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from chalicelib.fleet.calendar import instant
from chalicelib.fleet.model import EVERY_DAY, SlotTemplate, WeeklyShift
from chalicelib.fleet.store import FleetChanges
from chalicelib.promises.model import Hold
from chalicelib.units import HOUR
from tests.promises.shop import NEAR, TENANT, Shop, a_depot, a_vehicle

CHANGES = [
    ("Europe/London", date(2027, 3, 28)),
    ("Europe/London", date(2027, 10, 31)),
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2027, 11, 7)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Australia/Lord_Howe", date(2027, 10, 3)),
]
PLAIN = [("Pacific/Apia", date(2027, 3, 28)), ("Asia/Kathmandu", date(2027, 3, 28))]
OPENS, CLOSES = time(8), time(10)


def a_shop(zone: str, day: date) -> Shop:
    """A shop there, the noon before, with a van that starts before the clock changes."""
    slot = SlotTemplate(starts=OPENS, ends=CLOSES)
    night = WeeklyShift(days=EVERY_DAY, starts=time(0), ends=time(18))
    return Shop(
        depot=a_depot(timezone=zone, slots=(slot,)),
        vehicles=[a_vehicle(weekly=(night,))],
        now=instant(ZoneInfo(zone), day - timedelta(days=1), time(12)),
    )


def held(shop: Shop, day: date) -> Hold:
    """A hold for that day's slot."""
    (slot,) = shop.search(NEAR, from_date=day)
    assert slot.offer is not None, slot.reason
    return shop.hold(slot.offer)


@pytest.mark.parametrize(("zone", "day"), CHANGES + PLAIN)
def test_f23_window_shown_is_stored_and_driven(zone: str, day: date) -> None:
    """F23: eight to ten on the wall of that day, in the offer, the promise, the route and on the road."""
    shop = a_shop(zone, day)
    hold = held(shop, day)
    confirmed = shop.confirm(hold)
    promise = confirmed.promise
    wall = [datetime.fromtimestamp(at, ZoneInfo(zone)) for at in (promise.window.start, promise.window.end)]
    assert [(shown.date(), shown.time()) for shown in wall] == [(day, OPENS), (day, CLOSES)]
    (stop,) = shop.stops(day)
    assert stop.window == promise.window == promise.told_window == hold.offer.window
    assert promise.window.start <= confirmed.outlook.planned_at <= promise.window.end


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_f23_hours_since_midnight_would_be_another_time(zone: str, day: date) -> None:
    """Control: eight hours after the midnight of such a day it is not eight; on any other day it is."""

    def eight_hours_into(one: date) -> int:
        return instant(ZoneInfo(zone), one, time(0)) + 8 * HOUR

    assert eight_hours_into(day) != instant(ZoneInfo(zone), day, OPENS)
    other = day + timedelta(days=2)
    assert eight_hours_into(other) == instant(ZoneInfo(zone), other, OPENS)


def test_f23_rules_of_a_zone_that_change_move_nothing_that_was_shown() -> None:
    """F23: an offer and a hold carry instants; the wall clock they were read off may change its rules."""
    zone, day = CHANGES[0]
    shop = a_shop(zone, day)
    hold = held(shop, day)
    depot = shop.store.depot(TENANT, "porto")
    moved = replace(depot, timezone="Europe/Moscow")
    changes = FleetChanges(depot_id="porto", fleet_version=depot.fleet_version, depot=moved)
    shop.store.commit_fleet(TENANT, changes)
    promise = shop.confirm(hold).promise
    assert promise.window == hold.offer.window
    assert [stop.window for stop in shop.stops(day)] == [hold.offer.window]
    assert promise.timezone == zone
