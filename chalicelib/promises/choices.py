"""Other slots, offered to a buyer unasked: after an attempt in vain, or where hardly any plan keeps it.

They are kept with the promise, numbered, for whoever asks or texts, and checked anew when one is taken. Made
once for the fact they answer; new ones replace the old ones as a whole, so nobody may rely on a number alone:
a choice is taken by its slot. Weak point: one that has gone meanwhile is found out only by who takes it.
"""

from dataclasses import replace
from typing import Any, Final

from chalicelib.events import Actor, FactKind, Tenant
from chalicelib.promises.facts import promise_fact, window_data
from chalicelib.promises.model import (
    Choice,
    Choices,
    ChoicesAfter,
    Listed,
    Promise,
    PromiseState,
    Standing,
)
from chalicelib.promises.moving import Movable
from chalicelib.promises.placing import Ports, busy
from chalicelib.promises.store import Changes
from chalicelib.units import DAY, Seconds, StopId, Timestamp

MOST_CHOICES: Final = 3
CHOICES_LIFE: Final[Seconds] = DAY


class Counteroffers:
    """Finds what a buyer could have instead; holds no state."""

    def __init__(self, ports: Ports) -> None:
        self._ports, self._store = ports, ports.store

    def offer(
        self, tenant: Tenant, stop_id: StopId, after: ChoicesAfter, answers: int, now: Timestamp
    ) -> Promise | None:
        """Offer the nearest other slots; None where there is nothing to offer, or no reason any more.

        May be done twice or late: what was offered for a fact is not offered for it again.

        Parameters
        ----------
        answers
            Number of the fact in the promise's ledger.

        Raises
        ------
        WriteRefused
            Every attempt met another writer; nothing was done.
        """
        for _ in self._ports.attempts():
            promise = self._store.promise(tenant, stop_id)
            if promise is None or (promise.choices is not None and promise.choices.answers >= answers):
                return None
            slots = self._slots(tenant, promise, after, now)
            if not slots:
                return None
            choices = Choices(
                after=after,
                choices=tuple(map(_choice, slots)),
                answers=answers,
                made_at=now,
                valid_until=min(now + CHOICES_LIFE, max(slot.cutoff_at for slot in slots)),
            )
            offered = replace(promise, choices=choices, sequence=promise.sequence + 1)
            fact = promise_fact(
                FactKind.PROMISE_CHOICES, offered, now, choices_data(choices), actor=Actor.SYSTEM
            )
            if self._ports.committed(tenant, Changes(promise=offered, facts=(fact,))):
                return offered
        raise busy()

    def _slots(self, tenant: Tenant, promise: Promise, after: ChoicesAfter, now: Timestamp) -> list[Listed]:
        """The nearest slots it could have, if it still needs another one."""
        if promise.state.finished:
            return []
        movable = Movable.of(self._ports, tenant, promise, now)
        if movable.refusal is not None or not _needs_another(movable, after):
            return []
        own = promise.window if after is ChoicesAfter.AT_RISK else None
        nearest = movable.nearest(self._ports, tenant, most=MOST_CHOICES + 1)
        return [slot for slot in nearest if slot.window != own][:MOST_CHOICES]


def choices_data(choices: Choices) -> dict[str, Any]:
    """What a fact says of choices: by slot and window, in the order of their numbers."""
    return {
        "after": str(choices.after),
        "valid_until_at": choices.valid_until,
        "choices": [
            {"number": number, "slot_id": each.slot_id, "window": window_data(each.window)}
            for number, each in enumerate(choices.choices, start=1)
        ],
    }


def _needs_another(movable: Movable, after: ChoicesAfter) -> bool:
    """Whether nobody has helped since: it was tried in vain and is nowhere ahead, or is still endangered."""
    promise, aboard = movable.promise, movable.aboard
    if after is ChoicesAfter.AT_RISK:
        return promise.standing is not Standing.SAFE
    tried = promise.attempts[-1] if promise.attempts else None
    if promise.state is not PromiseState.CONFIRMED or tried is None or tried.outcome.is_delivery:
        return False
    return aboard is not None and (aboard.tried or aboard.progress.is_back)


def _choice(slot: Listed) -> Choice:
    offer = slot.offer
    if offer is None:
        raise ValueError("only what is offered can be chosen")
    return Choice(
        depot_id=offer.depot_id,
        slot_id=offer.slot_id,
        day=offer.day,
        window=offer.window,
        price=offer.price,
        cutoff_at=offer.cutoff_at,
    )
