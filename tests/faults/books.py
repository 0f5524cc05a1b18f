"""The books of one merchant, read row by row, and everything in them that does not agree.

No store, service or sweep of the product is asked: rows are scanned, and each is held against those that must
say the same. Weak point: rows are read by the product's own readers, which have tests of their own.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.adapters.sealing import Sealer
from chalicelib.events import Fact, Tenant
from chalicelib.fleet.ids import PROMISE, promise_id, stop_id_of
from chalicelib.promises.model import Hold, HoldState, Promise, PromiseState
from chalicelib.routing.model import NOBODY, StopKind
from chalicelib.routing.packed import Route
from chalicelib.units import StopId
from tests.concurrency.arena import oversold
from tests.fakes import A_VAULT, FakeClock
from tests.faults.stored import as_answered


@dataclass(slots=True)
class Books:
    """Everything that is stored about a merchant's sales."""

    routes: list[Route] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    carts: dict[str, StopId] = field(default_factory=dict)
    orders: dict[str, StopId] = field(default_factory=dict)
    ledger: list[Fact] = field(default_factory=list)
    outbox: list[tuple[str, tuple[Fact, ...]]] = field(default_factory=list)

    @property
    def places(self) -> dict[StopId, list[tuple[StopKind, int]]]:
        """Where each stop stands: what it is there, and until when."""
        found: dict[StopId, list[tuple[StopKind, int]]] = {}
        for route in self.routes:
            for stop in route.all_stops():
                if stop.stop_id != NOBODY:
                    found.setdefault(stop.stop_id, []).append((stop.kind, stop.expires_at))
        return found


def read(client: Any, table: str, tenant: Tenant, vault: Sealer = A_VAULT) -> Books:
    """Scan the table; `vault` is what its documents are sealed with."""
    books, whose = Books(), f"T#{tenant}#"
    reader = reader_of(client, table, vault)
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in map(as_answered, page["Items"]):
            (partition,), (sort,) = item["pk"].values(), item["sk"].values()
            if partition.startswith(whose):
                opened = reader.opened(reader.opened(item), "words")
                _enter(books, partition.removeprefix(whose), sort, opened)
    return books


def reader_of(client: Any, table: str, vault: Sealer) -> Table:
    """What opens the table's rows."""
    return Table(client, table, vault=vault, clock=FakeClock(), pause=lambda _: None, entropy=bytes)


def _enter(books: Books, partition: str, sort: str, item: dict[str, Any]) -> None:
    match partition.split("#")[0], sort.split("#")[0]:
        case "D", "R":
            books.routes.append(rows.route_of(item, sort.split("#")[2]))
        case "S", "HOLD":
            books.holds.append(rows.hold_of(item))
        case "S", "PROMISE":
            books.promises.append(rows.promise_of(item))
        case "S", "L":
            books.ledger.append(rows.fact_of(item))
        case "C", "CART":
            books.carts[partition.removeprefix("C#")] = rows.stop_named(item) or 0
        case "O", "ORDER":
            books.orders[partition.removeprefix("O#")] = rows.stop_named(item) or 0
        case "OUTBOX", _ if "facts" in item:
            books.outbox.append((partition.removeprefix("OUTBOX#"), rows.facts_of(item["facts"]["S"])))


def disagreements(books: Books) -> list[str]:
    """Every sentence there is to say against them."""
    return [sentence for check in _CHECKS for sentence in check(books)]


def _holds_have_their_stops(books: Books) -> Iterator[str]:
    places = books.places
    for hold in books.holds:
        there = places.get(hold.stop_id, [])
        wanted = {
            HoldState.ACTIVE: [(StopKind.HELD, hold.expires_at)],
            HoldState.CONFIRMED: there if all(kind is StopKind.PROMISED for kind, _ in there) else [],
        }.get(hold.state, [])
        if there != wanted:
            yield f"the hold of {hold.cart_ref} is {hold.state}, its stop is {there}"
        names = books.carts.get(hold.cart_ref) == hold.stop_id
        if names != (hold.state is HoldState.ACTIVE):
            yield f"the hold of {hold.cart_ref} is {hold.state}, and is {'' if names else 'not '}its cart's"


def _promises_have_their_stops(books: Books) -> Iterator[str]:
    places = books.places
    for promise in books.promises:
        name = promise.order.order_ref
        there = places.get(promise.stop_id, [])
        if there != ([(StopKind.PROMISED, 0)] if promise.state is PromiseState.CONFIRMED else []):
            yield f"the promise of {name} is {promise.state}, its stop is {there}"
        if books.orders.get(name) != promise.stop_id:
            yield f"{name} does not name its promise"
        lines = sorted(fact.sequence for fact in books.ledger if fact.subject == promise_id(promise.stop_id))
        if lines != list(range(1, promise.sequence + 1)):
            yield f"the promise of {name} counts {promise.sequence} facts, its ledger has {lines}"


def _stops_are_somebodys(books: Books) -> Iterator[str]:
    held = {hold.stop_id for hold in books.holds if hold.state is HoldState.ACTIVE}
    promised = {promise.stop_id for promise in books.promises if promise.state is PromiseState.CONFIRMED}
    for stop_id, there in books.places.items():
        for kind, _ in there:
            if stop_id not in (held if kind is StopKind.HELD else promised):
                yield f"a stop is {kind.name.lower()}, and nobody's"


def _facts_are_told_once(books: Books) -> Iterator[str]:
    told = Counter(
        (fact.subject, fact.sequence)
        for _, facts in books.outbox
        for fact in facts
        if stop_id_of(fact.subject, PROMISE) is not None
    )
    for fact in books.ledger:
        times = told.pop((fact.subject, fact.sequence), 0)
        if times != 1:
            yield f"{fact.kind} of {fact.subject} is told {times} times"
    yield from (f"fact {number} of {subject} is told and never happened" for subject, number in told)


def _routes_can_be_driven(books: Books) -> Iterator[str]:
    for route in books.routes:
        yield from oversold(route, [stop.stop_id for stop in route.all_stops()])


_CHECKS = (
    _holds_have_their_stops,
    _promises_have_their_stops,
    _stops_are_somebodys,
    _facts_are_told_once,
    _routes_can_be_driven,
)
