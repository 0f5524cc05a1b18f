"""One text to one person, and what became of it.

    pending --claimed, still true, its turn--> sending --taken--> sent --> delivered | undelivered | failed
       |  ^                                      |  |
       |  +------- never processed (429) --------+  +-- no answer, or its worker died --> unknown
       v                                                                                   |
    skipped, expired                     sent <-- found  |  pending, once more <-- resent  |  failed

Weak point: `sent` is where a text rests of which the carrier says nothing further.
"""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Final

from chalicelib.routing.model import TimeWindow
from chalicelib.units import Timestamp


class MessageKind(StrEnum):
    """What a text is about."""

    PROMISE_CONFIRMED = "promise_confirmed"
    DAY_BEFORE = "day_before"
    MORNING_WINDOW = "morning_window"
    WINDOW_CHANGED = "window_changed"  # narrowed or moved
    NEXT_STOP = "next_stop"
    AT_RISK = "at_risk"
    BACK_ON_TIME = "back_on_time"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    FAILED = "failed"
    RESCHEDULED = "rescheduled"
    ADDRESS_CHANGED = "address_changed"
    REDIRECTED = "redirected"  # to a neighbour, or to be left somewhere
    CANCELLED = "cancelled"
    FEEDBACK_ASKED = "feedback_asked"
    ACCESS_ASKED = "access_asked"
    # answers to a reply
    DONE = "done"
    REFUSED = "refused"
    QUESTION = "question"
    WHICH_ORDER = "which_order"
    PROMPT_TOO_OLD = "prompt_too_old"
    WHEREABOUTS = "whereabouts"
    HELP = "help"
    # what a buyer wrote
    REPLY = "reply"


ANSWERS: Final = frozenset(
    {
        MessageKind.DONE,
        MessageKind.REFUSED,
        MessageKind.QUESTION,
        MessageKind.WHICH_ORDER,
        MessageKind.PROMPT_TOO_OLD,
        MessageKind.WHEREABOUTS,
        MessageKind.HELP,
    }
)
"""To what a buyer wrote just now: outside any budget and quiet hours."""


class MessageStatus(StrEnum):
    """What became of a text, in Twilio's words where Twilio has one."""

    PENDING = "pending"  # to be sent, now or later
    SENDING = "sending"  # the carrier is being called, or was when its worker died
    UNKNOWN = "unknown"  # the carrier may have it; nobody sends it before that is known
    SENT = "sent"  # the carrier has it
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    SKIPPED = "skipped"  # never sent; `Silence` says why
    EXPIRED = "expired"  # nobody would need it any more
    RECEIVED = "received"  # it came from the buyer


UNDER_WAY: Final = frozenset({MessageStatus.PENDING, MessageStatus.SENDING, MessageStatus.UNKNOWN})


class Silence(StrEnum):
    """Why a text was not sent."""

    NO_PHONE = "no_phone"
    NO_CONSENT = "no_consent"
    TEXTING_OFF = "texting_off"
    OPTED_OUT = "opted_out"
    NOT_TRUE = "not_true"  # the promise it is about was cancelled, or is gone
    TOO_LATE = "too_late"  # it could not go out while anybody needed it
    QUIET_HOURS = "quiet_hours"  # it is night at the address, and in the morning nobody needs it
    BUDGET = "budget"  # there were texts enough about this delivery
    TOO_SOON = "too_soon"  # after another, and it cannot wait
    ALREADY_TOLD = "already_told"  # by another text
    ANSWERED = "answered"  # its buyer did this, and was answered there
    NOTHING_NEW = "nothing_new"  # it would say hardly more than was said
    COUNTRY_NOT_SERVED = "country_not_served"  # the number is of one that its merchant does not text
    NUMBER_CAP = "number_cap"  # these four: see `caps`
    PREFIX_CAP = "prefix_cap"
    COUNTRY_CAP = "country_cap"
    MERCHANT_CAP = "merchant_cap"
    MAYBE_A_MACHINE = "maybe_a_machine"  # an answer to it would keep it going
    NOT_TAKEN = "not_taken"  # the carrier gave no answer, has no such text, and its kind is not sent twice
    ERASED = "erased"  # its buyer was forgotten before it went
    UNRESOLVED = "unresolved"  # the carrier gave no answer, then or since


