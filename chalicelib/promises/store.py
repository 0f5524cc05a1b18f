"""What the promises need of a store: a few reads, and one conditional transaction.

`Changes` is everything one command writes. It is applied whole or not at all; each row names the version or
the absence it relies on, and `WriteRefused` says which of them no longer held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from chalicelib.errors import StaleWrite
from chalicelib.events import Fact, Tenant
from chalicelib.fleet.model import Depot
from chalicelib.fleet.planning import PlanStore
from chalicelib.fleet.plans import PlanKey, RouteWrite
from chalicelib.promises.model import Hold, Promise
from chalicelib.receipts import ReceiptRow
from chalicelib.routing.packed import Route
from chalicelib.units import StopId, Timestamp

if TYPE_CHECKING:
    from chalicelib.fleet.past import PastStore
    from chalicelib.fleet.progress import Progress  # a search need not know how far vans are
    from chalicelib.reminders import Reminder


class Guard(StrEnum):
    """What a transaction relied on."""

    ROUTE = "route"
    HOLD = "hold"
    PROMISE = "promise"
    CART = "cart"
    ORDER = "order"
    PROGRESS = "progress"
    CONFLICT = "conflict"  # another transaction was touching the same rows; nothing is known of their state


class WriteRefused(StaleWrite):
    """Nothing was written: these conditions no longer held. Read again and decide anew."""

    def __init__(self, guards: frozenset[Guard]) -> None:
        super().__init__(f"no longer true: {', '.join(sorted(guards)) or 'unknown'}")
        self.guards = guards


@dataclass(frozen=True, slots=True, kw_only=True)
class CartClaim:
    """Which hold is the live one of a cart, on condition of what was read before.

    Attributes
    ----------
    seen, now
        The stop the row named when it was read (None: no row), and the one it is to name (None: no row).
    """

    cart_ref: str
    seen: StopId | None
    now: StopId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClaim:
    """Which promise is the active one of an order, on condition of what was read before (None: no row)."""

    order_ref: str
    shipment_ref: str | None
    seen: StopId | None
    now: StopId


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """One command's writes: all of them or none.

    Attributes
    ----------
    routes
        Each is stored as `route.version + 1` if `route.version` is what is stored; each route at most once.
    holds, promise
        Stored as `version + 1` on the same condition; version 0 must not exist.
    known
        Progress of vans, on condition that they have passed no milestone more.
    facts
        Written as ledger rows of their subject where that is a promise, and all together as one outbox row.
    reminders
        Each written over the one there may be.
    """

    routes: tuple[RouteWrite, ...] = ()
    holds: tuple[Hold, ...] = ()
    promise: Promise | None = None
    cart: CartClaim | None = None
    order: OrderClaim | None = None
    known: "tuple[Progress, ...]" = ()
    facts: tuple[Fact, ...] = ()
    reminders: "tuple[Reminder, ...]" = ()
    receipt: ReceiptRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseQuery:
    """Which promises to list; None does not narrow."""

    order_ref: str | None = None
    depot_id: str | None = None
    day: date | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Page[T]:
    """Part of a list, and where the next part begins (None: this was the last)."""

    rows: tuple[T, ...]
    next_start: str | None


class PromiseStore(PlanStore, Protocol):
    """Where plans, holds and promises live. Every read is of one tenant only."""

    @property
    def pasts(self) -> "PastStore":
        """What finished days have taught."""
        ...

    def depots(self, tenant: Tenant) -> Sequence[Depot]:
        """All depots."""
        ...

    def depot(self, tenant: Tenant, depot_id: str) -> Depot | None:
        """One depot."""
        ...

    def route(self, tenant: Tenant, depot_id: str, day: date, shift_id: str) -> Route | None:
        """One stored route, strongly consistent."""
        ...

    def hold(self, tenant: Tenant, stop_id: StopId) -> Hold | None:
        """One hold, strongly consistent."""
        ...

    def cart(self, tenant: Tenant, cart_ref: str) -> StopId | None:
        """The stop of a cart's hold, strongly consistent."""
        ...

    def order(self, tenant: Tenant, order_ref: str, shipment_ref: str | None) -> StopId | None:
        """The promise of an order, strongly consistent."""
        ...

    def promise(self, tenant: Tenant, stop_id: StopId) -> Promise | None:
        """One promise, strongly consistent."""
        ...

    def promises(
        self, tenant: Tenant, query: PromiseQuery, *, limit: int, start: str | None
    ) -> Page[Promise]:
        """List promises, oldest first."""
        ...

    def ledger(self, tenant: Tenant, stop_id: StopId) -> Sequence[Fact]:
        """What happened to one promise, oldest first."""
        ...

    def due_holds(self, tenant: Tenant, until: Timestamp, *, limit: int) -> Sequence[StopId]:
        """Active holds of a tenant that ran out before a moment, oldest first."""
        ...

    def progress(self, tenant: Tenant, plan: PlanKey, shift_id: str) -> "Progress | None":
        """How far one shift has come, strongly consistent; None if nothing happened yet."""
        ...

    def progresses(self, tenant: Tenant, plan: PlanKey) -> "Mapping[str, Progress]":
        """How far the shifts of a plan have come, by their ids, strongly consistent."""
        ...

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
        ...
