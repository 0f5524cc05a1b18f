"""Shifts of one van that follow each other: who is late from the one is late for the next.

Routes are sold as if they were independent, and as a rule a shift's end keeps them so. On the road that rule
may break, and then the later shift inherits what the earlier one is late. Weak point: how long it takes to
unload and load again between them is not known, only when the next shift should start.
"""

from collections.abc import Callable, Iterable, Mapping

from chalicelib.fleet.live import Live, Turn
from chalicelib.fleet.progress import Progress
from chalicelib.routing.packed import Route

type Look = Callable[[Route, Progress, Turn | None], Live]
"""Says how a shift is getting on, given what its van still has to do before it."""


def turn_before(
    route: Route, routes: Iterable[Route], progresses: Mapping[str, Progress], look: Look
) -> Turn | None:
    """What a shift that has not left has to wait for.

    Parameters
    ----------
    routes, progresses
        Of the same plan, and how far they have come, by their shifts.

    Returns
    -------
    None if the van has left, is at the depot, or is surely back in time.
    """
    shift = route.shift
    if has_left(progresses.get(shift.shift_id)):
        return None
    out = [other for other in earlier_of(route, routes) if _is_out(progresses.get(other.shift.shift_id))]
    if not out:
        return None
    last = max(out, key=lambda other: other.shift.starts_at)
    back_at = look(last, progresses[last.shift.shift_id], None).back_at
    in_time = back_at is not None and back_at[-1] <= shift.starts_at
    return None if in_time else Turn(back_at=back_at)


def earlier_of(route: Route, routes: Iterable[Route]) -> list[Route]:
    """Find the shifts of the same van that end before this one starts."""
    shift = route.shift
    return [
        other
        for other in routes
        if other.shift.vehicle_id == shift.vehicle_id and other.shift.ends_at <= shift.starts_at
    ]


def next_after(route: Route, routes: Iterable[Route]) -> Route | None:
    """Find the next shift of the same van in its plan."""
    shift = route.shift
    later = [
        other
        for other in routes
        if other.shift.vehicle_id == shift.vehicle_id
        and other.shift.starts_at >= shift.ends_at
        and not other.withdrawn
    ]
    return min(later, key=lambda other: other.shift.starts_at, default=None)


def has_left(progress: Progress | None) -> bool:
    """Whether a shift has begun on the road."""
    return progress is not None and progress.departed_at is not None


def _is_out(progress: Progress | None) -> bool:
    return progress is not None and progress.departed_at is not None and not progress.is_back
