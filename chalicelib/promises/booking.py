"""Hold, extend, release, swap, confirm: each one conditional transaction on the routes it touches.

Every command reads strongly, decides, and commits on the versions it read; when one of them moved, it reads
and decides anew, a bounded number of times. Nothing else guards capacity, so nothing else has to agree with
it. Weak point: a command that meets other writers too often gives up, though there may be room; it says
so (503), and nothing was done.
"""

from dataclasses import dataclass, replace

from chalicelib.errors import Conflict, Expired, FieldError, IllegalTransition, InvalidRequest, NotFound
from chalicelib.events import Fact, FactKind, Tenant
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.planning import is_unassigned
from chalicelib.fleet.plans import plans_changed
from chalicelib.promises.facts import promise_fact, promised_data
from chalicelib.promises.model import Hold, HoldState, Offer, Order, Promise, PromiseState
from chalicelib.promises.offer_token import require_cart, require_fresh
from chalicelib.promises.outlook import Outlook, outlooks_in
from chalicelib.promises.placing import Placed, Ports, busy, place_without, take_out
from chalicelib.promises.store import CartClaim, Changes, OrderClaim
from chalicelib.receipts import Receipt
from chalicelib.routing.model import StopKind
from chalicelib.routing.packed import GHOST_GRACE
from chalicelib.units import HOUR, Seconds, StopId, Timestamp

