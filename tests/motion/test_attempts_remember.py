"""An attempt keeps what was promised, told and expected, as it was: later changes do not rewrite it."""

from dataclasses import replace

import pytest

from chalicelib.motion.events import Event, EventKind
from chalicelib.promises.documents import promise_document, read_promise
from chalicelib.promises.model import Attempt, Feedback, Promise
from chalicelib.units import StopId, Timestamp
from tests.motion.test_motion_service import PLAN, SHIFT, Day, done
from tests.promises.shop import TENANT, at


class Heard(Day):
    """A day that is heard as it happens."""

    def hear(self, now: Timestamp, *events: Event) -> None:
        duty = self.motion.duty(TENANT, SHIFT)
        self.motion.report(TENANT, duty, events, now, lambda _: None)

    def promise(self, stop_id: StopId) -> Promise:
        found = self.store.promise(TENANT, stop_id)
        assert found is not None
        return found

    def attempt(self, stop_id: StopId) -> Attempt:
        [attempt] = self.promise(stop_id).attempts
        return attempt


@pytest.fixture
def day() -> Heard:
    """Two stops from ten to twelve; the van leaves at half past nine."""
    day = Heard()
    day.hear(at(9, 30), Event(event_id="left", kind=EventKind.DEPARTED, at=at(9, 30)))
    return day


def test_an_attempt_keeps_what_was_promised_and_told(day: Heard) -> None:
    """The windows of that moment; a promise that moves afterwards leaves them alone."""
    first, _ = day.stops
    day.hear(at(10, 5), done(first, at(10, 5)))
    promise = day.promise(first)
    assert day.attempt(first).window == promise.window
    assert day.attempt(first).told_window == promise.told_window


def test_an_attempt_takes_over_what_was_expected(day: Heard) -> None:
    """As the van left, at most an hour ahead, and the plan of that moment; the shift forgets it."""
    first, second = day.stops
    progress = day.store.progress(TENANT, PLAN, SHIFT)
    assert progress is not None
    foreseen = progress.foreseen[first]
    assert foreseen[0].earliest_at <= foreseen[0].expected_at <= foreseen[0].latest_at
    day.hear(at(10, 5), done(first, at(10, 5)))
    assert day.attempt(first).forecasts == foreseen
    assert day.attempt(first).planned_at == progress.planned[first]
    progress = day.store.progress(TENANT, PLAN, SHIFT)
    assert progress is not None
    assert set(progress.foreseen) == {second}


def test_what_is_heard_too_late_was_never_forecast() -> None:
    """A batch at noon about ten o'clock; CONTROL: the same, heard as it happened, has forecasts."""
    late, early = Heard(), Heard()
    events = (
        Event(event_id="left", kind=EventKind.DEPARTED, at=at(9, 30)),
        done(late.stops[0], at(10, 5)),
    )
    late.hear(at(12), *events)
    assert late.attempt(late.stops[0]).forecasts == ()
    early.hear(at(9, 30), events[0])
    early.hear(at(10, 5), done(early.stops[0], at(10, 5)))
    assert early.attempt(early.stops[0]).forecasts


def test_a_forecast_is_not_moved_by_what_comes_twice(day: Heard) -> None:
    """Duplicates are no milestones."""
    before = day.store.progress(TENANT, PLAN, SHIFT)
    day.hear(at(9, 50), Event(event_id="left", kind=EventKind.DEPARTED, at=at(9, 30)))
    assert day.store.progress(TENANT, PLAN, SHIFT) == before


def test_all_of_it_is_stored(day: Heard) -> None:
    """And promises from before it was kept are read as they were."""
    first, _ = day.stops
    day.hear(at(10, 5), done(first, at(10, 5)))
    promise = replace(day.promise(first), contacts=2, feedback=Feedback(product=9, delivery=4))
    document = promise_document(promise)
    assert read_promise(document, promise.version) == promise
    for name in ("window", "told", "planned", "forecasts"):
        del document["attempts"][0][name]
    del document["contacts"], document["feedback"]
    old = read_promise(document, promise.version)
    assert (old.contacts, old.feedback, old.attempts[0].window) == (0, None, None)
