"""The product in this process, on an emulated AWS and with a fake Twilio of its own: what each step uses.

Deployed handlers are handed what Lambda would hand them, and calls of AWS are counted by operation; looks at
the test clock are left out, because a stage that is paid for has none. Weak point: one thing at a time, so
nothing waits for anything.
"""

import io
import json
import os
import secrets
import socket
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import batched
from pathlib import Path
from time import time
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlencode

from aws_lambda_powertools import Logger
from chalice import Chalice

from chalicelib.adapters.dynamodb.keys import clock_key
from chalicelib.adapters.secrets import TwilioAccount
from chalicelib.adapters.twilio_signature import signature_of
from chalicelib.bootstrap import build
from chalicelib.events import Mode, Tenant
from chalicelib.handlers import door, motion, twilio, workers
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant
from chalicelib.notifications.callbacks import INBOUND_PATH, STATUS_PATH
from chalicelib.settings import Settings
from chalicelib.units import MINUTE, iso_utc
from infra.artefact.isolated import http_event
from infra.cost.measured import Meter, Use, stream_event
from infra.sandbox import fake_twilio
from infra.sandbox.children import Child, stop
from infra.sandbox.emulator import ROOT, Emulator
from infra.sandbox.lambda_events import queue_record
from infra.sandbox.serve import CAPS
from infra.secrets import Vault
from tests.benchmarks.days import City
from tests.benchmarks.delayed_van import DELAY, Road, phone_of
from tests.benchmarks.scale import resource_of

TENANT: Final = Tenant(merchant_id="office", mode=Mode.TEST)
ACCOUNT: Final = TwilioAccount(
    account_sid=f"AC{secrets.token_hex(16)}", auth_tokens=(secrets.token_hex(16),), sender="+15005550006"
)
BASE: Final = "https://slots.example"  # the fake Twilio calls nobody there: what it says is brought by hand
BATCH: Final = 10  # texts that Lambda hands over at once
REPLIES: Final = ("where are you?", "gate code 4471#", "leave it with no 12", "thanks!")
_CONTEXT: Final = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
_CLOCK: Final = {"S": clock_key(TENANT)[1]}
_ARN: Final = "arn:aws:sqs:eu-west-1:000000000000:texts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a step used, for so many texts."""

    number: int
    use: Use
    calls: Mapping[str, int]

    @property
    def cpu_ms(self) -> float:
        """Of ours, for each."""
        return self.use.cpu_ms / self.number

    @property
    def store_calls(self) -> float:
        """Of DynamoDB, for each."""
        return (self.use.reads + self.use.writes) / self.number

    def line(self) -> str:
        """By the piece."""
        use, number = self.use, self.number
        named = ", ".join(f"{times / number:.1f} {name}" for name, times in sorted(self.calls.items()))
        return (
            f"{number:6}{self.cpu_ms:8.1f}{use.wall_ms / number:8.1f}{use.reads / number:7.1f}"
            f"{use.read_units / number:7.1f}{use.writes / number:8.1f}{use.write_units / number:7.1f}"
            f"{use.queue_requests / number:7.1f}   {named}"
        )


HEAD: Final = (
    f"{'':16}{'':>6}{'CPU ms':>8}{'wall':>8}{'reads':>7}{'units':>7}{'writes':>8}{'units':>7}{'queue':>7}"
)


