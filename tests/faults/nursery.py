"""The product in a process that is killed at a chosen step, as Lambda may at any: with SIGKILL, and no word.

A step is a call that is about to leave for AWS or the carrier, and, at the end, the answer that is about to
leave. To die behind a call is to die before the next: nothing else leaves the process. One process builds
everything and talks to nobody; each task runs in a fork of it, so that a life begins in milliseconds.
"""

import gc
import io
import itertools
import json
import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

import boto3
from aws_lambda_powertools import Logger
from chalice import Chalice
from chalice.test import Client, HTTPResponse

from chalicelib.bootstrap import Services, build
from chalicelib.events import Tenant
from chalicelib.handlers import checkout, door, fleet, operations, promises, workers
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant
from chalicelib.notifications.carrier import Outgoing, Sighting, Taken
from chalicelib.settings import Settings
from chalicelib.units import Timestamp
from tests.fakes import FakeClock
from tests.store_faults import split_transactions

PATIENCE_SECONDS = 60.0


class Killed(Exception):
    """The process did not live to answer."""


@dataclass(slots=True)
class Steps:
    """Counts steps, and kills its own process at one of them."""

    taken: int = 0
    kill_at: int | None = None

    def __call__(self, **_: Any) -> None:
        self.taken += 1
        if self.taken == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(slots=True, kw_only=True)
class Life:
    """What a task finds in its process."""

    services: Services
    clock: FakeClock
    http: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request through the door."""

    now: Timestamp
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def run(self, life: Life) -> Any:
        answer = life.http.request(self.method, self.target, headers=self.headers, body=self.body)
        return answer.body, dict(answer.headers), answer.status_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One event for a function of `app.py`."""

    now: Timestamp
    function: str
    event: Any = None

    def run(self, life: Life) -> Any:
        function: Callable[..., Any] = getattr(workers, self.function)
        return function(life.services) if self.event is None else function(self.event, life.services)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMerchant:
    """A merchant, and an API key that may do everything."""

    now: Timestamp
    tenant: Tenant

    def run(self, life: Life) -> Any:
        life.services.merchants.save_settings(
            Merchant(tenant=self.tenant, brand="Ribeira Wines", sms_countries=("PT", "US"))
        )
        make = life.services.merchants.create_key
        return make(self.tenant, type=KeyType.SECRET, scopes=ALL_SCOPES, now=self.now).text


type Task = Request | Invocation | NewMerchant


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """Takes texts into a file, because it must outlive its sender."""

    sent: Path
    steps: Steps
    clock: FakeClock

    def send(self, text: Outgoing) -> Taken:
        self.steps()
        sid = f"SM{os.urandom(16).hex()}"
        told = {"to": text.to, "body": text.body, "sid": sid, "at": self.clock.at}
        with self.sent.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(told)}\n")
        return Taken(sid=sid)

    def sent_to(self, to: str) -> list[Sighting]:
        self.steps()
        lines = self.sent.read_text("utf-8").splitlines() if self.sent.exists() else []
        taken = [told for told in map(json.loads, reversed(lines)) if told["to"] == to]
        return [
            Sighting(sid=each["sid"], body=each["body"], word="sent", code=None, created_at=each["at"])
            for each in taken
        ]

    def sighting(self, sid: str) -> None:
        self.steps()

    def forget(self, sid: str) -> None:
        self.steps()


class Nursery:
    """Where those processes come from.

    Parameters
    ----------
    environment
        That leads to the emulated AWS, and what `Settings` asks for.
    sent
        File of the texts that the carrier took.
    whole
        Whether transactions are carried out as such; for controls they fall into single writes.
    """

    def __init__(self, environment: Mapping[str, str], *, sent: Path, whole: bool = True) -> None:
        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__, "tests.concurrency.racers"])
        self._line, theirs = context.Pipe()
        given = (theirs, dict(environment), sent, whole)
        self._process = context.Process(target=_nurse, args=given, daemon=True)
        self._process.start()
        self.steps = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            self._line.send(None)
        self._process.join(PATIENCE_SECONDS)
        self._line.close()

    def run(self, task: Task, *, kill_at: int | None = None) -> Any:
        """Live one life; `steps` are those of the last that was not cut short.

        Raises
        ------
        Killed
            It was.
        """
        self._line.send((task, kill_at))
        assert self._line.poll(PATIENCE_SECONDS), "no answer"
        status, left = self._line.recv()
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            raise Killed
        assert status == 0, "it died of itself"
        self.steps, answer = pickle.loads(left)
        return answer

    def send(self, request: Request, *, kill_at: int | None = None) -> HTTPResponse:
        """Carry a request there, and its answer back."""
        return HTTPResponse(*self.run(request, kill_at=kill_at))


def _nurse(tasks: Connection, environment: Mapping[str, str], sent: Path, whole: bool) -> None:
    os.environ.update(environment)
    steps, clock = Steps(), FakeClock()
    boto3.setup_default_session()
    events = boto3.DEFAULT_SESSION.events  # type: ignore[union-attr]
    if not whole:
        split_transactions(events)
    events.register("before-call", steps)
    services = build(Settings.from_env(os.environ), clock=clock)
    carrier = Carrier(sent=sent, steps=steps, clock=clock)
    services.__dict__["_text_sender"] = carrier
    app = Chalice("nursery", configure_logs=False)
    log = Logger(service="nursery", stream=io.StringIO())
    door.register(app, [checkout.api, promises.api, operations.api, fleet.api], lambda: services, log=log)
    life = Life(services=services, clock=clock, http=Client(app).http)
    gc.freeze()  # or every life would begin by copying what it never uses
    while (order := tasks.recv()) is not None:
        tasks.send(_lived(life, steps, *order))


def _lived(life: Life, steps: Steps, task: Task, kill_at: int | None) -> tuple[int, bytes]:
    """Fork, and see how it ended and what it left."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        steps.taken, steps.kill_at, life.clock.at = 0, kill_at, task.now
        answer = task.run(life)
        steps()
        with os.fdopen(theirs, "wb") as out:
            out.write(pickle.dumps((steps.taken, answer)))
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as left:
        content = left.read()
    return os.waitpid(child, 0)[1], content


_names = itertools.count(1)


def fresh_name(what: str) -> str:
    """A name that nobody in this process used before."""
    return f"{what}-{next(_names)}"
