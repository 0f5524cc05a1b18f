"""From events to progress: the same day, however badly it is told."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from chalicelib.fleet.progress import Progress, Rest, Served, Trouble
from chalicelib.motion.events import MOST_SKEW, Event, EventKind, Ignored, Why, straightened
from chalicelib.motion.reducer import MOST_MARKS, Reduced, reduce
from chalicelib.promises.model import Outcome
from tests.builders import hour
from tests.motion.days import (
    arrived,
    completed,
    days,
    departed,
    fresh,
    heard,
    position,
    told,
    told_badly,
    van,
)

NOT_HOME = Outcome.FAILED_NOT_HOME
FOUR = van(4)


def what_happened(progress: Progress) -> Progress:
    """All of it but the marks, whose order is that of hearing, and the count of what was new when heard."""
    return replace(progress, marks=(), milestones=0)


def reasons(reduced: Reduced) -> list[Why]:
    return [each.reason for each in reduced.ignored]


@settings(max_examples=300, deadline=None)
@given(told_badly())
def test_a_day_told_badly_is_the_same_day(told: tuple[tuple[Event, ...], list[list[Event]]]) -> None:
    """F31: shuffled, some of it twice, in batches that come in any order: the day is what it was."""
    day, batches = told
    as_it_was = heard(day, of=FOUR).progress
    progress = fresh(FOUR)
    for batch in batches:
        progress = heard(batch, progress, of=FOUR).progress
    assert what_happened(progress) == what_happened(as_it_was)


def test_what_is_first_come_first_served_depends_on_the_order() -> None:
    """F31, control: two outcomes of one stop are no day that happened, and the test above would find them."""
    tapped = completed(1, 9.1), completed(1, 9.2, NOT_HOME)
    outcomes = [
        heard([second], heard([first]).progress).progress.served[0].outcome
        for first, second in (tapped, tapped[::-1])
    ]
    assert outcomes == ["delivered_to_recipient", "failed_not_home"]


@settings(max_examples=200, deadline=None)
@given(told_badly())
def test_what_was_known_is_never_lost(told: tuple[tuple[Event, ...], list[list[Event]]]) -> None:
    """Milestones only grow, a stop that was served stays served, and a delivery stays one."""
    progress = fresh(FOUR)
    for batch in told[1]:
        after = heard(batch, progress, of=FOUR).progress
        assert after.milestones >= progress.milestones
        assert {each.stop_id for each in progress.served} <= {each.stop_id for each in after.served}
        assert progress.departed_at is None or after.departed_at is not None
        for visit in progress.served:
            if visit.outcome is not None:
                assert visit.outcome in [
                    each.outcome for each in after.served if each.stop_id == visit.stop_id
                ]
        progress = after


@settings(max_examples=100, deadline=None)
@given(days())
def test_every_event_is_accepted_known_or_ignored(day: tuple[Event, ...]) -> None:
    """Nothing is lost silently; and the same day again is known."""
    first = heard(day, of=FOUR)
    assert len(first.accepted) + first.duplicates + len(first.ignored) == len(day)
    again = heard(day, first.progress, of=FOUR)
    assert again.duplicates == len(first.accepted)
    assert again.progress == first.progress


def test_a_finished_promise_stays_finished() -> None:
    """F31: another outcome is ignored, earlier or later; CONTROL: what failed may still be delivered."""
    done = heard([completed(1, 9.2)]).progress
    for wrong in (completed(1, 9.1, NOT_HOME), completed(1, 10, NOT_HOME), arrived(1, 10)):
        assert reasons(heard([wrong], done)) == [Why.PROMISE_FINISHED]
        assert heard([wrong], done).progress.served == done.served
    failed = heard([completed(1, 9.2, NOT_HOME)]).progress
    again = heard([arrived(1, 14), completed(1, 14.1)], failed).progress
    assert [each.outcome for each in again.served] == ["failed_not_home", "delivered_to_recipient"]


def test_what_ended_elsewhere_is_finished_here() -> None:
    """Another shift delivered it, or the office corrected it."""
    reduced = reduce(fresh(), van(), [completed(1, 9.2)], finished=frozenset({1}))
    assert (reasons(reduced), reduced.progress) == ([Why.PROMISE_FINISHED], fresh())


def test_who_came_somewhere_has_left() -> None:
    """Nobody taps that the van leaves; whoever does later, tells when it really was."""
    came = heard([arrived(1, 9.1)]).progress
    assert came.departed_at == hour(9.1)
    assert heard([departed(8.5)], came).progress.departed_at == hour(8.5)
    assert reasons(heard([departed(9.5)], came)) == [Why.ALREADY_KNOWN]


def test_who_arrives_elsewhere_is_done_where_he_was() -> None:
    """The last stop is the one that is served, though nobody said what came of the one before."""
    progress = heard([arrived(1, 9.1), arrived(2, 9.5)]).progress
    assert progress.serving is not None
    assert progress.serving.stop_id == 2
    late = heard([completed(1, 9.6)], progress).progress
    assert late.serving is not None
    assert late.serving.stop_id == 2
    assert late.visit(1) == Served(
        stop_id=1, arrived_at=hour(9.1), left_at=hour(9.6), outcome="delivered_to_recipient"
    )


def test_breaks_are_pairs_of_taps() -> None:
    """A start that is tapped twice is one; an end alone is a break; who arrives somewhere rests no more."""
    start, end = EventKind.BREAK_STARTED, EventKind.BREAK_ENDED
    taps = [told(start, hour(12)), told(start, hour(12.1)), told(end, hour(12.5)), told(end, hour(15))]
    progress = heard(taps).progress
    assert progress.rests == (
        Rest(began_at=hour(12), ended_at=hour(12.5)),
        Rest(began_at=hour(15), ended_at=hour(15)),
    )
    resting = heard([told(start, hour(16))], progress).progress
    assert resting.resting == Rest(began_at=hour(16))
    assert heard([arrived(1, 16.2)], resting).progress.resting is None


def test_an_incident_is_over_when_the_van_arrives_somewhere() -> None:
    """What held it up does not any more, and it is not broken down."""
    delay = told(EventKind.INCIDENT, hour(9), trouble=Trouble.DELAY, delay=7200)
    down = told(EventKind.INCIDENT, hour(9.1), trouble=Trouble.VEHICLE_DOWN)
    stuck = heard([departed(8.5), delay, down]).progress
    assert (stuck.held_until, stuck.down_at) == (hour(11), hour(9.1))
    going = heard([arrived(1, 9.5)], stuck).progress
    assert (going.held_until, going.down_at, len(going.incidents)) == (None, None, 2)


def test_a_wrong_clock_is_told_by_when_the_batch_was_sent() -> None:
    """Two hours behind: all of it is two hours later; CONTROL: a slow network is no wrong clock."""
    now = hour(12)
    events, _ = straightened([departed(8)], now, sent_at=now - 7200, not_before=hour(2))
    assert [event.at for event in events] == [hour(10)]
    events, _ = straightened([departed(8)], now, sent_at=now - 29, not_before=hour(2))
    assert [event.at for event in events] == [hour(8)]


@pytest.mark.parametrize(("ahead", "good"), [(0, True), (MOST_SKEW, True), (MOST_SKEW + 1, False)])
def test_nothing_happens_in_the_future(ahead: int, good: bool) -> None:
    """F31: a clock two minutes ahead is borne, and what it says is taken to be now; more is ignored."""
    event = told(EventKind.DEPARTED, hour(12) + ahead)
    events, ignored = straightened([event], hour(12), sent_at=None, not_before=hour(2))
    assert [each.at for each in events] == ([hour(12)] if good else [])
    assert ignored == ([] if good else [Ignored(event_id=event.event_id, reason=Why.IN_THE_FUTURE)])


def test_nothing_happens_before_the_shift() -> None:
    """Yesterday's events of a phone that was not emptied."""
    _, ignored = straightened([departed(1.9), departed(2)], hour(12), sent_at=None, not_before=hour(2))
    assert [each.reason for each in ignored] == [Why.BEFORE_THE_SHIFT]


def test_an_old_twin_is_known_by_what_it_says() -> None:
    """Beyond `MOST_MARKS` an event is forgotten, and what it says is known all the same."""
    progress = heard([departed(8.1), completed(1, 9)]).progress
    noise = [position(9 + n / 1000, 11 + n / 1000) for n in range(MOST_MARKS)]
    later = heard(noise, progress).progress
    assert len(later.marks) == MOST_MARKS
    again = heard([departed(8.1), completed(1, 9)], later)
    assert (again.duplicates, reasons(again)) == (0, [Why.ALREADY_KNOWN, Why.PROMISE_FINISHED])
    assert again.progress == later


def test_what_is_ignored_may_be_right_when_it_comes_again() -> None:
    """It leaves no mark: a promise that was not on the route then may be there now."""
    stranger = completed(4, 9)
    first = heard([stranger])
    assert reasons(first) == [Why.UNKNOWN_PROMISE]
    assert len(heard([stranger], first.progress, of=FOUR).accepted) == 1
