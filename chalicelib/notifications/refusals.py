"""What the carrier's error codes mean for what is done next: one table, and a default.

Codes and their meaning are Twilio's (its error dictionary). It warns that they are no interface, so a class
decides between again, stop and wake somebody, and nothing finer. Weak point: a code that Twilio adds is taken
for a final refusal of this one text, until somebody enters it here.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from chalicelib.units import MINUTE, Seconds


class Refusal(StrEnum):
    """Why the carrier would not."""

    BUSY = "busy"  # not processed at all: always safe to repeat
    LATER = "later"  # full, or outside the hours of a rule: the same text may pass later
    OPTED_OUT = "opted_out"
    BAD_NUMBER = "bad_number"  # nobody can be reached there
    NOT_ALLOWED = "not_allowed"  # our account or sender may not: somebody must change a setting
    HANDSET = "handset"  # switched off, out of reach: once more, if at all
    FILTERED = "filtered"  # a carrier took it for spam: repeating makes it worse
    CREDENTIALS = "credentials"  # no text goes out until somebody sees to it
    OTHER = "other"


_CODES: Final[Mapping[Refusal, tuple[str, ...]]] = {
    Refusal.BUSY: ("20429", "429"),
    Refusal.LATER: ("21611", "30001", "30022", "30023", "30047", "30610"),
    Refusal.OPTED_OUT: ("21610",),
    Refusal.BAD_NUMBER: ("21211", "21614", "21602", "21603", "21604", "21617", "30005", "30006"),
    Refusal.NOT_ALLOWED: ("21408", "21606", "21612", "30032", "30034"),
    Refusal.HANDSET: ("30003", "30008"),
    Refusal.FILTERED: ("30004", "30007", "30450"),
    Refusal.CREDENTIALS: ("20003", "401", "403"),
}
_CLASS_OF: Final = {code: refusal for refusal, codes in _CODES.items() for code in codes}
_AGAIN_AFTER: Final[Mapping[Refusal, Seconds]] = {
    Refusal.BUSY: 2,
    Refusal.LATER: 15 * MINUTE,
    Refusal.HANDSET: 10 * MINUTE,
}


def refusal_of(code: str | None) -> Refusal:
    """Which class a code is of; `OTHER` for one that nobody entered."""
    return _CLASS_OF.get(code or "", Refusal.OTHER)


def again_after(refusal: Refusal) -> Seconds | None:
    """After how long the same text may be tried again; None: never."""
    return _AGAIN_AFTER.get(refusal)
