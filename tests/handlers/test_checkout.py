"""Slot search as an outside client meets them: names, codes, shapes, defaults."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.handlers.shop_client import (
    CENTRE,
    LISBON,
    NEAR,
    SLOT_SHOWN,
    Shop,
    a_depot,
    a_van,
    at,
    one_place_shop,
    reasons,
)

SLOT_OFFERED = SLOT_SHOWN | {"confidence", "extra_seconds", "extra_metres", "grade", "offer"}


def test_answer_has_the_shape_of_the_contract(shop: Shop) -> None:
    """Every slot of the day with all that a storefront shows; the offer is good for 30 minutes."""
    found = shop.done("POST", "/v1/slots/search", shop.wish())
    assert found.keys() == {"computed_at", "expires_at", "timezone", "served", "slots"}
    assert (found["computed_at"], found["expires_at"]) == (
        "2026-11-24T06:00:00+00:00",
        "2026-11-24T06:30:00+00:00",
    )
    assert (found["timezone"], found["served"]) == ("Europe/Lisbon", "live_routes")
    first = found["slots"][0]
    assert first.keys() == SLOT_OFFERED
    assert (first["starts_at"], first["ends_at"], first["cutoff_at"]) == (
        "2026-11-24T08:00:00+00:00",
        "2026-11-24T10:00:00+00:00",
        "2026-11-24T07:00:00+00:00",
    )
    assert (first["depot_id"], first["available"], first["grade"]) == ("porto", True, "best")
    assert 0.98 <= first["confidence"] <= 1
    assert len(found["slots"]) == 5


def test_only_the_destination_has_no_default(shop: Shop) -> None:
    """One parcel, seven days, every depot: a storefront in a hurry sends a point."""
    found = shop.done("POST", "/v1/slots/search", {"destination": NEAR})
    assert len({slot["starts_at"][:10] for slot in found["slots"]}) == 7


def test_same_state_gives_the_same_answer(shop: Shop) -> None:
    """Byte for byte, offers included."""
    one, other = (shop.ask("POST", "/v1/slots/search", shop.wish()).body for _ in range(2))
    assert one == other


def test_publishable_key_sees_no_detours(shop: Shop) -> None:
    """What an order costs the merchant is not for shoppers; nor are the alternatives' detours."""
    for slot in shop.search(key="publishable"):
        assert slot.keys() == SLOT_OFFERED - {"extra_seconds", "extra_metres"}
    small = one_place_shop()
    offer = small.offer(key="publishable", days=2)
    small.hold(offer)
    taken = small.refused("POST", "/v1/holds", {"offer": offer, "cart_ref": "late"}, key="publishable")
    assert taken["alternatives"]
    assert all("extra_seconds" not in slot for slot in taken["alternatives"])


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"load": {"parcels": 51}}, "load"),
        ({"skills": ["fridge"]}, "skill"),
        ({"destination": LISBON}, "out_of_area"),
        ({"service_time_seconds": 4 * 3600, "destination": {"lat": 41.3, "lon": -8.5}}, "no_route_fit"),
    ],
)
def test_slot_that_cannot_be_had_says_why(wish: dict[str, Any], reason: str) -> None:
    """No slot is not an error: 200, every slot listed, none of them with an offer."""
    shop = Shop(
        depot=a_depot(service_area={"radius_metres": 40_000}),
        van=a_van(weekly=[{"starts": "08:00", "ends": "12:00"}]),
    )
    slots = shop.search(**wish)
    assert len(slots) == 5
    assert {slot["available"] for slot in slots} == {False}
    assert reason in reasons(slots)
    assert all(slot.keys() == SLOT_SHOWN | {"reason"} for slot in slots)


def test_slots_without_a_van_or_closed_or_too_late_say_so() -> None:
    """The shop's own rules come first: a closed day says `closed`."""
    closure = {
        "from_at": "2026-11-25T00:00:00+00:00",
        "to_at": "2026-11-26T00:00:00+00:00",
        "reason": "Stocktaking",
    }
    shop = Shop(depot=a_depot(closures=[closure]), van=a_van(weekly=[{"starts": "08:00", "ends": "15:00"}]))
    assert reasons(shop.search()) >= {"no_shift", None}
    assert reasons(shop.search(from_date="2026-11-25")) == {"closed"}
    shop.wait(2 * 3600)
    assert reasons(shop.search()) == {"cutoff_passed", "no_shift"}


def test_place_held_by_another_cart_may_come_back_and_a_sold_one_does_not() -> None:
    """`held` turns into `full` when it is paid, or into `load` where the van has time but no room."""
    busy = Shop(depot=a_depot(slots=[{"starts": "10:00", "ends": "11:00"}], service={"base_seconds": 3600}))
    for shop, sold in ((busy, "full"), (one_place_shop(), "load")):
        held = shop.hold()
        while (now := reasons(shop.search())) == {None}:
            held = shop.hold()
        assert now == {"held"}
        shop.promise(hold_id=held["hold_id"])
        shop.wait(700)
        while reasons(shop.search()) == {None}:
            shop.promise()
        assert reasons(shop.search()) == {sold}


