"""Changing a promise: another slot, another address, other instructions, or not at all.

A change that moves the stop is placed like a new sale, in one transaction with giving up the old place; on a
van that is loaded it is judged by what the van has ahead, and relies on no milestone having come meanwhile.
What cannot be done is refused with its reason and the next best, never silently bent. Weak point: who
cancels, or goes to another day, on the road takes no parcel off the van: it comes back with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from chalicelib.errors import BadToken, NotFound, StaleWrite
from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.fleet.area import serves
from chalicelib.fleet.model import Requirement
from chalicelib.fleet.plans import RouteWrite, plans_changed
from chalicelib.promises.aboard import Aboard
from chalicelib.promises.facts import change_id, promise_fact, window_data
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
from chalicelib.promises.moving import Movable, route_changed
from chalicelib.promises.offer_token import require_fresh
from chalicelib.promises.outlook import Outlook
from chalicelib.promises.placing import Placed, Ports, busy, place, place_without, take_out
from chalicelib.promises.search import OFFER_LIFE
from chalicelib.promises.store import Changes
from chalicelib.receipts import Receipt
from chalicelib.routing.altered import Cause
from chalicelib.routing.model import TimeWindow
from chalicelib.units import Seconds, StopId, Timestamp

type CutoffOf = Callable[[Tenant], Seconds]
"""A merchant's published cut-off: how long before its van is expected a delivery may still be changed."""

_STAYS: Final = (Refusal.CUTOFF_PASSED, Refusal.VAN_ON_ITS_WAY, Refusal.HANDOVER_IN_PERSON)
_WITHOUT_MOVING: Final = (ChangeKind.GATE_CODE, ChangeKind.NEIGHBOUR, ChangeKind.SAFE_PLACE)
_ELSEWHERE: Final = (ChangeKind.NEIGHBOUR, ChangeKind.SAFE_PLACE)


class MovedMeanwhile(StaleWrite):
    """It has another window than whoever asks goes by: somebody was faster, and nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What came of a change: done, or refused with the reason and what could be had instead.

    Attributes
    ----------
    outlook
        How it stands now; None when it is cancelled, or no van has it.
    sequence
        Number of the fact in the promise's ledger: it names the change.
    alternatives
        Slots it can have instead, where it may leave its place.
    still_possible
        Kinds of change that would be done, where it may not, or not that way.
    cutoff_at
        Until when it could have left its place, where that was what it was refused for.
    """

    promise: Promise
    outlook: Outlook | None
    kind: ChangeKind
    sequence: int
    refusal: Refusal | None = None
    alternatives: tuple[Listed, ...] = ()
    still_possible: tuple[ChangeKind, ...] = ()
    cutoff_at: Timestamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Possible:
    """What could be changed about a promise.

    Attributes
    ----------
    slots
        Those it could move to, as offers bound to it.
    until
        When it can no longer leave its place, as far as that is known.
    """

    kinds: frozenset[ChangeKind] = frozenset()
    slots: tuple[Listed, ...] = ()
    until: Timestamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """A change decided, not written.

    Attributes
    ----------
    van
        Under way: what was decided relies on there being no milestone more.
    """

    promise: Promise
    writes: tuple[RouteWrite, ...] = ()
    van: Aboard | None = None
    outlook: Outlook | None = None
    refusal: Refusal | None = None
    alternatives: tuple[Listed, ...] = ()
    cutoff_at: Timestamp | None = None