LONGEST_HOLD: Seconds = HOUR
_EARLIER = 20  # given-up holds of a cart that the next one names: a shopper swaps a few times


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A promise, how it stands, and whether its hold had run out and the same slot was taken anew."""

    promise: Promise
    outlook: Outlook
    renewed: bool


class Booking:
    """From an offer to a promise."""

    def __init__(self, ports: Ports) -> None:
        self._ports, self._store = ports, ports.store

    def hold(
        self,
        tenant: Tenant,
        offer: Offer,
        cart_ref: str,
        now: Timestamp,
        receipt: Receipt[Hold],
        *,
        trusted: bool,
        replaces: StopId | None = None,
    ) -> Hold:
        """Claim a place for an offered slot; the cart's earlier hold is given up in the same transaction.

        Parameters
        ----------
        trusted
            The merchant's own server asks: a second hold of the same cart swaps without saying so.
        replaces
            The hold of this cart that the caller may, and wants to, give up.

        Raises
        ------
        BadToken, Expired
            The offer is another cart's, or ran out.
        Conflict
            `hold_exists`: the cart has a live hold that the caller did not name.
        NotFound, InvalidRequest
            There is no hold `replaces`, or it is another cart's.
        SlotTaken
            The last place went to someone else; carries alternatives.
        """
        require_cart(offer, cart_ref)
        require_fresh(offer, now)
        if replaces is not None and self.read_hold(tenant, replaces, now).cart_ref != cart_ref:
            wrong = FieldError("/replaces", "Input should be a hold of the same cart")
            raise InvalidRequest("The hold to be replaced is another cart's.", fields=[wrong])
        stop_id = self._ports.new_stop_id()
        for attempt in self._ports.attempts():
            seen = self._store.cart(tenant, cart_ref)
            old = self._live(tenant, seen, now)
            if old is not None and not trusted and old.stop_id != replaces:
                raise Conflict("This cart has a live hold; name it in `replaces`.", code="hold_exists")
            depot = self._store.depot(tenant, offer.depot_id)
            seconds = depot.booking.hold_seconds if depot else 0
            placed = place_without(
                self._ports,
                tenant,
                offer,
                stop_id,
                now,
                expires_at=min(now + seconds, offer.cutoff_at),
                attempt=attempt,
                leave=(old.stop_id, old.found) if old else None,
            )
            if placed is None:
                raise self._ports.taken(tenant, replace(offer, cart_ref=cart_ref), now)
            hold = Hold(
                stop_id=stop_id,
                cart_ref=cart_ref,
                state=HoldState.ACTIVE,
                offer=offer,
                created_at=now,
                expires_at=placed.expires_at,
                confidence=placed.outlook.kept,
                found=placed.found,
                earlier=(*old.earlier, old.stop_id)[-_EARLIER:] if old else (),
            )
            changes = Changes(
                routes=placed.writes,
                holds=(hold, replace(old, state=HoldState.RELEASED)) if old else (hold,),
                cart=CartClaim(cart_ref=cart_ref, seen=seen, now=stop_id),
                facts=plans_changed(placed.writes, now, "held"),
                receipt=receipt(hold),
            )
            if self._ports.committed(tenant, changes):
                return hold
        raise busy()

    def read_hold(self, tenant: Tenant, stop_id: StopId, now: Timestamp) -> Hold:
        """A hold as it stands now: one that ran out is expired, whether or not anybody cleared up.

        Raises
        ------
        NotFound
            There is no such hold.
        """
        hold = self._store.hold(tenant, stop_id)
        if hold is None:
            raise NotFound("There is no such hold.")
        lapsed = hold.state is HoldState.ACTIVE and not hold.live(now)
        return replace(hold, state=HoldState.EXPIRED) if lapsed else hold

    def extend(self, tenant: Tenant, stop_id: StopId, now: Timestamp, receipt: Receipt[Hold]) -> Hold:
        """Keep a hold for its depot's `hold_seconds` from now, an hour in all and never past the cut-off.

        Raises
        ------
        Expired
            `hold_expired`: it ran out before.
        IllegalTransition
            It was released or confirmed.
        """
        for _ in self._ports.attempts():
            hold = self.read_hold(tenant, stop_id, now)
            if hold.state is HoldState.EXPIRED:
                raise Expired("The hold has run out.", expired_at=hold.expires_at, code="hold_expired")
            self._require_active(hold)
            plans = self._ports.around(tenant, hold.found, now)
            holder = plans.holder(stop_id)
            at = holder.index_of(stop_id) if holder else None
            if holder is None or at is None or is_unassigned(holder):
                raise Expired("The hold has run out.", expired_at=hold.expires_at, code="hold_expired")
            latest = min(hold.created_at + LONGEST_HOLD, hold.offer.cutoff_at, holder.shift.loads_at)
            expires_at = max(hold.expires_at, min(now + plans.depot.booking.hold_seconds, latest))
            extended = replace(hold, expires_at=expires_at)
            changes = Changes(
                routes=(plans.write(holder.marked(at, expires_at=expires_at)),),
                holds=(extended,),
                receipt=receipt(extended),
            )
            if self._ports.committed(tenant, changes):
                return extended
        raise busy()

    def release(self, tenant: Tenant, stop_id: StopId, now: Timestamp) -> None:
        """Give a hold back: its capacity is free at once. What is gone already stays gone.

        Raises
        ------
        IllegalTransition
            It became a promise.
        """
        self._end(tenant, stop_id, now, HoldState.RELEASED)

    def expire(self, tenant: Tenant, stop_id: StopId, now: Timestamp) -> bool:
        """Clear up behind a hold that ran out; False if there is nothing to clear (yet)."""
        hold = self._store.hold(tenant, stop_id)
        if hold is None or _kept_on(hold, now):
            return False
        return self._end(tenant, stop_id, now, HoldState.EXPIRED)

    def _end(self, tenant: Tenant, stop_id: StopId, now: Timestamp, state: HoldState) -> bool:
        for _ in self._ports.attempts():
            hold = self._store.hold(tenant, stop_id)
            if hold is None:
                raise NotFound("There is no such hold.")
            if hold.state in (HoldState.RELEASED, HoldState.EXPIRED):
                return False
            if state is HoldState.EXPIRED and _kept_on(hold, now):
                return False
            self._require_active(hold)
            writes = take_out(self._ports.around(tenant, hold.found, now), stop_id, now)
            seen = self._store.cart(tenant, hold.cart_ref)
            changes = Changes(
                routes=writes,
                holds=(replace(hold, state=state),),
                cart=CartClaim(cart_ref=hold.cart_ref, seen=seen, now=None) if seen == stop_id else None,
                facts=plans_changed(writes, now, str(state)),
            )
            if self._ports.committed(tenant, changes):
                return True
        raise busy()

    def confirm_hold(
        self, tenant: Tenant, stop_id: StopId, order: Order, now: Timestamp, receipt: Receipt[Confirmed]
    ) -> Confirmed:
        """Turn a hold into a promise. One that ran out gets its slot again if it is still to be had.

        So does one whose promise was cancelled: whoever confirms has been paid.

        Raises
        ------
        Conflict
            `order_already_promised`, with the promise's id.
        SlotTaken
            The hold had run out and the slot is gone, or another order has the hold; carries alternatives.
        """
        for attempt in self._ports.attempts():
            hold = self._store.hold(tenant, stop_id)
            if hold is None:
                raise NotFound("There is no such hold.")
            claim = self._claim(tenant, order, stop_id)
            if hold.state is HoldState.CONFIRMED:
                made = self._store.promise(tenant, stop_id)
                if made is not None and not made.state.finished:
                    raise self._ports.taken(tenant, hold.offer, now)
                return self.confirm_offer(tenant, hold.offer, hold.cart_ref, order, now, receipt)
            kept = self._kept(tenant, hold, now) if hold.live(now) else None
            placed = kept or self._renewed(tenant, hold, now, attempt)
            if placed is None:
                raise self._ports.taken(tenant, hold.offer, now)
            promise = self._promise(stop_id, order, hold.offer, hold.cart_ref, placed, now)
            confirmed = Confirmed(promise=promise, outlook=placed.outlook, renewed=kept is None)
            seen = self._store.cart(tenant, hold.cart_ref)
            changes = Changes(
                routes=placed.writes,
                holds=(replace(hold, state=HoldState.CONFIRMED, found=placed.found),),
                promise=promise,
                order=claim,
                cart=CartClaim(cart_ref=hold.cart_ref, seen=seen, now=None) if seen == stop_id else None,
                facts=(_confirmed_fact(promise, now), *plans_changed(placed.writes, now, "confirmed")),
                receipt=receipt(confirmed),
            )
            if self._ports.committed(tenant, changes):
                return confirmed
        raise busy()

    def confirm_offer(
        self,
        tenant: Tenant,
        offer: Offer,
        cart_ref: str | None,
        order: Order,
        now: Timestamp,
        receipt: Receipt[Confirmed],
    ) -> Confirmed:
        """Turn an offer straight into a promise; one that ran out is tried all the same: the order is paid.

        Parameters
        ----------
        cart_ref
            Its live hold is given up for the promise; the cart the offer was issued to, unless given.

        Raises
        ------
        BadToken
            The offer is another cart's.
        Conflict
            `order_already_promised`, with the promise's id.
        SlotTaken
            The slot is gone; carries alternatives.
        """
        cart_ref = offer.cart_ref if cart_ref is None else cart_ref
        require_cart(offer, cart_ref or "")
        stop_id = self._ports.new_stop_id()
        for attempt in self._ports.attempts():
            claim = self._claim(tenant, order, stop_id)
            seen = self._store.cart(tenant, cart_ref) if cart_ref else None
            old = self._live(tenant, seen, now)
            placed = place_without(
                self._ports,
                tenant,
                offer,
                stop_id,
                now,
                expires_at=0,
                attempt=attempt,
                leave=(old.stop_id, old.found) if old else None,
            )
            if placed is None:
                raise self._ports.taken(tenant, offer, now)
            promise = self._promise(stop_id, order, offer, cart_ref, placed, now)
            confirmed = Confirmed(promise=promise, outlook=placed.outlook, renewed=now >= offer.expires_at)
            changes = Changes(
                routes=placed.writes,
                holds=(replace(old, state=HoldState.RELEASED),) if old else (),
                promise=promise,
                order=claim,
                cart=CartClaim(cart_ref=cart_ref, seen=seen, now=None) if cart_ref and seen else None,
                facts=(_confirmed_fact(promise, now), *plans_changed(placed.writes, now, "confirmed")),
                receipt=receipt(confirmed),
            )
            if self._ports.committed(tenant, changes):
                return confirmed
        raise busy()

    def _live(self, tenant: Tenant, stop_id: StopId | None, now: Timestamp) -> Hold | None:
        hold = self._store.hold(tenant, stop_id) if stop_id is not None else None
        return hold if hold is not None and hold.live(now) else None

    def _claim(self, tenant: Tenant, order: Order, stop_id: StopId) -> OrderClaim:
        """The order's row as it may be written: free, or left by a promise that is finished."""
        seen = self._store.order(tenant, order.order_ref, order.shipment_ref)
        earlier = self._store.promise(tenant, seen) if seen is not None else None
        if earlier is not None and not earlier.state.finished:
            raise _already_promised(earlier.stop_id)
        return OrderClaim(order_ref=order.order_ref, shipment_ref=order.shipment_ref, seen=seen, now=stop_id)

    def _kept(self, tenant: Tenant, hold: Hold, now: Timestamp) -> Placed | None:
        """The hold's own place as a promise; None if it is not there any more."""
        plans = self._ports.around(tenant, hold.found, now)
        holder = plans.holder(hold.stop_id)
        at = holder.index_of(hold.stop_id) if holder else None
        if holder is None or at is None or is_unassigned(holder) or now >= holder.shift.loads_at:
            return None
        promised = holder.marked(at, kind=StopKind.PROMISED, expires_at=0)
        return Placed(
            writes=(plans.write(promised),),
            found=plans.found(holder),
            outlook=outlooks_in(plans, promised, [hold.stop_id], now)[hold.stop_id],
        )

    def _renewed(self, tenant: Tenant, hold: Hold, now: Timestamp, attempt: int) -> Placed | None:
        return place_without(
            self._ports,
            tenant,
            hold.offer,
            hold.stop_id,
            now,
            expires_at=0,
            attempt=attempt,
            leave=(hold.stop_id, hold.found),
        )

    def _promise(
        self,
        stop_id: StopId,
        order: Order,
        offer: Offer,
        cart_ref: str | None,
        placed: Placed,
        now: Timestamp,
    ) -> Promise:
        return Promise(
            stop_id=stop_id,
            state=PromiseState.CONFIRMED,
            order=order,
            delivery=offer.delivery,
            depot_id=offer.depot_id,
            slot_id=offer.slot_id,
            day=offer.day,
            window=offer.window,
            told_window=offer.window,
            timezone=offer.timezone,
            cutoff_at=offer.cutoff_at,
            price=offer.price,
            found=placed.found,
            tracking_token=self._ports.new_token(),
            created_at=now,
            sequence=1,
            cart_ref=cart_ref,
        )

    @staticmethod
    def _require_active(hold: Hold) -> None:
        if hold.state is not HoldState.ACTIVE:
            raise IllegalTransition(f"The hold is {hold.state}.", extra={"state": str(hold.state)})


def _kept_on(hold: Hold, now: Timestamp) -> bool:
    """Whether somebody came before the expiry: the hold was confirmed, or extended."""
    return hold.state is not HoldState.ACTIVE or now < hold.expires_at + GHOST_GRACE


def _already_promised(stop_id: StopId) -> Conflict:
    return Conflict(
        "This order has an open promise already.",
        code="order_already_promised",
        extra={"promise_id": promise_id(stop_id)},
    )


def _confirmed_fact(promise: Promise, now: Timestamp) -> Fact:
    return promise_fact(FactKind.PROMISE_CONFIRMED, promise, now, promised_data(promise))
