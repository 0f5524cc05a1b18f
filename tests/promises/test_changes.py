"""Changing what was promised, and refusing to, with the next best."""

import pytest

from chalicelib.errors import BadToken
from chalicelib.events import FactKind
from chalicelib.fleet.model import Handover, Requirement
from chalicelib.promises.changes import Changed
from chalicelib.promises.model import Address, Change, ChangeKind, Promise, PromiseState, Refusal
from chalicelib.receipts import no_receipt
from chalicelib.routing.model import Location
from chalicelib.units import MINUTE
from tests.promises.shop import FAR, TENANT, Shop, at, one_hour_shop

ADDRESS = Address(lines=("Rua das Flores 1",), city="Porto", country="PT")


def change(shop: Shop, promise: Promise, kind: ChangeKind, **wish: object) -> Changed:
    wanted = Change(kind=kind, **wish)  # type: ignore[arg-type]
    return shop.promises.change(TENANT, promise.stop_id, wanted, shop.now, no_receipt)


def test_a_promise_moves_to_an_offered_slot() -> None:
    """The stop keeps its id, the first window is remembered, the old place is free."""
    shop = Shop()
    promise = shop.buy(at(10)).promise
    (target,) = [
        slot
        for slot in shop.promises.other_slots(TENANT, promise.stop_id, shop.now, days=1)
        if slot.window.start == at(14)
    ]
    moved = change(shop, promise, ChangeKind.SLOT, offer=target.offer).promise
    assert moved.window.start == at(14)
    assert moved.original_window == promise.window
    assert [(stop.stop_id, stop.window.start) for stop in shop.stops()] == [(promise.stop_id, at(14))]
    kinds = [fact.kind for fact in shop.store.ledger(TENANT, promise.stop_id)]
    assert kinds == [FactKind.PROMISE_CONFIRMED, FactKind.PROMISE_CHANGED]


def test_a_full_day_still_lets_its_own_promise_move() -> None:
    """A promise that looks for another slot does not stand in its own way."""
    shop = one_hour_shop()
    promise = shop.buy(at(10)).promise
    own, *_ = shop.promises.other_slots(TENANT, promise.stop_id, shop.now, days=1)
    assert own.offer is not None


def test_a_slot_taken_meanwhile_is_refused_with_the_next_best() -> None:
    """The promise stays as it was; the refusal stands in the ledger."""
    shop = one_hour_shop()
    promise = shop.buy(at(10)).promise
    offered = shop.promises.other_slots(TENANT, promise.stop_id, shop.now, days=2)[-1].offer
    rival = shop.search(days=2)[-1].offer
    assert rival is not None
    shop.confirm(shop.hold(rival, "rival"), "rival")
    changed = change(shop, promise, ChangeKind.SLOT, offer=offered)
    assert changed.refusal is Refusal.SLOT_TAKEN
    assert changed.promise.window == promise.window
    assert changed.alternatives
    ledger = shop.store.ledger(TENANT, promise.stop_id)
    assert ledger[-1].kind is FactKind.CHANGE_REFUSED
    assert ledger[-1].data["reason"] == "slot_taken"


def test_an_offer_for_something_else_does_not_move_a_promise() -> None:
    """An offer is bound to its delivery: another address's does not fit."""
    shop = Shop()
    promise = shop.buy(at(10)).promise
    with pytest.raises(BadToken):
        change(shop, promise, ChangeKind.SLOT, offer=shop.offer(at(14), FAR))


@pytest.mark.parametrize("bound", [True, False], ids=["shown for moving it", "searched for"])
def test_an_offer_changes_when_it_comes_and_nothing_else(*, bound: bool) -> None:
    """What is brought to which door stays as it is now, whatever was known when the offer was made.

    CONTROL: the offer names another door, needs nobody there and less time.
    """
    shop = Shop()
    wine = Handover(requires=frozenset({Requirement.AGE_18}))
    promise = shop.confirm(shop.hold(shop.offer(at(10), handover=wine, service_time=9 * MINUTE))).promise
    slots = shop.promises.other_slots(TENANT, promise.stop_id, shop.now, days=1)
    stale = slots[-1].offer if bound else shop.offer(slots[-1].window.start, service_time=MINUTE)
    assert stale is not None
    change(shop, promise, ChangeKind.ADDRESS, location=promise.delivery.location, address=ADDRESS)
    now = shop.promises.read(TENANT, promise.stop_id).delivery
    assert stale.delivery != now
    moved = change(shop, promise, ChangeKind.SLOT, offer=stale)
    assert (moved.refusal, moved.promise.window) == (None, stale.window)
    assert moved.promise.delivery == now
    assert moved.promise.delivery.address == ADDRESS
    assert [stop.service_time for stop in shop.stops()] == [9 * MINUTE]


