"""Changing a promise: another slot, another address, other instructions, or not at all.

A change that moves the stop is placed like a new sale, in one transaction with giving up the old place. What
cannot be done is refused with its reason and the next best, never silently bent. Weak point: a change is
judged by the plan, not by where the van is; on the day itself `loads_at` is the border.
"""

from dataclasses import dataclass, replace
from typing import Any

from chalicelib.errors import BadToken, NotFound
from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.fleet.area import serves
from chalicelib.fleet.model import Depot, Requirement
from chalicelib.fleet.planning import is_unassigned
from chalicelib.fleet.plans import RouteWrite, plans_changed
from chalicelib.promises.facts import promise_fact, window_data
from chalicelib.promises.model import (
    Change,
    ChangeKind,
    Listed,
    Offer,
    Promise,
    PromiseState,
    Refusal,
    Standing,
)
from chalicelib.promises.offer_token import require_fresh
from chalicelib.promises.outlook import Outlook, outlooks
from chalicelib.promises.placing import Ports, busy, place_without, take_out
from chalicelib.promises.search import OFFER_LIFE, Asked
from chalicelib.promises.store import Changes
from chalicelib.receipts import Receipt
from chalicelib.units import StopId, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What came of a change: done, or refused with the reason and what could be had instead.

    Attributes
    ----------
    outlook
        How it stands now; None when it is cancelled, or no van has it.
    sequence
        Number of the fact in the promise's ledger: it names the change.
    """

    promise: Promise
    outlook: Outlook | None
    kind: ChangeKind
    sequence: int
    refusal: Refusal | None = None
    alternatives: tuple[Listed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """A change decided, not written."""

    promise: Promise
    writes: tuple[RouteWrite, ...] = ()
    outlook: Outlook | None = None
    refusal: Refusal | None = None
    alternatives: tuple[Listed, ...] = ()


class Promises:
    """Reading and changing what was promised."""

    def __init__(self, ports: Ports) -> None:
        self._ports, self._store = ports, ports.store

    def read(self, tenant: Tenant, stop_id: StopId) -> Promise:
        """One promise.

        Raises
        ------
        NotFound
            The merchant has no such promise.
        """
        promise = self._store.promise(tenant, stop_id)
        if promise is None:
            raise NotFound("There is no such promise.")
        return promise

    def other_slots(self, tenant: Tenant, stop_id: StopId, now: Timestamp, *, days: int) -> list[Listed]:
        """The slots a promise could move to, as offers bound to it; its own stop is out of the way.

        Raises
        ------
        NotFound
            The merchant has no such promise.
        """
        promise = self.read(tenant, stop_id)
        depot = self._store.depot(tenant, promise.depot_id)
        if depot is None or promise.state is not PromiseState.CONFIRMED:
            return []
        return self._ports.search.listed(tenant, Asked.within(depot, promise, now, days=days), now)[0]

    def change(
        self,
        tenant: Tenant,
        stop_id: StopId,
        change: Change,
        now: Timestamp,
        receipt: Receipt[Changed],
        *,
        actor: Actor = Actor.MERCHANT,
    ) -> Changed:
        """Carry a change out, or refuse it; either way it stands in the ledger.

        Raises
        ------
        NotFound
            The merchant has no such promise.
        BadToken, Expired
            The offer is for something else, or ran out.
        WriteRefused
            Every attempt met another writer; nothing was done.
        """
        for attempt in self._ports.attempts():
            promise = self.read(tenant, stop_id)
            outcome = self._decide(tenant, promise, change, now, attempt)
            sequence = promise.sequence + 1
            after = replace(outcome.promise, sequence=sequence)
            changed = Changed(
                promise=after,
                outlook=outcome.outlook or self._outlook(tenant, after, now),
                kind=change.kind,
                sequence=sequence,
                refusal=outcome.refusal,
                alternatives=outcome.alternatives,
            )
            changes = Changes(
                routes=outcome.writes,
                promise=after,
                facts=(
                    _fact(promise, changed, change, now, actor),
                    *plans_changed(outcome.writes, now, f"changed: {change.kind}"),
                ),
                receipt=receipt(changed),
            )
            if self._ports.committed(tenant, changes):
                return changed
        raise busy()

    def _decide(
        self, tenant: Tenant, promise: Promise, change: Change, now: Timestamp, attempt: int
    ) -> _Outcome:
        if promise.state is not PromiseState.CONFIRMED:
            return _Outcome(promise=promise, refusal=Refusal.FINISHED)
        depot = self._store.depot(tenant, promise.depot_id)
        if depot is None:
            raise NotFound("The depot of this promise is no longer there.")
        match change.kind:
            case ChangeKind.SLOT:
                return self._moved(tenant, promise, _fitting(change, promise), now, attempt)
            case ChangeKind.ADDRESS:
                return self._readdressed(tenant, depot, promise, change, now, attempt)
            case ChangeKind.CANCEL:
                return self._cancelled(tenant, promise, now)
            case _:
                return _instructed(promise, change)

    def _moved(
        self, tenant: Tenant, promise: Promise, offer: Offer, now: Timestamp, attempt: int
    ) -> _Outcome:
        """To an offered slot; the place it has is given up in the same transaction."""
        if self._loaded(tenant, promise, now):
            return self._too_late(tenant, promise, now)
        require_fresh(offer, now)
        placed = place_without(
            self._ports,
            tenant,
            offer,
            promise.stop_id,
            now,
            expires_at=0,
            attempt=attempt,
            leave=(promise.stop_id, promise.found),
        )
        if placed is None:
            return self._refused(tenant, promise, Refusal.SLOT_TAKEN, now)
        moved = replace(
            promise,
            depot_id=offer.depot_id,
            slot_id=offer.slot_id,
            day=offer.day,
            window=offer.window,
            told_window=offer.window,
            standing=Standing.SAFE,
            timezone=offer.timezone,
            original_window=promise.original_window or promise.window,
            delivery=offer.delivery,
            cutoff_at=offer.cutoff_at,
            price=offer.price,
            found=placed.found,
        )
        if moved.window == promise.window:
            moved = replace(moved, original_window=promise.original_window)
        return _Outcome(promise=moved, writes=placed.writes, outlook=placed.outlook)

    def _readdressed(
        self,
        tenant: Tenant,
        depot: Depot,
        promise: Promise,
        change: Change,
        now: Timestamp,
        attempt: int,
    ) -> _Outcome:
        """To another place within the same window, if a van can; checked like a sale."""
        location = change.location or promise.delivery.location
        delivery = replace(promise.delivery, location=location, address=change.address)
        if location == promise.delivery.location:
            return _Outcome(promise=replace(promise, delivery=delivery))
        if not serves(depot.service_area, depot.location, location):
            return _Outcome(promise=promise, refusal=Refusal.OUT_OF_AREA)
        there = replace(promise, delivery=delivery)
        outcome = self._moved(tenant, there, own_slot(there, now), now, attempt)
        if outcome.refusal is None:
            return outcome
        reason = Refusal.NO_ROUTE_FIT if outcome.refusal is Refusal.SLOT_TAKEN else outcome.refusal
        return replace(outcome, promise=promise, refusal=reason)

    def _cancelled(self, tenant: Tenant, promise: Promise, now: Timestamp) -> _Outcome:
        if self._loaded(tenant, promise, now):
            return _Outcome(promise=promise, refusal=Refusal.CUTOFF_PASSED)
        writes = take_out(self._ports.around(tenant, promise.found, now), promise.stop_id, now)
        return _Outcome(promise=replace(promise, state=PromiseState.CANCELLED), writes=writes)

    def _outlook(self, tenant: Tenant, promise: Promise, now: Timestamp) -> Outlook | None:
        """How a promise stands that stayed where it was."""
        return outlooks(self._store, self._ports.planner, tenant, [promise], now).get(promise.stop_id)

    def _loaded(self, tenant: Tenant, promise: Promise, now: Timestamp) -> bool:
        """Whether the parcel is on a van already: from then on its route gives none away."""
        plans = self._ports.around(tenant, promise.found, now)
        holder = plans.holder(promise.stop_id)
        return holder is not None and not is_unassigned(holder) and now >= holder.shift.loads_at

    def _too_late(self, tenant: Tenant, promise: Promise, now: Timestamp) -> _Outcome:
        return self._refused(tenant, promise, Refusal.CUTOFF_PASSED, now)

    def _refused(self, tenant: Tenant, promise: Promise, reason: Refusal, now: Timestamp) -> _Outcome:
        alternatives = self._ports.search.alternatives(tenant, own_slot(promise, now), now)
        return _Outcome(promise=promise, refusal=reason, alternatives=tuple(alternatives))


def own_slot(promise: Promise, now: Timestamp) -> Offer:
    """A promise's own slot as an offer that only it can use: for trying the same window again."""
    return Offer(
        depot_id=promise.depot_id,
        slot_id=promise.slot_id,
        day=promise.day,
        window=promise.window,
        delivery=promise.delivery,
        price=promise.price,
        timezone=promise.timezone,
        cutoff_at=promise.window.end,
        issued_at=now,
        expires_at=now + OFFER_LIFE,
        cart_ref=promise.cart_ref,
        promise=promise.stop_id,
    )


