"""What forgetting a buyer needs of stores, beside those of promises and texts."""

from collections.abc import Sequence
from typing import Protocol

from chalicelib.events import Tenant
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress
from chalicelib.notifications.inbound import Part
from chalicelib.notifications.ports import MessageStore, Reminders
from chalicelib.promises.model import Promise
from chalicelib.promises.store import PromiseStore
from chalicelib.routing.packed import Route
from chalicelib.units import StopId


class People(Protocol):
    """Buyers in the store."""

    def promises_to(self, tenant: Tenant, phone: str) -> Sequence[StopId]:
        """All promises to a number that were not erased, oldest first."""
        ...

    def erase_promise(self, tenant: Tenant, before: Promise, after: Promise) -> None:
        """Write a promise without its buyer, and remove all by which it was found and what led to it.

        Raises
        ------
        StaleWrite
            The promise was written meanwhile; nothing was done.
        """
        ...

    def rewrite_route(self, tenant: Tenant, plan: PlanKey, route: Route) -> None:
        """Write a route in place of the one it was made of; when it goes stays as it was.

        Raises
        ------
        StaleWrite
            It was written meanwhile.
        """
        ...

    def rewrite_progress(self, tenant: Tenant, progress: Progress) -> None:
        """The same for what a van reported.

        Raises
        ------
        StaleWrite
            It was written meanwhile.
        """
        ...

    def erase_ledger(self, tenant: Tenant, stop_id: StopId) -> None:
        """Take what people wrote out of a promise's ledger, and remove what was written with its lines.

        These are the answers that were kept for requests that come again, and the holds that led to it. That
        a request was answered stays known: who comes again must not buy again.
        """
        ...

    def drop_receipt(self, tenant: Tenant, key: str) -> None:
        """Remove a receipt."""
        ...


class Proofs(Protocol):
    """Photos and signatures."""

    def delete(self, key: str) -> None:
        """Delete an object; nothing, if there is none.

        Raises
        ------
        Upstream
            It may still be there.
        """
        ...


class ErasureStore(PromiseStore, MessageStore, Protocol):
    """Where what is to be forgotten lives. Every read is of one tenant only."""

    @property
    def people(self) -> People:
        """Buyers."""
        ...

    @property
    def reminders(self) -> Reminders:
        """What is to be done later."""
        ...


class Correspondence(Protocol):
    """What is known of numbers."""

    def said(self, tenant: Tenant, phone: str) -> Part:
        """All that was said between a merchant and a number."""
        ...

    def forget(self, tenant: Tenant, phone: str, part: Part) -> None:
        """Forget that it was said; what may have been meant for another merchant as well stays theirs."""
        ...
