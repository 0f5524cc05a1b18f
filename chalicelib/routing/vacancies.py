"""Where a newcomer could stand if one stop were gone: gaps near it, each with every stop that may help.

A stop that is far along the route may be the one that counts: without it the van is earlier behind it, and
may be later before it. Judged by the straight line first, then, for the few that are worth it, on roads.
Weak point: gaps are chosen as if the best stop of their route left, whichever that is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.insertion import slack_of
from chalicelib.routing.leaving import unlikely
from chalicelib.routing.model import StopFlag, StopKind, TimeWindow, Visit
from chalicelib.routing.packed import live
from chalicelib.routing.relief import BOUNDS, DEPART, LATE, LATE_WAITED, relieved
from chalicelib.routing.schedule import Floats
from chalicelib.routing.sweeps import (
    SECONDS_PER_ROOT,
    Indices,
    Sweeps,
    Swept,
    chords,
    on_sphere,
    places_at,
)
from chalicelib.routing.travel_times import Places, TravelTimes
from chalicelib.units import Timestamp

NOBODY_LEAVES = -1  # in place of a stop


@dataclass(frozen=True, slots=True)
class Pairs:
    """Gaps for the newcomer, each with a stop whose absence might help.

    Attributes
    ----------
    begins, ends
        The gaps of the whole route in which the newcomer's surroundings begin and end: the gaps before and
        behind the stop that leaves where the newcomer takes its place, else twice the same gap.
    leaving
        The stop that leaves; `NOBODY_LEAVES` where none does.
    gap
        The newcomer's, counted without it.
    saved
        Seconds that the van drives less, the newcomer left out.
    bounds
        Of that gap without the stop, as `relief.relieved` has them.
    margin
        How much later than planned an arrival there must be expected.
    """

    begins: Indices
    ends: Indices
    leaving: Indices
    gap: Indices
    saved: Floats
    bounds: Floats
    margin: Floats

    def __getitem__(self, chosen: Indices) -> "Pairs":
        return Pairs(*(getattr(self, each.name)[chosen] for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Timed:
    """When the newcomer could start at some pairs, and what driving it adds to that van."""

    leg_in: Floats
    leg_out: Floats
    extra: Floats
    earliest: Floats
    surely: Floats
    latest: Floats
    latest_waited: Floats

    def slack(self, window: TimeWindow) -> Floats:
        """Seconds between the bounds of a start within a window; negative where it does not fit."""
        return slack_of(self.earliest, self.surely, self.latest, self.latest_waited, window.start, window.end)


class Vacancies:
    """One visit against the gaps of some routes, each as if one of its stops were gone.

    Parameters
    ----------
    open_routes
        Which routes may gain and lose stops.
    windows
        The windows asked for.
    most
        How many gaps are tried, shared among the windows.
    """

    def __init__(
        self,
        sweeps: Sweeps,
        swept: Swept,
        open_routes: NDArray[np.bool_],
        visit: Visit,
        windows: Sequence[TimeWindow],
        travel: TravelTimes,
        now: Timestamp,
        most: int,
    ) -> None:
        self._sweeps, self._swept, self._open = sweeps, swept, open_routes
        self._visit, self._windows, self._travel, self._now = visit, windows, travel, now
        self._share = max(most // 2 // len(windows), 1)

    def _may_leave(self) -> NDArray[np.bool_]:
        """Which stops could make room: none that is pinned or done, nor one that makes too little."""
        swept, crowd, visit = self._swept, self._swept.crowd, self._visit
        stops = crowd.stops
        may_leave = (
            (swept.skilled(visit) & self._open)[crowd.owner]
            & live(stops, self._now)
            & (stops["kind"] != StopKind.DONE)
            & (stops["flags"] & StopFlag.PINNED == 0)
        )
        for dimension, (name, amount) in enumerate(
            (
                ("parcels", visit.load.parcels),
                ("grams", visit.load.grams),
                ("millilitres", visit.load.millilitres),
            )
        ):
            may_leave &= swept.free[crowd.owner, dimension] + stops[name] >= amount
        return np.asarray(may_leave)

    @cached_property
    def _guess(self) -> tuple[Floats, Floats]:
        """The ways from where each gap begins to the newcomer, and on to where it ends, as the crow flies."""
        here = on_sphere(np.array(self._visit.location.lat), np.array(self._visit.location.lon))
        way_in, way_out = (SECONDS_PER_ROOT * np.sqrt(chords(side, here)) for side in self._swept.xyz)
        return way_in, way_out

    def _near(self, may_leave: NDArray[np.bool_]) -> tuple[Indices, Indices]:
        """The gaps that are most promising if some stop is gone, and the stops whose own place is."""
        swept, crowd = self._swept, self._swept.crowd
        service = self._visit.service_time * self._sweeps.world.clock.slowest
        (way_in, way_out), gaps, before = self._guess, swept.gaps, crowd.before
        usable = (self._open & swept.skilled(self._visit))[swept.owner]
        detour = way_in + way_out - gaps["leg"]
        cost = detour + unlikely(detour + service - swept.room - crowd.relief)
        bounds = swept.depart - crowd.relief, swept.late_waited + crowd.relief - service
        instead = way_in[before] + way_out[before + 1]
        spare = gaps["late_work"][before + 1] - gaps["depart_work"][before] - service
        cost_instead = instead - gaps["leg"][before] - gaps["leg"][before + 1] + unlikely(instead - spare)
        bounds_instead = swept.depart[before], swept.late_waited[before + 1] - service
        return (
            self._cheapest(cost, usable, *bounds),
            self._cheapest(cost_instead, may_leave, *bounds_instead),
        )

    def _cheapest(self, cost: Floats, usable: NDArray[np.bool_], soonest: Floats, latest: Floats) -> Indices:
        """Half of the gaps that are tried, the same number for each window."""
        share = self._share
        chosen = np.zeros(len(cost), dtype=bool)
        for window in self._windows:
            fit = np.flatnonzero(usable & (soonest <= window.end) & (latest >= window.start))
            if len(fit) > share:
                fit = fit[np.argpartition(cost[fit], share)[:share]]
            chosen[fit] = True
        return np.flatnonzero(chosen)

    def pairs(self) -> Pairs:
        """Each near gap with nobody, and with every stop of its route that may leave; and own places."""
        swept, crowd, legs = self._swept, self._swept.crowd, self._swept.gaps["leg"]
        may_leave = self._may_leave()
        near, own_place = self._near(may_leave)
        count = np.diff(np.append(crowd.first, len(crowd.stops)))[swept.owner[near]]
        begins = np.repeat(near, count)
        index = np.arange(len(begins)) - np.repeat(np.cumsum(count) - count, count)
        gap = swept.gaps["gap"][begins]
        leaving = crowd.first[swept.owner[begins]] + index
        apart = (index != gap) & (index != gap - 1) & may_leave[leaving]
        begins, leaving, gap = begins[apart], leaving[apart], (gap - (gap > index))[apart]
        before = crowd.before[own_place]
        able = near[swept.roomy(self._visit)[swept.owner[near]]]
        past = legs[crowd.before[leaving]] + legs[crowd.before[leaving] + 1] - crowd.joint[leaving]
        saved = [legs[begins] + past, legs[before] + legs[before + 1], legs[able]]
        bounds = [
            self._relieved(leaving, gap),
            np.stack([swept.gaps[name][before + (name != BOUNDS[0])] for name in BOUNDS], axis=1),
            np.stack([swept.gaps[name][able] for name in BOUNDS], axis=1),
        ]
        begins = np.concatenate([begins, before, able])
        return Pairs(
            begins=begins,
            ends=np.concatenate([begins[: len(leaving)], before + 1, able]),
            leaving=np.concatenate([leaving, own_place, np.full(len(able), NOBODY_LEAVES)]),
            gap=np.concatenate([gap, swept.gaps["gap"][before], swept.gaps["gap"][able]]),
            saved=np.concatenate(saved),
            bounds=np.concatenate(bounds),
            margin=swept.gaps["margin"][begins],
        )

    def _relieved(self, leaving: Indices, gap: Indices) -> Floats:
        """The bounds of some gaps in routes that have lost a stop."""
        crowd, routes = self._swept.crowd, self._swept.routes
        bounds = np.empty((len(leaving), len(BOUNDS)))
        owner = crowd.owner[leaving]
        asked = np.unique(owner).tolist()
        index = leaving - crowd.first[owner]
        tables = relieved(self._sweeps, self._swept, asked, self._now)
        for at, table in zip(asked, tables, strict=True):
            own = np.flatnonzero(owner == at)
            bounds[own] = table[index[own] * len(routes[at].stops) + gap[own]]
        return bounds

    def guessed(self, pairs: Pairs) -> Timed:
        """When the newcomer could start, and what it costs, about: by the straight line."""
        way_in, way_out = self._guess
        return self._timed(pairs, way_in[pairs.begins], way_out[pairs.ends])

    def on_roads(self, pairs: Pairs) -> Timed:
        """The same as the roads say; two travel-time calls."""
        gaps, here = self._swept.gaps, Places.of([self._visit.location], [self._visit.node])
        begins, from_begin = np.unique(pairs.begins, return_inverse=True)
        ends, to_end = np.unique(pairs.ends, return_inverse=True)
        way_in = self._travel.to_one(places_at(gaps[begins], "from"), here).astype(float)
        way_out = self._travel.from_one(here, places_at(gaps[ends], "to")).astype(float)
        return self._timed(pairs, way_in[from_begin], way_out[to_end])

    def _timed(self, pairs: Pairs, way_in: Floats, way_out: Floats) -> Timed:
        clock, service = self._sweeps.world.clock, self._visit.service_time
        earliest = clock.clock(pairs.bounds[:, DEPART] + way_in)
        return Timed(
            leg_in=way_in,
            leg_out=way_out,
            extra=way_in + way_out - pairs.saved,
            earliest=earliest,
            surely=earliest + pairs.margin,
            latest=clock.clock(pairs.bounds[:, LATE] - way_out) - service,
            latest_waited=clock.clock(pairs.bounds[:, LATE_WAITED] - way_out) - service,
        )
