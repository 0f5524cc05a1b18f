"""All stores in one: each feature sees of it what its own protocol names."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.client import BaseClient

from chalicelib.adapters.dynamodb.counts import CountRows
from chalicelib.adapters.dynamodb.fleet import FleetRows
from chalicelib.adapters.dynamodb.keys import merchant_key, promise_key
from chalicelib.adapters.dynamodb.merchants import MerchantRows
from chalicelib.adapters.dynamodb.messages import MessageRows
from chalicelib.adapters.dynamodb.motion import MotionRows
from chalicelib.adapters.dynamodb.outbox import OutboxRows
from chalicelib.adapters.dynamodb.receipts import ReceiptRows
from chalicelib.adapters.dynamodb.replans import ReplanRows
from chalicelib.adapters.dynamodb.rows import merchant_of, promise_of
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.adapters.sealing import Sealer
from chalicelib.events import Tenant
from chalicelib.merchants.model import Merchant
from chalicelib.promises.model import Promise
from chalicelib.units import Clock, StopId

if TYPE_CHECKING:
    from chalicelib.adapters.dynamodb.doors import DoorRows
    from chalicelib.adapters.dynamodb.pasts import PastRows
    from chalicelib.adapters.dynamodb.people import PeopleRows
    from chalicelib.adapters.dynamodb.phones import PhoneRows
    from chalicelib.adapters.dynamodb.reminders import ReminderRows
    from chalicelib.adapters.dynamodb.senders import SenderRows
    from chalicelib.adapters.dynamodb.webhooks import WebhookRows


class DynamoStore(
    MotionRows, FleetRows, ReplanRows, MerchantRows, ReceiptRows, MessageRows, CountRows, OutboxRows
):
    """The store of every feature, on one table.

    Parameters
    ----------
    client
        boto3's for DynamoDB, made with `client_config()`; its reads are parsed our way from here on.
    vault
        Keys that are never dropped: buyers are found by their keyed hashes.
    clock
        System time: for time to live, nothing else.
    pause
        Waits before the n-th repetition of a call, longer each time and by chance.
    entropy
        Gives that many random bytes, for the names of transactions.
    """

    def __init__(
        self,
        client: BaseClient,
        *,
        table: str,
        vault: Sealer,
        clock: Clock,
        pause: Callable[[int], object],
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        super().__init__(Table(client, table, vault=vault, clock=clock, pause=pause, entropy=entropy))

    def disconnect(self) -> None:
        """Close the connections that are kept; the next call makes a new one."""
        self._table.disconnect()

    def addressed(
        self, tenant: Tenant, stop_ids: Sequence[StopId]
    ) -> tuple[Mapping[StopId, Promise], Merchant | None]:
        """Promises by their ids and their merchant's settings, strongly consistent, read at once."""
        keys = {promise_key(tenant, stop_id): stop_id for stop_id in stop_ids}
        whose = merchant_key(tenant)
        found = self._table.get_many([whose, *keys])
        merchant = merchant_of(found.pop(whose), tenant) if whose in found else None
        opened = {keys[key]: promise_of(self._table.opened(item)) for key, item in found.items()}
        return opened, merchant

    @cached_property
    def hooks(self) -> "WebhookRows":
        """What merchants are told, apart from the rest: no search knows of it."""
        from chalicelib.adapters.dynamodb.webhooks import WebhookRows

        return WebhookRows(self._table)

    @cached_property
    def pasts(self) -> "PastRows":
        """What finished days have taught, apart from the rest: no search knows of it."""
        from chalicelib.adapters.dynamodb.pasts import PastRows

        return PastRows(self._table)

    @cached_property
    def reminders(self) -> "ReminderRows":
        """What is to be done later, apart from the rest: no search knows of it."""
        from chalicelib.adapters.dynamodb.reminders import ReminderRows

        return ReminderRows(self._table)

    @cached_property
    def doors(self) -> "DoorRows":
        """What is known of doors, apart from the rest: no search knows of it."""
        from chalicelib.adapters.dynamodb.doors import DoorRows

        return DoorRows(self._table)

    @cached_property
    def senders(self) -> "SenderRows":
        """How fast texts may go out: no search knows of it."""
        from chalicelib.adapters.dynamodb.senders import SenderRows

        return SenderRows(self._table)

    @cached_property
    def phones(self) -> "PhoneRows":
        """What is known of numbers: no search knows of it."""
        from chalicelib.adapters.dynamodb.phones import PhoneRows

        return PhoneRows(self._table)

    @cached_property
    def people(self) -> "PeopleRows":
        """Buyers, found again and forgotten: no search knows of it."""
        from chalicelib.adapters.dynamodb.people import PeopleRows

        return PeopleRows(self._table)
