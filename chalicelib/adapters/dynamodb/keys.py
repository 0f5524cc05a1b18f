"""Keys of every row, as pure functions of what they identify.

A tenant's name is part of every partition key but those of API keys and their counts, of senders, and of what
comes in from a number, which are looked up before anybody knows whose they are; so no query can cross from
one merchant to another. Text of callers (a
cart, an order) stands last in its key, where whatever it holds cannot be taken for anything else.
Weak point: a key's parts are told apart by `#`, which ids of depots and merchants may not contain.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from zlib import crc32

from chalicelib.events import Tenant
from chalicelib.fleet.plans import PlanKey
from chalicelib.units import StopId, Timestamp

type Key = tuple[str, str]
"""Partition key and sort key of one row."""


@dataclass(frozen=True, slots=True)
class Span:
    """Part of a partition: sort keys from `first` to `last`, both included; all of it where they are None."""

    partition: str
    first: str | None = None
    last: str | None = None


LISTING: Final = "listing"
DUE: Final = "due"
DUE_SHARDS: Final = 16  # partitions of the due index: tenants are spread over them, none over several
_ROUTE = "R#"
_LEDGER = "L#"
_PROMISE = "P#"
_SHIFT = "S#"
WEBHOOK_DUE_SHARDS: Final = 4  # as `DUE_SHARDS`, for what webhooks have due
REMINDER_SHARDS: Final = 8  # as `DUE_SHARDS`, for reminders
OUTBOX_DUE_SHARDS: Final = 8  # of facts still to be handed on: each takes 500 transactions a second
_EVENT = "E#"
_DELIVERY = "D#"
_ATTEMPT = "A#"


def depots_span(tenant: Tenant) -> Span:
    """All depots of a tenant."""
    return Span(_of(tenant, "DEPOTS"))


def depot_key(tenant: Tenant, depot_id: str) -> Key:
    """One depot; all of a tenant's share a partition, so that one read lists them."""
    return _of(tenant, "DEPOTS"), depot_id


def vehicles_span(tenant: Tenant, depot_id: str) -> Span:
    """All vehicles of a depot."""
    return _starting(_of(tenant, f"D#{depot_id}"), "V#")


def vehicle_key(tenant: Tenant, depot_id: str, vehicle_id: str) -> Key:
    """One vehicle, beside the routes of its depot."""
    return _of(tenant, f"D#{depot_id}"), f"V#{vehicle_id}"


def routes_span(tenant: Tenant, depot_id: str, first: date, last: date) -> Span:
    """The routes of a depot's plans from one local date to another."""
    low, high = f"{_ROUTE}{first.isoformat()}#", f"{_ROUTE}{last.isoformat()}{_after('#')}"
    return Span(_of(tenant, f"D#{depot_id}"), low, high)


def route_key(tenant: Tenant, depot_id: str, day: date, shift_id: str) -> Key:
    """One route; a depot's lie in one partition by date, so that one read takes in several days."""
    return _of(tenant, f"D#{depot_id}"), f"{_ROUTE}{day.isoformat()}#{shift_id}"


def route_of(sort_key: str) -> tuple[date, str]:
    """Read the date and the shift's id out of a route's sort key."""
    return date.fromisoformat(sort_key[2:12]), sort_key[13:]


def requests_key(tenant: Tenant, plan: PlanKey, work: str) -> Key:
    """How often a plan was to be looked at; apart from its routes, which every booking reads."""
    return _of(tenant, f"REQUESTS#{plan}"), work


def replan_key(tenant: Tenant, replan_id: str) -> Key:
    """One replan."""
    return _of(tenant, f"REPLAN#{replan_id}"), "REPLAN"


def shift_key(tenant: Tenant, shift_id: str) -> Key:
    """What is kept of a shift beside its route; found by its id alone, which is unique per merchant."""
    return _of(tenant, f"SHIFT#{shift_id}"), "SHIFT"


def shift_listing(tenant: Tenant, place: PlanKey, shift_id: str) -> Key:
    """Where a shift is listed in the index."""
    return _plan(tenant, place), f"{_SHIFT}{shift_id}"


def shifts_listed(tenant: Tenant, place: PlanKey) -> Span:
    """All listed shifts of a plan."""
    return _starting(_plan(tenant, place), _SHIFT)


def pass_key(tenant: Tenant, shift_id: str) -> Key:
    """Which driver's key opens a shift."""
    return _of(tenant, f"SHIFT#{shift_id}"), "PASS"


def progress_key(tenant: Tenant, plan: PlanKey, shift_id: str) -> Key:
    """How far one shift has come; with the other shifts of its plan, apart from their routes."""
    return _of(tenant, f"MOTION#{plan}"), shift_id


