"""The store in memory keeps what the port promises; the real one is tried in `tests/adapters`."""

import pytest

from tests.fakes import InMemoryReminders
from tests.reminders.store_contract import ReminderStoreContract


class TestInMemoryReminders(ReminderStoreContract):
    """As the real one."""

    @pytest.fixture
    def store(self) -> InMemoryReminders:
        return InMemoryReminders()
