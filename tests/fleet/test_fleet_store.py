"""The store in memory passes the contract of the fleet's port."""

import pytest

from tests.fakes_store import InMemoryStore
from tests.fleet.store_contract import FleetStoreContract


class TestInMemoryStore(FleetStoreContract):
    @pytest.fixture
    def store(self) -> InMemoryStore:
        return InMemoryStore()
