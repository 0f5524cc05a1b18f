"""Fetching what a van that broke down has on board: another van meets it, takes over parcels, and delivers.

A solver sees one pick-up for each parcel's stop, all at the place of the van; in the route of whoever comes
they are one meeting, as long as all of them together. Weak point: whoever comes takes what it will deliver,
and what nobody will fetch stays on board.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from chalicelib.routing.model import NO_LEG, Load, Stop, StopKind, TimeWindow
from chalicelib.routing.packed import Route, no_stops
from chalicelib.units import DAY, Seconds, StopId

HANDED_OVER: Seconds = 30  # for each stop's parcels, from van to van
_MEETING: Final = 1 << 63  # ids of promises leave this bit free


def meeting_id(stop_id: StopId) -> StopId:
    """Id of the meeting at which a stop's parcels are handed over."""
    return stop_id | _MEETING


def is_meeting(stop_id: StopId) -> bool:
    """Whether an id is that of a meeting, and no promise's."""
    return bool(stop_id & _MEETING)


def pickups(stranded: Route) -> Route:
    """List what can be fetched from a van where it stands: one meeting for each of its stops, same order."""
    listed = replace(stranded, stops=no_stops())
    since = stranded.shift.starts_at
    any_time = TimeWindow(start=since, end=since + DAY)
    for stop in stranded.all_stops():
        meeting = Stop(
            stop_id=meeting_id(stop.stop_id),
            location=stranded.shift.start,
            node=stranded.start_node,
            window=any_time,
            service_time=HANDED_OVER,
            load=Load(),
            kind=StopKind.MEETING,
        )
        listed = listed.inserted(len(listed.stops), meeting, NO_LEG, NO_LEG)
    return listed


def met_once(stops: Sequence[tuple[Route, int]], listed: Iterable[Route]) -> list[tuple[Route, int]]:
    """Make one meeting of all that a route fetches from one van: at the first of them, as long as all."""
    lists = {id(route) for route in listed}
    fetched: dict[int, list[int]] = {}
    for route, index in stops:
        if id(route) in lists:
            fetched.setdefault(id(route), []).append(index)
    met = set[int]()
    merged = list[tuple[Route, int]]()
    for route, index in stops:
        if id(route) not in lists:
            merged.append((route, index))
        elif id(route) not in met:
            met.add(id(route))
            seconds = int(route.stops["service_time"][fetched[id(route)]].sum(dtype=np.int64))
            merged.append((route.marked(index, service_time=seconds), index))
    return merged
