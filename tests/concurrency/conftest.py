"""The racers and their arena on emulated AWS; started once, because a process costs more than a race."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.concurrency.arena import Arena
from tests.concurrency.racers import Racers

PROCESSES = 8


@pytest.fixture(scope="session")
def racers(emulator: Any) -> Iterator[Racers]:
    """Processes with every guard in place."""
    with Racers(PROCESSES, emulator.url, emulator.resources.table_name) as waiting:
        yield waiting


@pytest.fixture(scope="session")
def unguarded_racers(emulator: Any) -> Iterator[Racers]:
    """The same, but routes and holds are written whatever is stored: for controls."""
    table = emulator.resources.table_name
    with Racers(PROCESSES, emulator.url, table, unguarded=("R#", "HOLD")) as waiting:
        yield waiting


@pytest.fixture(scope="session")
def forgetful_racers(emulator: Any) -> Iterator[Racers]:
    """The same, but a receipt is written whether or not there is one: for the control of twins."""
    table = emulator.resources.table_name
    with Racers(PROCESSES, emulator.url, table, unguarded=("RECEIPT",)) as waiting:
        yield waiting


@pytest.fixture(scope="session")
def claimless_racers(emulator: Any) -> Iterator[Racers]:
    """The same, but every single row is written whatever is stored: for controls of texts."""
    table = emulator.resources.table_name
    with Racers(PROCESSES, emulator.url, table, claims=False) as waiting:
        yield waiting


@pytest.fixture
def arena(emulator: Any, request: pytest.FixtureRequest) -> Arena:
    """Depots of a merchant of this test's own."""
    return Arena(emulator.url, emulator.resources.table_name, request.node.name)
