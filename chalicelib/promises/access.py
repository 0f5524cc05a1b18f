"""How a driver gets in: remembered for the address, asked for before the van comes, or while it is near.

Nothing in an order says that a gate code is needed; a door at which somebody failed does. Whoever orders
there next is asked in time, once, or is not asked, because the answer of last time is filled in. On the road
a buyer is asked at once. A stop the van has not come to goes to later in its way, so that an answer still
helps; one that it left is tried again when the answer comes, not before: both only if that wrongs nobody.
Weak point: the first failure at a door cannot be foreseen.
"""

from dataclasses import replace
from enum import StrEnum
from typing import Final

from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.fleet.ids import PROMISE, promise_id, stop_id_of
from chalicelib.fleet.planning import is_unassigned
from chalicelib.fleet.plans import plans_changed
from chalicelib.promises.aboard import Aboard
from chalicelib.promises.doors import Door, Doors
from chalicelib.promises.facts import promise_fact
from chalicelib.promises.model import ChangeKind, Outcome, Promise
from chalicelib.promises.moving import MOVABLE, Movable, route_changed
from chalicelib.promises.placing import Ports, busy
from chalicelib.promises.store import Changes
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.routing.altered import Cause
from chalicelib.units import HOUR, MINUTE, Seconds, StopId, Timestamp

ASKED_BEFORE_LOADING: Final[Seconds] = 12 * HOUR
TIME_TO_ANSWER: Final[Seconds] = 30 * MINUTE


class Asking(StrEnum):
    """Why a buyer is asked how to get in."""

    DOOR_KNOWN = "door_known"  # somebody failed there before
    FAILED = "failed"  # the van was there in vain
    REPORTED = "reported"  # the driver says so, or that the code is wrong


