"""The store in memory passes the contract of its port."""

import pytest

from tests.fakes_store import InMemoryStore
from tests.promises.store_contract import PromiseStoreContract


class TestInMemoryStore(PromiseStoreContract):
    @pytest.fixture
    def store(self) -> InMemoryStore:
        return InMemoryStore()
