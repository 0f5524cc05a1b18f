"""How a promise is spoken of on the wire: requests, answers, and how the one becomes the other."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.events import Actor, Fact
from chalicelib.fleet.arrival import EtaStatus
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.model import Handover, Money
from chalicelib.fleet.risk import Risk
from chalicelib.handlers.checkout import CartRef, OfferText
from chalicelib.handlers.delivery_wire import HandoverBody
from chalicelib.handlers.endpoints import Call
from chalicelib.handlers.paging import Listed, PageQuery
from chalicelib.handlers.wire import (
    Body,
    Date,
    Id,
    InstantText,
    Label,
    Locale,
    Name,
    Note,
    Phone,
    View,
    absent,
    rfc3339,
)
from chalicelib.promises.model import (
    Attempt,
    AttemptFlag,
    ChoicesAfter,
    Instructions,
    Order,
    Outcome,
    Promise,
    PromiseState,
    Recipient,
)
from chalicelib.promises.offer_token import seal_offer
from chalicelib.promises.outlook import Outlook, outlooks
from chalicelib.promises.search import OFFER_LIFE
from chalicelib.routing.model import TimeWindow
from chalicelib.units import Timestamp

_RISKS = {"at_risk": (Risk.AT_RISK, Risk.BROKEN), "broken": (Risk.BROKEN,)}


class RecipientBody(Body):
    """Who receives it."""

    name: Name
    phone: Annotated[Phone | None, Field(description="Without one, nobody is texted.")] = None
    locale: Locale | None = None

    def recipient(self) -> Recipient:
        """Give them as the promise keeps them."""
        return Recipient(name=self.name, phone=self.phone, locale=self.locale)


class InstructionsBody(Body):
    """What the driver should know at the door."""

    gate_code: Label | None = None
    note: Note | None = None
    safe_place: Label | None = None
    neighbour: Label | None = None

    def instructions(self) -> Instructions:
        """Give them as the promise keeps them."""
        return Instructions(
            gate_code=self.gate_code,
            note=self.note,
            safe_place=self.safe_place,
            neighbour=self.neighbour,
        )


class PromiseRequest(Body):
    """A paid order: its hold, or straight an offer, becomes a promise."""

    hold_id: Annotated[str | None, Field(max_length=64)] = None
    offer: OfferText | None = None
    cart_ref: Annotated[CartRef | None, Field(description="With an offer that was issued to a cart.")] = None
    order_ref: Annotated[Id, Field(description="Your order's id.")]
    shipment_ref: Annotated[Id | None, Field(description="Where one order comes in several shipments.")] = (
        None
    )
    recipient: RecipientBody
    sms_consent: Annotated[bool, Field(description="The buyer agreed to texts about this delivery.")]
    instructions: InstructionsBody = InstructionsBody()

    @model_validator(mode="after")
    def _from_one_thing(self) -> "PromiseRequest":
        if (self.hold_id is None) == (self.offer is None):
            raise PydanticCustomError("source", "Give either a hold_id or an offer")
        return self

    def order(self) -> Order:
        """Give the order as the promise keeps it."""
        return Order(
            order_ref=self.order_ref,
            shipment_ref=self.shipment_ref,
            recipient=self.recipient.recipient(),
            sms_consent=self.sms_consent,
            instructions=self.instructions.instructions(),
        )


class WindowView(View):
    """When service may start, both ends included."""

    starts_at: InstantText
    ends_at: InstantText


class LiveEtaView(View):
    """When the van is expected: 5 %, 50 % and 95 % of what may happen."""

    earliest_at: InstantText
    expected_at: InstantText
    latest_at: InstantText
    stops_before: int
    status: EtaStatus
    computed_at: InstantText


class ProofView(View):
    """What the driver brought back from the door."""

    name: Annotated[str | None, absent(description="Who took it.")]
    note: Annotated[str | None, absent()]
    proof_ids: Annotated[list[str], Field(description="Photos and signatures that were announced.")]


class AttemptView(View):
    """One try at the door."""

    outcome: Outcome
    shift_id: str
    arrived_at: InstantText
    ended_at: InstantText
    parcels_delivered: Annotated[int | None, absent(description="Missing if nobody counted.")]
    flags: Annotated[
        list[AttemptFlag], Field(description="`unsecured_drop`: left where nobody agreed to it. `partial`.")
    ]
    proof: ProofView

    @staticmethod
    def of(attempt: Attempt, zone: str) -> "AttemptView":
        """Show an attempt."""
        return AttemptView(
            outcome=attempt.outcome,
            shift_id=attempt.shift_id,
            arrived_at=rfc3339(attempt.arrived_at, zone),
            ended_at=rfc3339(attempt.ended_at, zone),
            parcels_delivered=attempt.parcels,
            flags=sorted(attempt.flags),
            proof=ProofView(
                name=attempt.proof.name, note=attempt.proof.note, proof_ids=list(attempt.proof.uploads)
            ),
        )


class ChoiceView(View):
    """A slot the buyer may choose instead."""

    number: int
    slot_id: str
    starts_at: InstantText
    ends_at: InstantText
    price: Annotated[Money | None, absent()]
    offer: Annotated[str, Field(description="For a change of kind `slot`; good for 30 minutes.")]


class ChoicesView(View):
    """Other slots, offered unasked after a failed attempt or where the promise is hardly kept."""

    after: ChoicesAfter
    valid_until_at: InstantText
    slots: Annotated[list[ChoiceView], Field(description="Checked anew when one is taken.")]


class PromiseView(View):
    """A promise as it stands now."""

    promise_id: str
    order_ref: str
    shipment_ref: str | None
    state: PromiseState
    risk: Annotated[
        Risk | None, absent(description="`at_risk` when less likely kept than aimed at, or `broken`.")
    ]
    depot_id: str
    slot_id: str
    original_window: Annotated[WindowView | None, absent(description="The first one, if it was moved.")]
    promised_window: WindowView
    told_window: WindowView
    planned_eta: InstantText | None
    live_eta: LiveEtaView | None
    kept_probability: float | None
    pinned_to: Annotated[str | None, absent(description="The shift a human fixed it to.")]
    handover: HandoverBody
    instructions: InstructionsBody
    tracking_url: str
    attempts: list[AttemptView]
    choices: Annotated[ChoicesView | None, absent(description="Other slots, offered unasked.")]
    created_at: InstantText
    renewed: Annotated[bool | None, absent(description="The hold had run out; the same slot was taken anew.")]


class PromiseList(Listed[PromiseView]):
    """Promises, oldest first."""


class PromisesQuery(PageQuery):
    """Which promises."""

    order_ref: Id | None = None
    depot_id: Id | None = None
    date: Annotated[Date | None, Field(description="Local date of the promised window.")] = None
    state: PromiseState | None = None
    risk: Annotated[
        Literal["at_risk", "broken"] | None, Field(description="Those that may not be kept, or will not.")
    ] = None
    unassigned: Annotated[bool | None, Field(description="Those that no van has.")] = None


class FactView(View):
    """One thing that happened."""

    sequence: int
    at: InstantText
    kind: str
    actor: Actor
    data: dict[str, Any]


class LedgerView(Listed[FactView]):
    """All that happened, oldest first."""


def promise_views(call: Call[Any, Any], promises: Sequence[Promise]) -> list[PromiseView]:
    """Show promises with how they stand now."""
    services = call.services
    standing = outlooks(services.store, services.planner, call.tenant, promises, call.now)
    views = [promise_view(call, promise, standing.get(promise.stop_id)) for promise in promises]
    nowhere = {promise_id(p.stop_id) for p in promises if not p.state.finished and p.stop_id not in standing}
    return [
        view.model_copy(update={"risk": Risk.AT_RISK}) if view.promise_id in nowhere else view
        for view in views
    ]


def promise_view(
    call: Call[Any, Any], promise: Promise, outlook: Outlook | None, *, renewed: bool = False
) -> PromiseView:
    """Show a promise; without an outlook its arrival times are not known yet."""
    zone = promise.timezone
    instructions = promise.order.instructions
    risk = outlook.risk if outlook else None
    return PromiseView(
        promise_id=promise_id(promise.stop_id),
        order_ref=promise.order.order_ref,
        shipment_ref=promise.order.shipment_ref,
        state=promise.state,
        risk=None if risk is Risk.KEPT else risk,
        depot_id=promise.depot_id,
        slot_id=promise.slot_id,
        original_window=window_view(promise.original_window, zone) if promise.original_window else None,
        promised_window=window_view(promise.window, zone),
        told_window=window_view(promise.told_window, zone),
        planned_eta=rfc3339(outlook.planned_at, zone) if outlook else None,
        live_eta=live_eta(outlook, call.now, zone),
        kept_probability=outlook.kept if outlook else None,
        pinned_to=outlook.pinned_to if outlook else None,
        handover=_handover(promise.delivery.handover),
        instructions=InstructionsBody(
            gate_code=instructions.gate_code,
            note=instructions.note,
            safe_place=instructions.safe_place,
            neighbour=instructions.neighbour,
        ),
        attempts=[AttemptView.of(attempt, zone) for attempt in promise.attempts],
        choices=_choices(call, promise),
        tracking_url=call.services.tracking_url(promise.tracking_token),
        created_at=rfc3339(promise.created_at, zone),
        renewed=True if renewed else None,
    )


def _choices(call: Call[Any, Any], promise: Promise) -> ChoicesView | None:
    """Show what the buyer may choose instead, as offers."""
    offers, zone = promise.offered(call.now, OFFER_LIFE), promise.timezone
    if promise.choices is None or not offers:
        return None
    slots = [
        ChoiceView(
            number=number,
            slot_id=offer.slot_id,
            starts_at=rfc3339(offer.window.start, zone),
            ends_at=rfc3339(offer.window.end, zone),
            price=offer.price,
            offer=seal_offer(call.services.sealer, call.tenant, offer),
        )
        for number, offer in offers.items()
    ]
    valid_until_at = rfc3339(promise.choices.valid_until, zone)
    return ChoicesView(after=promise.choices.after, valid_until_at=valid_until_at, slots=slots)


def window_view(window: TimeWindow, zone: str) -> WindowView:
    """Show a window in its depot's zone."""
    return WindowView(starts_at=rfc3339(window.start, zone), ends_at=rfc3339(window.end, zone))


