"""Endpoints of a promise: made, read, changed, and all that happened to it."""

from dataclasses import replace
from typing import Any

from chalicelib.errors import NotFound
from chalicelib.fleet.ids import PROMISE, promise_id, stop_id_of
from chalicelib.handlers.change_wire import ChangeRequest, ChangeView, SlotsQuery, SlotsView, change_view
from chalicelib.handlers.checkout import hold_stop_id, offering_alternatives, slot_view
from chalicelib.handlers.csv_export import csv_answer, is_wanted
from chalicelib.handlers.endpoints import Call, Endpoints
from chalicelib.handlers.http import Answer
from chalicelib.handlers.idempotency import Idempotency
from chalicelib.handlers.paging import next_cursor, next_link, position
from chalicelib.handlers.promise_wire import (
    COLUMNS,
    LedgerView,
    PromiseList,
    PromiseRequest,
    PromisesQuery,
    PromiseView,
    fact_view,
    matches,
    promise_row,
    promise_view,
    promise_views,
)
from chalicelib.handlers.telemetry import Metric
from chalicelib.merchants.model import Scope
from chalicelib.promises.booking import Confirmed
from chalicelib.promises.changes import Changed
from chalicelib.promises.offer_token import unseal_offer
from chalicelib.promises.store import PromiseQuery
from chalicelib.units import StopId

api = Endpoints("Promises")

_READ = Scope.CHECKOUT | Scope.OPS
_MOST_READS = 8  # of the store for one page: filters on how a promise stands now leave rows out


@api.endpoint(
    "POST",
    "/v1/promises",
    scope=Scope.CHECKOUT,
    request=PromiseRequest,
    answers={201: PromiseView},
    problems=("slot_taken", "offer_invalid", "order_already_promised", "not_found"),
    idempotency=Idempotency.REQUIRED,
)
def make_promise(call: Call[PromiseRequest]) -> Answer:
    """Turn a hold, or straight an offer, into a promise.

    A paid order is never answered with a dead end: after the hold ran out the same slot is tried again
    (`renewed: true`), and what cannot be had comes with alternatives.
    """

    def answer(made: Confirmed) -> Answer:
        view = promise_view(call, made.promise, made.outlook, renewed=made.renewed)
        about = {"promise_id": promise_id(made.promise.stop_id)}
        return Answer(201, view, counts={Metric.PROMISES_MADE: 1}, about=about)

    wanted, receipt, booking = call.body, call.receipt(answer), call.services.booking
    with offering_alternatives(call):
        if wanted.hold_id is not None:
            stop_id = hold_stop_id(wanted.hold_id)
            made = booking.confirm_hold(call.tenant, stop_id, wanted.order(), call.now, receipt)
        else:
            offer = unseal_offer(call.services.sealer, call.tenant, wanted.offer or "")
            made = booking.confirm_offer(
                call.tenant, offer, wanted.cart_ref, wanted.order(), call.now, receipt
            )
    return answer(made)


@api.endpoint(
    "GET",
    "/v1/promises/{promise_id}",
    scope=_READ,
    answers={200: PromiseView},
    problems=("not_found",),
)
def read_promise(call: Call[None]) -> Answer:
    """Read a promise with its arrival times as they are now."""
    promise = call.services.promises.read(call.tenant, promise_stop_id(call))
    return Answer(200, promise_views(call, [promise])[0])


@api.endpoint(
    "GET",
    "/v1/promises",
    scope=_READ,
    query=PromisesQuery,
    answers={200: (PromiseList, "text/csv")},
    problems=("cursor_invalid",),
)
def list_promises(call: Call[None, PromisesQuery]) -> Answer:
    """List promises by order, depot, date or state; as CSV with `Accept: text/csv`."""
    asked = call.query
    query = PromiseQuery(
        order_ref=asked.order_ref, depot_id=asked.depot_id, day=asked.date, state=asked.state
    )
    views, start = list[PromiseView](), position(call)
    for _ in range(_MOST_READS):
        page = call.services.store.promises(call.tenant, query, limit=asked.limit - len(views), start=start)
        views += [view for view in promise_views(call, page.rows) if matches(view, asked)]
        start = page.next_start
        if start is None or len(views) == asked.limit:
            break
    cursor = next_cursor(call, start)
    if is_wanted(call.headers):
        return replace(csv_answer(COLUMNS, map(promise_row, views)), headers=next_link(call, cursor))
    return Answer(200, PromiseList(data=views, next_cursor=cursor))


@api.endpoint(
    "GET",
    "/v1/promises/{promise_id}/slots",
    scope=_READ,
    query=SlotsQuery,
    answers={200: SlotsView},
    problems=("not_found",),
)
def other_slots(call: Call[None, SlotsQuery]) -> Answer:
    """Other slots this delivery could move to, as offers for `changes`; none where it may not leave."""
    promise = call.services.promises.read(call.tenant, promise_stop_id(call))
    slots = call.services.promises.other_slots(call.tenant, promise.stop_id, call.now, days=call.query.days)
    tried = bool(promise.attempts)  # in vain: its own slot is one to be had again
    others = [slot for slot in slots if slot.offer and (tried or slot.window != promise.window)]
    return Answer(200, SlotsView(slots=[slot_view(call, slot) for slot in others]))


@api.endpoint(
    "POST",
    "/v1/promises/{promise_id}/changes",
    scope=_READ,
    request=ChangeRequest,
    answers={201: ChangeView},
    problems=("not_found", "offer_invalid", "offer_expired"),
    idempotency=Idempotency.REQUIRED,
    example={"kind": "gate_code", "code": "4471#"},
)
def change_promise(call: Call[ChangeRequest]) -> Answer:
    """Change a promise: slot, address, gate code, neighbour, safe place, or cancel it.

    What cannot be done is refused with its reason and the next best; nothing is bent silently. Until its van
    is loaded, a promise may go anywhere; from then on until `change_cutoff_minutes` before the van is
    expected, to a later slot of this van or to one of a van that is loaded after it is back. Whoever the van
    drives to next stays (`van_on_its_way`). What only the driver has to know is accepted up to the door.
    """

    def answer(changed: Changed) -> Answer:
        about = {"promise_id": promise_id(changed.promise.stop_id)}
        return Answer(201, change_view(call, changed), about=about)

    change, receipt = call.body.change(call), call.receipt(answer)
    return answer(
        call.services.promises.change(call.tenant, promise_stop_id(call), change, call.now, receipt)
    )


@api.endpoint(
    "GET",
    "/v1/promises/{promise_id}/ledger",
    scope=_READ,
    answers={200: LedgerView},
    problems=("not_found",),
)
def read_ledger(call: Call[None]) -> Answer:
    """All that happened to a promise, oldest first, with reasons."""
    promise = call.services.promises.read(call.tenant, promise_stop_id(call))
    facts = call.services.store.ledger(call.tenant, promise.stop_id)
    zone = promise.timezone
    return Answer(200, LedgerView(data=[fact_view(fact, zone) for fact in facts]))


def promise_stop_id(call: Call[Any, Any]) -> StopId:
    """The stop the path's promise id names; `NotFound` if it is not one we would write."""
    stop_id = stop_id_of(call.path["promise_id"], PROMISE)
    if stop_id is None:
        raise NotFound("There is no such promise.")
    return stop_id
