"""Webhooks as merchants manage them, and the log of what they are told.

An event gets its number in the transaction that appends it to the merchant's log together with a delivery for
each webhook that wants it: so numbers have no gap, come in the order of the log, and no event is without its
deliveries. The same fact twice finds its event there. Weak point: events of one merchant are appended one
after the other; two workers that meet decide anew.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.errors import Conflict, FieldError, InvalidRequest, NotFound, StaleWrite, Upstream
from chalicelib.events import Fact, Tenant
from chalicelib.receipts import Receipt
from chalicelib.units import DAY, MINUTE, Seconds, Timestamp
from chalicelib.webhooks.destinations import destination_of
from chalicelib.webhooks.model import (
    MOST_SECRETS,
    REPLAY,
    Attempt,
    Delivery,
    Event,
    EventType,
    Failure,
    Secret,
    Stopped,
    StopReason,
    Webhook,
)
from chalicelib.webhooks.payload import Draft, drafts
from chalicelib.webhooks.ports import DeliveryQueue, Seal, WayOut, WebhookStore
from chalicelib.webhooks.signing import SECRET_BYTES, secret_text

MOST_WEBHOOKS: Final = 10  # of one merchant: each is one write more for every event
PREVIOUS_SIGNS_FOR: Final[Seconds] = DAY  # after it was replaced
FORGOTTEN_AFTER: Final[Seconds] = MINUTE  # what the queue has not brought by then, the sweeper brings
_MOST_TRIES = 8
_WHY_REFUSED = {
    Failure.NAME_NOT_FOUND: "Input should be a URL whose host can be found",
    Failure.ADDRESS_REFUSED: "Input should be a URL whose host is on the public internet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a merchant wants a webhook to be.

    Attributes
    ----------
    events
        Types; none: all.
    rotate_secret
        Whether to sign with a new secret; the ones before sign beside it for `PREVIOUS_SIGNS_FOR`.
    """

    url: str
    events: frozenset[EventType] = frozenset()
    description: str | None = None
    enabled: bool = True
    rotate_secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A webhook as it was saved, with the text of its secret if that is new: it is shown this once."""

    webhook: Webhook
    secret: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Events that are sent again, from one sequence to another."""

    first: int
    last: int


