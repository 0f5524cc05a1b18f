"""Why a route is not what its driver knew: what each change of a running route did to its stops.

It is kept with the route and so in the same transaction, and goes on with the route from write to write, the
last few of it; it names stops by their ids and reasons by their kind, nothing personal. Weak point: what
moved is the least that explains the new order, which need not be what whoever changed it had in mind.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from chalicelib.routing.model import StopKind
from chalicelib.units import StopId, Timestamp

if TYPE_CHECKING:
    from chalicelib.routing.packed import Route  # which has alterations

MOST_KEPT: Final = 6  # of a route, the oldest are forgotten first


class Cause(StrEnum):
    """Why a running route was changed."""

    PROMISE_AT_RISK = "promise_at_risk"
    VAN_BROKE_DOWN = "van_broke_down"
    ROAD_CLOSED = "road_closed"
    CLOSURE = "closure"  # the merchant delivers nothing for a while
    NO_VAN_HAD_IT = "no_van_had_it"
    NO_ACCESS = "no_access"  # nobody gets in there yet
    BUYER = "buyer"
    MERCHANT = "merchant"


class Altered(StrEnum):
    """What became of a stop."""

    NEW = "new"
    MOVED = "moved"  # another place in the order
    CHANGED = "changed"  # where it was, but with another window, or to be handed over otherwise
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One change of a running route.

    Attributes
    ----------
    by
        Id of the replan or the change that made it; None if it has none.
    version
        Of the first manifest that has it.
    stops
        What became of whom; who is not in it stays as he was.
    """

    because: Cause
    by: str | None
    at: Timestamp
    version: int
    stops: tuple[tuple[StopId, Altered], ...]


def altered(
    before: "Route",
    after: "Route",
    *,
    because: Cause,
    by: str | None,
    now: Timestamp,
    touched: Collection[StopId] = (),
) -> "Route":
    """Note on a route that is about to be written why it is not what it was.

    Parameters
    ----------
    before
        As it is stored, whole.
    after
        As it is to be stored; it keeps `before.altered` if it was made from it, which every edit does.
    by
        Id of the replan or the change, if it has one.
    touched
        Stops whose window, instructions or handover changed; they need not have moved.

    Returns
    -------
    `after` with one more alteration; `after` itself where its driver would not see any difference.

    Notes
    -----
    Moved is whoever is not in the longest run of stops whose order stayed. Cost: O(n log n) for n stops.
    """
    had, has = _seen(before), _seen(after)
    known, kept = frozenset(had), frozenset(has)
    place = {stop_id: at for at, stop_id in enumerate(had)}
    stayed = [stop_id for stop_id in has if stop_id in known]
    steady = {stayed[at] for at in _longest_rise([place[stop_id] for stop_id in stayed])}
    stops = [
        *((stop_id, Altered.NEW) for stop_id in has if stop_id not in known),
        *((stop_id, Altered.MOVED) for stop_id in stayed if stop_id not in steady),
        *((stop_id, Altered.CHANGED) for stop_id in stayed if stop_id in steady and stop_id in touched),
        *((stop_id, Altered.GONE) for stop_id in had if stop_id not in kept),
    ]
    if not stops:
        return after
    noted = Alteration(because=because, by=by, at=now, version=before.version + 1, stops=tuple(stops))
    return replace(after, altered=(*after.altered, noted)[-MOST_KEPT:])


def _seen(route: "Route") -> list[StopId]:
    """The stops that a manifest shows, without those that are done."""
    stops = zip(route.stops["stop_id"].tolist(), route.stops["kind"].tolist(), strict=True)
    return [stop_id for stop_id, kind in stops if kind not in (StopKind.HELD, StopKind.DONE)]


def _longest_rise(numbers: Sequence[int]) -> list[int]:
    """Find where the longest rising subsequence of different numbers is (patience sorting)."""
    tops, piles = list[int](), list[int]()  # the number on each pile, and where it is
    below = list[int]()
    for at, number in enumerate(numbers):
        pile = bisect_left(tops, number)
        below.append(piles[pile - 1] if pile else -1)
        tops[pile : pile + 1], piles[pile : pile + 1] = [number], [at]
    found = list[int]()
    at = piles[-1] if piles else -1
    while at >= 0:
        found.append(at)
        at = below[at]
    return found[::-1]
