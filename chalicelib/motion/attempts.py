"""What a van's milestones make of promises: steps forward, attempts, and the facts that tell of them.

A step never leads back: whoever is further on already takes no part of it, so it may be taken twice or late.
An attempt that failed gives the promise back for another one, or ends it (`Outcome.leads_to`). Weak point:
the window of a promise that is to be tried again stays what it was until somebody moves it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from chalicelib.events import Actor, Fact, FactKind
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress, Served
from chalicelib.motion.events import Event
from chalicelib.promises.facts import promise_fact
from chalicelib.promises.model import (
    Attempt,
    AttemptFlag,
    Outcome,
    Promise,
    PromiseState,
)
from chalicelib.units import Timestamp

_FORWARD: Final = (PromiseState.CONFIRMED, PromiseState.OUT_FOR_DELIVERY, PromiseState.ARRIVING)
_TOLD_BY: Final = {
    PromiseState.OUT_FOR_DELIVERY: FactKind.PROMISE_OUT_FOR_DELIVERY,
    PromiseState.ARRIVING: FactKind.PROMISE_ARRIVING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """A promise a step or more further on, and what tells of it; no facts: it was there already."""

    promise: Promise
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """Which shift, and of which plan."""

    place: PlanKey
    shift_id: str

    def attempted(self, promise: Promise) -> Attempt | None:
        """The last try this shift had at a promise."""
        tries = (each for each in reversed(promise.attempts) if each.shift_id == self.shift_id)
        return next(tries, None)


def forward(
    promise: Promise,
    to: PromiseState,
    driven: Driven,
    now: Timestamp,
    *,
    again: bool = False,
    actor: Actor = Actor.DRIVER,
) -> Stepped:
    """Move a promise on to a state, through those before it; where it is further on, it stays.

    Parameters
    ----------
    again
        It is to be tried once more on this very shift; else what that has tried already is not set out again.
    """
    if promise.state not in _FORWARD or (driven.attempted(promise) is not None and not again):
        return Stepped(promise=promise)
    facts = list[Fact]()
    for state in _FORWARD[_FORWARD.index(promise.state) + 1 : _FORWARD.index(to) + 1]:
        promise = replace(promise, state=state, sequence=promise.sequence + 1)
        facts.append(promise_fact(_TOLD_BY[state], promise, now, {"shift_id": driven.shift_id}, actor=actor))
    return Stepped(promise=promise, facts=tuple(facts))


def ended(
    promise: Promise, event: Event, served: Served, driven: Driven, now: Timestamp, *, before: Progress
) -> Stepped:
    """Finish an attempt: the promise is delivered, is to be tried again, or goes back to its sender.

    Parameters
    ----------
    before
        The shift as it was known before: what was expected of the stop.
    """
    if event.outcome is None or promise.state.finished:
        return Stepped(promise=promise)
    out = forward(promise, PromiseState.OUT_FOR_DELIVERY, driven, now)
    attempt = Attempt(
        outcome=event.outcome,
        arrived_at=served.arrived_at,
        ended_at=served.left_at or event.at,
        depot_id=driven.place.depot_id,
        day=driven.place.day,
        shift_id=driven.shift_id,
        parcels=event.parcels,
        flags=_flags(promise, event.outcome, event.parcels),
        proof=event.proof,
        window=promise.window,
        told_window=promise.told_window,
        planned_at=before.planned.get(promise.stop_id),
        forecasts=before.foreseen.get(promise.stop_id, ()),
    )
    return _attempted(out, attempt, now, actor=Actor.DRIVER)


def brought_back(promise: Promise, progress: Progress, driven: Driven, now: Timestamp) -> Stepped:
    """Finish what a van that is back never came to: nobody was there, so it is to be tried again."""
    known = driven.attempted(promise)
    at = progress.returned_at
    if at is None or promise.state not in _FORWARD or (known is not None and known.outcome.nobody_came):
        return Stepped(promise=promise)
    attempt = Attempt(
        outcome=Outcome.FAILED_NO_TIME if progress.down_at is None else Outcome.FAILED_VEHICLE,
        arrived_at=at,
        ended_at=at,
        depot_id=driven.place.depot_id,
        day=driven.place.day,
        shift_id=driven.shift_id,
        window=promise.window,
        told_window=promise.told_window,
        planned_at=progress.planned.get(promise.stop_id),
    )
    out = forward(promise, PromiseState.OUT_FOR_DELIVERY, driven, now)
    return _attempted(out, attempt, now, actor=Actor.SYSTEM)


def _attempted(out: Stepped, attempt: Attempt, now: Timestamp, *, actor: Actor) -> Stepped:
    """Add an attempt; news of one that was before takes the place of the shift's word that nobody came."""
    promise = out.promise
    before = promise.attempts
    last = before[-1] if before else None
    if last is not None and last.shift_id == attempt.shift_id and last.outcome.nobody_came:
        before = before[:-1] if attempt.ended_at <= last.ended_at else before
    promise = replace(
        promise,
        state=attempt.outcome.leads_to,
        attempts=(*before, attempt),
        foreseen=None,
        adrift=False,
        sequence=promise.sequence + 1,
    )
    kind = FactKind.PROMISE_DELIVERED if attempt.outcome.is_delivery else FactKind.PROMISE_FAILED
    told = promise_fact(kind, promise, now, attempt_data(promise, attempt), actor=actor)
    return Stepped(promise=promise, facts=(*out.facts, told))


