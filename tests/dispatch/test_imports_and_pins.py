"""What the worker does for imports that wait, and never does to a pin."""

import pytest

from chalicelib.dispatch.model import ReplanState
from chalicelib.fleet.plans import UNASSIGNED
from chalicelib.fleet.risk import Risk
from chalicelib.promises.outlook import outlooks
from tests.dispatch.test_service import NORTH, SOUTH, Office, Solver, bought
from tests.promises.shop import TENANT, TODAY, Shop, a_vehicle, at
from tests.promises.test_importing import a_window, a_wish, taken

VAN_1, VAN_2 = (f"porto.van-{number}.{TODAY}.0800" for number in (1, 2))


@pytest.fixture
def office() -> Office:
    """A shop with two vans, of which the first has it all."""
    shop = Shop(vehicles=[a_vehicle()])
    bought(shop)
    shop.fleet.put_vehicle(TENANT, "porto", a_vehicle(2), shop.now)
    return Office(shop)


def test_import_that_waits_gets_the_van_that_comes() -> None:
    """Tried by every run: in vain as long as nobody can, and kept as soon as somebody can."""
    shop = Shop(vehicles=[a_vehicle()])
    same_time = a_window(at(10), at(10, 5))
    first, second = (
        taken(shop, a_wish(f"order-{n}", location=street[0], window=same_time))
        for n, street in enumerate((NORTH, SOUTH))
    )
    office = Office(shop)
    assert office.shifts() == {first: VAN_1, second: UNASSIGNED}
    assert office.run().state is ReplanState.UNCHANGED
    assert office.shifts() == {first: VAN_1, second: UNASSIGNED}
    shop.fleet.put_vehicle(TENANT, "porto", a_vehicle(2), shop.now)
    done = office.run()
    assert [(move.stop_id, move.left) for move in done.moves] == [(second, None)]
    promise = shop.promises.read(TENANT, second)
    [outlook] = outlooks(shop.store, shop.planner, TENANT, [promise], shop.now).values()
    assert (office.shifts()[second], outlook.risk) == (VAN_2, Risk.KEPT)


def test_pinned_promise_stays_on_its_shift(office: Office) -> None:
    """A human's word: a run that moves its neighbours leaves it; unpinned, it may go."""
    shop = office.shop
    before = office.shifts()
    for stop_id in before:
        shop.pinning.pin(TENANT, stop_id, VAN_1, shop.now)
    assert office.run().state is ReplanState.UNCHANGED
    assert office.shifts() == before
    for stop_id in before:
        shop.pinning.unpin(TENANT, stop_id, shop.now)
    assert office.run().state is ReplanState.APPLIED
    assert office.shifts() != before


def test_pin_set_while_a_run_is_under_way_wins(office: Office) -> None:
    """The run's change meets newer routes and leaves what was pinned meanwhile; it was about to move it."""
    shop = office.shop
    rehearsal = Office(Shop(vehicles=[a_vehicle()]))
    bought(rehearsal.shop)
    rehearsal.shop.fleet.put_vehicle(TENANT, "porto", a_vehicle(2), shop.now)
    assert sorted(rehearsal.shifts()) == sorted(office.shifts())
    moved = [move.stop_id for move in rehearsal.run().moves]
    assert moved

    def meanwhile() -> None:
        for stop_id in moved:
            shop.pinning.pin(TENANT, stop_id, VAN_1, shop.now)

    office.solver = Solver(meanwhile)
    office.run()
    assert {office.shifts()[stop_id] for stop_id in moved} == {VAN_1}
