"""The whole product in one process as a stage has it: its own `build`, moto's AWS, the sandbox's fake Twilio.

Everything it writes to logs is kept, its own lines and those of every library. One thread and a tiny table:
moto proves nothing about races.
"""

import io
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from uuid import uuid4

import boto3
from chalice import Chalice
from chalice.test import Client, HTTPResponse
from moto import mock_aws

from chalicelib.adapters.sealing import Sealer
from chalicelib.adapters.secrets import NUMBER_KEYS, TwilioAccount, number_keys
from chalicelib.adapters.webhook_http import Internet
from chalicelib.bootstrap import Services, build
from chalicelib.events import Mode, Tenant
from chalicelib.handlers import (
    about,
    checkout,
    door,
    erasures,
    fleet,
    kpis,
    merchants,
    motion,
    notifications,
    promises,
    sandbox,
    telemetry,
    tracking,
    twilio,
    webhooks,
    workers,
)
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant, Scope
from chalicelib.settings import Settings
from infra.sandbox import fake_twilio
from infra.sandbox.lambda_events import queue_record
from infra.sandbox.resources import create
from infra.secrets import Vault
from tests.fakes import FakeClock
from tests.faults.books import reader_of
from tests.faults.stored import as_answered
from tests.handlers.shop_client import NEAR, ShopClient, a_depot, a_van, at

ACME = Tenant(merchant_id="acme", mode=Mode.TEST)
ACCOUNT = "AC" + "0" * 32
AUTH_TOKEN = "auth-token-of-twilio"
_stacks = count(1)


