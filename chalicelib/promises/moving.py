"""Where a promise can still go: any van as long as its parcel is at the depot, else later on its own van.

The one place that says it, for whoever asks, for refusals that name the next best, and for slots that are
offered unasked. Weak point: a parcel that is on a van is not promised to another one before that van's shift
ends, however early it is back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.errors import OffRoad
from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.planning import DepotPlans, is_unassigned
from chalicelib.promises.aboard import Aboard
from chalicelib.promises.model import Listed, Promise, PromiseState, Refusal, Standing
from chalicelib.promises.outlook import Outlook, Today
from chalicelib.promises.placing import Ports
from chalicelib.promises.search import DEFAULT_DAYS, MOST_ALTERNATIVES, Asked, offered
from chalicelib.routing.packed import Route
from chalicelib.units import Seconds, Timestamp

MOVABLE = (PromiseState.CONFIRMED, PromiseState.OUT_FOR_DELIVERY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movable:
    """A promise, and where its parcel is.

    Attributes
    ----------
    plans
        Those around it.
    holder
        The route that has it; None if that is no van's.
    today
        The day of that route; None if there is none.
    aboard
        The van it is on; None while its parcel is at the depot.
    cutoff
        How long before the van is expected its parcel may still be taken off the route.
    """

    promise: Promise
    plans: DepotPlans
    holder: Route | None
    today: Today | None
    aboard: Aboard | None
    cutoff: Seconds
    now: Timestamp

    @staticmethod
    def of(
        ports: Ports, tenant: Tenant, promise: Promise, now: Timestamp, *, cutoff: Seconds = 0
    ) -> "Movable":
        """Look where a promise is; one that we offer to move has no cut-off.

        Cost: a read of the plans around it, and one of each of its van's shifts.

        Raises
        ------
        NotFound
            Its depot is gone.
        """
        plans = ports.around(tenant, promise.found, now)
        holder, today, aboard = plans.holder(promise.stop_id), None, None
        if holder is not None and is_unassigned(holder):
            holder = None
        if holder is not None:
            day = plans.found(holder).day
            today = Today.read(ports.store, tenant, plans, day, now, routes=[holder])
            aboard = Aboard.of(today, holder, promise.stop_id)
        return Movable(
            promise=promise,
            plans=plans,
            holder=holder,
            today=today,
            aboard=aboard,
            cutoff=cutoff,
            now=now,
        )

    @property
    def cutoff_at(self) -> Timestamp | None:
        """Until when it may leave its place; None where nothing but the van itself limits that.

        The published cut-off binds whose parcel is loaded, is not tried yet and stands well. Whom we endanger
        may go until the van is on its way to them.
        """
        aboard = self.aboard
        if aboard is None or aboard.expected_at is None or self.promise.standing is not Standing.SAFE:
            return None
        return aboard.expected_at - self.cutoff

    @property
    def refusal(self) -> Refusal | None:
        """Why it may not leave its place; None if it may."""
        if self.promise.state.finished:
            return Refusal.FINISHED
        awaited = self.aboard is not None and self.aboard.awaited
        if awaited or self.promise.state not in MOVABLE:
            return Refusal.VAN_ON_ITS_WAY
        if self.cutoff_at is not None and self.now > self.cutoff_at:
            return Refusal.CUTOFF_PASSED
        return None

    @property
    def outlook(self) -> Outlook | None:
        """How it stands where it is; None if no van has it, or it is behind."""
        if self.today is None or self.holder is None:
            return None
        return self.today.outlooks(self.holder, [self.promise.stop_id]).get(self.promise.stop_id)

    def slots(self, ports: Ports, tenant: Tenant, *, days: int) -> list[Listed]:
        """Every slot of the next days, as an offer where it can have it; none where it may not leave."""
        if self.refusal is not None:
            return []
        asked = Asked.within(self.plans.depot, self.promise, self.now, days=days)
        if self.aboard is None:
            return ports.search.listed(tenant, asked, self.now)[0]
        asked = replace(asked, loads_from=self.aboard.back_at)
        own = {slot.slot_id: slot for slot in self._on_its_van(asked, self.aboard)}
        listed = ports.search.listed(tenant, asked, self.now)[0]
        return [own.get(slot.slot_id, slot) for slot in listed]

    def nearest(self, ports: Ports, tenant: Tenant, *, most: int = MOST_ALTERNATIVES) -> list[Listed]:
        """What it can have instead, nearest in time first."""
        if self.aboard is None:
            own = self.promise.own_slot(self.now, 0)
            return ports.search.alternatives(tenant, own, self.now)[:most]
        slots = [slot for slot in self.slots(ports, tenant, days=DEFAULT_DAYS) if slot.offer]
        window = self.promise.window
        slots.sort(key=lambda slot: (abs(slot.window.start - window.start), slot.window.start))
        return slots[:most]

    def _on_its_van(self, asked: Asked, aboard: Aboard) -> Sequence[Listed]:
        try:
            visit = self.promise.delivery.visit(self.plans.travel)
        except OffRoad:
            return []
        found = list(aboard.slots(visit))
        cheapest = min((proof.extra for _, proof in found), default=0)
        return [offered(asked, slot, slot.window.end, proof, cheapest, {}, self.now) for slot, proof in found]


def route_changed(aboard: Aboard, promise: Promise, now: Timestamp, *, actor: Actor) -> Fact:
    """Say of a loaded van that what it has ahead is not what it was: who judges the day looks again."""
    van = aboard.progress
    return Fact(
        kind=FactKind.ROUTE_CHANGED,
        at=now,
        actor=actor,
        subject=str(van.plan),
        sequence=0,
        data={"shift_id": van.shift_id, "promise_id": promise_id(promise.stop_id)},
    )