class Office:
    """A merchant, its buyers' texts, and Twilio."""

    def __init__(self, emulator: Emulator, twilio_url: str) -> None:
        resources = emulator.resources
        self.environment = emulator.environment() | {
            "STAGE": "sandbox",
            "TABLE_NAME": resources.table_name,
            "IMPROVE_QUEUE_URL": resources.improve_queue_url,
            "REPAIR_QUEUE_URL": resources.repair_queue_url,
            "WEBHOOKS_QUEUE_URL": resources.webhooks_queue_url,
            "TEXTS_QUEUE_URL": resources.texts_queue_url,
            "TWILIO_API_URL": twilio_url,
            "SECRETS_PATH": f"/{resources.table_name}",
            "PUBLIC_BASE_URL": BASE,
            "REQUESTS_PER_MINUTE": "1000000",
            "SEGMENTS_PER_SECOND": "1000",
            **dict.fromkeys(CAPS, "1000000"),
            "ROADS_DIR": str(ROOT / "infra" / "roads"),
            "PYTHONPATH": str(ROOT),
        }
        os.environ.update(self.environment)
        Vault(emulator.client("ssm"), resources.table_name).make(ACCOUNT, now=round(time()))
        self.meter, self._calls = Meter(io.StringIO()), Counter[str]()
        session = self.meter.attach()
        session.events.register("before-parameter-build", self._count)
        self.services = build(Settings.from_env(os.environ))
        self.log = Logger(service="office", stream=self.meter.log)
        self._app = Chalice("office", configure_logs=False)
        door.register(self._app, [motion.api, twilio.api], lambda: self.services, log=self.log)
        self._sqs, self._queue_url, self._twilio_url = (
            emulator.client("sqs"),
            resources.texts_queue_url,
            twilio_url,
        )
        merchants, now = self.services.merchants, round(time())
        settings = Merchant(tenant=TENANT, brand="Slots", quiet_hours=None, sms_countries=("US",))
        merchants.save_settings(settings)
        self._key = merchants.create_key(TENANT, type=KeyType.SECRET, scopes=ALL_SCOPES, now=now).text

    def _count(self, params: Mapping[str, Any], model: Any, **_: object) -> None:
        if params.get("Key", {}).get("sk") != _CLOCK:
            self._calls[model.name] += 1

    def spent(self, number: int, act: Callable[[], object]) -> Spent:
        """Do a step for so many texts, and say what that used."""
        self._calls.clear()
        with self.meter.invocation() as use:
            act()
        return Spent(number=number, use=replace(use), calls=dict(self._calls))  # the meter goes on

    def ask(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Any:
        """Send a request of the office's, or of a driver's."""
        event = http_event("POST", path, body, headers={"Authorization": f"Bearer {key or self._key}"})
        return json.loads(self._answered(event | resource_of("POST", path))["body"])

    def bring(self, path: str, form: Mapping[str, str], token: str | None = None) -> None:
        """Bring a form as Twilio does."""
        url = f"{BASE}{path}" if token is None else f"{BASE}{path}?o={token}"
        told = {"AccountSid": ACCOUNT.account_sid, **form}
        signature = signature_of(url, list(told.items()), ACCOUNT.auth_tokens[0])
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        query = {"multiValueQueryStringParameters": {"o": [token]} if token else None}
        self._answered(http_event("POST", path, headers=headers) | query | {"body": urlencode(told)})

    def _answered(self, event: Mapping[str, Any]) -> Any:
        answer = self._app(event, _CONTEXT)
        if answer["statusCode"] >= 300:
            raise RuntimeError(answer["body"])
        return answer

    def publish(self) -> None:
        """Hand on the facts of what was just written; what follows from them waits for the next time."""
        rows = list(self.meter.outbox)
        self.meter.outbox.clear()
        if rows:
            workers.publish_facts(stream_event(rows), self.services, log=self.log)

    def waiting(self) -> list[dict[str, Any]]:
        """Take what waits in the queue of texts."""
        asked = {"QueueUrl": self._queue_url, "MaxNumberOfMessages": 10}
        jobs = list[dict[str, Any]]()
        while found := self._sqs.receive_message(**asked).get("Messages"):
            entries = [
                {"Id": str(at), "ReceiptHandle": each["ReceiptHandle"]} for at, each in enumerate(found)
            ]
            self._sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)
            jobs += [queue_record(each, arn=_ARN) for each in found]
        return jobs

    def send(self, jobs: Sequence[Mapping[str, Any]]) -> None:
        """Hand texts to the worker, in batches."""
        for some in batched(jobs, BATCH):
            workers.send_texts({"Records": list(some)}, self.services, log=self.log)

    def taken(self) -> list[dict[str, Any]]:
        """What the fake Twilio took so far."""
        with urllib.request.urlopen(f"{self._twilio_url}/_inbox", timeout=60) as answer:
            return list(json.load(answer)["data"])

    def hear(self, word: str, told: Sequence[tuple[str, str]]) -> None:
        """Let Twilio say the same of texts, each known by its token and id."""
        for token, sid in told:
            self.bring(STATUS_PATH, {"MessageSid": sid, "MessageStatus": word}, token)

    def reply(self, buyers: range) -> None:
        """Let buyers write back, each something else."""
        for at in buyers:
            form = {"MessageSid": f"SM{secrets.token_hex(16)}", "From": phone_of(at), "To": ACCOUNT.sender}
            self.bring(INBOUND_PATH, form | {"Body": REPLIES[at % len(REPLIES)]})


