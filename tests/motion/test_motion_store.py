"""The store in memory passes the contract of its port."""

import pytest

from tests.fakes_store import InMemoryStore
from tests.motion.store_contract import MotionStoreContract


class TestInMemoryStore(MotionStoreContract):
    @pytest.fixture
    def store(self) -> InMemoryStore:
        return InMemoryStore()
