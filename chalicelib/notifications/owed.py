"""What a buyer has still to hear of because the text that was to say it never went.

Trouble, and its end, is news until the buyer knows: by night, while the carrier takes nothing, while texting
is off, or where its words had become untrue, a text ends, and a reminder has what it was about said anew, as
it is by then. So nothing stale is kept for the morning, and however often things changed in the night, one
text says how they are. Weak point: what the carrier took counts as heard.
"""

from collections.abc import Sequence
from typing import Final

from chalicelib.notifications.kinds import usefulness_of
from chalicelib.notifications.model import Message, MessageStatus, Silence
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.units import MINUTE, Seconds, Timestamp

NEVER_GONE: Final = (MessageStatus.SKIPPED, MessageStatus.EXPIRED, MessageStatus.FAILED)
_UNHEARD: Final = frozenset(  # what the next text need not meet; a budget, a cap or a bad number it would
    {
        Silence.NOT_TRUE,
        Silence.TOO_LATE,
        Silence.QUIET_HOURS,
        Silence.TEXTING_OFF,
        Silence.NOT_TAKEN,
    }
)
_AFTER: Final[Seconds] = MINUTE  # its row says by then that it does not go


def is_owed(message: Message) -> bool:
    """Whether a text did not go, and what it was about is to be said anew."""
    never_gone = message.status in NEVER_GONE and message.reason in _UNHEARD
    return never_gone and usefulness_of(message.kind).anew


def is_still_owed(message_id: str, texts: Sequence[Message]) -> bool:
    """Whether that falls to this text still: a later one that went, or is owed itself, takes it over.

    Parameters
    ----------
    texts
        All about the promise, oldest first.
    """
    mine = [at for at, each in enumerate(texts) if each.message_id == message_id and is_owed(each)]
    later = texts[mine[0] + 1 :] if mine else ()
    return bool(mine) and not any(
        usefulness_of(each.kind).anew and (each.status not in NEVER_GONE or is_owed(each)) for each in later
    )


def told_anew(message: Message, now: Timestamp) -> Reminder:
    """Reminds of what a text was about; to be written before its row says that it does not go."""
    return Reminder(kind=ReminderKind.TELL_ANEW, subject=message.message_id, due_at=now + _AFTER)
