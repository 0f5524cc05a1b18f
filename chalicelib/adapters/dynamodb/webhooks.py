"""Webhooks in the table: their log of events, what is still to be sent, and what was.

An event, its number and its deliveries are one transaction. Deliveries are small rows that are written over
until they are gone; what they came to stands in the attempts. Weak point: the numbers of one merchant's
events are given out by one row, a few dozen a second.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from chalicelib.adapters.dynamodb.keys import (
    DUE,
    WEBHOOK_DUE_SHARDS,
    Key,
    Span,
    attempt_key,
    attempts_span,
    delivery_key,
    event_key,
    event_mark_key,
    events_span,
    last_event_key,
    webhook_due_of,
    webhook_due_partition,
    webhook_due_shard,
    webhook_key,
    webhooks_span,
)
from chalicelib.adapters.dynamodb.table import ConditionFailed, Item, Rows, key_item, number, text
from chalicelib.adapters.dynamodb.transaction import ABSENT, Condition, Refused, Transaction, unmoved
from chalicelib.adapters.dynamodb.webhook_rows import (
    attempt_item,
    attempt_of,
    delivery_item,
    delivery_of,
    event_item,
    event_of,
    forgotten,
    webhook_item,
    webhook_of,
)
from chalicelib.errors import StaleWrite
from chalicelib.events import Tenant
from chalicelib.receipts import ReceiptRow
from chalicelib.units import Timestamp
from chalicelib.webhooks.model import Attempt, Delivery, Event, Webhook
from chalicelib.webhooks.ports import Due

_MARK, _LAST, _RUN = "mark", "last", "run"
_THERE: Final = "attribute_exists(pk)"


class WebhookRows(Rows):
    """What the webhooks keep: see `webhooks.ports.WebhookStore`."""

    def webhooks(self, tenant: Tenant) -> Sequence[Webhook]:
        """All webhooks of a tenant, by their ids; strongly consistent."""
        return [webhook_of(item) for item in self._table.query(webhooks_span(tenant))]

    def webhook(self, tenant: Tenant, webhook_id: str) -> Webhook | None:
        """One webhook, strongly consistent."""
        item = self._table.get(webhook_key(tenant, webhook_id))
        return webhook_of(item) if item else None

    def save_webhook(self, tenant: Tenant, webhook: Webhook) -> Webhook | None:
        """Write a webhook as the version that follows its own; None if another writer came first."""
        key, item = webhook_key(tenant, webhook.webhook_id), webhook_item(tenant, webhook)
        saved = self._put(key, item, only_if=unmoved(webhook.version))
        return webhook_of(saved) if saved else None

    def remove_webhook(self, tenant: Tenant, webhook_id: str) -> bool:
        """Remove a webhook; False if there is none."""
        return self._delete(webhook_key(tenant, webhook_id), only_if=Condition(_THERE))

    def last_sequence(self, tenant: Tenant) -> int:
        """The number of the tenant's latest event, strongly consistent; 0 if there was none."""
        item = self._table.get(last_event_key(tenant))
        return int(item["numbered"]["N"]) if item else 0

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
        recording, now = Transaction[str](self._table, tenant), self._table.now()
        numbered, kept = number(event.sequence), forgotten(now, event.at)
        before = event.sequence - 1
        only_if = Condition("numbered = :seen", {":seen": number(before)}) if before else ABSENT
        recording.put(_LAST, last_event_key(tenant), {"numbered": numbered}, only_if=only_if)
        mark = {"numbered": numbered, "ttl": kept}
        recording.put(_MARK, event_mark_key(tenant, event.event_id), mark, only_if=ABSENT)
        recording.put(_LAST, event_key(tenant, event.sequence), event_item(event, now), only_if=None)
        for delivery in deliveries:
            key = delivery_key(tenant, delivery.webhook_id, delivery.name)
            recording.put(_LAST, key, delivery_item(tenant, delivery), only_if=None)
        recording.receipt(receipt)
        try:
            recording.commit()
        except Refused as refused:
            if _MARK in refused.guards:
                return False
            raise StaleWrite("Another event came first.") from refused
        return True

    def logged_events(self, tenant: Tenant, first: int, last: int, *, limit: int) -> Sequence[Event]:
        """Events of the log from one sequence to another, in order; what is no longer kept is left out."""
        found = self._table.query(events_span(tenant, first, last), at_once=limit)
        return [event_of(item) for item in islice(found, limit)]

    def delivery(self, tenant: Tenant, webhook_id: str, name: str) -> Delivery | None:
        """One delivery, strongly consistent."""
        item = self._table.get(delivery_key(tenant, webhook_id, name))
        return delivery_of(item, webhook_id, name) if item else None

    def save_delivery(self, tenant: Tenant, delivery: Delivery) -> Delivery | None:
        """Write a delivery as the version that follows its own; None if it moved, or is gone."""
        key = delivery_key(tenant, delivery.webhook_id, delivery.name)
        saved = self._put(key, delivery_item(tenant, delivery), only_if=unmoved(delivery.version))
        return delivery_of(saved, delivery.webhook_id, delivery.name) if saved else None

    def drop_delivery(self, tenant: Tenant, delivery: Delivery) -> None:
        """Remove a delivery, unless it moved."""
        key = delivery_key(tenant, delivery.webhook_id, delivery.name)
        self._delete(key, only_if=unmoved(delivery.version))

    def begin_replay(self, tenant: Tenant, delivery: Delivery, receipt: ReceiptRow | None) -> None:
        """Write a run over the one there may be, with the request's receipt, in one transaction.

        Raises
        ------
        AlreadyDone
            The receipt exists.
        StaleWrite
            The run there is went on at that moment.
        """
        there = self.delivery(tenant, delivery.webhook_id, delivery.name)
        version = there.version if there else 0
        key = delivery_key(tenant, delivery.webhook_id, delivery.name)
        item = delivery_item(tenant, delivery) | {"version": number(version + 1)}
        beginning = Transaction[str](self._table, tenant)
        beginning.put(_RUN, key, item, only_if=unmoved(version))
        beginning.receipt(receipt)
        try:
            beginning.commit()
        except Refused as refused:
            raise StaleWrite("A replay was under way; try again.") from refused

    def add_attempt(self, tenant: Tenant, attempt: Attempt) -> None:
        """Write down one attempt."""
        key = attempt_key(
            tenant,
            attempt.webhook_id,
            attempt.at,
            attempt.sequence,
            attempt.number,
            replayed=attempt.replayed,
        )
        self._table.ask("put_item", Item=key_item(key) | attempt_item(attempt, self._table.now()))

    def attempts(
        self, tenant: Tenant, webhook_id: str, *, limit: int, before: str | None
    ) -> tuple[Sequence[Attempt], str | None]:
        """Attempts, the latest first, from a place in their list on; and the place of the next page."""
        span = attempts_span(tenant, webhook_id, before)
        found = list(islice(self._table.query(span, at_once=limit + 1, backwards=True), limit + 1))
        rest = found[limit:]
        return [attempt_of(item) for item in found[:limit]], rest[0]["sk"]["S"] if rest else None

    def due_webhooks(self, until: Timestamp) -> Iterator[Due]:
        """What all tenants have due by then; read as it is wanted, one partition after the other."""
        for shard in range(WEBHOOK_DUE_SHARDS):
            yield from self._due(shard, until)

    def due_webhooks_of(self, tenant: Tenant, until: Timestamp) -> Sequence[Due]:
        """What one tenant has due by then."""
        return [due for due in self._due(webhook_due_shard(tenant), until) if due.tenant == tenant]

    def _due(self, shard: int, until: Timestamp) -> Iterator[Due]:
        span = Span(webhook_due_partition(shard), "0", str(until))
        for item in self._table.query(span, index=DUE, attributes="pk, sk"):
            tenant, webhook_id, name = webhook_due_of(item["pk"]["S"], item["sk"]["S"])
            yield Due(tenant=tenant, webhook_id=webhook_id, name=name)

    def _put(self, key: Key, attributes: Item, *, only_if: Condition) -> Item | None:
        """Write a row on a condition; gives it, or None if the condition does not hold.

        A write whose answer was lost is found again by its own token: two workers may write the same.
        """
        item = key_item(key) | attributes | {"writer": text(self._table.new_token())}
        try:
            self._table.ask(
                "put_item",
                Item=item,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **_conditional(only_if),
            )
        except ConditionFailed as error:
            return item if error.row.get("writer") == item["writer"] else None
        return item

    def _delete(self, key: Key, *, only_if: Condition) -> bool:
        try:
            self._table.ask("delete_item", Key=key_item(key), **_conditional(only_if))
        except ConditionFailed:
            return False
        return True


def _conditional(only_if: Condition) -> dict[str, Any]:
    values = {"ExpressionAttributeValues": only_if.values} if only_if.values else {}
    return {"ConditionExpression": only_if.expression, **values}