class Deployed(ShopClient):
    """The product and one merchant's programs.

    Attributes
    ----------
    log
        All lines of all loggers, as they would stand in CloudWatch.
    services
        What handlers and workers are given.
    """

    def __init__(self, environment: dict[str, str], internet: Internet | None = None) -> None:
        stage = environment.get("STAGE", "test")
        stack = f"deployed-{next(_stacks)}-{stage}"
        self.dynamodb, self.sqs = boto3.client("dynamodb"), boto3.client("sqs")
        self.resources = create(dynamodb=self.dynamodb, sqs=self.sqs, stack=stack)
        self.environment = {
            "STAGE": stage,
            "TABLE_NAME": self.resources.table_name,
            "IMPROVE_QUEUE_URL": self.resources.improve_queue_url,
            "REPAIR_QUEUE_URL": self.resources.repair_queue_url,
            "WEBHOOKS_QUEUE_URL": self.resources.webhooks_queue_url,
            "TEXTS_QUEUE_URL": self.resources.texts_queue_url,
            "SECRETS_PATH": f"/{stack}",
            "PUBLIC_BASE_URL": "https://track.example",
            "SEGMENTS_PER_SECOND": "1000",
            **environment,
        }
        self.log = io.StringIO()
        self.clock = FakeClock(at("2026-11-24T06:00:00Z"))
        self.ssm = boto3.client("ssm")
        account = TwilioAccount(account_sid=ACCOUNT, auth_tokens=(AUTH_TOKEN,), sender="+15005550006")
        Vault(self.ssm, stack).make(account, now=self.clock.at)
        settings = Settings.from_env(self.environment)
        self.services: Services = build(settings, clock=self.clock, internet=internet)
        features = [checkout.api, promises.api, motion.api, fleet.api, notifications.api, merchants.api]
        features += [erasures.api, webhooks.api, twilio.api, tracking.api, kpis.api, sandbox.api]
        features.append(about.endpoints(tuple(features)))
        self.app = Chalice(telemetry.SERVICE, configure_logs=False)
        door.register(self.app, features, lambda: self.services)
        self._http = Client(self.app).http
        super().__init__(self._request, self._keys_of(ACME, "Acme"), destination=NEAR)
        self._open(self, "porto")

    def beside(self, tenant: Tenant, depot_id: str) -> ShopClient:
        """Another merchant's programs, with a depot at the same place."""
        client = ShopClient(self._request, self._keys_of(tenant, tenant.merchant_id), destination=NEAR)
        self._open(client, depot_id)
        return client

    def _keys_of(self, tenant: Tenant, brand: str) -> dict[str, str]:
        merchant = Merchant(
            tenant=tenant, brand=brand, origins=("https://shop.example",), sms_countries=("PT", "US")
        )
        self.services.merchants.save_settings(merchant)
        kinds = {
            "admin": (KeyType.SECRET, ALL_SCOPES),
            "secret": (KeyType.SECRET, Scope.CHECKOUT | Scope.OPS),
            "publishable": (KeyType.PUBLISHABLE, Scope.CHECKOUT),
        }
        make = self.services.merchants.create_key
        return {
            name: make(tenant, type=kind, scopes=scopes, now=self.clock.at).text
            for name, (kind, scopes) in kinds.items()
        }

    @staticmethod
    def _open(client: ShopClient, depot_id: str) -> None:
        client.done("PUT", f"/v1/depots/{depot_id}", a_depot())
        client.done("PUT", f"/v1/depots/{depot_id}/vehicles/van-1", a_van())

    def _request(self, method: str, target: str, headers: Any, body: bytes) -> HTTPResponse:
        return self._http.request(method, target, headers=headers, body=body)

    def lines(self, message: str | None = None) -> list[dict[str, Any]]:
        """Our own lines of the log; all of them, or those of one kind."""
        found = [json.loads(line) for line in self.log.getvalue().splitlines() if line.startswith("{")]
        return [line for line in found if message in (None, line["message"])]

    def forget(self) -> None:
        """Begin a new log."""
        self.log.seek(0)
        self.log.truncate()

    def opened(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of a scan as whoever has the key reads it."""
        name = f"{self.environment['SECRETS_PATH']}/{NUMBER_KEYS}"
        found = self.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
        reader = reader_of(self.dynamodb, self.resources.table_name, Sealer(number_keys(found)))
        return reader.opened(reader.opened(as_answered(row)), "words")

    def outbox(self) -> list[dict[str, Any]]:
        """Every row of the outbox."""
        rows = self.dynamodb.scan(TableName=self.resources.table_name)["Items"]
        return [row for row in rows if row["sk"]["S"] == "OUTBOX"]

    def stream(self, *rows: dict[str, Any]) -> dict[str, Any]:
        """The event that brings rows (all of the outbox, unless given) to the consumer of facts."""
        return {"Records": [stream_record(row) for row in rows or self.outbox()]}

    def jobs(self, *, delete: bool = True) -> dict[str, Any]:
        """The event that brings the planning jobs that wait."""
        return self._waiting(self.resources.improve_queue_url, delete=delete)

    def repair_jobs(self) -> dict[str, Any]:
        """The event that brings the repairs that wait."""
        return self._waiting(self.resources.repair_queue_url, delete=True)

    def webhook_jobs(self) -> dict[str, Any]:
        """The event that brings the webhook deliveries that wait."""
        return self._waiting(self.resources.webhooks_queue_url, delete=True)

    def text_jobs(self) -> dict[str, Any]:
        """The event that brings the texts that wait."""
        return self._waiting(self.resources.texts_queue_url, delete=True)

    def send_texts(self) -> None:
        """Hand on all facts, and send the texts that come of them."""
        assert workers.publish_facts(self.stream(), self.services) == {"batchItemFailures": []}
        assert workers.send_texts(self.text_jobs(), self.services) == {"batchItemFailures": []}

    def _waiting(self, url: str, *, delete: bool) -> dict[str, Any]:
        found: list[Any] = []
        while some := self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["All"],
            VisibilityTimeout=0 if not delete else 30,
        ).get("Messages", []):
            found += some
            for message in some if delete else ():
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            if not delete:
                break
        return {"Records": [queue_record(message, arn="arn:aws:sqs:queue") for message in found]}


def stream_record(row: dict[str, Any], event: str = "INSERT") -> dict[str, Any]:
    """A record of the table's stream as Lambda hands it over."""
    change = {
        "Keys": {"pk": row["pk"], "sk": row["sk"]},
        "NewImage": row,
        "SequenceNumber": uuid4().hex,
    }
    return {"eventName": event, "eventSource": "aws:dynamodb", "dynamodb": change}


def poison_job(body: str, *, group: str = "poison") -> dict[str, Any]:
    """A message that the queue would bring, with whatever body."""
    message = {
        "MessageId": str(uuid4()),
        "ReceiptHandle": "handle",
        "Body": body,
        "MD5OfBody": "",
        "Attributes": {"MessageGroupId": group},
    }
    return queue_record(message, arn="arn:aws:sqs:queue")


@contextmanager
def deployed(
    *, level: int = logging.DEBUG, internet: Internet | None = None, **environment: str
) -> Iterator[Deployed]:
    """Run the product until the block ends, listening to every logger from `level` on."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    threading.Thread(
        target=fake_twilio.serve,
        args=(listener,),
        kwargs={"account": ACCOUNT, "auth_tokens": (AUTH_TOKEN,)},
        daemon=True,
    ).start()
    with mock_aws():
        running = Deployed({"TWILIO_API_URL": url, **environment}, internet)
        with _listening(running.log, level):
            yield running


@contextmanager
def _listening(kept: io.StringIO, level: int) -> Iterator[None]:
    """Write our own log as it is written, and whatever any other logger lets through."""
    ours, root = logging.getLogger(telemetry.SERVICE), logging.getLogger()
    own, others = logging.StreamHandler(kept), logging.StreamHandler(kept)
    own.setFormatter(ours.handlers[0].formatter)
    others.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    others.addFilter(_not_ours)
    before = root.level
    ours.addHandler(own)
    root.addHandler(others)
    root.setLevel(level)
    try:
        yield
    finally:
        root.setLevel(before)
        root.removeHandler(others)
        ours.removeHandler(own)


def _not_ours(record: logging.LogRecord) -> bool:
    """Neither our own lines once more, nor moto's: what stands in for AWS is not deployed."""
    return record.name.partition(".")[0] not in (telemetry.SERVICE, "moto")


@contextmanager
def level_of(name: str, level: int) -> Iterator[None]:
    """Set a logger's level until the block ends."""
    log = logging.getLogger(name)
    before = log.level
    log.setLevel(level)
    try:
        yield
    finally:
        log.setLevel(before)


type Start = Callable[..., Deployed]
