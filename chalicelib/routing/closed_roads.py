"""Roads that are closed for a while: legs that would pass there are as much longer as the way around.

A closed place is a disc. A leg whose straight line crosses it goes along two tangents and an arc instead, at
the pace it had; one that does not is as it was, and no leg becomes shorter, so the port's lower bound still
holds. Weak points: a real detour follows streets, and may be much longer; a leg counts as closed for as long
as the place is, whenever it will be driven; between doors inside, the triangle inequality may fail, which is
checked wherever a stop is taken out.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from chalicelib.routing.model import Location
from chalicelib.routing.travel_times import (
    UNREACHABLE,
    Floats,
    MetresPerSecond,
    Places,
    TravelTimes,
    Whole,
    haversine_metres,
)
from chalicelib.units import Metres, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPlace:
    """A disc that nobody drives through until a time.

    Attributes
    ----------
    radius_metres
        More than 0.
    """

    location: Location
    radius_metres: Metres
    until_at: Timestamp


@dataclass(frozen=True, slots=True)
class Detoured:
    """An engine's times on roads of which some are closed; made by `around`.

    Weak point: who remembers ways by the engine's fingerprint (`sweeps.Sweeps`) must begin afresh with it,
    for the nodes are still those of the engine, and the ways are not.
    """

    engine: TravelTimes
    places: tuple[ClosedPlace, ...]

    @property
    def name(self) -> str:
        """That of the engine."""
        return self.engine.name

    @property
    def fingerprint(self) -> int:
        """That of the engine: the nodes are numbered as before."""
        return self.engine.fingerprint

    @property
    def fastest_metres_per_second(self) -> MetresPerSecond:
        """That of the engine: legs only become longer."""
        return self.engine.fastest_metres_per_second

    @property
    def most_places(self) -> int:
        """As the engine has it."""
        return self.engine.most_places

    def snap(self, location: Location) -> int:
        """As the engine has it; who lives inside a closed place is reached from its rim."""
        return self.engine.snap(location)

    def from_one(self, origin: Places, destinations: Places) -> Whole:
        """Seconds from one place to each destination."""
        return _longer(self.engine.from_one(origin, destinations), self._stretch(origin, destinations))

    def to_one(self, origins: Places, destination: Places) -> Whole:
        """Seconds from each origin to one place."""
        return _longer(self.engine.to_one(origins, destination), self._stretch(origins, destination))

    def pairs(self, origins: Places, destinations: Places) -> tuple[Whole, Whole]:
        """Seconds and metres, element by element."""
        seconds, metres = self.engine.pairs(origins, destinations)
        stretch = self._stretch(origins, destinations)
        return _longer(seconds, stretch), _longer(metres, stretch)

    def _stretch(self, origins: Places, destinations: Places) -> Floats:
        """How many times as long each way is: that around the worst of the places."""
        stretch = np.ones(np.broadcast_shapes(origins.lat.shape, destinations.lat.shape))
        for place in self.places:
            stretch = np.maximum(stretch, _around_disc(place, origins, destinations))
        return stretch


def around(engine: TravelTimes, closed: Iterable[ClosedPlace], now: Timestamp) -> TravelTimes:
    """Take the places into account that are closed now; the engine itself where none is.

    Cost: about 0.2 us for each leg and place.
    """
    places = tuple(place for place in closed if place.until_at > now)
    return Detoured(engine, places) if places else engine


def _longer(values: Whole, stretch: Floats) -> Whole:
    longer: Whole = np.minimum(np.ceil(values * stretch), UNREACHABLE).astype(np.int32)
    return longer


def _around_disc(place: ClosedPlace, origins: Places, destinations: Places) -> Floats:
    """The shortest way around a disc, in straight lines between the same ends; 1 where it is not crossed.

    On a flat earth around the disc. An end inside counts as one on the rim in the same direction.
    """
    radius = float(place.radius_metres)
    one_x, one_y = _pushed_out(*_metres_from(place.location, origins), radius)
    other_x, other_y = _pushed_out(*_metres_from(place.location, destinations), radius)
    one, other = (np.maximum(np.hypot(x, y), radius) for x, y in ((one_x, one_y), (other_x, other_y)))
    straight = np.hypot(other_x - one_x, other_y - one_y)
    cosine = np.clip((one_x * other_x + one_y * other_y) / (one * other), -1.0, 1.0)
    arc = np.arccos(cosine) - np.arccos(radius / one) - np.arccos(radius / other)
    tangents = np.sqrt(one**2 - radius**2) + np.sqrt(other**2 - radius**2)
    crossed = (arc > 0) & (straight > 0)
    return np.where(crossed, (tangents + radius * arc) / np.where(crossed, straight, 1.0), 1.0)


def _metres_from(centre: Location, places: Places) -> tuple[Floats, Floats]:
    """East and north of a point, in metres."""
    lat, lon = np.array(centre.lat), np.array(centre.lon)
    east = np.copysign(haversine_metres(places.lat, lon, places.lat, places.lon), places.lon - lon)
    north = np.copysign(haversine_metres(lat, lon, places.lat, lon), places.lat - lat)
    return east, north


def _pushed_out(x: Floats, y: Floats, radius: float) -> tuple[Floats, Floats]:
    away = np.hypot(x, y)
    middle = away < 1e-6  # no direction: any will do
    x, away = np.where(middle, radius, x), np.where(middle, radius, away)
    out = np.maximum(radius / away, 1.0)
    return x * out, y * out
