"""How long a van drives from here to there, as a port, and the parts of it that are pure arithmetic.

Engines answer whole *free-flow* seconds, rounded up: rounding up is subadditive, so the triangle
inequality of shortest paths survives it and taking a stop out of a route never makes the rest later. The
hour of day is not in the leg but in a `WorkClock`: a leg is an amount of driving work, and traffic
decides how fast it gets done.
Weak point: one profile slows every road of a depot alike; ring road and alley have the same rush hour.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, Self
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from chalicelib.routing.model import NO_NODE, Location
from chalicelib.units import Timestamp

type MetresPerSecond = float
type Floats = npt.NDArray[np.float64]
type Whole = npt.NDArray[np.int32]

UNREACHABLE: Final = 1_000_000
"""Seconds (and metres) where there is no road: longer than any shift; two thousand of them fit an int32."""

EARTH_RADIUS_METRES: Final = 6_371_008.8

DOORSTEP_METRES_PER_SECOND: Final = 7.0
"""Speed, as the crow flies, between a door and the node its engine put it on: the rest of a slow street."""

# As in `Location`, and as routes store them: a place then gives the same leg before and after it was
# packed, and a stored leg is never contradicted by a recomputed one.
_COORDINATE_DIGITS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """Where legs begin and end: three arrays of one length.

    Parameters
    ----------
    lat, lon
        Degrees, rounded to six digits.
    node
        Node of the engine's road graph, `NO_NODE` where the engine has none. Means nothing without the
        engine's `fingerprint`.
    """

    lat: Floats
    lon: Floats
    node: Whole

    @classmethod
    def of(cls, locations: Sequence[Location], nodes: Sequence[int] | Whole) -> Self:
        """Build from locations and their nodes, in the same order.

        Raises
        ------
        ValueError
            If there is not exactly one node per location.
        """
        return cls.of_arrays(
            lat=np.array([location.lat for location in locations], dtype=np.float64),
            lon=np.array([location.lon for location in locations], dtype=np.float64),
            node=np.asarray(nodes, dtype=np.int32),
        )

    @classmethod
    def of_arrays(cls, *, lat: Floats, lon: Floats, node: Whole) -> Self:
        """Build from arrays that may be finer than the six digits places are kept in.

        Raises
        ------
        ValueError
            If the arrays are not of one length.
        """
        if not lat.shape == lon.shape == node.shape or lat.ndim != 1:
            raise ValueError("lat, lon and node must be flat arrays of one length")
        return cls(lat=np.round(lat, _COORDINATE_DIGITS), lon=np.round(lon, _COORDINATE_DIGITS), node=node)

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """Join several into one, in order."""
        return cls(
            lat=np.concatenate([part.lat for part in parts]),
            lon=np.concatenate([part.lon for part in parts]),
            node=np.concatenate([part.node for part in parts]),
        )

    def __len__(self) -> int:
        """Count the places."""
        return len(self.lat)

    def __getitem__(self, chosen: int | slice | npt.NDArray[np.bool_] | npt.NDArray[np.integer]) -> "Places":
        """Pick by position, slice, mask or index array; a single position gives `Places` of length one."""
        picked: slice | npt.NDArray[np.bool_] | npt.NDArray[np.integer]
        picked = np.array([chosen]) if isinstance(chosen, int) else chosen
        return Places(lat=self.lat[picked], lon=self.lon[picked], node=self.node[picked])


class TravelTimes(Protocol):
    """An engine that knows how long a van needs: free-flow whole seconds, rounded up.

    From a place to itself it is 0, without a road `UNREACHABLE`. All seconds obey the triangle inequality
    and ``haversine(i, j) / fastest_metres_per_second <= seconds(i, j)``, so that positions can be ruled
    out exactly before any road is looked at.
    """

    @property
    def name(self) -> str:
        """What to call this engine in an answer: `roads`, `osrm`, `straight_line`."""

    @property
    def fingerprint(self) -> int:
        """Identity of the node numbering (unsigned 32 bit); 0 when the engine has no nodes.

        A stored node may be used only with the fingerprint it was stored under; otherwise snap again.
        """

    @property
    def fastest_metres_per_second(self) -> MetresPerSecond:
        """Upper bound of straight-line speed between any two places."""

    @property
    def most_places(self) -> int:
        """How many places one look-up should have at most: an engine on a network is asked for few."""

    def snap(self, location: Location) -> int:
        """Find the node a van would stop at, `NO_NODE` for an engine without nodes.

        Raises
        ------
        OffRoad
            If the nearest road that vans can reach and leave is farther away than the engine's stated limit.
        """

    def from_one(self, origin: Places, destinations: Places) -> Whole:
        """Seconds from one place (`Places` of length one) to each destination."""

    def to_one(self, origins: Places, destination: Places) -> Whole:
        """Seconds from each origin to one place (`Places` of length one)."""

    def pairs(self, origins: Places, destinations: Places) -> tuple[Whole, Whole]:
        """Seconds and metres of the fastest path from each origin to the destination at the same index.

        Dearer than `from_one`: for the few winners and for the legs of a stop that is committed.
        """


def haversine_metres(
    lat: Floats | float, lon: Floats | float, other_lat: Floats | float, other_lon: Floats | float
) -> Floats:
    """Great-circle distance, element by element with broadcasting; about 60 ns a pair."""
    phi, other_phi = np.radians(lat), np.radians(other_lat)
    half_chord_squared = (
        np.sin((other_phi - phi) / 2) ** 2
        + np.cos(phi) * np.cos(other_phi) * np.sin(np.radians(np.subtract(other_lon, lon)) / 2) ** 2
    )
    distance: Floats = 2 * EARTH_RADIUS_METRES * np.arcsin(np.sqrt(np.minimum(half_chord_squared, 1.0)))
    return distance


def fewest_seconds(origins: Places, destinations: Places, fastest: MetresPerSecond) -> Floats:
    """Exact lower bound of the seconds of an engine with that `fastest_metres_per_second`; broadcasts."""
    return haversine_metres(origins.lat, origins.lon, destinations.lat, destinations.lon) / fastest


@dataclass(frozen=True, slots=True, kw_only=True)
class StraightLine:
    """The last resort: seconds as a fitted power of the straight line, ``exp(level + slope * log(metres))``.

    Individual legs are off by about a fifth and whole routes by more, so whoever uses it must say so. The
    curve is concave, which keeps the triangle inequality; beyond `tangent_from_metres` it goes on as its
    tangent, since a power curve alone would promise any speed if only the road were long enough.

    Parameters
    ----------
    level, slope
        The two fitted figures; ``0 < slope <= 1``. Defaults: metropolitan Porto, where half of the legs are
        off by more than 10 %; fitted by ``python -m infra.roads.build``, see
        ``infra/roads/porto/figures.json``.
    detour
        Road metres per metre of straight line (median of the same fit), at least 1.
    tangent_from_metres
        Where the fitted pairs end.

    Raises
    ------
    ValueError
        If a figure is out of its range.
    """

    level: float = 1.0638
    slope: float = 0.633
    detour: float = 1.514
    tangent_from_metres: float = 24_000.0

    def __post_init__(self) -> None:
        """Refuse figures that would break the triangle inequality."""
        if not 0 < self.slope <= 1 or self.detour < 1 or self.tangent_from_metres <= 0:
            raise ValueError("needs 0 < slope <= 1, detour >= 1 and tangent_from_metres > 0")

    @property
    def name(self) -> str:
        """Label of the engine."""
        return "straight_line"

    @property
    def fingerprint(self) -> int:
        """No nodes, no numbering."""
        return 0

    @property
    def fastest_metres_per_second(self) -> MetresPerSecond:
        """Speed along the tangent: on a concave curve through zero no stretch is faster."""
        return self.tangent_from_metres / (self.slope * self._curve(self.tangent_from_metres))

    @property
    def most_places(self) -> int:
        """Any number."""
        return MANY_PLACES

    def snap(self, location: Location) -> int:
        """Have no node for any place; a straight line ends anywhere."""
        return NO_NODE

    def from_one(self, origin: Places, destinations: Places) -> Whole:
        """Seconds from one place to each destination."""
        return self._seconds(self._metres(origin, destinations))

    def to_one(self, origins: Places, destination: Places) -> Whole:
        """Seconds from each origin to one place; the curve knows no one-way streets."""
        return self._seconds(self._metres(origins, destination))

    def pairs(self, origins: Places, destinations: Places) -> tuple[Whole, Whole]:
        """Seconds and metres, element by element."""
        straight = self._metres(origins, destinations)
        metres = np.minimum(np.ceil(straight * self.detour), UNREACHABLE).astype(np.int32)
        return self._seconds(straight), metres

    def _curve(self, metres: float) -> float:
        return math.exp(self.level + self.slope * math.log(metres))

    def _seconds(self, straight: Floats) -> Whole:
        fitted = math.exp(self.level) * np.minimum(straight, self.tangent_from_metres) ** self.slope
        beyond = np.maximum(straight - self.tangent_from_metres, 0.0) / self.fastest_metres_per_second
        return np.minimum(np.ceil(fitted + beyond), UNREACHABLE).astype(np.int32)

    @staticmethod
    def _metres(origins: Places, destinations: Places) -> Floats:
        return haversine_metres(origins.lat, origins.lon, destinations.lat, destinations.lon)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedProfile:
    """How much longer driving takes than on empty roads, by hour of the depot's local day.

    Parameters
    ----------
    slowness
        24 factors, one per local hour; 1.0 is free flow, 1.4 takes 40 % longer. Each in [0.1, 10].
    weekend
        24 factors for Saturday and Sunday; default: like every other day.

    Raises
    ------
    ValueError
        If there are not 24 factors or one is out of range.
    """

    slowness: tuple[float, ...]
    weekend: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse profiles that would stop time or run it backwards."""
        for factors in (self.slowness, self.weekend or self.slowness):
            if len(factors) != 24 or not all(0.1 <= factor <= 10 for factor in factors):
                raise ValueError("a speed profile has 24 factors between 0.1 and 10")

    def speed_thousandths(self, local: datetime) -> int:
        """Speed at a local time as thousandths of free flow.

        Whole thousandths are what makes `WorkClock` exact, see there; they are within 0.5 % of the factor.
        """
        weekend = self.weekend is not None and local.weekday() >= 5
        factors = self.weekend if weekend and self.weekend is not None else self.slowness
        return round(1000 / factors[local.hour])


