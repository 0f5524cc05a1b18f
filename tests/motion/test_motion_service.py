"""Two phones of one shift, and what a batch that broke off leaves behind."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.errors import StaleWrite
from chalicelib.fleet.learning import to_learn
from chalicelib.fleet.plans import PlanKey
from chalicelib.motion.events import Event, EventKind
from chalicelib.motion.service import MOST_STOPS_A_COMMIT, Reported
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.model import Outcome, PromiseState
from chalicelib.promises.placing import ATTEMPTS
from chalicelib.receipts import no_receipt
from chalicelib.units import StopId, Timestamp
from tests.fakes_store import InMemoryStore
from tests.promises.shop import NEAR, TENANT, TODAY, Shop, at

SHIFT = "porto.van-1.2026-11-24.0800"
PLAN = PlanKey(depot_id="porto", day=TODAY)


class Beside(InMemoryStore):
    """A store in which somebody else writes, as often as told, between reading and writing."""

    def __init__(self) -> None:
        super().__init__()
        self.rivals: list[Any] = []

    def commit_motion(self, tenant: Any, changes: MotionChanges) -> None:
        if self.rivals:
            self.rivals.pop(0)()
        super().commit_motion(tenant, changes)


class Careless(Beside):
    """The same without the condition on what was read."""

    def commit_motion(self, tenant: Any, changes: MotionChanges) -> None:
        if self.rivals:
            self.rivals.pop(0)()
        if (mine := changes.progress) is not None:
            known = self.progress(tenant, mine.plan, mine.shift_id)
            changes = replace(changes, progress=replace(mine, version=known.version if known else 0))
        promises = [self.promise(tenant, each.stop_id) for each in changes.promises]
        latest = zip(changes.promises, promises, strict=True)
        changes = replace(
            changes,
            promises=tuple(replace(mine, version=known.version) for mine, known in latest if known),
            facts=(),
        )
        super(Beside, self).commit_motion(tenant, changes)


class Day:
    """A van with some promises, and what its driver reports at noon."""

    def __init__(self, store: Beside | None = None, promises: int = 2) -> None:
        self.store = store or Beside()
        self.shop = Shop(store=self.store)
        self.stops: list[StopId] = [
            self.shop.buy(at(10), order_ref=f"order-{n}").promise.stop_id for n in range(promises)
        ]
        self.motion = self.shop.motion

    def report(self, *events: Event) -> Reported:
        duty = self.motion.duty(TENANT, SHIFT)
        return self.motion.report(TENANT, duty, events, at(12), no_receipt)

    def state(self, stop_id: StopId) -> PromiseState:
        promise = self.store.promise(TENANT, stop_id)
        assert promise is not None
        return promise.state

    def outcomes(self) -> dict[StopId, str | None]:
        progress = self.store.progress(TENANT, PLAN, SHIFT)
        assert progress is not None
        return {each.stop_id: each.outcome for each in progress.served}


def done(stop_id: StopId, when: Timestamp, outcome: Outcome = Outcome.DELIVERED_TO_RECIPIENT) -> Event:
    return Event(
        event_id=f"done-{stop_id}-{outcome}",
        kind=EventKind.COMPLETED,
        at=when,
        stop_id=stop_id,
        outcome=outcome,
    )


def test_two_phones_lose_nothing_of_each_other() -> None:
    """F31: the second one reads what the first one wrote, and adds to it."""
    day = Day()
    first, second = day.stops
    day.store.rivals = [lambda: day.report(done(first, at(10, 5)))]
    assert day.report(done(second, at(10, 20))).accepted == 1
    assert day.outcomes() == dict.fromkeys(day.stops, "delivered_to_recipient")
    assert [day.state(stop_id) for stop_id in day.stops] == [PromiseState.DELIVERED] * 2


def test_without_the_condition_a_phone_would_wipe_out_the_other() -> None:
    """F31, control: the second writes what it knew, and the first one's stop was never served."""
    day = Day(Careless())
    first, second = day.stops
    day.store.rivals = [lambda: day.report(done(first, at(10, 5)))]
    day.report(done(second, at(10, 20)))
    assert day.outcomes() == {second: "delivered_to_recipient"}


def test_two_phones_that_say_otherwise_have_one_winner() -> None:
    """Who is written first is believed; the other is told, and the promise has one attempt."""
    day = Day()
    stop_id = day.stops[0]
    day.store.rivals = [lambda: day.report(done(stop_id, at(10, 5)))]
    told = day.report(done(stop_id, at(10, 6), Outcome.FAILED_NOT_HOME))
    assert [str(each.reason) for each in told.ignored] == ["promise_finished"]
    promise = day.store.promise(TENANT, stop_id)
    assert promise is not None
    assert [each.outcome for each in promise.attempts] == [Outcome.DELIVERED_TO_RECIPIENT]


