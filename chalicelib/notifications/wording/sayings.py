"""Everything we may say to a buyer, as values: what a text needs, and nothing personal.

No value holds a name, an address, a code or where exactly a parcel was left; the page behind the link shows
those to whoever may see them.
"""

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.notifications.intents import IntentKind
from chalicelib.notifications.model import MessageKind
from chalicelib.routing.model import TimeWindow
from chalicelib.units import Timestamp


class Cause(StrEnum):
    """Why a delivery is late, as far as a buyer cares."""

    TRAFFIC = "traffic"
    ROAD_CLOSED = "road_closed"
    VEHICLE = "vehicle"
    WEATHER = "weather"
    EARLIER_STOPS = "earlier_stops"
    LATE_START = "late_start"
    UNKNOWN = "unknown"  # nobody says: nothing is heard of the van


class LeftHow(StrEnum):
    """How a delivery was handed over."""

    RECIPIENT = "recipient"
    NEIGHBOUR = "neighbour"
    SAFE_PLACE = "safe_place"
    MAILBOX = "mailbox"


class FailedWhy(StrEnum):
    """Why an attempt came to nothing."""

    NOT_HOME = "not_home"
    NO_ACCESS = "no_access"
    WRONG_ADDRESS = "wrong_address"
    REFUSED = "refused"
    DAMAGED = "damaged"
    PARCEL_MISSING = "parcel_missing"
    NO_TIME = "no_time"
    VEHICLE = "vehicle"


class Obstacle(StrEnum):
    """Why a wish is not granted; named as the API names its refusals."""

    SLOT_TAKEN = "slot_taken"
    CUTOFF_PASSED = "change_cutoff_passed"
    FINISHED = "promise_finished"
    OUT_OF_AREA = "out_of_area"
    NO_ROUTE_FIT = "no_route_fit"
    HANDOVER_IN_PERSON = "handover_in_person"


class ChoiceKind(StrEnum):
    """What a number stands for."""

    KEEP = "keep"
    SLOT = "slot"  # with its window
    NEIGHBOUR = "neighbour"
    SAFE_PLACE = "safe_place"
    CANCEL = "cancel"
    OTHER = "other"  # somebody calls


class Effect(StrEnum):
    """What was done for a buyer."""

    KEPT = "kept"  # with its window, like the next
    MOVED = "moved"
    NEIGHBOUR = "neighbour"
    SAFE_PLACE = "safe_place"
    GATE_CODE = "gate_code"
    CANCELLED = "cancelled"
    FEEDBACK = "feedback"
    PASSED_ON = "passed_on"  # the merchant reads it


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One numbered choice; its number is its place, from 1."""

    kind: ChoiceKind
    window: TimeWindow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One of several deliveries to choose from."""

    order_ref: str
    window: TimeWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseConfirmed:
    """The delivery is booked."""

    window: TimeWindow
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBefore:
    """It comes tomorrow."""

    window: TimeWindow
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MorningWindow:
    """It comes today, in this window."""

    window: TimeWindow
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowChanged:
    """Another window than the one last told: inside it (`narrowed`), or elsewhere."""

    window: TimeWindow
    narrowed: bool
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStop:
    """The van drives to this address now."""

    window: TimeWindow
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRisk:
    """The promised window may be missed: what we expect, or why nobody knows; and what may be chosen."""

    promised: TimeWindow
    expected: TimeWindow | None
    choices: tuple[Choice, ...]
    cause: Cause = Cause.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOnTime:
    """It was at risk and is no more."""

    window: TimeWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Delayed:
    """It comes later, and why; nobody knows when if there is no window."""

    window: TimeWindow | None
    cause: Cause
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """It was delivered."""

    at: Timestamp
    how: LeftHow
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An attempt came to nothing; what may be done now."""

    why: FailedWhy
    choices: tuple[Choice, ...] = ()
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescheduled:
    """It has another window, by whoever's wish."""

    window: TimeWindow
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressChanged:
    """It goes to another address, by its buyer's wish."""

    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirected:
    """It is taken to a neighbour, or left in a safe place, by its buyer's wish."""

    to_neighbour: bool
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """It does not come."""


@dataclass(frozen=True, slots=True)
class FeedbackAsked:
    """We ask how the goods were, and how the delivery was."""


@dataclass(frozen=True, slots=True)
class AccessAsked:
    """We ask how the driver gets in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A reply was acted on: its effect."""

    effect: Effect
    window: TimeWindow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A reply could not be acted on: why, and what is possible."""

    obstacle: Obstacle
    choices: tuple[Choice, ...] = ()
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A reply was not certain: one short question."""

    about: IntentKind | None = None
    choices: tuple[Choice, ...] = ()
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichOrder:
    """A reply could be about several deliveries."""

    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTooOld:
    """The numbers replied to are gone; these are possible now."""

    choices: tuple[Choice, ...] = ()
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where is it? `stops_before` is None before the van has left."""

    window: TimeWindow
    stops_before: int | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpGiven:
    """Who texts, and where a person answers."""

    support_phone: str | None = None


type Saying = (
    PromiseConfirmed
    | DayBefore
    | MorningWindow
    | WindowChanged
    | NextStop
    | AtRisk
    | BackOnTime
    | Delayed
    | Delivered
    | Failed
    | Rescheduled
    | AddressChanged
    | Redirected
    | Cancelled
    | FeedbackAsked
    | AccessAsked
    | Done
    | Refused
    | Asking
    | WhichOrder
    | PromptTooOld
    | Whereabouts
    | HelpGiven
)

KIND_OF: dict[type[Saying], MessageKind] = {
    PromiseConfirmed: MessageKind.PROMISE_CONFIRMED,
    DayBefore: MessageKind.DAY_BEFORE,
    MorningWindow: MessageKind.MORNING_WINDOW,
    WindowChanged: MessageKind.WINDOW_CHANGED,
    NextStop: MessageKind.NEXT_STOP,
    AtRisk: MessageKind.AT_RISK,
    BackOnTime: MessageKind.BACK_ON_TIME,
    Delayed: MessageKind.DELAYED,
    Delivered: MessageKind.DELIVERED,
    Failed: MessageKind.FAILED,
    Rescheduled: MessageKind.RESCHEDULED,
    AddressChanged: MessageKind.ADDRESS_CHANGED,
    Redirected: MessageKind.REDIRECTED,
    Cancelled: MessageKind.CANCELLED,
    FeedbackAsked: MessageKind.FEEDBACK_ASKED,
    AccessAsked: MessageKind.ACCESS_ASKED,
    Done: MessageKind.DONE,
    Refused: MessageKind.REFUSED,
    Asking: MessageKind.QUESTION,
    WhichOrder: MessageKind.WHICH_ORDER,
    PromptTooOld: MessageKind.PROMPT_TOO_OLD,
    Whereabouts: MessageKind.WHEREABOUTS,
    HelpGiven: MessageKind.HELP,
}
