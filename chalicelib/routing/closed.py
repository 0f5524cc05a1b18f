"""Times in which nothing is delivered, and what they leave of a window.

A promise keeps its window; only where its service may be planned becomes narrower. What is left is always one
piece, the longest, the earlier of two as long: a stop has one window in every sweep and solver. A window that
lies inside altogether has no such piece: it stays as it is, so that the rest of its route is planned as
before, and counts as never kept. Weak point: the shorter side of a closure in the middle is given up.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.model import StopKind, TimeWindow
from chalicelib.routing.packed import Route, StopArray, live
from chalicelib.units import Timestamp

_FAR = 1 << 40  # beyond any timestamp


def narrowed(
    opens: NDArray[np.int64], closes: NDArray[np.int64], closed: Sequence[TimeWindow]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Narrow many windows to the longest piece in which service may start.

    Parameters
    ----------
    closed
        In any order, overlapping or not. Service may start the second one begins or ends.

    Returns
    -------
    New ends of the windows, and which of them have no piece left; the latter keep their ends. Cost: O(closed)
    array operations.
    """
    start, end, touched = opens, closes, np.zeros(opens.shape, dtype=bool)
    for each in closed:
        touched |= (opens < each.end) & (each.start < closes)
    longest = np.zeros(opens.shape, dtype=opens.dtype)
    for first, last in _between(closed):
        piece_start, piece_end = np.maximum(opens, first), np.minimum(closes, last)
        better = touched & (piece_end - piece_start > longest)
        start, end = np.where(better, piece_start, start), np.where(better, piece_end, end)
        longest = np.where(better, piece_end - piece_start, longest)
    return start, end, touched & (longest == 0)


def windows_left(
    stops: StopArray, closed: Sequence[TimeWindow]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Narrow the windows of stops like `narrowed`; what is done keeps its own, and so do meetings of vans."""
    opens, closes = (stops[name].astype(np.int64) for name in ("window_start", "window_end"))
    if not closed:  # nearly always, and on the way of every search
        return opens, closes, np.zeros(len(stops), dtype=bool)
    start, end, barred = narrowed(opens, closes, closed)
    done = np.isin(stops["kind"], (StopKind.DONE, StopKind.MEETING))
    return np.where(done, opens, start), np.where(done, closes, end), barred & ~done


def reached(route: Route, closed: Iterable[TimeWindow], now: Timestamp) -> bool:
    """Whether these times reach into the window of a stop that is to come."""
    stops = route.stops
    opens, closes = (stops[name].astype(np.int64) for name in ("window_start", "window_end"))
    to_come = live(stops, now) & (stops["kind"] != StopKind.DONE) & (closes >= now)
    return any(bool((to_come & (opens < each.end) & (each.start < closes)).any()) for each in closed)


def narrowed_window(window: TimeWindow, closed: Sequence[TimeWindow]) -> TimeWindow | None:
    """Narrow one window like `narrowed`; None if nothing is left of it."""
    if not any(window.start < each.end and each.start < window.end for each in closed):
        return window
    starts, ends, barred = narrowed(np.array([window.start]), np.array([window.end]), closed)
    return None if barred[0] else TimeWindow(start=int(starts[0]), end=int(ends[0]))


def _between(closed: Sequence[TimeWindow]) -> list[tuple[int, int]]:
    """The times before, between and after."""
    open_from, pieces = -_FAR, list[tuple[int, int]]()
    for each in sorted(closed, key=lambda each: each.start):
        if each.start > open_from:
            pieces.append((open_from, each.start))
        open_from = max(open_from, each.end)
    return [*pieces, (open_from, _FAR)]
