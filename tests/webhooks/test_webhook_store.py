"""The store in memory keeps what the port promises; the real one is tried in `tests/adapters`."""

import pytest

from tests.fakes_webhooks import InMemoryWebhooks
from tests.webhooks.store_contract import WebhookStoreContract


class TestInMemoryWebhooks(WebhookStoreContract):
    """As the real one."""

    @pytest.fixture
    def store(self) -> InMemoryWebhooks:
        return InMemoryWebhooks()