class Webhooks:
    """The webhooks of all merchants.

    Parameters
    ----------
    entropy
        Gives that many random bytes.
    loopback
        Whether receivers on this machine are allowed: in a sandbox.
    pause
        Waits before the n-th further try, by chance.
    """

    def __init__(
        self,
        store: WebhookStore,
        queue: DeliveryQueue,
        way_out: WayOut,
        seal: Seal,
        *,
        entropy: Callable[[int], bytes],
        loopback: bool,
        pause: Callable[[int], object],
    ) -> None:
        self._store, self._queue, self._way_out, self._seal = store, queue, way_out, seal
        self._entropy, self._loopback, self._pause = entropy, loopback, pause

    def listed(self, tenant: Tenant) -> Sequence[Webhook]:
        """All webhooks of a merchant."""
        return self._store.webhooks(tenant)

    def read(self, tenant: Tenant, webhook_id: str) -> Webhook:
        """One webhook; `NotFound` if the merchant has no such one."""
        webhook = self._store.webhook(tenant, webhook_id)
        if webhook is None:
            raise NotFound("There is no such webhook.")
        return webhook

    def put(self, tenant: Tenant, webhook_id: str, wish: Wish, now: Timestamp) -> Saved:
        """Make a webhook what is wanted; a new one, or one whose secret is rotated, comes with its secret.

        Raises
        ------
        InvalidRequest
            We do not call this URL.
        Conflict
            `too_many_webhooks`, `too_many_secrets`: rotated so often that all of them are still valid.
        StaleWrite
            Others kept changing it.
        """
        destination = destination_of(wish.url, loopback=self._loopback)
        if failure := self._way_out.refuses(destination):
            raise InvalidRequest(
                "We do not call this URL.", fields=[FieldError("/url", _WHY_REFUSED[failure])]
            )
        for attempt in self._tries():
            seen = self._store.webhook(tenant, webhook_id)
            if seen is None and len(self._store.webhooks(tenant)) >= MOST_WEBHOOKS:
                raise Conflict(f"There are {MOST_WEBHOOKS} webhooks already.", code="too_many_webhooks")
            secret = self._entropy(SECRET_BYTES) if seen is None or wish.rotate_secret else None
            webhook = self._as_wanted(tenant, webhook_id, wish, seen, secret, now)
            saved = self._store.save_webhook(tenant, webhook)
            if saved is not None:
                return Saved(webhook=saved, secret=None if secret is None else secret_text(secret))
            self._pause(attempt)
        raise StaleWrite("The webhook kept changing; try again.")

    def remove(self, tenant: Tenant, webhook_id: str) -> None:
        """Remove a webhook; what was still to be sent to it is not.

        Raises
        ------
        NotFound
            The merchant has no such webhook.
        """
        if not self._store.remove_webhook(tenant, webhook_id):
            raise NotFound("There is no such webhook.")

    def attempts(
        self, tenant: Tenant, webhook_id: str, *, limit: int, before: str | None
    ) -> tuple[Sequence[Attempt], str | None]:
        """What was sent and what came of it, the latest first; `NotFound` if there is no such webhook."""
        self.read(tenant, webhook_id)
        return self._store.attempts(tenant, webhook_id, limit=limit, before=before)

    def replay(
        self, tenant: Tenant, webhook_id: str, first: int, now: Timestamp, receipt: Receipt[Replay]
    ) -> Replay:
        """Send all events from a sequence on once more, one after the other, under the same ids.

        Raises
        ------
        NotFound
            The merchant has no such webhook.
        Conflict
            `webhook_stopped`: it is sent nothing.
        InvalidRequest
            There is no event yet from that sequence on.
        """
        if not self._is_sent_events(tenant, webhook_id):
            raise Conflict("The webhook is stopped; enable it first.", code="webhook_stopped")
        replay = Replay(first=first, last=self._store.last_sequence(tenant))
        if replay.last < first:
            why = f"Input should be at most {replay.last}, the latest event's sequence"
            raise InvalidRequest("There is nothing to replay.", fields=[FieldError("/from_sequence", why)])
        run = _delivery(webhook_id, REPLAY, first, replay.last, now)
        self._store.begin_replay(tenant, run, receipt(replay))
        self._bring(tenant, run)
        return replay

    def test(self, tenant: Tenant, webhook_id: str, now: Timestamp, receipt: Receipt[Event]) -> Event:
        """Tell one webhook, and no other, of an event that means nothing.

        Raises
        ------
        NotFound
            The merchant has no such webhook.
        Conflict
            `webhook_stopped`: it is sent nothing.
        """
        if not self._is_sent_events(tenant, webhook_id):
            raise Conflict("The webhook is stopped; enable it first.", code="webhook_stopped")
        draft = Draft(
            event_id=f"evt_{self._entropy(16).hex()}",
            type=EventType.TEST,
            at=now,
            about={"webhook_id": webhook_id},
            only_for=webhook_id,
        )
        event = self._recorded(tenant, draft, now, receipt)
        if event is None:
            raise StaleWrite("The event's id was taken; try again.")
        return event

    def publish(self, tenant: Tenant, row_id: str, facts: tuple[Fact, ...], now: Timestamp) -> list[Event]:
        """Record what a transaction made true for the merchant's webhooks; gives what is new of it.

        Handing it the same facts again records nothing. Cost: one read where there is no webhook; with some,
        a transaction for each event.

        Parameters
        ----------
        row_id
            Of the outbox row.

        Raises
        ------
        StaleWrite
            Others kept appending to the log.
        """
        found = drafts(row_id, facts)
        if not found or not self._store.webhooks(tenant):
            return []
        events = [self._recorded(tenant, draft, now) for draft in found]
        return [event for event in events if event is not None]

    def _recorded(
        self, tenant: Tenant, draft: Draft, now: Timestamp, receipt: Receipt[Event] | None = None
    ) -> Event | None:
        """Append an event to the log and have it brought; None if it was there before."""
        for attempt in self._tries():
            event = draft.numbered(self._store.last_sequence(tenant) + 1)
            wanting = [each for each in self._store.webhooks(tenant) if each.wants(event)]
            name = delivery_name(event.sequence)
            deliveries = [
                _delivery(webhook.webhook_id, name, event.sequence, event.sequence, now)
                for webhook in wanting
                if webhook.stopped is None
            ]
            try:
                row = receipt(event) if receipt else None
                if not self._store.record_event(tenant, event, deliveries, row):
                    return None
            except StaleWrite:
                self._pause(attempt)
                continue
            for delivery in deliveries:
                self._bring(tenant, delivery)
            return event
        raise StaleWrite("The log of events kept changing; try again.")

    def _bring(self, tenant: Tenant, delivery: Delivery) -> None:
        with suppress(Upstream):  # it is on record: the sweeper brings it a minute later
            self._queue.deliver(tenant, delivery.webhook_id, delivery.name)

    def _is_sent_events(self, tenant: Tenant, webhook_id: str) -> bool:
        return self.read(tenant, webhook_id).stopped is None

    def _as_wanted(
        self,
        tenant: Tenant,
        webhook_id: str,
        wish: Wish,
        seen: Webhook | None,
        secret: bytes | None,
        now: Timestamp,
    ) -> Webhook:
        secrets = () if seen is None else tuple(each for each in seen.secrets if each.signs_at(now))
        if secret is not None:
            if len(secrets) >= MOST_SECRETS:
                raise Conflict(f"There are {MOST_SECRETS} valid secrets already.", code="too_many_secrets")
            sealed = self._seal.seal(sealing_purpose(tenant, webhook_id), secret)
            older = tuple(_ending(each, now + PREVIOUS_SIGNS_FOR) for each in secrets)
            secrets = (Secret(sealed=sealed, created_at=now), *older)
        webhook = seen or Webhook(
            webhook_id=webhook_id,
            url=wish.url,
            events=wish.events,
            secrets=secrets,
            created_at=now,
            resealed_at=now,
        )
        starts_again = wish.enabled and webhook.stopped is not None
        moved = webhook.url != wish.url
        return replace(
            webhook,
            url=wish.url,
            events=wish.events,
            description=wish.description,
            secrets=secrets,
            stopped=None
            if wish.enabled
            else webhook.stopped or Stopped(reason=StopReason.BY_MERCHANT, at=now),
            failing_since=None if starts_again or moved else webhook.failing_since,
        )

    def _tries(self) -> range:
        return range(1, _MOST_TRIES + 1)


def delivery_name(sequence: int) -> str:
    """Name of the delivery of one event."""
    return f"{sequence:012}"


def sealing_purpose(tenant: Tenant, webhook_id: str) -> str:
    """What a secret is sealed for: it opens for no other webhook."""
    return f"webhook/{tenant}/{webhook_id}"


def _delivery(webhook_id: str, name: str, first: int, last: int, now: Timestamp) -> Delivery:
    return Delivery(
        webhook_id=webhook_id, name=name, next=first, last=last, ready_at=now, due_at=now + FORGOTTEN_AFTER
    )


def _ending(secret: Secret, at: Timestamp) -> Secret:
    return secret if secret.valid_until is not None else replace(secret, valid_until=at)
