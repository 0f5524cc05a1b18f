"""The worker's side: claim a delivery, POST, write down what came of it, and see to what is left.

A delivery is claimed by a write on the version that was read, so of two workers one sends. Whoever dies
between the POST and its record leaves a claim that runs out, and the event is sent once more under the same
id: at least once, never silently not. A run stays at an event until that is taken, so a replay is in order.
Weak point: a slow receiver with much to be told takes as many workers as its events take seconds.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.errors import BadToken, InvalidRequest, Upstream
from chalicelib.events import Tenant
from chalicelib.units import MINUTE, Seconds, Timestamp
from chalicelib.webhooks.destinations import destination_of
from chalicelib.webhooks.model import (
    GONE_STATUS,
    REPLAY,
    RESEALED_EVERY,
    STOPPED_AFTER,
    Attempt,
    Delivery,
    Event,
    Failure,
    Result,
    Secret,
    Stopped,
    StopReason,
    Webhook,
    wait_after,
)
from chalicelib.webhooks.ports import DeliveryQueue, Due, Seal, WayOut, WebhookStore
from chalicelib.webhooks.service import FORGOTTEN_AFTER, sealing_purpose
from chalicelib.webhooks.signing import signed_headers

LEASE: Final[Seconds] = 2 * MINUTE  # of a claim: longer than a worker lives
LONGEST_POST: Final[Seconds] = 10
_LONGEST_DELAY: Final[Seconds] = 15 * MINUTE  # of a queue
_SWEPT_AGAIN: Final[Seconds] = 5 * MINUTE
_READ_AT_ONCE = 25
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "application/json",
    "User-Agent": "Slotkeeper-Webhooks/1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one look at a delivery came to.

    Attributes
    ----------
    stopped
        Why the webhook is sent nothing from now on, if that is news.
    """

    attempts: Sequence[Attempt] = ()
    stopped: StopReason | None = None


