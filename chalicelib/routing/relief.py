"""The bounds of a route's gaps when one of its stops is gone.

Without a stop the van is earlier behind it and may be later before it: how much, the sweeps of the route
without it say, one for each stop, side by side in one batch. Found once for a route and kept with it. What
luck takes is left as it was (`routing.spread`), and so is the way past the stop a guess: this is a screen.
Weak point: memory, 24 bytes for each pair of a stop and a gap.
"""

from collections.abc import Sequence

import numpy as np

from chalicelib.routing.model import Leg
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import World
from chalicelib.routing.schedule import Floats, backward, forward, lay_out
from chalicelib.routing.sweeps import Sweeps, Swept
from chalicelib.units import Timestamp

BOUNDS = ("depart_work", "late_work", "late_waited_work")  # as in the gaps
DEPART, LATE, LATE_WAITED = range(3)


def relieved(sweeps: Sweeps, swept: Swept, routes: Sequence[int], now: Timestamp) -> list[Floats]:
    """For each of some swept routes its bounds without each of its stops, on the work clock.

    Returns
    -------
    For a route of n stops shape (n * n, 3): row y * n + g is gap g of the route without stop y, and the gap
    that joins y's neighbours is y. Cost: for routes not asked for before, two sweeps over all their stops.
    """
    new = [at for at in routes if not sweeps.notes(swept.routes[at]).relieved]
    if new:
        _relieve(sweeps, swept, new, now)
    return [sweeps.notes(swept.routes[at]).relieved[0] for at in routes]


def _relieve(sweeps: Sweeps, swept: Swept, new: Sequence[int], now: Timestamp) -> None:
    crowd, world = swept.crowd, sweeps.world
    variants = list[Route]()
    for at in new:
        route, first = swept.routes[at], crowd.first[at]
        past = crowd.joint[first : first + len(route.stops)].tolist()
        variants.append(route)
        variants += [route.removed(y, Leg(seconds=int(way), metres=0)) for y, way in enumerate(past)]
    batch = lay_out(variants, now, world.closed)
    times = forward(batch, world.clock)
    late = backward(batch, times, world.clock)
    column = 0
    for at in new:
        n, whole = len(swept.routes[at].stops), column
        own = slice(column + 1, column + 1 + n)
        bounds = _bounds(swept, at, late[:, whole], times.depart[:n, own], late[:n, own], world)
        sweeps.notes(swept.routes[at]).relieved.append(bounds)
        column += 1 + n


def _bounds(swept: Swept, at: int, whole: Floats, depart: Floats, late: Floats, world: World) -> Floats:
    """Keep back in each gap what the whole route keeps back there."""
    n, clock = depart.shape[0], world.clock
    gaps = swept.gaps[swept.crowd.first[at] + at :][: n + 1]
    onwards = np.maximum(whole[: n + 1] - clock.clock(gaps["late_work"]), 0.0)
    after_waiting = np.maximum(whole[: n + 1] - gaps["late_waited"], 0.0)
    gap = np.arange(n)
    here = gap + (gap >= np.arange(n)[:, None])  # shape (stops, gaps): where the gap's end is in the route
    bounds = np.empty((n, n, 3))
    bounds[:, :, DEPART] = clock.work(depart.T)
    bounds[:, :, LATE] = clock.work(late.T - onwards[here])
    bounds[:, :, LATE_WAITED] = clock.work(late.T - after_waiting[here])
    return bounds.reshape(n * n, 3)
