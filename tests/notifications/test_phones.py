"""The phone book in memory keeps what the real one promises; that one is tried in `tests/adapters`."""

import pytest

from tests.fakes_texts import InMemoryPhones
from tests.notifications.phones_contract import PhoneStoreContract


class TestPhonesInMemory(PhoneStoreContract):
    """As the real one."""

    @pytest.fixture
    def phones(self) -> InMemoryPhones:
        return InMemoryPhones()