def test_a_new_address_is_checked_like_a_sale() -> None:
    """Within the same window, if a van can; the stop moves on the map."""
    shop = Shop()
    promise = shop.buy(at(10)).promise
    changed = change(shop, promise, ChangeKind.ADDRESS, location=FAR, address=ADDRESS)
    assert changed.refusal is None
    assert changed.promise.window == promise.window
    assert changed.promise.original_window is None
    assert [stop.location for stop in shop.stops()] == [FAR]


@pytest.mark.parametrize(
    ("location", "refusal"),
    [
        (Location(lat=41.30, lon=-8.61), Refusal.NO_ROUTE_FIT),
        (Location(lat=42.0, lon=-8.6), Refusal.OUT_OF_AREA),
    ],
)
def test_an_address_that_cannot_be_reached_in_the_window_is_refused(
    location: Location, refusal: Refusal
) -> None:
    """The promise keeps its old address."""
    shop = one_hour_shop()
    promise = shop.buy(at(10)).promise
    changed = change(shop, promise, ChangeKind.ADDRESS, location=location, address=ADDRESS)
    assert changed.refusal is refusal
    assert shop.promises.read(TENANT, promise.stop_id).delivery == promise.delivery


def test_cancelling_frees_the_place() -> None:
    """A cancelled promise is finished: its capacity is on sale, its order may be promised again."""
    shop = one_hour_shop()
    promise = shop.buy(at(10)).promise
    assert change(shop, promise, ChangeKind.CANCEL).promise.state is PromiseState.CANCELLED
    assert shop.stops() == []
    shop.buy(at(10))


def test_a_finished_promise_is_not_changed() -> None:
    """It never goes back."""
    shop = Shop()
    promise = shop.buy(at(10)).promise
    change(shop, promise, ChangeKind.CANCEL)
    assert change(shop, promise, ChangeKind.GATE_CODE, text="4471#").refusal is Refusal.FINISHED


def test_a_loaded_parcel_may_leave_its_van_until_the_cut_off() -> None:
    """From `loads_at` on it may wait for another day, until two hours before its van comes.

    CONTROL: later that is refused, and no slot is offered that would be refused, too.
    """
    shop = Shop()
    shop.buy(at(10), order_ref="before-it")
    promise = shop.buy(at(12)).promise
    shop.now = at(9, 59)
    tomorrow = shop.promises.other_slots(TENANT, promise.stop_id, shop.now, days=2)[-1].offer
    assert tomorrow is not None
    shop.now = at(10, 2)
    refused = change(shop, promise, ChangeKind.SLOT, offer=tomorrow)
    assert (refused.refusal, refused.alternatives) == (Refusal.CUTOFF_PASSED, ())
    shop.now = at(9, 59)
    assert change(shop, promise, ChangeKind.SLOT, offer=tomorrow).promise.window == tomorrow.window


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (ChangeKind.GATE_CODE, "gate_code"),
        (ChangeKind.NEIGHBOUR, "neighbour"),
        (ChangeKind.SAFE_PLACE, "safe_place"),
    ],
)
def test_instructions_reach_the_promise(kind: ChangeKind, field: str) -> None:
    """What the buyer says about the door is kept with the promise, and not in the ledger."""
    shop = Shop()
    promise = shop.buy(at(10)).promise
    changed = change(shop, promise, kind, text="at number 12")
    assert changed.refusal is None
    assert getattr(changed.promise.order.instructions, field) == "at number 12"
    assert "number 12" not in str(shop.store.ledger(TENANT, promise.stop_id))


@pytest.mark.parametrize(
    ("handover", "refused"),
    [
        (Handover(attended=True), {ChangeKind.SAFE_PLACE}),
        (
            Handover(requires=frozenset({Requirement.AGE_18})),
            {ChangeKind.SAFE_PLACE, ChangeKind.NEIGHBOUR},
        ),
    ],
)
def test_a_handover_in_person_is_not_redirected(handover: Handover, refused: set[ChangeKind]) -> None:
    """Wine is not left behind the shed."""
    shop = Shop()
    hold = shop.hold(shop.offer(at(10), handover=handover))
    promise = shop.confirm(hold).promise
    for kind in (ChangeKind.SAFE_PLACE, ChangeKind.NEIGHBOUR):
        changed = change(shop, promise, kind, text="behind the shed")
        assert (changed.refusal is Refusal.HANDOVER_IN_PERSON) == (kind in refused)
