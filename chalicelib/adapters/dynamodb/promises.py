"""Holds and promises in the table, and the one transaction that writes them.

Everything a booking relies on is a condition of that transaction; what was read before only decided what to
write. Weak point: a hold that falls due is found by an index, which lags behind by milliseconds.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from chalicelib.adapters.dynamodb.keys import (
    DUE,
    DUE_SHARDS,
    Span,
    buyer_key,
    cart_key,
    due_partition,
    due_shard,
    entry_key,
    hold_key,
    ledger_key,
    ledger_span,
    order_key,
    progress_key,
    promise_key,
    promise_place,
    stop_of,
    tracking_key,
)
from chalicelib.adapters.dynamodb.listing import page_of
from chalicelib.adapters.dynamodb.plans import PlanRows, write_routes
from chalicelib.adapters.dynamodb.rows import (
    cart_item,
    entry_item,
    fact_of,
    hold_item,
    hold_of,
    ledger_item,
    promise_item,
    promise_of,
    stop_named,
    tracking_item,
)
from chalicelib.adapters.dynamodb.table import Item, Table, number, text
from chalicelib.adapters.dynamodb.transaction import (
    ABSENT,
    Refused,
    Transaction,
    no_further,
    still_names,
    unmoved,
)
from chalicelib.events import Fact, Tenant
from chalicelib.fleet.ids import PROMISE, stop_id_of
from chalicelib.fleet.plans import RouteWrite
from chalicelib.promises.model import Hold, Promise, token_hash
from chalicelib.promises.store import CartClaim, Changes, Guard, OrderClaim, Page, PromiseQuery, WriteRefused
from chalicelib.receipts import ReceiptRow
from chalicelib.retention import FOUND_FOR
from chalicelib.units import StopId, Timestamp

if TYPE_CHECKING:
    from chalicelib.fleet.progress import Progress  # a search need not know how far vans are
    from chalicelib.reminders import Reminder


class PromiseRows(PlanRows):
    """Holds, promises and what guards them: see `promises.store.PromiseStore`."""

    def hold(self, tenant: Tenant, stop_id: StopId) -> Hold | None:
        """One hold, strongly consistent."""
        item = self._table.get(hold_key(tenant, stop_id))
        return hold_of(self._table.opened(item)) if item else None

    def cart(self, tenant: Tenant, cart_ref: str) -> StopId | None:
        """The stop of a cart's hold, strongly consistent."""
        return stop_named(self._table.get(cart_key(tenant, cart_ref)))

    def order(self, tenant: Tenant, order_ref: str, shipment_ref: str | None) -> StopId | None:
        """The promise of an order, strongly consistent."""
        return stop_named(self._table.get(order_key(tenant, order_ref, shipment_ref)))

    def promise(self, tenant: Tenant, stop_id: StopId) -> Promise | None:
        """One promise, strongly consistent."""
        item = self._table.get(promise_key(tenant, stop_id))
        return promise_of(self._table.opened(item)) if item else None

    def tracked(self, token_sha256: str) -> tuple[Tenant, StopId] | None:
        """Whose promise a buyer's token opens, and which; strongly consistent."""
        item = self._table.get(tracking_key(token_sha256))
        return (Tenant.parse(item["tenant"]["S"]), int(item["stop"]["N"])) if item else None

    def promises(
        self, tenant: Tenant, query: PromiseQuery, *, limit: int, start: str | None
    ) -> Page[Promise]:
        """List promises, oldest first; see `dynamodb.listing` for what a page costs."""

        def depot_ids() -> list[str]:
            return [depot.depot_id for depot in self.depots(tenant)]

        return page_of(self._table, tenant, query, depot_ids=depot_ids, limit=limit, start=start)

    def ledger(self, tenant: Tenant, stop_id: StopId) -> Sequence[Fact]:
        """What happened to one promise, oldest first."""
        lines = self._table.query(ledger_span(tenant, stop_id))
        return [fact_of(self._table.opened(item, "words")) for item in lines]

    def due_holds(self, tenant: Tenant, until: Timestamp, *, limit: int) -> Sequence[StopId]:
        """Active holds of a tenant that ran out before a moment, oldest first."""
        due = self._due(due_shard(tenant), until)
        return list(islice((stop_id for whose, stop_id in due if whose == tenant), limit))

    def due_anywhere(self, until: Timestamp) -> Iterator[tuple[Tenant, StopId]]:
        """Active holds of all tenants that ran out before a moment; read as they are wanted.

        For the sweeper of a live stage, where every tenant's business clock is the system's. Cost: a read for
        each of `DUE_SHARDS`, also when nothing is due.
        """
        for shard in range(DUE_SHARDS):
            yield from self._due(shard, until)

    def commit(self, tenant: Tenant, changes: Changes) -> None:
        """Apply everything or nothing.

        Raises
        ------
        WriteRefused
            A condition no longer held, or the rows were being written at that moment.
        AlreadyDone
            The receipt exists: this very request had its effect before.
        Upstream
            The store did not answer; whether it was applied was looked up, and it was not.
        """
        writing = Writing(tenant, Transaction(self._table, tenant), self._table)
        writing.routes(changes.routes)
        writing.holds(changes.holds)
        if changes.promise is not None:
            writing.promise(changes.promise)
        if changes.cart is not None:
            writing.cart(changes.cart)
        if changes.order is not None:
            writing.order(changes.order)
        writing.known(changes.known)
        writing.ledger(changes.facts, receipt=changes.receipt, holds=changes.holds)
        writing.reminders(changes.reminders)
        writing.transaction.receipt(changes.receipt)
        try:
            writing.transaction.commit(changes.facts)
        except Refused as refused:
            raise WriteRefused(refused.guards or frozenset({Guard.CONFLICT})) from refused

    def _due(self, shard: int, until: Timestamp) -> Iterator[tuple[Tenant, StopId]]:
        span = Span(due_partition(shard), "0", str(until))
        return (stop_of(item["pk"]["S"]) for item in self._table.query(span, index=DUE, attributes="pk"))