class Phase(StrEnum):
    """How far a delivery is, as far as texts care."""

    AHEAD = "ahead"
    NEXT = "next"  # the van drives to it, or is there
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether no van comes any more."""
        return self not in (Phase.AHEAD, Phase.NEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Wall times between which nobody is texted unasked; they may span midnight."""

    starts: time
    ends: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Whom a text about a promise goes to, and what it may say.

    Attributes
    ----------
    sender
        Number or messaging service the merchant texts from; None: the deployment's own.
    country, countries
        Whose number it is, by ISO 3166-1, None if of no country; and which are texted, None: all.
    locale, locales
        The recipient's language, if it is known, and the merchant's, the preferred first.
    window, told, foreseen
        The promised window; the one told last, the promised one if None; and the one that should be told
        instead, if there is one.
    adrift
        Whether nobody knows when it comes: its van broke down, or is not heard of.
    in_danger
        Whether the promised window may be missed, or was.
    offered, offered_at, offered_until
        Windows the buyer may choose instead, as they are numbered, since when, and until when.
    rebooked
        Whether it was tried in vain, and has another window since.
    sequence
        Number that the promise's ledger has reached.
    booked_at
        When the promise was made; None if its buyer was told of it elsewhere.
    scored
        Whether the buyer has said what they think of it.
    """

    phone: str | None
    consent: bool
    brand: str
    texting: bool
    window: TimeWindow
    timezone: str
    sender: str | None = None
    phase: Phase = Phase.AHEAD
    told: TimeWindow | None = None
    foreseen: TimeWindow | None = None
    adrift: bool = False
    in_danger: bool = False
    offered: tuple[TimeWindow, ...] = ()
    offered_at: Timestamp = 0
    offered_until: Timestamp = 0
    rebooked: bool = False
    sequence: int = 0
    link: str | None = None
    quiet: QuietHours | None = None
    booked_at: Timestamp | None = None
    scored: bool = False
    country: str | None = None
    countries: frozenset[str] | None = None
    locale: str | None = None
    locales: tuple[str, ...] = ()

    @property
    def told_last(self) -> TimeWindow:
        """What the buyer goes by."""
        return self.told or self.window

    @property
    def expected(self) -> TimeWindow:
        """What they should go by."""
        return self.foreseen or self.told_last

    @staticmethod
    def of_writer(phone: str, sender: str, *, texting: bool) -> "Addressee":
        """Whoever wrote to a number of ours just now, of whom nothing else is known: answered from there.

        Parameters
        ----------
        texting
            Whether the merchant that asks them texts anybody.
        """
        return Addressee(
            phone=phone,
            consent=True,
            brand="",
            texting=texting,
            window=TimeWindow(start=0, end=0),
            timezone="UTC",
            sender=sender,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A text, sent or not.

    Attributes
    ----------
    message_id
        Of the fact it reports: the same fact can never make a second one. Begins with `subject`.
    subject
        The promise's id.
    reason
        Why it was not sent, or the error code of the carrier.
    window
        The one it names, if it names one.
    sequence
        Number that the promise's ledger had reached when it was written.
    request_id
        What it goes back to, as the store knows it; None if nobody asked.
    ready_at, expires_at
        Business time before which it is not looked at, and from which on it is of no use.
    leased_until
        System time until which one worker has it to itself.
    called_at
        System time of the first call of the carrier; 0 before it.
    tries
        Calls of the carrier so far.
    resent
        Whether it was given to the carrier a second time, knowingly: no text ever is a third time.
    counted, paced
        Whether it stands in the caps, and whether it has its place in the pace of its sender.
    heard
        The carrier's latest word of it.
    sealed_to
        The number it went to, which may not be the promise's any more; None again once it is known how the
        text ended.
    failed_sid
        The carrier's id of a first try that failed, which the second one stands for.
    redact
        The carrier's ids of what it has still to forget: texts of a buyer who was.
    version
        Of the stored row; 0 before it is stored.
    """

    message_id: str
    subject: str
    kind: MessageKind
    status: MessageStatus
    created_at: Timestamp
    body: str = ""
    sid: str | None = None
    reason: str | None = None
    window: TimeWindow | None = None
    sequence: int = 0
    request_id: str | None = None
    ready_at: Timestamp = 0
    expires_at: Timestamp = 0
    leased_until: Timestamp = 0
    called_at: Timestamp = 0
    tries: int = 0
    resent: bool = False
    counted: bool = False
    paced: bool = False
    heard: str | None = None
    sealed_to: str | None = None
    failed_sid: str | None = None
    redact: tuple[str, ...] = ()
    version: int = 0


ASKED_OF: Final = "txt_"
"""Begins the subject of a question that is about no one promise: the text follows that it answers."""


def subject_of(message_id: str) -> str:
    """Which promise a text is about: ids of promises have no dot."""
    return message_id.partition(".")[0]
