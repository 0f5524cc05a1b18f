"""The DynamoDB store passes the contract of every port it serves, on two emulators."""

from itertools import count
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import DynamoStore
from chalicelib.adapters.dynamodb.doors import DoorRows
from chalicelib.adapters.dynamodb.pasts import PastRows
from chalicelib.adapters.dynamodb.phones import PhoneRows
from chalicelib.adapters.dynamodb.reminders import ReminderRows
from chalicelib.adapters.dynamodb.senders import SenderRows
from chalicelib.adapters.dynamodb.webhooks import WebhookRows
from tests.adapters.conftest import NewStore
from tests.concurrency.racers import new_store as store_on
from tests.dispatch.store_contract import DispatchStoreContract
from tests.fleet.past_contract import PastStoreContract
from tests.fleet.store_contract import FleetStoreContract
from tests.merchants.store_contract import MerchantStoreContract
from tests.motion.store_contract import MotionStoreContract
from tests.notifications.phones_contract import PhoneStoreContract
from tests.notifications.store_contract import SenderStoreContract, TextCounterContract
from tests.promises.doors_contract import DoorStoreContract
from tests.promises.store_contract import PromiseStoreContract
from tests.reminders.store_contract import ReminderStoreContract
from tests.webhooks.store_contract import WebhookStoreContract

_stacks = count(1)


class OnMoto:
    @pytest.fixture
    def store(self, new_store: NewStore) -> DynamoStore:
        return new_store()


@pytest.mark.xdist_group("store-on-emulator")
class OnEmulator:
    @pytest.fixture
    def store(self, emulator: Any) -> DynamoStore:
        resources = emulator.create(f"contract-{next(_stacks)}")
        return store_on(emulator.url, resources.table_name)


class TestPromisesOnMoto(OnMoto, PromiseStoreContract):
    """Plans, holds, promises, receipts, texts and clocks."""


class TestFleetsOnMoto(OnMoto, FleetStoreContract):
    """Depots, vehicles and shifts."""


class TestReplansOnMoto(OnMoto, DispatchStoreContract):
    """Replans and what asks for them."""


class TestMotionOnMoto(OnMoto, MotionStoreContract):
    """How far shifts have come."""


class TestMerchantsOnMoto(OnMoto, MerchantStoreContract):
    """Merchants and their keys."""


class TestPastsOnMoto(PastStoreContract):
    """What finished days have taught."""

    @pytest.fixture
    def store(self, new_store: NewStore) -> PastRows:
        return new_store().pasts


class TestRemindersOnMoto(ReminderStoreContract):
    """What is to be done later."""

    @pytest.fixture
    def store(self, new_store: NewStore) -> ReminderRows:
        return new_store().reminders


class TestDoorsOnMoto(DoorStoreContract):
    """How to get in, remembered and forgotten."""

    @pytest.fixture
    def store(self, new_store: NewStore) -> DoorRows:
        return new_store().doors


class TestTextsOnMoto(OnMoto, SenderStoreContract, TextCounterContract):
    """Senders' paces, and counts of texts."""

    @pytest.fixture
    def senders(self, store: DynamoStore) -> SenderRows:
        return store.senders

    @pytest.fixture
    def counter(self, store: DynamoStore) -> DynamoStore:
        return store


class TestPhonesOnMoto(PhoneStoreContract):
    """What is known of numbers."""

    @pytest.fixture
    def phones(self, new_store: NewStore) -> PhoneRows:
        return new_store().phones


class TestWebhooksOnMoto(WebhookStoreContract):
    """Webhooks, the log of events, deliveries and attempts."""

    @pytest.fixture
    def store(self, new_store: NewStore) -> WebhookRows:
        return new_store().hooks


class TestPromisesOnEmulator(OnEmulator, PromiseStoreContract):
    """The same, where expressions are read by somebody else."""


class TestFleetsOnEmulator(OnEmulator, FleetStoreContract):
    """The same, where expressions are read by somebody else."""


@pytest.mark.xdist_group("store-on-emulator")
class TestWebhooksOnEmulator(WebhookStoreContract):
    """The same, where expressions are read by somebody else."""

    @pytest.fixture
    def store(self, emulator: Any) -> WebhookRows:
        resources = emulator.create(f"contract-{next(_stacks)}")
        return store_on(emulator.url, resources.table_name).hooks


class TestMerchantsOnEmulator(OnEmulator, MerchantStoreContract):
    """The same, where expressions are read by somebody else."""


class TestMotionOnEmulator(OnEmulator, MotionStoreContract):
    """The same, where expressions are read by somebody else."""


class TestReplansOnEmulator(OnEmulator, DispatchStoreContract):
    """The same, where expressions are read by somebody else."""


class TestTextsOnEmulator(OnEmulator, SenderStoreContract, TextCounterContract):
    """The same, where expressions are read by somebody else."""

    @pytest.fixture
    def senders(self, store: DynamoStore) -> SenderRows:
        return store.senders

    @pytest.fixture
    def counter(self, store: DynamoStore) -> DynamoStore:
        return store


@pytest.mark.xdist_group("store-on-emulator")
class TestPhonesOnEmulator(PhoneStoreContract):
    """The same, where expressions are read by somebody else."""

    @pytest.fixture
    def phones(self, emulator: Any) -> PhoneRows:
        resources = emulator.create(f"contract-{next(_stacks)}")
        return store_on(emulator.url, resources.table_name).phones