def progress_span(tenant: Tenant, plan: PlanKey) -> Span:
    """How far all shifts of a plan have come."""
    return Span(_of(tenant, f"MOTION#{plan}"))


def past_key(tenant: Tenant, depot_id: str) -> Key:
    """What a depot's finished days have taught."""
    return _of(tenant, f"PAST#{depot_id}"), "PAST"


def hold_key(tenant: Tenant, stop_id: StopId) -> Key:
    """One hold; whatever is kept of a stop lies in the stop's partition."""
    return _stop(tenant, stop_id), "HOLD"


def promise_key(tenant: Tenant, stop_id: StopId) -> Key:
    """One promise."""
    return _stop(tenant, stop_id), "PROMISE"


def tracking_key(token_sha256: str) -> Key:
    """Which promise a buyer's token opens: looked up before anybody knows whose it is."""
    return f"TRACK#{token_sha256}", "TRACK"


def ledger_key(tenant: Tenant, stop_id: StopId, sequence: int) -> Key:
    """One line of a promise's ledger."""
    return _stop(tenant, stop_id), f"{_LEDGER}{sequence:08}"


def ledger_span(tenant: Tenant, stop_id: StopId) -> Span:
    """A promise's whole ledger."""
    return _starting(_stop(tenant, stop_id), _LEDGER)


def stop_of(partition_key: str) -> tuple[Tenant, StopId]:
    """Read whose stop it is, and which, out of a stop's partition key."""
    whose, stop_id = partition_key.removeprefix("T#").rsplit("#S#", 1)
    return Tenant.parse(whose), int(stop_id, 16)


def promise_place(created_at: Timestamp, stop_id: StopId) -> str:
    """Place of a promise in any list of promises: by age, then by id."""
    return f"{_PROMISE}{created_at:010}#{stop_id:016x}"


def stop_at_place(place: str) -> StopId:
    """Read the id out of a promise's place in a list."""
    return int(place[-16:], 16)


def entry_key(tenant: Tenant, place: str) -> Key:
    """A promise's entry in the list of all of its tenant's."""
    return _of(tenant, "PROMISES"), place


def entries_span(tenant: Tenant, start: str | None) -> Span:
    """The list of all promises of a tenant, behind a place in it."""
    return _behind(_of(tenant, "PROMISES"), start)


def promise_listing(tenant: Tenant, place: PlanKey, at: str) -> Key:
    """Where a promise is listed in the index: with those of its depot and day."""
    return _plan(tenant, place), at


def promises_listed(tenant: Tenant, place: PlanKey, start: str | None) -> Span:
    """The promises of a depot and day, behind a place in that list."""
    return _behind(_plan(tenant, place), start)


def buyer_key(tenant: Tenant, mark: str, stop_id: StopId) -> Key:
    """That a promise is to a number, known by its mark."""
    return _of(tenant, f"BUYER#{mark}"), f"{stop_id:016x}"


def buyer_span(tenant: Tenant, mark: str) -> Span:
    """All promises to a number."""
    return Span(_of(tenant, f"BUYER#{mark}"))


def cart_key(tenant: Tenant, cart_ref: str) -> Key:
    """Which hold is a cart's live one."""
    return _of(tenant, f"C#{cart_ref}"), "CART"


def order_key(tenant: Tenant, order_ref: str, shipment_ref: str | None) -> Key:
    """Which promise is an order's active one; an order without shipments is not one with an empty name."""
    return _of(tenant, f"O#{order_ref}"), "ORDER" if shipment_ref is None else f"ORDER#{shipment_ref}"


def order_span(tenant: Tenant, order_ref: str) -> Span:
    """All shipments of an order."""
    return Span(_of(tenant, f"O#{order_ref}"))


def receipt_key(tenant: Tenant, key: str) -> Key:
    """The receipt of a request."""
    return _of(tenant, f"RECEIPT#{key}"), "RECEIPT"


def outbox_key(tenant: Tenant, token: str) -> Key:
    """The facts of one transaction; a partition of its own, or every booking would meet in one."""
    return _of(tenant, f"OUTBOX#{token}"), "OUTBOX"


def outbox_of(partition_key: str, sort_key: str) -> tuple[Tenant, str] | None:
    """Read tenant and token out of the key of an outbox row; None for any other row."""
    if sort_key != "OUTBOX":
        return None
    whose, token = partition_key.removeprefix("T#").rsplit("#OUTBOX#", 1)
    return Tenant.parse(whose), token


