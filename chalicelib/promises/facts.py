"""Facts about promises: what goes into the outbox and the ledger, nothing personal of ours in it."""

from collections.abc import Mapping
from typing import Any

from chalicelib.events import Actor, Fact, FactKind
from chalicelib.fleet.ids import PROMISE, promise_id
from chalicelib.promises.model import Promise
from chalicelib.routing.model import TimeWindow
from chalicelib.units import StopId, Timestamp


def promise_fact(
    kind: FactKind,
    promise: Promise,
    now: Timestamp,
    data: Mapping[str, Any],
    *,
    actor: Actor = Actor.MERCHANT,
) -> Fact:
    """Say that something became true of a promise, under the number the promise has reached."""
    return Fact(
        kind=kind,
        at=now,
        actor=actor,
        subject=promise_id(promise.stop_id),
        sequence=promise.sequence,
        data=data,
    )


def change_id(stop_id: StopId, sequence: int) -> str:
    """Name a change of a promise by the number of its fact."""
    return f"chg_{promise_id(stop_id).removeprefix(PROMISE)}_{sequence}"


def promised_data(promise: Promise) -> dict[str, Any]:
    """What was promised: by which depot, in which slot, when."""
    return {
        "depot_id": promise.depot_id,
        "slot_id": promise.slot_id,
        "promised_window": window_data(promise.window),
    }


def window_data(window: TimeWindow) -> dict[str, Timestamp]:
    """A window as a fact carries it: whole seconds since the epoch."""
    return {"starts_at": window.start, "ends_at": window.end}
