"""A buyer sees the own delivery as it stands, what changed and why, and says what it was like."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.errors import NotFound
from chalicelib.events import Actor, FactKind
from chalicelib.fleet.progress import Sighting, Trouble
from chalicelib.motion.events import Event, EventKind
from chalicelib.promises.heard import NotDelivered
from chalicelib.promises.model import Change, ChangeKind, Feedback, Outcome, Promise, PromiseState, Standing
from chalicelib.receipts import no_receipt
from chalicelib.routing.model import Location, TimeWindow
from chalicelib.tracking.model import Cause, Done, Tracked
from chalicelib.units import HOUR, MINUTE, StopId, Timestamp
from tests.motion.test_motion_service import SHIFT, done
from tests.promises.shop import FAR, NEAR, TENANT, Shop, at

ROADSIDE = Location(lat=41.175, lon=-8.63)  # between the two doors, far from both


class Watched:
    """A delivery near by and one farther out, from ten to twelve; both by the same van."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.near, self.far = self.buy(NEAR, "near"), self.buy(FAR, "far")
        self.tracking = self.shop.tracking

    def buy(self, place: Location, order_ref: str) -> StopId:
        return self.shop.buy(at(10), place, order_ref).promise.stop_id

    def hear(self, *events: Event) -> None:
        self.shop.now = max(event.at for event in events)
        duty = self.shop.motion.duty(TENANT, SHIFT)
        self.shop.motion.report(TENANT, duty, events, self.shop.now, lambda _: None)

    def promise(self, stop_id: StopId) -> Promise:
        found = self.shop.store.promise(TENANT, stop_id)
        assert isinstance(found, Promise)
        return found

    def look(self, stop_id: StopId) -> Tracked:
        return self.tracking.look(TENANT, self.promise(stop_id), self.shop.now)


def told(kind: EventKind, time: Timestamp, **more: Any) -> Event:
    return Event(event_id=f"{kind}.{time}", kind=kind, at=time, **more)


def seen(time: Timestamp, place: Location) -> Event:
    return told(EventKind.POSITION, time, location=place)


@pytest.fixture
def day() -> Watched:
    return Watched()


def test_token_opens_its_promise_and_nothing_else(day: Watched) -> None:
    """Whatever else is asked for is answered alike."""
    promise = day.promise(day.near)
    assert day.tracking.find(promise.tracking_token) == (TENANT, promise)
    for wrong in ("", "nobody's", promise.tracking_token + "x", str(promise.stop_id)):
        with pytest.raises(NotFound):
            day.tracking.find(wrong)


def test_before_the_van_leaves_only_the_window_is_shown(day: Watched) -> None:
    """A planned time would be read as a promise."""
    shown = day.look(day.near)
    assert shown.window == TimeWindow(start=at(10), end=at(12))
    assert (shown.eta, shown.moved, shown.van, shown.late) == (None, None, None, False)


def test_under_way_the_expected_time_is_shown_in_steps_of_five_minutes(day: Watched) -> None:
    """Rounded outwards, with the stops before it; the plan alone never shows one."""
    day.hear(told(EventKind.DEPARTED, at(9, 31)))
    near, far = day.look(day.near).eta, day.look(day.far).eta
    assert near is not None
    assert far is not None
    assert {near.stops_before, far.stops_before} == {0, 1}
    for eta in (near, far):
        assert all(time % (5 * MINUTE) == 0 for time in (eta.earliest_at, eta.expected_at, eta.latest_at))
        assert eta.earliest_at <= eta.expected_at <= eta.latest_at


def test_expected_time_is_not_shown_of_a_van_nobody_hears_of(day: Watched) -> None:
    """Better none than a stale one."""
    day.hear(told(EventKind.DEPARTED, at(9, 31)))
    day.shop.now = at(11, 30)
    assert day.look(day.near).eta is None


def test_van_is_shown_to_whom_it_drives_next(day: Watched) -> None:
    """And to nobody else; CONTROL: the same position is there for both to see."""
    day.hear(told(EventKind.DEPARTED, at(9, 31)), done(day.near, at(10, 5)), seen(at(10, 9), ROADSIDE))
    assert day.look(day.far).van == Sighting(location=ROADSIDE, at=at(10, 9))
    assert day.look(day.near).van is None