class Promises:
    """Reading and changing what was promised."""

    def __init__(self, ports: Ports, cutoff_of: CutoffOf) -> None:
        self._ports, self._store, self._cutoff_of = ports, ports.store, cutoff_of

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

        A parcel on a van can have later slots of that van, and others once it is back.

        Raises
        ------
        NotFound
            The merchant has no such promise.
        """
        promise = self.read(tenant, stop_id)
        if promise.state.finished:
            return []
        return self._movable(tenant, promise, now).slots(self._ports, tenant, days=days)

    def possible(self, tenant: Tenant, promise: Promise, now: Timestamp, *, days: int) -> Possible:
        """What could be changed about a promise right now."""
        if promise.state.finished:
            return Possible()
        movable = self._movable(tenant, promise, now)
        moves = (ChangeKind.SLOT, ChangeKind.CANCEL) if movable.refusal is None else ()
        slots = [slot for slot in movable.slots(self._ports, tenant, days=days) if slot.offer]
        return Possible(
            kinds=frozenset({*moves, *_still_possible(promise)}),
            slots=tuple(slot for slot in slots if slot.window != promise.window),
            until=movable.cutoff_at,
        )

    def change(
        self,
        tenant: Tenant,
        stop_id: StopId,
        change: Change,
        now: Timestamp,
        receipt: Receipt[Changed],
        *,
        actor: Actor = Actor.MERCHANT,
        going_by: TimeWindow | None = None,
        by_text: bool = False,
    ) -> Changed:
        """Carry a change out, or refuse it; either way it stands in the ledger.

        Parameters
        ----------
        going_by
            The window it had when the buyer was asked; None: whichever it has.
        by_text
            The buyer wrote a text, and is answered by one.

        Raises
        ------
        NotFound
            The merchant has no such promise.
        BadToken, Expired
            The offer is for something else, or ran out.
        MovedMeanwhile
            It has another window than `going_by`, seen in the very attempt that would have moved it.
        WriteRefused
            Every attempt met another writer; nothing was done.
        """
        for attempt in self._ports.attempts():
            promise = self.read(tenant, stop_id)
            if going_by not in (None, promise.window):
                raise MovedMeanwhile("It has another time by now.")
            outcome = self._decide(tenant, promise, change, now, attempt)
            sequence = promise.sequence + 1
            after = replace(outcome.promise, sequence=sequence)
            changed = Changed(
                promise=after,
                outlook=outcome.outlook,
                kind=change.kind,
                sequence=sequence,
                refusal=outcome.refusal,
                alternatives=outcome.alternatives,
                still_possible=_still_possible(promise) if outcome.refusal in _STAYS else (),
                cutoff_at=outcome.cutoff_at,
            )
            writes, van = outcome.writes, outcome.van
            if van is not None:
                because = Cause.BUYER if actor is Actor.BUYER else Cause.MERCHANT
                writes = van.explained(writes, because, change_id(stop_id, sequence))
            changes = Changes(
                routes=writes,
                promise=after,
                known=(van.progress,) if van else (),
                facts=(
                    _fact(promise, changed, change, now, actor, by_text=by_text),
                    *plans_changed(writes, now, f"changed: {change.kind}"),
                    *((route_changed(van, promise, now, actor=actor),) if van else ()),
                ),
                receipt=receipt(changed),
            )
            if self._ports.committed(tenant, changes):
                return changed
        raise busy()

    def _decide(
        self, tenant: Tenant, promise: Promise, change: Change, now: Timestamp, attempt: int
    ) -> _Outcome:
        if promise.state.finished:
            return _Outcome(promise=promise, refusal=Refusal.FINISHED)
        offer = _fitting(change, promise) if change.kind is ChangeKind.SLOT else None
        movable = self._movable(tenant, promise, now)
        match change.kind:
            case ChangeKind.SLOT if offer is not None:
                outcome = self._moved(tenant, movable, offer, attempt)
            case ChangeKind.ADDRESS:
                outcome = self._readdressed(tenant, movable, change, attempt)
            case ChangeKind.CANCEL:
                outcome = _cancelled(movable)
            case _:
                outcome = _instructed(movable, change)
        if outcome.outlook is not None or outcome.promise.state.finished:
            return outcome
        return replace(outcome, outlook=movable.outlook)  # it stayed where it was

    def _moved(self, tenant: Tenant, movable: Movable, offer: Offer, attempt: int) -> _Outcome:
        """To an offered slot; the place it has is given up in the same transaction."""
        promise, now, aboard = movable.promise, movable.now, movable.aboard
        if movable.refusal is not None:
            return self._refused(tenant, movable, movable.refusal)
        require_fresh(offer, now)
        if aboard is None:
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
        else:
            placed = self._placed_from(tenant, aboard, offer, attempt)
        if placed is None:
            return self._refused(tenant, movable, Refusal.SLOT_TAKEN)
        stays = aboard is not None and placed.found.shift_id == aboard.progress.shift_id
        moved = replace(
            promise,
            state=promise.state if stays else PromiseState.CONFIRMED,
            depot_id=offer.depot_id,
            slot_id=offer.slot_id,
            day=offer.day,
            window=offer.window,
            told_window=offer.window,
            told_by=promise.sequence + 1,  # of the fact that this becomes
            foreseen=None,
            adrift=False,
            standing=Standing.SAFE,
            timezone=offer.timezone,
            original_window=promise.original_window or promise.window,
            delivery=offer.delivery,
            cutoff_at=offer.cutoff_at,
            price=offer.price,
            found=placed.found,
            choices=None,
        )
        if moved.window == promise.window:
            moved = replace(moved, original_window=promise.original_window)
        return _Outcome(promise=moved, writes=placed.writes, van=aboard, outlook=placed.outlook)

    def _placed_from(self, tenant: Tenant, aboard: Aboard, offer: Offer, attempt: int) -> Placed | None:
        """Later on the same van; else on one that is loaded when this one is back."""
        if offer.depot_id != aboard.progress.plan.depot_id:
            return None
        placed = aboard.moved(offer.delivery, offer.window)
        if placed is not None:
            return placed
        plans = self._ports.plans_of(tenant, offer, aboard.now).loading_from(aboard.back_at)
        placed = place(plans, offer, aboard.stop_id, aboard.now, expires_at=0, attempt=attempt)
        return placed and replace(placed, writes=(*placed.writes, aboard.given_away()))

    def _readdressed(self, tenant: Tenant, movable: Movable, change: Change, attempt: int) -> _Outcome:
        """To another place within the same window, if a van can; checked like a sale.

        Who was tried in vain, and cannot be tried again in this window, waits there for another one.
        """
        promise, depot, now = movable.promise, movable.plans.depot, movable.now
        location = change.location or promise.delivery.location
        delivery = replace(promise.delivery, location=location, address=change.address)
        there = replace(promise, delivery=delivery)
        if location == promise.delivery.location:
            return _noted(movable, there)
        if not serves(depot.service_area, depot.location, location):
            return _Outcome(promise=promise, refusal=Refusal.OUT_OF_AREA)
        own = there.own_slot(now, OFFER_LIFE)
        outcome = self._moved(tenant, replace(movable, promise=there), own, attempt)
        if outcome.refusal is None:
            return outcome
        if movable.aboard is not None and movable.aboard.tried:
            return _Outcome(promise=there)
        reason = Refusal.NO_ROUTE_FIT if outcome.refusal is Refusal.SLOT_TAKEN else outcome.refusal
        return replace(outcome, promise=promise, refusal=reason, alternatives=())

    def _movable(self, tenant: Tenant, promise: Promise, now: Timestamp) -> Movable:
        return Movable.of(self._ports, tenant, promise, now, cutoff=self._cutoff_of(tenant))

    def _refused(self, tenant: Tenant, movable: Movable, reason: Refusal) -> _Outcome:
        return _Outcome(
            promise=movable.promise,
            refusal=reason,
            alternatives=tuple(movable.nearest(self._ports, tenant)),
            cutoff_at=movable.cutoff_at if reason is Refusal.CUTOFF_PASSED else None,
        )


def _fitting(change: Change, promise: Promise) -> Offer:
    """The offer of a change of slot, if it was made for this delivery; of which it changes only the time.

    It was sealed up to half an hour ago: whatever is to be brought to which door may have changed since.
    """
    offer = change.offer
    if (
        offer is None
        or offer.promise not in (None, promise.stop_id)
        or offer.delivery.location != promise.delivery.location
        or offer.delivery.load != promise.delivery.load
        or offer.delivery.skills != promise.delivery.skills
    ):
        raise BadToken("The offer was issued for something else.", code="offer_invalid")
    return replace(offer, delivery=promise.delivery)


def _cancelled(movable: Movable) -> _Outcome:
    promise, aboard = movable.promise, movable.aboard
    if movable.refusal is not None:
        return _Outcome(promise=promise, refusal=movable.refusal, cutoff_at=movable.cutoff_at)
    cancelled = replace(promise, state=PromiseState.CANCELLED, choices=None)
    if aboard is None:
        return _Outcome(promise=cancelled, writes=take_out(movable.plans, promise.stop_id, movable.now))
    return _Outcome(promise=cancelled, writes=(aboard.given_away(),), van=aboard)


def _instructed(movable: Movable, change: Change) -> _Outcome:
    """Tell the driver something, up to the door; redirecting needs that nobody has to be met in person."""
    promise = movable.promise
    if change.kind not in _still_possible(promise):
        return _Outcome(promise=promise, refusal=Refusal.HANDOVER_IN_PERSON)
    told: dict[str, Any] = {str(change.kind): change.text}
    if change.kind in _ELSEWHERE:  # one of the two: what was said last
        told = dict.fromkeys(map(str, _ELSEWHERE)) | told
    instructions = replace(promise.order.instructions, **told)
    return _noted(movable, replace(promise, order=replace(promise.order, instructions=instructions)))


def _noted(movable: Movable, promise: Promise) -> _Outcome:
    """What is to be read at the door has changed; whoever drives there with it reads the manifest again."""
    aboard = movable.aboard
    if aboard is None or aboard.tried or aboard.progress.is_back:
        return _Outcome(promise=promise)
    return _Outcome(promise=promise, writes=(aboard.noted(),), van=aboard)


def _still_possible(promise: Promise) -> tuple[ChangeKind, ...]:
    """The changes that need no other place in a route."""
    if promise.state.finished:
        return ()
    handover = promise.delivery.handover
    by_age = Requirement.AGE_18 in handover.requires
    barred = {
        ChangeKind.GATE_CODE: False,
        ChangeKind.NEIGHBOUR: by_age,
        ChangeKind.SAFE_PLACE: by_age or handover.attended,
    }
    return tuple(kind for kind in _WITHOUT_MOVING if not barred[kind])


def _fact(
    promise: Promise, changed: Changed, change: Change, now: Timestamp, actor: Actor, *, by_text: bool
) -> Fact:
    """What goes into the ledger: kinds, windows and reasons, nothing personal of ours."""
    data: dict[str, Any] = {"kind": str(change.kind)} | ({"by_text": True} if by_text else {})
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
