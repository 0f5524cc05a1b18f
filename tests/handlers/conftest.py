"""The bakery and the shop, fresh for each test."""

import pytest

from tests.handlers.bakery import Bakery
from tests.handlers.shop_client import Shop


@pytest.fixture
def bakery() -> Bakery:
    return Bakery()


@pytest.fixture
def shop() -> Shop:
    return Shop()
