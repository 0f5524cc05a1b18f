"""The store in memory passes the contract of the worker's port."""

import pytest

from tests.dispatch.store_contract import DispatchStoreContract
from tests.fakes_store import InMemoryStore


class TestInMemoryStore(DispatchStoreContract):
    @pytest.fixture
    def store(self) -> InMemoryStore:
        return InMemoryStore()
