"""How a buyer's wish to change a promise is spoken of on the wire, and what came of it."""

from typing import Annotated, Literal

from pydantic import Field, RootModel

from chalicelib.handlers.checkout import OfferText, SlotView, slot_view
from chalicelib.handlers.delivery_wire import AddressBody
from chalicelib.handlers.endpoints import Asking
from chalicelib.handlers.promise_wire import LiveEtaView, WindowView, live_eta, window_view
from chalicelib.handlers.wire import Body, InstantText, Label, LatLon, Query, View, absent, rfc3339
from chalicelib.promises.changes import Changed
from chalicelib.promises.facts import change_id
from chalicelib.promises.model import Change, ChangeKind, PromiseState, Refusal
from chalicelib.promises.offer_token import unseal_offer


class SlotsQuery(Query):
    """How far ahead."""

    days: Annotated[int, Field(ge=1, le=14)] = 7


class SlotsView(View):
    """Slots a promise could move to."""

    slots: list[SlotView]


class SlotChange(Body):
    """To another slot."""

    kind: Literal["slot"]
    offer: OfferText


class AddressChange(Body):
    """To another place, in the same window."""

    kind: Literal["address"]
    location: LatLon
    address: AddressBody


class NeighbourChange(Body):
    """To be left with a neighbour."""

    kind: Literal["neighbour"]
    name_or_number: Label


class SafePlaceChange(Body):
    """To be left somewhere safe."""

    kind: Literal["safe_place"]
    where: Label


class GateCodeChange(Body):
    """How to get in."""

    kind: Literal["gate_code"]
    code: Annotated[Label, Field(max_length=40)]


class CancelChange(Body):
    """Not to be delivered at all."""

    kind: Literal["cancel"]
    reason: Label | None = None


type AnyChange = Annotated[
    SlotChange | AddressChange | NeighbourChange | SafePlaceChange | GateCodeChange | CancelChange,
    Field(discriminator="kind"),
]


class ChangeRequest(RootModel[AnyChange]):
    """A change of one kind."""

    def change(self, call: Asking) -> Change:
        """Give the wish as the promises want it."""
        match self.root:
            case SlotChange(offer=token):
                return Change(
                    kind=ChangeKind.SLOT, offer=unseal_offer(call.services.sealer, call.tenant, token)
                )
            case AddressChange(location=location, address=address):
                return Change(
                    kind=ChangeKind.ADDRESS, location=location.location(), address=address.address()
                )
            case NeighbourChange(name_or_number=text):
                return Change(kind=ChangeKind.NEIGHBOUR, text=text)
            case SafePlaceChange(where=text):
                return Change(kind=ChangeKind.SAFE_PLACE, text=text)
            case GateCodeChange(code=text):
                return Change(kind=ChangeKind.GATE_CODE, text=text)
            case CancelChange(reason=reason):
                return Change(kind=ChangeKind.CANCEL, text=reason)


class EffectView(View):
    """How the promise stands after the change."""

    state: PromiseState
    promised_window: WindowView
    live_eta: LiveEtaView | None


class ChangeView(View):
    """What came of a change."""

    change_id: str
    state: Literal["accepted", "refused"]
    reason: Annotated[Refusal | None, absent()]
    effect: EffectView
    alternatives: Annotated[list[SlotView] | None, absent(description="Slots it can have instead.")]
    still_possible: Annotated[
        list[ChangeKind] | None,
        absent(description="Kinds of change that would be done, where it may not leave its place."),
    ]
    cutoff_at: Annotated[
        InstantText | None,
        absent(description="Until when it could have left its place; moves with the van."),
    ]


def change_view(call: Asking, changed: Changed) -> ChangeView:
    """Show what came of a change."""
    promise = changed.promise
    zone = promise.timezone
    alternatives = [slot_view(call, slot) for slot in changed.alternatives]
    return ChangeView(
        change_id=change_id(promise.stop_id, changed.sequence),
        state="refused" if changed.refusal else "accepted",
        reason=changed.refusal,
        effect=EffectView(
            state=promise.state,
            promised_window=window_view(promise.window, zone),
            live_eta=live_eta(changed.outlook, call.now, zone),
        ),
        alternatives=alternatives if changed.refusal else None,
        still_possible=list(changed.still_possible) or None,
        cutoff_at=None if changed.cutoff_at is None else rfc3339(changed.cutoff_at, zone),
    )
