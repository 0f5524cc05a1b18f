"""Webhooks in memory: their store, which passes the contract of its port, a queue and a way out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.errors import StaleWrite, Upstream
from chalicelib.events import Tenant
from chalicelib.receipts import ReceiptRow
from chalicelib.units import Seconds, Timestamp
from chalicelib.webhooks.destinations import Destination
from chalicelib.webhooks.model import (
    RESEALED_EVERY,
    Attempt,
    Delivery,
    Event,
    Failure,
    Result,
    Webhook,
)
from chalicelib.webhooks.ports import Due
from tests.fakes import InMemoryReceipts


@dataclass
class InMemoryWebhooks:
    """Webhooks of all tenants, their log and what is sent of it."""

    receipts: InMemoryReceipts = field(default_factory=InMemoryReceipts)
    hooks: dict[tuple[Tenant, str], Webhook] = field(default_factory=dict)
    log: dict[Tenant, list[Event]] = field(default_factory=dict)
    deliveries: dict[tuple[Tenant, str, str], Delivery] = field(default_factory=dict)
    tried: list[tuple[Tenant, Attempt]] = field(default_factory=list)

    def webhooks(self, tenant: Tenant) -> Sequence[Webhook]:
        return [self.hooks[key] for key in sorted(self.hooks, key=str) if key[0] == tenant]

    def webhook(self, tenant: Tenant, webhook_id: str) -> Webhook | None:
        return self.hooks.get((tenant, webhook_id))

    def save_webhook(self, tenant: Tenant, webhook: Webhook) -> Webhook | None:
        there = self.webhook(tenant, webhook.webhook_id)
        if (there.version if there else 0) != webhook.version:
            return None
        saved = self.hooks[tenant, webhook.webhook_id] = replace(webhook, version=webhook.version + 1)
        return saved

    def remove_webhook(self, tenant: Tenant, webhook_id: str) -> bool:
        return self.hooks.pop((tenant, webhook_id), None) is not None

    def last_sequence(self, tenant: Tenant) -> int:
        return len(self.log.get(tenant, ()))

    def record_event(
        self, tenant: Tenant, event: Event, deliveries: Sequence[Delivery], receipt: ReceiptRow | None = None
    ) -> bool:
        log = self.log.setdefault(tenant, [])
        known = any(each.event_id == event.event_id for each in log)
        if not known and event.sequence != len(log) + 1:
            raise StaleWrite("Another event came first.")
        self.receipts.add(tenant, receipt)
        if known:
            return False
        log.append(event)
        for delivery in deliveries:
            self.deliveries[tenant, delivery.webhook_id, delivery.name] = replace(delivery, version=1)
        return True

    def logged_events(self, tenant: Tenant, first: int, last: int, *, limit: int) -> Sequence[Event]:
        found = [each for each in self.log.get(tenant, ()) if first <= each.sequence <= last]
        return found[:limit]

    def delivery(self, tenant: Tenant, webhook_id: str, name: str) -> Delivery | None:
        return self.deliveries.get((tenant, webhook_id, name))

    def save_delivery(self, tenant: Tenant, delivery: Delivery) -> Delivery | None:
        there = self.delivery(tenant, delivery.webhook_id, delivery.name)
        if (there.version if there else 0) != delivery.version:
            return None
        saved = replace(delivery, version=delivery.version + 1)
        self.deliveries[tenant, delivery.webhook_id, delivery.name] = saved
        return saved

    def drop_delivery(self, tenant: Tenant, delivery: Delivery) -> None:
        there = self.delivery(tenant, delivery.webhook_id, delivery.name)
        if there is not None and there.version == delivery.version:
            del self.deliveries[tenant, delivery.webhook_id, delivery.name]

    def begin_replay(self, tenant: Tenant, delivery: Delivery, receipt: ReceiptRow | None) -> None:
        self.receipts.add(tenant, receipt)
        there = self.delivery(tenant, delivery.webhook_id, delivery.name)
        version = there.version + 1 if there else 1
        self.deliveries[tenant, delivery.webhook_id, delivery.name] = replace(delivery, version=version)

    def add_attempt(self, tenant: Tenant, attempt: Attempt) -> None:
        self.tried.append((tenant, attempt))

    def attempts(
        self, tenant: Tenant, webhook_id: str, *, limit: int, before: str | None
    ) -> tuple[Sequence[Attempt], str | None]:
        found = [each for whose, each in self.tried if (whose, each.webhook_id) == (tenant, webhook_id)]
        found.sort(key=lambda each: (each.at, each.sequence, each.number), reverse=True)
        begin = int(before or 0)
        return found[begin : begin + limit], str(begin + limit) if len(found) > begin + limit else None

    def due_webhooks(self, until: Timestamp) -> Iterator[Due]:
        for (tenant, webhook_id, name), delivery in list(self.deliveries.items()):
            if delivery.due_at <= until:
                yield Due(tenant=tenant, webhook_id=webhook_id, name=name)
        for (tenant, webhook_id), webhook in list(self.hooks.items()):
            if webhook.resealed_at + RESEALED_EVERY <= until:
                yield Due(tenant=tenant, webhook_id=webhook_id, name=None)

    def due_webhooks_of(self, tenant: Tenant, until: Timestamp) -> Sequence[Due]:
        return [due for due in self.due_webhooks(until) if due.tenant == tenant]


@dataclass
class FakeQueue:
    """Keeps what is to be delivered, until it is taken; `works` says whether it takes anything."""

    waiting: list[tuple[Tenant, str, str, Seconds]] = field(default_factory=list)
    works: bool = True

    def deliver(self, tenant: Tenant, webhook_id: str, name: str, *, delay: Seconds = 0) -> None:
        if not self.works:
            raise Upstream("The queue did not take the delivery.")
        self.waiting.append((tenant, webhook_id, name, delay))

    def taken(self) -> list[tuple[Tenant, str, str, Seconds]]:
        found, self.waiting = self.waiting, []
        return found


@dataclass(frozen=True)
class Posted:
    """One POST as a receiver got it."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class FakeWayOut:
    """Receivers that answer as they are told, and everything they got.

    Attributes
    ----------
    answers
        Statuses or failures by host, for as long as there are any; then 200.
    """

    posted: list[Posted] = field(default_factory=list)
    answers: dict[str, list[int | Failure]] = field(default_factory=dict)
    refused: dict[str, Failure] = field(default_factory=dict)

    def refuses(self, destination: Destination) -> Failure | None:
        return self.refused.get(destination.host)

    def post(self, destination: Destination, headers: Mapping[str, str], body: bytes) -> Result:
        self.posted.append(Posted(f"https://{destination.host}{destination.target}", headers, body))
        told = self.answers.get(destination.host)
        answer = told.pop(0) if told else 200
        if isinstance(answer, Failure):
            return Result(milliseconds=1, failure=answer)
        return Result(milliseconds=1, status=answer)