def test_caller_does_not_stand_in_its_own_way() -> None:
    """A search that names its cart overlooks that cart's hold; another cart's search does not."""
    shop = one_place_shop()
    shop.hold(cart_ref="mine")
    assert reasons(shop.search(cart_ref="mine")) == {None}
    assert reasons(shop.search(cart_ref="other")) == {"held"}


def test_window_of_dates_is_clipped_to_what_can_be_sold(shop: Shop) -> None:
    """A date in the past begins today, the horizon ends it, beyond it there is nothing: never an error."""
    dates = {slot["starts_at"][:10] for slot in shop.search(from_date="2020-01-01", days=2)}
    assert dates == {"2026-11-24", "2026-11-25"}
    last = shop.search(from_date="2026-12-06", days=14)
    assert {slot["starts_at"][:10] for slot in last} == {"2026-12-06", "2026-12-07"}
    for day in ("2026-12-08", "2027-11-24", "2100-12-31"):
        assert shop.search(from_date=day) == []


def test_every_depot_that_serves_the_address_is_searched(shop: Shop) -> None:
    """Unless one is named; one that does not serve it is left out, also where a polygon has a hole."""
    ring = [[-8.7, 41.1], [-8.5, 41.1], [-8.5, 41.2], [-8.7, 41.2], [-8.7, 41.1]]
    hole = [[-8.61, 41.155], [-8.59, 41.155], [-8.59, 41.165], [-8.61, 41.165], [-8.61, 41.155]]
    drawn = {"type": "Polygon", "coordinates": [ring, hole]}
    shop.done("PUT", "/v1/depots/aveiro", a_depot(service_area=drawn))
    shop.done("PUT", "/v1/depots/aveiro/vehicles/van-1", a_van())
    assert {slot["depot_id"] for slot in shop.search(destination=CENTRE)} == {"aveiro", "porto"}
    assert {slot["depot_id"] for slot in shop.search(destination=CENTRE, depot_id="aveiro")} == {"aveiro"}
    assert {slot["depot_id"] for slot in shop.search(destination=NEAR)} == {"porto"}
    assert reasons(shop.search(destination=NEAR, depot_id="aveiro")) == {"out_of_area"}


@pytest.mark.parametrize(
    ("depot", "cutoff_at"),
    [
        ({"booking": {"cutoff_minutes": 240}}, "2026-11-24T10:00:00+00:00"),
        ({"order_by": {"days_before": 1, "time": "18:00"}}, "2026-11-23T18:00:00+00:00"),
        ({"loading_lead_minutes": 60, "booking": {"cutoff_minutes": 0}}, "2026-11-24T11:00:00+00:00"),
    ],
)
def test_cutoff_is_the_earliest_of_lead_time_order_by_and_last_van(
    depot: dict[str, Any], cutoff_at: str
) -> None:
    """It is fixed in the offer, and no offer is issued with less than 15 minutes to go."""
    order_by = {"order_by": depot.pop("order_by")} if "order_by" in depot else {}
    slots = [{"starts": "14:00", "ends": "16:00", **order_by}]
    shop = Shop(depot=a_depot(slots=slots, **depot), van=a_van(weekly=[{"starts": "12:00", "ends": "18:00"}]))
    shop.clock.at = at("2026-11-23T09:00:00Z")
    [today] = shop.search(from_date="2026-11-24")
    assert (today["available"], today["cutoff_at"]) == (True, cutoff_at)
    shop.clock.at = at(cutoff_at) - 15 * 60
    found = shop.done("POST", "/v1/slots/search", shop.wish(from_date="2026-11-24"))
    assert found["slots"][0]["available"]
    assert found["expires_at"] == cutoff_at
    shop.clock.at += 1
    assert reasons(shop.search(from_date="2026-11-24")) == {"cutoff_passed"}


def test_slots_keep_their_wall_time_through_both_clock_changes() -> None:
    """Every instant has the offset of its moment; the lost hour is missing, the repeated one is there."""
    slots = [{"starts": "00:30", "ends": "02:30"}, {"starts": "22:00", "ends": "02:00"}]
    van = a_van(weekly=[{"starts": "00:00", "ends": "12:00"}, {"starts": "20:00", "ends": "00:00"}])
    shop = Shop(depot=a_depot(slots=slots), van=van)

    def windows(day: str, now: str) -> list[tuple[str, str]]:
        shop.clock.at = at(now)
        return [(slot["starts_at"], slot["ends_at"]) for slot in shop.search(from_date=day, days=1)]

    assert windows("2027-03-28", "2027-03-26T12:00:00Z") == [
        ("2027-03-28T00:30:00+00:00", "2027-03-28T02:30:00+01:00"),
        ("2027-03-28T22:00:00+01:00", "2027-03-29T02:00:00+01:00"),
    ]
    assert windows("2027-10-31", "2027-10-29T12:00:00Z") == [
        ("2027-10-31T00:30:00+01:00", "2027-10-31T02:30:00+00:00"),
        ("2027-10-31T22:00:00+00:00", "2027-11-01T02:00:00+00:00"),
    ]
    lengths = [
        datetime.fromisoformat(end) - datetime.fromisoformat(start)
        for start, end in windows("2027-10-31", "2027-10-29T12:00:00Z")
    ]
    assert lengths == [timedelta(hours=3), timedelta(hours=4)]


