"""What the notifications need of the world beside the carrier: a store, a queue, a policy, a phone book."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from chalicelib.events import Fact, Tenant
from chalicelib.notifications.model import Addressee, Message, Silence
from chalicelib.reminders import Reminder
from chalicelib.routing.live_eta import Interval
from chalicelib.units import MINUTE, Seconds, Timestamp

LONGEST_DELAY: Final[Seconds] = 15 * MINUTE  # of a queue: what waits longer its reminder brings


class MessageStore(Protocol):
    """Where texts are recorded."""

    def add_message(self, tenant: Tenant, message: Message) -> bool:
        """Write a text on condition that there is no row of its id; False if there is."""
        ...

    def message(self, tenant: Tenant, message_id: str) -> Message | None:
        """One text, strongly consistent."""
        ...

    def save_message(
        self, tenant: Tenant, message: Message, facts: Sequence[Fact] = (), *, new_sid: str | None = None
    ) -> Message | None:
        """Write a text as the version that follows its own, with what it makes true; None if it moved.

        Parameters
        ----------
        new_sid
            The carrier's id, if the text had another or none before: whose it is is on record first.
        """
        ...

    def messages(self, tenant: Tenant, subject: str) -> Sequence[Message]:
        """Every text about a promise, sent or not, oldest first."""
        ...

    def own_sids(self, tenant: Tenant, sids: Sequence[str]) -> Mapping[str, str]:
        """Those of the carrier's ids that belong to this tenant's texts, and to which."""
        ...


class Reminders(Protocol):
    """Where reminders wait."""

    def write_reminder(self, tenant: Tenant, reminder: Reminder) -> None:
        """Write a reminder over the one there may be of its kind and subject."""
        ...

    def write_reminders(self, tenant: Tenant, reminders: Sequence[Reminder]) -> None:
        """Write several, many at a time; `Upstream` if some may not be written."""
        ...


class TextQueue(Protocol):
    """Brings texts to a worker soon; what it forgets the reminder finds."""

    def look(self, tenant: Tenant, message_id: str, *, delay: Seconds = 0) -> None:
        """Have a text looked at after some seconds, 900 at most; `Upstream` if it was not taken."""
        ...

    def look_at_all(self, tenant: Tenant, delays: Mapping[str, Seconds]) -> None:
        """Have texts looked at, each after its seconds, many at a time; `Upstream` if one failed."""
        ...


class Addressees(Protocol):
    """Who is behind a promise."""

    def addressee(self, tenant: Tenant, subject: str) -> Addressee | None:
        """Whom to text about a promise; None if it is gone."""
        ...

    def addressees(self, tenant: Tenant, subjects: Sequence[str]) -> Mapping[str, Addressee]:
        """Whom to text about promises, read at once; those that are gone are left out."""
        ...

    def fact(self, tenant: Tenant, subject: str, sequence: int) -> Fact | None:
        """What the ledger of a promise has by a number."""
        ...

    def forecast(self, tenant: Tenant, subject: str, now: Timestamp) -> Interval | None:
        """When a van is expected there; None if no van has it."""
        ...


class PhoneBook(Protocol):
    """What is known of numbers: who wants no texts, and whom they may answer."""

    def is_opted_out(self, tenant: Tenant, phone: str) -> bool:
        """Whether a number wants nothing from a merchant; strongly consistent."""
        ...

    def opt_out(self, tenant: Tenant, phone: str, at: Timestamp) -> None:
        """Write down that a number wants nothing from a merchant."""
        ...

    def note_texted(self, tenant: Tenant, phone: str, sender: str, subject: str, at: Timestamp) -> None:
        """Remember what a number was last texted about, and from where: an answer has nothing else."""
        ...


class Seal(Protocol):
    """Keeps numbers unreadable in the store, and callbacks unforgeable."""

    def seal(self, purpose: str, payload: bytes) -> str:
        """Make an unreadable text, the same each time."""
        ...

    def unseal(self, purpose: str, token: str) -> bytes:
        """Give back what was sealed for this purpose; `BadToken` for anything else."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not now: at this business time it may be looked at again."""

    until: Timestamp


class Policy(Protocol):
    """Whether a text may still go, asked while it is claimed, right before it goes."""

    def verdict(
        self, tenant: Tenant, message: Message, to: Addressee, now: Timestamp
    ) -> Silence | Wait | None:
        """Why it must not go, or until when it waits; None: go."""
        ...
