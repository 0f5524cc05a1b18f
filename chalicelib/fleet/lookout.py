"""How a shift is getting on, with all that must be read to say it.

Weak point: what was learned may be an hour old (`fleet.past`), and another shift's route a moment.
"""

from chalicelib.events import Tenant
from chalicelib.fleet.live import Live, Turn, live
from chalicelib.fleet.progress import Progress
from chalicelib.fleet.service import Duty
from chalicelib.fleet.store import FleetStore
from chalicelib.fleet.turns import earlier_of, has_left, turn_before
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import World
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.units import Timestamp


def live_of(
    store: FleetStore,
    tenant: Tenant,
    duty: Duty,
    progress: Progress,
    now: Timestamp,
    *,
    world: World,
    travel: TravelTimes,
) -> Live:
    """Say when a shift's van is expected where, whatever it still has to do before.

    Cost: that of `live`; before a shift has left a query more, and a read for each earlier one of its van.
    """
    past = store.pasts.past(tenant, duty.depot, now)

    def look(route: Route, progress: Progress, before: Turn | None) -> Live:
        return live(route, progress, now, world=world, travel=travel, past=past, before=before)

    before, place = None, duty.place
    if not has_left(progress):
        found = store.routes(tenant, place.depot_id, first=place.day, last=place.day, consistent=False)
        earlier = earlier_of(duty.route, [route for _, route in found])
        known = {each.shift.shift_id: store.progress(tenant, place, each.shift.shift_id) for each in earlier}
        come = {shift_id: progress for shift_id, progress in known.items() if progress is not None}
        before = turn_before(duty.route, earlier, come, look)
    return look(duty.route, progress, before)
