"""How orders promised elsewhere, and a human's pins, are spoken of on the wire."""

from typing import Annotated

from pydantic import Field

from chalicelib.fleet.ids import promise_id
from chalicelib.handlers.delivery_wire import DeliveryBody
from chalicelib.handlers.promise_wire import (
    InstructionsBody,
    RecipientBody,
    WindowView,
    window_view,
)
from chalicelib.handlers.wire import Body, Id, Instant, View, absent
from chalicelib.promises.importing import Imported, ImportRefusal, ImportState, ImportWish
from chalicelib.promises.model import Order, Reason
from chalicelib.routing.model import TimeWindow

MOST_ORDERS = 100


class WindowBody(Body):
    """When service may start, both ends included; none of the depot's slots need be like it."""

    starts_at: Instant
    ends_at: Instant


class ImportOrder(DeliveryBody):
    """One order that was promised elsewhere."""

    order_ref: Annotated[Id, Field(description="Your order's id.")]
    shipment_ref: Annotated[Id | None, Field(description="Where one order comes in several shipments.")] = (
        None
    )
    promised_window: WindowBody
    recipient: RecipientBody
    sms_consent: Annotated[bool, Field(description="The buyer agreed to texts about this delivery.")] = False
    instructions: InstructionsBody = InstructionsBody()
    shift_id: Annotated[
        Id | None,
        Field(description="The one shift that may have it now. Where it does not fit, it waits for any van."),
    ] = None

    def wish(self) -> ImportWish:
        """Give the order as the promises want it."""
        return ImportWish(
            order=Order(
                order_ref=self.order_ref,
                shipment_ref=self.shipment_ref,
                recipient=self.recipient.recipient(),
                sms_consent=self.sms_consent,
                instructions=self.instructions.instructions(),
            ),
            wanted=self.asked(),
            window=TimeWindow(start=self.promised_window.starts_at, end=self.promised_window.ends_at),
            shift_id=self.shift_id,
        )


class ImportRequest(Body):
    """Orders that were promised elsewhere."""

    orders: Annotated[list[ImportOrder], Field(min_length=1, max_length=MOST_ORDERS)]


class ImportedView(View):
    """What became of one order."""

    order_ref: str
    shipment_ref: Annotated[str | None, absent()]
    state: ImportState
    reason: Annotated[
        ImportRefusal | Reason | None,
        absent(description="Why it was refused; or why no van has it yet: `closed` or `no_route_fit`."),
    ]
    promise_id: Annotated[str | None, absent(description="Missing if it was refused.")]
    promised_window: Annotated[WindowView | None, absent(description="As we keep it; missing if refused.")]

    @staticmethod
    def of(order: ImportOrder, imported: Imported) -> "ImportedView":
        """Show what became of an order."""
        promise = imported.promise
        return ImportedView(
            order_ref=order.order_ref,
            shipment_ref=order.shipment_ref,
            state=imported.state,
            reason=imported.refusal or imported.waits,
            promise_id=promise_id(promise.stop_id) if promise else None,
            promised_window=window_view(promise.window, promise.timezone) if promise else None,
        )


class ImportView(View):
    """One result for each order, in the order of the request."""

    results: list[ImportedView]


class PinRequest(Body):
    """The shift that is to drive it, whatever a replan would prefer."""

    shift_id: Id
