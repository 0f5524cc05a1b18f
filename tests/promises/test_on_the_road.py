"""Changes of a route that is being driven: done at once where the van still can, refused where it cannot."""

from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from chalicelib.events import Actor, FactKind, Tenant
from chalicelib.fleet.model import EVERY_DAY, ServiceTime, WeeklyShift
from chalicelib.fleet.progress import Served, heading_to
from chalicelib.motion.events import EventKind
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.facts import change_id
from chalicelib.promises.model import Address, Change, ChangeKind, Outcome, PromiseState, Refusal, Standing
from chalicelib.promises.store import Changes
from chalicelib.receipts import no_receipt
from chalicelib.routing.altered import Altered, Cause
from chalicelib.routing.model import Location, StopKind
from chalicelib.units import HOUR, MINUTE
from tests.fakes_store import InMemoryStore
from tests.promises.shop import NEAR, TENANT, TODAY, Shop, a_depot, a_vehicle, at
from tests.promises.street import DOORS, PLAN, SHIFT, Street

TOMORROW = TODAY + timedelta(days=1)
ADDRESS = Address(lines=("Rua das Flores 1",), city="Porto", country="PT")
MOVING = (ChangeKind.SLOT, ChangeKind.CANCEL, ChangeKind.ADDRESS)


@pytest.fixture
def street() -> Street:
    """The van has left, and drives to the first of four."""
    street = Street()
    street.leave()
    return street


def test_cancelled_on_the_road_the_stop_leaves_the_route_at_once(street: Street) -> None:
    """The others stay in their order, the manifest has a new version, and whoever judges the day is told."""
    before = street.version()
    changed = street.change(2, ChangeKind.CANCEL)
    assert (changed.refusal, changed.promise.state) == (None, PromiseState.CANCELLED)
    first, second, _, last = street.stops
    assert street.order() == [first, second, last]
    assert street.version() == before + 1
    kinds = [fact.kind for fact in street.facts()]
    assert kinds == [FactKind.PROMISE_CANCELLED, FactKind.PLAN_TROUBLED, FactKind.ROUTE_CHANGED]
    assert street.facts()[-1].data["shift_id"] == SHIFT


def test_it_moves_to_a_later_slot_of_the_same_van(street: Street) -> None:
    """The parcel is aboard: same van, still out for delivery, its first window remembered."""
    changed = street.move(1, at(16))
    assert changed.refusal is None
    first, moved, third, last = street.stops
    assert street.order() == [first, third, last, moved]
    assert changed.promise.state is PromiseState.OUT_FOR_DELIVERY
    assert (changed.promise.window.start, changed.promise.found.shift_id) == (at(16), SHIFT)
    assert changed.promise.original_window is not None
    assert changed.outlook is not None
    assert changed.outlook.stops_before == 3
    assert changed.outlook.expected_at >= at(16)


def test_it_moves_to_another_day_and_comes_back_with_the_van(street: Street) -> None:
    """It leaves today's route, is in tomorrow's, and is confirmed again."""
    changed = street.move(2, at(10, day=TOMORROW))
    first, second, moved, last = street.stops
    assert (street.order(), street.order(TOMORROW)) == ([first, second, last], [moved])
    assert changed.promise.state is PromiseState.CONFIRMED
    street.shop.motion.set_out(TENANT, PLAN, SHIFT, street.shop.now)  # the fact of the departure, late
    assert street.promise(2).state is PromiseState.CONFIRMED


def two_vans() -> Street:
    """The second van works from four to eight in the evening, and the first until six."""
    evening = a_vehicle(2, weekly=(WeeklyShift(days=EVERY_DAY, starts=time(16), ends=time(20)),))
    return Street(Shop(vehicles=[a_vehicle(1), evening], cutoff=0))


def test_a_parcel_on_one_van_is_not_promised_to_another_before_it_is_back() -> None:
    """CONTROL: before loading the evening's van could have it."""
    street = two_vans()
    wanted = at(16)
    [slot] = [each for each in street.slots(3) if each.window.start == wanted]
    street.leave()
    assert street.change(3, ChangeKind.SLOT, offer=replace_fresh(slot.offer, street)).refusal is None
    assert street.order(shift_id="porto.van-2.2026-11-24.1600") == []
    assert street.order(shift_id=SHIFT)[-1] == street.stops[3]


