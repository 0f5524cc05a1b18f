"""What the webhooks need of the world: a store, a queue, a way out, and a seal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.events import Tenant
from chalicelib.receipts import ReceiptRow
from chalicelib.units import Seconds, Timestamp
from chalicelib.webhooks.destinations import Destination
from chalicelib.webhooks.model import Attempt, Delivery, Event, Failure, Result, Webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something the sweeper should look at: a delivery, or without a name a webhook itself."""

    tenant: Tenant
    webhook_id: str
    name: str | None


class WebhookStore(Protocol):
    """Where webhooks, the log of events, deliveries and attempts are kept."""

    def webhooks(self, tenant: Tenant) -> Sequence[Webhook]:
        """All webhooks of a tenant, by their ids."""
        ...

    def webhook(self, tenant: Tenant, webhook_id: str) -> Webhook | None:
        """One webhook."""
        ...

    def save_webhook(self, tenant: Tenant, webhook: Webhook) -> Webhook | None:
        """Write a webhook as the version that follows its own; None if another writer came first."""
        ...

    def remove_webhook(self, tenant: Tenant, webhook_id: str) -> bool:
        """Remove a webhook; False if there is none."""
        ...

    def last_sequence(self, tenant: Tenant) -> int:
        """The number of the tenant's latest event; 0 if there was none."""
        ...

    def record_event(
        self, tenant: Tenant, event: Event, deliveries: Sequence[Delivery], receipt: ReceiptRow | None = None
    ) -> bool:
        """Append an event to the log, with its deliveries, or do nothing; False if it is there already.

        Raises
        ------
        StaleWrite
            The log has another last event than the one before this.
        AlreadyDone
            The receipt exists.
        """
        ...

    def logged_events(self, tenant: Tenant, first: int, last: int, *, limit: int) -> Sequence[Event]:
        """Events of the log from one sequence to another, in order; what is no longer kept is left out."""
        ...

    def delivery(self, tenant: Tenant, webhook_id: str, name: str) -> Delivery | None:
        """One delivery."""
        ...

    def save_delivery(self, tenant: Tenant, delivery: Delivery) -> Delivery | None:
        """Write a delivery as the version that follows its own; None if it moved, or is gone."""
        ...

    def drop_delivery(self, tenant: Tenant, delivery: Delivery) -> None:
        """Remove a delivery, unless it moved."""
        ...

    def begin_replay(self, tenant: Tenant, delivery: Delivery, receipt: ReceiptRow | None) -> None:
        """Write a run over the one there may be; `AlreadyDone` if the receipt exists, `StaleWrite`."""
        ...

    def add_attempt(self, tenant: Tenant, attempt: Attempt) -> None:
        """Write down one attempt."""
        ...

    def attempts(
        self, tenant: Tenant, webhook_id: str, *, limit: int, before: str | None
    ) -> tuple[Sequence[Attempt], str | None]:
        """Attempts, the latest first, behind a place in their list; and the place of the next page."""
        ...

    def due_webhooks(self, until: Timestamp) -> Iterator[Due]:
        """What all tenants have due by then."""
        ...

    def due_webhooks_of(self, tenant: Tenant, until: Timestamp) -> Sequence[Due]:
        """What one tenant has due by then."""
        ...


class DeliveryQueue(Protocol):
    """Brings deliveries to a worker soon; what it forgets the sweeper finds."""

    def deliver(self, tenant: Tenant, webhook_id: str, name: str, *, delay: Seconds = 0) -> None:
        """Have a delivery looked at after some seconds, 900 at most; `Upstream` if it was not taken."""
        ...


class WayOut(Protocol):
    """HTTP to strangers."""

    def refuses(self, destination: Destination) -> Failure | None:
        """Whether the addresses of a name can be found, and are none we do not call."""
        ...

    def post(self, destination: Destination, headers: Mapping[str, str], body: bytes) -> Result:
        """Send a POST and tell what came of it; never raises for what the other side does."""
        ...


class Seal(Protocol):
    """Keeps secrets unreadable in the store."""

    def seal(self, purpose: str, payload: bytes) -> str:
        """Make an unreadable text."""
        ...

    def unseal(self, purpose: str, token: str) -> bytes:
        """Give back what was sealed for this purpose."""
        ...
