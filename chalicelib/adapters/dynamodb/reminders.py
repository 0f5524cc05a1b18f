"""Reminders in the table: small rows, found by the due index in partitions of their own."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from chalicelib.adapters.dynamodb.keys import (
    DUE,
    REMINDER_SHARDS,
    Span,
    reminder_key,
    reminder_of,
    reminder_partition,
    reminder_shard,
)
from chalicelib.adapters.dynamodb.rows import time_to_live
from chalicelib.adapters.dynamodb.table import ConditionFailed, Item, Rows, key_item, number, text
from chalicelib.adapters.dynamodb.transaction import Transaction
from chalicelib.events import Tenant
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.retention import REMINDERS_KEPT
from chalicelib.units import Timestamp


class ReminderRows(Rows):
    """What is to be done later: see `reminders.ReminderStore`."""

    def write_reminder(self, tenant: Tenant, reminder: Reminder) -> None:
        """Write a reminder over the one there may be of its kind and subject."""
        key = reminder_key(tenant, reminder.kind, reminder.subject)
        item = reminder_item(tenant, reminder, self._table.now())
        self._table.ask("put_item", Item=key_item(key) | item)

    def write_reminders(self, tenant: Tenant, reminders: Iterable[Reminder]) -> None:
        """Write several, many at a time; of one kind and subject the last counts."""
        now = self._table.now()
        rows = {
            reminder_key(tenant, each.kind, each.subject): reminder_item(tenant, each, now)
            for each in reminders
        }
        self._table.put_many(key_item(key) | item for key, item in rows.items())

    def finish_reminder(self, tenant: Tenant, reminder: Reminder, again_at: Timestamp | None) -> None:
        """Move a reminder that was acted on, or drop it; nothing, if it was written anew meanwhile."""
        key = key_item(reminder_key(tenant, reminder.kind, reminder.subject))
        # Whoever wrote it anew wants it at that time: neither our dropping nor our moving it may undo that.
        as_read = {
            "ConditionExpression": "due_at = :seen",
            "ExpressionAttributeValues": {":seen": number(reminder.due_at)},
        }
        with suppress(ConditionFailed):
            if again_at is None:
                self._table.ask("delete_item", Key=key, **as_read)
                return
            again = Reminder(kind=reminder.kind, subject=reminder.subject, due_at=again_at)
            item = reminder_item(tenant, again, self._table.now())
            self._table.ask("put_item", Item=key | item, **as_read)

    def due_reminders(self, until: Timestamp) -> Iterator[tuple[Tenant, Reminder]]:
        """What all tenants have due by then, of each the earliest first; read as it is wanted."""
        for shard in range(REMINDER_SHARDS):
            yield from self._due(shard, until)

    def due_reminders_of(self, tenant: Tenant, until: Timestamp) -> Iterator[Reminder]:
        """What one tenant has due by then, the earliest first."""
        due = self._due(reminder_shard(tenant), until)
        return (reminder for whose, reminder in due if whose == tenant)

    def _due(self, shard: int, until: Timestamp) -> Iterator[tuple[Tenant, Reminder]]:
        span = Span(reminder_partition(shard), "0", str(until))
        for item in self._table.query(span, index=DUE, attributes="pk, due_at"):
            tenant, kind, subject = reminder_of(item["pk"]["S"])
            due_at = int(item["due_at"]["N"])
            yield tenant, Reminder(kind=ReminderKind(kind), subject=subject, due_at=due_at)


def write_reminders[G](
    transaction: Transaction[G], guard: G, tenant: Tenant, reminders: Iterable[Reminder], now: Timestamp
) -> None:
    """Write reminders in a transaction, on no condition of their own."""
    for reminder in reminders:
        key = reminder_key(tenant, reminder.kind, reminder.subject)
        transaction.put(guard, key, reminder_item(tenant, reminder, now), only_if=None)


def reminder_item(tenant: Tenant, reminder: Reminder, now: Timestamp) -> Item:
    """Write a reminder."""
    return {
        "due_pk": text(reminder_partition(reminder_shard(tenant))),
        "due_at": number(reminder.due_at),
        "ttl": time_to_live(now, reminder.due_at, REMINDERS_KEPT),
    }
