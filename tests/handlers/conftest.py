"""The bakery, the shop and a buyer, fresh for each test."""

import pytest

from tests.handlers.bakery import Bakery
from tests.handlers.buyer import Buyer
from tests.handlers.shop_client import Shop


@pytest.fixture
def bakery() -> Bakery:
    return Bakery()


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def ana(shop: Shop) -> Buyer:
    """Her delivery comes today from two to four, it is six in the morning, and texts may go out already."""
    settings = shop.done("GET", "/v1/settings", key="admin")
    shop.done("PUT", "/v1/settings", settings | {"quiet_hours": None}, key="admin")
    return Buyer(shop)