def _fitting(change: Change, promise: Promise) -> Offer:
    """The offer of a change of slot, if it was made for this delivery."""
    offer = change.offer
    if (
        offer is None
        or offer.promise not in (None, promise.stop_id)
        or offer.delivery.location != promise.delivery.location
        or offer.delivery.load != promise.delivery.load
        or offer.delivery.skills != promise.delivery.skills
    ):
        raise BadToken("The offer was issued for something else.", code="offer_invalid")
    return offer


def _instructed(promise: Promise, change: Change) -> _Outcome:
    """Tell the driver something; redirecting needs that nobody has to be met in person."""
    handover = promise.delivery.handover
    redirects = change.kind in (ChangeKind.NEIGHBOUR, ChangeKind.SAFE_PLACE)
    by_age = Requirement.AGE_18 in handover.requires
    if (change.kind is ChangeKind.SAFE_PLACE and (handover.attended or by_age)) or (redirects and by_age):
        return _Outcome(promise=promise, refusal=Refusal.HANDOVER_IN_PERSON)
    told: dict[str, Any] = {str(change.kind): change.text}
    instructions = replace(promise.order.instructions, **told)
    return _Outcome(promise=replace(promise, order=replace(promise.order, instructions=instructions)))


def _fact(promise: Promise, changed: Changed, change: Change, now: Timestamp, actor: Actor) -> Fact:
    """What goes into the ledger: kinds, windows and reasons, nothing personal of ours."""
    data: dict[str, Any] = {"kind": str(change.kind)}
    if changed.refusal is not None:
        kind, data["reason"] = FactKind.CHANGE_REFUSED, str(changed.refusal)
    elif change.kind is ChangeKind.CANCEL:
        kind = FactKind.PROMISE_CANCELLED
        if change.text is not None:
            data["reason"] = change.text
    else:
        kind = FactKind.PROMISE_CHANGED
        if changed.promise.window != promise.window:
            data["from_window"] = window_data(promise.window)
            data["to_window"] = window_data(changed.promise.window)
    return promise_fact(kind, changed.promise, now, data, actor=actor)
