"""The store in memory keeps what the port promises; the real one is tried in `tests/adapters`."""

import pytest

from tests.fakes import InMemoryDoors
from tests.promises.doors_contract import DoorStoreContract


class TestInMemoryDoors(DoorStoreContract):
    """As the real one."""

    @pytest.fixture
    def store(self) -> InMemoryDoors:
        return InMemoryDoors()
