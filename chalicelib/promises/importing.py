"""Taking over orders that were promised elsewhere: their windows stand, whatever our plans say.

An order gets a place in a van's route if it wrongs nobody there, by the proof of a sale; else it waits in its
plan's unassigned route, at risk, where every replan looks for a place. Nothing is squeezed in and nothing is
refused for lack of room, nor for lying outside the service area: that says what is sold, and this was sold.
Weak point: each order takes the best place that is left when its turn comes; the worker evens that out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from chalicelib.errors import OffRoad
from chalicelib.events import Fact, FactKind, Tenant
from chalicelib.fleet.area import metres_between, serves
from chalicelib.fleet.calendar import local_date, slots_between
from chalicelib.fleet.model import Depot
from chalicelib.fleet.planning import DepotPlans, Found
from chalicelib.fleet.plans import UNASSIGNED, PlanKey, RouteWrite, plans_changed, unassigned
from chalicelib.promises.facts import promise_fact, promised_data
from chalicelib.promises.model import Delivery, Order, Promise, PromiseState, Reason
from chalicelib.promises.placing import Ports, busy, fitted
from chalicelib.promises.search import MOST_DEPOTS, SlotQuery
from chalicelib.promises.store import Changes, OrderClaim
from chalicelib.receipts import Receipt, ReceiptRow
from chalicelib.routing.closed import narrowed_window
from chalicelib.routing.model import Stop, TimeWindow
from chalicelib.routing.packed import MAX_SKILLS
from chalicelib.units import DAY, Seconds, StopId, Timestamp

LONGEST_WINDOW: Final[Seconds] = DAY
MOST_WAITING: Final = 5_000  # stops without a van in one plan: at 58 bytes each, one row holds them

type WhereIs = Callable[[Tenant, str], PlanKey | None]
"""Finds the plan of a shift by its id alone; None if there is no such shift."""


class ImportState(StrEnum):
    """What became of an order."""

    INSERTED = "inserted"
    UNASSIGNED = "unassigned"  # no van can keep it as the plan is; at risk, and tried again by every replan
    ALREADY_PROMISED = "already_promised"
    REFUSED = "refused"


class ImportRefusal(StrEnum):
    """Why an order cannot be taken over."""

    BAD_WINDOW = "bad_window"  # it ends no later than it starts, or spans more than 24 hours
    WINDOW_PASSED = "window_passed"
    BEYOND_HORIZON = "beyond_horizon"  # the depot has no plans for that date yet
    UNKNOWN_DEPOT = "unknown_depot"
    UNKNOWN_SHIFT = "unknown_shift"  # or withdrawn, or another depot's
    OUT_OF_AREA = "out_of_area"  # only where the order names no depot: nobody knows who is to bring it
    OFF_ROAD = "off_road"
    TOO_MANY_WAITING = "too_many_waiting"
    TOO_MANY_SKILLS = "too_many_skills"  # asked for by the orders that wait in this plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportWish:
    """An order as it was promised elsewhere.

    Attributes
    ----------
    wanted
        Where and what, as a search would ask it; its dates mean nothing here.
    window
        What the buyer was promised; none of the depot's slots need be like it.
    shift_id
        The one shift that may have it. Where it does not fit, any van may get it later.
    """

    order: Order
    wanted: SlotQuery
    window: TimeWindow
    shift_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of an order; without a promise there is a refusal.

    Attributes
    ----------
    waits
        Why no van has it, if none has.
    """

    state: ImportState
    promise: Promise | None = None
    refusal: ImportRefusal | None = None
    waits: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where an order goes, not written yet."""

    state: ImportState
    waits: Reason | None = None
    depot: Depot
    delivery: Delivery
    writes: tuple[RouteWrite, ...]
    found: Found


class Importing:
    """Takes orders over, one at a time; holds no state."""

    def __init__(self, ports: Ports, where_is: WhereIs) -> None:
        self._ports, self._store, self._where_is = ports, ports.store, where_is

    def take(self, tenant: Tenant, wish: ImportWish, now: Timestamp, receipt: Receipt[Imported]) -> Imported:
        """Take one order over, in one transaction; an order that has an open promise keeps it as it is.

        Its buyer is texted nothing: whoever promised has told them.

        Parameters
        ----------
        receipt
            Kept with the effect; a refusal and a promise that was there have none.

        Raises
        ------
        AlreadyDone
            A twin of this request took it over in the meantime.
        WriteRefused
            Every attempt met another writer; nothing was done.
        """
        stop_id = self._ports.new_stop_id()
        for attempt in self._ports.attempts():
            order = wish.order
            seen = self._store.order(tenant, order.order_ref, order.shipment_ref)
            earlier = self._store.promise(tenant, seen) if seen is not None else None
            if earlier is not None and not earlier.state.finished:
                return Imported(state=ImportState.ALREADY_PROMISED, promise=earlier)
            place = self._place(tenant, wish, stop_id, now, attempt)
            if isinstance(place, ImportRefusal):
                return Imported(state=ImportState.REFUSED, refusal=place)
            promise = self._promise(stop_id, wish, place, now)
            imported = Imported(state=place.state, promise=promise, waits=place.waits)
            changes = Changes(
                routes=place.writes,
                promise=promise,
                order=OrderClaim(
                    order_ref=order.order_ref, shipment_ref=order.shipment_ref, seen=seen, now=stop_id
                ),
                facts=(
                    _imported_fact(promise, place, now),
                    *plans_changed(place.writes, now, "imported"),
                ),
                receipt=receipt(imported),
            )
            if self._ports.committed(tenant, changes):
                return imported
        raise busy()

    def finish(self, tenant: Tenant, receipt: ReceiptRow | None) -> None:
        """Keep the answer to a whole import, every order of which is decided by now.

        Raises
        ------
        AlreadyDone
            A twin of this request kept its answer first.
        """
        if receipt is not None:
            self._store.commit(tenant, Changes(receipt=receipt))

    def _place(
        self, tenant: Tenant, wish: ImportWish, stop_id: StopId, now: Timestamp, attempt: int
    ) -> _Place | ImportRefusal:
        """The nearest depot that has a van for it; else the nearest depot's list of those that wait."""
        window = wish.window
        if not window.start < window.end <= window.start + LONGEST_WINDOW:
            return ImportRefusal.BAD_WINDOW
        if window.end < now:
            return ImportRefusal.WINDOW_PASSED
        depots = self._depots(tenant, wish)
        if isinstance(depots, ImportRefusal):
            return depots
        nearest: _Place | ImportRefusal = ImportRefusal.UNKNOWN_DEPOT
        for depot in depots:
            place = self._place_at(tenant, depot, wish, stop_id, now, attempt)
            if isinstance(place, _Place) and place.state is ImportState.INSERTED:
                return place
            if isinstance(nearest, ImportRefusal):
                nearest = place
        return nearest

    def _depots(self, tenant: Tenant, wish: ImportWish) -> Sequence[Depot] | ImportRefusal:
        """The depot that is named, by itself or by its shift; else those that serve the place."""
        named, place = wish.wanted.depot_id, wish.wanted.location
        if wish.shift_id is not None:
            plan = self._where_is(tenant, wish.shift_id)
            if plan is None or named not in (None, plan.depot_id):
                return ImportRefusal.UNKNOWN_SHIFT
            named = plan.depot_id
        if named is not None:
            depot = self._store.depot(tenant, named)
            return [depot] if depot is not None else ImportRefusal.UNKNOWN_DEPOT
        depots = self._store.depots(tenant)
        if not depots:
            return ImportRefusal.UNKNOWN_DEPOT
        serving = [depot for depot in depots if serves(depot.service_area, depot.location, place)]
        serving.sort(key=lambda depot: metres_between(depot.location, place))
        return serving[:MOST_DEPOTS] or ImportRefusal.OUT_OF_AREA

    def _place_at(
        self,
        tenant: Tenant,
        depot: Depot,
        wish: ImportWish,
        stop_id: StopId,
        now: Timestamp,
        attempt: int,
    ) -> _Place | ImportRefusal:
        first, last = local_date(depot, wish.window.start), local_date(depot, wish.window.end)
        if (first - local_date(depot, now)).days >= depot.booking.horizon_days:
            return ImportRefusal.BEYOND_HORIZON
        plans = self._ports.planner.read(tenant, depot, first, last, now=now, consistent=True)
        if any(route.withdrawn for route in plans.routes if route.shift.shift_id == wish.shift_id):
            return ImportRefusal.UNKNOWN_SHIFT
        delivery = wish.wanted.delivery_from(depot)
        try:
            visit = delivery.visit(plans.travel)
        except OffRoad:
            return ImportRefusal.OFF_ROAD
        stop = visit.stop(stop_id, wish.window)
        placed = fitted(plans, stop, now, attempt=attempt, only=wish.shift_id)
        if placed is not None:
            return _Place(
                state=ImportState.INSERTED,
                depot=depot,
                delivery=delivery,
                writes=placed.writes,
                found=placed.found,
            )
        waits = _kept_waiting(plans, stop)
        if isinstance(waits, ImportRefusal):
            return waits
        found = Found(depot_id=depot.depot_id, day=waits.day, shift_id=UNASSIGNED)
        shut = narrowed_window(wish.window, depot.closed) is None
        return _Place(
            state=ImportState.UNASSIGNED,
            waits=Reason.CLOSED if shut else Reason.NO_ROUTE_FIT,
            depot=depot,
            delivery=delivery,
            writes=(waits,),
            found=found,
        )

    def _promise(self, stop_id: StopId, wish: ImportWish, place: _Place, now: Timestamp) -> Promise:
        depot, window = place.depot, wish.window
        day = local_date(depot, window.start)
        return Promise(
            stop_id=stop_id,
            state=PromiseState.CONFIRMED,
            order=wish.order,
            delivery=place.delivery,
            depot_id=depot.depot_id,
            slot_id=_slot_id(depot, day, window),
            day=day,
            window=window,
            told_window=window,
            timezone=depot.timezone,
            cutoff_at=window.start,
            price=None,
            found=place.found,
            tracking_token=self._ports.new_token(),
            created_at=now,
            sequence=1,
        )


