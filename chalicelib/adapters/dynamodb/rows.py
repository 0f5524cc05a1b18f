"""What stands in each row beside its key, written and read back.

A row has few attributes: what conditions and indexes need, and one with the rest as a JSON document. All that
is personal is in `document`, which `Table.sealed` encrypts for promises, holds and texts. Time to live is
system time, counted from the later of the two clocks; it only ever cleans up. A reader takes the fields it
knows and passes over the others: while a deployment is under way, newer code writes beside it. How long a
row is kept stands in `retention`.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from chalicelib.adapters.dynamodb.keys import (
    due_partition,
    due_shard,
    promise_listing,
    promise_place,
    shift_listing,
)
from chalicelib.adapters.dynamodb.table import Item, binary, binary_of, number, text
from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.fleet.documents import (
    alteration_document,
    depot_document,
    driver_document,
    read_alteration,
    read_depot,
    read_driver,
    read_vehicle,
    vehicle_document,
)
from chalicelib.fleet.model import Depot, Vehicle
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.store import ShiftRow
from chalicelib.merchants.model import ApiKey, KeyType, Merchant, QuietHours, Scope, ShiftPass
from chalicelib.notifications.model import Message, MessageKind, MessageStatus
from chalicelib.promises.documents import hold_document, promise_document, read_hold, read_promise
from chalicelib.promises.model import Hold, HoldState, Promise
from chalicelib.receipts import ReceiptRow
from chalicelib.retention import BUYERS_KEPT, FOUND_FOR, HOLDS_KEPT, PLANS_KEPT
from chalicelib.routing.model import TimeWindow
from chalicelib.routing.packed import GHOST_GRACE, Route, pack, unpack
from chalicelib.units import DAY, Seconds, StopId, Timestamp

HANDED_ON_WITHIN: Final[Seconds] = 15  # by the stream; what it did not bring by then, the sweeper brings


def depot_item(depot: Depot, fleet_version: int) -> Item:
    """Write a depot, at a version of its whole fleet."""
    return {
        "version": number(depot.version),
        "fleet_version": number(fleet_version),
        "document": text(json_text(depot_document(depot))),
    }


def depot_of(item: Item) -> Depot:
    """Read what `depot_item` wrote."""
    return read_depot(
        json.loads(item["document"]["S"]),
        version=version_of(item),
        fleet_version=int(item["fleet_version"]["N"]),
    )


def vehicle_item(vehicle: Vehicle) -> Item:
    """Write a vehicle."""
    return {"version": number(vehicle.version), "document": text(json_text(vehicle_document(vehicle)))}


def vehicle_of(item: Item) -> Vehicle:
    """Read what `vehicle_item` wrote."""
    return read_vehicle(json.loads(item["document"]["S"]), version=version_of(item))


def route_item(route: Route, day: date, now: Timestamp) -> Item:
    """Write a route as the version that follows its own."""
    item: Item = {
        "version": number(route.version + 1),
        "route": binary(pack(route)),
        "ttl": time_to_live(now, end_of(day), PLANS_KEPT),
    }
    if not route.altered:  # as of all routes that nobody drives yet
        return item
    return item | {"altered": text(json_text(list(map(alteration_document, route.altered))))}


def route_of(item: Item, shift_id: str) -> Route:
    """Read what `route_item` wrote."""
    route = unpack(shift_id, binary_of(item, "route"), version_of(item))
    stored = item.get("altered")
    return replace(route, altered=tuple(map(read_alteration, json.loads(stored["S"])))) if stored else route


def shift_item(tenant: Tenant, row: ShiftRow, now: Timestamp) -> Item:
    """Write what is kept of a shift beside its route: its driver, who is personal."""
    item = {
        "place": text(str(row.place)),
        "ttl": time_to_live(now, end_of(row.place.day), PLANS_KEPT),
        **_listed(shift_listing(tenant, row.place, row.shift_id)),
    }
    return item | {"document": text(json_text(driver_document(row.driver)))} if row.driver else item


def shift_of(item: Item) -> ShiftRow:
    """Read what `shift_item` wrote."""
    stored = item.get("document")
    return ShiftRow(
        shift_id=item["pk"]["S"].split("#SHIFT#", 1)[1],
        place=PlanKey.parse(item["place"]["S"]),
        driver=read_driver(json.loads(stored["S"])) if stored else None,
    )


def hold_item(tenant: Tenant, hold: Hold, now: Timestamp) -> Item:
    """Write a hold as the version that follows its own; as long as it is active, it falls due."""
    item = {
        "version": number(hold.version + 1),
        "document": text(json_text(hold_document(hold))),
        "ttl": time_to_live(now, hold.expires_at, HOLDS_KEPT),
    }
    if hold.state is not HoldState.ACTIVE:
        return item
    due = {
        "due_pk": text(due_partition(due_shard(tenant))),
        "due_at": number(hold.expires_at + GHOST_GRACE),
    }
    return item | due


def hold_of(item: Item) -> Hold:
    """Read what `hold_item` wrote."""
    return read_hold(json.loads(item["document"]["S"]), version_of(item))


def promise_item(tenant: Tenant, promise: Promise, now: Timestamp) -> Item:
    """Write a promise as the version that follows its own, listed with those of its depot and day."""
    place = PlanKey(depot_id=promise.depot_id, day=promise.day)
    at = promise_place(promise.created_at, promise.stop_id)
    return {
        "version": number(promise.version + 1),
        "document": text(json_text(promise_document(promise))),
        "ttl": time_to_live(now, promise.window.end, BUYERS_KEPT),
        **_listed(promise_listing(tenant, place, at)),
    }


def promise_of(item: Item) -> Promise:
    """Read what `promise_item` wrote."""
    return read_promise(json.loads(item["document"]["S"]), version_of(item))


def tracking_item(tenant: Tenant, promise: Promise, now: Timestamp) -> Item:
    """Write which promise a buyer's token opens, as long as there is the promise."""
    return {
        "tenant": text(str(tenant)),
        "stop": number(promise.stop_id),
        "ttl": time_to_live(now, promise.window.end, FOUND_FOR),
    }


