"""How long each kind of text is of use, and whether it may be given to the carrier a second time.

Where nobody knows whether a text was taken, a second try may be a second text. Who goes by what a text says
(when it is booked, that it comes later, where it was left) is worse off with none than with two; "next stop"
twice, or late, is worse than none. A text that names a window is of no use behind its end, however long its
kind lasts. Of what was agreed, and of trouble and its end, a buyer has to hear at last: if the text did not
go, that is said anew, as it is by then. Weak point: these are judgements, the same for every merchant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.notifications.model import ANSWERS, MessageKind, Silence
from chalicelib.units import HOUR, MINUTE, Seconds

LONGEST_VALIDITY: Final[Seconds] = 10 * HOUR  # for which Twilio keeps a text
_SHORTEST_VALIDITY: Final[Seconds] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Usefulness:
    """What a text is still worth when things went wrong.

    Attributes
    ----------
    lasts
        For how long somebody needs it, from the moment it is ready to go.
    resend
        Whether it goes out once more, marked, if its first try may have failed.
    asked
        Whether it follows at once from what somebody did who is awake: it goes out at any hour.
    waits
        Whether it is of use still when the night is over.
    anew
        For which reasons, if it did not go, what it was about is said anew.
    """

    lasts: Seconds
    resend: bool
    asked: bool = False
    waits: bool = False
    anew: frozenset[Silence] = frozenset()


_CAREFUL: Final = Usefulness(lasts=2 * HOUR, resend=False)
_UNHEARD: Final = frozenset({Silence.QUIET_HOURS, Silence.TOO_LATE, Silence.NOT_TAKEN})
# What was stopped is not made up for, but trouble that lasts is; if its words are untrue, others may be true.
_TROUBLE: Final = Usefulness(lasts=HOUR, resend=True, anew=_UNHEARD | {Silence.TEXTING_OFF, Silence.NOT_TRUE})
_AGREED: Final = Usefulness(lasts=4 * HOUR, waits=True, resend=True, anew=_UNHEARD)
_ANSWER: Final = Usefulness(lasts=HOUR, resend=False, asked=True)  # somebody asked just now
_USEFULNESS: Final[Mapping[MessageKind, Usefulness]] = {
    MessageKind.PROMISE_CONFIRMED: Usefulness(lasts=6 * HOUR, resend=True, asked=True),
    MessageKind.RESCHEDULED: _AGREED,
    MessageKind.ADDRESS_CHANGED: _AGREED,
    MessageKind.REDIRECTED: _AGREED,
    MessageKind.CANCELLED: _AGREED,
    MessageKind.FAILED: replace(_AGREED, anew=_UNHEARD | {Silence.NOT_TRUE}),  # it may offer something else
    MessageKind.DELIVERED: Usefulness(lasts=2 * HOUR, resend=True),
    MessageKind.FEEDBACK_ASKED: Usefulness(lasts=4 * HOUR, waits=True, resend=False),
    MessageKind.ACCESS_ASKED: Usefulness(lasts=4 * HOUR, waits=True, resend=False),
    MessageKind.DAY_BEFORE: _CAREFUL,
    MessageKind.MORNING_WINDOW: _CAREFUL,
    MessageKind.NEXT_STOP: Usefulness(lasts=15 * MINUTE, resend=False),
    MessageKind.WINDOW_CHANGED: _TROUBLE,
    MessageKind.AT_RISK: _TROUBLE,
    MessageKind.DELAYED: _TROUBLE,
    MessageKind.BACK_ON_TIME: _TROUBLE,
    **dict.fromkeys(ANSWERS, _ANSWER),
}


def usefulness_of(kind: MessageKind) -> Usefulness:
    """What a kind is worth; two hours and never twice unless it stands here."""
    return _USEFULNESS.get(kind, _CAREFUL)


def valid_for(expires_in: Seconds) -> Seconds:
    """For how long the carrier may keep trying, of what is left."""
    return max(_SHORTEST_VALIDITY, min(expires_in, LONGEST_VALIDITY))
