"""A process that is copied: made ready before, and made its own after."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from chalice import Chalice

from app import FEATURES
from chalicelib.bootstrap import Services, build
from chalicelib.handlers import door, snapshot
from chalicelib.routing.proof import PROOF_SCENARIOS
from chalicelib.routing.uncertainty import Noise, scenarios
from chalicelib.settings import Settings

type Hook = tuple[Callable[..., object], tuple[object, ...]]

ENVIRONMENT = {
    "STAGE": "live",
    "TABLE_NAME": "copied-live",
    "IMPROVE_QUEUE_URL": "https://sqs.example/0/copied-live-improve.fifo",
    "REPAIR_QUEUE_URL": "https://sqs.example/0/copied-live-repair.fifo",
    "TEXTS_QUEUE_URL": "https://sqs.example/0/copied-live-texts",
    "WEBHOOKS_QUEUE_URL": "https://sqs.example/0/copied-live-webhooks",
    "SECRETS_PATH": "/copied-live",
    "PUBLIC_BASE_URL": "https://slots.example",
}


@dataclass
class FakeRuntime:
    """Takes snapshots as Lambda's module does."""

    before: list[Hook] = field(default_factory=list)
    after: list[Hook] = field(default_factory=list)

    def register_before_snapshot(self, hook: Callable[..., object], *given: object) -> None:
        self.before.insert(0, (hook, given))

    def register_after_restore(self, hook: Callable[..., object], *given: object) -> None:
        self.after.append((hook, given))

    def freeze(self) -> None:
        for hook, given in self.before:
            hook(*given)

    def restore(self) -> None:
        for hook, given in self.after:
            hook(*given)


class Product:
    """The checkout on a store that is not there, with a runtime that copies it; `made` holds its services."""

    def __init__(self, start: str | None = None) -> None:
        self.runtime = FakeRuntime()
        self.made: list[Services] = []
        app = Chalice("copied", configure_logs=False)
        door.register(app, FEATURES, self.services)
        snapshot.register(app, self.services, start=start, runtime=self.runtime)

    def services(self) -> Services:
        if not self.made:
            self.made.append(build(Settings.from_env(ENVIRONMENT)))
        return self.made[0]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """An AWS that does not answer: whoever asked it something would fail."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")


@pytest.fixture
def product() -> Product:
    return Product()


def test_nothing_happens_until_there_is_a_snapshot(product: Product) -> None:
    """Importing the app builds nothing, with a runtime that takes snapshots or without."""
    assert not product.made
    assert (len(product.runtime.before), len(product.runtime.after)) == (1, 1)
    snapshot.register(Chalice("elsewhere"), product.services)  # where there is no such runtime
    assert not product.made


def test_first_search_finds_everything_built(product: Product) -> None:
    """Services and scenarios are there before anybody asked; nobody's store was asked for it."""
    scenarios.cache_clear()
    product.runtime.freeze()
    assert len(product.made) == 1
    drawn = scenarios.cache_info().misses
    scenarios(Noise(), PROOF_SCENARIOS)
    assert scenarios.cache_info().misses == drawn == 1
    assert scenarios(Noise(), PROOF_SCENARIOS).pace.all()  # a factor is never zero once it is drawn


@pytest.mark.parametrize(("start", "built"), [("provisioned-concurrency", 1), ("snap-start", 0), (None, 0)])
def test_process_that_is_kept_warm_is_ready_when_it_is_started(start: str | None, built: int) -> None:
    """It is paid for to answer at once; every other one is built by whoever needs it, or by its snapshot."""
    assert len(Product(start).made) == built


def test_copies_do_not_share_their_luck(product: Product) -> None:
    """Pauses after a collision are by chance, and would be the same in all who collided."""
    product.runtime.freeze()
    frozen = random.getstate()

    def copy(restore: Callable[[], None]) -> float:
        random.setstate(frozen)
        restore()
        return random.random()

    assert copy(product.runtime.restore) != copy(product.runtime.restore)
    assert copy(lambda: None) == copy(lambda: None)  # Control: without waking they are


class _Store(BaseHTTPRequestHandler):
    """Answers every call with nothing and keeps its connections."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def store_that_counts() -> Iterator[tuple[str, list[Any]]]:
    connections: list[Any] = []

    class Store(_Store):
        def setup(self) -> None:
            super().setup()
            connections.append(self.client_address)

    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", connections
        server.shutdown()


def test_copy_makes_connections_of_its_own(monkeypatch: pytest.MonkeyPatch, product: Product) -> None:
    """One that was open when the process was frozen is closed at the other end by the time a copy wakes."""
    with store_that_counts() as (url, connections):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        store = product.services().store
        for _ in range(2):
            assert store.get_key("unknown") is None
        assert len(connections) == 1  # Control: it is kept and used again
        product.runtime.restore()
        assert store.get_key("unknown") is None
        assert len(connections) == 2
        store.disconnect()
