"""Where somebody lives is forgotten in plans that were driven, and not a moment before that does no harm."""

from typing import Any

import pytest

from chalicelib.fleet.learning import SETTLES
from chalicelib.fleet.plans import PlanKey
from chalicelib.handlers import workers
from chalicelib.units import DAY as ONE_DAY
from chalicelib.units import HOUR, MINUTE, Timestamp
from tests.handlers.deployed import ACME, Deployed, Start
from tests.handlers.shop_client import at, fresh

DAY = "2026-11-24"
SHIFT = f"/v1/shifts/porto.van-1.{DAY}.0800"
SETTLED = at(f"{DAY}T18:00:00Z") + SETTLES
PHONE = "+12025550142"
HERE, THERE = {"lat": 41.161234, "lon": -8.601234}, {"lat": 41.165678, "lon": -8.605678}


@pytest.fixture
def shop(start: Start) -> Deployed:
    return start()


def delivered(shop: Deployed) -> list[dict[str, Any]]:
    """Two neighbours' deliveries, both done in the morning: one is to be forgotten, one is not."""
    made = [
        shop.promise(offer=shop.offer(destination=place), recipient={"name": "Ana", "phone": phone})
        for place, phone in ((HERE, PHONE), (THERE, "+12025550143"))
    ]
    shop.clock.at = at(f"{DAY}T11:00:00Z")
    events = [{"type": "departed_depot", "at": f"{DAY}T08:02:00Z"}]
    for number, each in enumerate(made):
        told = {"promise_id": each["promise_id"]}
        events += [
            {"type": "arrived", "at": f"{DAY}T0{number + 8}:20:00Z", **told},
            {
                "type": "completed",
                "at": f"{DAY}T0{number + 8}:29:00Z",
                "outcome": "delivered_to_recipient",
                **told,
            },
        ]
    named = [event | {"event_id": fresh("event")} for event in events]
    shop.done("POST", f"{SHIFT}/events", {"events": named}, key="admin")
    return made


def places(shop: Deployed) -> set[tuple[float, float]]:
    """Where the van's stops are said to be."""
    plan = PlanKey.parse(f"porto/{DAY}")
    stored = shop.services.store.routes(ACME, "porto", first=plan.day, last=plan.day, consistent=True)
    return {(stop.location.lat, stop.location.lon) for _, route in stored for stop in route.all_stops()}


def is_learned(shop: Deployed) -> bool:
    depot = shop.services.store.depot(ACME, "porto")
    assert depot is not None
    return shop.services.store.pasts.stored_past(ACME, depot).version > 0


def sweep_at(shop: Deployed, moment: Timestamp) -> None:
    shop.clock.at = moment
    workers.drain_due(shop.services)


EXACT = {(HERE["lat"], HERE["lon"]), (THERE["lat"], THERE["lon"])}
BLURRED = {(41.16, -8.6), (THERE["lat"], THERE["lon"])}


def test_place_goes_when_its_day_was_learned(shop: Deployed) -> None:
    """The van is still on the road, and what it took to get there is worth knowing; the neighbour's stays."""
    delivered(shop)
    shop.done("POST", "/v1/erasures", {"phone": PHONE}, key="admin")
    sweep_at(shop, SETTLED - MINUTE)
    assert (places(shop), is_learned(shop)) == (EXACT, False)
    sweep_at(shop, SETTLED + MINUTE)
    assert (places(shop), is_learned(shop)) == (EXACT, True)
    sweep_at(shop, SETTLED + 2 * HOUR)
    assert places(shop) == BLURRED


def test_day_that_is_never_learned_is_not_waited_for(shop: Deployed) -> None:
    """Within a day of its time it may be learned yet. CONTROL: that day it was not."""
    delivered(shop)
    shop.done("POST", "/v1/erasures", {"phone": PHONE}, key="admin")
    [made] = shop.done("GET", "/v1/promises?limit=1")["data"]
    finish = shop.services.erasure.finish
    late = SETTLED + 3 * HOUR
    assert finish(ACME, made["promise_id"], late) == late + HOUR
    assert places(shop) == EXACT
    assert not is_learned(shop)
    assert finish(ACME, made["promise_id"], SETTLED + ONE_DAY) is None
    assert places(shop) == BLURRED


def test_row_that_is_written_over_goes_when_it_would_have_gone(shop: Deployed) -> None:
    """Its route is everybody's who is on it: forgetting one of them keeps the others no longer."""

    def lives() -> dict[str, str]:
        rows = shop.dynamodb.scan(TableName=shop.resources.table_name)["Items"]
        kinds = ("#D#porto", f"#MOTION#porto/{DAY}")
        return {
            row["sk"]["S"]: row["ttl"]["N"] for row in rows if row["pk"]["S"].endswith(kinds) and "ttl" in row
        }

    delivered(shop)
    sweep_at(shop, SETTLED + MINUTE)
    before = lives()
    shop.clock.advance(20 * ONE_DAY)
    shop.done("POST", "/v1/erasures", {"phone": PHONE}, key="admin")
    assert places(shop) == BLURRED
    assert lives() == before


def test_plan_and_figures_of_the_day_are_still_read(shop: Deployed) -> None:
    """Stops, counts and figures are what they were; only the place is another."""
    delivered(shop)
    sweep_at(shop, SETTLED + MINUTE)

    def read() -> tuple[Any, ...]:
        plan = shop.done("GET", f"/v1/depots/porto/plans/{DAY}")
        stops = [stop["promise_id"] for route in plan["routes"] for stop in route["stops"]]
        return stops, plan["promises"], shop.done("GET", f"/v1/kpis?from={DAY}&to={DAY}")

    before = read()
    shop.done("POST", "/v1/erasures", {"phone": PHONE}, key="admin")
    assert places(shop) == BLURRED
    assert read() == before
