"""One of everything that outlives a deployment: what it is, how it is written, and how it is read.

    python -m tests.faults.stored > tests/faults/formats/3.json

A file in `formats` holds what one version of the code wrote, and is never edited: whoever changes a format
adds a file with the next number. Values are spelled as DynamoDB answers them, binaries in base64.
"""

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import time
from types import SimpleNamespace
from typing import Any

from chalicelib.adapters.dynamodb import motion, replans, rows, webhook_rows
from chalicelib.adapters.dynamodb.outbox import OutboxRow, outbox_row
from chalicelib.adapters.sealing import Sealer
from chalicelib.adapters.sqs import DeliveryJobs, PlanJobs
from chalicelib.dispatch.model import Replan, ReplanState, Requests, Work
from chalicelib.dispatch.service import Job
from chalicelib.events import FactKind
from chalicelib.fleet.forecasts import Forecast
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.model import (
    EVERY_DAY,
    Closure,
    Driver,
    Handover,
    Money,
    OrderBy,
    Polygon,
    Polygons,
    Requirement,
    Ring,
    SlotTemplate,
    WallBreak,
    WeeklyShift,
)
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.store import ShiftRow
from chalicelib.handlers.idempotency import Repeatable, fingerprint_of
from chalicelib.handlers.paging import next_cursor, position
from chalicelib.handlers.promise_wire import PromisesQuery
from chalicelib.handlers.strict_json import canonical
from chalicelib.handlers.workers import deliver_webhooks, improve
from chalicelib.merchants.model import ApiKey, KeyType, Merchant, QuietHours, Scope
from chalicelib.notifications.model import MessageStatus
from chalicelib.promises.model import (
    Address,
    Attempt,
    AttemptFlag,
    Delivery,
    Feedback,
    HandedOver,
    HoldState,
    Instructions,
    Order,
    Outcome,
    Recipient,
)
from chalicelib.promises.offer_token import seal_offer, unseal_offer
from chalicelib.routing.altered import Alteration, Altered, Cause
from chalicelib.routing.model import (
    Break,
    Capacity,
    Leg,
    Load,
    Stop,
    StopFlag,
    StopKind,
    TimeWindow,
)
from chalicelib.routing.packed import Route
from chalicelib.settings import Stage
from chalicelib.webhooks import model as webhooks
from chalicelib.webhooks.delivery import Run
from tests.dispatch.store_contract import a_replan
from tests.merchants.store_contract import a_pass
from tests.motion.store_contract import WHOLE
from tests.promises.shop import FAR, NEAR, TODAY, a_depot, a_vehicle, at
from tests.promises.store_contract import ACME, NOW, a_fact, a_hold, a_message, a_promise, a_route, an_offer

type Stored = Any
"""What JSON can say: a row as DynamoDB answers it, a message's body, or a token."""

