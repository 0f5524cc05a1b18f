"""How long a run may work on a plan: by its size, by what happened to it, by the time its vans leave it.

Behind one booking a run is short: the next booking brings the next. Every further change that no run has
looked at yet, as after a busy minute or a long rest, buys as much again, and whoever asked gets as much as
many bookings would. Near loading there is little left to sell or to move, and a late change helps nobody.
Weak point: a change of a route counts the same whatever it was.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from chalicelib.routing.packed import Route
from chalicelib.units import Timestamp

LEAST_SECONDS: Final = 0.4
LONGEST_SECONDS: Final = 20.0
STOPS_A_SECOND: Final = 400  # of a run behind one booking
MOST_TIMES: Final = 10  # as long as that: after many bookings, and for whom somebody waits
SHARE_OF_WAIT: Final = 20  # a run takes no more than one part this many of the time left before loading


def seconds_for(
    plan: Sequence[Route], improved_before: Mapping[str, int], now: Timestamp, *, asked: bool
) -> float:
    """Measure out the time of one run.

    Parameters
    ----------
    plan
        The vans' routes.
    improved_before
        Versions of the routes, by shift, as the last run left them.
    asked
        Somebody waits for the answer.

    Returns
    -------
    Seconds, at most `LONGEST_SECONDS`; 0 where every van is loaded.
    """
    left = max((route.shift.loads_at - now for route in plan if not route.withdrawn), default=0)
    if left <= 0:
        return 0.0
    changes = sum(
        max(route.version - improved_before.get(route.shift.shift_id, 0), 0)
        for route in plan
        if now < route.shift.loads_at
    )
    times = MOST_TIMES if asked else min(max(changes, 1), MOST_TIMES)
    once = LEAST_SECONDS + sum(len(route.stops) for route in plan) / STOPS_A_SECOND
    return min(once * times, left / SHARE_OF_WAIT, LONGEST_SECONDS)