@contextmanager
def offices(logs: Path | None = None) -> Iterator[Office]:
    """An emulated AWS, a fake Twilio, and the product."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Emulator(logs=logs or Path(folder)) as emulator,
        socket.create_server(("127.0.0.1", 0), backlog=512) as listener,
    ):
        knows = {
            fake_twilio.ACCOUNT_SID: ACCOUNT.account_sid,
            fake_twilio.AUTH_TOKENS: ACCOUNT.auth_tokens[0],
            fake_twilio.INBOUND_URL: f"{BASE}{INBOUND_PATH}",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "infra.sandbox.fake_twilio", "--socket", str(listener.fileno())]
        child = Child("twilio", command, environment=knows, logs=Path(folder), inherits=[listener.fileno()])
        try:
            yield Office(emulator, f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            stop([child])


def stages(office: Office, city: City, road: Road, vans: int) -> Iterator[dict[str, Spent]]:
    """Delays of vans, step by step, up to the last word about each text and reply; the first warms up."""
    services = office.services
    road.open(city)
    services.store.set_clock_offset(TENANT, road.left_at + MINUTE - round(time()))
    for number, route in enumerate(road.routes(city, vans + 1)):
        road.leave(route, late=False)
        shift = f"/v1/shifts/{route.shift.shift_id}"
        phone = office.ask(f"{shift}/tokens", {})["token"]
        office.meter.outbox.clear()
        buyers = range(road.buyers - len(route.stops), road.buyers)
        spent = _delayed(office, shift, phone) | _answered(office, buyers)
        if number:
            yield spent


def _delayed(office: Office, shift: str, phone: str) -> dict[str, Spent]:
    """From the driver's event to what the carrier says of the last text."""
    services, store = office.services, office.services.store
    at = iso_utc(services.business_now(TENANT))
    event = {"event_id": secrets.token_hex(8), "type": "incident", "kind": "delay", "at": at}
    told = {"events": [event | {"delay_seconds": DELAY}]}
    spent = {"event": office.spent(1, lambda: office.ask(f"{shift}/events", told, key=phone))}
    spent["risk judged"] = office.spent(1, office.publish)
    before = len(office.taken())
    decided = office.spent(1, office.publish)
    jobs = office.waiting()
    texts = len(jobs)
    spent["text decided"] = Spent(number=texts, use=decided.use, calls=decided.calls)
    spent["text sent"] = office.spent(texts, lambda: office.send(jobs))
    if len(office.taken()) - before != texts:
        raise RuntimeError("not all texts were taken")
    spent["told on record"] = office.spent(texts, office.publish)
    known = list[tuple[str, str]]()
    for job in jobs:
        message = store.message(TENANT, json.loads(job["body"])["message_id"])
        if message is None or message.sid is None:
            raise RuntimeError("a text has no id of the carrier's")
        known.append((services.callbacks.url_of(TENANT, message).partition("?o=")[2], message.sid))
    for word in ("sent", "delivered"):
        spent[f"heard: {word}"] = office.spent(texts, lambda word=word: office.hear(word, known))  # type: ignore[misc]
    return spent


def _answered(office: Office, buyers: range) -> dict[str, Spent]:
    """From buyers' replies to what the carrier is told in return."""
    spent = {"reply taken in": office.spent(len(buyers), lambda: office.reply(buyers))}
    spent["reply acted on"] = office.spent(len(buyers), office.publish)
    jobs = office.waiting()
    spent["answer sent"] = office.spent(len(jobs), lambda: office.send(jobs))
    office.publish()
    return spent
