"""What follows from a fact for whom it is about: other slots offered, a door looked at, a van unloaded.

Each is idempotent by itself, so a fact may come twice or late. Weak point: they are done one after the other
by the stream's consumer; whoever reads in between sees the fact without what follows from it.
"""

from typing import TYPE_CHECKING

from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.fleet.ids import PROMISE, stop_id_of
from chalicelib.fleet.plans import PlanKey
from chalicelib.routing.model import TimeWindow
from chalicelib.units import StopId, Timestamp

if TYPE_CHECKING:
    from chalicelib.bootstrap import Services


def follow_up(services: "Services", tenant: Tenant, fact: Fact, now: Timestamp) -> None:
    """Do what follows from a fact, if anything does."""
    subject = fact.data.get("promise_id") if fact.kind is FactKind.SHIFT_INCIDENT else fact.subject
    stop_id = stop_id_of(subject, PROMISE) if subject else None
    if fact.kind is FactKind.SHIFT_RETURNED:
        plan, shift_id = PlanKey.parse(fact.subject), fact.data["shift_id"]
        services.motion.bring_back(tenant, plan, shift_id, now)
    elif fact.kind is FactKind.BUYER_REPLIED:
        _replied(services, tenant, fact, now)
    elif stop_id is not None:
        _about_a_promise(services, tenant, stop_id, fact, now)


def _replied(services: "Services", tenant: Tenant, fact: Fact, now: Timestamp) -> None:
    from chalicelib.notifications.keywords import Keyword

    word = fact.data.get("keyword")
    services.conversation.take(
        tenant,
        fact.data["message_sid"],
        Keyword(word) if word else None,
        now,
        system_now=services.clock.system_now(),
    )


def _about_a_promise(
    services: "Services", tenant: Tenant, stop_id: StopId, fact: Fact, now: Timestamp
) -> None:
    from chalicelib.promises.access import Asking
    from chalicelib.promises.model import ChoicesAfter

    access, data = services.access, fact.data
    match fact.kind:
        case FactKind.PROMISE_CONFIRMED | FactKind.PROMISE_IMPORTED:
            access.prepare(tenant, stop_id, now)
        case FactKind.PROMISE_CHANGED if data["kind"] == "gate_code" and fact.actor is not Actor.SYSTEM:
            access.answered(tenant, stop_id, now)
        case FactKind.PROMISE_CHANGED if data["kind"] == "address":
            access.prepare(tenant, stop_id, now)
        case FactKind.SHIFT_INCIDENT if data["incident"] == "access":
            access.barred(tenant, stop_id, Asking.REPORTED, data["happened_at"], now)
        case FactKind.PROMISE_FAILED:
            if data["outcome"] == "failed_no_access":
                access.barred(tenant, stop_id, Asking.FAILED, data["ended_at"], now)
            services.counteroffers.offer(tenant, stop_id, ChoicesAfter.FAILED, fact.sequence, now)
        case FactKind.PROMISE_CORRECTED:
            services.counteroffers.offer(tenant, stop_id, ChoicesAfter.FAILED, fact.sequence, now)
        case FactKind.PROMISE_TOLD:
            window = TimeWindow(start=data["starts_at"], end=data["ends_at"])
            services.telling.told(tenant, stop_id, window, data["sequence"])
        case FactKind.PROMISE_EXPECTED if data["expected_window"] is None:  # nobody knows when
            services.counteroffers.offer(tenant, stop_id, ChoicesAfter.AT_RISK, fact.sequence, now)
        case FactKind.PROMISE_AT_RISK if data.get("remedy") == "other_slot":
            services.counteroffers.offer(tenant, stop_id, ChoicesAfter.AT_RISK, fact.sequence, now)
        case _:
            pass