def test_slot_over_midnight_is_sold_and_kept_on_the_date_it_starts() -> None:
    """A window of the night is held, promised and listed under the evening's date."""
    van = a_van(weekly=[{"starts": "21:00", "ends": "03:00"}])
    shop = Shop(depot=a_depot(slots=[{"starts": "23:00", "ends": "01:00"}]), van=van)
    made = shop.promise()
    assert made["promised_window"] == {
        "starts_at": "2026-11-24T23:00:00+00:00",
        "ends_at": "2026-11-25T01:00:00+00:00",
    }
    assert [p["promise_id"] for p in shop.done("GET", "/v1/promises?date=2026-11-24")["data"]] == [
        made["promise_id"]
    ]
    assert shop.done("GET", "/v1/promises?date=2026-11-25")["data"] == []


def test_price_is_the_slots_own() -> None:
    """Minor units and currency; no price, no field."""
    slots = [
        {"starts": "08:00", "ends": "10:00", "price": {"amount": 450, "currency": "EUR"}},
        {"starts": "10:00", "ends": "12:00"},
    ]
    priced, free = Shop(depot=a_depot(slots=slots)).search()
    assert priced["price"] == {"amount": 450, "currency": "EUR"}
    assert "price" not in free


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"destination": {"lat": 91, "lon": 0}}, "/destination/lat"),
        ({"destination": {"lat": 41.1, "lon": "-8.6"}}, "/destination/lon"),
        ({"destination": {"lat": 0, "lon": 0}}, "/destination"),
        ({"destination": {"lat": 41.1}}, "/destination/lon"),
        (
            {"destination": {**NEAR, "address": {"lines": [], "city": "P", "country": "PT"}}},
            "/destination/address/lines",
        ),
        (
            {"destination": {**NEAR, "address": {"lines": ["1"], "city": "P", "country": "pt"}}},
            "/destination/address/country",
        ),
        ({"load": {"parcels": 0}}, "/load/parcels"),
        ({"load": {"parcels": 1.5}}, "/load/parcels"),
        ({"load": {"boxes": 1}}, "/load/boxes"),
        ({"load": {"grams": -1}}, "/load/grams"),
        ({"days": 15}, "/days"),
        ({"days": 0}, "/days"),
        ({"days": True}, "/days"),
        ({"from_date": "2026-02-30"}, "/from_date"),
        ({"from_date": "2026-W48-2"}, "/from_date"),
        ({"from_date": "2026-11-24T00:00:00Z"}, "/from_date"),
        ({"handover": {"requires": ["blood"]}}, "/handover/requires/0"),
        ({"service_time_seconds": 0}, "/service_time_seconds"),
        ({"skills": ["a b"]}, "/skills/0"),
        ({"cart_ref": ""}, "/cart_ref"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_search_that_makes_no_sense_is_refused_with_the_place(
    shop: Shop, wrong: dict[str, Any], pointer: str
) -> None:
    """B02, B04: 422 with a JSON pointer."""
    problem = shop.refused("POST", "/v1/slots/search", shop.wish(**wrong))
    assert (problem["status"], problem["code"]) == (422, "invalid_request")
    assert [each["pointer"] for each in problem["errors"]] == [pointer]


@pytest.mark.parametrize("travel", [{"engine": "osrm"}, {"engine": "roads", "graph": "atlantis"}])
def test_depot_names_travel_times_that_are_there(shop: Shop, travel: dict[str, str]) -> None:
    """422 when it is put, so that no search is left without."""
    problem = shop.refused("PUT", "/v1/depots/porto", a_depot(travel=travel))
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/travel")
    assert shop.search()


def test_key_is_looked_at_before_the_body(shop: Shop) -> None:
    """Whoever may not ask learns nothing about what it asked."""
    shop.keys["nobody"] = "slk_test_sk_nobody"
    assert shop.refused("POST", "/v1/holds", b"{{", key="nobody")["code"] == "unauthorized"
    assert shop.refused("POST", "/v1/holds", b"{{", key="ops")["code"] == "forbidden"
    assert shop.refused("POST", "/v1/promises", b"{{", key="publishable")["code"] == "forbidden"