def replace_fresh(offer: Any, street: Street) -> Any:
    return replace(offer, expires_at=street.shop.now + HOUR)


@pytest.mark.parametrize("kind", [ChangeKind.CANCEL, ChangeKind.SLOT])
def test_the_published_cut_off_is_kept_to_the_second(street: Street, kind: ChangeKind) -> None:
    """Two hours before the van is expected; the refusal says until when, and what can still be done."""
    wish = {"offer": street.slots(2)[-1].offer} if kind is ChangeKind.SLOT else {}
    outlook = street.change(2, ChangeKind.NEIGHBOUR, text="12").outlook
    assert outlook is not None
    cutoff_at = outlook.expected_at - 2 * HOUR
    street.serve(0, at(8, 30))
    street.tell(EventKind.ARRIVED, at(10), 1)
    street.shop.now = at(10, 1)
    refused = street.change(2, kind, **wish)
    assert refused.cutoff_at is not None
    assert (refused.refusal, abs(refused.cutoff_at - cutoff_at) < 600) == (Refusal.CUTOFF_PASSED, True)
    assert refused.still_possible == (ChangeKind.GATE_CODE, ChangeKind.NEIGHBOUR, ChangeKind.SAFE_PLACE)
    assert refused.alternatives == ()  # none of them would be granted
    assert street.slots(2) == []


def test_before_the_cut_off_it_is_done(street: Street) -> None:
    """CONTROL of the one above: the same wish while there is time."""
    street.serve(0, at(8, 30))
    street.shop.now = at(9, 50)
    assert street.change(2, ChangeKind.CANCEL).refusal is None


def test_whom_we_endanger_may_go_after_the_cut_off(street: Street) -> None:
    """The cut-off protects a plan that keeps its word; CONTROL: `test_the_published_cut_off_…`."""
    street.serve(0, at(8, 30))
    endangered = replace(street.promise(2), standing=Standing.AT_RISK)
    street.shop.store.commit_motion(TENANT, MotionChanges(promises=(endangered,)))
    street.tell(EventKind.ARRIVED, at(10), 1)
    street.shop.now = at(11, 30)
    assert street.change(2, ChangeKind.CANCEL).refusal is None


@pytest.mark.parametrize("kind", MOVING)
def test_whom_the_van_drives_to_stays(kind: ChangeKind) -> None:
    """Also at the door, and without any cut-off; the next one may still go."""
    street = Street(Shop(cutoff=0))
    wish: dict[str, Any] = {}
    if kind is ChangeKind.SLOT:
        wish = {"offer": street.slots(0)[-1].offer}
    if kind is ChangeKind.ADDRESS:
        wish = {"location": NEAR, "address": ADDRESS}
    street.leave()
    street.shop.now = at(8, 1)
    if kind is ChangeKind.SLOT:
        wish = {"offer": replace_fresh(wish["offer"], street)}
    assert street.change(0, kind, **wish).refusal is Refusal.VAN_ON_ITS_WAY
    street.tell(EventKind.ARRIVED, at(8, 20), 0)
    assert street.change(0, kind, **wish).refusal is Refusal.VAN_ON_ITS_WAY
    assert street.change(1, ChangeKind.CANCEL).refusal is None
    assert street.change(0, ChangeKind.GATE_CODE, text="4471#").refusal is None


class Raced(InMemoryStore):
    """The driver reports something between what a change read and what it writes."""

    meanwhile: Callable[[], object] | None = None
    careless = False

    def commit(self, tenant: Tenant, changes: Changes) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        super().commit(tenant, replace(changes, known=()) if self.careless else changes)


