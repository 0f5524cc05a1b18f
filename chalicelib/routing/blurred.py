"""A driven route after somebody on it was forgotten: how far the van went stays true, where to does not.

A place is told to about a kilometre. The legs to it and on from it are evened out, their sum stays: from two
exact distances to places that are known it could be worked out again. Weak point: what is worked out of the
route from then on, such as when the van should have been there, is off by some minutes at that stop.
"""

from dataclasses import replace
from typing import Final

from chalicelib.routing.model import NO_NODE, Location
from chalicelib.routing.packed import MICRO, Route
from chalicelib.units import StopId

_DECIMALS: Final = 2  # of degrees: about a kilometre


def blurred_place(place: Location) -> Location:
    """A place as it may still be told."""
    return Location(lat=round(place.lat, _DECIMALS), lon=round(place.lon, _DECIMALS))


def blurred(route: Route, stop_id: StopId) -> Route:
    """The same route with a stop's place blurred; the very same if it is or has no such stop.

    No road graph knows its places any more: whoever reads it finds their nodes anew.
    """
    index = route.index_of(stop_id)
    if index is None:
        return route
    stops, last_leg, place = route.stops.copy(), route.last_leg, blurred_place(route.stop(index).location)
    stops["lat"][index], stops["lon"][index] = round(place.lat * MICRO), round(place.lon * MICRO)
    stops["node"][index] = NO_NODE
    for name, on in (("leg_seconds", last_leg.seconds), ("leg_metres", last_leg.metres)):
        is_last = index == len(stops) - 1
        both = int(stops[name][index]) + (on if is_last else int(stops[name][index + 1]))
        stops[name][index] = both // 2
        if is_last:
            last_leg = replace(last_leg, **{name.removeprefix("leg_"): both - both // 2})
        else:
            stops[name][index + 1] = both - both // 2
    if stops.tobytes() == route.stops.tobytes() and last_leg == route.last_leg:
        return route
    return replace(route, stops=stops, last_leg=last_leg, graph=0)
