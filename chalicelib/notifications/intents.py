"""What a buyer's text asks for, and what has to be known to read it.

An intent is certain or it is none: a text that could mean two things is a `Question`, one that nobody here
can read is `Unclear`. Neither changes anything, so both are always safe.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from chalicelib.routing.model import TimeWindow
from chalicelib.units import Timestamp

type MinuteOfDay = int  # 0 to 1440, on the wall of the delivery address


class IntentKind(StrEnum):
    """The names of what a buyer can want, for a question's candidates and for events."""

    CHOOSE = "choose"
    ANSWER = "answer"
    RESCHEDULE = "reschedule"
    SAFE_PLACE = "safe_place"
    NEIGHBOUR = "neighbour"
    GATE_CODE = "gate_code"
    NOT_HOME = "not_home"
    WHERE_IS_IT = "where_is_it"
    WRONG_ADDRESS = "wrong_address"
    WRONG_NUMBER = "wrong_number"
    CANCEL = "cancel"
    STOP = "stop"
    START = "start"
    HELP = "help"
    THANKS = "thanks"
    SCORES = "scores"


class Asked(StrEnum):
    """What the newest open prompt waits for."""

    CHOICE = "choice"
    CONFIRMATION = "confirmation"
    GATE_CODE = "gate_code"
    NEIGHBOUR = "neighbour"
    SAFE_PLACE = "safe_place"
    SCORES = "scores"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Where the conversation stands when a text arrives.

    Attributes
    ----------
    now
        When it arrived.
    timezone
        IANA name, of the delivery address.
    window
        The window last told to the buyer.
    language
        The recipient's, such as `de`; decides where a text reads equally well in two languages.
    asked
        What the newest open prompt waits for; None if no prompt is open.
    choices
        How many numbered choices that prompt has.
    windows
        What each of them stands for, if it is a time: who writes "thursday" may mean the one on that day.
    """

    now: Timestamp
    timezone: str
    window: TimeWindow
    language: str = "en"
    asked: Asked | None = None
    choices: int = 0
    windows: tuple[TimeWindow | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A part of a day; None leaves that side open. Both ends alike mean "at that time"."""

    start: MinuteOfDay | None = None
    end: MinuteOfDay | None = None


@dataclass(frozen=True, slots=True)
class Choose:
    """One of the numbered choices. With no prompt open, the number of a prompt that is gone."""

    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes or no to what was asked."""

    yes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reschedule:
    """Another time: a day, hours, or both. Without a day, the day that is promised now."""

    day: date | None = None
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class SafePlace:
    """Leave it there, in the buyer's own words: personal."""

    where: str


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Leave it with this house number or name: personal."""

    number_or_name: str


@dataclass(frozen=True, slots=True)
class GateCode:
    """How to get in: secret."""

    code: str


@dataclass(frozen=True, slots=True)
class NotHome:
    """Nobody will be there in the window last told."""


@dataclass(frozen=True, slots=True)
class WhereIsIt:
    """Where it is, when it comes, whether it was left."""


@dataclass(frozen=True, slots=True)
class WrongAddress:
    """The address is not right; the right one is never read from a text."""


@dataclass(frozen=True, slots=True)
class WrongNumber:
    """The phone is not the buyer's."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel the delivery."""


@dataclass(frozen=True, slots=True)
class Stop:
    """No more texts."""


@dataclass(frozen=True, slots=True)
class Start:
    """Texts again."""


@dataclass(frozen=True, slots=True)
class Help:
    """Who is texting, and how to reach a person."""


@dataclass(frozen=True, slots=True)
class Thanks:
    """Seen; no answer is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How the goods and the delivery were, each from 0 to 10; None where only one was told."""

    product: int | None = None
    delivery: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something is wanted, and it is not certain what: ask.

    Attributes
    ----------
    candidates
        What it may be about, the likeliest first; never empty.
    """

    candidates: tuple[IntentKind, ...]


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing in it was recognised."""


type Intent = (
    Choose
    | Answer
    | Reschedule
    | SafePlace
    | Neighbour
    | GateCode
    | NotHome
    | WhereIsIt
    | WrongAddress
    | WrongNumber
    | Cancel
    | Stop
    | Start
    | Help
    | Thanks
    | Scores
)
