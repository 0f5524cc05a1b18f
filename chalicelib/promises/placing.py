"""Putting a stop into the plans, and taking one out: what every sale and every change has in common.

Nothing is written here: what is decided is answered as writes on the versions that were read. Weak point:
writers that meet at one gap repeat the work of the loser; they spread over the next best places after their
first collision.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chalicelib.errors import NotFound, OffRoad, SlotTaken, StaleWrite
from chalicelib.events import Tenant
from chalicelib.fleet.calendar import slot_of
from chalicelib.fleet.planning import DepotPlans, Found, Planner
from chalicelib.fleet.plans import RouteWrite
from chalicelib.promises.model import Offer
from chalicelib.promises.outlook import Outlook, outlooks_in
from chalicelib.promises.search import SlotSearch
from chalicelib.promises.store import Changes, PromiseStore, WriteRefused
from chalicelib.routing.edit import with_room_made, with_stop
from chalicelib.routing.insertion import Proof
from chalicelib.routing.model import Stop, StopKind
from chalicelib.routing.packed import Route
from chalicelib.units import StopId, Timestamp

if TYPE_CHECKING:
    from chalicelib.routing.ejection import Ejection
    from chalicelib.routing.insertion import Insertion

ATTEMPTS = 10

type Pause = Callable[[int], None]
"""Waits before the n-th repetition, longer each time and by chance, so that colliding writers part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A stop in a route, not written yet.

    Attributes
    ----------
    expires_at
        When the hold ends, at the latest when its van is loaded; 0 for a promise.
    outlook
        How the stop stands on the route as it is about to be written.
    """

    writes: tuple[RouteWrite, ...]
    found: Found
    outlook: Outlook
    expires_at: Timestamp = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What booking and changing need of the world.

    Attributes
    ----------
    new_stop_id, new_token
        Fresh ids: of a stop, and of a tracking page.
    """

    store: PromiseStore
    planner: Planner
    search: SlotSearch
    new_stop_id: Callable[[], StopId]
    new_token: Callable[[], str]
    pause: Pause

    def attempts(self) -> Iterator[int]:
        """Number the tries of one command, pausing between them."""
        for attempt in range(ATTEMPTS):
            if attempt:
                self.pause(attempt)
            yield attempt

    def retried[R](self, attempt: Callable[[], R]) -> R:
        """Decide and write anew while other writers are faster.

        Raises
        ------
        StaleWrite
            Every attempt met one; nothing was done.
        """
        for number in range(1, ATTEMPTS):
            try:
                return attempt()
            except StaleWrite:
                self.pause(number)
        return attempt()

    def committed(self, tenant: Tenant, changes: Changes) -> bool:
        """Apply what one attempt decided; False if another writer was faster, and nothing was done."""
        try:
            self.store.commit(tenant, changes)
        except WriteRefused:
            return False
        return True

    def plans_of(self, tenant: Tenant, offer: Offer, now: Timestamp) -> DepotPlans:
        """The plans an offer may be kept by, read strongly.

        Raises
        ------
        SlotTaken
            The depot is gone.
        """
        depot = self.store.depot(tenant, offer.depot_id)
        if depot is None:
            raise SlotTaken("The depot of this slot is no longer there.", extra={"alternatives": []})
        return self.planner.read(tenant, depot, offer.day, offer.day, now=now, consistent=True)

    def around(self, tenant: Tenant, found: Found, now: Timestamp) -> DepotPlans:
        """The plans around the place where a stop was last seen, read strongly."""
        depot = self.store.depot(tenant, found.depot_id)
        if depot is None:
            raise NotFound("The depot is no longer there.")
        return self.planner.read(tenant, depot, found.day, found.day, now=now, consistent=True)

    def taken(self, tenant: Tenant, offer: Offer, now: Timestamp) -> SlotTaken:
        """Say that a slot is gone, with what could be had instead."""
        alternatives = self.search.alternatives(tenant, offer, now)
        return SlotTaken(
            "The last place in this slot went to someone else.", extra={"alternatives": alternatives}
        )


def busy() -> WriteRefused:
    """Every bounded attempt met another writer: nothing was done, and trying again is safe."""
    return WriteRefused(frozenset())


