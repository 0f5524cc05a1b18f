"""Forty shoppers at once and room for five, through API Gateway and several processes of the function."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from typing import Any

import pytest
from chalice.test import HTTPResponse

from chalicelib.routing.model import Location
from infra.artefact.build import ROOT
from infra.demo.audit import audit, drive
from infra.demo.porto import doors
from infra.demo.streets import Streets
from tests.handlers.bakery import problem_of
from tests.handlers.shop_client import ShopClient, a_depot, a_van, fresh

pytestmark = pytest.mark.stack

SHOPPERS, PLACES = 40, 5
DOORS = 8
CENTRE = Location(lat=41.1579, lon=-8.6291)
PATIENCE_SECONDS = 90.0
GRAPH = ROOT / "infra" / "roads" / "porto" / "graph.npz"


def one_small_van(shop: ShopClient) -> str:
    """A depot of the test's own on real roads: one slot a day, one van with room for five parcels."""
    depot_id = fresh("depot")
    place = {"lat": CENTRE.lat, "lon": CENTRE.lon}
    travel = {"engine": "roads"}
    slots = [{"starts": "10:00", "ends": "14:00"}]
    shop.done("PUT", f"/v1/depots/{depot_id}", a_depot(location=place, travel=travel, slots=slots))
    shop.done("PUT", f"/v1/depots/{depot_id}/vehicles/van-1", a_van(capacity={"parcels": PLACES}))
    return depot_id


def addresses() -> Sequence[Mapping[str, float]]:
    """Some doors within about a mile."""
    near = [door for door in doors() if abs(door.lat - CENTRE.lat) + abs(door.lon - CENTRE.lon) < 0.02]
    return [{"lat": door.lat, "lon": door.lon} for door in Random(1).sample(near, DOORS)]


def persistent(ask: Any) -> tuple[HTTPResponse, list[int]]:
    """Repeat what was throttled or answered with a documented 503; gives the answer and what came before.

    The emulator runs eight invocations at once and answers 429 to all others.
    """
    deadline, before = time.monotonic() + PATIENCE_SECONDS, list[int]()
    while True:
        answer: HTTPResponse = ask()
        if answer.status_code == 503:
            assert problem_of(answer)["code"] in {"stale_write", "upstream_unavailable"}
        elif answer.status_code != 429:
            return answer, before
        assert time.monotonic() < deadline, before
        before.append(answer.status_code)
        time.sleep(float(answer.headers.get("Retry-After", "1")))


def test_forty_holds_at_once_take_five_places(shop: ShopClient) -> None:
    """Exactly as many as fit get a hold, the rest hear that the slot is taken; the plan can be driven."""
    depot_id, doorsteps = one_small_van(shop), addresses()
    wish = {"depot_id": depot_id, "days": 2}
    offers = [shop.offer(-1, destination=doorstep, **wish) for doorstep in doorsteps]
    wanted = [offers[number % DOORS] for number in range(SHOPPERS)]
    gate = Barrier(SHOPPERS)

    def claim(offer: str) -> tuple[HTTPResponse, list[int]]:
        body, key = {"offer": offer, "cart_ref": fresh("cart")}, fresh("key")
        gate.wait()
        return persistent(lambda: shop.ask("POST", "/v1/holds", body, idempotency_key=key))

    with ThreadPoolExecutor(SHOPPERS) as threads:
        answers = list(threads.map(claim, wanted))
    statuses = [answer.status_code for answer, _ in answers]
    refused = Counter(status for _, waits in answers for status in waits)
    print(f"\nanswers {dict(Counter(statuses))}, before them {dict(refused)}")
    assert Counter(statuses) == {201: PLACES, 409: SHOPPERS - PLACES}
    assert {problem_of(answer)["code"] for answer, _ in answers if answer.status_code == 409} == {
        "slot_taken"
    }

    held = [answer.json_body for answer, _ in answers if answer.status_code == 201]
    day = held[0]["starts_at"][:10]
    plan = shop.done("GET", f"/v1/depots/{depot_id}/plans/{day}")
    assert {stop["hold_id"] for route in plan["routes"] for stop in route["stops"]} == {
        one["hold_id"] for one in held
    }
    rounds = [drive(route, CENTRE, Streets(GRAPH)) for route in plan["routes"]]
    audited = audit(rounds, plan["unassigned"], frozenset())
    assert (audited.stops, audited.faults) == (PLACES, [])
