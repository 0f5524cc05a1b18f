"""Endpoints of a merchant's office: orders promised elsewhere, and a human's word on who drives."""

from chalicelib.errors import AlreadyDone
from chalicelib.handlers.endpoints import Call, Endpoints
from chalicelib.handlers.http import Answer, Rendered
from chalicelib.handlers.idempotency import Idempotency
from chalicelib.handlers.operations_wire import (
    ImportedView,
    ImportOrder,
    ImportRequest,
    ImportView,
    PinRequest,
)
from chalicelib.handlers.promise_wire import PromiseView, promise_view
from chalicelib.handlers.promises import promise_stop_id
from chalicelib.handlers.telemetry import Metric
from chalicelib.merchants.model import Scope
from chalicelib.promises.importing import Imported, ImportState
from chalicelib.receipts import no_receipt

api = Endpoints("Operations")

_MADE = (ImportState.INSERTED, ImportState.UNASSIGNED)


@api.endpoint(
    "POST",
    "/v1/promises/import",
    scope=Scope.OPS,
    request=ImportRequest,
    answers={200: ImportView},
    idempotency=Idempotency.REQUIRED,
    example={
        "orders": [
            {
                "order_ref": "R-1001",
                "destination": {"lat": 41.1579, "lon": -8.6291},
                "load": {"parcels": 2},
                "promised_window": {
                    "starts_at": "2026-11-24T10:00:00+00:00",
                    "ends_at": "2026-11-24T13:00:00+00:00",
                },
                "recipient": {"name": "Ana"},
            }
        ]
    },
)
def import_promises(call: Call[ImportRequest]) -> Answer:
    """Take over orders that were promised elsewhere, one result each.

    An order is `inserted` where it wrongs nobody, or kept `unassigned` and at risk while every replan looks
    for a van; it is never squeezed into a route, nor refused for lack of room. Its window stands as it was
    promised, and its buyer is not texted about it. An order that has an open promise is `already_promised`.
    An order outside the service area is taken over if it names its depot or shift.

    Each order is a transaction of its own: after a 503 some may be done, and the same request with the same
    key does the rest and answers for all.
    """
    results = [_taken(call, number, order) for number, order in enumerate(call.body.orders)]

    def answer(views: list[ImportedView]) -> Answer:
        made = sum(view.state in _MADE for view in views)
        return Answer(200, ImportView(results=views), counts={Metric.PROMISES_MADE: made})

    call.services.importing.finish(call.tenant, call.receipt(answer)(results))
    return answer(results)


def _taken(call: Call[ImportRequest], number: int, order: ImportOrder) -> ImportedView:
    """Take one order over; one that this very request took over before is answered as it was then."""
    part = call.repeatable.part(number) if call.repeatable else None

    def answer(imported: Imported) -> Answer:
        return Answer(200, ImportedView.of(order, imported))

    try:
        receipt = part.receipt(answer) if part else no_receipt
        imported = call.services.importing.take(call.tenant, order.wish(), call.now, receipt)
    except AlreadyDone:
        earlier = part.earlier_answer() if part else None
        if earlier is None:
            raise
        return _view(earlier)
    if part is not None and imported.state is ImportState.ALREADY_PROMISED:
        earlier = part.earlier_answer()
        if earlier is not None:
            return _view(earlier)
    return ImportedView.of(order, imported)


def _view(earlier: Rendered) -> ImportedView:
    return ImportedView.model_validate_json(earlier.text)


@api.endpoint(
    "PUT",
    "/v1/promises/{promise_id}/pin",
    scope=Scope.OPS,
    request=PinRequest,
    answers={200: PromiseView},
    problems=("not_found", "illegal_transition", "already_loaded", "does_not_fit"),
    example={"shift_id": "porto.van-1.2026-11-24.0800"},
)
def pin_promise(call: Call[PinRequest]) -> Answer:
    """Fix a promise to a shift: no replan takes it away.

    It moves there if it can be kept there and nobody else is endangered, else it is refused with a `reason`.
    A change of its slot or address ends the pin, and so does withdrawing the shift.
    """
    stop_id, shift_id = promise_stop_id(call), call.body.shift_id
    pinned = call.services.pinning.pin(call.tenant, stop_id, shift_id, call.now)
    return Answer(200, promise_view(call, pinned.promise, pinned.outlook))


@api.endpoint(
    "DELETE",
    "/v1/promises/{promise_id}/pin",
    scope=Scope.OPS,
    answers={204: None},
    problems=("not_found", "already_loaded"),
)
def unpin_promise(call: Call[None]) -> Answer:
    """Let replans move a promise again."""
    call.services.pinning.unpin(call.tenant, promise_stop_id(call), call.now)
    return Answer(204)
