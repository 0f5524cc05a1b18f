"""One text to one person, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.routing.model import TimeWindow
from chalicelib.units import Timestamp


class MessageKind(StrEnum):
    """What a text is about."""

    PROMISE_CONFIRMED = "promise_confirmed"


class MessageStatus(StrEnum):
    """What became of a text, in Twilio's words where Twilio has one; `skipped` was never sent."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


class Silence(StrEnum):
    """Why a text was not sent."""

    NO_PHONE = "no_phone"
    NO_CONSENT = "no_consent"
    TEXTING_OFF = "texting_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Whom a text about a promise goes to, and what it may say."""

    phone: str | None
    consent: bool
    brand: str
    texting: bool
    window: TimeWindow
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A text, sent or not.

    Attributes
    ----------
    message_id
        Of the fact and kind it reports: the same fact can never make a second one.
    subject
        The promise's id.
    reason
        Why it was not sent, or the error code of the carrier.
    request_id
        What it goes back to, as the store knows it; None if nobody asked.
    """

    message_id: str
    subject: str
    kind: MessageKind
    status: MessageStatus
    created_at: Timestamp
    body: str = ""
    sid: str | None = None
    reason: str | None = None
    request_id: str | None = None