SEALER = Sealer([b"the secret of the committed bytes"])
STOP_ID = 0x0123456789ABCDEF
ADDRESS = Address(
    lines=("Rua das Flores 12",), unit="2E", floor="2", postal_code="4050", city="Porto", country="PT"
)
PRICE = Money(amount=390, currency="EUR")
IN_PERSON = Handover(attended=True, requires=frozenset({Requirement.SIGNATURE, Requirement.AGE_18}))
DELIVERY = Delivery(
    location=NEAR,
    address=ADDRESS,
    load=Load(parcels=2, grams=3_000, millilitres=20_000),
    skills=frozenset({"fridge"}),
    service_time=330,
    handover=IN_PERSON,
)
ORDER = Order(
    order_ref="order-1",
    shipment_ref="parcel-2",
    recipient=Recipient(name="Ana", phone="+12025550123", locale="pt"),
    sms_consent=True,
    instructions=Instructions(gate_code="12#", note="ring twice", safe_place="shed", neighbour="no. 14"),
)
TRIANGLE = Ring(lats=(41.0, 41.2, 41.2), lons=(-8.7, -8.7, -8.5))
DEPOT = a_depot(
    service_area=Polygons(polygons=(Polygon(outer=TRIANGLE, holes=(TRIANGLE,)),)),
    slots=(
        SlotTemplate(
            starts=time(8), ends=time(10), price=PRICE, order_by=OrderBy(days_before=1, time=time(18))
        ),
    ),
    handover=IN_PERSON,
    closures=(Closure(from_at=at(8), to_at=at(9), reason="Stocktaking", sell=False, deliver=True),),
    version=3,
    fleet_version=5,
)
DRIVER = Driver(name="Rui", phone="+12025550124")
VEHICLE = a_vehicle(
    skills=frozenset({"fridge"}),
    weekly=(WeeklyShift(days=EVERY_DAY, starts=time(8), ends=time(18), driver=DRIVER),),
    breaks=(WallBreak(earliest=time(12), latest=time(13), duration_seconds=1800),),
    version=4,
)
OFFER = an_offer(delivery=DELIVERY, price=PRICE, cart_ref="cart-1", promise=STOP_ID)
HOLD = a_hold(STOP_ID, offer=OFFER, version=2)
PROMISE = a_promise(
    STOP_ID,
    tracking_token="token",
    order=ORDER,
    delivery=DELIVERY,
    price=PRICE,
    original_window=TimeWindow(start=at(10), end=at(12)),
    cart_ref="cart-1",
    sequence=3,
    version=3,
)
FACTS = (
    a_fact(STOP_ID),
    replace(a_fact(STOP_ID, kind=FactKind.PLAN_CHANGED), subject="porto/2026-11-24", sequence=0),
)
KEY = ApiKey(
    key_id="key_1",
    tenant=ACME,
    type=KeyType.PUBLISHABLE,
    scopes=Scope.CHECKOUT | Scope.OPS,
    origins=("https://shop.example",),
    sha256="a" * 64,
    last4="wxyz",
    created_at=NOW,
    expires_at=NOW + 1,
    revoked_at=NOW + 2,
    last_used_on=TODAY,
)
MERCHANT = Merchant(
    tenant=ACME,
    brand="Ribeira Wines",
    support_phone="+12025550125",
    origins=("https://shop.example",),
    locales=("pt", "en"),
    sender="+15005550006",
    quiet_hours=QuietHours(starts="22:00", ends="07:00"),
    change_cutoff_minutes=60,
    texting=False,
)
ASSIGNED = replace(MERCHANT, sms_countries=("PT", "ES"), senders=("+15005550006",))
TEXT = a_message(status=MessageStatus.FAILED, sid="SM1", reason="21610")
NAMING = replace(TEXT, window=TimeWindow(start=NOW, end=NOW + 3600), sequence=5)
FORESEEN = replace(PROMISE, foreseen=NAMING.window, told_by=5)
ADRIFT = replace(PROMISE, adrift=True)
SHIFT_ROW = ShiftRow(shift_id="s-1", place=PlanKey(depot_id="porto", day=TODAY), driver=DRIVER)
ANSWER = '{"hold_id": "hold_1"}'
JOB = {"tenant": "acme.test", "plan": "porto/2026-11-24", "request": "f" * 32}
WEBHOOK = webhooks.Webhook(
    webhook_id="hook",
    url="https://shop.example/hooks",
    events=frozenset({webhooks.EventType.PROMISE_CHANGED, webhooks.EventType.PROMISE_CONFIRMED}),
    secrets=(
        webhooks.Secret(sealed="sealed", created_at=NOW),
        webhooks.Secret(sealed="before", created_at=NOW - 9, valid_until=NOW + 9),
    ),
    created_at=NOW,
    resealed_at=NOW + 1,
    description="Orders",
    stopped=webhooks.Stopped(reason=webhooks.StopReason.FAILING, at=NOW + 2),
    failing_since=NOW - 3,
)
EVENT = webhooks.Event(
    event_id="evt_1",
    sequence=7,
    type=webhooks.EventType.TEST,
    at=NOW,
    body='{"type": "webhook.test"}',
    only_for="hook",
)
RUN = webhooks.Delivery(
    webhook_id="hook", name="replay", next=3, last=7, tries=2, ready_at=NOW, due_at=NOW + 60, version=4
)
ATTEMPT = webhooks.Attempt(
    webhook_id="hook",
    at=NOW,
    event_id="evt_1",
    sequence=7,
    type=webhooks.EventType.TEST,
    number=2,
    replayed=True,
    result=webhooks.Result(milliseconds=10_000, failure=webhooks.Failure.TIMED_OUT),
    next_attempt_at=NOW + 300,
)
WEBHOOK_JOB = {"tenant": "acme.test", "webhook_id": "hook", "delivery": "replay"}


