"""What the day in motion needs of a store: a shift's progress, and one conditional transaction.

Milestones change promises, and both change together or not at all; positions change nothing but the progress,
and cost one small write.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.events import Fact, Tenant
from chalicelib.fleet.plans import RouteWrite
from chalicelib.fleet.progress import Progress
from chalicelib.fleet.store import FleetStore
from chalicelib.promises.model import Promise
from chalicelib.promises.store import PromiseStore
from chalicelib.receipts import ReceiptRow
from chalicelib.reminders import Reminder, ReminderStore
from chalicelib.units import StopId


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionChanges:
    """One step's writes: all of them or none.

    Attributes
    ----------
    progress
        Stored as `version + 1` on condition of its version; version 0 must not exist.
    promises
        Each the same way.
    routes
        As in `promises.store.Changes`.
    reminders
        Each written over the one there may be.
    """

    progress: Progress | None = None
    promises: tuple[Promise, ...] = ()
    routes: tuple[RouteWrite, ...] = ()
    facts: tuple[Fact, ...] = ()
    reminders: tuple[Reminder, ...] = ()
    receipt: ReceiptRow | None = None


class MotionStore(PromiseStore, FleetStore, Protocol):
    """Where the day is kept, beside plans and promises."""

    @property
    def reminders(self) -> ReminderStore:
        """What is to be done later."""
        ...

    def promises_named(self, tenant: Tenant, stop_ids: Sequence[StopId]) -> Sequence[Promise]:
        """Promises by their ids, strongly consistent, in the same order; those not there left out."""
        ...

    def commit_motion(self, tenant: Tenant, changes: MotionChanges) -> None:
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
        ...
