"""Webhooks of two merchants, in memory: what is published, brought to the worker, and got."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.adapters.sealing import Sealer
from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.receipts import no_receipt
from chalicelib.units import Seconds
from chalicelib.webhooks.delivery import Deliveries, Run
from chalicelib.webhooks.model import Attempt, Event
from chalicelib.webhooks.service import Replay, Saved, Webhooks, Wish
from tests.fakes import CountedEntropy, FakeClock
from tests.fakes_webhooks import FakeQueue, FakeWayOut, InMemoryWebhooks, Posted
from tests.webhooks.reference import verified
from tests.webhooks.store_contract import ACME, NOW

URL = "https://shop.example/hooks"


def a_fact(kind: FactKind = FactKind.PROMISE_CONFIRMED, sequence: int = 1, **more: Any) -> Fact:
    """Something that happened to a promise."""
    given: dict[str, Any] = {
        "at": NOW,
        "actor": Actor.MERCHANT,
        "subject": "prm_0123456789abc",
        "data": {"depot_id": "porto", "promised_window": {"starts_at": NOW + 3600, "ends_at": NOW + 7200}},
    }
    return Fact(kind=kind, sequence=sequence, **given | more)


@dataclass
class Office:
    """Everything there is for webhooks, on one clock.

    Attributes
    ----------
    seconds
        How long the worker may take for one delivery.
    monotonic
        What its stopwatch shows; it stands still unless a test moves it.
    chance
        By which waits are longer; none unless a test wants some.
    """

    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    store: InMemoryWebhooks = field(default_factory=InMemoryWebhooks)
    queue: FakeQueue = field(default_factory=FakeQueue)
    world: FakeWayOut = field(default_factory=FakeWayOut)
    sealer: Any = field(default_factory=lambda: Sealer([b"a" * 32]))
    seconds: float = 50.0
    monotonic: float = 0.0
    chance: Callable[[], float] = lambda: 0.0
    rows: int = 0

    def __post_init__(self) -> None:
        ports: tuple[Any, ...] = (self.store, self.queue, self.world, self.sealer)
        self.webhooks = Webhooks(*ports, entropy=CountedEntropy(), loopback=False, pause=lambda _: None)
        self.deliveries = Deliveries(
            *ports, clock=lambda: self.monotonic, loopback=False, chance=lambda: self.chance()
        )

    def put(self, webhook_id: str = "hook", tenant: Tenant = ACME, **wish: Any) -> Saved:
        """Make a webhook what is wished."""
        return self.webhooks.put(tenant, webhook_id, Wish(**{"url": URL} | wish), self.clock.at)

    def secret(self, webhook_id: str = "hook", tenant: Tenant = ACME, **wish: Any) -> str:
        """Make one whose secret is new; gives that."""
        secret = self.put(webhook_id, tenant, **wish).secret
        assert secret is not None
        return secret

    def happens(self, *facts: Fact, tenant: Tenant = ACME, row_id: str | None = None) -> list[Event]:
        """Have facts become true in one transaction of their own, or of that outbox row."""
        self.rows += 1
        row_id = row_id or f"{self.rows:032x}"
        return self.webhooks.publish(tenant, row_id, facts or (a_fact(),), self.clock.at)

    def work(self) -> list[Run]:
        """Let a worker take what the queue brings, once around; what it is to bring later it forgets."""
        return [
            self.deliver(tenant, hook, name) for tenant, hook, name, delay in self.queue.taken() if not delay
        ]

    def deliver(self, tenant: Tenant, webhook_id: str, name: str) -> Run:
        """Let a worker look at one delivery."""
        now = self.clock.at
        return self.deliveries.deliver(tenant, webhook_id, name, now, system_now=now, seconds=self.seconds)

    def sweep(self) -> int:
        """Let the minute's trigger come."""
        now = self.clock.at
        return sum(self.deliveries.sweep(due, now) for due in list(self.store.due_webhooks(now)))

    def passes(self, seconds: Seconds) -> list[Run]:
        """Let time pass; the sweeper comes, and the worker behind it."""
        self.clock.advance(seconds)
        self.sweep()
        return self.work()

    def replay(self, first: int, webhook_id: str = "hook") -> Replay:
        """Ask for all from a sequence on."""
        return self.webhooks.replay(ACME, webhook_id, first, self.clock.at, no_receipt)

    def got(self, secret: str) -> list[dict[str, Any]]:
        """All payloads that were posted, each verified by its receiver's own means."""
        return [self.checked(post, secret) for post in self.world.posted]

    def checked(self, post: Posted, secret: str) -> dict[str, Any]:
        """A payload, if this secret signed it and just now."""
        return verified(secret, post.headers, post.body, now=self.clock.at)

    def attempts(self, webhook_id: str = "hook", tenant: Tenant = ACME) -> list[Attempt]:
        """What the merchant sees, the oldest first."""
        return list(self.webhooks.attempts(tenant, webhook_id, limit=1000, before=None)[0])[::-1]


def ids(posts: list[Posted]) -> list[str]:
    """What a receiver tells events by."""
    return [post.headers["webhook-id"] for post in posts]