def a_booked_route() -> Route:
    """A route with a break, a hold and a delivery that is done."""
    route = a_route(version=7)
    shift = replace(
        route.shift,
        capacity=Capacity(parcels=9, grams=100_000),
        skills=frozenset({"fridge"}),
        breaks=(Break(earliest_at=at(12), latest_at=at(13), duration=1800),),
    )
    window = TimeWindow(start=at(8), end=at(10))
    done = Stop(
        stop_id=1, location=FAR, node=17, window=window, service_time=300, load=Load(parcels=1),
        kind=StopKind.DONE, flags=StopFlag.PINNED,
    )  # fmt: skip
    held = Stop(
        stop_id=STOP_ID, location=NEAR, node=-1, window=window, service_time=330, load=DELIVERY.load,
        skills=DELIVERY.skills, kind=StopKind.HELD, expires_at=NOW + 600,
    )  # fmt: skip
    leg = Leg(seconds=300, metres=2_000)
    route = replace(route, shift=shift, graph=7, start_node=3, end_node=4, by_hand=True, last_leg=leg)
    return route.inserted(0, done, leg, leg).inserted(1, held, leg, leg)


def an_altered_route() -> Route:
    """The same where the driver is told why it is not what it was."""
    noted = Alteration(
        because=Cause.VAN_BROKE_DOWN,
        by="rpl_0am361y23vtsq",
        at=NOW,
        version=8,
        stops=((STOP_ID, Altered.NEW), (1, Altered.MOVED)),
    )
    return replace(a_booked_route(), altered=(noted,))