@pytest.mark.parametrize("careless", [False, True])
def test_a_change_never_races_a_milestone(careless: bool) -> None:
    """The van is on its way meanwhile: decided anew, and refused.

    CONTROL: without the condition on milestones the stop is cancelled under the driver's wheels.
    """
    store = Raced()
    street = Street(Shop(store=store, cutoff=0))
    street.leave()
    # Positions had the van at the first door and leave again; nobody's promise is written by that.
    store.careless = careless

    def drives_on() -> None:
        progress = street.progress()
        gone = Served(stop_id=street.stops[0], arrived_at=at(8, 10), left_at=at(8, 20), inferred=True)
        on = replace(progress, served=(gone,), milestones=progress.milestones + 1)
        store.commit_motion(TENANT, MotionChanges(progress=on))

    store.meanwhile = drives_on
    street.shop.now = at(8, 20)
    refusal = street.change(1, ChangeKind.CANCEL).refusal
    assert refusal is (None if careless else Refusal.VAN_ON_ITS_WAY)


def test_a_change_that_endangers_others_is_refused_with_what_can_be_had() -> None:
    """Two and a half hours at each door: two in one slot would break one another. CONTROL: the first may."""
    slow = a_depot(service=ServiceTime(base_seconds=150 * MINUTE, per_parcel_seconds=0))
    street = Street(Shop(depot=slow, cutoff=0), hours=(8, 10, 12))
    street.leave()
    [offer] = [slot.offer for slot in street.slots(1) if slot.window.start == at(14)]
    assert street.move(2, at(14)).refusal is None
    before = street.order()
    refused = street.change(1, ChangeKind.SLOT, offer=offer)
    assert refused.refusal is Refusal.SLOT_TAKEN
    assert at(12) in {slot.window.start for slot in refused.alternatives}
    assert street.order() == before


def test_a_new_address_near_by_is_driven_to_by_the_same_van(street: Street) -> None:
    """The stop moves on the map, within its window; CONTROL: outside of the area it is refused."""
    moved = street.change(2, ChangeKind.ADDRESS, location=NEAR, address=ADDRESS)
    assert (moved.refusal, moved.promise.window.start) == (None, at(12))
    [stop] = [stop for stop in street.shop.stops() if stop.stop_id == street.stops[2]]
    assert stop.location == NEAR
    away = Location(lat=42.0, lon=-8.6)
    refused = street.change(2, ChangeKind.ADDRESS, location=away, address=ADDRESS)
    assert refused.refusal is Refusal.OUT_OF_AREA


@pytest.mark.parametrize(
    "kind", [ChangeKind.NEIGHBOUR, ChangeKind.SAFE_PLACE, ChangeKind.GATE_CODE, ChangeKind.ADDRESS]
)
def test_what_the_driver_has_to_know_makes_a_new_manifest(street: Street, kind: ChangeKind) -> None:
    """Version and tag, for another door of the same house, too.

    CONTROL: before loading the route is not written for it.
    """
    wish = {"location": DOORS[2], "address": ADDRESS} if kind is ChangeKind.ADDRESS else {"text": "Gate 4"}
    duty = street.shop.motion.duty(TENANT, SHIFT)
    before = street.shop.motion.manifest(TENANT, duty, street.shop.now)
    assert street.change(2, kind, **wish).refusal is None
    duty = street.shop.motion.duty(TENANT, SHIFT)
    after = street.shop.motion.manifest(TENANT, duty, street.shop.now)
    assert (after.version, after.tag != before.tag) == (before.version + 1, True)
    early = Street()
    version = early.version()
    early.change(2, kind, **wish)
    assert early.version() == version


def test_the_driver_reads_who_changed_what(street: Street) -> None:
    """A gate code and a parting, each with whose wish it was. CONTROL: nobody else's stop is named."""
    assert street.change(1, ChangeKind.GATE_CODE, text="4471#").refusal is None
    street.shop.promises.change(
        TENANT,
        street.stops[2],
        Change(kind=ChangeKind.CANCEL),
        street.shop.now,
        no_receipt,
        actor=Actor.BUYER,
    )
    duty = street.shop.motion.duty(TENANT, SHIFT)
    altered = street.shop.motion.manifest(TENANT, duty, street.shop.now).altered
    told = {stop_id: (what, change.because) for stop_id, (what, change) in altered.items()}
    assert told == {
        street.stops[1]: (Altered.CHANGED, Cause.MERCHANT),
        street.stops[2]: (Altered.GONE, Cause.BUYER),
    }
    assert {change.by for _, change in altered.values()} == {
        change_id(street.stops[1], street.promise(1).sequence),
        change_id(street.stops[2], street.promise(2).sequence),
    }


