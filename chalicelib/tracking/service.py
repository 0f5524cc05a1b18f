"""The buyer's side of a promise: found by its token, and shown as it stands.

The token is all a buyer has, so it opens one promise and nothing else; only its hash is looked up. Weak
point: each look costs some six reads, like a look of the merchant's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from chalicelib.errors import NotFound
from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.fleet.planning import Planner
from chalicelib.fleet.progress import Progress, Trouble
from chalicelib.promises.model import (
    ChangeKind,
    Outcome,
    Promise,
    PromiseState,
    Refusal,
    Standing,
    token_hash,
)
from chalicelib.promises.outlook import TOLD_IN, Outlook, Today
from chalicelib.promises.search import OFFER_LIFE
from chalicelib.promises.store import PromiseStore
from chalicelib.routing.model import TimeWindow
from chalicelib.routing.packed import Route
from chalicelib.tracking.model import Cause, Done, Eta, Moved, Tracked
from chalicelib.tracking.van import van_shown
from chalicelib.units import DAY, MINUTE, Seconds, StopId, Timestamp

_POLL: Final[dict[PromiseState, Seconds]] = {
    PromiseState.CONFIRMED: 15 * MINUTE,
    PromiseState.OUT_FOR_DELIVERY: MINUTE,
    PromiseState.ARRIVING: 20,
}
_CHANGES: Final = (FactKind.PROMISE_CHANGED, FactKind.CHANGE_REFUSED, FactKind.PROMISE_CANCELLED)
_ATTEMPTED: Final = (FactKind.PROMISE_DELIVERED, FactKind.PROMISE_FAILED, FactKind.PROMISE_CORRECTED)
_LATE: Final = (FactKind.PROMISE_AT_RISK, FactKind.PROMISE_BROKEN)
_CAUSES: Final = {
    Outcome.FAILED_NOT_HOME: Cause.NOT_HOME,
    Outcome.FAILED_NO_ACCESS: Cause.NO_ACCESS,
    Outcome.FAILED_WRONG_ADDRESS: Cause.WRONG_ADDRESS,
    Outcome.FAILED_VEHICLE: Cause.VAN_BROKE_DOWN,
}
_TROUBLES: Final = {
    Trouble.VEHICLE_DOWN: Cause.VAN_BROKE_DOWN,
    Trouble.ROAD_CLOSED: Cause.ROAD_CLOSED,
    Trouble.DELAY: Cause.HELD_UP,
}
_FOR_THE_DOOR: Final = (ChangeKind.NEIGHBOUR, ChangeKind.SAFE_PLACE, ChangeKind.GATE_CODE)


class TrackingStore(PromiseStore, Protocol):
    """Where tokens are looked up, beside promises."""

    def tracked(self, token_sha256: str) -> tuple[Tenant, StopId] | None:
        """Whose promise a token opens, and which; strongly consistent."""
        ...


class Tracking:
    """What buyers see; one per process, holds no state."""

    def __init__(self, store: TrackingStore, planner: Planner) -> None:
        self._store, self._planner = store, planner

    def find(self, token: str) -> tuple[Tenant, Promise]:
        """The promise that a token opens.

        Raises
        ------
        NotFound
            It opens none: never did, or no longer; nobody is told which.
        """
        found = self._store.tracked(token_hash(token))
        promise = self._store.promise(*found) if found else None
        if found is None or promise is None or promise.tracking_token != token:
            raise NotFound("There is no such page.")
        return found[0], promise

    def look(self, tenant: Tenant, promise: Promise, now: Timestamp, *, change: int | None = None) -> Tracked:
        """Show a promise as it stands; one that no van has is shown without an expected time.

        Parameters
        ----------
        change
            Number of the fact in its ledger that says what came of a change the buyer asked for.
        """
        today, route = self._where(tenant, promise, now)
        outlook = progress = None
        if today is not None and route is not None:
            outlook = today.outlooks(route, [promise.stop_id]).get(promise.stop_id)
            progress = today.progresses.get(route.shift.shift_id)
        eta = _eta(outlook) if not promise.state.finished else None
        van = None
        if eta is not None and outlook is not None and route is not None and progress is not None:
            van = van_shown(route, progress, promise.stop_id, outlook.expected_at, now)
        ledger = self._store.ledger(tenant, promise.stop_id)
        in_vain = _in_vain(promise, ledger, now)
        endangered = not promise.state.finished and promise.standing is not Standing.SAFE and not in_vain
        late = endangered and not _knows_of_delay(promise)
        moved = _moved(ledger)
        if endangered:
            before = None if late else promise.window
            moved = Moved(cause=_in_the_way(progress), at=_late_since(ledger, now), from_window=before)
        last = promise.attempts[-1] if promise.attempts else None
        return Tracked(
            state=promise.state,
            window=promise.told_window,
            timezone=promise.timezone,
            eta=eta,
            late=late,
            moved=moved,
            in_vain=in_vain,
            van=van,
            door=promise.delivery.location,
            outcome=last.outcome if last else None,
            ended_at=last.ended_at if last else None,
            feedback=promise.feedback,
            arranged=_arranged(promise),
            done=_done(ledger, change) if change is not None else None,
            offered=tuple(promise.offered(now, OFFER_LIFE).values()),
            poll_after=_POLL.get(promise.state, DAY),
        )

    def _where(self, tenant: Tenant, promise: Promise, now: Timestamp) -> tuple[Today | None, Route | None]:
        """The plan that a promise is in, on its day, and the route that has it."""
        depot = self._store.depot(tenant, promise.found.depot_id)
        if promise.state.finished or depot is None:
            return None, None
        day = promise.found.day
        plans = self._planner.read(tenant, depot, day, day, now=now, consistent=False)
        route = plans.holder(promise.stop_id)
        if route is None:
            return None, None
        return Today.read(self._store, tenant, plans, day, now, routes=[route]), route


def _eta(outlook: Outlook | None) -> Eta | None:
    told = outlook.told if outlook is not None else None
    if outlook is None or told is None:
        return None
    return Eta(
        earliest_at=told.start,
        expected_at=(outlook.expected_at + TOLD_IN // 2) // TOLD_IN * TOLD_IN,
        latest_at=told.end,
        stops_before=outlook.stops_before,
    )


def _moved(ledger: Sequence[Fact]) -> Moved | None:
    """The last thing that gave the delivery another time, or took its time away."""
    for fact in reversed(ledger):
        if fact.kind is FactKind.PROMISE_CHANGED and "from_window" in fact.data:
            asked = Cause.YOU_ASKED if fact.actor is Actor.BUYER else Cause.SHOP_ASKED
            return Moved(cause=asked, at=fact.at, from_window=_window(fact.data["from_window"]))
        if fact.kind is FactKind.PROMISE_FAILED:
            return Moved(cause=_why(Outcome(fact.data["outcome"])), at=fact.at)
    return None


def _in_vain(promise: Promise, ledger: Sequence[Fact], now: Timestamp) -> Cause | None:
    """Why the last attempt failed, if it used up the window that its buyer goes by."""
    last = promise.attempts[-1] if promise.attempts else None
    if promise.state is not PromiseState.CONFIRMED or last is None or last.outcome.is_delivery:
        return None
    heard = next((fact.sequence for fact in reversed(ledger) if fact.kind in _ATTEMPTED), 0)
    window = promise.told_window
    used_up = window.start <= last.ended_at or window.end < now
    return _why(last.outcome) if used_up and promise.told_by < heard else None


def _why(failed: Outcome) -> Cause:
    return _CAUSES.get(failed, Cause.ATTEMPT_FAILED)


def _knows_of_delay(promise: Promise) -> bool:
    """Whether the buyer was told a later window than the promised one, and nothing is to be added to that."""
    told, promised = promise.told_window, promise.window
    return told.end > promised.end and promise.foreseen is None and not promise.adrift


def _late_since(ledger: Sequence[Fact], now: Timestamp) -> Timestamp:
    """When it was last said that the window may not be kept."""
    said = (fact.at for fact in reversed(ledger) if fact.kind in _LATE)
    return next(said, now)


def _arranged(promise: Promise) -> tuple[ChangeKind, ...]:
    """What the driver was told, as long as that matters."""
    if promise.state.finished:
        return ()
    return tuple(kind for kind in _FOR_THE_DOOR if getattr(promise.order.instructions, kind))


def _done(ledger: Sequence[Fact], number: int) -> Done | None:
    """What a fact says of a change that a buyer asked for; None if that is no longer how things are."""
    fact = next((each for each in reversed(ledger) if each.kind in (*_CHANGES, *_ATTEMPTED)), None)
    if fact is None or fact.sequence != number or fact.actor is not Actor.BUYER:
        return None
    refused = fact.kind is FactKind.CHANGE_REFUSED
    return Done(
        kind=ChangeKind(fact.data["kind"]),
        refusal=Refusal(fact.data["reason"]) if refused else None,
        window=_window(fact.data["to_window"]) if "to_window" in fact.data else None,
    )


def _window(stored: Mapping[str, Any]) -> TimeWindow:
    return TimeWindow(start=stored["starts_at"], end=stored["ends_at"])


def _in_the_way(progress: Progress | None) -> Cause:
    """What holds the van up, as far as anybody said."""
    known = [incident.kind for incident in progress.incidents] if progress else []
    return next((_TROUBLES[kind] for kind in reversed(known) if kind in _TROUBLES), Cause.HELD_UP)
