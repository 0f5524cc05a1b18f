"""What a buyer says of a delivery: a question counted, a score kept. Nothing here moves a van.

The page, the office and the texts all write it down this way. Weak point: each is a step of the promise, so
it meets whoever changes it at that moment and is tried again.
"""

from dataclasses import replace

from chalicelib.errors import Conflict, NotFound
from chalicelib.events import Actor, FactKind, Tenant
from chalicelib.promises.facts import promise_fact
from chalicelib.promises.model import Feedback, Promise
from chalicelib.promises.placing import Ports
from chalicelib.promises.store import Changes
from chalicelib.receipts import Receipt
from chalicelib.units import StopId, Timestamp


class NotDelivered(Conflict):
    """There is nothing to score yet."""

    code = "not_delivered"


def contacted(
    ports: Ports,
    tenant: Tenant,
    stop_id: StopId,
    *,
    channel: str,
    reason: str,
    now: Timestamp,
    receipt: Receipt[Promise],
) -> Promise:
    """Write down that a buyer asked about a delivery.

    Raises
    ------
    NotFound
        The merchant has no such promise.
    """

    def attempt() -> Promise:
        promise = _promise(ports, tenant, stop_id)
        asked = replace(promise, contacts=promise.contacts + 1, sequence=promise.sequence + 1)
        data = {"channel": channel, "reason": reason, "state": str(promise.state)}
        fact = promise_fact(FactKind.PROMISE_CONTACTED, asked, now, data, actor=Actor.BUYER)
        ports.store.commit(tenant, Changes(promise=asked, facts=(fact,), receipt=receipt(asked)))
        return asked

    return ports.retried(attempt)


def rated(
    ports: Ports,
    tenant: Tenant,
    stop_id: StopId,
    feedback: Feedback,
    now: Timestamp,
    receipt: Receipt[Promise],
) -> Promise:
    """Write down what a buyer thought; said again, the last word counts.

    Raises
    ------
    NotFound
        There is no such promise.
    NotDelivered
        No attempt has ended yet.
    """

    def attempt() -> Promise:
        promise = _promise(ports, tenant, stop_id)
        if not promise.attempts:
            raise NotDelivered("There is nothing to score before somebody came.")
        scored = replace(promise, feedback=feedback, sequence=promise.sequence + 1)
        data = {"product": feedback.product, "delivery": feedback.delivery}
        fact = promise_fact(FactKind.PROMISE_SCORED, scored, now, data, actor=Actor.BUYER)
        ports.store.commit(tenant, Changes(promise=scored, facts=(fact,), receipt=receipt(scored)))
        return scored

    return ports.retried(attempt)


def unhandled(
    ports: Ports,
    tenant: Tenant,
    stop_id: StopId,
    *,
    message_sid: str,
    reason: str,
    now: Timestamp,
    receipt: Receipt[Promise],
) -> Promise:
    """Hand a buyer's text over to the merchant, by its id: nobody here could do what it asks.

    Raises
    ------
    NotFound
        The merchant has no such promise.
    """

    def attempt() -> Promise:
        promise = _promise(ports, tenant, stop_id)
        handed = replace(promise, sequence=promise.sequence + 1)
        data = {"message_sid": message_sid, "reason": reason}
        fact = promise_fact(FactKind.BUYER_UNHANDLED, handed, now, data, actor=Actor.BUYER)
        ports.store.commit(tenant, Changes(promise=handed, facts=(fact,), receipt=receipt(handed)))
        return handed

    return ports.retried(attempt)


def _promise(ports: Ports, tenant: Tenant, stop_id: StopId) -> Promise:
    promise = ports.store.promise(tenant, stop_id)
    if promise is None:
        raise NotFound("There is no such promise.")
    return promise
