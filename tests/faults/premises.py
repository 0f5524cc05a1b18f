"""A merchant whose requests and workers may be killed at any step, and a Twilio that outlives them.

Twilio is the sandbox's fake, in this process: what it accepted is what phones got, whatever the table says.
It stands at the moment of the last life, because it is asked when a text was taken. Weak point: its callbacks
reach nobody here; who wants one brings it.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, cycle
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import urlopen

from twilio.request_validator import RequestValidator

from chalicelib.adapters.dynamodb.keys import sender_key
from chalicelib.adapters.dynamodb.rows import message_of
from chalicelib.adapters.dynamodb.table import key_item
from chalicelib.adapters.sealing import Sealer
from chalicelib.adapters.secrets import NUMBER_KEYS, TwilioAccount, number_keys
from chalicelib.events import Mode, Tenant
from chalicelib.notifications.model import Message, MessageKind
from chalicelib.units import Timestamp
from infra.sandbox import fake_twilio
from infra.sandbox.emulator import Emulator
from infra.sandbox.lambda_events import queue_record
from infra.secrets import Vault
from tests.faults.books import Books, read, reader_of
from tests.faults.nursery import (
    CallbackOf,
    Invocation,
    IsOptedOut,
    Killed,
    NewMerchant,
    Nursery,
    Request,
    Say,
    fresh_name,
)
from tests.faults.stored import as_answered
from tests.handlers.shop_client import NEAR, ShopClient, a_depot, a_van, fresh
from tests.promises.shop import at

ACME = Tenant(merchant_id="acme", mode=Mode.TEST)
NOW = at(6)
MOST_STEPS = 200
BASE = "http://127.0.0.1"
ACCOUNT = TwilioAccount(account_sid=f"AC{'0' * 32}", auth_tokens=("a-token",), sender="+15005550006")
SLOW_SECONDS = 1.5  # longer than the nursery's sender waits


class Twilio:
    """The fake, serving in this process until that ends.

    Attributes
    ----------
    at
        The moment it is there.
    """

    def __init__(self) -> None:
        self.at: Timestamp = NOW
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = {
            "account": ACCOUNT.account_sid,
            "auth_tokens": ACCOUNT.auth_tokens,
            "slow_seconds": SLOW_SECONDS,
            "clock": lambda: datetime.fromtimestamp(self.at, UTC),
        }
        threading.Thread(target=fake_twilio.serve, args=(listener,), kwargs=serving, daemon=True).start()

    def accepted(self, phone: str | None = None) -> list[dict[str, Any]]:
        """What it took for a phone, or for all, oldest first."""
        asked = f"?phone={quote(phone)}" if phone else ""
        with urlopen(f"{self.url}/_inbox{asked}", timeout=5) as answer:
            found: list[dict[str, Any]] = json.loads(answer.read())["data"]
        return found

    def plan(self, fault: str) -> None:
        """What goes wrong with the next text."""
        with urlopen(f"{self.url}/_plan", urlencode({"faults": fault}).encode(), timeout=5) as answer:
            assert answer.status == 200


@dataclass(slots=True)
class Shop:
    """A merchant of a table of its own, whose requests may be killed.

    Attributes
    ----------
    kill_at
        At which step the next requests die; None: they live.
    """

    nursery: Nursery
    emulator: Emulator
    table: str
    queue_url: str
    texts_queue_url: str
    twilio: Twilio
    kill_at: int | None = None
    api: ShopClient = field(init=False)

    def __post_init__(self) -> None:
        key = self.nursery.run(NewMerchant(now=NOW, tenant=ACME))
        self.api = ShopClient(self._send, {"secret": key}, destination=NEAR)
        self.api.done("PUT", "/v1/depots/porto", a_depot(service={"base_seconds": 120}))
        self.api.done("PUT", "/v1/depots/porto/vehicles/van-1", a_van())

    def offers(self) -> Iterator[str]:
        """Offers for the same door, each of another slot, for as long as anybody asks."""
        found = [slot["offer"] for slot in self.api.search(days=7) if slot["available"]]
        return cycle(found)

    def _send(self, method: str, target: str, headers: Any, body: bytes) -> Any:
        self.twilio.at = NOW
        request = Request(now=NOW, method=method, target=target, headers=dict(headers), body=body)
        return self.nursery.send(request, kill_at=self.kill_at)

    def invoke(self, function: str, event: Any = None, *, now: int = NOW) -> Any:
        self.twilio.at = now
        return self.nursery.run(Invocation(now=now, function=function, event=event), kill_at=self.kill_at)

    def brought(self, target: str, form: dict[str, str]) -> int:
        """What a form is answered that Twilio signed and brings."""
        signature = RequestValidator(ACCOUNT.auth_tokens[0]).compute_signature(BASE + target, form)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        status: int = self._send("POST", target, headers, urlencode(form).encode()).status_code
        return status

    def books(self) -> Books:
        return read(self.emulator.client("dynamodb"), self.table, ACME, self.vault())

    def vault(self) -> Sealer:
        """What buyers' rows are sealed with."""
        name = f"/{self.table}/{NUMBER_KEYS}"
        found = self.emulator.client("ssm").get_parameter(Name=name, WithDecryption=True)
        return Sealer(number_keys(found["Parameter"]["Value"]))

    def recorded_texts(self) -> list[str]:
        """Which texts stand in the table, sent or under way."""
        rows = self.emulator.client("dynamodb").scan(TableName=self.table)["Items"]
        return [row["sk"]["S"] for row in rows if "#TEXTS#" in row["pk"]["S"]]

    def text_rows(self) -> list[Message]:
        """The texts in the table."""
        client = self.emulator.client("dynamodb")
        reader = reader_of(client, self.table, self.vault())
        pages = client.get_paginator("scan").paginate(TableName=self.table)
        rows = [as_answered(row) for page in pages for row in page["Items"]]
        return [message_of(reader.opened(row)) for row in rows if "#TEXTS#" in row["pk"]["S"]]

    def texts(self) -> int:
        """How many texts the carrier took so far."""
        return len(self.twilio.accepted())

    def text_jobs(self) -> Any:
        """The event that brings every text that waits; they are taken out."""
        sqs, found = self.emulator.client("sqs"), list[Any]()
        queue = {"QueueUrl": self.texts_queue_url}
        while messages := sqs.receive_message(**queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(queue_record(message, arn="arn:aws:sqs:texts"))
                sqs.delete_message(**queue, ReceiptHandle=message["ReceiptHandle"])
        return {"Records": found}

    def jobs(self) -> list[str]:
        """Which requests the planning jobs in the queue come of; they are taken out."""
        sqs, found = self.emulator.client("sqs"), list[str]()
        queue = {"QueueUrl": self.queue_url}
        while messages := sqs.receive_message(**queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"])["request"])
                sqs.delete_message(**queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def sweep(self, now: Timestamp) -> None:
        """The minute's trigger, and the texts that it brings."""
        self.invoke("drain_due", now=now)
        if (event := self.text_jobs())["Records"]:
            self.invoke("send_texts", event, now=now)

    def say(self, subject: str, kind: MessageKind, bodies: Sequence[str], *, now: int = NOW) -> list[Any]:
        """Have texts wait to be sent; gives the jobs that bring them, one each, in their order."""
        said = Say(now=now, tenant=ACME, subject=subject, kind=kind, bodies=tuple(bodies))
        self.nursery.run(said)
        jobs = self.text_jobs()["Records"]
        assert len(jobs) == len(bodies)
        return sorted(jobs, key=lambda job: int(json.loads(job["body"])["message_id"].rpartition(".")[2]))

    def trust_the_sender(self) -> None:
        """Forget how often the carrier failed: each text is to meet its own fault, and no open circuit."""
        key = key_item(sender_key(""))  # the deployment's own
        self.emulator.client("dynamodb").delete_item(TableName=self.table, Key=key)

    def is_opted_out(self, phone: str) -> bool:
        """Whether the merchant's ledger says that a number wants no texts."""
        found: bool = self.nursery.run(IsOptedOut(now=NOW, tenant=ACME, phone=phone))
        return found

    def callback_of(self, message_id: str) -> str:
        """Where Twilio tells what became of a text."""
        found: str = self.nursery.run(CallbackOf(now=NOW, tenant=ACME, message_id=message_id))
        return found.removeprefix(BASE)

    def outbox_record(self, row_id: str) -> dict[str, Any]:
        """An outbox row as the stream hands it over."""
        key = {"pk": {"S": f"T#{ACME}#OUTBOX#{row_id}"}, "sk": {"S": "OUTBOX"}}
        item = self.emulator.client("dynamodb").get_item(TableName=self.table, Key=key)["Item"]
        change = {"NewImage": item, "SequenceNumber": "1"}
        return {"eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": change}


type Once = Callable[[], Any]
"""Sends one request, the very same each time."""

type Effects = Callable[[Books], int]
"""How often it was carried out, by the books."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A command about to be given."""

    once: Once
    effects: Effects


def post(shop: Shop, target: str, body: Any) -> Once:
    """One POST, under one Idempotency-Key."""
    key = fresh("request")
    return lambda: shop.api.done("POST", target, body, idempotency_key=key)


def killed_at_every_step(shop: Shop, begin: Callable[[], Attempt]) -> Iterator[Attempt]:
    """A command, dead at its first step, at its second, …; ends with the first that lives."""
    lived = False
    for step in count(1):
        assert step < MOST_STEPS
        attempt = begin()
        shop.kill_at = step
        try:
            attempt.once()
            lived = True
        except Killed:
            pass
        shop.kill_at = None
        yield attempt
        if lived:
            return


def open_shop(emulator: Emulator, **nursery: bool) -> Shop:
    """A shop with a table, queues, a nursery and a Twilio of its own; whoever opens it closes its nursery."""
    resources = emulator.create(f"{fresh_name('killed')}-sandbox")
    Vault(emulator.client("ssm"), resources.table_name).make(ACCOUNT, now=NOW)
    twilio = Twilio()
    environment = emulator.environment() | {
        "STAGE": "sandbox",
        "TABLE_NAME": resources.table_name,
        "IMPROVE_QUEUE_URL": resources.improve_queue_url,
        "REPAIR_QUEUE_URL": resources.repair_queue_url,
        "WEBHOOKS_QUEUE_URL": resources.webhooks_queue_url,
        "TEXTS_QUEUE_URL": resources.texts_queue_url,
        "SECRETS_PATH": f"/{resources.table_name}",
        "PUBLIC_BASE_URL": BASE,
        "TWILIO_API_URL": twilio.url,
        "REQUESTS_PER_MINUTE": "1000000",
        "SEGMENTS_PER_SECOND": "1000",
        "TEXTS_PER_NUMBER_DAY": "1000",
        "TEXTS_PER_PREFIX_DAY": "1000",
    }
    process = Nursery(environment, **nursery)
    process.__enter__()
    return Shop(
        process,
        emulator,
        resources.table_name,
        resources.improve_queue_url,
        resources.texts_queue_url,
        twilio,
    )
