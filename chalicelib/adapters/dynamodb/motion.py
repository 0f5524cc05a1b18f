"""How far shifts have come: the progress of a plan's vans in one partition, apart from its routes.

A booking neither reads nor writes there, and a position written every few seconds stales no plan. A replan
relies on `milestones`, an attribute of its own. Weak point: a write of positions alone is no transaction, so
when its answer gets lost nobody looks it up; whoever repeats it is told that it is known.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.dynamodb.keys import progress_key, progress_span, promise_key
from chalicelib.adapters.dynamodb.promises import PromiseRows, Writing
from chalicelib.adapters.dynamodb.rows import end_of, promise_of, time_to_live, version_of
from chalicelib.adapters.dynamodb.table import ConditionFailed, Item, key_item, number, text
from chalicelib.adapters.dynamodb.transaction import Refused, Transaction, unmoved
from chalicelib.errors import StaleWrite
from chalicelib.events import Tenant
from chalicelib.fleet.plans import PlanKey
from chalicelib.promises.model import Promise
from chalicelib.retention import PLANS_KEPT
from chalicelib.units import StopId, Timestamp

if TYPE_CHECKING:
    from chalicelib.fleet.progress import Progress
    from chalicelib.motion.store import MotionChanges


class MotionRows(PromiseRows):
    """What is kept of the day: see `motion.store.MotionStore`."""

    def progress(self, tenant: Tenant, plan: PlanKey, shift_id: str) -> "Progress | None":
        """What is kept of a shift, strongly consistent; None if nothing happened yet."""
        item = self._table.get(progress_key(tenant, plan, shift_id))
        return progress_of(item) if item else None

    def progresses(self, tenant: Tenant, plan: PlanKey) -> "Mapping[str, Progress]":
        """What is kept of all shifts of a plan, by their ids, strongly consistent."""
        items = self._table.query(progress_span(tenant, plan))
        return {item["sk"]["S"]: progress_of(item) for item in items}

    def promises_named(self, tenant: Tenant, stop_ids: Sequence[StopId]) -> Sequence[Promise]:
        """Promises by their ids, strongly consistent, in the same order; those not there left out."""
        keys = [promise_key(tenant, stop_id) for stop_id in stop_ids]
        found = self._table.get_many(keys) if keys else {}
        return [promise_of(self._table.opened(found[key])) for key in keys if key in found]

    def commit_motion(self, tenant: Tenant, changes: "MotionChanges") -> None:
        """Apply everything or nothing.

        Raises
        ------
        StaleWrite
            A condition no longer held, or the rows were being written at that moment.
        AlreadyDone
            The receipt exists: this very request had its effect before.
        Upstream
            The store did not answer. A transaction was looked up and not applied; a write of the progress
            alone may have been.
        """
        progress = changes.progress
        alone = not (
            changes.promises or changes.routes or changes.facts or changes.receipt or changes.reminders
        )
        if progress is not None and alone:
            self._write_alone(tenant, progress)
            return
        now = self._table.now()
        writing = Writing(tenant, Transaction(self._table, tenant), self._table)
        if progress is not None:
            key = progress_key(tenant, progress.plan, progress.shift_id)
            item = progress_item(progress, now)
            # A second phone of the shift, or a batch sent twice at once: who is later reads this one first.
            writing.transaction.put("progress", key, item, only_if=unmoved(progress.version))
        for promise in changes.promises:
            writing.promise(promise)
        writing.routes(changes.routes)
        writing.ledger(changes.facts, receipt=changes.receipt)
        writing.reminders(changes.reminders)
        writing.transaction.receipt(changes.receipt)
        try:
            writing.transaction.commit(changes.facts)
        except Refused as refused:
            what = ", ".join(sorted(refused.guards)) or "conflict"
            raise StaleWrite(f"Something changed in the meantime: {what}.") from refused

    def _write_alone(self, tenant: Tenant, progress: "Progress") -> None:
        """One small write: what it relies on is the row's own version, as in a transaction."""
        only_if = unmoved(progress.version)
        item = progress_item(progress, self._table.now())
        request: dict[str, Any] = {
            "Item": key_item(progress_key(tenant, progress.plan, progress.shift_id)) | item,
            "ConditionExpression": only_if.expression,
        }
        if only_if.values:
            request["ExpressionAttributeValues"] = only_if.values
        try:
            self._table.ask("put_item", **request)
        except ConditionFailed as failed:
            raise StaleWrite("Something changed in the meantime: progress.") from failed


def progress_item(progress: "Progress", now: Timestamp) -> Item:
    """Write a progress as the version that follows its own."""
    from chalicelib.fleet.progress_documents import progress_document

    return {
        "version": number(progress.version + 1),
        "milestones": number(progress.milestones),
        "document": text(json.dumps(progress_document(progress), separators=(",", ":"))),
        "ttl": time_to_live(now, end_of(progress.plan.day), PLANS_KEPT),
    }


def progress_of(item: Item) -> "Progress":
    """Read what `progress_item` wrote."""
    from chalicelib.fleet.progress_documents import read_progress

    return read_progress(
        json.loads(item["document"]["S"]),
        milestones=int(item["milestones"]["N"]),
        version=version_of(item),
    )
