"""What requests and the work behind them use: our CPU, units of DynamoDB, bytes of logs and answers.

The application runs in this process against the sandbox's table, so CPU is ours alone. Write units are what
the emulator counts by DynamoDB's rules; of reads it counts one each, so their units are worked out from the
bytes that came. A shop is filled first, because a search reads what is booked.
"""

import io
import json
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import boto3
from boto3.session import Session

from chalicelib.adapters.dynamodb.keys import clock_key
from chalicelib.events import Mode, Tenant
from chalicelib.routing.model import Location
from infra.artefact.isolated import http_event
from infra.demo.porto import doors
from infra.demo.storefront import Stopwatch, Storefront
from infra.sandbox import Sandbox, lambda_events

VANS_OF_THE_SANDBOX = 3
_CLOCK = clock_key(Tenant(merchant_id="any", mode=Mode.TEST))[1]
_CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)  # what Lambda hands over
DAYS = 3
READ_UNIT_BYTES = 4096


@dataclass(slots=True, kw_only=True)
class Use:
    """What one invocation used.

    Attributes
    ----------
    wall_ms
        From begin to end, on this machine: what a replan is billed by, whose solver works elsewhere.
    reads, writes
        Calls to DynamoDB.
    read_units, write_units
        What DynamoDB bills for them; write units of a transaction count twice, as billed.
    answer_bytes
        Of the HTTP answer's body.
    """

    cpu_ms: float = 0.0
    wall_ms: float = 0.0
    reads: float = 0.0
    writes: float = 0.0
    read_units: float = 0.0
    write_units: float = 0.0
    queue_requests: float = 0.0
    log_bytes: float = 0.0
    answer_bytes: float = 0.0

    @staticmethod
    def mean(uses: Sequence["Use"]) -> "Use":
        """What one of several used on average; the first of them, which warms everything up, left out."""
        steady = uses[1:] or uses
        return Use(**{name: fmean(getattr(use, name) for use in steady) for name in Use.__slots__})


