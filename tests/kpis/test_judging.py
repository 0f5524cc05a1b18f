"""What one promise adds to a day: kept or not, first time right, forecasts off by how much, what was said."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.fleet.forecasts import Forecast
from chalicelib.fleet.plans import PlanKey
from chalicelib.kpis.figures import Errors, Figures, Opinions, Verdict
from chalicelib.kpis.judging import figures_of
from chalicelib.promises.model import Attempt, AttemptFlag, Feedback, Outcome, Promise, PromiseState
from chalicelib.routing.model import TimeWindow
from chalicelib.units import DAY, MINUTE
from tests.promises.shop import TODAY, at
from tests.promises.store_contract import a_promise

MONDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
MORNING = TimeWindow(start=at(8), end=at(10))
EVENING = at(20)
NOT_HOME, DELIVERED = Outcome.FAILED_NOT_HOME, Outcome.DELIVERED_TO_RECIPIENT


def tried(arrived: int = at(9), outcome: Outcome = DELIVERED, **more: Any) -> Attempt:
    """An attempt of five minutes, in the morning's window unless told otherwise."""
    described: dict[str, Any] = {
        "outcome": outcome,
        "arrived_at": arrived,
        "ended_at": arrived + 5 * MINUTE,
        "depot_id": "porto",
        "day": TODAY,
        "shift_id": "s-1",
        "window": MORNING,
        "told_window": MORNING,
    }
    return Attempt(**described | more)


def promised(*attempts: Attempt, **more: Any) -> Promise:
    state = attempts[-1].outcome.leads_to if attempts else PromiseState.CONFIRMED
    return a_promise(**{"state": state, "attempts": attempts} | more)


def on(promise: Promise, day: date = TODAY, now: int = EVENING) -> Figures:
    return figures_of(promise, PlanKey(depot_id="porto", day=day), now)


@pytest.mark.parametrize(
    ("arrived", "verdict"),
    [
        (at(7, 54), Verdict.EARLY),  # and away at one minute to eight
        (at(7, 55), Verdict.KEPT),  # waited until eight
        (at(8), Verdict.KEPT),
        (at(10), Verdict.KEPT),
        (at(10) + 1, Verdict.LATE),
    ],
)
def test_both_ends_of_a_window_are_within(arrived: int, verdict: Verdict) -> None:
    """Who waits for it to open is not early; a second after it closed is late."""
    figures = on(promised(tried(arrived)))
    assert figures.original == figures.told == Counter([verdict])


@pytest.mark.parametrize("outcome", [Outcome.FAILED_NO_TIME, Outcome.FAILED_VEHICLE])
def test_who_never_came_kept_nothing(outcome: Outcome) -> None:
    """Said within the window all the same; CONTROL: who found nobody at home was there."""
    assert on(promised(tried(outcome=outcome))).original == Counter([Verdict.MISSED])
    assert on(promised(tried(outcome=NOT_HOME))).original == Counter([Verdict.KEPT])


def test_a_promise_that_another_van_saved_was_kept() -> None:
    """The first van broke down, the second came within the window; CONTROL: it came too late."""
    down = tried(at(8, 30), Outcome.FAILED_VEHICLE)
    figures = on(promised(down, tried(at(9, 50))))
    assert figures.original == Counter([Verdict.KEPT])
    assert figures.told == Counter([Verdict.MISSED, Verdict.KEPT])
    assert (figures.first_attempts, figures.first_successes) == (1, 0)
    assert on(promised(down, tried(at(10, 10)))).original == Counter([Verdict.LATE])


def test_a_promise_is_held_against_the_window_it_had_first() -> None:
    """Moved to noon, and on slot there: the promise of the morning was not kept, and says so."""
    noon = TimeWindow(start=at(12), end=at(14))
    attempt = tried(at(13), window=noon, told_window=TimeWindow(start=at(12, 40), end=at(13, 20)))
    figures = on(promised(attempt, window=noon, original_window=MORNING))
    assert (figures.original, figures.moved) == (Counter([Verdict.LATE]), 1)
    assert figures.told == Counter([Verdict.KEPT])


def test_told_is_what_was_told_last_before_the_van_came() -> None:
    """Within two hours, outside the twenty minutes of the last text; what is told later changes nothing."""
    narrow = TimeWindow(start=at(9, 20), end=at(9, 40))
    promise = promised(tried(at(9, 41), told_window=narrow), told_window=MORNING)
    assert on(promise).told == Counter([Verdict.LATE])
    assert on(promise).original == Counter([Verdict.KEPT])