class Deliveries:
    """Sends what is to be sent.

    Parameters
    ----------
    clock
        Seconds of a monotonic clock.
    loopback
        Whether receivers on this machine are allowed: in a sandbox.
    chance
        Gives a number from 0 to 1, another one each time.
    """

    def __init__(
        self,
        store: WebhookStore,
        queue: DeliveryQueue,
        way_out: WayOut,
        seal: Seal,
        *,
        clock: Callable[[], float],
        loopback: bool,
        chance: Callable[[], float],
    ) -> None:
        self._store, self._queue, self._way_out, self._seal = store, queue, way_out, seal
        self._clock, self._loopback, self._chance = clock, loopback, chance

    def deliver(
        self,
        tenant: Tenant,
        webhook_id: str,
        name: str,
        now: Timestamp,
        *,
        system_now: Timestamp,
        seconds: float,
    ) -> Run:
        """Send what a delivery is about; nothing if another worker has it, or it is not ready.

        Parameters
        ----------
        system_now
            System time, which receivers compare with theirs.
        seconds
            How long this may take; what is left of a run then is brought again.
        """
        delivery = self._store.delivery(tenant, webhook_id, name)
        if delivery is None or now < delivery.ready_at:
            return Run()
        webhook = self._store.webhook(tenant, webhook_id)
        if webhook is None or webhook.stopped is not None:
            self._store.drop_delivery(tenant, delivery)
            return Run()
        claimed = self._store.save_delivery(tenant, _claim(delivery, now))
        if claimed is None:
            return Run()
        return self._send(tenant, webhook, claimed, _Watch(self._clock, now, system_now, seconds))

    def sweep(self, due: Due, now: Timestamp) -> bool:
        """See to something that is due; False if it no longer is.

        A delivery is brought to a worker. A webhook's secrets are sealed anew, before what sealed them is
        dropped: receipts and offers are gone by then, secrets are not.
        """
        if due.name is None:
            return self._reseal(due.tenant, due.webhook_id, now)
        delivery = self._store.delivery(due.tenant, due.webhook_id, due.name)
        if delivery is None or now < delivery.due_at:
            return False
        # Looked at later in any case: the message may be lost, or wait behind many.
        if self._store.save_delivery(due.tenant, replace(delivery, due_at=now + _SWEPT_AGAIN)) is None:
            return False
        self._bring(due.tenant, delivery)
        return True

    def _reseal(self, tenant: Tenant, webhook_id: str, now: Timestamp) -> bool:
        webhook = self._store.webhook(tenant, webhook_id)
        if webhook is None or now < webhook.resealed_at + RESEALED_EVERY:
            return False
        purpose = sealing_purpose(tenant, webhook_id)
        secrets = tuple(
            replace(secret, sealed=self._seal.seal(purpose, key))
            for secret, key in self._opened(tenant, webhook, now)
        )
        if not secrets:
            webhook = _stopped(webhook, StopReason.SECRET_LOST, now)
        resealed = replace(webhook, secrets=secrets or webhook.secrets, resealed_at=now)
        return self._store.save_webhook(tenant, resealed) is not None

    def _opened(self, tenant: Tenant, webhook: Webhook, now: Timestamp) -> list[tuple[Secret, bytes]]:
        """The secrets that sign, opened; those that nothing opens any more are left out."""
        purpose, opened = sealing_purpose(tenant, webhook.webhook_id), []
        for secret in webhook.secrets:
            if secret.signs_at(now):
                with suppress(BadToken):
                    opened.append((secret, self._seal.unseal(purpose, secret.sealed)))
        return opened

    def _bring(self, tenant: Tenant, delivery: Delivery, *, delay: Seconds = 0) -> None:
        with suppress(Upstream):  # the sweeper finds it
            self._queue.deliver(tenant, delivery.webhook_id, delivery.name, delay=delay)

    def _send(self, tenant: Tenant, webhook: Webhook, delivery: Delivery, watch: "_Watch") -> Run:
        """Send the events of a claimed delivery, one after the other, up to the first that is not taken."""
        keys = [key for _, key in self._opened(tenant, webhook, watch.now)]
        if not keys:
            self._store.drop_delivery(tenant, delivery)
            return Run(stopped=self._note_failure(tenant, webhook, StopReason.SECRET_LOST, watch.now))
        attempts: list[Attempt] = []
        while events := self._store.logged_events(tenant, delivery.next, delivery.last, limit=_READ_AT_ONCE):
            for event in events:
                if webhook.wants(event):
                    if attempts and watch.seconds_left < LONGEST_POST:
                        self._go_on_later(tenant, delivery, watch.now)
                        return Run(attempts=attempts)
                    result = self._post(webhook, event, keys, watch)
                    stopped = _stops(webhook, result, watch.now)
                    wait = None if result.delivered or stopped else wait_after(delivery.tries, self._chance())
                    attempt = _attempt(delivery, event, result, watch.now, wait)
                    self._store.add_attempt(tenant, attempt)
                    attempts.append(attempt)
                    if not result.delivered:
                        self._put_off(tenant, delivery, attempt, watch.now)
                        stopped = self._note_failure(tenant, webhook, stopped, watch.now)
                        return Run(attempts=attempts, stopped=stopped)
                    webhook = self._note_success(tenant, webhook)
                delivery = replace(delivery, next=event.sequence + 1)
                if webhook.wants(event) and delivery.next <= delivery.last:
                    advanced = self._store.save_delivery(
                        tenant, _claim(replace(delivery, tries=0), watch.now)
                    )
                    if advanced is None:  # another replay took its place
                        return Run(attempts=attempts)
                    delivery = advanced
        self._store.drop_delivery(tenant, delivery)
        return Run(attempts=attempts)

    def _go_on_later(self, tenant: Tenant, delivery: Delivery, now: Timestamp) -> None:
        rest = replace(delivery, tries=0, ready_at=now, due_at=now + FORGOTTEN_AFTER)
        if self._store.save_delivery(tenant, rest) is not None:
            self._bring(tenant, rest)

    def _put_off(self, tenant: Tenant, delivery: Delivery, attempt: Attempt, now: Timestamp) -> None:
        """Have an event tried again when its next attempt is due, or give it up."""
        ready_at = attempt.next_attempt_at
        if ready_at is None:
            self._store.drop_delivery(tenant, delivery)
            return
        wait, is_soon = ready_at - now, ready_at - now <= _LONGEST_DELAY
        due_at = ready_at + (FORGOTTEN_AFTER if is_soon else 0)
        if self._store.save_delivery(tenant, replace(delivery, ready_at=ready_at, due_at=due_at)) and is_soon:
            self._bring(tenant, delivery, delay=min(wait + 1, _LONGEST_DELAY))

    def _note_failure(
        self, tenant: Tenant, webhook: Webhook, reason: StopReason | None, now: Timestamp
    ) -> StopReason | None:
        """Remember since when it fails, and stop it where that is enough; a merchant's change comes first."""
        if reason is not None:
            stopped = self._store.save_webhook(tenant, _stopped(webhook, reason, now))
            return None if stopped is None else reason
        if webhook.failing_since is None:
            self._store.save_webhook(tenant, replace(webhook, failing_since=now))
        return None

    def _note_success(self, tenant: Tenant, webhook: Webhook) -> Webhook:
        if webhook.failing_since is None:
            return webhook
        well = replace(webhook, failing_since=None)
        return self._store.save_webhook(tenant, well) or webhook

    def _post(self, webhook: Webhook, event: Event, keys: Sequence[bytes], watch: "_Watch") -> Result:
        try:
            destination = destination_of(webhook.url, loopback=self._loopback)
        except InvalidRequest:  # saved under rules that have changed since
            return Result(milliseconds=0, failure=Failure.ADDRESS_REFUSED)
        body = event.body.encode()
        signed = signed_headers(keys, event_id=event.event_id, timestamp=watch.system_now, body=body)
        return self._way_out.post(destination, {**_HEADERS, **signed}, body)