def outbox_due_partition(shard: int) -> str:
    """Partition key of the due index for facts; holds and webhooks have others."""
    return f"DUE#F{shard}"


def outbox_due_shard(token: str) -> int:
    """Which partition of the due index has a transaction's facts: any, whosever they are."""
    return int(token[-1], 16) % OUTBOX_DUE_SHARDS


def message_key(tenant: Tenant, subject: str, message_id: str) -> Key:
    """One text about a promise; its id alone decides whether it was claimed."""
    return _of(tenant, f"TEXTS#{subject}"), message_id


def messages_span(tenant: Tenant, subject: str) -> Span:
    """All texts about a promise."""
    return Span(_of(tenant, f"TEXTS#{subject}"))


def sid_key(tenant: Tenant, sid: str) -> Key:
    """Which text a carrier's id is of."""
    return _of(tenant, f"SID#{sid}"), "SID"


def sender_key(sender: str) -> Key:
    """How a number or service that texts come from stands; merchants may share one."""
    return f"SENDER#{sender}", "SENDER"


def opt_out_key(tenant: Tenant, mark: str) -> Key:
    """Whether a number, known by its mark, wants texts of a merchant."""
    return _of(tenant, f"OPTOUT#{mark}"), "OPTOUT"


def contact_key(mark: str, sender: str, tenant: Tenant, subject: str) -> Key:
    """Who texted a number, from where and what about; found before anybody knows whose buyer it is."""
    return f"NUMBER#{mark}", f"{tenant}#{sender}#{subject}"


def contacts_span(mark: str) -> Span:
    """Everybody who texted a number."""
    return Span(f"NUMBER#{mark}")


def contact_of(sort_key: str) -> tuple[Tenant, str]:
    """Read who it was, and from where, out of a contact's sort key; older ones name no subject."""
    tenant, sender, *_ = sort_key.split("#")
    return Tenant.parse(tenant), sender


def talk_key(mark: str, sender: str) -> Key:
    """How the talk between a number, known by its mark, and one of ours stands."""
    return f"TALK#{mark}", sender


def talks_span(mark: str) -> Span:
    """All talks with a number."""
    return Span(f"TALK#{mark}")


def inbound_key(sid: str) -> Key:
    """A text that came in."""
    return f"INBOUND#{sid}", "INBOUND"


def arrival_key(mark: str, sid: str) -> Key:
    """That a text came in from a number."""
    return f"WROTE#{mark}", sid


def arrivals_span(mark: str) -> Span:
    """All texts that came in from a number."""
    return Span(f"WROTE#{mark}")


def merchant_key(tenant: Tenant) -> Key:
    """A tenant's settings."""
    return _of(tenant, "MERCHANT"), "MERCHANT"


def clock_key(tenant: Tenant) -> Key:
    """How far a tenant's business clock runs ahead."""
    return _of(tenant, "CLOCK"), "CLOCK"


def api_key_key(sha256: str) -> Key:
    """An API key, by the hash of its text: the only way in, before anybody knows whose it is."""
    return f"KEY#{sha256}", "KEY"


def key_entry_key(tenant: Tenant, created_at: Timestamp, key_id: str) -> Key:
    """A key's entry in the list of its tenant's."""
    return _of(tenant, "KEYS"), f"{created_at:010}#{key_id}"


def key_entries_span(tenant: Tenant) -> Span:
    """The list of a tenant's keys, oldest first."""
    return Span(_of(tenant, "KEYS"))


def rate_key(key_id: str, window: Timestamp) -> Key:
    """How many requests a key made, or holds were placed, in the window that starts then."""
    return f"RATE#{key_id}#{window}", "RATE"


def counts_key(name: str, window: Timestamp) -> Key:
    """Counts that go up together, in the window that starts then."""
    return f"COUNTS#{name}#{window}", "COUNTS"


def webhook_key(tenant: Tenant, webhook_id: str) -> Key:
    """One webhook; all of a tenant's share a partition, so that one read lists them."""
    return _of(tenant, "WEBHOOKS"), webhook_id


def webhooks_span(tenant: Tenant) -> Span:
    """All webhooks of a tenant."""
    return Span(_of(tenant, "WEBHOOKS"))


def last_event_key(tenant: Tenant) -> Key:
    """How many events a tenant's log has had; it stays when the events themselves are forgotten."""
    return _of(tenant, "EVENTS"), "LAST"


def event_key(tenant: Tenant, sequence: int) -> Key:
    """One event in its tenant's log."""
    return _of(tenant, "EVENTS"), f"{_EVENT}{sequence:012}"


