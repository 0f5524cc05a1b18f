"""What each function asks of AWS: all of them are run on an AWS in memory, and every call is written down.

The API is asked everything it serves, in an order in which there is something to find; what that leaves in
the outbox goes through the stream's function, its jobs through the queue's, and what ran out is cleared up.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
from aws_lambda_powertools import Logger
from botocore.handlers import BUILTIN_HANDLERS
from chalice import Chalice
from chalice.test import Client, HTTPResponse
from moto import mock_aws

from app import FEATURES
from chalicelib.adapters.twilio_signature import signature_of
from chalicelib.adapters.webhook_http import Internet
from chalicelib.bootstrap import Services, build
from chalicelib.events import Mode, Tenant
from chalicelib.handlers import door, workers
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant, Scope
from chalicelib.notifications.model import Message, MessageKind, MessageStatus
from chalicelib.settings import Settings
from infra.sandbox import fake_twilio
from infra.sandbox.lambda_events import queue_record, stream_record
from infra.sandbox.resources import create
from infra.secrets import Vault
from tests import quick_moto
from tests.erasure.bucket import Bucket, serving
from tests.fakes import A_TWILIO_ACCOUNT, FakeClock
from tests.handlers.shop_client import ADDRESS, NEAR, ShopClient, a_depot, a_van, at, fresh

PHONE = "+12025550123"
PUBLIC = "93.184.215.14"  # where a webhook's name leads; nobody is reached there
ROOT = Path(__file__).parents[2]
TENANT = Tenant(merchant_id="acme", mode=Mode.TEST)
REGION = "eu-west-1"
STACK = "asked-test"
DAY = "2026-11-24"
NEXT_DAY = "2026-11-27"
AFTERWARDS = "2026-11-28"
QUEUES = {
    f"{STACK}-improve.fifo": "ImproveQueue",
    f"{STACK}-repair.fifo": "RepairQueue",
    f"{STACK}-webhooks": "WebhooksQueue",
    f"{STACK}-texts": "TextsQueue",
}
TRANSACTIONAL = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}

type Grant = tuple[str, str]
"""An IAM action, and the logical id of what it is done to; an index is `Table/index/…`."""

type Call = tuple[str, Mapping[str, Any]]


def grants(calls: list[Call]) -> set[Grant]:
    """What AWS checks for calls; a transaction is allowed action by action."""
    return {grant for operation, given in calls for grant in _grants(operation, given)}


def _grants(operation: str, given: Mapping[str, Any]) -> Iterator[Grant]:
    match operation:
        case "TransactWriteItems":
            for action in given["TransactItems"]:
                yield from ((TRANSACTIONAL[kind], "Table") for kind in action)
        case "SendMessage" | "SendMessageBatch":
            yield "sqs:SendMessage", QUEUES[given["QueueUrl"].rpartition("/")[2]]
        case "GetParameter":
            yield "ssm:GetParameter", f"parameter/{given['Name'].removeprefix(f'/{STACK}/')}"
        case _ if "IndexName" in given:
            yield f"dynamodb:{operation}", f"Table/index/{given['IndexName']}"
        case _:
            yield f"dynamodb:{operation}", "Table"


class Deployed:
    """The functions of a stage that texts into a fake Twilio, at six on a Tuesday morning.

    Attributes
    ----------
    calls
        Every call made to AWS so far, by the code's own clients.
    services
        What the functions share.
    visited
        Endpoints that were asked, as the template names them.
    """

    services: Services

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.visited: set[tuple[str, str]] = set()
        aside = boto3.Session(region_name=REGION)
        self._dynamodb, self._sqs = aside.client("dynamodb"), aside.client("sqs")
        self._resources = create(dynamodb=self._dynamodb, sqs=self._sqs, stack=STACK)
        self.clock = FakeClock(at(f"{DAY}T06:00:00Z"))
        Vault(aside.client("ssm"), STACK).make(A_TWILIO_ACCOUNT, now=self.clock.at)
        self._app = Chalice("asked", configure_logs=False)
        log = Logger(service="asked", level="ERROR")
        door.register(self._app, FEATURES, lambda: self.services, log=log)
        self._http = Client(self._app).http

    def start(self, twilio_url: str, bucket_url: str) -> None:
        """Build what the functions need."""
        environment = {
            "STAGE": "test",
            "TABLE_NAME": self._resources.table_name,
            "IMPROVE_QUEUE_URL": self._resources.improve_queue_url,
            "REPAIR_QUEUE_URL": self._resources.repair_queue_url,
            "WEBHOOKS_QUEUE_URL": self._resources.webhooks_queue_url,
            "TEXTS_QUEUE_URL": self._resources.texts_queue_url,
            "PUBLIC_BASE_URL": "https://slots.example",
            "SECRETS_PATH": f"/{STACK}",
            "TWILIO_API_URL": twilio_url,
            "SEGMENTS_PER_SECOND": "1000",
            "PROOFS_URL": bucket_url,
        }
        nowhere = Internet(resolve=lambda *_: [PUBLIC], connect=_refused)
        self.services = build(Settings.from_env(environment), clock=self.clock, internet=nowhere)

    def client(self) -> ShopClient:
        """A merchant's programs, with a key for everything and one for its pages."""
        make, now = self.services.merchants.create_key, self.clock.at
        self.services.merchants.save_settings(
            Merchant(tenant=TENANT, brand="Acme", sms_countries=("PT", "US"), quiet_hours=None)
        )
        keys = {
            "secret": make(TENANT, type=KeyType.SECRET, scopes=ALL_SCOPES, now=now).text,
            "publishable": make(TENANT, type=KeyType.PUBLISHABLE, scopes=Scope.CHECKOUT, now=now).text,
        }
        self.calls.clear()  # the first keys are made by hand, not by a function
        return ShopClient(self._request, keys, destination=NEAR)

    def publish_facts(self) -> None:
        """Hand every outbox row to the function of the stream."""
        rows = [row for row in self._scan() if "#OUTBOX#" in row["pk"]["S"]]
        records = [
            stream_record(
                {
                    "eventID": str(number),
                    "eventName": "INSERT",
                    "eventSource": "aws:dynamodb",
                    "dynamodb": {
                        "ApproximateCreationDateTime": _Instant(),
                        "Keys": {"pk": row["pk"], "sk": row["sk"]},
                        "NewImage": row,
                        "SequenceNumber": str(number),
                        "StreamViewType": "NEW_AND_OLD_IMAGES",
                    },
                },
                "arn",
            )
            for number, row in enumerate(rows)
        ]
        answer = workers.publish_facts({"Records": records}, self.services)
        assert answer == {"batchItemFailures": []}

    def improve(self) -> int:
        """Hand every waiting job to the function of the queue; gives how many there were."""
        return self._look(self._resources.improve_queue_url, workers.improve)

    def repair(self) -> int:
        """The same for what is in trouble on the road."""
        return self._look(self._resources.repair_queue_url, workers.repair)

    def _look(self, url: str, function: Callable[..., Any]) -> int:
        jobs = self._waiting(url)
        answer = function({"Records": jobs}, self.services)
        assert answer == {"batchItemFailures": []}
        return len(jobs)

    def deliver_webhooks(self) -> None:
        """Hand every waiting delivery to the function of the queue, when the secrets read before are old."""
        self.clock.advance(61)
        jobs = self._waiting(self._resources.webhooks_queue_url)
        for job in jobs:
            assert workers.deliver_webhooks({"Records": [job]}, self.services) == {"batchItemFailures": []}
        assert self.services.webhooks.attempts(TENANT, "office", limit=1, before=None)[0]

    def send_texts(self) -> None:
        """Hand every waiting text to the function of the queue, when the secrets read before are old.

        One was begun by a worker that died, so the carrier is asked for it; one is of a kind of which a
        buyer gets so many at most, so it is asked how many they got.
        """
        jobs, store = self._waiting(self._resources.texts_queue_url), self.services.store
        first, second, *_ = (text for text in self._texts() if text.kind is MessageKind.PROMISE_CONFIRMED)
        sealed = self.services.sealer.seal(f"text-to:{TENANT}", PHONE.encode())
        begun = replace(first, status=MessageStatus.SENDING, sealed_to=sealed)
        assert store.save_message(TENANT, begun)
        assert store.save_message(TENANT, replace(second, kind=MessageKind.DAY_BEFORE))
        self.clock.advance(61)
        self.calls.clear()
        for job in jobs:
            assert workers.send_texts({"Records": [job]}, self.services) == {"batchItemFailures": []}

    def hear_from_twilio(self) -> None:
        """Let Twilio tell what became of a text, which is tried again, and bring what a buyer wrote."""
        services, account = self.services, A_TWILIO_ACCOUNT
        message, sid = next(
            (text, text.sid)
            for text in self._texts()
            if text.sid and text.kind is MessageKind.PROMISE_CONFIRMED  # one that is sent twice at most
        )
        told = {"AccountSid": account.account_sid, "MessageSid": sid, "MessageStatus": "undelivered"}
        status = services.callbacks.url_of(TENANT, message)
        self.clock.advance(61)
        self.calls.clear()
        self._hear(status, told | {"ErrorCode": "30003"})
        self.write_back("STOP", 2)

    def write_back(self, body: str, number: int) -> None:
        """Bring what a buyer wrote, under a number of its own."""
        account = A_TWILIO_ACCOUNT
        written = {"MessageSid": f"SM{number:032x}", "From": PHONE, "To": account.sender, "Body": body}
        self._hear(self.services.callbacks.inbound_url, written | {"AccountSid": account.account_sid})

    def _hear(self, url: str, form: dict[str, str]) -> None:
        signature = signature_of(url, list(form.items()), A_TWILIO_ACCOUNT.auth_tokens[0])
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        target = url.removeprefix("https://slots.example")
        answer = self._request("POST", target, headers, urlencode(form).encode())
        assert answer.status_code == 200, answer.body

    def drain_due(self) -> int:
        """Let the minute's trigger come."""
        return workers.drain_due(self.services)

    def _waiting(self, url: str) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = []
        arn = f"arn:aws:sqs:eu-west-1:1:{url.rpartition('-')[2]}"
        while found := self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            jobs += [queue_record(message, arn=arn) for message in found]
        return jobs

    def _texts(self) -> Iterator[Message]:
        keys = (row["sk"]["S"] for row in self._scan() if "#TEXTS#" in row["pk"]["S"])
        return (text for key in keys if (text := self.services.store.message(TENANT, key)) is not None)

    def _scan(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for page in self._dynamodb.get_paginator("scan").paginate(TableName=self._resources.table_name):
            rows += page["Items"]
        return rows

    def note(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        """Write a call down."""
        self.calls.append((model.name, dict(params)))

    def _request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> HTTPResponse:
        path = target.split("?")[0].split("/")
        for route, methods in self._app.routes.items():
            parts = route.split("/")
            if (
                method in methods
                and len(parts) == len(path)
                and all(part == here or part.startswith("{") for part, here in zip(parts, path, strict=True))
            ):
                self.visited.add((method.lower(), route))
        return self._http.request(method, target, headers=headers, body=body)


class _Instant:
    """The time of a stream record, of which nothing depends."""

    def timestamp(self) -> float:
        return 0.0


def _refused(*_: object) -> socket.socket:
    raise ConnectionRefusedError


def ask_everything(shop: ShopClient) -> None:
    """Send every request that the API serves, changes of every kind included."""
    _settle(shop)
    _be_told(shop)
    _check_out(shop)
    _change_minds(shop)
    _run_the_office(shop)
    _drive(shop)
    _look_around(shop)
    _cross_the_town(shop)
    for path in ("/v1/slots/search", "/v1/holds", "/v1/holds/any", "/v1/holds/any/extend"):
        assert shop.ask("OPTIONS", path, key=None).status_code == 204
    for path in ("/v1/health", "/openapi.json", "/docs"):
        assert shop.ask("GET", path, key=None).status_code == 200


def _settle(shop: ShopClient) -> None:
    shop.done("PUT", "/v1/settings", shop.done("GET", "/v1/settings"))
    key = shop.done("POST", "/v1/keys", {"type": "secret", "scopes": ["ops"]})
    assert len(shop.done("GET", "/v1/keys")["data"]) == 3
    assert shop.ask("DELETE", f"/v1/keys/{key['key_id']}").status_code == 204
    shop.done("PUT", "/v1/depots/porto", a_depot())
    for number in (1, 2, 3):
        shop.done("PUT", f"/v1/depots/porto/vehicles/van-{number}", a_van())
    shop.done("DELETE", "/v1/depots/porto/vehicles/van-3")
    by_hand = {
        "starts_at": f"{DAY}T18:00:00+00:00",
        "ends_at": f"{DAY}T21:00:00+00:00",
        "vehicle": {"vehicle_id": "van-1", "capacity": {"parcels": 9}},
    }
    shop.done("PUT", "/v1/depots/porto/shifts/evening", by_hand)
    shop.done("GET", "/v1/depots/porto/shifts/evening")


def _be_told(shop: ShopClient) -> None:
    for webhook_id in ("office", "gone"):
        path = f"/v1/webhooks/{webhook_id}"
        shop.done("PUT", path, {"url": "https://shop.example/webhooks"})
        shop.done("POST", f"{path}/test")
        shop.done("POST", f"{path}/replay", {"from_sequence": 1})
        for part in ("", "/attempts"):
            shop.done("GET", path + part)
    assert len(shop.done("GET", "/v1/webhooks")["data"]) == 2
    assert shop.ask("DELETE", "/v1/webhooks/gone").status_code == 204  # what was to be sent there is not


def _check_out(shop: ShopClient) -> None:
    cart = fresh("cart")
    held = shop.hold(cart_ref=cart)
    shop.done("POST", f"/v1/holds/{held['hold_id']}/extend", {})
    shop.done("GET", f"/v1/holds/{held['hold_id']}")
    swapped = shop.hold(shop.offer(1), cart)
    assert shop.ask("DELETE", f"/v1/holds/{swapped['hold_id']}").status_code == 204
    shop.promise(hold_id=shop.hold()["hold_id"], order_ref="order-1")
    body = shop.order(offer=shop.offer())
    for _ in range(2):  # the second is answered from the receipt of the first
        shop.done("POST", "/v1/promises", body, idempotency_key="twice")
    shop.hold(key="publishable")  # left to run out


def _change_minds(shop: ShopClient) -> None:
    promise_id = shop.promise()["promise_id"]
    shop.change(promise_id, kind="slot", offer=shop.other_slots(promise_id)[2]["offer"])
    shop.change(promise_id, kind="address", location={"lat": 41.162, "lon": -8.603}, address=ADDRESS)
    shop.change(promise_id, kind="gate_code", code="12")
    shop.change(promise_id, kind="cancel", reason="moving")
    order_ref = shop.done("GET", f"/v1/promises/{promise_id}")["order_ref"]
    assert shop.done("POST", "/v1/erasures", {"order_ref": order_ref})["promises"] == 1
    shop.done("POST", "/v1/erasures", {"phone": "+12025550199"})


def _run_the_office(shop: ShopClient) -> None:
    order = {
        "destination": NEAR,
        "promised_window": {"starts_at": f"{DAY}T10:30:00Z", "ends_at": f"{DAY}T13:15:00Z"},
        "recipient": {"name": "Ana"},
    }
    orders = [order | {"order_ref": "moved-1"}, order | {"order_ref": "moved-2", "load": {"parcels": 999}}]
    body = {"orders": [*orders, orders[0]]}
    for _ in range(2):  # the second is answered from the receipt of the first
        results = shop.done("POST", "/v1/promises/import", body, idempotency_key="move")["results"]
        assert [each["state"] for each in results] == ["inserted", "unassigned", "already_promised"]
    pin = f"/v1/promises/{results[0]['promise_id']}/pin"
    for van in (1, 2):
        shop.done("PUT", pin, {"shift_id": f"porto.van-{van}.{DAY}.0800"})
    assert shop.ask("DELETE", pin).status_code == 204


def _drive(shop: ShopClient) -> None:
    """Leave with what was sold, deliver some of it, and set one right."""
    first, second = (shop.promise()["promise_id"] for _ in range(2))
    forgotten = shop.promise(order_ref="forgotten")["promise_id"]
    shift = f"/v1/shifts/porto.van-1.{DAY}.0800"
    for _ in range(2):
        shop.keys["phone"] = shop.done("POST", f"{shift}/tokens")["token"]
    shop.done("GET", f"{shift}/manifest", key="phone")
    proof = {"photo": shop.done("POST", f"{shift}/proofs", {}, key="phone")["proof_id"]}
    now = f"{DAY}T06:00:00Z"
    done = {"type": "completed", "at": now, "outcome": "failed_not_home"}
    for event in (
        {"event_id": "e-1", "type": "departed_depot", "at": now},
        {"event_id": "e-2", "promise_id": first} | done,
        {"event_id": "e-3", "promise_id": second} | done | {"outcome": "failed_no_access"},
        {"event_id": "e-4", "type": "position", "at": now, "lat": 41.16, "lon": -8.6},
        {"event_id": "e-5", "promise_id": forgotten, "proof": proof}
        | done
        | {"outcome": "delivered_to_mailbox"},
    ):
        shop.done("POST", f"{shift}/events", {"events": [event]}, key="phone", idempotency_key=None)
    shop.change(second, kind="gate_code", code="12")  # its van tries again
    shop.done("GET", f"/v1/promises/{first}")
    wrong = {"outcome": "delivered_to_recipient", "reason": "wrong door"}
    shop.done("POST", f"/v1/promises/{first}/corrections", wrong, key="phone")
    shop.done("POST", f"/v1/promises/{first}/contacts", {"channel": "phone", "reason": "where"})
    page = urlsplit(shop.done("GET", f"/v1/promises/{first}")["tracking_url"]).path
    for part in ("", "/state"):
        assert shop.ask("GET", page + part, key=None).status_code == 200
    shop.done("POST", f"{page}/changes", {"kind": "gate_code", "code": "12"}, key=None)
    shop.done("POST", f"{page}/feedback", {"product": 9, "delivery": 8}, key=None)
    assert shop.done("POST", "/v1/erasures", {"order_ref": "forgotten"})["promises"] == 1


def _look_around(shop: ShopClient) -> None:
    [made] = shop.done("GET", "/v1/promises?order_ref=order-1")["data"]
    for query in (f"depot_id=porto&date={DAY}", f"date={DAY}", "depot_id=porto", "limit=1"):
        assert shop.done("GET", f"/v1/promises?{query}")["data"]
    for part in ("", "/ledger", "/messages"):
        shop.done("GET", f"/v1/promises/{made['promise_id']}{part}")
    for path in ("", "/porto", "/porto/vehicles/van-1", f"/porto/plans/{DAY}"):
        shop.done("GET", f"/v1/depots{path}")
    assert shop.done("GET", "/v1/kpis?depot_id=porto")["total"]["promised"]
    shop.done("DELETE", "/v1/depots/porto/shifts/evening")


def _cross_the_town(shop: ShopClient) -> None:
    """Sell a day that a further van makes better, and ask for that."""
    for nth in (1, 2, 3):
        for lat in (41.20, 41.10):
            place = {"lat": lat, "lon": -8.61}
            shop.promise(offer=shop.offer(nth, destination=place, from_date=NEXT_DAY))
    shop.done("PUT", "/v1/depots/porto/vehicles/van-4", a_van())
    asked = shop.done("POST", f"/v1/depots/porto/plans/{NEXT_DAY}/replan")
    assert shop.done("GET", f"/v1/replans/{asked['replan_id']}")["state"] == "queued"


def break_down(shop: ShopClient) -> None:
    """The van with most to do on that day stands still for good; the others are out."""
    routes = shop.done("GET", f"/v1/depots/porto/plans/{NEXT_DAY}")["routes"]
    busiest = max(routes, key=lambda route: len(route["stops"]))
    for route in routes:
        events = [{"event_id": fresh("event"), "type": "departed_depot", "at": f"{NEXT_DAY}T08:05:00Z"}]
        if route is busiest:
            down = {"type": "incident", "kind": "vehicle_down", "at": f"{NEXT_DAY}T08:30:00Z"}
            events.append({"event_id": fresh("event")} | down)
        shop.done("POST", f"/v1/shifts/{route['shift_id']}/events", {"events": events})


def order_and_break_down(shop: ShopClient) -> None:
    """Somebody buys, a door opens, and every other van stands still: whom all has to be told."""
    shop.promise(offer=shop.offer(from_date=AFTERWARDS))
    routes = shop.done("GET", f"/v1/depots/porto/plans/{NEXT_DAY}")["routes"]
    goes_on = max(routes, key=lambda route: len(route["stops"]))
    closed = next(stop["promise_id"] for stop in goes_on["stops"] if "promise_id" in stop)
    barred = {"type": "completed", "at": f"{NEXT_DAY}T08:40:00Z", "outcome": "failed_no_access"}
    events = [{"event_id": fresh("event"), "promise_id": closed} | barred]
    shop.done("POST", f"/v1/shifts/{goes_on['shift_id']}/events", {"events": events})
    shop.change(closed, kind="gate_code", code="12")  # its van tries again
    for route in (route for route in routes if route is not goes_on):
        down = {"type": "incident", "kind": "vehicle_down", "at": f"{NEXT_DAY}T08:45:00Z"}
        events = [{"event_id": fresh("event")} | down]
        shop.done("POST", f"/v1/shifts/{route['shift_id']}/events", {"events": events})


def ask_all_functions() -> tuple[dict[str, set[Grant]], set[tuple[str, str]]]:
    """Run everything; gives what each function of the template asked, and which endpoints were visited."""
    with mock_aws(), _twilio() as url, serving() as bucket:
        deployed = Deployed()
        # botocore tells of every call before it is checked, whichever client is made from here on.
        BUILTIN_HANDLERS.append(("before-parameter-build", deployed.note))
        deployed.start(url, bucket.url)
        shop = deployed.client()
        ask_everything(shop)
        # Signing an upload asks AWS nothing; whoever uploads by it acts in the function's name.
        asked = {
            "APIHandler": grants(deployed.calls) | {("s3:PutObject", "Proofs/*")} | _taken_out_of(bucket)
        }
        deployed.clock.advance(61)  # the secrets read before are old
        for name, run in (
            ("PublishFacts", deployed.publish_facts),
            ("Improve", deployed.improve),
            ("DeliverWebhooks", deployed.deliver_webhooks),
            ("SendTexts", deployed.send_texts),
        ):
            deployed.calls.clear()
            run()
            asked[name] = grants(deployed.calls)
        deployed.hear_from_twilio()
        asked["APIHandler"] |= grants(deployed.calls)
        deployed.clock.advance(at(f"{NEXT_DAY}T09:00:00Z") - deployed.clock.at)
        break_down(shop)
        deployed.calls.clear()
        deployed.publish_facts()
        asked["PublishFacts"] |= grants(deployed.calls)
        deployed.calls.clear()
        assert deployed.repair()
        asked["Repair"] = grants(deployed.calls)
        order_and_break_down(shop)
        deployed.write_back("where is it?", 3)
        deployed.clock.advance(61)  # the secrets read before are old, and the stream brings none of this
        deployed.calls.clear()
        assert deployed.drain_due()
        asked["DrainDue"] = grants(deployed.calls) | _taken_out_of(bucket)
    return asked, deployed.visited


def _taken_out_of(bucket: Bucket) -> set[Grant]:
    """What was asked of a bucket since somebody looked."""
    methods = {method for method, *_ in bucket.asked}
    bucket.asked.clear()
    return {("s3:DeleteObject", "Proofs/*")} if "DELETE" in methods else set()


def in_a_process_of_its_own() -> tuple[dict[str, set[Grant]], set[tuple[str, str]]]:
    """Do that where no client was made before, for those would tell nothing."""
    environment = {"AWS_DEFAULT_REGION": REGION, "PATH": os.environ.get("PATH", os.defpath)}
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    asked = {name: {(action, what) for action, what in one} for name, one in told["asked"].items()}
    return asked, {(method, path) for method, path in told["visited"]}


@contextmanager
def _twilio() -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    known = {"account": A_TWILIO_ACCOUNT.account_sid, "auth_tokens": A_TWILIO_ACCOUNT.auth_tokens}
    threading.Thread(target=fake_twilio.serve, args=(listener,), kwargs=known, daemon=True).start()
    yield f"http://{host}:{port}"


if __name__ == "__main__":
    quick_moto.install()
    found, seen = ask_all_functions()
    print(json.dumps({"asked": {name: sorted(one) for name, one in found.items()}, "visited": sorted(seen)}))