CITY_PROFILE: Final = SpeedProfile(
    slowness=(
        *(1.00, 1.00, 1.00, 1.00, 1.00, 1.00, 1.08, 1.19, 1.32, 1.40, 1.40, 1.40),
        *(1.38, 1.37, 1.37, 1.37, 1.35, 1.33, 1.29, 1.23, 1.18, 1.14, 1.10, 1.05),
    )
)
"""An assumption, not a measurement of any depot's city: the weekday shape of New York taxi trips at half its
strength (there 07 h 1.38, 09-11 h 1.8, 17 h 1.65, 20 h 1.36), the hours between drawn in by hand."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorkClock:
    """Converts between time of day and driving work: W(t) is the driving done by t if one always drove.

    ``arrive = clock(work(depart) + leg)`` is first-in-first-out for every profile (leaving later never
    arrives earlier), costs O(log hours), and its inverse serves the backward sweep; the speed model is
    that of Ichoua, Gendreau and Potvin (2003), kept as one cumulative table. Speeds are whole
    thousandths, so for whole seconds the true arrival is a whole second or at least 1/10,000 s off one:
    `arrive` and `depart_by` use that gap to round exactly in spite of floating point and so agree,
    ``arrive(d, leg) <= a`` iff ``d <= depart_by(a, leg)``.

    Build with `over` or `flat`. Outside the span traffic is free-flow.
    """

    _times: Floats = field(repr=False)
    _works: Floats = field(repr=False)

    @classmethod
    def flat(cls) -> Self:
        """Build a clock on which driving always takes its free-flow time; costs one addition."""
        nothing = np.empty(0, dtype=np.float64)
        return cls(_times=nothing, _works=nothing)

    @classmethod
    def over(cls, profile: SpeedProfile, zone: ZoneInfo, *, start: Timestamp, end: Timestamp) -> Self:
        """Build from local hours, also where a clock change makes one of them short, long, or come twice.

        O(hours of the span), about 2 us each.

        Raises
        ------
        ValueError
            If the span is empty.
        """
        if end <= start:
            raise ValueError("a clock needs a span that ends after it starts")
        times, works, speeds = [start], [0], list[int]()
        while times[-1] < end:
            begins = times[-1]
            local = datetime.fromtimestamp(begins, zone)
            # Within a local hour the speed is constant. Should the offset change before that hour is
            # over, walk the hour minute by minute; every zone changes on a full minute.
            ends = begins + 3600 - local.minute * 60 - local.second
            if datetime.fromtimestamp(ends - 1, zone).utcoffset() != local.utcoffset():
                ends = begins + 60 - local.second
            speed = profile.speed_thousandths(local)
            ends = min(ends, end)
            work = works[-1] + speed * (ends - begins)
            if speeds and speeds[-1] == speed:
                times[-1], works[-1] = ends, work
            else:
                times.append(ends)
                works.append(work)
                speeds.append(speed)
        before, after = times[0] - _BEYOND, times[-1] + _BEYOND
        return cls(
            _times=np.array([before, *times, after], dtype=np.float64),
            _works=np.array([-1000 * _BEYOND, *works, works[-1] + 1000 * _BEYOND], dtype=np.float64) / 1000,
        )

    @property
    def slowest(self) -> float:
        """Driving done per second in the worst traffic of the span, free flow outside of it included."""
        return float((np.diff(self._works) / np.diff(self._times)).min(initial=1.0))

    @property
    def fastest(self) -> float:
        """Driving done per second in the best traffic of the span, free flow outside of it included."""
        return float((np.diff(self._works) / np.diff(self._times)).max(initial=1.0))

    def work(self, at: npt.ArrayLike) -> Floats:
        """W: seconds of free-flow driving from the start of the span to each instant; increasing."""
        instants = np.asarray(at, dtype=np.float64)
        return np.interp(instants, self._times, self._works) if len(self._times) else instants

    def clock(self, work: npt.ArrayLike) -> Floats:
        """W inverse: the instant at which that much driving is done; not rounded."""
        amounts = np.asarray(work, dtype=np.float64)
        return np.interp(amounts, self._works, self._times) if len(self._times) else amounts

    def arrive(self, depart: npt.ArrayLike, leg: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Arrival of whoever departs then, in whole seconds, rounded up."""
        return np.ceil(self.clock(self.work(depart) + np.asarray(leg)) - ROUNDING).astype(np.int64)

    def depart_by(self, arrive: npt.ArrayLike, leg: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Latest whole second of departure that still arrives by then."""
        return np.floor(self.clock(self.work(arrive) - np.asarray(leg)) + ROUNDING).astype(np.int64)


MANY_PLACES: Final = 1 << 30
"""What an engine in this process is good for."""

ROUNDING: Final = 1e-5
"""Far above the noise of float64 at today's timestamps (2e-7 s), below the smallest true fraction (1e-4)."""
_BEYOND: Final = 10**8