class Access:
    """Asks, remembers, and gains time for an answer; holds no state."""

    def __init__(self, ports: Ports, doors: Doors) -> None:
        self._ports, self._store, self._doors = ports, ports.store, doors

    def prepare(self, tenant: Tenant, stop_id: StopId, now: Timestamp) -> None:
        """Look at the door of a promise that is new, or goes to a new address: fill in, or ask in time.

        May be done twice or late.
        """
        for _ in self._ports.attempts():
            promise = self._store.promise(tenant, stop_id)
            if promise is None or promise.state.finished:
                return
            told = promise.order.instructions
            if told.gate_code is not None:
                return
            door = self._doors.known(tenant, promise.delivery)
            if door is None:
                return
            changes: Changes | None
            if door.gate_code is None:
                changes = self._to_be_asked(tenant, promise, now)
            else:
                told = replace(told, gate_code=door.gate_code)
                filled = _stepped(replace(promise, order=replace(promise.order, instructions=told)))
                data = {"kind": str(ChangeKind.GATE_CODE), "remembered": True}
                fact = promise_fact(FactKind.PROMISE_CHANGED, filled, now, data, actor=Actor.SYSTEM)
                changes = Changes(promise=filled, facts=(fact,))
            if changes is None or self._ports.committed(tenant, changes):
                return
        raise busy()

    def due(self, tenant: Tenant, subject: str, now: Timestamp) -> Timestamp | None:
        """Ask whoever was to be asked now; gives when to look again, if its van is loaded later by now."""
        stop_id = stop_id_of(subject, PROMISE)
        promise = self._store.promise(tenant, stop_id) if stop_id is not None else None
        if promise is None or promise.state not in MOVABLE or promise.order.instructions.gate_code:
            return None
        ask_at = self._ask_at(tenant, promise, now)
        if now < ask_at:
            return ask_at
        self._ask(tenant, promise.stop_id, Asking.DOOR_KNOWN, now, since=promise.created_at)
        return None

    def answered(self, tenant: Tenant, stop_id: StopId, now: Timestamp) -> None:
        """Keep a promise's gate code for the next order there, and have its van try again if it failed there.

        May be done twice or late.
        """
        promise = self._store.promise(tenant, stop_id)
        code = promise.order.instructions.gate_code if promise else None
        if promise is not None and code is not None:
            door = Door(gate_code=code, learned_at=now)
            self._doors.learn(tenant, promise.delivery, promise.order, door)
            self._put_later(tenant, stop_id, now)

    def barred(self, tenant: Tenant, stop_id: StopId, why: Asking, at: Timestamp, now: Timestamp) -> None:
        """Nobody gets in, at a moment: ask at once, remember it of the door, and gain time for an answer.

        May be done twice or late. A code that was given since is believed.
        """
        promise = self._store.promise(tenant, stop_id)
        if promise is None or promise.state.finished:
            return
        door = self._doors.known(tenant, promise.delivery)
        if door is None or door.learned_at < at:
            self._doors.learn(tenant, promise.delivery, promise.order, Door(gate_code=None, learned_at=at))
        self._ask(tenant, stop_id, why, now, since=at - TIME_TO_ANSWER)
        if why is not Asking.FAILED:
            self._put_later(tenant, stop_id, now, not_before=now + TIME_TO_ANSWER)

    def _ask(self, tenant: Tenant, stop_id: StopId, why: Asking, now: Timestamp, *, since: Timestamp) -> None:
        """Ask, unless that was done since a moment."""
        for _ in self._ports.attempts():
            promise = self._store.promise(tenant, stop_id)
            if promise is None or promise.state.finished or (promise.access_asked_at or 0) >= since:
                return
            if self._ports.committed(tenant, _asked(promise, why, now)):
                return
        raise busy()

    def _to_be_asked(self, tenant: Tenant, promise: Promise, now: Timestamp) -> Changes | None:
        """Ask, or be reminded to; None if that was done."""
        ask_at = self._ask_at(tenant, promise, now)
        if ask_at <= now:
            return None if promise.access_asked_at else _asked(promise, Asking.DOOR_KNOWN, now)
        subject = promise_id(promise.stop_id)
        return Changes(reminders=(Reminder(kind=ReminderKind.ASK_ACCESS, subject=subject, due_at=ask_at),))

    def _ask_at(self, tenant: Tenant, promise: Promise, now: Timestamp) -> Timestamp:
        """When the buyer is to be asked: so long before the van is loaded, as it is planned now."""
        holder = self._ports.around(tenant, promise.found, now).holder(promise.stop_id)
        has_van = holder is not None and not is_unassigned(holder)
        loads_at = holder.shift.loads_at if holder is not None and has_van else promise.window.start
        return loads_at - ASKED_BEFORE_LOADING

    def _put_later(
        self, tenant: Tenant, stop_id: StopId, now: Timestamp, *, not_before: Timestamp | None = None
    ) -> None:
        """Put the stop elsewhere in its van's way, within its window, if that wrongs nobody.

        Parameters
        ----------
        not_before
            It is ahead, and not to be come to earlier; None: it was left in vain, and can be entered now.
        """
        for _ in self._ports.attempts():
            promise = self._store.promise(tenant, stop_id)
            if promise is None or promise.state not in MOVABLE:
                return
            aboard = Movable.of(self._ports, tenant, promise, now).aboard
            if aboard is None or not _helps(promise, aboard, not_before):
                return
            placed = aboard.moved(promise.delivery, promise.window, not_before=not_before)
            if placed is None:
                return
            writes = aboard.explained(placed.writes, Cause.NO_ACCESS)
            later = _stepped(promise if not_before else replace(promise, choices=None))
            data = {"kind": "place_in_route", "expected_at": placed.outlook.expected_at}
            facts: tuple[Fact, ...] = (
                promise_fact(FactKind.PROMISE_CHANGED, later, now, data, actor=Actor.SYSTEM),
                *plans_changed(writes, now, "access"),
                route_changed(aboard, promise, now, actor=Actor.SYSTEM),
            )
            changes = Changes(routes=writes, promise=later, known=(aboard.progress,), facts=facts)
            if self._ports.committed(tenant, changes):
                return
        raise busy()


def _helps(promise: Promise, aboard: Aboard, not_before: Timestamp | None) -> bool:
    """Whether the van would come to the door too early as it is, or would not come again."""
    if not_before is None:
        return aboard.tried and promise.attempts[-1].outcome is Outcome.FAILED_NO_ACCESS
    return aboard.expected_at is not None and aboard.expected_at < not_before


def _asked(promise: Promise, why: Asking, now: Timestamp) -> Changes:
    asked = replace(_stepped(promise), access_asked_at=now)
    fact = promise_fact(FactKind.PROMISE_ACCESS_ASKED, asked, now, {"because": str(why)}, actor=Actor.SYSTEM)
    return Changes(promise=asked, facts=(fact,))


def _stepped(promise: Promise) -> Promise:
    return replace(promise, sequence=promise.sequence + 1)