@pytest.mark.parametrize(
    ("place", "waited"), [(NEAR, 0), (ROADSIDE, 4 * MINUTE)], ids=["at another's door", "long ago"]
)
def test_van_is_not_shown(day: Watched, place: Location, waited: int) -> None:
    """Where it says where somebody else lives, or no longer where the van is."""
    day.hear(told(EventKind.DEPARTED, at(9, 31)), done(day.near, at(10, 5)), seen(at(10, 9), place))
    day.shop.wait(waited)
    assert day.look(day.far).eta is not None
    assert day.look(day.far).van is None


def test_van_is_not_shown_long_before_it_comes(day: Watched) -> None:
    """Only on the last stretch: before ten nobody is served, and it is half past nine."""
    day.hear(told(EventKind.DEPARTED, at(9, 31)), seen(at(9, 33), ROADSIDE))
    shown = day.look(day.near)
    assert shown.eta is not None
    assert shown.van is None


def test_what_changed_says_who_asked(day: Watched) -> None:
    """The window before, and whether it was the buyer or the shop."""
    for actor, cause, hour in ((Actor.BUYER, Cause.YOU_ASKED, 12), (Actor.MERCHANT, Cause.SHOP_ASKED, 14)):
        before = day.promise(day.near).window
        slots = day.shop.promises.other_slots(TENANT, day.near, day.shop.now, days=1)
        offer = next(slot.offer for slot in slots if slot.window.start == at(hour))
        change = Change(kind=ChangeKind.SLOT, offer=offer)
        day.shop.promises.change(TENANT, day.near, change, day.shop.now, no_receipt, actor=actor)
        moved = day.look(day.near).moved
        assert moved is not None
        assert (moved.cause, moved.from_window) == (cause, before)


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [(Outcome.FAILED_NOT_HOME, Cause.NOT_HOME), (Outcome.FAILED_NO_TIME, Cause.ATTEMPT_FAILED)],
)
def test_failed_attempt_is_told_with_its_reason(day: Watched, outcome: Outcome, cause: Cause) -> None:
    """Ours are not put upon the buyer."""
    day.hear(told(EventKind.DEPARTED, at(9, 31)), replace(done(day.near, at(10, 5)), outcome=outcome))
    shown = day.look(day.near)
    assert shown.moved is not None
    assert (shown.moved.cause, shown.outcome, shown.ended_at) == (cause, outcome, at(10, 5))


def test_what_a_failed_attempt_used_up_is_no_time_to_wait_for(day: Watched) -> None:
    """Until another time is agreed, be it the same window once more; CONTROL: one that is still ahead stays.

    A van that is back too early has been at nobody's door: the window may be kept yet.
    """
    day.hear(told(EventKind.DEPARTED, at(9, 31)))
    failed = replace(done(day.near, at(10, 5)), outcome=Outcome.FAILED_NOT_HOME)
    assert day.look(day.near).in_vain is None
    day.hear(failed)
    assert day.look(day.near).in_vain is Cause.NOT_HOME
    missed = day.promise(day.near)
    ahead = replace(missed, told_window=TimeWindow(start=at(14), end=at(16)))
    assert day.tracking.look(TENANT, ahead, day.shop.now).in_vain is None
    assert day.tracking.look(TENANT, ahead, at(16, 1)).in_vain is Cause.NOT_HOME
    again = replace(missed, told_by=missed.sequence + 1)
    assert day.tracking.look(TENANT, again, day.shop.now).in_vain is None


def test_lateness_is_told_with_what_is_in_the_way(day: Watched) -> None:
    """As the driver said it."""
    trouble = {"trouble": Trouble.VEHICLE_DOWN}
    day.hear(told(EventKind.DEPARTED, at(9, 31)), told(EventKind.INCIDENT, at(9, 40), **trouble))
    day.shop.watch.look(TENANT, day.shop.motion.duty(TENANT, SHIFT).place, SHIFT, day.shop.now)
    day.shop.wait(MINUTE)
    shown = day.look(day.near)
    assert shown.late
    assert shown.moved is not None
    assert shown.moved.cause is Cause.VAN_BROKE_DOWN
    assert shown.moved.at == at(9, 40)  # since when, or every look would be news
    assert shown.eta is None  # nobody knows


SAID, NARROW = TimeWindow(start=at(10), end=at(12)), TimeWindow(start=at(10, 30), end=at(11))
LATER, LATEST = TimeWindow(start=at(13), end=at(13, 30)), TimeWindow(start=at(15), end=at(15, 30))


