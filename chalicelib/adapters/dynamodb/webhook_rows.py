"""What stands in the rows of webhooks, events, deliveries and attempts, written and read back.

As in `rows`; apart from it because a search loads that.
"""

import json
from typing import Any

from chalicelib.adapters.dynamodb.keys import webhook_due_partition, webhook_due_shard
from chalicelib.adapters.dynamodb.rows import version_of
from chalicelib.adapters.dynamodb.table import Item, number, text
from chalicelib.events import Tenant
from chalicelib.retention import EVENTS_KEPT
from chalicelib.units import Timestamp
from chalicelib.webhooks.model import (
    RESEALED_EVERY,
    Attempt,
    Delivery,
    Event,
    EventType,
    Failure,
    Result,
    Secret,
    Stopped,
    StopReason,
    Webhook,
)


def webhook_item(tenant: Tenant, webhook: Webhook) -> Item:
    """Write a webhook as the version that follows its own; it is due for resealing."""
    stopped = webhook.stopped
    document = {
        "url": webhook.url,
        "events": sorted(webhook.events),
        "description": webhook.description,
        "secrets": [[each.sealed, each.created_at, each.valid_until] for each in webhook.secrets],
        "created_at": webhook.created_at,
        "resealed_at": webhook.resealed_at,
        "stopped": stopped and [stopped.reason, stopped.at],
        "failing_since": webhook.failing_since,
    }
    return {
        "version": number(webhook.version + 1),
        "document": _text(document),
        **_due(tenant, webhook.resealed_at + RESEALED_EVERY),
    }


def webhook_of(item: Item) -> Webhook:
    """Read what `webhook_item` wrote."""
    stored = json.loads(item["document"]["S"])
    stopped = stored["stopped"]
    return Webhook(
        webhook_id=item["sk"]["S"],
        url=stored["url"],
        events=frozenset(map(EventType, stored["events"])),
        description=stored["description"],
        secrets=tuple(
            Secret(sealed=sealed, created_at=created_at, valid_until=valid_until)
            for sealed, created_at, valid_until in stored["secrets"]
        ),
        created_at=stored["created_at"],
        resealed_at=stored["resealed_at"],
        stopped=Stopped(reason=StopReason(stopped[0]), at=stopped[1]) if stopped else None,
        failing_since=stored["failing_since"],
        version=version_of(item),
    )


def event_item(event: Event, now: Timestamp) -> Item:
    """Write an event of the log."""
    document = {
        "event_id": event.event_id,
        "type": event.type,
        "at": event.at,
        "body": event.body,
        "only_for": event.only_for,
    }
    return {"document": _text(document), "ttl": forgotten(now, event.at)}


def event_of(item: Item) -> Event:
    """Read what `event_item` wrote."""
    stored = json.loads(item["document"]["S"])
    return Event(
        event_id=stored["event_id"],
        sequence=int(item["sk"]["S"][2:]),
        type=EventType(stored["type"]),
        at=stored["at"],
        body=stored["body"],
        only_for=stored["only_for"],
    )


def delivery_item(tenant: Tenant, delivery: Delivery) -> Item:
    """Write a delivery as the version that follows its own; as long as it is there, it falls due."""
    document = {
        "next": delivery.next,
        "last": delivery.last,
        "tries": delivery.tries,
        "ready_at": delivery.ready_at,
    }
    return {
        "version": number(delivery.version + 1),
        "document": _text(document),
        **_due(tenant, delivery.due_at),
    }


def delivery_of(item: Item, webhook_id: str, name: str) -> Delivery:
    """Read what `delivery_item` wrote."""
    stored = json.loads(item["document"]["S"])
    return Delivery(
        webhook_id=webhook_id,
        name=name,
        next=stored["next"],
        last=stored["last"],
        tries=stored["tries"],
        ready_at=stored["ready_at"],
        due_at=int(item["due_at"]["N"]),
        version=version_of(item),
    )


def attempt_item(attempt: Attempt, now: Timestamp) -> Item:
    """Write an attempt."""
    result = attempt.result
    document = {
        "webhook_id": attempt.webhook_id,
        "at": attempt.at,
        "event_id": attempt.event_id,
        "sequence": attempt.sequence,
        "type": attempt.type,
        "number": attempt.number,
        "replayed": attempt.replayed,
        "milliseconds": result.milliseconds,
        "status": result.status,
        "failure": result.failure,
        "next_attempt_at": attempt.next_attempt_at,
    }
    return {"document": _text(document), "ttl": forgotten(now, attempt.at)}


def attempt_of(item: Item) -> Attempt:
    """Read what `attempt_item` wrote."""
    stored = json.loads(item["document"]["S"])
    failure = stored["failure"]
    return Attempt(
        webhook_id=stored["webhook_id"],
        at=stored["at"],
        event_id=stored["event_id"],
        sequence=stored["sequence"],
        type=EventType(stored["type"]),
        number=stored["number"],
        replayed=stored["replayed"],
        result=Result(
            milliseconds=stored["milliseconds"],
            status=stored["status"],
            failure=Failure(failure) if failure else None,
        ),
        next_attempt_at=stored["next_attempt_at"],
    )


def forgotten(now: Timestamp, at: Timestamp) -> dict[str, str]:
    """When a row of the log or about it may go."""
    return number(max(now, at) + EVENTS_KEPT)


def _due(tenant: Tenant, at: Timestamp) -> Item:
    return {"due_pk": text(webhook_due_partition(webhook_due_shard(tenant))), "due_at": number(at)}


def _text(document: Any) -> dict[str, str]:
    return text(json.dumps(document, separators=(",", ":"), ensure_ascii=False))