def test_a_second_day_counts_apart_and_nothing_counts_twice() -> None:
    """Not home on Tuesday, delivered on Wednesday: one promise, kept on Tuesday, two visits on slot."""
    wednesday = TimeWindow(start=MORNING.start + DAY, end=MORNING.end + DAY)
    second = tried(at(9) + DAY, day=TOMORROW, window=wednesday, told_window=wednesday)
    promise = promised(
        tried(outcome=NOT_HOME), second, day=TOMORROW, window=wednesday, original_window=MORNING
    )
    tuesday, later = on(promise), on(promise, TOMORROW, now=EVENING + DAY)
    assert (tuesday.promised, later.promised) == (0, 1)
    assert (tuesday.original, later.original) == (Counter([Verdict.KEPT]), Counter())
    assert (tuesday.told, later.told) == (Counter([Verdict.KEPT]), Counter([Verdict.KEPT]))
    assert (tuesday.first_attempts, tuesday.first_successes, later.first_attempts) == (1, 0, 0)
    assert (tuesday.exceptions, later.exceptions) == (Counter([NOT_HOME]), Counter())
    assert on(promise, MONDAY) == Figures()
    assert (tuesday + later).promised == 1


def test_a_promise_nobody_came_for_is_missed_when_its_window_has_closed() -> None:
    """Until then it is open; the last second of the window is still within."""
    promise = promised()
    assert on(promise, now=at(10)) == Figures(promised=1, open=1)
    missed = Counter([Verdict.MISSED])
    assert on(promise, now=at(10) + 1) == Figures(promised=1, original=missed, told=missed)


def test_cancelled_promises_were_neither_kept_nor_broken() -> None:
    """They are counted by themselves; what was tried before stands."""
    assert on(promised(state=PromiseState.CANCELLED)) == Figures(cancelled=1)
    after_all = on(promised(tried(outcome=NOT_HOME), state=PromiseState.CANCELLED))
    assert (after_all.cancelled, after_all.first_attempts) == (1, 1)


def test_a_correction_changes_what_is_counted() -> None:
    """The mis-tap undone: first-attempt success and exceptions say what it really was."""
    promise = promised(tried())
    assert on(promise).first_successes == 1
    right = replace(promise, attempts=(replace(promise.attempts[0], outcome=NOT_HOME),))
    assert (on(right).first_successes, on(right).exceptions) == (0, Counter([NOT_HOME]))
    assert on(right).first_attempts == on(promise).first_attempts == 1


def test_forecasts_are_held_against_the_start_of_service() -> None:
    """Early at the door, service starts when the window opens; errors are signed, width and truth counted."""
    forecasts = (
        Forecast(horizon=3600, earliest_at=at(8, 10), expected_at=at(8, 20), latest_at=at(8, 30)),
        Forecast(horizon=900, earliest_at=at(7, 58), expected_at=at(7, 59), latest_at=at(8, 2)),
    )
    attempt = tried(at(7, 57), planned_at=at(8, 5), forecasts=forecasts)
    assert on(promised(attempt)).errors == {
        None: Errors(forecasts=1, error=-300, absolute_error=300),
        3600: Errors(forecasts=1, error=-1200, absolute_error=1200, intervals=1, width=1200),
        900: Errors(forecasts=1, error=60, absolute_error=60, intervals=1, covered=1, width=240),
    }


@pytest.mark.parametrize(
    "unknown", [{"ended_at": at(9)}, {"outcome": Outcome.FAILED_NO_TIME}], ids=["only the end", "nobody came"]
)
def test_an_arrival_nobody_saw_says_nothing_of_forecasts(unknown: dict[str, Any]) -> None:
    """All that is known is when it was done, or that nobody came; CONTROL: a tap at the door counts."""
    attempt = tried(planned_at=at(9))
    assert on(promised(attempt)).errors
    assert on(promised(replace(attempt, **unknown))).errors == {}


def test_contacts_flags_and_opinions_are_counted() -> None:
    """Goods and delivery apart: 9 and 10 promote, up to 6 detract."""
    partial = tried(flags=frozenset({AttemptFlag.PARTIAL}))
    figures = on(promised(partial, contacts=2, feedback=Feedback(product=9, delivery=6)))
    assert (figures.contacts, figures.flags) == (2, Counter([AttemptFlag.PARTIAL]))
    assert (figures.product, figures.delivery) == (Opinions(promoters=1), Opinions(detractors=1))
    assert (Opinions() + Opinions.of(8)).net == 0
    assert (Opinions.of(10) + Opinions.of(0) + Opinions.of(10)).net == pytest.approx(100 / 3)
    assert Opinions().net is None


def test_attempts_from_before_windows_were_kept_are_held_against_the_promise() -> None:
    """All that is known of them."""
    old = tried(at(11), window=None, told_window=None)
    assert on(promised(old)).told == Counter([Verdict.LATE])


def test_figures_add_up() -> None:
    """A signed error is not lost in a sum."""
    some = Figures(promised=1, errors={None: Errors(forecasts=1, error=-60, absolute_error=60)})
    total = sum([some, some, Figures()], Figures())
    assert total == Figures(promised=2, errors={None: Errors(forecasts=2, error=-120, absolute_error=120)})
