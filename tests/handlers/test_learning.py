"""A day is learned by whoever looks after what is due, and known to the next day's forecasts."""

from typing import Any

import pytest

from chalicelib.fleet.learning import SETTLES
from chalicelib.fleet.past import FRESH_FOR, Past
from chalicelib.handlers import workers
from chalicelib.units import HOUR
from tests.handlers.deployed import ACME, Deployed, Start
from tests.handlers.shop_client import a_van, at, fresh

DAY = "2026-11-24"
SHIFT = f"porto.van-1.{DAY}.0800"
DRIVER = {"name": "Beatriz Quaresma", "phone": "+12025550177"}


@pytest.fixture
def product(start: Start) -> Deployed:
    """A van whose driver is named."""
    product = start()
    weekly = [{"starts": "08:00", "ends": "18:00", "driver": DRIVER}]
    product.done("PUT", "/v1/depots/porto/vehicles/van-1", a_van(weekly=weekly))
    return product


def event(type: str, wall: str, **more: Any) -> dict[str, Any]:
    return {"event_id": fresh("event"), "type": type, "at": f"{DAY}T{wall}:00+00:00"} | more


def deliver(product: Deployed) -> None:
    """One promise, delivered by a quarter to nine."""
    made = product.done("POST", "/v1/promises", product.order(offer=product.offer()))
    told = {"promise_id": made["promise_id"]}
    product.clock.at = at(f"{DAY}T11:00:00Z")
    events = [
        event("departed_depot", "08:02"),
        event("arrived", "08:30", **told),
        event("completed", "08:45", outcome="delivered_to_recipient", **told),
    ]
    product.done("POST", f"/v1/shifts/{SHIFT}/events", {"events": events})


def past(product: Deployed) -> Past:
    depot = product.services.store.depot(ACME, "porto")
    assert depot is not None
    return product.services.store.pasts.past(ACME, depot, product.clock.at)


def test_a_day_is_learned_when_it_has_settled(product: Deployed) -> None:
    """By the minutely sweep, once; the driver is known by it, and so is the door."""
    deliver(product)
    assert past(product).version == 0
    workers.drain_due(product.services)
    assert past(product).version == 0
    product.clock.at = at(f"{DAY}T18:00:00Z") + SETTLES + HOUR
    for _ in range(2):
        workers.drain_due(product.services)
        product.clock.advance(FRESH_FOR)
    found = past(product)
    assert (found.version, [str(day) for day in found.days]) == (1, [DAY])
    assert len(found.history.drivers) == len(found.doors) == 1


def test_what_is_kept_names_nobody_and_no_place(product: Deployed) -> None:
    """Neither the driver's name and number nor where the buyer lives can be read from a past."""
    deliver(product)
    product.clock.at = at(f"{DAY}T18:00:00Z") + SETTLES + HOUR
    workers.drain_due(product.services)
    rows = product.dynamodb.scan(TableName=product.resources.table_name)["Items"]
    [row] = [row for row in rows if row["sk"]["S"] == "PAST"]
    for told in (DRIVER["name"], DRIVER["phone"], str(product.destination["lat"])):
        assert told not in str(row)
    [progress] = [row for row in rows if "#MOTION#" in row["pk"]["S"]]
    assert DRIVER["name"] not in str(progress)