def entry_item(promise: Promise, now: Timestamp) -> Item:
    """Write a promise's entry in the list of all: its key says everything."""
    return {"ttl": time_to_live(now, promise.window.end, FOUND_FOR)}


def cart_item(stop_id: StopId, now: Timestamp) -> Item:
    """Write which hold is a cart's; it goes with its hold, and by itself should nobody clear up."""
    return {"stop": number(stop_id), "ttl": number(now + HOLDS_KEPT)}


def stop_named(item: Item | None) -> StopId | None:
    """Read which stop a cart's or an order's row names."""
    return int(item["stop"]["N"]) if item else None


def stops_named(item: Item) -> list[StopId]:
    """Read every promise an order ever had."""
    return [int(stop["N"]) for stop in item["stops"]["L"]]


def fact_document(fact: Fact) -> dict[str, Any]:
    """Write a fact; a published one has the same shape."""
    return {
        "kind": fact.kind,
        "at": fact.at,
        "actor": fact.actor,
        "subject": fact.subject,
        "sequence": fact.sequence,
        "data": dict(fact.data),
    }


def read_fact(stored: dict[str, Any]) -> Fact:
    """Read what `fact_document` wrote."""
    return Fact(
        kind=FactKind(stored["kind"]),
        at=stored["at"],
        actor=Actor(stored["actor"]),
        subject=stored["subject"],
        sequence=stored["sequence"],
        data=stored["data"],
    )


def ledger_item(fact: Fact, now: Timestamp) -> Item:
    """Write a line of a ledger; what somebody wrote stands apart, in `words`, to be sealed."""
    item = {
        "fact": text(json_text(fact_document(fact.in_our_words()))),
        "ttl": time_to_live(now, fact.at, BUYERS_KEPT),
    }
    return item | {"words": text(json_text(fact.own_words))} if fact.own_words else item


