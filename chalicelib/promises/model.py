"""What is sold: offers, holds and promises, and the steps they may take.

An offer is a shown slot, a hold a claimed place in a route, a promise a commitment. The stop in the route is
the truth about place and expiry; a hold or promise knows where it was last seen (`found`), as a hint.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from hashlib import sha256

from chalicelib.fleet.forecasts import Forecast
from chalicelib.fleet.model import Handover, Money
from chalicelib.fleet.planning import Found
from chalicelib.routing.model import Load, Location, TimeWindow, Visit
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.units import Metres, Probability, Seconds, StopId, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What a driver reads; where the van goes is the destination's location."""

    lines: tuple[str, ...]
    city: str
    country: str
    postal_code: str | None = None
    unit: str | None = None
    floor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is to be brought where: the same from search to the door.

    Attributes
    ----------
    service_time
        Expected seconds at the door.
    """

    location: Location
    address: Address | None
    load: Load
    skills: frozenset[str]
    service_time: Seconds
    handover: Handover

    def visit(self, travel: TravelTimes) -> Visit:
        """The stop it asks for, found on this engine's roads.

        Raises
        ------
        OffRoad
            No road that vans can reach is near enough.
        """
        return Visit(
            location=self.location,
            node=travel.snap(self.location),
            load=self.load,
            skills=self.skills,
            service_time=self.service_time,
        )


class Reason(StrEnum):
    """Why a slot is not offered."""

    CUTOFF_PASSED = "cutoff_passed"
    FULL = "full"  # an empty van could do it; what is sold already takes the time
    HELD = "held"  # another checkout holds the place; it may come back
    NO_ROUTE_FIT = "no_route_fit"  # not even an empty van could reach it and be back in time
    LOAD = "load"
    SKILL = "skill"
    OUT_OF_AREA = "out_of_area"
    NO_SHIFT = "no_shift"
    CLOSED = "closed"
    FAR_FROM_ROUTE = "far_from_route"  # the merchant hides slots with a long detour; only under that policy


class Grade(StrEnum):
    """How well a slot suits the routes as they are."""

    BEST = "best"
    GOOD = "good"
    FAIR = "fair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A slot shown to one checkout: everything a hold needs is in it.

    Attributes
    ----------
    timezone
        The depot's, for showing it; kept with what was sold.
    cart_ref
        The cart it was issued to, if the search named one; no other may use it.
    promise
        The promise it would move, if it was issued for one.
    """

    depot_id: str
    slot_id: str
    day: date
    window: TimeWindow
    delivery: Delivery
    price: Money | None
    timezone: str
    cutoff_at: Timestamp
    issued_at: Timestamp
    expires_at: Timestamp
    cart_ref: str | None = None
    promise: StopId | None = None


class HoldState(StrEnum):
    """A hold is active until it becomes a promise, is given back, or runs out."""

    ACTIVE = "active"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A place in a route claimed by a checkout.

    Attributes
    ----------
    expires_at
        Business time from which confirm no longer takes it as it is.
    extendable_until
        Sixty minutes after it was made, or the cut-off.
    earlier
        Holds of its cart that were given up for it, the last few.
    version
        Of the stored row; 0 before it is stored.
    """

    stop_id: StopId
    cart_ref: str
    state: HoldState
    offer: Offer
    created_at: Timestamp
    expires_at: Timestamp
    confidence: Probability
    found: Found
    earlier: tuple[StopId, ...] = ()
    version: int = 0

    def live(self, now: Timestamp) -> bool:
        """Whether the buyer may still confirm it as it is."""
        return self.state is HoldState.ACTIVE and now < self.expires_at


class PromiseState(StrEnum):
    """Where a delivery stands."""

    CONFIRMED = "confirmed"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ARRIVING = "arriving"
    DELIVERED = "delivered"
    RETURNED_TO_SENDER = "returned_to_sender"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether nothing can change it any more."""
        return self in (PromiseState.DELIVERED, PromiseState.RETURNED_TO_SENDER, PromiseState.CANCELLED)


class Standing(StrEnum):
    """How a promise was last said to stand."""

    SAFE = "safe"
    AT_RISK = "at_risk"
    BROKEN = "broken"


