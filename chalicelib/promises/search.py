"""Which slots can this buyer have? Answered from the live routes, never from a counter.

A slot is offered only with a proven place in a van's route; a refused one says why. Same state, same answer.
Weak point: depots that serve the same address are answered one after the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from chalicelib.errors import NotFound, OffRoad, Upstream
from chalicelib.events import Tenant
from chalicelib.fleet.area import metres_between, serves
from chalicelib.fleet.calendar import local_date, slots_between
from chalicelib.fleet.model import Depot, Handover, Slot
from chalicelib.fleet.planning import DepotPlans, Planner
from chalicelib.promises.model import Address, Answered, Delivery, Grade, Listed, Offer, Promise, Reason
from chalicelib.promises.refusals import LEAST_TO_CUTOFF, Refusals, Vans
from chalicelib.promises.shaping import shaped
from chalicelib.promises.store import PromiseStore
from chalicelib.routing.edit import Place, detours, metres_saved
from chalicelib.routing.insertion import Proof
from chalicelib.routing.model import Load, Location, TimeWindow, Visit
from chalicelib.routing.travel_times import Places, StraightLine, TravelTimes
from chalicelib.units import MINUTE, Metres, Seconds, StopId, Timestamp

OFFER_LIFE: Seconds = 30 * MINUTE
DEFAULT_DAYS = 7
MOST_ALTERNATIVES = 5
MOST_DEPOTS = 5  # in one answer: with as many slots as a depot may have, that is the 5 MB a function can give
_ONE_PARCEL = Load(parcels=1)
_BEST: Seconds = 2 * MINUTE  # extra driving above the cheapest slot's
_GOOD: Seconds = 10 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotQuery:
    """What a storefront asks.

    Attributes
    ----------
    service_time, handover
        The depot's, when the query says nothing.
    cart_ref
        Binds the offers to a cart, and leaves that cart's own hold out of the way.
    detours
        Whether to work out the added distance: only merchants see it.
    """

    location: Location
    address: Address | None = None
    load: Load = _ONE_PARCEL
    skills: frozenset[str] = frozenset()
    handover: Handover | None = None
    service_time: Seconds | None = None
    depot_id: str | None = None
    from_date: date | None = None
    days: int = DEFAULT_DAYS
    cart_ref: str | None = None
    detours: bool = True

    def delivery_from(self, depot: Depot) -> Delivery:
        """What it asks of one depot, with that depot's defaults."""
        return Delivery(
            location=self.location,
            address=self.address,
            load=self.load,
            skills=self.skills,
            service_time=self.service_time or depot.service.of(self.load.parcels),
            handover=self.handover or depot.handover,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One depot's part of a search.

    Attributes
    ----------
    leave_out
        A stop to overlook: the caller's own hold, or the promise that wants to move.
    promise
        The promise the offers are for, if they are to move one: then all that is possible is shown, whatever
        the merchant's policy for new orders.
    loads_from
        Only of vans that are loaded from then on: the parcel is on another until it is back.
    """

    depot: Depot
    delivery: Delivery
    first: date
    last: date
    cart_ref: str | None = None
    leave_out: StopId | None = None
    promise: StopId | None = None
    detours: bool = True
    loads_from: Timestamp = 0

    @staticmethod
    def within(depot: Depot, promise: Promise, now: Timestamp, *, days: int) -> "Asked":
        """What a promise that wants to move asks: the next days, its own stop out of the way."""
        today = local_date(depot, now)
        horizon = min(days, depot.booking.horizon_days)
        return Asked(
            depot=depot,
            delivery=promise.delivery,
            first=today,
            last=today + timedelta(days=horizon - 1),
            leave_out=promise.stop_id,
            promise=promise.stop_id,
            detours=False,
        )


class SlotSearch:
    """Answers searches; one per process."""

    def __init__(self, store: PromiseStore, planner: Planner) -> None:
        self._store, self._planner = store, planner

    def search(self, tenant: Tenant, query: SlotQuery, now: Timestamp) -> Answered:
        """Answer a storefront: every slot of every depot that serves the address, sold-out ones included.

        Where more than `MOST_DEPOTS` serve it, the nearest of them answer.

        Raises
        ------
        NotFound
            The merchant has no such depot, or none at all.
        """
        own = self._store.cart(tenant, query.cart_ref) if query.cart_ref else None
        depots = self._depots(tenant, query)
        listed, live = list[Listed](), True
        for depot in depots:
            today = local_date(depot, now)
            first = max(query.from_date or today, today)
            horizon = today + timedelta(days=depot.booking.horizon_days - 1)
            asked = Asked(
                depot=depot,
                delivery=query.delivery_from(depot),
                first=first,
                last=min(first + timedelta(days=query.days - 1), horizon),
                cart_ref=query.cart_ref,
                leave_out=own,
                detours=query.detours,
            )
            slots, on_roads = self.listed(tenant, asked, now)
            listed += slots
            live = live and on_roads
        listed.sort(key=lambda slot: (slot.window.start, slot.window.end, slot.slot_id))
        offers = [slot.offer.expires_at for slot in listed if slot.offer]
        return Answered(
            computed_at=now,
            expires_at=min(offers, default=now + OFFER_LIFE),
            timezone=depots[0].timezone,
            live=live,
            slots=tuple(listed),
        )

    def alternatives(self, tenant: Tenant, offer: Offer, now: Timestamp) -> list[Listed]:
        """Other slots for the same delivery, nearest in time first: nobody is left with a bare no."""
        depot = self._store.depot(tenant, offer.depot_id)
        if depot is None:
            return []
        today = local_date(depot, now)
        asked = Asked(
            depot=depot,
            delivery=offer.delivery,
            first=max(offer.day - timedelta(days=2), today),
            last=min(
                max(offer.day, today) + timedelta(days=4),
                today + timedelta(days=depot.booking.horizon_days - 1),
            ),
            cart_ref=offer.cart_ref,
            leave_out=offer.promise,
            promise=offer.promise,
            detours=False,
        )
        offered = [slot for slot in self.listed(tenant, asked, now)[0] if slot.offer]
        offered.sort(key=lambda slot: (abs(slot.window.start - offer.window.start), slot.window.start))
        return offered[:MOST_ALTERNATIVES]

    def listed(self, tenant: Tenant, asked: Asked, now: Timestamp) -> tuple[list[Listed], bool]:
        """One depot's slots, and whether real travel times answered (False: the straight line did)."""
        if asked.first > asked.last:
            return [], True
        slots = slots_between(asked.depot, asked.first, asked.last)
        if not _serves(asked.depot, asked.delivery.location):
            return [_refused(asked, slot, slot.window.start, Reason.OUT_OF_AREA) for slot in slots], True
        plans = self._planner.read(tenant, asked.depot, asked.first, asked.last, now=now, consistent=False)
        try:
            return self._answer(plans, asked, slots, plans.travel, now), plans.answering
        except Upstream:
            return self._answer(plans, asked, slots, StraightLine(), now), False

    def _depots(self, tenant: Tenant, query: SlotQuery) -> Sequence[Depot]:
        if query.depot_id is not None:
            depot = self._store.depot(tenant, query.depot_id)
            if depot is None:
                raise NotFound(f"There is no depot {query.depot_id!r}.")
            return [depot]
        depots = self._store.depots(tenant)
        if not depots:
            raise NotFound("There is no depot yet.")
        serving = [depot for depot in depots if _serves(depot, query.location)]
        if len(serving) > MOST_DEPOTS:
            near = sorted(serving, key=lambda depot: metres_between(depot.location, query.location))
            serving = [depot for depot in serving if depot in near[:MOST_DEPOTS]]
        return serving or depots[:1]

    def _answer(
        self, plans: DepotPlans, asked: Asked, slots: Sequence[Slot], travel: TravelTimes, now: Timestamp
    ) -> list[Listed]:
        if asked.leave_out is not None:
            plans = plans.without_stop(asked.leave_out, now)
        if asked.loads_from:
            plans = plans.loading_from(asked.loads_from)
        try:
            visit = asked.delivery.visit(travel)
        except OffRoad:
            return [_refused(asked, slot, slot.window.start, Reason.NO_ROUTE_FIT) for slot in slots]
        vans = Vans.of(plans, visit, now)
        cutoffs = [vans.cutoff(asked.depot, slot) for slot in slots]
        searched = [
            at
            for at, (slot, cutoff_at) in enumerate(zip(slots, cutoffs, strict=True))
            if slot.sell and vans.working(slot.window).any() and now + LEAST_TO_CUTOFF <= cutoff_at
        ]
        windows = [slots[at].window for at in searched]
        best = _best(plans, visit, windows, now, travel)
        proofs = dict(zip(searched, best, strict=True))
        refusals = Refusals(
            plans, vans, visit, travel, now, [slots[at].window for at in searched if not proofs[at]]
        )
        metres = _extra_metres([proof for proof in best if proof], visit, travel) if asked.detours else {}
        cheapest = min((proof.extra for proof in best if proof), default=0)
        answer = []
        for at, (slot, cutoff_at) in enumerate(zip(slots, cutoffs, strict=True)):
            proof = proofs.get(at)
            if proof is None:
                answer.append(_refused(asked, slot, cutoff_at, refusals.reason(slot, cutoff_at)))
            else:
                answer.append(offered(asked, slot, cutoff_at, proof, cheapest, metres, now))
        return answer if asked.promise is not None else shaped(asked.depot, answer)


def _best(
    plans: DepotPlans, visit: Visit, windows: Sequence[TimeWindow], now: Timestamp, travel: TravelTimes
) -> list[Proof | None]:
    """For each window a proven place; where there is none, one for which another stop makes room."""
    if not windows:
        return []
    best = plans.insertion(visit, windows, now, travel).best()
    full = [at for at, proof in enumerate(best) if proof is None]
    if full:
        made = plans.ejection(visit, [windows[at] for at in full], now, travel).best()
        for at, proof in zip(full, made, strict=True):
            best[at] = proof
    return best


def _serves(depot: Depot, location: Location) -> bool:
    return serves(depot.service_area, depot.location, location)


def _refused(asked: Asked, slot: Slot, cutoff_at: Timestamp, reason: Reason) -> Listed:
    return Listed(
        slot_id=slot.slot_id,
        depot_id=asked.depot.depot_id,
        window=slot.window,
        timezone=asked.depot.timezone,
        cutoff_at=cutoff_at,
        price=slot.price,
        reason=reason,
    )


def offered(
    asked: Asked,
    slot: Slot,
    cutoff_at: Timestamp,
    proof: Proof,
    cheapest: Seconds,
    metres: Mapping[int, Metres],
    now: Timestamp,
) -> Listed:
    """List a slot that can be had, with its offer.

    Parameters
    ----------
    cheapest
        The least extra driving of any slot: what its grade is measured by.
    metres
        Added distances, by the identity of their proof.
    """
    extra = proof.extra
    above = extra - cheapest
    offer = Offer(
        depot_id=asked.depot.depot_id,
        slot_id=slot.slot_id,
        day=slot.date,
        window=slot.window,
        delivery=asked.delivery,
        price=slot.price,
        timezone=asked.depot.timezone,
        cutoff_at=cutoff_at,
        issued_at=now,
        expires_at=min(now + OFFER_LIFE, cutoff_at),
        cart_ref=asked.cart_ref,
        promise=asked.promise,
    )
    return Listed(
        slot_id=slot.slot_id,
        depot_id=asked.depot.depot_id,
        window=slot.window,
        timezone=asked.depot.timezone,
        cutoff_at=cutoff_at,
        price=slot.price,
        confidence=round(proof.confidence, 3),
        extra_seconds=extra,
        extra_metres=metres.get(id(proof)),
        grade=Grade.BEST if above <= _BEST else Grade.GOOD if above <= _GOOD else Grade.FAIR,
        offer=offer,
    )


def _extra_metres(proofs: Sequence[Proof], visit: Visit, travel: TravelTimes) -> dict[int, Metres]:
    """Added distance of each proof, by identity; one travel-time call for all."""
    if not proofs:
        return {}
    here = Place(location=visit.location, node=visit.node)
    owners = [(id(proof), way) for proof in proofs for way in detours(proof, here)]
    before, middle, behind = (_places([way[at] for _, way in owners]) for at in range(3))
    _, way_in = travel.pairs(before, middle)
    _, way_out = travel.pairs(middle, behind)
    extra = dict.fromkeys(map(id, proofs), 0)
    for (owner, _), metres in zip(owners, (way_in + way_out).tolist(), strict=True):
        extra[owner] += metres
    for proof in proofs:
        extra[id(proof)] -= metres_saved(proof)
    return extra


def _places(places: Sequence[Place]) -> Places:
    return Places.of([place.location for place in places], [place.node for place in places])
