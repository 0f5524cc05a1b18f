"""Whether a buyer may see where the van is: on the last stretch to the own door, and never at another's.

Weak point: who follows the van every few seconds from the moment it is shown still learns from where it came;
so it is not shown before it is well away from there.
"""

from typing import Final

from chalicelib.fleet.progress import Progress, Sighting, heading_to
from chalicelib.routing.packed import Route
from chalicelib.routing.travel_times import haversine_metres
from chalicelib.units import MINUTE, Metres, Seconds, StopId, Timestamp

LAST_STRETCH: Final[Seconds] = 15 * MINUTE  # before the expected arrival
FRESH: Final[Seconds] = 3 * MINUTE  # an older position says where the van was
AWAY: Final[Metres] = 250  # from every other door


def van_shown(
    route: Route, progress: Progress, stop_id: StopId, expected_at: Timestamp, now: Timestamp
) -> Sighting | None:
    """Where the van is, if it drives to this stop next and nobody else's door could be guessed from it.

    Cost: one pass over the stops of the route.
    """
    seen = progress.seen
    if seen is None or now - seen.at > FRESH or expected_at - now > LAST_STRETCH:
        return None
    if progress.serving is not None or heading_to(route, progress) != stop_id:
        return None
    van = seen.location
    others = (stop.location for stop in route.all_stops() if stop.stop_id != stop_id)
    near = any(haversine_metres(door.lat, door.lon, van.lat, van.lon) < AWAY for door in others)
    return None if near else seen