def test_a_buyers_change_beside_a_milestone_is_kept() -> None:
    """A gate code that is written meanwhile is not wiped out by the van's progress."""
    day = Day()

    def gate_code() -> None:
        promise = day.store.promise(TENANT, day.stops[0])
        assert promise is not None
        told = replace(promise.order, instructions=replace(promise.order.instructions, gate_code="4471#"))
        day.store.commit_motion(TENANT, MotionChanges(promises=(replace(promise, order=told),)))

    day.store.rivals = [gate_code]
    day.report(done(day.stops[0], at(10, 5)))
    promise = day.store.promise(TENANT, day.stops[0])
    assert promise is not None
    assert (promise.state, promise.order.instructions.gate_code) == (PromiseState.DELIVERED, "4471#")


def test_who_never_gets_through_is_told_so() -> None:
    """A bounded number of tries, with pauses between them."""
    day = Day()
    stop_id = day.stops[0]
    counter = iter(range(100))

    def rival() -> None:
        event = Event(event_id=f"b-{next(counter)}", kind=EventKind.BREAK_STARTED, at=at(9) + next(counter))
        progress = day.motion.progress(TENANT, day.motion.duty(TENANT, SHIFT))
        InMemoryStore.commit_motion(
            day.store, TENANT, MotionChanges(progress=replace(progress, marks=(event.event_id,)))
        )

    day.store.rivals = [rival] * ATTEMPTS
    with pytest.raises(StaleWrite):
        day.report(done(stop_id, at(10, 5)))
    assert day.state(stop_id) is PromiseState.CONFIRMED
    assert len(day.shop.pauses) == ATTEMPTS - 1


def test_a_batch_that_broke_off_is_finished_by_sending_it_again() -> None:
    """What was written is known, the rest is taken; no promise has two attempts."""
    day = Day(promises=MOST_STOPS_A_COMMIT + 4)
    batch = [done(stop_id, at(11)) for stop_id in day.stops]

    def breaks() -> None:
        raise RuntimeError("killed")

    day.store.rivals = [lambda: None, breaks]
    with pytest.raises(RuntimeError, match="killed"):
        day.report(*batch)
    written = len(day.outcomes())
    assert 0 < written < len(batch)
    told = day.report(*batch)
    assert (told.accepted, told.duplicates) == (len(batch) - written, written)
    promises = [day.store.promise(TENANT, stop_id) for stop_id in day.stops]
    assert {len(promise.attempts) for promise in promises if promise} == {1}


def test_a_van_sets_all_its_promises_out_once() -> None:
    """However often the fact comes, and after it broke off in between."""
    day = Day(promises=MOST_STOPS_A_COMMIT + 4)
    day.report(Event(event_id="e", kind=EventKind.DEPARTED, at=at(8)))

    def breaks() -> None:
        raise RuntimeError("killed")

    day.store.rivals = [lambda: None, breaks]
    with pytest.raises(RuntimeError, match="killed"):
        day.motion.set_out(TENANT, PLAN, SHIFT, at(8))
    assert {day.state(stop_id) for stop_id in day.stops} >= {
        PromiseState.CONFIRMED,
        PromiseState.OUT_FOR_DELIVERY,
    }
    day.motion.set_out(TENANT, PLAN, SHIFT, at(8))
    assert day.motion.set_out(TENANT, PLAN, SHIFT, at(8)) == 0
    assert {day.state(stop_id) for stop_id in day.stops} == {
        PromiseState.ARRIVING,
        PromiseState.OUT_FOR_DELIVERY,
    }


def test_a_van_that_leaves_has_its_day_learned() -> None:
    """Once, some hours after its shift, with who drove it; CONTROL: a position alone reminds of nothing."""
    day = Day()
    day.report(Event(event_id="p", kind=EventKind.POSITION, at=at(7, 50), location=NEAR))
    assert not list(day.store.reminders.due_reminders_of(TENANT, at(23, 59)))
    day.report(Event(event_id="e", kind=EventKind.DEPARTED, at=at(8)))
    day.report(done(day.stops[0], at(10, 5)))
    [learn] = day.store.reminders.due_reminders_of(TENANT, at(23, 59))
    assert learn == to_learn(PLAN, at(18))
    assert learn.due_at == at(22)
    progress = day.store.progress(TENANT, PLAN, SHIFT)
    assert progress is not None
    assert progress.driver == "van van-1"  # nobody is named as its driver


def test_a_van_that_nobody_knows_sets_nothing_out() -> None:
    """A fact of a shift whose rows are gone."""
    assert Day().motion.set_out(TENANT, PLAN, "no-such-shift", at(8)) == 0
