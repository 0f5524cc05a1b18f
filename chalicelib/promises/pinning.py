"""A human's word on who drives: a promise fixed to a shift, which no replan overrules.

Checked like a change: the stop moves only where it can be kept and nobody else is endangered; what the checks
forbid, a human cannot force. Weak point: a pin belongs to the place; whoever moves the promise by its slot or
address, or takes its shift back, ends it.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from chalicelib.errors import Conflict, IllegalTransition, NotFound
from chalicelib.events import FactKind, Tenant
from chalicelib.fleet.planning import DepotPlans, Found, is_unassigned
from chalicelib.fleet.plans import PlanKey, RouteWrite, plans_changed
from chalicelib.promises.facts import promise_fact
from chalicelib.promises.importing import WhereIs
from chalicelib.promises.model import Promise, PromiseState
from chalicelib.promises.outlook import Outlook, outlooks_in
from chalicelib.promises.placing import Ports, busy, fitted
from chalicelib.promises.store import Changes
from chalicelib.routing.model import Stop, StopFlag
from chalicelib.routing.packed import Route, carried, fits, together
from chalicelib.units import StopId, Timestamp

_NEAR: Final = timedelta(days=2)  # a window after midnight, or a day long, is served by a neighbour's shift


class Misfit(StrEnum):
    """Why a shift cannot have a promise."""

    OTHER_DEPOT = "other_depot"
    SKILL = "skill"
    LOAD = "load"
    NO_ROUTE_FIT = "no_route_fit"  # it would not be kept there, or somebody else would not


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A promise and how it stands on the shift it is fixed to."""

    promise: Promise
    outlook: Outlook


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A pin decided, not written.

    Attributes
    ----------
    source
        The shift that has the promise so far; None if no van has it.
    """

    writes: tuple[RouteWrite, ...]
    found: Found
    outlook: Outlook
    source: str | None


class Pinning:
    """Fixes promises to shifts, and lets them go; holds no state."""

    def __init__(self, ports: Ports, where_is: WhereIs) -> None:
        self._ports, self._store, self._where_is = ports, ports.store, where_is

    def pin(self, tenant: Tenant, stop_id: StopId, shift_id: str, now: Timestamp) -> Pinned:
        """Fix a promise to a shift, moving it there if it is elsewhere; done twice, it is done once.

        Raises
        ------
        NotFound
            The merchant has no such promise, or no such shift.
        IllegalTransition
            The promise is finished, or its van is under way with it.
        Conflict
            `already_loaded`: it is on a van, or the shift's van takes no parcel any more.
            `does_not_fit`: it cannot be kept there without harm; `reason` is a `Misfit`.
        WriteRefused
            Every attempt met another writer; nothing was done.
        """
        for attempt in self._ports.attempts():
            promise = self._read(tenant, stop_id)
            place = self._where_is(tenant, shift_id)
            if place is None:
                raise _no_shift()
            if promise.state is not PromiseState.CONFIRMED:
                raise IllegalTransition(
                    f"The promise is {promise.state}.", extra={"state": str(promise.state)}
                )
            if place.depot_id != promise.found.depot_id:
                raise _does_not_fit(Misfit.OTHER_DEPOT)
            if (
                abs(place.day - promise.day) > _NEAR
            ):  # or a template's shift of 2099 would have us read that far
                raise _does_not_fit(Misfit.NO_ROUTE_FIT)
            plans = self._plans(tenant, promise, place, now)
            step = _step(plans, stop_id, shift_id, now, attempt)
            if not step.writes:
                return Pinned(promise=promise, outlook=step.outlook)
            after = replace(promise, found=step.found, sequence=promise.sequence + 1)
            data = {"shift_id": shift_id, "from_shift_id": step.source}
            moved = plans_changed(step.writes, now, "pinned") if step.source != shift_id else ()
            facts = (promise_fact(FactKind.PROMISE_PINNED, after, now, data), *moved)
            if self._ports.committed(tenant, Changes(routes=step.writes, promise=after, facts=facts)):
                return Pinned(promise=after, outlook=step.outlook)
        raise busy()

    def unpin(self, tenant: Tenant, stop_id: StopId, now: Timestamp) -> None:
        """Let replans move a promise again; one that is not pinned stays as it is.

        Raises
        ------
        NotFound
            The merchant has no such promise.
        Conflict
            `already_loaded`: its van has it, nothing could be moved any more.
        WriteRefused
            Every attempt met another writer; nothing was done.
        """
        for _ in self._ports.attempts():
            promise = self._read(tenant, stop_id)
            plans = self._ports.around(tenant, promise.found, now)
            holder = plans.holder(stop_id)
            at = holder.index_of(stop_id) if holder else None
            if holder is None or at is None or StopFlag.PINNED not in holder.stop(at).flags:
                return
            _require_unloaded(holder, now)
            writes = (plans.write(holder.marked(at, flags=holder.stop(at).flags & ~StopFlag.PINNED)),)
            after = replace(promise, sequence=promise.sequence + 1)
            data = {"shift_id": holder.shift.shift_id}
            facts = (
                promise_fact(FactKind.PROMISE_UNPINNED, after, now, data),
                *plans_changed(writes, now, "unpinned"),
            )
            if self._ports.committed(tenant, Changes(routes=writes, promise=after, facts=facts)):
                return
        raise busy()

    def _read(self, tenant: Tenant, stop_id: StopId) -> Promise:
        promise = self._store.promise(tenant, stop_id)
        if promise is None:
            raise NotFound("There is no such promise.")
        return promise

    def _plans(self, tenant: Tenant, promise: Promise, place: PlanKey, now: Timestamp) -> DepotPlans:
        """The plan that has the promise and the plan of the shift, read strongly."""
        depot = self._store.depot(tenant, promise.found.depot_id)
        if depot is None:
            raise NotFound("The depot of this promise is no longer there.")
        first, last = sorted((promise.found.day, place.day))
        return self._ports.planner.read(tenant, depot, first, last, now=now, consistent=True)


def _step(plans: DepotPlans, stop_id: StopId, shift_id: str, now: Timestamp, attempt: int) -> _Step:
    """What has to be written for a pin: nothing, a flag, or a move."""
    holder = plans.holder(stop_id)
    at = holder.index_of(stop_id) if holder else None
    if holder is None or at is None:
        raise NotFound("The promise has no stop in its plan.")
    routes = (route for route in plans.routes if route.shift.shift_id == shift_id)
    target = next((route for route in routes if not route.withdrawn), None)
    if target is None:
        raise _no_shift()
    stop = holder.stop(at)
    pinned = replace(stop, flags=stop.flags | StopFlag.PINNED)
    source = None if is_unassigned(holder) else holder.shift.shift_id
    if holder is target and stop == pinned:
        writes = tuple[RouteWrite, ...]()
        outlook = _outlook(plans, holder, stop_id, now)
        return _Step(writes=writes, found=plans.found(holder), outlook=outlook, source=source)
    _require_unloaded(holder, now)
    _require_unloaded(target, now)
    if holder is target:
        marked = holder.marked(at, flags=pinned.flags)
        outlook = _outlook(plans, marked, stop_id, now)
        return _Step(writes=(plans.write(marked),), found=plans.found(holder), outlook=outlook, source=source)
    emptied = plans.without_stop(stop_id, now)
    placed = fitted(emptied, pinned, now, attempt=attempt, only=shift_id)
    if placed is None:
        raise _does_not_fit(_misfit(stop, target, now))
    left = emptied.write(emptied.same_shift(holder))
    return _Step(writes=(*placed.writes, left), found=placed.found, outlook=placed.outlook, source=source)


def _outlook(plans: DepotPlans, route: Route, stop_id: StopId, now: Timestamp) -> Outlook:
    return outlooks_in(plans, route, [stop_id], now)[stop_id]


def _require_unloaded(route: Route, now: Timestamp) -> None:
    if not is_unassigned(route) and now >= route.shift.loads_at:
        raise Conflict(
            "From its loading on a van takes no new parcel and gives none away.",
            code="already_loaded",
            extra={"shift_id": route.shift.shift_id},
        )


def _misfit(stop: Stop, target: Route, now: Timestamp) -> Misfit:
    if not stop.skills <= target.shift.skills:
        return Misfit.SKILL
    if not fits(together(carried(target, now), stop.load), target.shift.capacity):
        return Misfit.LOAD
    return Misfit.NO_ROUTE_FIT


def _does_not_fit(reason: Misfit) -> Conflict:
    return Conflict(
        "The promise cannot be kept on this shift without endangering another.",
        code="does_not_fit",
        extra={"reason": str(reason)},
    )


def _no_shift() -> NotFound:
    return NotFound("There is no such shift.")
