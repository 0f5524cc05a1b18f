"""The bakery, fresh for each test."""

import pytest

from tests.handlers.bakery import Bakery


@pytest.fixture
def bakery() -> Bakery:
    return Bakery()
