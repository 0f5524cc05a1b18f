"""One deployed stack for all tests here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from infra.artefact.build import ROOT
from infra.stack import Stack
from infra.stack.__main__ import told
from tests.handlers.shop_client import ShopClient, a_depot, a_van, fresh, over_http
from tests.stack.looking import due

SHORTEST_HOLD = 30


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """What `make package` wrote, deployed and with two merchants in it."""
    with Stack(ROOT / "build") as running:
        print(f"\n{told(running.deployment)}", flush=True)
        yield running


@pytest.fixture(scope="session")
def shop(stack: Stack) -> ShopClient:
    """The first merchant's programs; patient, for a process may be starting while others start, too."""
    merchant, centre = stack.merchants[0], {"lat": 41.162, "lon": -8.62}
    return ShopClient(over_http(stack.url, seconds=90), merchant["keys"], destination=centre)


@dataclass(frozen=True, slots=True)
class ShortHold:
    """A hold, and the row of the table that says when it is due."""

    hold_id: str
    row: Mapping[str, Any]


@pytest.fixture(scope="session")
def short_hold(stack: Stack, shop: ShopClient) -> ShortHold:
    """A hold of half a minute, taken before all other, so that it has run out when a test asks for it."""
    depot_id, lonely = fresh("depot"), {"lat": 41.15, "lon": -8.3}
    booking = {"horizon_days": 14, "cutoff_minutes": 60, "hold_seconds": SHORTEST_HOLD}
    depot = a_depot(location=lonely, service_area={"radius_metres": 3_000}, booking=booking)
    shop.done("PUT", f"/v1/depots/{depot_id}", depot)
    shop.done("PUT", f"/v1/depots/{depot_id}/vehicles/van-1", a_van())
    held = shop.hold(shop.offer(depot_id=depot_id, destination=lonely, days=3))
    [row] = due(stack)
    return ShortHold(held["hold_id"], row)
