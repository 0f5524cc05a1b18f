"""A store in memory with the conditional semantics of the real one; both pass the same contract tests."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from chalicelib.adapters.errand import current_request_id
from chalicelib.dispatch.model import Replan, Requests, Work
from chalicelib.dispatch.store import PlanChanges
from chalicelib.errors import AlreadyDone, Conflict, StaleWrite
from chalicelib.events import Fact, Tenant
from chalicelib.fleet.ids import PROMISE, stop_id_of
from chalicelib.fleet.model import Depot, Vehicle
from chalicelib.fleet.plans import PlanKey, RouteWrite
from chalicelib.fleet.progress import Progress
from chalicelib.fleet.store import FleetChanges, ShiftRow
from chalicelib.motion.store import MotionChanges
from chalicelib.notifications.model import Message, subject_of
from chalicelib.promises.model import Hold, HoldState, Promise, token_hash
from chalicelib.promises.store import Changes, Guard, Page, PromiseQuery, WriteRefused
from chalicelib.receipts import ReceiptRow
from chalicelib.routing.packed import GHOST_GRACE, Route
from chalicelib.units import Seconds, StopId, Timestamp
from tests.fakes import InMemoryDoors, InMemoryPasts, InMemoryReminders
from tests.fakes_texts import InMemoryPhones, InMemorySenders


class InMemoryStore:
    """Everything of all tenants but their keys; `outbox` has every commit's facts."""

    def __init__(self) -> None:
        self._depots: dict[tuple[Tenant, str], Depot] = {}
        self._vehicles: dict[tuple[Tenant, str, str], Vehicle] = {}
        self._routes: dict[tuple[Tenant, str, date, str], Route] = {}
        self._shifts: dict[tuple[Tenant, str], ShiftRow] = {}
        self._holds: dict[tuple[Tenant, StopId], Hold] = {}
        self._promises: dict[tuple[Tenant, StopId], Promise] = {}
        self._carts: dict[tuple[Tenant, str], StopId] = {}
        self._orders: dict[tuple[Tenant, str, str | None], StopId] = {}
        self._ledger: dict[tuple[Tenant, StopId, int], Fact] = {}
        self._receipts: dict[tuple[Tenant, str], ReceiptRow] = {}
        self._beside: dict[tuple[Tenant, StopId], list[tuple[str, Sequence[Hold]]]] = {}
        self._messages: dict[tuple[Tenant, str, str], Message] = {}
        self._clocks: dict[Tenant, Seconds] = {}
        self._requests: dict[tuple[Tenant, PlanKey, Work], Requests] = {}
        self._replans: dict[tuple[Tenant, str], Replan] = {}
        self._progress: dict[tuple[Tenant, PlanKey, str], Progress] = {}
        self.reminders = InMemoryReminders()
        self.pasts = InMemoryPasts()
        self.doors = InMemoryDoors()
        self.people = self
        self.senders, self.phones = InMemorySenders(), InMemoryPhones()
        self.closed: set[str] = set()  # pages of buyers who were forgotten
        self.outbox: list[tuple[Tenant, tuple[Fact, ...]]] = []

    def depots(self, tenant: Tenant) -> Sequence[Depot]:
        return sorted(_of(tenant, self._depots), key=lambda depot: depot.depot_id)

    def depot(self, tenant: Tenant, depot_id: str) -> Depot | None:
        return self._depots.get((tenant, depot_id))

    def vehicles(self, tenant: Tenant, depot: Depot) -> Sequence[Vehicle]:
        found = [van for key, van in self._vehicles.items() if key[:2] == (tenant, depot.depot_id)]
        return sorted(found, key=lambda van: van.vehicle_id)

    def routes(
        self, tenant: Tenant, depot_id: str, *, first: date, last: date, consistent: bool
    ) -> Sequence[tuple[date, Route]]:
        found = [(key[2], route) for key, route in self._routes.items() if key[:2] == (tenant, depot_id)]
        return sorted(
            ((day, route) for day, route in found if first <= day <= last),
            key=lambda dated: (dated[0], dated[1].shift.shift_id),
        )

    def route(self, tenant: Tenant, depot_id: str, day: date, shift_id: str) -> Route | None:
        return self._routes.get((tenant, depot_id, day, shift_id))

    def hold(self, tenant: Tenant, stop_id: StopId) -> Hold | None:
        return self._holds.get((tenant, stop_id))

    def cart(self, tenant: Tenant, cart_ref: str) -> StopId | None:
        return self._carts.get((tenant, cart_ref))

    def order(self, tenant: Tenant, order_ref: str, shipment_ref: str | None) -> StopId | None:
        return self._orders.get((tenant, order_ref, shipment_ref))

    def promise(self, tenant: Tenant, stop_id: StopId) -> Promise | None:
        return self._promises.get((tenant, stop_id))

    def tracked(self, token_sha256: str) -> tuple[Tenant, StopId] | None:
        found = (
            whose
            for whose, promise in self._promises.items()
            if token_hash(promise.tracking_token) == token_sha256 and token_sha256 not in self.closed
        )
        return next(found, None)

    def promises(
        self, tenant: Tenant, query: PromiseQuery, *, limit: int, start: str | None
    ) -> Page[Promise]:
        rows = sorted(
            (promise for promise in _of(tenant, self._promises) if _matches(promise, query)), key=_place
        )
        rest = [promise for promise in rows if start is None or _place(promise) > start]
        return Page(tuple(rest[:limit]), _place(rest[limit - 1]) if len(rest) > limit else None)

    def ledger(self, tenant: Tenant, stop_id: StopId) -> Sequence[Fact]:
        keys = sorted(key for key in self._ledger if key[:2] == (tenant, stop_id))
        return [self._ledger[key] for key in keys]

    def due_holds(self, tenant: Tenant, until: Timestamp, *, limit: int) -> Sequence[StopId]:
        return [stop_id for whose, stop_id in self.due_anywhere(until) if whose == tenant][:limit]

    def due_anywhere(self, until: Timestamp) -> Iterator[tuple[Tenant, StopId]]:
        due = [
            (hold.expires_at, hold.stop_id, tenant)
            for (tenant, _), hold in self._holds.items()
            if hold.state is HoldState.ACTIVE and hold.expires_at + GHOST_GRACE <= until
        ]
        return ((tenant, stop_id) for _, stop_id, tenant in sorted(due, key=lambda row: row[:2]))

    def commit(self, tenant: Tenant, changes: Changes) -> None:
        receipt = changes.receipt
        if receipt is not None and (tenant, receipt.key) in self._receipts:
            raise AlreadyDone("This request was carried out before.")
        broken = frozenset(self._broken(tenant, changes))
        if broken:
            raise WriteRefused(broken)
        self._write_routes(tenant, changes.routes)
        for reminder in changes.reminders:
            self.reminders.write_reminder(tenant, reminder)
        for hold in changes.holds:
            self._holds[tenant, hold.stop_id] = replace(hold, version=hold.version + 1)
        if changes.promise is not None:
            promise = changes.promise
            self._promises[tenant, promise.stop_id] = replace(promise, version=promise.version + 1)
        if changes.cart is not None:
            self._carts.pop((tenant, changes.cart.cart_ref), None)
            if changes.cart.now is not None:
                self._carts[tenant, changes.cart.cart_ref] = changes.cart.now
        if changes.order is not None:
            self._orders[tenant, changes.order.order_ref, changes.order.shipment_ref] = changes.order.now
        for stop_id, fact in _about_promises(changes.facts):
            self._ledger[tenant, stop_id, fact.sequence] = fact
            self._note_beside(tenant, stop_id, receipt, changes.holds)
        if receipt is not None:
            self._receipts[tenant, receipt.key] = receipt
        self._hand_on(tenant, changes.facts)

    def _note_beside(
        self, tenant: Tenant, stop_id: StopId, receipt: ReceiptRow | None, holds: Sequence[Hold] = ()
    ) -> None:
        """Note what was written beside a line of a ledger."""
        beside = self._beside.setdefault((tenant, stop_id), [])
        beside.append((receipt.key if receipt else "", holds))

    def _broken(self, tenant: Tenant, changes: Changes) -> Iterator[Guard]:
        """Every condition that does not hold."""
        if not self._routes_as_seen(tenant, changes.routes):
            yield Guard.ROUTE
        for write in changes.routes:
            depot = self.depot(tenant, write.depot_id)
            if write.fleet_version not in (None, depot.fleet_version if depot else 0):
                yield Guard.ROUTE
        for hold in changes.holds:
            if _version(self.hold(tenant, hold.stop_id)) != hold.version:
                yield Guard.HOLD
        promise, cart, order = changes.promise, changes.cart, changes.order
        if promise is not None and _version(self.promise(tenant, promise.stop_id)) != promise.version:
            yield Guard.PROMISE
        for stop_id, fact in _about_promises(changes.facts):
            if (tenant, stop_id, fact.sequence) in self._ledger:
                yield Guard.PROMISE
        if cart is not None and self.cart(tenant, cart.cart_ref) != cart.seen:
            yield Guard.CART
        if order is not None and self.order(tenant, order.order_ref, order.shipment_ref) != order.seen:
            yield Guard.ORDER
        if self._further(tenant, changes.known):
            yield Guard.PROGRESS

    def shift_row(self, tenant: Tenant, shift_id: str) -> ShiftRow | None:
        return self._shifts.get((tenant, shift_id))

    def shift_rows(self, tenant: Tenant, place: PlanKey) -> Sequence[ShiftRow]:
        found = [row for row in _of(tenant, self._shifts) if row.place == place]
        return sorted(found, key=lambda row: row.shift_id)

    def commit_fleet(self, tenant: Tenant, changes: FleetChanges) -> None:
        stored = self.depot(tenant, changes.depot_id)
        shift = self.shift_row(tenant, changes.shift.shift_id) if changes.shift else None
        if (stored.fleet_version if stored else 0) != changes.fleet_version:
            raise StaleWrite("the fleet changed")
        if shift is not None and changes.shift is not None and shift.place != changes.shift.place:
            raise StaleWrite("the shift is elsewhere")
        if not self._routes_as_seen(tenant, changes.routes):
            raise StaleWrite("a route changed")
        depot = changes.depot or stored
        assert depot is not None
        self._depots[tenant, changes.depot_id] = replace(depot, fleet_version=changes.fleet_version + 1)
        if changes.vehicle is not None:
            self._vehicles[tenant, changes.depot_id, changes.vehicle.vehicle_id] = changes.vehicle
        if changes.removed_vehicle is not None:
            self._vehicles.pop((tenant, changes.depot_id, changes.removed_vehicle), None)
        if changes.shift is not None:
            self._shifts[tenant, changes.shift.shift_id] = changes.shift
        self._write_routes(tenant, changes.routes)
        self._hand_on(tenant, changes.facts)

    def request(self, tenant: Tenant, plan: PlanKey, work: Work) -> int:
        known = self.requests(tenant, plan, work)
        self._requests[tenant, plan, work] = replace(known, requested=known.requested + 1)
        return known.requested + 1

    def requests(self, tenant: Tenant, plan: PlanKey, work: Work) -> Requests:
        return self._requests.get((tenant, plan, work), Requests())

    def finish_requests(
        self, tenant: Tenant, plan: PlanKey, work: Work, covered: int, improved: Mapping[str, int]
    ) -> None:
        known = self.requests(tenant, plan, work)
        if known.done <= covered:
            self._requests[tenant, plan, work] = replace(known, done=covered, improved=dict(improved))

    def replan(self, tenant: Tenant, replan_id: str) -> Replan | None:
        return self._replans.get((tenant, replan_id))

    def commit_plan(self, tenant: Tenant, changes: PlanChanges) -> None:
        replan, receipt = changes.replan, changes.receipt
        if receipt is not None and (tenant, receipt.key) in self._receipts:
            raise AlreadyDone("This request was carried out before.")
        if any(self._broken(tenant, Changes(routes=changes.routes))):
            raise StaleWrite("a route changed")
        if replan is not None and _version(self.replan(tenant, replan.replan_id)) != replan.version:
            raise StaleWrite("the replan changed")
        if self._further(tenant, changes.known):
            raise StaleWrite("a van has come further")
        self._write_routes(tenant, changes.routes)
        if replan is not None:
            self._replans[tenant, replan.replan_id] = replace(replan, version=replan.version + 1)
        if receipt is not None:
            self._receipts[tenant, receipt.key] = receipt
        self._hand_on(tenant, changes.facts)

    def _further(self, tenant: Tenant, known: Sequence[Progress]) -> bool:
        """Whether one of these vans has passed a milestone since."""
        stored = [self._progress.get((tenant, each.plan, each.shift_id)) for each in known]
        return [each.milestones if each else 0 for each in stored] != [each.milestones for each in known]

    def progress(self, tenant: Tenant, plan: PlanKey, shift_id: str) -> Progress | None:
        return self._progress.get((tenant, plan, shift_id))

    def progresses(self, tenant: Tenant, plan: PlanKey) -> Mapping[str, Progress]:
        return {key[2]: row for key, row in self._progress.items() if key[:2] == (tenant, plan)}

    def promises_named(self, tenant: Tenant, stop_ids: Sequence[StopId]) -> Sequence[Promise]:
        found = [self.promise(tenant, stop_id) for stop_id in stop_ids]
        return [promise for promise in found if promise is not None]

    def commit_motion(self, tenant: Tenant, changes: MotionChanges) -> None:
        progress, receipt = changes.progress, changes.receipt
        if receipt is not None and (tenant, receipt.key) in self._receipts:
            raise AlreadyDone("This request was carried out before.")
        if any(self._broken(tenant, Changes(routes=changes.routes, facts=changes.facts))):
            raise StaleWrite("a route changed")
        for promise in changes.promises:
            if any(self._broken(tenant, Changes(promise=promise))):
                raise StaleWrite("a promise changed")
        if progress is not None:
            key = (tenant, progress.plan, progress.shift_id)
            if _version(self._progress.get(key)) != progress.version:
                raise StaleWrite("somebody else reported")
            self._progress[key] = replace(progress, version=progress.version + 1)
        for promise in changes.promises:
            self._promises[tenant, promise.stop_id] = replace(promise, version=promise.version + 1)
        self._write_routes(tenant, changes.routes)
        for reminder in changes.reminders:
            self.reminders.write_reminder(tenant, reminder)
        for stop_id, fact in _about_promises(changes.facts):
            self._ledger[tenant, stop_id, fact.sequence] = fact
            self._note_beside(tenant, stop_id, receipt)
        if receipt is not None:
            self._receipts[tenant, receipt.key] = receipt
        self._hand_on(tenant, changes.facts)

    def get_receipt(self, tenant: Tenant, key: str) -> ReceiptRow | None:
        return self._receipts.get((tenant, key))

    def add_message(self, tenant: Tenant, message: Message) -> bool:
        key = (tenant, message.subject, message.message_id)
        if key in self._messages:
            return False
        self._messages[key] = replace(_on_behalf(message), version=1)
        return True

    def message(self, tenant: Tenant, message_id: str) -> Message | None:
        return self._messages.get((tenant, subject_of(message_id), message_id))

    def save_message(
        self, tenant: Tenant, message: Message, facts: Sequence[Fact] = (), *, new_sid: str | None = None
    ) -> Message | None:
        key = (tenant, message.subject, message.message_id)
        if key not in self._messages or self._messages[key].version != message.version:
            return None
        self._messages[key] = replace(_on_behalf(message), version=message.version + 1)
        if facts:
            self._hand_on(tenant, facts)
        return self._messages[key]

    def messages(self, tenant: Tenant, subject: str) -> Sequence[Message]:
        found = [text for text in _of(tenant, self._messages) if text.subject == subject]
        return sorted(found, key=lambda text: (text.created_at, text.message_id))

    def own_sids(self, tenant: Tenant, sids: Sequence[str]) -> dict[str, str]:
        own = {text.sid: text.message_id for text in _of(tenant, self._messages)}
        return {sid: own[sid] for sid in sids if sid in own}

    def clock_offset(self, tenant: Tenant) -> Seconds:
        return self._clocks.get(tenant, 0)

    def set_clock_offset(self, tenant: Tenant, ahead: Seconds, *, receipt: ReceiptRow | None = None) -> None:
        if receipt is not None and (tenant, receipt.key) in self._receipts:
            raise AlreadyDone("This request was carried out before.")
        if ahead < self.clock_offset(tenant):
            raise Conflict("The clock only moves forward.", code="clock_moved_back")
        self._clocks[tenant] = ahead
        if receipt is not None:
            self._receipts[tenant, receipt.key] = receipt

    def promises_to(self, tenant: Tenant, phone: str) -> Sequence[StopId]:
        found = _of(tenant, self._promises)
        return sorted(each.stop_id for each in found if each.order.recipient.phone == phone)

    def erase_promise(self, tenant: Tenant, before: Promise, after: Promise) -> None:
        key = (tenant, before.stop_id)
        if self._promises[key].version != before.version:
            raise StaleWrite("the promise was written meanwhile")
        self._promises[key] = replace(after, version=before.version + 1)
        self._holds.pop(key, None)
        self.closed.add(token_hash(before.tracking_token))

    def erase_ledger(self, tenant: Tenant, stop_id: StopId) -> None:
        for key, holds in self._beside.pop((tenant, stop_id), []):
            if (tenant, key) in self._receipts:
                self._receipts[tenant, key] = replace(self._receipts[tenant, key], sealed_body=b"")
            for hold in holds:
                for each in (hold.stop_id, *hold.earlier):
                    self._holds.pop((tenant, each), None)
        for fact in self.ledger(tenant, stop_id):
            self._ledger[tenant, stop_id, fact.sequence] = fact.in_our_words()

    def rewrite_route(self, tenant: Tenant, plan: PlanKey, route: Route) -> None:
        key = (tenant, plan.depot_id, plan.day, route.shift.shift_id)
        if self._routes[key].version != route.version:
            raise StaleWrite("the route was written meanwhile")
        self._routes[key] = replace(route, version=route.version + 1)

    def rewrite_progress(self, tenant: Tenant, progress: Progress) -> None:
        key = (tenant, progress.plan, progress.shift_id)
        if self._progress[key].version != progress.version:
            raise StaleWrite("somebody reported meanwhile")
        self._progress[key] = replace(progress, version=progress.version + 1)

    def drop_receipt(self, tenant: Tenant, key: str) -> None:
        self._receipts.pop((tenant, key), None)

    def _hand_on(self, tenant: Tenant, facts: Sequence[Fact]) -> None:
        self.outbox.append((tenant, tuple(fact.in_our_words() for fact in facts)))

    def _routes_as_seen(self, tenant: Tenant, writes: Sequence[RouteWrite]) -> bool:
        return all(
            _version(self.route(tenant, write.depot_id, write.day, write.route.shift.shift_id))
            == write.route.version
            for write in writes
        )

    def _write_routes(self, tenant: Tenant, writes: Sequence[RouteWrite]) -> None:
        for write in writes:
            stored = replace(write.route, version=write.route.version + 1)
            self._routes[tenant, write.depot_id, write.day, write.route.shift.shift_id] = stored


def _of[T](tenant: Tenant, rows: dict[Any, T]) -> list[T]:
    return [row for key, row in rows.items() if key[0] == tenant]


def _version(row: Route | Hold | Promise | Replan | Progress | None) -> int:
    return row.version if row is not None else 0


def _about_promises(facts: Iterable[Fact]) -> Iterator[tuple[StopId, Fact]]:
    for fact in facts:
        stop_id = stop_id_of(fact.subject, PROMISE)
        if stop_id is not None:
            yield stop_id, fact


def _place(promise: Promise) -> str:
    return f"{promise.created_at:010}#{promise.stop_id:020}"


def _matches(promise: Promise, query: PromiseQuery) -> bool:
    return (
        query.order_ref in (None, promise.order.order_ref)
        and query.depot_id in (None, promise.depot_id)
        and query.day in (None, promise.day)
        and query.state in (None, promise.state)
    )


def _on_behalf(message: Message) -> Message:
    asked = message.request_id or current_request_id()
    return replace(message, request_id=asked)
