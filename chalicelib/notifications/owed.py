"""What a buyer has still to hear of because the text that was to say it never went.

Trouble, and its end, is news until the buyer knows: by night, while the carrier takes nothing, while texting
is off, or where its words had become untrue, a text ends, and a reminder has what it was about said anew, as
it is by then; what was agreed too, if the carrier took nothing for hours. So nothing of what may change is
kept for the morning, and however often it changed in the night, one text says how it is. Weak point: what the
carrier took counts as heard.
"""

from collections.abc import Sequence
from typing import Final

from chalicelib.notifications.kinds import usefulness_of
from chalicelib.notifications.model import Message, MessageKind, MessageStatus
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.units import MINUTE, Seconds, Timestamp

NEVER_GONE: Final = (MessageStatus.SKIPPED, MessageStatus.EXPIRED, MessageStatus.FAILED)
_TROUBLE: Final = (
    MessageKind.WINDOW_CHANGED,
    MessageKind.AT_RISK,
    MessageKind.DELAYED,
    MessageKind.BACK_ON_TIME,
)
_AFTER: Final[Seconds] = MINUTE  # its row says by then that it does not go


def is_owed(message: Message) -> bool:
    """Whether a text did not go, and what it was about is to be said anew."""
    return message.status in NEVER_GONE and message.reason in usefulness_of(message.kind).anew


def is_still_owed(message_id: str, texts: Sequence[Message]) -> bool:
    """Whether that falls to this text still: a later one that went, or is owed itself, takes it over.

    Parameters
    ----------
    texts
        All about the promise, oldest first.
    """
    mine = [at for at, each in enumerate(texts) if each.message_id == message_id and is_owed(each)]
    if not mine:
        return False
    own, *later = texts[mine[0] :]
    kinds = _TROUBLE if own.kind in _TROUBLE else (own.kind,)
    return not any(each.kind in kinds and (each.status not in NEVER_GONE or is_owed(each)) for each in later)


def told_anew(message: Message, now: Timestamp) -> Reminder:
    """Reminds of what a text was about; to be written before its row says that it does not go."""
    return Reminder(kind=ReminderKind.TELL_ANEW, subject=message.message_id, due_at=now + _AFTER)