class _Watch:
    """Both clocks, as they go on while a delivery is under way."""

    def __init__(
        self, clock: Callable[[], float], now: Timestamp, system_now: Timestamp, seconds: float
    ) -> None:
        self._clock, self._began = clock, clock()
        self._now, self._system_now, self._seconds = now, system_now, seconds

    @property
    def now(self) -> Timestamp:
        """Business time."""
        return self._now + int(self._clock() - self._began)

    @property
    def system_now(self) -> Timestamp:
        """System time."""
        return self._system_now + int(self._clock() - self._began)

    @property
    def seconds_left(self) -> float:
        """Of the time this may take."""
        return self._seconds - (self._clock() - self._began)


def _claim(delivery: Delivery, now: Timestamp) -> Delivery:
    """One try more, and nobody else's until the lease is over."""
    until = now + LEASE
    return replace(delivery, tries=delivery.tries + 1, ready_at=until, due_at=until)


def _stopped(webhook: Webhook, reason: StopReason, now: Timestamp) -> Webhook:
    return replace(webhook, stopped=webhook.stopped or Stopped(reason=reason, at=now))


def _stops(webhook: Webhook, result: Result, now: Timestamp) -> StopReason | None:
    """Whether this result is the last a webhook is to bring."""
    if result.status == GONE_STATUS:
        return StopReason.GONE
    failed_for_days = webhook.failing_since is not None and now >= webhook.failing_since + STOPPED_AFTER
    return StopReason.FAILING if failed_for_days and not result.delivered else None


def _attempt(
    delivery: Delivery, event: Event, result: Result, now: Timestamp, wait: Seconds | None
) -> Attempt:
    return Attempt(
        webhook_id=delivery.webhook_id,
        at=now,
        event_id=event.event_id,
        sequence=event.sequence,
        type=event.type,
        number=delivery.tries,
        replayed=delivery.name == REPLAY,
        result=result,
        next_attempt_at=None if wait is None else now + wait,
    )
