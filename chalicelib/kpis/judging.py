"""What one promise adds to the figures of a depot's day.

A pure function of the promise as it stands: asked again it says the same, and a correction changes what it
says. A promise that was tried on two days adds to both: its attempts to the days they were made on, all else
to the day it is for now. Weak point: a promise that was moved before anybody came leaves no trace on the day
it was for at first.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from chalicelib.fleet.plans import PlanKey
from chalicelib.kpis.figures import Errors, Figures, Horizon, Opinions, Verdict
from chalicelib.promises.model import Attempt, Promise, PromiseState
from chalicelib.routing.model import TimeWindow
from chalicelib.units import Timestamp


def figures_of(promise: Promise, place: PlanKey, now: Timestamp) -> Figures:
    """Say what a promise adds to a depot's day."""
    tried = [each for each in promise.attempts if (each.depot_id, each.day) == (place.depot_id, place.day)]
    made = _made(promise, tried)
    if (promise.depot_id, promise.day) != (place.depot_id, place.day):
        return made
    if promise.state is PromiseState.CANCELLED:
        return made + Figures(cancelled=1)
    return made + _for_this_day(promise, now, tried=bool(tried))


def verdict(attempt: Attempt, window: TimeWindow) -> Verdict:
    """Hold an attempt against a window; both ends are within."""
    if attempt.outcome.nobody_came:
        return Verdict.MISSED
    if attempt.arrived_at > window.end:
        return Verdict.LATE
    return Verdict.EARLY if attempt.ended_at < window.start else Verdict.KEPT


def _made(promise: Promise, tried: list[Attempt]) -> Figures:
    """What the attempts of the day add; the day of the first one of all judges the promise."""
    errors = dict[Horizon, Errors]()
    for each in tried:
        for horizon, off in _errors(each, each.window or promise.window):
            errors[horizon] = errors.get(horizon, Errors()) + off
    first = tried[0] if tried and tried[0] is promise.attempts[0] else None
    original = promise.original_window or promise.window
    return Figures(
        original=Counter([verdict(_came(promise.attempts), original)] if first else []),
        moved=int(first is not None and (first.window or promise.window) != original),
        told=Counter(verdict(each, each.told_window or promise.told_window) for each in tried),
        first_attempts=int(first is not None),
        first_successes=int(first is not None and first.outcome.is_delivery),
        exceptions=Counter(each.outcome for each in tried if not each.outcome.is_delivery),
        flags=Counter(flag for each in tried for flag in each.flags),
        errors=errors,
    )


def _came(attempts: Sequence[Attempt]) -> Attempt:
    """The first attempt with somebody at the door: whose van broke down may be saved by another in time."""
    return next((each for each in attempts if not each.outcome.nobody_came), attempts[0])


def _for_this_day(promise: Promise, now: Timestamp, *, tried: bool) -> Figures:
    """What a promise adds to the day it is for, whether somebody came or not."""
    over, feedback = now > promise.window.end, promise.feedback
    awaited = not tried and not promise.state.finished
    missed = awaited and over
    never_tried = missed and not promise.attempts
    return Figures(
        promised=1,
        open=int(awaited and not over),
        original=Counter([Verdict.MISSED] if never_tried else []),
        moved=int(never_tried and promise.original_window not in (None, promise.window)),
        told=Counter([Verdict.MISSED] if missed else []),
        contacts=promise.contacts,
        product=Opinions() if feedback is None else Opinions.of(feedback.product),
        delivery=Opinions() if feedback is None else Opinions.of(feedback.delivery),
    )


def _errors(attempt: Attempt, window: TimeWindow) -> Iterator[tuple[Horizon, Errors]]:
    """How far the forecasts of an attempt were off.

    Where all that is known of an arrival is that it was done, nothing is: it came some minutes earlier.
    """
    if attempt.outcome.nobody_came or attempt.arrived_at >= attempt.ended_at:
        return
    early = attempt.ended_at < window.start
    truth = attempt.arrived_at if early else max(attempt.arrived_at, window.start)
    if attempt.planned_at is not None:
        error = truth - attempt.planned_at
        yield None, Errors(forecasts=1, error=error, absolute_error=abs(error))
    for each in attempt.forecasts:
        error = truth - each.expected_at
        yield (
            each.horizon,
            Errors(
                forecasts=1,
                error=error,
                absolute_error=abs(error),
                intervals=1,
                covered=int(each.earliest_at <= truth <= each.latest_at),
                width=each.latest_at - each.earliest_at,
            ),
        )
