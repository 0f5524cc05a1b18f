"""Travel times from an OSRM server: `/table` for times, `/nearest` for snapping; lon comes before lat there.

Few requests of bounded size, all under one deadline; whatever goes wrong is `Upstream`, and nothing is
retried here. Weak point: OSRM minimises its own weight, which is not quite the time, so its times keep the
triangle inequality only nearly; and the fastest speed on its map is a figure we are told, not one we can
check.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import urllib3

from chalicelib.errors import OffRoad, Upstream
from chalicelib.routing.model import NO_NODE, Location
from chalicelib.routing.travel_times import (
    DOORSTEP_METRES_PER_SECOND,
    UNREACHABLE,
    Floats,
    MetresPerSecond,
    Places,
    Whole,
)
from chalicelib.units import Metres

# One to a hundred is 2 KB of address, far below what servers and proxies between accept.
_PLACES_A_REQUEST: Final = 100
# A square table of 25 x 25 for 25 pairs: what is computed in vain costs less than 24 more requests.
_PAIRS_A_REQUEST: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Table:
    """One answer: what OSRM measured between two lists of places, and how far from a road each of them is."""

    seconds: Floats
    metres: Floats


class Osrm:
    """`TravelTimes` from an OSRM server somebody runs.

    A place whose road is farther than the limit is refused by `snap`, and `UNREACHABLE` to the look-ups: a
    stop that was accepted on an older map must not be timed from somebody else's road.

    Parameters
    ----------
    url
        Where `osrm-routed` answers, without a path: ``http://127.0.0.1:5000``.
    profile
        The word in OSRM's addresses; a server has one profile and mostly ignores it.
    snap_limit
        Metres from a place to its road beyond which it is refused.
    deadline_seconds
        For one call of this class, however many requests it takes.
    fastest_metres_per_second
        No road on that map is driven faster. Too low a figure hides slots, too high a one only costs time;
        the default is 180 km/h.
    clock
        Seconds that only ever grow, for the deadline.
    """

    name = "osrm"
    fingerprint = 0
    most_places = _PLACES_A_REQUEST  # one request each way, so that a checkout waits for two

    def __init__(
        self,
        url: str,
        *,
        profile: str = "driving",
        snap_limit: Metres = 300,
        deadline_seconds: float = 2.0,
        fastest_metres_per_second: MetresPerSecond = 50.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.fastest_metres_per_second = fastest_metres_per_second
        self._url = url.rstrip("/")
        self._profile = quote(profile, safe="")
        self._snap_limit = snap_limit
        self._deadline_seconds = deadline_seconds
        self._clock = clock
        # A new connection each time: one kept across the freeze of a Lambda may be dead without our
        # knowing, and finding out costs the deadline; opening one costs a round trip.
        self._connections = urllib3.PoolManager(headers={"Connection": "close"}, retries=False)

    def snap(self, location: Location) -> int:
        """Ask whether there is a road close by; OSRM keeps no node for us, so the answer is always `NO_NODE`.

        Raises
        ------
        OffRoad
            If the nearest road is farther away than the limit, or there is none at all.
        Upstream
            If OSRM does not answer in time, or not like OSRM.
        """
        place = Places.of([location], [NO_NODE])
        answer = self._ask("nearest", place, "number=1", self._clock() + self._deadline_seconds)
        if answer["code"] == "NoSegment":
            raise OffRoad("there is no road anywhere near")
        metres = _figures(answer, "waypoints")[0]
        if metres > self._snap_limit:
            raise OffRoad(
                f"the nearest road is {metres:,.0f} metres away; at most {self._snap_limit} are accepted"
            )
        return NO_NODE

    def from_one(self, origin: Places, destinations: Places) -> Whole:
        """Seconds from one place to each destination; one request per hundred.

        Raises
        ------
        Upstream
            If OSRM does not answer in time, or not like OSRM.
        """
        by = self._clock() + self._deadline_seconds
        parts = [
            self._table(origin, chunk, by).seconds[0] for chunk in _chunks(destinations, _PLACES_A_REQUEST)
        ]
        return _whole(np.concatenate([np.empty(0), *parts]))

    def to_one(self, origins: Places, destination: Places) -> Whole:
        """Seconds from each origin to one place; one request per hundred.

        Raises
        ------
        Upstream
            If OSRM does not answer in time, or not like OSRM.
        """
        by = self._clock() + self._deadline_seconds
        parts = [
            self._table(chunk, destination, by).seconds[:, 0] for chunk in _chunks(origins, _PLACES_A_REQUEST)
        ]
        return _whole(np.concatenate([np.empty(0), *parts]))

    def pairs(self, origins: Places, destinations: Places) -> tuple[Whole, Whole]:
        """Seconds and metres, element by element; one request per 25 pairs.

        Raises
        ------
        Upstream
            If OSRM does not answer in time, or not like OSRM.
        """
        by = self._clock() + self._deadline_seconds
        seconds, metres = [np.empty(0)], [np.empty(0)]
        for tails, heads in zip(
            _chunks(origins, _PAIRS_A_REQUEST), _chunks(destinations, _PAIRS_A_REQUEST), strict=True
        ):
            rows, row = _distinct(tails)
            columns, column = _distinct(heads)
            table = self._table(rows, columns, by)
            seconds.append(table.seconds[row, column])
            metres.append(table.metres[row, column])
        return _whole(np.concatenate(seconds)), _whole(np.concatenate(metres))

    def _table(self, origins: Places, destinations: Places, by: float) -> _Table:
        rows = ";".join(map(str, range(len(origins))))
        columns = ";".join(str(len(origins) + index) for index in range(len(destinations)))
        answer = self._ask(
            "table",
            Places.concat([origins, destinations]),
            f"sources={rows}&destinations={columns}&annotations=duration,distance",
            by,
        )
        shape = (len(origins), len(destinations))
        off_road = np.add.outer(_figures(answer, "sources"), _figures(answer, "destinations"))
        too_far = np.logical_or.outer(
            _figures(answer, "sources") > self._snap_limit,
            _figures(answer, "destinations") > self._snap_limit,
        )
        same = np.equal.outer(origins.lat, destinations.lat) & np.equal.outer(origins.lon, destinations.lon)
        seconds = _matrix(answer, "durations", shape) + off_road / DOORSTEP_METRES_PER_SECOND
        metres = _matrix(answer, "distances", shape) + off_road
        return _Table(
            seconds=np.where(same, 0.0, np.where(too_far, UNREACHABLE, seconds)),
            metres=np.where(same, 0.0, np.where(too_far, UNREACHABLE, metres)),
        )

    def _ask(self, service: str, places: Places, query: str, by: float) -> dict[str, Any]:
        left = by - self._clock()
        if left <= 0:
            raise Upstream("the road server took too long")
        points = zip(places.lon.tolist(), places.lat.tolist(), strict=True)
        where = ";".join(f"{lon:.6f},{lat:.6f}" for lon, lat in points)
        address = f"{self._url}/{service}/v1/{self._profile}/{where}?{query}"
        try:
            response = self._connections.request("GET", address, timeout=urllib3.Timeout(total=left))
            answer = json.loads(response.data)
        except urllib3.exceptions.HTTPError as error:
            raise Upstream("the road server did not answer") from error
        except ValueError as error:
            raise Upstream("the road server did not answer in JSON") from error
        code = answer.get("code") if isinstance(answer, dict) else None
        if code not in ("Ok", "NoSegment"):
            raise Upstream(f"the road server refused: {code}")
        return dict(answer)


def _figures(answer: dict[str, Any], which: str) -> Floats:
    """How far each waypoint is from the road OSRM put it on, in metres."""
    try:
        return np.array([waypoint["distance"] for waypoint in answer[which]], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise Upstream("the road server left something out") from error


def _matrix(answer: dict[str, Any], which: str, shape: tuple[int, int]) -> Floats:
    """Read a table of the answer, with `UNREACHABLE` where OSRM says null."""
    try:
        figures = np.array(answer[which], dtype=np.float64).reshape(shape)
    except (KeyError, TypeError, ValueError) as error:
        raise Upstream("the road server left something out") from error
    return np.where(np.isnan(figures), UNREACHABLE, figures)


def _chunks(places: Places, size: int) -> list[Places]:
    return [places[first : first + size] for first in range(0, len(places), size)]


def _distinct(places: Places) -> tuple[Places, Whole]:
    """Every place once, and for each of the given its index among them."""
    points = np.stack([places.lat, places.lon])
    _, first, index = np.unique(points, axis=1, return_index=True, return_inverse=True)
    return places[first], index.reshape(-1).astype(np.int32)


def _whole(figures: Floats) -> Whole:
    return np.ceil(np.minimum(figures, UNREACHABLE)).astype(np.int32)
