"""What a buyer says of a delivery: a question counted, a score kept. Nothing here moves a van.

The page, the office and the texts all write it down this way. Weak point: each is a step of the promise, so
it meets whoever changes it at that moment and is tried again.
"""

from collections.abc import Callable, Mapping
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


class Heard:
    """Writes down what buyers say; one per process, holds no state."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def contacted(
        self,
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

        def asked(promise: Promise) -> tuple[Promise, Mapping[str, object]]:
            data = {"channel": channel, "reason": reason, "state": str(promise.state)}
            return replace(promise, contacts=promise.contacts + 1), data

        return self._said(FactKind.PROMISE_CONTACTED, tenant, stop_id, asked, now, receipt)

    def rated(
        self,
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

        def scored(promise: Promise) -> tuple[Promise, Mapping[str, object]]:
            if not promise.attempts:
                raise NotDelivered("There is nothing to score before somebody came.")
            data = {"product": feedback.product, "delivery": feedback.delivery}
            return replace(promise, feedback=feedback), data

        return self._said(FactKind.PROMISE_SCORED, tenant, stop_id, scored, now, receipt)

    def unhandled(
        self,
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

        def handed_over(promise: Promise) -> tuple[Promise, Mapping[str, object]]:
            return promise, {"message_sid": message_sid, "reason": reason}

        return self._said(FactKind.BUYER_UNHANDLED, tenant, stop_id, handed_over, now, receipt)

    def _said(
        self,
        kind: FactKind,
        tenant: Tenant,
        stop_id: StopId,
        step: Callable[[Promise], tuple[Promise, Mapping[str, object]]],
        now: Timestamp,
        receipt: Receipt[Promise],
    ) -> Promise:
        """Take a promise one step on, with the fact of it."""
        store = self._ports.store

        def attempt() -> Promise:
            before = store.promise(tenant, stop_id)
            if before is None or before.erased_at is not None:  # nothing is said of a buyer nobody knows
                raise NotFound("There is no such promise.")
            promise, data = step(before)
            promise = replace(promise, sequence=before.sequence + 1)
            fact = promise_fact(kind, promise, now, data, actor=Actor.BUYER)
            store.commit(tenant, Changes(promise=promise, facts=(fact,), receipt=receipt(promise)))
            return promise

        return self._ports.retried(attempt)
