"""Which routes to improve together: a few that come close to each other at about the same time.

A busy plan never stands still long enough to be improved as a whole, and need not: stops move between vans
that meet anyway. So work goes neighbourhood by neighbourhood, first where something changed.
Weak point: closeness is that of the straight line; a river lies in between for roads only.
"""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.model import Location
from chalicelib.routing.packed import Route, StopArray, joined, live
from chalicelib.routing.travel_times import haversine_metres
from chalicelib.units import Timestamp

MOST_ROUTES = 8
_METRES_A_SECOND = 3.0  # how far apart two windows are that lie so many seconds apart

type Floats = NDArray[np.float64]


def neighbourhoods(
    routes: Sequence[Route],
    waiting: Route | None,
    changed: Collection[str],
    now: Timestamp,
    *,
    most: int = MOST_ROUTES,
    everywhere: bool = True,
) -> Iterator[tuple[Route, ...]]:
    """Divide the work on a plan into pieces, the most urgent first.

    Around each stop that no van has, around each changed shift, and then around every route that was in none
    of these. The pieces overlap: whoever changes routes between two of them passes on the new ones.

    Parameters
    ----------
    changed
        Shift ids.
    most
        Routes of a piece, at least 2.
    everywhere
        False: only around stops that no van has and changed shifts.

    Notes
    -----
    Withdrawn routes without stops are left out. Cost: O(stops of the plan) for each piece.
    """
    alive = [route for route in routes if not route.withdrawn or len(route.stops)]
    around = _Closeness(alive, now)
    covered = set[int]()
    seen = set[tuple[int, ...]]()
    for seed in _seeds(alive, waiting, changed, now, everywhere=everywhere):
        if isinstance(seed, int):
            if seed in covered and alive[seed].shift.shift_id not in changed:
                continue
            members = around.of_route(seed, most)
        else:
            members = around.of_stops(seed, most)
        covered.update(members)
        piece = tuple(sorted(members))
        if piece and piece not in seen:
            seen.add(piece)
            yield tuple(alive[at] for at in piece)


def _seeds(
    routes: Sequence[Route],
    waiting: Route | None,
    changed: Collection[str],
    now: Timestamp,
    *,
    everywhere: bool,
) -> Iterator[int | StopArray]:
    if waiting is not None:
        for at in np.flatnonzero(live(waiting.stops, now)).tolist():
            yield waiting.stops[at : at + 1]
    by_id = {route.shift.shift_id: at for at, route in enumerate(routes)}
    yield from (by_id[shift_id] for shift_id in changed if shift_id in by_id)
    yield from (at for at, route in enumerate(routes) if everywhere and len(route.stops))


class _Closeness:
    """Where and when the stops of many routes are."""

    def __init__(self, routes: Sequence[Route], now: Timestamp) -> None:
        self._routes, self._now = routes, now
        counts = [len(route.stops) for route in routes]
        self._stops = joined(route.stops for route in routes)
        self._owner = np.repeat(np.arange(len(routes)), counts)
        self._idle = [at for at, count in enumerate(counts) if not count]

    def of_route(self, seed: int, most: int) -> list[int]:
        """A route and those that come closest to its stops; to its depot, if it has none."""
        stops = self._routes[seed].stops
        own = self._apart(stops) if len(stops) else self._from(self._routes[seed].shift.start)
        return self._nearest(own, most, first=seed)

    def of_stops(self, stops: StopArray, most: int) -> list[int]:
        """The routes that come closest to these stops."""
        return self._nearest(self._apart(stops), most)

    def _nearest(self, apart: Floats, most: int, first: int | None = None) -> list[int]:
        """Least average distance first; the last place is for a van that has nothing to do yet."""
        own = [] if first is None else [first]
        idle = self._idle_like(own)
        ranked = [
            at for at in np.argsort(apart, kind="stable").tolist() if np.isfinite(apart[at]) and at != first
        ]
        return own + ranked[: most - len(own) - len(idle)] + idle

    def _idle_like(self, own: Sequence[int]) -> list[int]:
        return [at for at in self._idle if at not in own and not self._routes[at].withdrawn][:1]

    def _apart(self, stops: StopArray) -> Floats:
        """For each route how far its stops are from these, in metres, time included: mean of the nearest."""
        found = np.full(len(self._routes), np.inf)
        if not len(self._stops):
            return found
        metres = haversine_metres(
            stops["lat"][:, None] / 1e6,
            stops["lon"][:, None] / 1e6,
            self._stops["lat"] / 1e6,
            self._stops["lon"] / 1e6,
        )
        opens, closes = (self._stops[name].astype(np.int64) for name in ("window_start", "window_end"))
        early = opens - stops["window_end"][:, None].astype(np.int64)
        late = stops["window_start"][:, None].astype(np.int64) - closes
        metres = metres + _METRES_A_SECOND * np.maximum(np.maximum(early, late), 0)
        firsts = np.flatnonzero(np.diff(self._owner, prepend=-1))
        nearest = np.minimum.reduceat(metres, firsts, axis=1)
        found[self._owner[firsts]] = nearest.mean(axis=0)
        return found

    def _from(self, location: Location) -> Floats:
        found = np.full(len(self._routes), np.inf)
        metres = haversine_metres(
            location.lat, location.lon, self._stops["lat"] / 1e6, self._stops["lon"] / 1e6
        )
        np.minimum.at(found, self._owner, metres)
        return found