def _kept_waiting(plans: DepotPlans, stop: Stop) -> RouteWrite | ImportRefusal:
    """Add a stop to what no van has, in the plan whose vans are at work in its window."""
    window, depot = stop.window, plans.depot
    day = local_date(depot, window.start)
    at_work = {
        when
        for when, route in zip(plans.days, plans.routes, strict=True)
        if not route.withdrawn and route.shift.starts_at <= window.end and route.shift.ends_at >= window.start
    }
    if at_work and day not in at_work:  # only the vans of the night before, or of the next morning
        day = min(at_work)
    waiting = next((route for when, route in plans.unassigned if when == day), None)
    if waiting is not None:
        if len(waiting.stops) >= MOST_WAITING:
            return ImportRefusal.TOO_MANY_WAITING
        if len(stop.skills.union(waiting.skill_names)) > MAX_SKILLS:
            return ImportRefusal.TOO_MANY_SKILLS
    route = replace(unassigned(waiting, depot, day, [stop]), graph=plans.travel.fingerprint)
    return RouteWrite(depot_id=depot.depot_id, day=day, route=route)


def _slot_id(depot: Depot, day: date, window: TimeWindow) -> str:
    """The depot's slot that is this window, or what such a slot would be called."""
    slot = next((slot for slot in slots_between(depot, day, day) if slot.window == window), None)
    if slot is not None:
        return slot.slot_id
    zone = ZoneInfo(depot.timezone)
    starts, ends = (datetime.fromtimestamp(at, zone) for at in (window.start, window.end))
    return f"{depot.depot_id}.{day.isoformat()}.{starts:%H%M}-{ends:%H%M}"


def _imported_fact(promise: Promise, place: _Place, now: Timestamp) -> Fact:
    data = {**promised_data(promise), "state": str(place.state)}
    if place.waits is not None:
        data["reason"] = str(place.waits)
    return promise_fact(FactKind.PROMISE_IMPORTED, promise, now, data)