def fact_of(item: Item) -> Fact:
    """Read what `ledger_item` wrote; lines of before had what somebody wrote in the fact itself."""
    fact = read_fact(json.loads(item["fact"]["S"]))
    return fact.in_own_words(json.loads(item["words"]["S"])) if "words" in item else fact


def facts_text(facts: Iterable[Fact]) -> str:
    """Write the facts of a transaction as its outbox row has them: without what anybody wrote."""
    return json_text([fact_document(fact.in_our_words()) for fact in facts])


def facts_of(stored: str) -> tuple[Fact, ...]:
    """Read what `facts_text` wrote."""
    return tuple(map(read_fact, json.loads(stored)))


def receipt_item(receipt: ReceiptRow) -> Item:
    """Write a receipt."""
    return {
        "fingerprint": text(receipt.fingerprint),
        "http_status": number(receipt.status),
        "sealed_body": binary(receipt.sealed_body),
        "ttl": number(receipt.expires_at),
    }


def receipt_of(item: Item, key: str) -> ReceiptRow:
    """Read what `receipt_item` wrote."""
    return ReceiptRow(
        key=key,
        fingerprint=item["fingerprint"]["S"],
        status=int(item["http_status"]["N"]),
        sealed_body=binary_of(item, "sealed_body"),
        expires_at=int(item["ttl"]["N"]),
    )


def message_item(message: Message, now: Timestamp) -> Item:
    """Write a text as the version that follows its own."""
    document = {
        "message_id": message.message_id,
        "subject": message.subject,
        "kind": message.kind,
        "status": message.status,
        "created_at": message.created_at,
        "body": message.body,
        "sid": message.sid,
        "reason": message.reason,
    }
    course: dict[str, Any] = {
        "ready_at": message.ready_at,
        "expires_at": message.expires_at,
        "leased_until": message.leased_until,
        "called_at": message.called_at,
        "tries": message.tries,
        "resent": message.resent,
        "counted": message.counted,
        "paced": message.paced,
        "heard": message.heard,
        "sealed_to": message.sealed_to,
        "failed_sid": message.failed_sid,
    }
    if message.redact:
        course["redact"] = message.redact
    if message.window is not None:
        course["window"] = [message.window.start, message.window.end]
    if message.sequence:
        course["sequence"] = message.sequence
    item = {
        "version": number(message.version + 1),
        "course": text(json_text(course)),
        "document": text(json_text(document)),
        "ttl": time_to_live(now, message.created_at, BUYERS_KEPT),
    }
    # Beside the document, as the course is: code that knows neither yet reads every member of that.
    return item if message.request_id is None else item | {"request_id": text(message.request_id)}


def message_of(item: Item) -> Message:
    """Read what `message_item` wrote, also before texts had versions: those rest where they are."""
    stored = json.loads(item["document"]["S"])
    course = json.loads(item["course"]["S"]) if "course" in item else {}
    asked, since = item.get("request_id"), course.get
    window = since("window")
    return Message(
        message_id=stored["message_id"],
        subject=stored["subject"],
        kind=MessageKind(stored["kind"]),
        status=MessageStatus(stored["status"]),
        created_at=stored["created_at"],
        body=stored["body"],
        sid=stored["sid"],
        reason=stored["reason"],
        request_id=asked["S"] if asked else None,
        ready_at=since("ready_at", 0),
        expires_at=since("expires_at", 0),
        leased_until=since("leased_until", 0),
        called_at=since("called_at", 0),
        tries=since("tries", 0),
        resent=since("resent", False),
        counted=since("counted", False),
        paced=since("paced", False),
        heard=since("heard"),
        sealed_to=since("sealed_to"),
        failed_sid=since("failed_sid"),
        window=TimeWindow(start=window[0], end=window[1]) if window else None,
        sequence=since("sequence", 0),
        redact=tuple(since("redact", ())),
        version=version_of(item) if "version" in item else 0,
    )