def events_span(tenant: Tenant, first: int, last: int) -> Span:
    """Part of a tenant's log of events."""
    partition, low = event_key(tenant, first)
    return Span(partition, low, event_key(tenant, last)[1])


def event_mark_key(tenant: Tenant, event_id: str) -> Key:
    """Where it is written that an event is in the log."""
    return _of(tenant, f"EVENT#{event_id}"), "EVENT"


def delivery_key(tenant: Tenant, webhook_id: str, name: str) -> Key:
    """One delivery to a webhook."""
    return _of(tenant, f"WEBHOOK#{webhook_id}"), f"{_DELIVERY}{name}"


def attempt_key(
    tenant: Tenant, webhook_id: str, at: Timestamp, sequence: int, number: int, *, replayed: bool
) -> Key:
    """One attempt; a webhook's lie beside its deliveries, by time."""
    place = f"{_ATTEMPT}{at:010}#{sequence:012}#{number:02}{'R' if replayed else ''}"
    return _of(tenant, f"WEBHOOK#{webhook_id}"), place


def attempts_span(tenant: Tenant, webhook_id: str, last: str | None) -> Span:
    """The attempts of a webhook, up to a place in their list."""
    span = _starting(_of(tenant, f"WEBHOOK#{webhook_id}"), _ATTEMPT)
    return span if last is None else replace(span, last=last)


def webhook_due_shard(tenant: Tenant) -> int:
    """Which partition of the due index has what is due for a tenant's webhooks."""
    return crc32(str(tenant).encode()) % WEBHOOK_DUE_SHARDS


def webhook_due_partition(shard: int) -> str:
    """Partition key of the due index for webhooks; holds have others."""
    return f"DUE#W{shard}"


def webhook_due_of(partition_key: str, sort_key: str) -> tuple[Tenant, str, str | None]:
    """Read whose it is, of which webhook, and of which delivery out of the key of what is due."""
    whose, _, rest = partition_key.removeprefix("T#").partition("#")
    tenant = Tenant.parse(whose)
    if rest == "WEBHOOKS":
        return tenant, sort_key, None
    return tenant, rest.removeprefix("WEBHOOK#"), sort_key.removeprefix(_DELIVERY)


def door_key(tenant: Tenant, key: str) -> Key:
    """One door, by the hash of its address."""
    return _of(tenant, f"DOOR#{key}"), "DOOR"


def door_owner_key(tenant: Tenant, owner: str, key: str) -> Key:
    """That a door was learned from a buyer."""
    return _of(tenant, f"DOORS#{owner}"), key


def door_owner_span(tenant: Tenant, owner: str) -> Span:
    """All doors that were learned from a buyer."""
    return Span(_of(tenant, f"DOORS#{owner}"))


def reminder_key(tenant: Tenant, kind: str, subject: str) -> Key:
    """One reminder: there is one of a kind and subject."""
    return _of(tenant, f"REMINDER#{kind}#{subject}"), "REMINDER"


def reminder_of(partition_key: str) -> tuple[Tenant, str, str]:
    """Read whose reminder it is, its kind and its subject out of its partition key."""
    whose, _, rest = partition_key.removeprefix("T#").partition("#REMINDER#")
    kind, _, subject = rest.partition("#")
    return Tenant.parse(whose), kind, subject


def reminder_shard(tenant: Tenant) -> int:
    """Which partition of the due index has a tenant's reminders."""
    return crc32(str(tenant).encode()) % REMINDER_SHARDS


def reminder_partition(shard: int) -> str:
    """Partition key of the due index for reminders; holds and webhooks have others."""
    return f"DUE#R{shard}"


def due_shard(tenant: Tenant) -> int:
    """Which partition of the due index is a tenant's."""
    return crc32(str(tenant).encode()) % DUE_SHARDS


def due_partition(shard: int) -> str:
    """Partition key of the due index."""
    return f"DUE#{shard:02}"


def _of(tenant: Tenant, rest: str) -> str:
    return f"T#{tenant}#{rest}"


def _stop(tenant: Tenant, stop_id: StopId) -> str:
    return _of(tenant, f"S#{stop_id:016x}")


def _plan(tenant: Tenant, place: PlanKey) -> str:
    return _of(tenant, f"PLAN#{place}")


def _starting(partition_key: str, prefix: str) -> Span:
    return Span(partition_key, prefix, prefix[:-1] + _after(prefix[-1]))


def _behind(partition_key: str, start: str | None) -> Span:
    """Promises behind a place: a space sorts before whatever a longer key could go on with."""
    span = _starting(partition_key, _PROMISE)
    return span if start is None else replace(span, first=f"{start} ")


def _after(letter: str) -> str:
    return chr(ord(letter) + 1)