class Outcome(StrEnum):
    """What came of an attempt to deliver."""

    DELIVERED_TO_RECIPIENT = "delivered_to_recipient"
    DELIVERED_TO_NEIGHBOUR = "delivered_to_neighbour"
    DELIVERED_TO_SAFE_PLACE = "delivered_to_safe_place"
    DELIVERED_TO_MAILBOX = "delivered_to_mailbox"
    FAILED_NOT_HOME = "failed_not_home"
    FAILED_NO_ACCESS = "failed_no_access"
    FAILED_WRONG_ADDRESS = "failed_wrong_address"
    FAILED_REFUSED = "failed_refused"
    FAILED_DAMAGED = "failed_damaged"
    FAILED_PARCEL_MISSING = "failed_parcel_missing"
    FAILED_NO_TIME = "failed_no_time"
    FAILED_VEHICLE = "failed_vehicle"

    @property
    def is_delivery(self) -> bool:
        """Whether the parcels changed hands."""
        return self.startswith("delivered_")

    @property
    def nobody_came(self) -> bool:
        """Whether no van was at the door at all."""
        return self in (Outcome.FAILED_NO_TIME, Outcome.FAILED_VEHICLE)

    @property
    def leads_to(self) -> PromiseState:
        """Where it leaves the promise: what was refused or is broken goes back, all else is tried again."""
        if self.is_delivery:
            return PromiseState.DELIVERED
        gone = self in (Outcome.FAILED_REFUSED, Outcome.FAILED_DAMAGED)
        return PromiseState.RETURNED_TO_SENDER if gone else PromiseState.CONFIRMED


class AttemptFlag(StrEnum):
    """What a merchant should look at."""

    UNSECURED_DROP = "unsecured_drop"  # left where nobody agreed to it
    PARTIAL = "partial"  # fewer parcels than were promised


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """What a driver brings back from the door: personal.

    Attributes
    ----------
    name
        Who took it.
    uploads
        Ids of photos and signatures.
    """

    name: str | None = None
    note: str | None = None
    uploads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at the door.

    Attributes
    ----------
    depot_id, day, shift_id
        Whose shift it was.
    arrived_at, ended_at
        When the van came, and when it was done.
    parcels
        How many changed hands; None if nobody counted.
    window, told_window
        What was promised, and what the buyer was last told, when it ended; None in attempts from before these
        were kept.
    planned_at
        When service was planned to start as the van was loaded; None if it was not on the plan then.
    forecasts
        What was expected of it on the way.
    """

    outcome: Outcome
    arrived_at: Timestamp
    ended_at: Timestamp
    depot_id: str
    day: date
    shift_id: str
    parcels: int | None = None
    flags: frozenset[AttemptFlag] = frozenset()
    proof: HandedOver = HandedOver()
    window: TimeWindow | None = None
    told_window: TimeWindow | None = None
    planned_at: Timestamp | None = None
    forecasts: tuple[Forecast, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who receives it; without a phone nobody is texted."""

    name: str
    phone: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """What the driver should know at the door."""

    gate_code: str | None = None
    note: str | None = None
    safe_place: str | None = None
    neighbour: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a merchant says when the buyer has paid."""

    order_ref: str
    shipment_ref: str | None
    recipient: Recipient
    sms_consent: bool
    instructions: Instructions


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """How likely a buyer is to recommend the goods, and how they were delivered, each from 0 to 10.

    Attributes
    ----------
    comment
        In the buyer's words: personal.
    """

    product: int
    delivery: int
    comment: str | None = None


class ChoicesAfter(StrEnum):
    """Why a buyer is offered other slots unasked."""

    FAILED = "failed"  # an attempt did
    AT_RISK = "at_risk"  # hardly any plan keeps it


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A slot that a promise could move to; becomes an offer when it is shown, or taken."""

    depot_id: str
    slot_id: str
    day: date
    window: TimeWindow
    price: Money | None
    cutoff_at: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Other slots offered to a buyer unasked; new ones take the place of old ones as a whole.

    Attributes
    ----------
    choices
        In the order in which they are numbered, from 1 on.
    answers
        Number of the fact in the promise's ledger that they were made for.
    valid_until
        From then on they are not shown any more; any of them may be gone before.
    """

    after: ChoicesAfter
    choices: tuple[Choice, ...]
    answers: int
    made_at: Timestamp
    valid_until: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Our commitment to deliver within a window.

    Attributes
    ----------
    window, original_window
        The promised window, and the first one if it was ever moved.
    told_window
        What the buyer was last told; the promised window until a text names another.
    told_by
        Number of the fact behind what was told.
    foreseen
        What should be told instead, because the truth is likely to leave `told_window`; None: nothing.
    adrift
        Whether it was said that nobody knows when it comes: its van broke down, or is not heard of.
    sequence
        Facts written about it so far.
    tracking_token
        Opens the tracking page; 128 bits, opaque.
    attempts
        In order; the last one says how it stands.
    standing
        What merchants were told of its chances; a new window begins anew.
    contacts
        How often its buyer asked about it.
    feedback
        What its buyer thought of it, as said last.
    choices
        What its buyer was offered instead, and has not taken.
    access_asked_at
        When its buyer was last asked how to get in; None if nobody had to.
    erased_at
        When its buyer was forgotten: from then on nothing changes it any more.
    version
        Of the stored row; 0 before it is stored.
    """

    stop_id: StopId
    state: PromiseState
    order: Order
    delivery: Delivery
    depot_id: str
    slot_id: str
    day: date
    window: TimeWindow
    told_window: TimeWindow
    timezone: str
    cutoff_at: Timestamp
    price: Money | None
    found: Found
    tracking_token: str
    created_at: Timestamp
    sequence: int
    original_window: TimeWindow | None = None
    cart_ref: str | None = None
    attempts: tuple[Attempt, ...] = ()
    standing: Standing = Standing.SAFE
    contacts: int = 0
    feedback: Feedback | None = None
    choices: Choices | None = None
    access_asked_at: Timestamp | None = None
    told_by: int = 0
    foreseen: TimeWindow | None = None
    adrift: bool = False
    erased_at: Timestamp | None = None
    version: int = 0

    def own_slot(self, now: Timestamp, life: Seconds) -> Offer:
        """Its own slot as an offer that only it can use: for trying the same window again."""
        return self._offer(
            Choice(
                depot_id=self.depot_id,
                slot_id=self.slot_id,
                day=self.day,
                window=self.window,
                price=self.price,
                cutoff_at=self.window.end,
            ),
            now,
            life,
        )

    def offered(self, now: Timestamp, life: Seconds) -> dict[int, Offer]:
        """What may still be taken of its choices, by number, as offers that only it can use."""
        known = self.choices
        if known is None or now >= known.valid_until:
            return {}
        return {
            number: self._offer(each, now, life)
            for number, each in enumerate(known.choices, start=1)
            if now < each.cutoff_at
        }

    def _offer(self, choice: Choice, now: Timestamp, life: Seconds) -> Offer:
        return Offer(
            depot_id=choice.depot_id,
            slot_id=choice.slot_id,
            day=choice.day,
            window=choice.window,
            delivery=self.delivery,
            price=choice.price,
            timezone=self.timezone,
            cutoff_at=choice.cutoff_at,
            issued_at=now,
            expires_at=now + life,
            cart_ref=self.cart_ref,
            promise=self.stop_id,
        )


