"""What people set right afterwards: a mis-tap undone, and calls of buyers written down.

A correction is the only thing that opens a finished promise, and only for a while: ten minutes for whoever
drives, a week for the office. What the shift keeps of the stop is corrected in the same transaction, so that
the driver's next events mean what they say. Weak point: only the last attempt can be corrected.
"""

from dataclasses import dataclass, replace
from typing import Final

from chalicelib.errors import Conflict, IllegalTransition, NotFound
from chalicelib.events import Actor, Tenant
from chalicelib.fleet.plans import PlanKey, RouteWrite, plans_changed
from chalicelib.fleet.progress import Progress
from chalicelib.merchants.model import ShiftPass
from chalicelib.motion.attempts import corrected
from chalicelib.motion.store import MotionChanges, MotionStore
from chalicelib.promises.model import Attempt, Outcome, Promise, PromiseState
from chalicelib.promises.placing import Ports, take_out
from chalicelib.receipts import Receipt
from chalicelib.units import DAY, MINUTE, Seconds, StopId, Timestamp

DRIVERS: Final[Seconds] = 10 * MINUTE
OFFICES: Final[Seconds] = 7 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What an attempt really came to.

    Attributes
    ----------
    held
        What the caller's key is good for, if it is a driver's.
    """

    outcome: Outcome
    why: str
    actor: Actor
    held: ShiftPass | None = None

    @property
    def good_for(self) -> Seconds:
        """How long after an attempt it may still be made."""
        return DRIVERS if self.actor is Actor.DRIVER else OFFICES


class Corrections:
    """Setting right what was reported; holds no state."""

    def __init__(self, store: MotionStore, ports: Ports) -> None:
        self._store, self._ports = store, ports

    def correct(
        self,
        tenant: Tenant,
        stop_id: StopId,
        correction: Correction,
        now: Timestamp,
        receipt: Receipt[Promise],
    ) -> Promise:
        """Put another outcome in place of the last attempt's.

        A promise that is finished by it is taken out of the route that was to try it again.

        Raises
        ------
        NotFound
            The merchant has no such promise, or the key's shift never tried it.
        Conflict
            `nothing_to_correct`, or `correction_too_late`.
        IllegalTransition
            It was cancelled since.
        """

        def attempt() -> Promise:
            promise = self._promise(tenant, stop_id)
            last = _correctable(promise, correction, now)
            step = corrected(promise, correction.outcome, correction.why, now, actor=correction.actor)
            routes = self._no_longer_tried(tenant, step.promise, last, now)
            changes = MotionChanges(
                progress=self._progress(tenant, promise, last, correction.outcome),
                promises=(step.promise,),
                routes=routes,
                facts=(*step.facts, *plans_changed(routes, now, "corrected")),
                receipt=receipt(step.promise),
            )
            self._store.commit_motion(tenant, changes)
            return step.promise

        return self._ports.retried(attempt)

    def _promise(self, tenant: Tenant, stop_id: StopId) -> Promise:
        promise = self._store.promise(tenant, stop_id)
        if promise is None:
            raise NotFound("There is no such promise.")
        return promise

    def _progress(self, tenant: Tenant, promise: Promise, last: Attempt, outcome: Outcome) -> Progress | None:
        """What the shift keeps of the stop, set right; None if nothing is kept any more."""
        plan = PlanKey(depot_id=last.depot_id, day=last.day)
        progress = self._store.progress(tenant, plan, last.shift_id)
        visit = progress.visit(promise.stop_id) if progress else None
        if progress is None or visit is None:
            return None
        served = tuple(
            replace(each, outcome=str(outcome)) if each is visit else each for each in progress.served
        )
        return replace(progress, served=served, milestones=progress.milestones + 1)

    def _no_longer_tried(
        self, tenant: Tenant, promise: Promise, last: Attempt, now: Timestamp
    ) -> tuple[RouteWrite, ...]:
        """The route without it that was to try it again."""
        found = promise.found
        elsewhere = (found.depot_id, found.day, found.shift_id) != (last.depot_id, last.day, last.shift_id)
        if not (promise.state.finished and elsewhere):
            return ()
        plans = self._ports.around(tenant, found, now)
        holder = plans.holder(promise.stop_id)
        tried_here = holder is None or holder.shift.shift_id == last.shift_id
        return () if tried_here else take_out(plans, promise.stop_id, now)


def _correctable(promise: Promise, correction: Correction, now: Timestamp) -> Attempt:
    held = correction.held
    last = promise.attempts[-1] if promise.attempts else None
    if promise.erased_at is not None:
        raise Conflict("Its buyer was forgotten.", code="correction_too_late")
    if held is not None and (last is None or last.shift_id != held.shift_id):
        raise NotFound("There is no such promise.")
    if last is None:
        raise Conflict("Nobody has tried to deliver it yet.", code="nothing_to_correct")
    if promise.state is PromiseState.CANCELLED:
        raise IllegalTransition("It was cancelled.", extra={"state": str(promise.state)})
    if now > last.ended_at + correction.good_for:
        raise Conflict("It is too late to correct this.", code="correction_too_late")
    return last
