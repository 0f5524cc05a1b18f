"""Forgets where somebody lives in the plans that were driven there: the routes, and what vans reported.

As long as a day is driven, or not learned yet, its routes need their places; so it is come back for them.
When a row goes stays as it was, or whoever else is in it would be kept for longer. Weak point: a day that is
not learned within a day is not waited for any longer, and learns two legs that were evened out.
"""

from dataclasses import replace
from typing import Final

from chalicelib.erasure.store import ErasureStore
from chalicelib.events import Tenant
from chalicelib.fleet.learning import SETTLES
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress
from chalicelib.promises.model import Promise
from chalicelib.promises.placing import Ports
from chalicelib.routing.blurred import blurred
from chalicelib.units import DAY, HOUR, Seconds, StopId, Timestamp

LEARNED_WITHIN: Final[Seconds] = DAY  # of its time, which is tried every minute


class Places:
    """Blurs places; holds no state."""

    def __init__(self, store: ErasureStore, ports: Ports) -> None:
        self._store, self._ports = store, ports

    def forget(self, tenant: Tenant, promise: Promise, now: Timestamp) -> Timestamp | None:
        """Blur a promise's place in the plans it is in; gives when to come back for those that need it yet.

        Raises
        ------
        StaleWrite
            Other writers were faster each time.
        """
        later = [self._forget(tenant, plan, promise.stop_id, now) for plan in _plans(promise)]
        return max(filter(None, later), default=None)

    def _forget(self, tenant: Tenant, plan: PlanKey, stop_id: StopId, now: Timestamp) -> Timestamp | None:
        return self._ports.retried(lambda: self._blur(tenant, plan, stop_id, now))

    def _blur(self, tenant: Tenant, plan: PlanKey, stop_id: StopId, now: Timestamp) -> Timestamp | None:
        found = self._store.routes(tenant, plan.depot_id, first=plan.day, last=plan.day, consistent=True)
        routes = [route for _, route in found]
        if all(route.index_of(stop_id) is None for route in routes):
            return None
        driven = self._store.progresses(tenant, plan)
        settled_at = max(route.shift.ends_at for route in routes) + SETTLES
        if now < settled_at:
            return settled_at + HOUR
        if driven and now < settled_at + LEARNED_WITHIN and not self._is_learned(tenant, plan):
            return now + HOUR
        for route in routes:
            if (after := blurred(route, stop_id)) is not route:
                self._store.people.rewrite_route(tenant, plan, after)
        for progress in driven.values():
            if (told := without_place(progress, stop_id)) is not progress:
                self._store.people.rewrite_progress(tenant, told)
        return None

    def _is_learned(self, tenant: Tenant, plan: PlanKey) -> bool:
        depot = self._store.depot(tenant, plan.depot_id)
        return depot is None or self._store.pasts.stored_past(tenant, depot).has(plan.day)


def without_place(progress: Progress, stop_id: StopId) -> Progress:
    """What a van reported, without where that was if it was at this stop; the very same if it was not.

    Where it was seen last may be the door.
    """
    met = [each for each in progress.incidents if each.stop_id == stop_id and each.location]
    seen = progress.visit(stop_id) is not None and (progress.seen or progress.doubted)
    if not met and not seen:
        return progress
    incidents = tuple(replace(each, location=None) if each in met else each for each in progress.incidents)
    return replace(progress, incidents=incidents, seen=None, doubted=None)


def _plans(promise: Promise) -> set[PlanKey]:
    """The plans a promise may have a stop in: its own, and those it was tried on."""
    tried = {PlanKey(depot_id=each.depot_id, day=each.day) for each in promise.attempts}
    found = promise.found
    return {
        PlanKey(depot_id=promise.depot_id, day=promise.day),
        PlanKey(depot_id=found.depot_id, day=found.day),
        *tried,
    }