def arrived_earlier(promise: Promise, served: Served, driven: Driven) -> Stepped:
    """Set an attempt's arrival right when the tap for it comes after the one that it is done.

    Nothing that anybody was told changes, so there is no fact. A visit nothing came of yet is no attempt.
    """
    attempt = driven.attempted(promise) if served.outcome is not None else None
    if attempt is None or attempt.arrived_at == served.arrived_at:
        return Stepped(promise=promise)
    right = replace(attempt, arrived_at=served.arrived_at)
    attempts = tuple(right if each is attempt else each for each in promise.attempts)
    return Stepped(promise=replace(promise, attempts=attempts))


def corrected(promise: Promise, outcome: Outcome, why: str, now: Timestamp, *, actor: Actor) -> Stepped:
    """Put another outcome in place of the last attempt's: the only thing that opens what was finished."""
    *before, last = promise.attempts
    parcels = last.parcels if last.outcome.is_delivery and outcome.is_delivery else None
    right = replace(
        last, outcome=outcome, parcels=parcels, flags=_flags(promise, outcome, parcels), proof=last.proof
    )
    promise = replace(
        promise,
        state=outcome.leads_to,
        attempts=(*before, right),
        sequence=promise.sequence + 1,
    )
    data = {"from_outcome": str(last.outcome), "to_outcome": str(outcome), "reason": why}
    told = promise_fact(FactKind.PROMISE_CORRECTED, promise, now, data, actor=actor)
    return Stepped(promise=promise, facts=(told,))


def attempt_data(promise: Promise, attempt: Attempt) -> Mapping[str, Any]:
    """What a fact says of an attempt: nothing of who took it, nor what the driver wrote."""
    data: dict[str, Any] = {
        "shift_id": attempt.shift_id,
        "outcome": str(attempt.outcome),
        "attempt": len(promise.attempts),
        "state": str(promise.state),
        "arrived_at": attempt.arrived_at,
        "ended_at": attempt.ended_at,
        "in_window": not attempt.outcome.nobody_came
        and promise.window.start <= attempt.arrived_at <= promise.window.end,
    }
    if attempt.parcels is not None:
        data["parcels_delivered"] = attempt.parcels
    if attempt.flags:
        data["flags"] = sorted(map(str, attempt.flags))
    return data


def _flags(promise: Promise, outcome: Outcome, parcels: int | None) -> frozenset[AttemptFlag]:
    flags = set[AttemptFlag]()
    if outcome.is_delivery and parcels is not None and parcels < promise.delivery.load.parcels:
        flags.add(AttemptFlag.PARTIAL)
    if outcome.is_delivery and not _agreed(promise, outcome):
        flags.add(AttemptFlag.UNSECURED_DROP)
    return frozenset(flags)


def _agreed(promise: Promise, outcome: Outcome) -> bool:
    """Whether somebody agreed to how it was left: the buyer by name, or the terms if nobody need be there."""
    told = promise.order.instructions
    match outcome:
        case Outcome.DELIVERED_TO_RECIPIENT:
            return True
        case Outcome.DELIVERED_TO_NEIGHBOUR if told.neighbour is not None:
            return True
        case Outcome.DELIVERED_TO_SAFE_PLACE if told.safe_place is not None:
            return True
        case _:
            return not promise.delivery.handover.attended
