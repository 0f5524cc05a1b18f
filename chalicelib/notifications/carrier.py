"""What we ask of the carrier, what it answers, and how its words about one text are put in order.

Callbacks come doubled, late and in any order, some before the answer to the call that began it all. So each
word has a rank, a higher one replaces a lower one, and of the last words the first that is heard stays. Weak
point: a carrier that says `delivered` and thinks better of it is not believed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from chalicelib.notifications.model import Message, MessageStatus
from chalicelib.units import Seconds, Timestamp

_RANK: Final[Mapping[str, int]] = {
    "accepted": 0,
    "scheduled": 0,
    "queued": 1,
    "sending": 2,
    "sent": 3,
    "delivered": 4,
    "undelivered": 4,
    "failed": 4,
    "canceled": 4,
    "read": 5,
}
_ENDS: Final[Mapping[str, MessageStatus]] = {
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.DELIVERED,
    "undelivered": MessageStatus.UNDELIVERED,
    "failed": MessageStatus.FAILED,
    "canceled": MessageStatus.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One call to the carrier.

    Attributes
    ----------
    sender
        Number or messaging service; None: the deployment's own.
    callback_url
        Where the carrier tells what becomes of it.
    valid_for
        After so long the carrier gives it up itself.
    """

    to: str
    body: str
    sender: str | None
    callback_url: str
    valid_for: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The carrier has it, under this id; `word` is its first about it."""

    sid: str
    word: str = "queued"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotProcessed:
    """It never got as far as being looked at, so it may be repeated.

    Attributes
    ----------
    after
        When the carrier asks us to come back.
    reached
        Whether there was anybody to say so.
    """

    after: Seconds | None = None
    reached: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The carrier will not take it; `code` is its own."""

    code: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """It may have been taken, or not."""


type Answer = Taken | NotProcessed | Refused | Unanswered


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A text as the carrier lists it."""

    sid: str
    body: str
    word: str
    code: str | None
    created_at: Timestamp


class TextSender(Protocol):
    """Twilio, or what stands in for it."""

    def send(self, text: Outgoing) -> Answer:
        """Give one text to the carrier, once: nothing is repeated."""
        ...

    def sent_to(self, to: str) -> Sequence[Sighting]:
        """What was last sent to a number, latest first; `Upstream` if the carrier does not say."""
        ...

    def sighting(self, sid: str) -> Sighting | None:
        """What became of a text; `Upstream` if the carrier does not say, None if it has no such text."""
        ...

    def forget(self, sid: str) -> None:
        """Have a text forgotten, words and number; `Upstream` as long as the carrier has not done so."""
        ...


def heard(message: Message, *, sid: str, word: str, code: str | None = None) -> Message | None:
    """What a text is after a word of the carrier's; None if it says nothing new.

    Parameters
    ----------
    sid
        Which of the carrier's texts it is about: a text that was resent may be two of them.
    code
        The carrier's error code, if it has one.
    """
    rank, end = _RANK.get(word), _ENDS.get(word)
    if rank is None:
        return None
    arrived = end is MessageStatus.DELIVERED
    if message.sid not in (None, sid) or message.failed_sid == sid:
        # The other of two: all that counts is whether the buyer has read it.
        if not arrived or message.status is MessageStatus.DELIVERED:
            return None
    elif rank <= _rank_of(message) or _is_at_its_end(message, word):
        return None
    status = end or MessageStatus.SENT
    if status is message.status is MessageStatus.SENT and message.sid == sid:
        return None  # on its way it was before: a write for each step of that would say nothing
    reason = None if arrived or end is None else code or message.reason or word
    return replace(message, status=status, sid=sid, heard=word, reason=reason, leased_until=0)


def _is_at_its_end(message: Message, word: str) -> bool:
    """Whether a last word was heard; `read` after `delivered` is one more."""
    return message.heard in _ENDS and (message.heard, word) != ("delivered", "read")


def _rank_of(message: Message) -> int:
    return -1 if message.heard is None else _RANK.get(message.heard, -1)
