"""What every store of webhooks keeps: subclass with a `store` fixture."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.errors import AlreadyDone, StaleWrite
from chalicelib.events import Mode, Tenant
from chalicelib.receipts import ReceiptRow
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
from chalicelib.webhooks.ports import Due, WebhookStore

ACME = Tenant(merchant_id="acme", mode=Mode.TEST)
BEST = Tenant(merchant_id="best", mode=Mode.TEST)
NOW = 1_795_000_000


def a_webhook(webhook_id: str = "hook", **more: Any) -> Webhook:
    given: dict[str, Any] = {
        "url": "https://shop.example/hooks",
        "events": frozenset(),
        "secrets": (Secret(sealed="sealed", created_at=NOW),),
        "created_at": NOW,
        "resealed_at": NOW - RESEALED_EVERY,
    }
    return Webhook(webhook_id=webhook_id, **given | more)


def an_event(sequence: int = 1, event_id: str = "evt_1", **more: Any) -> Event:
    given: dict[str, Any] = {"type": EventType.PROMISE_CONFIRMED, "at": NOW, "body": '{"data":"\u00fc"}'}
    return Event(event_id=event_id, sequence=sequence, **given | more)


def a_delivery(webhook_id: str = "hook", name: str = "000000000001", **more: Any) -> Delivery:
    given: dict[str, Any] = {"next": 1, "last": 1, "ready_at": NOW, "due_at": NOW + 60}
    return Delivery(webhook_id=webhook_id, name=name, **given | more)


def an_attempt(at: int = NOW, **more: Any) -> Attempt:
    given: dict[str, Any] = {
        "webhook_id": "hook",
        "event_id": "evt_1",
        "sequence": 1,
        "type": EventType.PROMISE_CONFIRMED,
        "number": 1,
        "replayed": False,
        "result": Result(milliseconds=12, status=200),
    }
    return Attempt(at=at, **given | more)


def a_receipt() -> ReceiptRow:
    return ReceiptRow(
        key="secret/POST//v1/k", fingerprint="f" * 64, status=202, sealed_body=b"x", expires_at=NOW + 86_400
    )


class WebhookStoreContract:
    """The same tests on every store."""

    @pytest.mark.parametrize(
        "webhook",
        [
            a_webhook(),
            a_webhook(
                events=frozenset({EventType.PROMISE_CHANGED, EventType.PLAN_REPLANNED}),
                description="The \u00e4rp",
                secrets=(
                    Secret(sealed="new", created_at=NOW + 1),
                    Secret(sealed="old", created_at=NOW, valid_until=NOW + 9),
                ),
                stopped=Stopped(reason=StopReason.GONE, at=NOW),
                failing_since=NOW - 5,
            ),
        ],
    )
    def test_webhook_is_read_as_it_was_written(self, store: WebhookStore, webhook: Webhook) -> None:
        """Every field survives, gaps included, under the next version."""
        saved = store.save_webhook(ACME, webhook)
        assert saved == replace(webhook, version=1) == store.webhook(ACME, "hook")

    def test_first_of_two_writers_wins(self, store: WebhookStore) -> None:
        """A webhook and a delivery are written on the version that was read, or not at all."""
        first = store.save_webhook(ACME, a_webhook())
        assert store.save_webhook(ACME, a_webhook(url="https://other.example/")) is None
        assert first is not None
        assert store.save_webhook(ACME, first) is not None
        assert store.save_webhook(ACME, first) is None
        delivery = store.save_delivery(ACME, a_delivery())
        assert delivery is not None
        assert store.save_delivery(ACME, delivery) == replace(delivery, version=2)
        assert store.save_delivery(ACME, delivery) is None

    def test_webhooks_are_listed_by_their_ids_and_removed_once(self, store: WebhookStore) -> None:
        """Another tenant's are not among them."""
        for webhook_id in ("b", "a"):
            store.save_webhook(ACME, a_webhook(webhook_id))
        store.save_webhook(BEST, a_webhook("c"))
        assert [each.webhook_id for each in store.webhooks(ACME)] == ["a", "b"]
        assert store.webhook(ACME, "c") is None
        assert not store.remove_webhook(ACME, "c")
        assert store.remove_webhook(ACME, "a")
        assert not store.remove_webhook(ACME, "a")
        assert store.webhook(BEST, "c") is not None

    def test_events_are_numbered_without_a_gap(self, store: WebhookStore) -> None:
        """Whoever would take a number that is gone, or leave one out, is told; nothing is written."""
        assert store.last_sequence(ACME) == 0
        assert store.record_event(ACME, an_event(1), [a_delivery()])
        for sequence in (1, 3):
            with pytest.raises(StaleWrite):
                store.record_event(ACME, an_event(sequence, "evt_2"), [a_delivery(name="x")])
        assert store.delivery(ACME, "hook", "x") is None
        assert store.record_event(ACME, an_event(2, "evt_2"), [])
        assert store.last_sequence(ACME) == 2
        assert store.last_sequence(BEST) == 0

    def test_same_event_is_recorded_once(self, store: WebhookStore) -> None:
        """Under whatever number it comes again; its deliveries are not begun anew."""
        assert store.record_event(ACME, an_event(1), [a_delivery()])
        there = store.delivery(ACME, "hook", "000000000001")
        assert there is not None
        store.drop_delivery(ACME, there)
        for sequence in (1, 2):
            assert not store.record_event(ACME, an_event(sequence), [a_delivery()])
        assert store.delivery(ACME, "hook", "000000000001") is None
        assert store.last_sequence(ACME) == 1

    def test_event_goes_with_its_receipt(self, store: WebhookStore) -> None:
        """A request that was carried out has no second effect."""
        assert store.record_event(ACME, an_event(1), [], a_receipt())
        with pytest.raises(AlreadyDone):
            store.record_event(ACME, an_event(2, "evt_2"), [], a_receipt())
        with pytest.raises(AlreadyDone):
            store.begin_replay(ACME, a_delivery(name="replay"), a_receipt())
        assert store.last_sequence(ACME) == 1
        assert store.delivery(ACME, "hook", "replay") is None

    def test_log_is_read_in_order_from_a_number_on(self, store: WebhookStore) -> None:
        """As it was written, page after page, one tenant's only."""
        events = [an_event(n, f"evt_{n}", only_for="hook" if n == 2 else None) for n in range(1, 13)]
        for event in events:
            assert store.record_event(ACME, event, [])
        store.record_event(BEST, an_event(1, "evt_b"), [])
        assert store.logged_events(ACME, 2, 12, limit=100) == events[1:]
        assert store.logged_events(ACME, 9, 11, limit=2) == events[8:10]
        assert store.logged_events(ACME, 13, 99, limit=2) == []

    def test_delivery_is_read_as_it_was_written_until_it_is_dropped(self, store: WebhookStore) -> None:
        """Whoever read an older version drops nothing."""
        first = store.save_delivery(ACME, a_delivery(next=3, last=9, tries=2))
        assert first is not None
        assert store.delivery(ACME, "hook", first.name) == first
        assert store.delivery(BEST, "hook", first.name) is None
        second = store.save_delivery(ACME, first)
        assert second is not None
        store.drop_delivery(ACME, first)
        assert store.delivery(ACME, "hook", first.name) == second
        store.drop_delivery(ACME, second)
        assert store.delivery(ACME, "hook", first.name) is None
        assert store.save_delivery(ACME, second) is None

    def test_replay_takes_the_place_of_the_one_before(self, store: WebhookStore) -> None:
        """The worker that has that one notices: its version is gone."""
        store.begin_replay(ACME, a_delivery(name="replay", last=5), None)
        under_way = store.delivery(ACME, "hook", "replay")
        assert under_way is not None
        store.begin_replay(ACME, a_delivery(name="replay", next=3, last=7), None)
        assert store.save_delivery(ACME, under_way) is None
        there = store.delivery(ACME, "hook", "replay")
        assert there is not None
        assert (there.next, there.last) == (3, 7)

    def test_attempts_come_latest_first_in_pages(self, store: WebhookStore) -> None:
        """Every field survives; one webhook's only."""
        failed = Result(milliseconds=5_000, failure=Failure.TIMED_OUT)
        attempts = [an_attempt(NOW + n, sequence=n, number=n, result=failed) for n in range(1, 6)]
        attempts[0] = replace(attempts[0], replayed=True, next_attempt_at=NOW + 60)
        for attempt in attempts:
            store.add_attempt(ACME, attempt)
        store.add_attempt(ACME, an_attempt(webhook_id="other"))
        store.add_attempt(BEST, an_attempt())
        first, place = store.attempts(ACME, "hook", limit=3, before=None)
        rest, end = store.attempts(ACME, "hook", limit=3, before=place)
        assert [*first, *rest] == attempts[::-1]
        assert (len(first), end) == (3, None)

    def test_what_is_due_is_found_and_nothing_else(self, store: WebhookStore) -> None:
        """Deliveries when they may be forgotten, webhooks when their secrets are to be sealed anew."""
        store.save_webhook(ACME, a_webhook(resealed_at=NOW))
        store.save_delivery(ACME, a_delivery())
        store.save_delivery(BEST, a_delivery("other", "replay"))
        assert list(store.due_webhooks(NOW + 59)) == []
        acme = Due(tenant=ACME, webhook_id="hook", name="000000000001")
        best = Due(tenant=BEST, webhook_id="other", name="replay")
        found = list(store.due_webhooks(NOW + 60))
        assert len(found) == 2
        assert acme in found
        assert best in found
        assert store.due_webhooks_of(ACME, NOW + 60) == [acme]
        itself = Due(tenant=ACME, webhook_id="hook", name=None)
        assert itself in store.due_webhooks_of(ACME, NOW + RESEALED_EVERY)