def token_hash(token: str) -> str:
    """Under which a buyer's token is looked up; any text has one."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class ChangeKind(StrEnum):
    """What can be changed about a promise."""

    SLOT = "slot"
    ADDRESS = "address"
    NEIGHBOUR = "neighbour"
    SAFE_PLACE = "safe_place"
    GATE_CODE = "gate_code"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A wish to change a promise; only the fields of its kind are set."""

    kind: ChangeKind
    offer: Offer | None = None
    location: Location | None = None
    address: Address | None = None
    text: str | None = None  # whom, where, which code, or why


class Refusal(StrEnum):
    """Why a change is not done."""

    SLOT_TAKEN = "slot_taken"
    CUTOFF_PASSED = "change_cutoff_passed"
    FINISHED = "promise_finished"
    OUT_OF_AREA = "out_of_area"
    NO_ROUTE_FIT = "no_route_fit"
    HANDOVER_IN_PERSON = "handover_in_person"  # somebody must be there, so no neighbour and no safe place
    VAN_ON_ITS_WAY = "van_on_its_way"  # it is at the door, or drives to nobody else before


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A slot as a search answers it: offered, or refused with the reason.

    Attributes
    ----------
    extra_seconds, extra_metres
        Added driving, the time at the door not counted.
    """

    slot_id: str
    depot_id: str
    window: TimeWindow
    timezone: str
    cutoff_at: Timestamp
    price: Money | None
    reason: Reason | None = None
    confidence: Probability | None = None
    extra_seconds: Seconds | None = None
    extra_metres: Metres | None = None
    grade: Grade | None = None
    offer: Offer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A whole search answered."""

    computed_at: Timestamp
    expires_at: Timestamp
    timezone: str
    live: bool
    slots: tuple[Listed, ...] = field(default=())