def test_who_was_not_at_home_is_tried_again_by_the_same_van(street: Street) -> None:
    """A later slot of the same day: ahead again, driven to, and delivered in a second attempt."""
    street.serve(0, at(8, 30), Outcome.FAILED_NOT_HOME)
    street.shop.now = at(8, 40)
    changed = street.move(0, at(14))
    assert (changed.refusal, changed.promise.state) == (None, PromiseState.CONFIRMED)
    assert street.order().count(street.stops[0]) == 1
    lines = street.shop.motion.manifest(TENANT, street.shop.motion.duty(TENANT, SHIFT), street.shop.now).lines
    again = next(line for line in lines if line.stop.stop_id == street.stops[0])
    assert again.arrival is not None
    assert again.served is None
    for nth, when in ((1, at(10, 30)), (2, at(12, 30))):
        street.serve(nth, when)
    duty = street.shop.motion.duty(TENANT, SHIFT)
    behind = {street.stops[0], street.stops[3]}
    assert heading_to(duty.route, street.progress()) in behind
    street.serve(0, at(14, 30))
    street.serve(3, at(14, 50))
    done = street.promise(0)
    assert done.state is PromiseState.DELIVERED
    assert [each.outcome for each in done.attempts] == [
        Outcome.FAILED_NOT_HOME,
        Outcome.DELIVERED_TO_RECIPIENT,
    ]
    assert [each.arrived_at for each in done.attempts] == [at(8, 25), at(14, 25)]


def test_nobody_is_tried_three_times_on_one_shift(street: Street) -> None:
    """Twice in vain: from then on only when the van is back; CONTROL: once in vain, later today."""
    street.serve(0, at(8, 30), Outcome.FAILED_NOT_HOME)
    assert street.slots(0)[0].window.start == at(10)
    street.move(0, at(10))
    street.serve(0, at(10, 20), Outcome.FAILED_NOT_HOME)
    assert {slot.window.start >= at(8, day=TOMORROW) for slot in street.slots(0)} == {True}


def test_who_goes_to_another_day_after_an_attempt_stays_in_the_days_record(street: Street) -> None:
    """Today's route keeps the door as one that is done; the van goes on from there, tomorrow's has it."""
    street.serve(0, at(8, 30), Outcome.FAILED_NOT_HOME)
    before = street.change(1, ChangeKind.GATE_CODE, text="1").outlook
    street.move(0, at(10, day=TOMORROW))
    after = street.change(1, ChangeKind.GATE_CODE, text="2").outlook
    assert before is not None
    assert after is not None
    assert after.expected_at == before.expected_at
    [kept] = [stop for stop in street.shop.stops() if stop.stop_id == street.stops[0]]
    assert kept.kind is StopKind.DONE
    [ahead] = [stop for stop in street.shop.stops(TOMORROW) if stop.stop_id == street.stops[0]]
    assert ahead.kind is StopKind.PROMISED
    assert street.change(0, ChangeKind.CANCEL).refusal is None
    assert street.order(TOMORROW) == []


def test_a_wrong_address_is_set_right_even_where_no_window_is_left(street: Street) -> None:
    """It waits at its new address for another slot, which is then found for that address."""
    street.serve(0, at(9, 55), Outcome.FAILED_WRONG_ADDRESS)
    street.shop.now = at(10, 5)
    changed = street.change(0, ChangeKind.ADDRESS, location=DOORS[5], address=ADDRESS)
    assert (changed.refusal, changed.promise.delivery.location) == (None, DOORS[5])
    assert {slot.offer.delivery.location for slot in street.slots(0) if slot.offer} == {DOORS[5]}


def test_a_van_that_is_back_gives_what_it_brought_to_others() -> None:
    """Its parcels are at the depot: the evening's van may have them, today."""
    street = two_vans()
    street.leave()
    street.serve(0, at(8, 30), Outcome.FAILED_NOT_HOME)
    street.tell(EventKind.RETURNED, at(13))
    assert at(16) in {slot.window.start for slot in street.slots(0)}
    changed = street.move(0, at(16))
    assert changed.promise.found.shift_id == "porto.van-2.2026-11-24.1600"