def place(
    plans: DepotPlans, offer: Offer, stop_id: StopId, now: Timestamp, *, expires_at: Timestamp, attempt: int
) -> Placed | None:
    """Put a stop into the routes for an offered slot; None if it fits nowhere any more.

    Parameters
    ----------
    expires_at
        When the hold ends; 0 makes it a promise.
    attempt
        From the second on, writers spread over the proven places instead of meeting at the best.
    """
    slot = slot_of(plans.depot, offer.slot_id)
    if now >= offer.cutoff_at or (slot is not None and not slot.sell):
        return None
    try:
        visit = offer.delivery.visit(plans.travel)
    except OffRoad:
        return None
    kind = StopKind.HELD if expires_at else StopKind.PROMISED
    stop = visit.stop(stop_id, offer.window, kind=kind, expires_at=expires_at)
    return fitted(plans, stop, now, attempt=attempt)


def fitted(
    plans: DepotPlans, stop: Stop, now: Timestamp, *, attempt: int, only: str | None = None
) -> Placed | None:
    """Put a stop where it costs least driving and wrongs nobody; None if there is no such place.

    Where nothing fits directly, another stop may change vans to make room.

    Parameters
    ----------
    stop
        Its node is of the plans' engine. A hold ends at the latest when its van is loaded.
    attempt
        From the second on, writers spread over the proven places instead of meeting at the best.
    only
        The one shift that may take it, as it is.
    """
    proofs = _proofs(plans, stop, now, spread=attempt > 0, only=only)
    if not proofs:
        return None
    proof = proofs[(stop.stop_id + attempt) % len(proofs)]
    expires_at = min(stop.expires_at, proof.candidate.route.shift.loads_at) if stop.expires_at else 0
    changed = _changed(plans, proof, replace(stop, expires_at=expires_at), now)
    if not changed:
        return None
    return Placed(
        writes=tuple(plans.write(route) for route in changed),
        found=plans.found(changed[0]),
        outlook=outlooks_in(plans, changed[0], [stop.stop_id], now)[stop.stop_id],
        expires_at=expires_at,
    )


def _proofs(plans: DepotPlans, stop: Stop, now: Timestamp, *, spread: bool, only: str | None) -> list[Proof]:
    """The best proven place, or all of those tried; only where there is none may another stop make room."""
    direct = _found(plans.insertion(stop.visit, [stop.window], now, only=only), spread=spread)
    if direct or only is not None:
        return direct
    return _found(plans.ejection(stop.visit, [stop.window], now), spread=spread)


def _found(search: "Insertion | Ejection", *, spread: bool) -> list[Proof]:
    return search.choices() if spread else [proof for proof in search.best() if proof]


def _changed(plans: DepotPlans, proof: Proof, stop: Stop, now: Timestamp) -> tuple[Route, ...]:
    """The routes as they would be, that of the new stop first; none if they do not hold on real legs."""
    if proof.moved is not None:
        return with_room_made(proof, stop, plans.travel, now, plans.world) or ()
    route = with_stop(proof.candidate, stop, plans.travel, now, plans.world)
    return () if route is None else (route,)


def place_without(
    ports: Ports,
    tenant: Tenant,
    offer: Offer,
    stop_id: StopId,
    now: Timestamp,
    *,
    expires_at: Timestamp,
    attempt: int,
    leave: tuple[StopId, Found] | None,
) -> Placed | None:
    """Place a stop while another (or its own old place) is given up; every route is written once."""
    plans = ports.plans_of(tenant, offer, now)
    left = _given_up(ports, tenant, plans, *leave, now) if leave else None
    if left is not None:
        plans = plans.with_route(left[1])
    placed = place(plans, offer, stop_id, now, expires_at=expires_at, attempt=attempt)
    if placed is None or left is None:
        return placed
    if left[1].shift.shift_id in {write.route.shift.shift_id for write in placed.writes}:
        return placed
    return replace(placed, writes=(*placed.writes, left[0].write(left[1])))


def _given_up(
    ports: Ports, tenant: Tenant, plans: DepotPlans, stop_id: StopId, found: Found, now: Timestamp
) -> tuple[DepotPlans, Route] | None:
    """The route a stop was in as it is without it, and the plans that know it; None if it is in none."""
    if plans.holder(stop_id) is None:
        plans = ports.around(tenant, found, now)
    holder = plans.holder(stop_id)
    if holder is None:
        return None
    plans = plans.without_stop(stop_id, now)
    return plans, plans.same_shift(holder)


def take_out(plans: DepotPlans, stop_id: StopId, now: Timestamp) -> tuple[RouteWrite, ...]:
    """Give a stop's place up; no write where it has none."""
    holder = plans.holder(stop_id)
    if holder is None:
        return ()
    emptied = plans.without_stop(stop_id, now)
    return (emptied.write(emptied.same_shift(holder)),)
