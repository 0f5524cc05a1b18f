"""Something to be done at a later time: one row, written in the transaction that makes it due one day.

A reminder is a kind and a subject; writing it again moves it. Whoever acts on it may be called twice, or
late, and says when to be reminded again. So the clock is one more source of events, and moving it in a
sandbox drains what came due. Weak point: the sweeper looks once a minute, so nothing is done to the second.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from chalicelib.events import Tenant
from chalicelib.units import Timestamp


class ReminderKind(StrEnum):
    """What is to be done."""

    WATCH_PLAN = "watch_plan"  # have its shifts watched that are loaded
    WATCH_SHIFT = "watch_shift"  # look at a van of which nothing was heard
    LEARN_DAY = "learn_day"  # learn from a finished day
    ASK_ACCESS = "ask_access"  # ask a buyer how to get in, before the van is loaded
    TELL_DAY_BEFORE = "tell_day_before"  # remind a buyer who booked long ago
    TELL_MORNING = "tell_morning"  # tell a buyer with a wide window more exactly
    TELL_ANEW = "tell_anew"  # say as it is by now what a text was about that did not go
    ASK_FEEDBACK = "ask_feedback"  # ask how it was
    SEE_TO_TEXT = "see_to_text"  # a text that should have been sent, or heard of, by now
    FINISH_ERASURE = "erase_texts"  # what of a forgotten buyer could not go at once; at first that was texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """One thing to do.

    Attributes
    ----------
    subject
        What it is about, in the words of its kind; nothing personal. There is one reminder of a kind and
        subject.
    due_at
        Business time from which it is to be done.
    """

    kind: ReminderKind
    subject: str
    due_at: Timestamp


class ReminderStore(Protocol):
    """Where reminders wait."""

    def write_reminder(self, tenant: Tenant, reminder: Reminder) -> None:
        """Write a reminder over the one there may be of its kind and subject."""
        ...

    def finish_reminder(self, tenant: Tenant, reminder: Reminder, again_at: Timestamp | None) -> None:
        """Move a reminder that was acted on, or drop it; nothing, if it was written anew meanwhile."""
        ...

    def due_reminders(self, until: Timestamp) -> Iterator[tuple[Tenant, Reminder]]:
        """What all tenants have due by then, of each the earliest first; read as it is wanted."""
        ...

    def due_reminders_of(self, tenant: Tenant, until: Timestamp) -> Iterator[Reminder]:
        """What one tenant has due by then, the earliest first."""
        ...
