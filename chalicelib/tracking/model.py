"""What a buyer is shown of one delivery: nothing of who receives it, and nothing of anybody else's."""

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.fleet.progress import Sighting
from chalicelib.promises.model import ChangeKind, Feedback, Offer, Outcome, PromiseState, Refusal
from chalicelib.routing.model import Location, TimeWindow
from chalicelib.units import Seconds, Timestamp


class Cause(StrEnum):
    """Why a delivery comes at another time than was said first."""

    YOU_ASKED = "you_asked"
    SHOP_ASKED = "shop_asked"
    NOT_HOME = "not_home"
    NO_ACCESS = "no_access"
    WRONG_ADDRESS = "wrong_address"
    ATTEMPT_FAILED = "attempt_failed"  # for another reason, which is ours
    HELD_UP = "held_up"  # as far as anybody said
    ROAD_CLOSED = "road_closed"
    VAN_BROKE_DOWN = "van_broke_down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What became of the time.

    Attributes
    ----------
    from_window
        What held before; None where it still holds and may not be kept.
    """

    cause: Cause
    at: Timestamp
    from_window: TimeWindow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Eta:
    """When the van is expected: 5 %, 50 % and 95 %, in steps of five minutes, outwards.

    Attributes
    ----------
    stops_before
        Deliveries it makes first.
    """

    earliest_at: Timestamp
    expected_at: Timestamp
    latest_at: Timestamp
    stops_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a change that the buyer asked for; done if there is no refusal.

    Attributes
    ----------
    window
        The new one, if it got another.
    """

    kind: ChangeKind
    refusal: Refusal | None
    window: TimeWindow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A delivery as its buyer sees it.

    Attributes
    ----------
    window
        What the buyer was last told.
    eta
        While the van is under way and heard of; None at any other time.
    late
        Whether that will rather not be kept.
    moved
        What changed last, and why.
    in_vain
        Why the last attempt failed, as long as no other time was agreed; None if none did, or one was.
    van
        Where the van is, on the last stretch only.
    door
        Where it goes; for drawing the van's way, shown with the van or not at all.
    outcome, ended_at
        Of the last attempt.
    arranged
        What the driver was told for the door: which of it, never what, because a link can be found.
    done
        What came of the change that was asked about, if nothing else has come since.
    offered
        Slots offered unasked: an attempt failed, or the window will rather not be kept.
    poll_after
        When it is worth to look again.
    """

    state: PromiseState
    window: TimeWindow
    timezone: str
    eta: Eta | None
    late: bool
    moved: Moved | None
    in_vain: Cause | None
    van: Sighting | None
    door: Location
    outcome: Outcome | None
    ended_at: Timestamp | None
    feedback: Feedback | None
    arranged: tuple[ChangeKind, ...]
    done: Done | None
    offered: tuple[Offer, ...]
    poll_after: Seconds