def live_eta(outlook: Outlook | None, now: Timestamp, zone: str) -> LiveEtaView | None:
    """Show when the van is expected; None where no van is known."""
    if outlook is None:
        return None
    return LiveEtaView(
        earliest_at=rfc3339(outlook.earliest_at, zone),
        expected_at=rfc3339(outlook.expected_at, zone),
        latest_at=rfc3339(outlook.latest_at, zone),
        stops_before=outlook.stops_before,
        status=outlook.status,
        computed_at=rfc3339(now, zone),
    )


def _handover(handover: Handover) -> HandoverBody:
    return HandoverBody(attended=handover.attended, requires=sorted(handover.requires))


def matches(view: PromiseView, asked: PromisesQuery) -> bool:
    """Filters on how a promise stands now; the store cannot know that."""
    if asked.risk is not None and view.risk not in _RISKS[asked.risk]:
        return False
    without_van = view.planned_eta is None and not view.state.finished
    return asked.unassigned is None or asked.unassigned == without_van


def fact_view(fact: Fact, zone: str) -> FactView:
    """Show one thing that happened, instants in the depot's zone."""
    return FactView(
        sequence=fact.sequence,
        at=rfc3339(fact.at, zone),
        kind=str(fact.kind),
        actor=fact.actor,
        data=_shown(dict(fact.data), zone),
    )


def _shown(value: Any, zone: str) -> Any:
    """A fact's value for people: instants as text."""
    if isinstance(value, dict):
        return {
            name: rfc3339(part, zone) if name.endswith("_at") else _shown(part, zone)
            for name, part in value.items()
        }
    return [_shown(part, zone) for part in value] if isinstance(value, list | tuple) else value


COLUMNS = (
    "promise_id",
    "order_ref",
    "shipment_ref",
    "state",
    "risk",
    "depot_id",
    "slot_id",
    "promised_starts_at",
    "promised_ends_at",
    "planned_eta",
    "kept_probability",
)


def promise_row(view: PromiseView) -> list[object]:
    """A promise as a line of CSV, under `COLUMNS`."""
    return [
        view.promise_id,
        view.order_ref,
        view.shipment_ref,
        str(view.state),
        view.risk and str(view.risk),
        view.depot_id,
        view.slot_id,
        view.promised_window.starts_at,
        view.promised_window.ends_at,
        view.planned_eta,
        view.kept_probability,
    ]
