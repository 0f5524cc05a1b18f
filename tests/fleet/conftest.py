"""A described fleet, fresh for each test."""

import pytest

from tests.fleet.world import World


@pytest.fixture
def world() -> World:
    world = World()
    world.describe()
    return world
