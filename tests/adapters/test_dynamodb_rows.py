"""What is written into a row is read out of it again, whatever it is."""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.dynamodb import keys, rows
from chalicelib.events import Actor, Fact, FactKind, Mode, Tenant
from chalicelib.fleet.model import Driver, Handover, Money, Requirement
from chalicelib.fleet.planning import Found
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.store import ShiftRow
from chalicelib.merchants.model import ALL_SCOPES, ApiKey, KeyType, Merchant, QuietHours, Scope
from chalicelib.notifications.model import Message, MessageKind, MessageStatus
from chalicelib.promises.model import (
    Address,
    Delivery,
    Hold,
    HoldState,
    Instructions,
    Offer,
    Order,
    Promise,
    PromiseState,
    Recipient,
)
from chalicelib.receipts import ReceiptRow
from chalicelib.routing.model import Leg, Load, Location, Stop, StopFlag, StopKind, TimeWindow
from chalicelib.routing.packed import pack
from chalicelib.units import DAY
from tests.promises.shop import TODAY, a_depot, a_vehicle
from tests.promises.store_contract import ACME, NOW, a_hold, a_message, a_promise, a_route

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
gaps = st.none() | texts
instants = st.integers(1_700_000_000, 4_000_000_000)
days = st.dates(date(2024, 1, 1), date(2090, 1, 1))
stop_ids = st.integers(0, 2**63 - 1)
versions = st.integers(0, 2**31)
locations = st.builds(Location, lat=st.floats(-90, 90), lon=st.floats(-180, 180))
loads = st.builds(
    Load,
    parcels=st.integers(0, 65_535),
    grams=st.integers(0, 2**32 - 1),
    millilitres=st.integers(0, 2**32 - 1),
)
windows = st.builds(TimeWindow, start=instants, end=instants)
skills = st.frozensets(st.text("abcxyz_", min_size=1, max_size=8), max_size=4)
prices = st.none() | st.builds(Money, amount=st.integers(0, 10**9), currency=st.just("EUR"))
addresses = st.builds(
    Address,
    lines=st.lists(texts, max_size=3).map(tuple),
    city=texts,
    country=texts,
    postal_code=gaps,
    unit=gaps,
    floor=gaps,
)
deliveries = st.builds(
    Delivery,
    location=locations,
    address=st.none() | addresses,
    load=loads,
    skills=skills,
    service_time=st.integers(1, 65_535),
    handover=st.builds(
        Handover, attended=st.booleans(), requires=st.frozensets(st.sampled_from(Requirement))
    ),
)
found = st.builds(Found, depot_id=texts, day=days, shift_id=texts)
offers = st.builds(
    Offer,
    depot_id=texts,
    slot_id=texts,
    day=days,
    window=windows,
    delivery=deliveries,
    price=prices,
    timezone=texts,
    cutoff_at=instants,
    issued_at=instants,
    expires_at=instants,
    cart_ref=gaps,
    promise=st.none() | stop_ids,
)
holds = st.builds(
    Hold,
    stop_id=stop_ids,
    cart_ref=texts,
    state=st.sampled_from(HoldState),
    offer=offers,
    created_at=instants,
    expires_at=instants,
    confidence=st.floats(0, 1),
    found=found,
    version=versions,
)
orders = st.builds(
    Order,
    order_ref=texts,
    shipment_ref=gaps,
    recipient=st.builds(Recipient, name=texts, phone=gaps, locale=gaps),
    sms_consent=st.booleans(),
    instructions=st.builds(Instructions, gate_code=gaps, note=gaps, safe_place=gaps, neighbour=gaps),
)
promises = st.builds(
    Promise,
    stop_id=stop_ids,
    state=st.sampled_from(PromiseState),
    order=orders,
    delivery=deliveries,
    depot_id=texts,
    slot_id=texts,
    day=days,
    window=windows,
    told_window=windows,
    timezone=texts,
    cutoff_at=instants,
    price=prices,
    found=found,
    tracking_token=texts,
    created_at=instants,
    sequence=st.integers(0, 10**6),
    original_window=st.none() | windows,
    cart_ref=gaps,
    version=versions,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
facts = st.builds(
    Fact,
    kind=st.sampled_from(FactKind),
    at=instants,
    actor=st.sampled_from(Actor),
    subject=texts,
    sequence=st.integers(0, 10**6),
    data=st.dictionaries(texts, json_values, max_size=3),
)
stops = st.builds(
    Stop,
    stop_id=stop_ids,
    location=locations,
    window=windows,
    service_time=st.integers(0, 65_535),
    load=loads,
    skills=skills,
    kind=st.sampled_from(StopKind),
    expires_at=st.just(0) | instants,
    flags=st.sampled_from(StopFlag),
    node=st.integers(-1, 2**31 - 1),
)


def as_read(item: dict[str, Any], key: keys.Key = ("pk", "sk")) -> Any:
    """The row as it comes back: the JSON of DynamoDB, whose binaries are base64."""
    spelled = {
        name: {kind: b64encode(value).decode() if isinstance(value, bytes) else value}
        for name, attribute in item.items()
        for kind, value in attribute.items()
    }
    return json.loads(json.dumps(spelled | {"pk": {"S": key[0]}, "sk": {"S": key[1]}}))


@given(hold=holds)
def test_hold_is_read_as_it_was_written(hold: Hold) -> None:
    """As the version that follows."""
    read = rows.hold_of(as_read(rows.hold_item(ACME, hold, NOW)))
    assert read == _next(hold)


@given(promise=promises)
def test_promise_is_read_as_it_was_written(promise: Promise) -> None:
    """As the version that follows; all that is personal is in one attribute."""
    item = as_read(rows.promise_item(ACME, promise, NOW))
    assert rows.promise_of(item) == _next(promise)
    assert set(item) == {"pk", "sk", "version", "document", "ttl", "list_pk", "list_sk"}


@given(facts=st.lists(facts, max_size=3))
def test_facts_are_read_as_they_were_written(facts: list[Fact]) -> None:
    """In the ledger one by one, in the outbox together."""
    assert [rows.fact_of(as_read(rows.ledger_item(fact, NOW))) for fact in facts] == facts
    assert rows.facts_of(rows.facts_text(facts)) == tuple(facts)


@given(stops=st.lists(stops, max_size=4), version=versions, withdrawn=st.booleans(), by_hand=st.booleans())
def test_route_is_read_as_it_was_written(
    stops: list[Stop], version: int, withdrawn: bool, by_hand: bool
) -> None:
    """Every stop with every field, as the version that follows."""
    leg = Leg(seconds=60, metres=500)
    route = a_route("s-1", version=version)
    for stop in stops:
        route = route.inserted(0, stop, leg, leg)
    route = replace(route, withdrawn=withdrawn, by_hand=by_hand)
    read = rows.route_of(as_read(rows.route_item(route, TODAY, NOW)), "s-1")
    assert (read.version, read.all_stops()) == (version + 1, stops[::-1])
    assert (read.shift, pack(read)) == (route.shift, pack(route))


@given(
    fingerprint=texts, key=texts, status=st.integers(100, 599), sealed_body=st.binary(), expires_at=instants
)
def test_receipt_is_read_as_it_was_written(key: str, **fields: Any) -> None:
    """Its sealed body byte for byte."""
    receipt = ReceiptRow(key=key, **fields)
    assert rows.receipt_of(as_read(rows.receipt_item(receipt)), key) == receipt


@given(
    scopes=st.sampled_from([Scope(number) for number in range(ALL_SCOPES.value + 1)]),
    key_type=st.sampled_from(KeyType),
    origins=st.lists(texts, max_size=3).map(tuple),
    expires_at=st.none() | instants,
    revoked_at=st.none() | instants,
    mode=st.sampled_from(Mode),
)
def test_api_key_is_read_as_it_was_written(
    scopes: Scope,
    key_type: KeyType,
    origins: tuple[str, ...],
    expires_at: int | None,
    revoked_at: int | None,
    mode: Mode,
) -> None:
    """Also one of a merchant whose id has a dot."""
    key = ApiKey(
        key_id="key_1",
        tenant=Tenant(merchant_id="a.b", mode=mode),
        type=key_type,
        scopes=scopes,
        origins=origins,
        sha256="f" * 64,
        last4="abcd",
        created_at=NOW,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )
    assert rows.api_key_of(as_read(rows.api_key_item(key), keys.api_key_key(key.sha256))) == key


@given(
    merchant=st.builds(
        Merchant,
        tenant=st.just(ACME),
        brand=texts,
        support_phone=gaps,
        origins=st.lists(texts, max_size=2).map(tuple),
        locales=st.lists(texts, max_size=2).map(tuple),
        sender=gaps,
        sms_countries=st.none() | st.lists(texts, min_size=1, max_size=2).map(tuple),
        senders=st.lists(texts, max_size=2).map(tuple),
        quiet_hours=st.none() | st.builds(QuietHours, starts=texts, ends=texts),
        change_cutoff_minutes=st.integers(0, 10**6),
        texting=st.booleans(),
    )
)
def test_merchant_is_read_as_it_was_written(merchant: Merchant) -> None:
    """Gaps included."""
    assert rows.merchant_of(as_read(rows.merchant_item(merchant)), ACME) == merchant


@given(
    message=st.builds(
        Message,
        message_id=texts,
        subject=texts,
        kind=st.sampled_from(MessageKind),
        status=st.sampled_from(MessageStatus),
        created_at=instants,
        body=texts,
        sid=gaps,
        reason=gaps,
        request_id=gaps,
        ready_at=instants,
        expires_at=instants,
        leased_until=instants,
        called_at=instants,
        tries=versions,
        resent=st.booleans(),
        counted=st.booleans(),
        paced=st.booleans(),
        heard=gaps,
        sealed_to=gaps,
        failed_sid=gaps,
        version=versions,
    )
)
def test_text_is_read_as_it_was_written(message: Message) -> None:
    """Gaps included."""
    written = replace(message, version=message.version + 1)
    assert rows.message_of(as_read(rows.message_item(message, NOW))) == written


def test_text_has_its_request_beside_its_document() -> None:
    """F30: code of before the request id takes every member of the document for one of its own."""
    item = rows.message_item(a_message(request_id="req-12345"), NOW)
    known = {"message_id", "subject", "kind", "status", "created_at", "body", "sid", "reason"}
    assert set(json.loads(item["document"]["S"])) == known
    old = {name: item[name] for name in ("document", "ttl")}
    assert rows.message_of(as_read(old)) == a_message()


@given(day=days, driver=st.none() | st.builds(Driver, name=texts, phone=gaps), shift_id=texts)
def test_shift_is_read_as_it_was_written(day: date, driver: Driver | None, shift_id: str) -> None:
    """With or without a driver, whatever its id and its depot's hold."""
    row = ShiftRow(shift_id=shift_id, place=PlanKey(depot_id="a/b", day=day), driver=driver)
    assert rows.shift_of(as_read(rows.shift_item(ACME, row, NOW), keys.shift_key(ACME, shift_id))) == row


@given(version=versions, fleet_version=versions)
def test_depot_and_vehicle_are_read_as_they_were_written(version: int, fleet_version: int) -> None:
    """At their own versions and the fleet's; their documents have tests of their own."""
    depot = rows.depot_of(as_read(rows.depot_item(a_depot(version=version), fleet_version)))
    assert (depot, depot.fleet_version) == (a_depot(version=version), fleet_version)
    vehicle = a_vehicle(version=version)
    assert rows.vehicle_of(as_read(rows.vehicle_item(vehicle))) == vehicle


@given(now=instants, until=instants)
def test_rows_outlive_both_clocks(now: int, until: int) -> None:
    """A business clock that was moved ahead, or a slot far away, never makes the dustman come early."""
    hold = as_read(rows.hold_item(ACME, a_hold(expires_at=until), now))
    promise = as_read(rows.promise_item(ACME, a_promise(window=TimeWindow(start=0, end=until)), now))
    for item in (hold, promise):
        assert int(item["ttl"]["N"]) >= max(now, until) + 7 * DAY


@given(first=days, length=st.integers(0, 14), other=days, shift_id=texts)
def test_route_lies_in_the_span_of_its_date(first: date, length: int, other: date, shift_id: str) -> None:
    """Whatever its id: strings sort as DynamoDB sorts them, by their UTF-8 bytes."""
    last = first + timedelta(days=length)
    span = keys.routes_span(ACME, "porto", first, last)
    pk, sk = keys.route_key(ACME, "porto", other, shift_id)
    assert span.first is not None
    assert span.last is not None
    inside = span.first.encode() <= sk.encode() <= span.last.encode()
    assert (pk, inside) == (span.partition, first <= other <= last)
    assert keys.route_of(sk) == (other, shift_id)


@given(at=st.tuples(instants, stop_ids), start=st.tuples(instants, stop_ids))
def test_page_begins_behind_its_start(at: tuple[int, int], start: tuple[int, int]) -> None:
    """The promise that ended a page does not open the next; what is older is not shown again."""
    span = keys.entries_span(ACME, keys.promise_place(*start))
    place = keys.promise_place(*at)
    assert span.first is not None
    assert span.last is not None
    assert (span.first <= place <= span.last) == (at > start)
    assert keys.stop_at_place(place) == at[1]


@given(merchant_id=st.text("abc.#S", min_size=1), mode=st.sampled_from(Mode), stop_id=stop_ids)
def test_stop_and_outbox_keys_tell_whose_they_are(merchant_id: str, mode: Mode, stop_id: int) -> None:
    """The sweeper and the stream know rows by their keys alone."""
    tenant = Tenant(merchant_id=merchant_id, mode=mode)
    assert keys.stop_of(keys.hold_key(tenant, stop_id)[0]) == (tenant, stop_id)
    assert keys.outbox_of(*keys.outbox_key(tenant, "0a1b")) == (tenant, "0a1b")
    assert keys.outbox_of(*keys.hold_key(tenant, stop_id)) is None


def _next[T: (Hold, Promise)](row: T) -> T:
    return replace(row, version=row.version + 1)
