"""F22: workers whose clocks are five minutes apart, or step back, release no hold that can be confirmed.

Each worker has a client, a store and a clock of its own; the store's answers tell the true time, as
DynamoDB's do. The controls are the same workers with nothing but their own clocks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formatdate
from itertools import count
from random import Random
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import DynamoStore
from chalicelib.adapters.shared_clock import SharedClock
from chalicelib.errors import SlotTaken
from chalicelib.promises.model import Hold, HoldState
from chalicelib.routing.model import Capacity, StopKind
from infra.sandbox.emulator import Emulator
from tests.concurrency.arena import oversold
from tests.fakes import A_VAULT, FakeClock
from tests.faults.nursery import fresh_name
from tests.handlers.shop_client import Shop as WholeShop
from tests.promises.shop import TENANT, TODAY, Shop, a_vehicle, at, one_hour_shop

SKEW = 300
TEN = at(10)


@dataclass
class Worker:
    """A process on a machine whose clock is off.

    Parameters
    ----------
    truth
        What time it is.
    shared
        Whether it listens to the store's clock.
    """

    emulator: Emulator
    table: str
    truth: FakeClock
    skew: int
    shared: bool
    described: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        client = self.emulator.client("dynamodb")
        client.meta.events.register("after-call.dynamodb", self._stamp)
        self.clock: Any = SharedClock(self) if self.shared else self
        if self.shared:
            self.clock.listen_to(client)
        self.store = DynamoStore(
            client, table=self.table, vault=A_VAULT, clock=self.clock, pause=lambda _: None
        )
        ids = count(1 + SKEW + self.skew, 1000)  # no other worker's
        self._shop = one_hour_shop(store=self.store, ids=ids, **self.described)

    def system_now(self) -> int:
        """What its machine says."""
        return self.truth.at + self.skew

    def _stamp(self, http_response: Any, **_: Any) -> None:
        http_response.headers["date"] = formatdate(self.truth.at, usegmt=True)

    @property
    def shop(self) -> Shop:
        """The shop at the moment of a request, which reads something before it decides anything."""
        self.store.depot(TENANT, "porto")
        self._shop.now = self.clock.system_now()
        return self._shop


@dataclass
class Staff:
    """Workers of one shop with room for one delivery, and the true time."""

    emulator: Emulator
    shared: bool = True
    described: dict[str, Any] = field(default_factory=dict)
    truth: FakeClock = field(default_factory=lambda: FakeClock(at=at(6)))

    def __post_init__(self) -> None:
        self.table = self.emulator.create(fresh_name("skew")).table_name
        self.right, self.fast, self.slow = (self._worker(skew) for skew in (0, SKEW, -SKEW))

    def _worker(self, skew: int) -> Worker:
        return Worker(self.emulator, self.table, self.truth, skew, self.shared, self.described)

    def promised(self) -> list[int]:
        return [stop.stop_id for stop in self.right.shop.stops() if stop.kind is StopKind.PROMISED]

    def oversold(self) -> list[str]:
        stored = self.right.store.routes(TENANT, "porto", first=TODAY, last=TODAY, consistent=True)
        return [
            fault
            for _, route in stored
            for fault in oversold(route, [stop.stop_id for stop in route.all_stops()])
        ]


def held(staff: Staff) -> Hold:
    """A hold that is about to run out."""
    hold = staff.right.shop.hold(staff.right.shop.offer(TEN))
    staff.truth.at = hold.expires_at - 30
    return hold


def test_f22_fast_clock_releases_no_hold_that_can_still_be_confirmed(emulator: Emulator) -> None:
    """F22: five minutes ahead, nothing is cleared up or sold early; the buyer pays half a minute before."""
    staff = Staff(emulator)
    hold = held(staff)
    fast = staff.fast.shop
    assert not fast.booking.expire(TENANT, hold.stop_id, fast.now)
    assert all(slot.offer is None for slot in fast.search())
    confirmed = staff.slow.shop.confirm(hold)
    assert not confirmed.renewed
    assert staff.promised() == [hold.stop_id]


def test_f22_fast_clock_alone_would_release_a_hold_early(emulator: Emulator) -> None:
    """Control: by its own clock it gives the place away, and a buyer who pays in time is turned away."""
    staff = Staff(emulator, shared=False)
    hold = held(staff)
    fast = staff.fast.shop
    assert fast.booking.expire(TENANT, hold.stop_id, fast.now)
    fast.hold(fast.offer(TEN), "cart-2")
    with pytest.raises(SlotTaken):
        staff.right.shop.confirm(hold)
    assert staff.oversold() == []  # even so: the route's version, not a clock, guards what is sold


def test_f22_clock_that_steps_back_does_not_bring_a_hold_back(emulator: Emulator) -> None:
    """F22: what ran out stays run out for a worker whose machine was set back while it ran."""
    staff = Staff(emulator)
    hold = held(staff)
    staff.truth.at = hold.expires_at + 60
    staff.right.skew = -SKEW
    right = staff.right.shop
    assert right.booking.read_hold(TENANT, hold.stop_id, right.now).state is HoldState.EXPIRED
    assert right.confirm(hold).renewed


def test_f22_clock_that_steps_back_alone_would_bring_a_hold_back(emulator: Emulator) -> None:
    """Control: by its own clock the hold is live again."""
    staff = Staff(emulator, shared=False)
    hold = held(staff)
    staff.truth.at = hold.expires_at + 60
    staff.right.skew = -SKEW
    right = staff.right.shop
    assert right.booking.read_hold(TENANT, hold.stop_id, right.now).state is HoldState.ACTIVE


def days_work(staff: Staff, seed: int) -> Iterator[tuple[Hold, bool]]:
    """Buyers who come and pay at any time, at any worker, and sweepers; how each payment in time ended."""
    chance, holds = Random(seed), list[Hold]()
    for number in range(40):
        staff.truth.at += chance.choice([5, 60, 200])
        worker = chance.choice([staff.right, staff.fast, staff.slow])
        shop = worker.shop
        what = chance.choice(["hold", "hold", "pay", "sweep"])
        if what == "hold":
            offers = [slot.offer for slot in shop.search() if slot.offer]
            holds += [shop.hold(chance.choice(offers), f"cart-{number}")] if offers else []
        elif what == "sweep":
            for stop_id in list(shop.store.due_holds(TENANT, shop.now, limit=100)):
                shop.booking.expire(TENANT, stop_id, shop.now)
        elif holds:
            hold = holds.pop(chance.randrange(len(holds)))
            in_time = staff.truth.at < hold.expires_at - 1
            try:
                as_it_was = not shop.confirm(hold, f"order-{number}").renewed
            except SlotTaken:
                as_it_was = False
            if in_time:
                yield hold, as_it_was
        assert staff.oversold() == [], seed


@pytest.mark.parametrize("seed", range(3))
def test_f22_whoever_pays_in_time_gets_what_was_held(emulator: Emulator, seed: int) -> None:
    """F22: in any order, at any worker; and no route is ever oversold."""
    van = a_vehicle(capacity=Capacity(parcels=3))
    paid = list(days_work(Staff(emulator, described={"vehicles": [van]}), seed))
    assert paid
    assert all(as_it_was for _, as_it_was in paid)


def test_f22_by_their_own_clocks_some_who_pay_in_time_would_not(emulator: Emulator) -> None:
    """Control: the same days; nothing is oversold, but what was held is gone."""
    van = a_vehicle(capacity=Capacity(parcels=3))
    assert any(
        not as_it_was
        for seed in range(3)
        for _, as_it_was in days_work(Staff(emulator, shared=False, described={"vehicles": [van]}), seed)
    )


@dataclass
class UnheardClock:
    """The clock of a process that just began, on a fast machine: right as soon as the store was asked."""

    store: Any
    truth: int
    asked_before: int = field(init=False)

    def __post_init__(self) -> None:
        self.asked_before = self.store.lookups

    def system_now(self) -> int:
        return self.truth + (SKEW if self.store.lookups == self.asked_before else 0)


def test_f22_first_request_of_a_process_goes_by_the_stores_clock() -> None:
    """F22: the door looks at the clock again when the key was read, which every new process does first."""
    api = WholeShop()
    clock = UnheardClock(api.services.store, api.clock.at)
    assert clock.system_now() == api.clock.at + SKEW  # control: before that it is wrong
    api.services.clock = clock
    answer = api.done("POST", "/v1/slots/search", api.wish())
    assert datetime.fromisoformat(answer["computed_at"]).timestamp() == api.clock.at
