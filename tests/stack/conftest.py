"""One deployed stack for all tests here."""

from collections.abc import Iterator

import pytest

from infra.artefact.build import ROOT
from infra.stack import Stack
from infra.stack.__main__ import told
from tests.handlers.shop_client import ShopClient, over_http


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """What `make package` wrote, deployed and with two merchants in it."""
    with Stack(ROOT / "build") as running:
        print(f"\n{told(running.deployment)}", flush=True)
        yield running


@pytest.fixture
def shop(stack: Stack) -> ShopClient:
    """The first merchant's programs."""
    merchant = stack.merchants[0]
    return ShopClient(over_http(stack.url), merchant["keys"], destination={"lat": 41.162, "lon": -8.62})