@pytest.mark.parametrize(
    ("knows", "late"),
    [
        ({"told_window": LATER}, False),
        ({"told_window": SAID}, True),
        ({"told_window": NARROW}, True),
        ({"told_window": LATER, "foreseen": LATEST}, True),
        ({"told_window": LATER, "adrift": True}, True),
    ],
    ids=["of a later one", "of no other", "of a narrower one", "not of the newest", "that nobody knows"],
)
def test_late_is_what_the_buyer_does_not_know_of(day: Watched, knows: dict[str, Any], late: bool) -> None:
    """Who was told a later window, in place of the promised one, is not told that it may be missed, too."""
    trouble = {"trouble": Trouble.DELAY, "delay": 3 * HOUR}
    day.hear(told(EventKind.DEPARTED, at(9, 31)), told(EventKind.INCIDENT, at(9, 40), **trouble))
    day.shop.watch.look(TENANT, day.shop.motion.duty(TENANT, SHIFT).place, SHIFT, day.shop.now)
    promise = replace(day.promise(day.near), foreseen=None, adrift=False)
    assert promise.standing is not Standing.SAFE
    shown = day.tracking.look(TENANT, replace(promise, **knows), day.shop.now)
    assert shown.late == late
    assert shown.moved is not None
    assert (shown.moved.cause, shown.moved.from_window) == (Cause.HELD_UP, None if late else SAID)


def test_what_came_of_a_change_is_said_until_something_else_comes(day: Watched) -> None:
    """With the window it got, whatever was told since; it is not said of what another change made of it."""
    slots = day.shop.promises.other_slots(TENANT, day.near, day.shop.now, days=1)
    for actor, hour in ((Actor.BUYER, 12), (Actor.MERCHANT, 14)):
        offer = next(slot.offer for slot in slots if slot.window.start == at(hour))
        change = Change(kind=ChangeKind.SLOT, offer=offer)
        day.shop.promises.change(TENANT, day.near, change, day.shop.now, no_receipt, actor=actor)
        promise = replace(day.promise(day.near), told_window=LATEST)
        asked = day.tracking.look(TENANT, promise, day.shop.now, change=2).done
        if actor is Actor.BUYER:
            assert asked is not None
            assert asked.window == TimeWindow(start=at(12), end=at(14))
        else:
            assert asked is None


def test_what_came_of_a_change_is_not_said_of_what_is_over(day: Watched) -> None:
    """CONTROL: on the way it still is."""
    change = Change(kind=ChangeKind.NEIGHBOUR, text="Rui")
    day.shop.promises.change(TENANT, day.near, change, day.shop.now, no_receipt, actor=Actor.BUYER)

    def said() -> Done | None:
        return day.tracking.look(TENANT, day.promise(day.near), day.shop.now, change=2).done

    day.hear(told(EventKind.DEPARTED, at(9, 31)))
    assert said() == Done(kind=ChangeKind.NEIGHBOUR, refusal=None)
    day.hear(done(day.near, at(10, 5)))
    assert said() is None


def test_delivered_is_shown_with_how_and_when(day: Watched) -> None:
    """And nothing of the van any more."""
    day.hear(told(EventKind.DEPARTED, at(9, 31)), done(day.near, at(10, 5)))
    shown = day.look(day.near)
    assert shown.state is PromiseState.DELIVERED
    assert (shown.outcome, shown.ended_at) == (Outcome.DELIVERED_TO_RECIPIENT, at(10, 5))
    assert (shown.eta, shown.van) == (None, None)


def test_scores_are_kept_apart_and_the_last_word_counts(day: Watched) -> None:
    """One fact for each; the words of the buyer are in none."""
    day.hear(told(EventKind.DEPARTED, at(9, 31)), done(day.near, at(10, 5)))
    for product, delivery in ((3, 9), (4, 10)):
        said = Feedback(product=product, delivery=delivery, comment="Ana says hello")
        day.shop.heard.rated(TENANT, day.near, said, day.shop.now, no_receipt)
        assert day.look(day.near).feedback == said
    facts = [fact for fact in day.shop.store.ledger(TENANT, day.near) if fact.kind is FactKind.PROMISE_SCORED]
    assert [fact.data for fact in facts] == [{"product": 3, "delivery": 9}, {"product": 4, "delivery": 10}]


def test_nothing_is_scored_before_somebody_came(day: Watched) -> None:
    """There is nothing to score."""
    with pytest.raises(NotDelivered):
        day.shop.heard.rated(TENANT, day.near, Feedback(product=1, delivery=1), day.shop.now, no_receipt)