def api_key_item(key: ApiKey) -> Item:
    """Write an API key: its hash is the row's key, its text is nowhere."""
    document = {
        "key_id": key.key_id,
        "tenant": str(key.tenant),
        "type": key.type,
        "scopes": key.scopes.names,
        "origins": list(key.origins),
        "last4": key.last4,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    }
    if key.shift is not None:
        document["shift"] = [str(key.shift.place), key.shift.shift_id, key.shift.driver]
    item = {"document": text(json_text(document))}
    if key.revoked_at is not None:
        item["revoked_at"] = number(key.revoked_at)
    if key.last_used_on is not None:
        item["last_used_on"] = text(key.last_used_on.isoformat())
    return item


def api_key_of(item: Item) -> ApiKey:
    """Read what `api_key_item` wrote."""
    stored = json.loads(item["document"]["S"])
    revoked_at, last_used_on, shift = item.get("revoked_at"), item.get("last_used_on"), stored.get("shift")
    return ApiKey(
        key_id=stored["key_id"],
        tenant=Tenant.parse(stored["tenant"]),
        type=KeyType(stored["type"]),
        scopes=Scope.of(stored["scopes"]),
        origins=tuple(stored["origins"]),
        sha256=item["pk"]["S"].removeprefix("KEY#"),
        last4=stored["last4"],
        created_at=stored["created_at"],
        expires_at=stored["expires_at"],
        revoked_at=int(revoked_at["N"]) if revoked_at else None,
        last_used_on=date.fromisoformat(last_used_on["S"]) if last_used_on else None,
        shift=(
            ShiftPass(place=PlanKey.parse(shift[0]), shift_id=shift[1], driver=shift[2]) if shift else None
        ),
    )


def merchant_item(merchant: Merchant) -> Item:
    """Write a merchant's settings."""
    quiet = merchant.quiet_hours
    document = {
        "brand": merchant.brand,
        "support_phone": merchant.support_phone,
        "origins": list(merchant.origins),
        "locales": list(merchant.locales),
        "sender": merchant.sender,
        "sms_countries": merchant.sms_countries and list(merchant.sms_countries),
        "quiet_hours": quiet and [quiet.starts, quiet.ends],
        "change_cutoff_minutes": merchant.change_cutoff_minutes,
        "texting": merchant.texting,
    }
    return {"document": text(json_text(document)), "senders": text(json_text(list(merchant.senders)))}


def merchant_of(item: Item, tenant: Tenant) -> Merchant:
    """Read what `merchant_item` wrote."""
    stored, senders = json.loads(item["document"]["S"]), item.get("senders")
    quiet, countries = stored["quiet_hours"], stored.get("sms_countries")
    return Merchant(
        tenant=tenant,
        brand=stored["brand"],
        support_phone=stored["support_phone"],
        origins=tuple(stored["origins"]),
        locales=tuple(stored["locales"]),
        sender=stored["sender"],
        sms_countries=tuple(countries) if countries else None,
        quiet_hours=QuietHours(starts=quiet[0], ends=quiet[1]) if quiet else None,
        change_cutoff_minutes=stored["change_cutoff_minutes"],
        texting=stored["texting"],
        senders=tuple(json.loads(senders["S"])) if senders else (),
    )


def version_of(item: Item) -> int:
    """Read the version that a row's next write must name."""
    return int(item["version"]["N"])


def time_to_live(now: Timestamp, until: Timestamp, kept: Seconds) -> dict[str, str]:
    """When a row may go: so long behind the later of what it is about and the clock's now."""
    return number(max(now, until) + kept)


def json_text(document: Any) -> str:
    """Write a document in as few bytes as JSON allows."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _listed(key: tuple[str, str]) -> Item:
    return {"list_pk": text(key[0]), "list_sk": text(key[1])}


def end_of(day: date) -> Timestamp:
    """When a local date is over everywhere."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + 2 * DAY
