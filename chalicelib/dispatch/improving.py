"""Improving a plan that nobody drives yet: a few routes at a time, those that changed since last time first.

When a booking slipped in, a change is put on the routes as they are now, or dropped; the booking stands in
any case. Weak point: a group that meets bookings again and again is left as it is, until the next request.
"""

from collections.abc import Callable, Mapping
from typing import Final

from chalicelib.dispatch.run import Run
from chalicelib.routing.change import Change
from chalicelib.routing.neighbourhoods import MOST_ROUTES, neighbourhoods
from chalicelib.routing.objective import Circumstances
from chalicelib.routing.optimiser import Budget, Engine
from chalicelib.routing.rebase import rebase
from chalicelib.routing.replan import replan

REBASES: Final = 3
NEIGHBOURHOOD_SECONDS: Final = 1.0
_AS_A_WHOLE = 400  # stops that a solver improves better together than piece by piece
_WORTH_SOLVING = 2  # stops: one alone is where its booking found it best

type Pause = Callable[[int], None]


def improve(
    run: Run,
    improved_before: Mapping[str, int],
    budget: Budget,
    *,
    engine: Engine,
    pause: Pause,
    patient: bool,
) -> None:
    """Improve group after group of a plan's routes.

    Parameters
    ----------
    improved_before
        Versions of the routes, by shift, as the last run left them.
    patient
        There is time: a plan that is not too large is improved as a whole, which finds more.
    """
    here = Circumstances(travel=run.plans.travel, world=run.plans.world, now=run.now)
    open_routes = [route for route in run.routes if not route.withdrawn and run.now < route.shift.loads_at]
    changed = [
        route.shift.shift_id
        for route in open_routes
        if improved_before.get(route.shift.shift_id, 0) != route.version
    ]
    if not open_routes:
        run.because("No van of this plan can be changed any more.")
    whole = patient and sum(len(route.stops) for route in open_routes) <= _AS_A_WHOLE
    most = max(len(open_routes), MOST_ROUTES) if whole else MOST_ROUTES
    for group in neighbourhoods(open_routes, run.waiting, changed, run.now, most=most):
        if budget.left <= 0:
            run.because("There was no time left for the rest of the plan.")
            break
        current = run.plans.same_shifts(group)
        stops = sum(len(route.stops) for route in current or ())
        if current is None or (stops < _WORTH_SOLVING and run.waiting is None):
            continue
        share = budget if whole else budget.share(NEIGHBOURHOOD_SECONDS)
        found = replan(current, run.waiting, here, share, engine=engine)
        if found.unchanged:
            run.because(found.unchanged)
        for change in found.changes:
            _apply(run, change, here, pause)


def _apply(run: Run, change: Change, here: Circumstances, pause: Pause) -> None:
    """Commit a change on the routes it was computed from, or on what has become of them."""
    for attempt in range(1 + REBASES):
        if attempt:
            pause(attempt)
            newest = run.read_again().same_shifts(change.before)
            rebased = rebase(change, newest, here) if newest else None
            if rebased is None:
                run.because("What was booked meanwhile left no room for a change.")
                return
            change = rebased
        changed = [new for old, new in zip(change.before, change.after, strict=True) if old is not new]
        if run.commit(change, changed):
            return
    run.because("Bookings were faster than a change, every time.")