def buyers(tenant: Tenant) -> str:
    """What the mark of a buyer's number is derived for."""
    return f"buyer:{tenant}"


class Writing:
    """One `Changes` on its way into a transaction: what is written, and what each write relies on."""

    def __init__(self, tenant: Tenant, transaction: Transaction[str], table: Table) -> None:
        self._tenant, self._table, self._now = tenant, table, table.now()
        self.transaction = transaction

    def routes(self, writes: Sequence[RouteWrite]) -> None:
        """Each on the version it was read at; see `write_routes`."""
        if not write_routes(self.transaction, Guard.ROUTE, self._tenant, writes, self._now):
            raise WriteRefused(frozenset({Guard.ROUTE}))

    def holds(self, holds: Sequence[Hold]) -> None:
        """Each on the version it was read at: of confirm, release and expiry one comes first."""
        for hold in holds:
            key = hold_key(self._tenant, hold.stop_id)
            item = self._table.sealed(key, hold_item(self._tenant, hold, self._now))
            self.transaction.put(Guard.HOLD, key, item, only_if=unmoved(hold.version))

    def promise(self, promise: Promise) -> None:
        """On the version it was read at; a new one is entered into the list of all."""
        key = promise_key(self._tenant, promise.stop_id)
        item = self._table.sealed(key, promise_item(self._tenant, promise, self._now))
        self.transaction.put(Guard.PROMISE, key, item, only_if=unmoved(promise.version))
        if not promise.version:
            entry = entry_key(self._tenant, promise_place(promise.created_at, promise.stop_id))
            self.transaction.put(Guard.PROMISE, entry, entry_item(promise, self._now), only_if=ABSENT)
            opens = tracking_key(token_hash(promise.tracking_token))
            item = tracking_item(self._tenant, promise, self._now)
            self.transaction.put(Guard.PROMISE, opens, item, only_if=ABSENT)
            if promise.order.recipient.phone is not None:
                mark = self._table.vault.derive(buyers(self._tenant), promise.order.recipient.phone)
                whose = buyer_key(self._tenant, mark, promise.stop_id)
                self.transaction.put(Guard.PROMISE, whose, entry_item(promise, self._now), only_if=ABSENT)

    def cart(self, claim: CartClaim) -> None:
        """On the hold it named when it was read: one live hold per cart."""
        key, only_if = cart_key(self._tenant, claim.cart_ref), still_names(claim.seen)
        if claim.now is not None:
            self.transaction.put(Guard.CART, key, cart_item(claim.now, self._now), only_if=only_if)
        elif claim.seen is not None:
            self.transaction.delete(Guard.CART, key, only_if=only_if)
        else:
            self.transaction.check(Guard.CART, key, only_if=only_if)

    def order(self, claim: OrderClaim) -> None:
        """On the promise it named when it was read: one active per order. Earlier ones stay on record."""
        values: Item = {
            ":now": number(claim.now),
            ":one": {"L": [number(claim.now)]},
            ":none": {"L": []},
            ":ttl": number(self._now + FOUND_FOR),
        }
        self.transaction.update(
            Guard.ORDER,
            order_key(self._tenant, claim.order_ref, claim.shipment_ref),
            "SET stop = :now, stops = list_append(if_not_exists(stops, :none), :one), #ttl = :ttl",
            values,
            only_if=still_names(claim.seen),
        )

    def known(self, progresses: "Sequence[Progress]") -> None:
        """No milestone more: what was decided of a van under way must not race its driver."""
        for progress in progresses:
            key = progress_key(self._tenant, progress.plan, progress.shift_id)
            self.transaction.check(Guard.PROGRESS, key, only_if=no_further(progress.milestones))

    def ledger(
        self, facts: Sequence[Fact], *, receipt: ReceiptRow | None, holds: Sequence[Hold] = ()
    ) -> None:
        """A line for each fact about a promise; its number is the promise's, so no two have the same.

        It names the receipt and the holds that were written with it: whoever forgets the buyer finds them by
        that alone.
        """
        beside: Item = {"receipt": text(receipt.key)} if receipt else {}
        if holds:
            beside["holds"] = {"L": [number(hold.stop_id) for hold in holds]}
        for fact in facts:
            stop_id = stop_id_of(fact.subject, PROMISE)
            if stop_id is not None:
                key = ledger_key(self._tenant, stop_id, fact.sequence)
                item = self._table.sealed(key, beside | ledger_item(fact, self._now), "words")
                self.transaction.put(Guard.PROMISE, key, item, only_if=ABSENT)

    def reminders(self, reminders: "Sequence[Reminder]") -> None:
        """Each over the one there may be: what is to be done later is known from now on."""
        if reminders:
            from chalicelib.adapters.dynamodb.reminders import write_reminders

            write_reminders(self.transaction, Guard.PROMISE, self._tenant, reminders, self._now)
