"""The store of pasts in memory passes the contract of its port."""

import pytest

from tests.fakes import InMemoryPasts
from tests.fleet.past_contract import PastStoreContract


class TestInMemoryPasts(PastStoreContract):
    @pytest.fixture
    def store(self) -> InMemoryPasts:
        return InMemoryPasts()
