"""Anything drivers report and buyers wish in any order, on vans under way: nobody is lost, nobody is twice.

Hypothesis drives arrivals, outcomes, incidents, changes, choices, the return and the clock; after every step
each open promise has exactly one place, and what was finished stays finished.
"""

from datetime import time, timedelta
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chalicelib.fleet.model import EVERY_DAY, WeeklyShift
from chalicelib.fleet.progress import heading_to
from chalicelib.motion.events import EventKind
from chalicelib.promises.access import Asking
from chalicelib.promises.model import Address, ChangeKind, ChoicesAfter, Outcome, PromiseState, Refusal
from chalicelib.routing.model import StopKind
from chalicelib.units import MINUTE, StopId
from tests.promises.shop import TENANT, TODAY, Shop, a_vehicle
from tests.promises.street import DOORS, PLAN, SHIFT, Street

ADDRESS = Address(lines=("somewhere",), city="Porto", country="PT")
TOLD = (ChangeKind.GATE_CODE, ChangeKind.NEIGHBOUR)
WHICH = st.integers(0, 4)


class DayMachine(RuleBasedStateMachine):
    """One van with five deliveries, another that is loaded at three in the afternoon."""

    @initialize()
    def leave(self) -> None:
        evening = a_vehicle(2, weekly=(WeeklyShift(days=EVERY_DAY, starts=time(16), ends=time(20)),))
        self.street = Street(Shop(vehicles=[a_vehicle(1), evening], cutoff=0), hours=(8, 8, 10, 12, 14))
        self.finished: dict[StopId, PromiseState] = {}
        self.street.leave()

    @property
    def next_one(self) -> int | None:
        duty = self.street.shop.motion.duty(TENANT, SHIFT)
        stop_id = heading_to(duty.route, self.street.progress())
        return None if stop_id is None else self.street.stops.index(stop_id)

    @rule(outcome=st.sampled_from(list(Outcome)))
    def serve(self, outcome: Outcome) -> None:
        nth = self.next_one
        if nth is None:
            return
        now = self.street.shop.now
        if self.street.progress().serving is None:
            self.street.tell(EventKind.ARRIVED, now + 5 * MINUTE, nth)
        self.street.tell(EventKind.COMPLETED, self.street.shop.now + 5 * MINUTE, nth, outcome=outcome)
        event(f"served: {outcome.leads_to}")
        self.offer(nth)

    @rule()
    def arrive(self) -> None:
        nth = self.next_one
        if nth is not None and self.street.progress().serving is None:
            self.street.tell(EventKind.ARRIVED, self.street.shop.now + 5 * MINUTE, nth)

    @rule(nth=WHICH)
    def nobody_gets_in(self, nth: int) -> None:
        now = self.street.shop.now
        self.street.shop.access.barred(TENANT, self.street.stops[nth], Asking.REPORTED, now, now)

    @rule(nth=WHICH, which=st.integers(0, 9))
    def move(self, nth: int, which: int) -> None:
        slots = self.street.slots(nth)
        if slots:
            changed = self.street.change(nth, ChangeKind.SLOT, offer=slots[which % len(slots)].offer)
            event(f"move: {changed.refusal or 'done'}")
            assert changed.refusal in (None, Refusal.SLOT_TAKEN)

    @rule(nth=WHICH, door=st.sampled_from(DOORS))
    def readdress(self, nth: int, door: Any) -> None:
        changed = self.street.change(nth, ChangeKind.ADDRESS, location=door, address=ADDRESS)
        event(f"address: {changed.refusal or 'done'}")

    @rule(nth=WHICH, kind=st.sampled_from(TOLD))
    def tell(self, nth: int, kind: ChangeKind) -> None:
        refusal = self.street.change(nth, kind, text="12").refusal
        assert (refusal is Refusal.FINISHED) == self.street.promise(nth).state.finished
        self.street.shop.access.answered(TENANT, self.street.stops[nth], self.street.shop.now)

    @rule(nth=WHICH)
    def cancel(self, nth: int) -> None:
        before = self.street.promise(nth).state
        changed = self.street.change(nth, ChangeKind.CANCEL)
        event(f"cancel: {changed.refusal or 'done'}")
        if before is PromiseState.ARRIVING or nth == self.next_one:
            assert changed.refusal is not None or before is PromiseState.CONFIRMED

    @rule(nth=WHICH)
    def offer(self, nth: int) -> None:
        promise = self.street.promise(nth)
        self.street.shop.counteroffers.offer(
            TENANT, promise.stop_id, ChoicesAfter.FAILED, promise.sequence, self.street.shop.now
        )

    @rule(nth=WHICH, which=st.integers(1, 3))
    def choose(self, nth: int, which: int) -> None:
        promise = self.street.promise(nth)
        if promise.choices is None or which > len(promise.choices.choices):
            return
        changed = self.street.choose(nth, promise.choices.choices[which - 1].slot_id)
        if changed is not None:
            event(f"choose: {changed.refusal or 'done'}")

    @rule(minutes=st.sampled_from([1, 10, 45]))
    def wait(self, minutes: int) -> None:
        self.street.shop.wait(minutes * MINUTE)

    @rule()
    def come_back(self) -> None:
        if self.street.progress().is_back or self.street.progress().serving:
            return
        self.street.tell(EventKind.RETURNED, self.street.shop.now + MINUTE)
        self.street.shop.motion.bring_back(TENANT, PLAN, SHIFT, self.street.shop.now)

    @invariant()
    def everybody_open_has_one_place_and_everybody_else_none(self) -> None:
        if not hasattr(self, "street"):
            return
        stops = [
            (stop.stop_id, stop.window)
            for ahead in range(12)
            for stop in self.street.shop.stops(TODAY + timedelta(days=ahead))
            if stop.kind is StopKind.PROMISED
        ]
        assert len({stop_id for stop_id, _ in stops}) == len(stops)
        places = dict(stops)
        for nth, stop_id in enumerate(self.street.stops):
            promise = self.street.promise(nth)
            if promise.state is PromiseState.CANCELLED:
                assert stop_id not in places
            elif not promise.state.finished:
                assert places[stop_id] == promise.window

    @invariant()
    def what_was_finished_stays_finished(self) -> None:
        if not hasattr(self, "street"):
            return
        for nth, stop_id in enumerate(self.street.stops):
            state = self.street.promise(nth).state
            assert self.finished.get(stop_id, state) is state
            if state.finished:
                self.finished[stop_id] = state

    @invariant()
    def the_manifest_can_be_read(self) -> None:
        if not hasattr(self, "street"):
            return
        shop = self.street.shop
        lines = shop.motion.manifest(TENANT, shop.motion.duty(TENANT, SHIFT), shop.now).lines
        assert len({line.stop.stop_id for line in lines}) == len(lines)


DayMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestDayMachine = DayMachine.TestCase