@dataclass(slots=True)
class Meter:
    """Counts what goes on between two looks, and keeps the outbox rows that are written.

    Looks at the test clock are left out: a stage that is paid for has none.
    """

    log: io.StringIO
    now: Use = field(default_factory=Use)
    outbox: list[dict[str, Any]] = field(default_factory=list)

    def attach(self) -> Session:
        """Watch every client of AWS that is made from here on; gives whose they are."""
        session = Session()
        boto3.DEFAULT_SESSION = session  # whose clients the application makes
        events = session.events
        events.register("before-parameter-build.dynamodb", self._ask_for_units)
        events.register("after-call.dynamodb", self._count_units)
        events.register("after-call.sqs", self._count_queue)
        return session

    def _ask_for_units(self, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"
        # With the call: threads have several under way.
        context["strong"] = params.get("ConsistentRead", "RequestItems" in params)
        context["of_a_sandbox"] = params.get("Key", {}).get("sk") == {"S": _CLOCK}
        for action in params.get("TransactItems", ()):
            row = action.get("Put", {}).get("Item", {})
            if "facts" in row:
                self.outbox.append(row)

    def _count_units(
        self, parsed: Mapping[str, Any], model: Any, context: Mapping[str, Any], **_: object
    ) -> None:
        if context["of_a_sandbox"]:
            return
        if model.name in ("GetItem", "Query", "BatchGetItem"):
            self.now.reads += 1
            self.now.read_units += _read_units(parsed) * (1.0 if context["strong"] else 0.5)
            return
        told = parsed.get("ConsumedCapacity") or []  # a refused call tells nothing
        self.now.writes += 1
        self.now.write_units += sum(
            each["CapacityUnits"] for each in (told if isinstance(told, list) else [told])
        )

    def _count_queue(self, **_: object) -> None:
        self.now.queue_requests += 1

    @contextmanager
    def invocation(self) -> Iterator[Use]:
        """Count one invocation; the use is complete when the block ends."""
        use = self.now = Use()
        logged, began, begun_at = self.log.tell(), time.process_time(), time.perf_counter()
        yield use
        use.wall_ms = 1000 * (time.perf_counter() - begun_at)
        use.cpu_ms = 1000 * (time.process_time() - began)
        use.log_bytes = self.log.tell() - logged


def _read_units(answer: Mapping[str, Any]) -> int:
    """Units of a strong read: a page of a query is rounded up as a whole, named rows each by itself."""
    if "Items" in answer:
        return _units(sum(map(_bytes_of, answer["Items"])))
    rows = [answer["Item"]] if "Item" in answer else []
    rows += [row for some in answer.get("Responses", {}).values() for row in some]
    return sum(_units(_bytes_of(row)) for row in rows) or 1


def _units(size: int) -> int:
    return max(1, math.ceil(size / READ_UNIT_BYTES))


def _bytes_of(row: Mapping[str, Mapping[str, Any]]) -> int:
    """About what a row weighs: names and values, binaries not in base64."""
    weight = 0
    for name, attribute in row.items():
        [(kind, value)] = attribute.items()
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        weight += len(name) + (len(text) * 3 // 4 if kind == "B" else len(text.encode()))
    return weight


@contextmanager
def logs_kept() -> Iterator[io.StringIO]:
    """Catch what is written to standard output: loggers made in this block write into it for good."""
    kept, was = io.StringIO(), sys.stdout
    sys.stdout = kept
    try:
        yield kept
    finally:
        sys.stdout = was


class Shop:
    """A merchant of the sandbox, its API running in this process.

    Parameters
    ----------
    vans
        That deliver every day, besides those the sandbox has already.
    """

    def __init__(self, box: Sandbox, log: io.StringIO, *, vans: int) -> None:
        merchant = box.merchants[0]
        self.merchant_id, self.depot_id = merchant["merchant_id"], merchant["depot_id"]
        self._key, self._meter = merchant["keys"]["secret"], Meter(log)
        self._meter.attach()
        import app  # reads the environment, which is the sandbox's by now

        self._functions, self._orders = app, 0
        office = Storefront(box.url, merchant["keys"], stopwatch=Stopwatch(), closing=threading.Event())
        for number in range(VANS_OF_THE_SANDBOX + 1, vans + 1):
            van = {
                "capacity": {"parcels": 80},
                "weekly": [{"days": ["mon", "tue", "wed", "thu", "fri"], "starts": "07:30", "ends": "20:30"}],
            }
            office.want("van", "PUT", f"/v1/depots/{self.depot_id}/vehicles/extra-{number}", van)
        office.close()

    def order(self, door: Location, *, whole: bool) -> dict[str, Use]:
        """Search, hold and confirm for one door; empty if nothing is to be had.

        Parameters
        ----------
        whole
            Whether the work behind it is counted as well; the sandbox does it in any case.
        """
        self._orders += 1
        used = dict[str, Use]()
        wish = {"destination": {"lat": door.lat, "lon": door.lon}, "load": {"parcels": 1}, "days": DAYS}
        found = self._post(used, "search", "/v1/slots/search", wish)
        offers = [slot["offer"] for slot in found["slots"] if slot["available"]]
        if not offers:
            return {}
        wanted = {"offer": offers[self._orders % len(offers)], "cart_ref": f"cost-{self._orders}"}
        held = self._post(used, "hold", "/v1/holds", wanted)
        order = {
            "hold_id": held["hold_id"],
            "order_ref": f"cost-{self._orders}",
            "recipient": {"name": "Ana"},
            "sms_consent": False,
        }
        self._post(used, "confirm", "/v1/promises", order)
        if not whole:
            self._meter.outbox.clear()
            return used
        return used | self._behind(held["starts_at"][:10])

    def _post(self, used: dict[str, Use], name: str, path: str, body: Mapping[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": f"{name}-{self._orders}"}
        event = http_event("POST", path, body, headers=headers)
        with self._meter.invocation() as use:
            answer = self._functions.app(event, _CONTEXT)
        if answer["statusCode"] >= 300:
            raise RuntimeError(f"{answer['body']}\n{self._meter.log.getvalue()[-2000:]}")
        use.answer_bytes = len(answer["body"].encode())
        used[name] = use
        return json.loads(answer["body"])

    def _behind(self, day: str) -> dict[str, Use]:
        """What nobody waits for: facts handed on, the plan looked at."""
        rows, self._meter.outbox = self._meter.outbox, []
        with self._meter.invocation() as facts:
            self._functions.publish_facts(stream_event(rows), _CONTEXT)
        with self._meter.invocation() as replan:
            self._functions.improve(self._job(day), _CONTEXT)
        return {"facts": facts, "replan": replan}

    def _job(self, day: str) -> dict[str, Any]:
        plan = f"{self.depot_id}/{day}"
        body = {"tenant": f"{self.merchant_id}.test", "plan": plan, "request": f"cost-{self._orders}"}
        message = {"MessageId": "m", "ReceiptHandle": "r", "MD5OfBody": "", "Body": json.dumps(body)}
        message["Attributes"] = {"MessageGroupId": plan}  # type: ignore[assignment]
        arn = "arn:aws:sqs:eu-west-1:000000000000:improve.fifo"
        return {"Records": [lambda_events.queue_record(message, arn=arn)]}


def stream_event(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The event that brings outbox rows to `publish_facts`."""
    changes = [
        {"eventName": "INSERT", "eventID": str(at), "dynamodb": {"SequenceNumber": str(at), "NewImage": row}}
        for at, row in enumerate(rows)
    ]
    return {"Records": changes}


def measured(box: Sandbox, *, vans: int, orders: int, progress: Callable[[int], object]) -> Mapping[str, Use]:
    """Fill a depot with orders and tell what the last tenth of them used, each kind of request apart."""
    with logs_kept() as log:
        shop = Shop(box, log, vans=vans)
        places, taken = doors(), list[Mapping[str, Use]]()
        for number in range(orders):
            progress(number)
            counts = number >= orders - max(3, orders // 10)
            if (used := shop.order(places[number * 37 % len(places)], whole=counts)) and counts:
                taken.append(used)
    return {name: Use.mean([used[name] for used in taken]) for name in taken[0]}
