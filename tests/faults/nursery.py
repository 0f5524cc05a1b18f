"""The product in a process that is killed at a chosen step, as Lambda may at any: with SIGKILL, and no word.

A step is a call that is about to leave for AWS or the carrier, and, at the end, the answer that is about to
leave. To die behind a call is to die before the next: nothing else leaves the process. One process builds
everything and talks to nobody; each task runs in a fork of it, so that a life begins in milliseconds.
"""

import gc
import importlib
import io
import itertools
import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import Any, Self

import boto3
from aws_lambda_powertools import Logger
from chalice import Chalice
from chalice.test import Client, HTTPResponse

from chalicelib.adapters.twilio import TwilioSender
from chalicelib.bootstrap import Services, build
from chalicelib.events import Fact, Tenant
from chalicelib.handlers import checkout, door, fleet, operations, promises, twilio, workers
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant
from chalicelib.notifications.carrier import TextSender
from chalicelib.notifications.kinds import usefulness_of
from chalicelib.notifications.model import Message, MessageKind, MessageStatus
from chalicelib.notifications.replies import understand
from chalicelib.settings import Settings
from chalicelib.units import Timestamp
from tests.fakes import FakeClock
from tests.notifications.corpus import situation
from tests.store_faults import drop_conditions, split_transactions

PATIENCE_SECONDS = 60.0
PUT_OFF = (  # until they are asked for, which would be in each life
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event",
    "aws_lambda_powertools.utilities.data_classes.sqs_event",
    "chalicelib.conversation.service",
    "chalicelib.dispatch.service",
    "chalicelib.notifications.sending",
    "chalicelib.notifications.service",
    "twilio.rest.api",
)
SENDER_WAITS = (1.0, 0.5)  # to connect, to be answered: nobody is far away here


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Texts to be sent, by their words; nobody looks at them yet."""

    now: Timestamp
    tenant: Tenant
    subject: str
    kind: MessageKind
    bodies: tuple[str, ...]

    def run(self, life: Life) -> Any:
        for number, body in enumerate(self.bodies):
            message = Message(
                message_id=f"{self.subject}.said.{number}",
                subject=self.subject,
                kind=self.kind,
                status=MessageStatus.PENDING,
                created_at=self.now,
                body=body,
                ready_at=self.now,
                expires_at=self.now + usefulness_of(self.kind).lasts,
            )
            life.services.notifications.post(self.tenant, message, self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texted:
    """A number was texted about promises, so it may answer."""

    now: Timestamp
    tenant: Tenant
    phone: str
    subjects: tuple[str, ...]

    def run(self, life: Life) -> Any:
        for subject in self.subjects:
            life.services.phone_book.note_texted(self.tenant, self.phone, "", subject, self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class IsOptedOut:
    """Whether a number wants no texts."""

    now: Timestamp
    tenant: Tenant
    phone: str

    def run(self, life: Life) -> Any:
        return life.services.phone_book.is_opted_out(self.tenant, self.phone)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackOf:
    """Where the carrier was told to say what became of a text."""

    now: Timestamp
    tenant: Tenant
    message_id: str

    def run(self, life: Life) -> Any:
        message = life.services.store.message(self.tenant, self.message_id)
        return message and life.services.callbacks.url_of(self.tenant, message)


type Task = Request | Invocation | NewMerchant | Say | Texted | IsOptedOut | CallbackOf


class Stepping:
    """The sender of texts, each of whose calls is a step."""

    def __init__(self, sender: TextSender, steps: Steps) -> None:
        self._sender, self._steps = sender, steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._sender, name)

        def step(*given: Any) -> Any:
            self._steps()
            return method(*given)

        return step


def forget_that_it_is_sent(services: Services) -> None:
    """Leave out what is written before the carrier is called: for controls."""
    store: Any = services.store
    save = store.save_message

    def saved(tenant: Tenant, message: Message, facts: Sequence[Fact] = ()) -> Message | None:
        if message.status is MessageStatus.SENDING:
            return message
        found: Message | None = save(tenant, message, facts)
        return found

    store.save_message = saved


def forget_what_was_done(services: Services) -> None:
    """Find no receipt: for controls."""
    receipts: Any = services.receipts
    receipts.get_receipt = lambda *_: None


class Nursery:
    """Where those processes come from.

    Parameters
    ----------
    environment
        That leads to the emulated AWS, and what `Settings` asks for.
    whole
        Whether transactions are carried out as such; for controls they fall into single writes.
    durable
        Whether it is written down that a text is being sent; for controls it is not.
    receipts
        Whether it is known that a request or a reply had its effect; for controls it is forgotten.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        whole: bool = True,
        durable: bool = True,
        receipts: bool = True,
    ) -> None:
        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__, "tests.concurrency.racers"])
        self._line, theirs = context.Pipe()
        given = (theirs, dict(environment), whole, durable, receipts)
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


def _nurse(
    tasks: Connection, environment: Mapping[str, str], whole: bool, durable: bool, receipts: bool
) -> None:
    os.environ.update(environment)
    steps, clock = Steps(), FakeClock()
    boto3.setup_default_session()
    events = boto3.DEFAULT_SESSION.events  # type: ignore[union-attr]
    if not whole:
        split_transactions(events)
    if not receipts:
        client = SimpleNamespace(meta=SimpleNamespace(events=events))
        drop_conditions(client, lambda _, sk: sk.startswith("RECEIPT"))
    events.register("before-call", steps)
    services = build(Settings.from_env(os.environ), clock=clock)
    if not durable:
        forget_that_it_is_sent(services)
    if not receipts:
        forget_what_was_done(services)
    url = services.settings.twilio_api_url
    sender = TwilioSender(services.secrets.twilio, api_url=url, seconds=SENDER_WAITS)
    services.__dict__["_text_sender"] = Stepping(sender, steps)
    app = Chalice("nursery", configure_logs=False)
    log = Logger(service="nursery", stream=io.StringIO())
    door.register(
        app, [checkout.api, promises.api, operations.api, fleet.api, twilio.api], lambda: services, log=log
    )
    life = Life(services=services, clock=clock, http=Client(app).http)
    for module in PUT_OFF:
        importlib.import_module(module)
    understand("words and patterns are read once", situation())
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