def content(route: Route) -> object:
    """Everything a route holds; routes themselves are compared by identity."""
    legs = route.stops[["leg_seconds", "leg_metres"]].tolist()
    place = (route.graph, route.start_node, route.end_node, route.withdrawn, route.by_hand, route.altered)
    return route.shift, route.all_stops(), legs, route.last_leg, route.version, place


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One thing that one version of the code leaves behind for another.

    Attributes
    ----------
    value
        What reading it must give.
    nested
        Where in it JSON documents stand as text.
    """

    value: Any
    write: Callable[[], Stored]
    read: Callable[[Any], Any]
    nested: tuple[str, ...] = ()


def row(value: Any, write: Callable[[], Any], read: Callable[[Any], Any], nested: str = "document") -> Format:
    """A row of the table, without what its key says."""
    return Format(value=value, write=lambda: as_answered(write()), read=read, nested=(nested,))


def as_answered(item: Mapping[str, Any]) -> dict[str, Any]:
    """A row as it comes back: binaries in base64."""
    return {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value}
        for name, attribute in item.items()
        for kind, value in attribute.items()
    }


def stream_record(item: dict[str, Any]) -> dict[str, Any]:
    """An outbox row as the stream hands it over."""
    key = {"pk": {"S": f"T#{ACME}#OUTBOX#{'f' * 32}"}, "sk": {"S": "OUTBOX"}}
    return {"eventName": "INSERT", "dynamodb": {"NewImage": key | item}}


def a_request() -> Repeatable:
    """A request that may be repeated."""
    return Repeatable(
        tenant=ACME, key="secret/POST//v1/holds/k", fingerprint="f" * 64, system_now=NOW,
        store=SimpleNamespace(), sealer=SEALER,
    )  # type: ignore[arg-type]  # fmt: skip


def an_order_row() -> dict[str, Any]:
    """What the commits of two promises leave of their order."""
    return {"stop": {"N": str(STOP_ID)}, "stops": {"L": [{"N": "1"}, {"N": str(STOP_ID)}]}, "ttl": {"N": "1"}}


def a_fingerprint() -> str:
    """What tells a repeated request from another one."""
    body = {"offer": "token", "cart_ref": "c\u00e9", "slots": [1, 1.5, None, True]}
    return fingerprint_of("POST /v1/holds", canonical(body))


def written_receipt() -> dict[str, Any]:
    """The receipt of an answer."""
    rendered = SimpleNamespace(status=201, text=ANSWER)
    receipt = a_request().receipt(lambda _: SimpleNamespace(rendered=lambda: rendered))(None)  # type: ignore[arg-type, return-value]
    assert receipt is not None
    return rows.receipt_item(receipt)


def replayed(item: Any) -> tuple[int, str]:
    """What a repetition is answered from a receipt."""
    found = rows.receipt_of(item, a_request().key)
    store: Any = SimpleNamespace(get_receipt=lambda *_: found)
    rendered = replace(a_request(), store=store).earlier_answer()
    assert rendered is not None
    return rendered.status, rendered.text


def a_page(query: PromisesQuery) -> Any:
    """The call of a list, as far as its cursor is concerned."""
    place = "GET /v1/promises"
    return SimpleNamespace(tenant=ACME, place=place, query=query, services=SimpleNamespace(sealer=SEALER))


def sent_job() -> str:
    """The body of a planning job."""
    sent: list[str] = []
    client = SimpleNamespace(send_message=lambda **message: sent.append(message["MessageBody"]))
    jobs = PlanJobs(client, urls={Work.IMPROVE: ""})
    jobs.send(ACME, JOB["plan"], Work.IMPROVE, request=JOB["request"])
    return sent[0]


def done_job(body: str) -> dict[str, str]:
    """The plan that the worker improves when it gets such a job."""
    looked: list[dict[str, str]] = []

    def run(tenant: object, job: Job, _now: object, *, seconds: float) -> Replan:
        looked.append({**JOB, "tenant": str(tenant), "plan": str(job.plan)})
        return Replan(replan_id="rpl_1", plan=job.plan, state=ReplanState.UNCHANGED, requested_at=NOW)

    stage = SimpleNamespace(stage=Stage.SANDBOX)
    dispatch = SimpleNamespace(run=run)
    services: Any = SimpleNamespace(settings=stage, business_now=lambda _: NOW, dispatch=dispatch)
    record = {"messageId": "1", "body": body, "eventSource": "aws:sqs", "attributes": {"MessageGroupId": "g"}}
    assert improve({"Records": [record]}, services) == {"batchItemFailures": []}
    return looked[0]


TRIED = replace(
    PROMISE,
    attempts=(
        Attempt(
            outcome=Outcome.FAILED_NOT_HOME,
            arrived_at=NOW,
            ended_at=NOW + 60,
            depot_id="porto",
            day=TODAY,
            shift_id="s-1",
        ),
        Attempt(
            outcome=Outcome.DELIVERED_TO_NEIGHBOUR,
            arrived_at=NOW + 3600,
            ended_at=NOW + 3660,
            depot_id="porto",
            day=TODAY,
            shift_id="s-2",
            parcels=1,
            flags=frozenset({AttemptFlag.PARTIAL, AttemptFlag.UNSECURED_DROP}),
            proof=HandedOver(name="Rui", note="12B", uploads=("prf_1",)),
        ),
    ),
)
EXPECTED = Forecast(horizon=900, earliest_at=NOW - 60, expected_at=NOW, latest_at=NOW + 90)
JUDGED = replace(
    TRIED,
    attempts=tuple(
        replace(
            each,
            window=TimeWindow(start=NOW, end=NOW + 7200),
            told_window=TimeWindow(start=NOW + 1800, end=NOW + 5400),
            planned_at=NOW + 30,
            forecasts=(EXPECTED,),
        )
        for each in TRIED.attempts
    ),
    contacts=2,
    feedback=Feedback(product=10, delivery=0),
)
UNDRIVEN = replace(WHOLE, driver="")  # as it was before anybody kept who drives
FORESEEING = replace(UNDRIVEN, foreseen={STOP_ID: (EXPECTED,)})
PASS = a_pass("p")


def sent_webhook_job() -> str:
    """The body of a message about a delivery."""
    sent: list[str] = []
    client = SimpleNamespace(send_message=lambda **message: sent.append(message["MessageBody"]))
    DeliveryJobs(client, webhooks_queue_url="").deliver(ACME, "hook", "replay")
    return sent[0]


def done_webhook_job(body: str) -> dict[str, str]:
    """What the worker is asked to deliver when it gets such a message."""
    asked: list[dict[str, str]] = []

    def deliver(tenant: object, webhook_id: str, name: str, *_: object, **more: object) -> Run:
        asked.append({"tenant": str(tenant), "webhook_id": webhook_id, "delivery": name})
        return Run()

    services: Any = SimpleNamespace(
        settings=SimpleNamespace(stage=Stage.SANDBOX),
        clock=SimpleNamespace(system_now=lambda: NOW),
        business_now=lambda *_, **__: NOW,
        deliveries=SimpleNamespace(deliver=deliver),
    )
    record = {"messageId": "1", "body": body, "eventSource": "aws:sqs", "attributes": {}}
    assert deliver_webhooks({"Records": [record]}, services) == {"batchItemFailures": []}
    return asked[0]


def with_key(sort_key: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """A row that is read with its sort key."""
    return {"sk": {"S": sort_key}, **item}


CANCELLED = replace(a_fact(1, 2, FactKind.PROMISE_CANCELLED), data={"kind": "cancel", "reason": "moving"})
OUTBOX = OutboxRow(tenant=ACME, row_id="f" * 32, facts=FACTS)
PAGE = PromisesQuery(order_ref="order-1")
FORMATS = {
    "depot": row(DEPOT, lambda: rows.depot_item(DEPOT, 5), rows.depot_of),
    "vehicle": row(VEHICLE, lambda: rows.vehicle_item(VEHICLE), rows.vehicle_of),
    "route": row(
        content(replace(a_booked_route(), version=8)),
        lambda: rows.route_item(a_booked_route(), TODAY, NOW),
        lambda item: content(rows.route_of(item, "s-1")),
    ),
    "route that was altered": row(
        content(replace(an_altered_route(), version=8)),
        lambda: rows.route_item(an_altered_route(), TODAY, NOW),
        lambda item: content(rows.route_of(item, "s-1")),
        "altered",
    ),
    "shift": row(
        SHIFT_ROW,
        lambda: {"pk": {"S": f"T#{ACME}#SHIFT#s-1"}} | rows.shift_item(ACME, SHIFT_ROW, NOW),
        rows.shift_of,
    ),
    "hold": row(replace(HOLD, version=3), lambda: rows.hold_item(ACME, HOLD, NOW), rows.hold_of),
    "released hold": row(
        replace(HOLD, state=HoldState.RELEASED, version=3),
        lambda: rows.hold_item(ACME, replace(HOLD, state=HoldState.RELEASED), NOW),
        rows.hold_of,
    ),
    "hold after others": row(
        replace(HOLD, earlier=(1, 2), version=3),
        lambda: rows.hold_item(ACME, replace(HOLD, earlier=(1, 2)), NOW),
        rows.hold_of,
    ),
    "promise": row(
        replace(PROMISE, version=4), lambda: rows.promise_item(ACME, PROMISE, NOW), rows.promise_of
    ),
    "promise that was tried": row(
        replace(TRIED, version=4), lambda: rows.promise_item(ACME, TRIED, NOW), rows.promise_of
    ),
    "progress": row(
        replace(UNDRIVEN, version=1), lambda: motion.progress_item(UNDRIVEN, NOW), motion.progress_of
    ),
    "progress of a driver": row(
        replace(WHOLE, version=1), lambda: motion.progress_item(WHOLE, NOW), motion.progress_of
    ),
    "promise that can be judged": row(
        replace(JUDGED, version=4), lambda: rows.promise_item(ACME, JUDGED, NOW), rows.promise_of
    ),
    "progress with forecasts": row(
        replace(FORESEEING, version=1), lambda: motion.progress_item(FORESEEING, NOW), motion.progress_of
    ),
    "driver's key": row(
        PASS, lambda: {"pk": {"S": f"KEY#{PASS.sha256}"}} | rows.api_key_item(PASS), rows.api_key_of
    ),
    "cart": row(STOP_ID, lambda: rows.cart_item(STOP_ID, NOW), rows.stop_named),
    "order": row(
        (STOP_ID, [1, STOP_ID]), an_order_row, lambda item: (rows.stop_named(item), rows.stops_named(item))
    ),
    "line of a ledger": row(FACTS[0], lambda: rows.ledger_item(FACTS[0], NOW), rows.fact_of, "fact"),
    "line in somebody's own words": row(
        CANCELLED, lambda: rows.ledger_item(CANCELLED, NOW), rows.fact_of, "fact"
    ),
    "outbox": row(
        OUTBOX,
        lambda: {"facts": {"S": rows.facts_text(FACTS)}},
        lambda item: outbox_row(stream_record(item)),
        "facts",
    ),
    "receipt": row((201, ANSWER), written_receipt, replayed),
    "text": row(
        TEXT, lambda: rows.message_item(TEXT, NOW), lambda item: replace(rows.message_of(item), version=0)
    ),
    "text that names a window": row(
        NAMING,
        lambda: rows.message_item(NAMING, NOW),
        lambda item: replace(rows.message_of(item), version=0),
    ),
    "promise expected elsewhere": row(
        replace(FORESEEN, version=4), lambda: rows.promise_item(ACME, FORESEEN, NOW), rows.promise_of
    ),
    "promise of a van that broke down": row(
        replace(ADRIFT, version=4), lambda: rows.promise_item(ACME, ADRIFT, NOW), rows.promise_of
    ),
    "key": row(KEY, lambda: {"pk": {"S": f"KEY#{KEY.sha256}"}} | rows.api_key_item(KEY), rows.api_key_of),
    "merchant": row(
        MERCHANT, lambda: rows.merchant_item(MERCHANT), lambda item: rows.merchant_of(item, ACME)
    ),
    "merchant with senders": row(
        ASSIGNED, lambda: rows.merchant_item(ASSIGNED), lambda item: rows.merchant_of(item, ACME)
    ),
    "offer": Format(
        value=OFFER,
        write=lambda: seal_offer(SEALER, ACME, OFFER),
        read=lambda token: unseal_offer(SEALER, ACME, token),
    ),
    "hold token": Format(
        value=True,
        write=lambda: SEALER.derive("hold", promise_id(STOP_ID)),
        read=lambda token: SEALER.is_derived("hold", promise_id(STOP_ID), token),
    ),
    "cursor": Format(
        value="1795500000#0123456789abcdef",
        write=lambda: next_cursor(a_page(PAGE), "1795500000#0123456789abcdef"),
        read=lambda token: position(a_page(PAGE.model_copy(update={"cursor": token}))),
    ),
    "fingerprint of a request": Format(
        value=True, write=a_fingerprint, read=lambda stored: stored == a_fingerprint()
    ),
    "planning job": Format(value=JOB, write=sent_job, read=done_job),
    "replan": row(
        replace(a_replan(), version=1),
        lambda: replans.replan_item(a_replan(), NOW),
        lambda item: replans.replan_of(item, a_replan().replan_id),
    ),
    "requests for a plan": row(
        Requests(requested=3, done=2, improved={"s-1": 4}),
        lambda: {
            "requested": {"N": "3"},
            "done": {"N": "2"},
            "improved": {"S": replans.improved_text({"s-1": 4})},
        },
        replans.requests_of,
    ),
    "webhook": row(
        replace(WEBHOOK, version=1),
        lambda: with_key("hook", webhook_rows.webhook_item(ACME, WEBHOOK)),
        webhook_rows.webhook_of,
    ),
    "event": row(
        EVENT,
        lambda: with_key("E#000000000007", webhook_rows.event_item(EVENT, NOW)),
        webhook_rows.event_of,
    ),
    "delivery": row(
        replace(RUN, version=5),
        lambda: webhook_rows.delivery_item(ACME, RUN),
        lambda item: webhook_rows.delivery_of(item, "hook", "replay"),
    ),
    "attempt": row(ATTEMPT, lambda: webhook_rows.attempt_item(ATTEMPT, NOW), webhook_rows.attempt_of),
    "webhook job": Format(value=WEBHOOK_JOB, write=sent_webhook_job, read=done_webhook_job),
}


def opened(stored: Stored) -> Stored:
    """The same without what a compressor may do differently: a route's bytes inflated."""
    if not isinstance(stored, dict) or "route" not in stored:
        return stored
    packed = base64.b64decode(stored["route"]["B"])
    inflated = packed[:1].hex() + zlib.decompress(packed[1:]).hex()
    return stored | {"route": inflated}


if __name__ == "__main__":
    print(json.dumps({name: each.write() for name, each in FORMATS.items()}, indent=1))
