"""A van with 30 stops that is about to be delayed, and what its buyers were told: a scene of benchmarks.

Everybody was told a window that the van leaves with four fifths of certainty, which is not enough to say so;
twenty minutes more, and each of them is due a text. Weak point: no real day is so even.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import batched
from time import time
from typing import Final

from chalicelib.bootstrap import Services
from chalicelib.events import Tenant
from chalicelib.fleet.arrival import Arrival
from chalicelib.fleet.model import Travel
from chalicelib.fleet.plans import PlanKey, RouteWrite
from chalicelib.fleet.progress import Progress
from chalicelib.fleet.store import FleetChanges
from chalicelib.motion.service import MOST_STOPS_A_COMMIT
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.model import Found, Promise, PromiseState, Recipient
from chalicelib.routing.model import TimeWindow
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import judge
from chalicelib.routing.travel_times import CITY_PROFILE
from chalicelib.units import HOUR, MINUTE, Seconds, StopId
from tests.benchmarks.days import City, local, loose_day, world
from tests.benchmarks.growth import depot_of
from tests.promises.shop import an_order
from tests.promises.store_contract import a_promise

DEPOT: Final = "delayed"
STOPS: Final = 30
DELAY: Final[Seconds] = 20 * MINUTE
LEAVES_AT: Final = 10.0  # o'clock: nobody sleeps
TOLD: Final[Seconds] = 30 * MINUTE  # width of the windows that buyers were told
PROMISED: Final[Seconds] = 4 * HOUR
DOUBT: Final = 0.84  # of a standard deviation: four fifths
WITHIN_90: Final = 3.29  # standard deviations between 5 % and 95 %


def routes_of(city: City, day: date, vans: int) -> list[Route]:
    """Vans with all the time in the world, which leave in the morning; their stops were never sold before."""
    starts_at, fresh = local(day, LEAVES_AT), (int(time()) % 1_000_000) * 1_000_000
    routes = []
    for number, route in enumerate(loose_day(city, day, vans=vans, stops=STOPS, seed=0)):
        name = f"{DEPOT}.van-{number:03d}.{day}.1000"
        shift = replace(route.shift, shift_id=name, vehicle_id=f"van-{number:03d}", starts_at=starts_at)
        stops = route.stops.copy()
        stops["stop_id"] += fresh
        routes.append(replace(route, shift=shift, stops=stops, version=0))
    return routes


def phone_of(number: int) -> str:
    """Numbers that are nobody's: there are a hundred of them."""
    return f"+120255501{number % 100:02d}"


class Road:
    """A depot whose vans have just left.

    Parameters
    ----------
    services
        The way into its table.

    Attributes
    ----------
    buyers
        So far, each with a number of their own, as far as these reach.
    """

    def __init__(self, services: Services, tenant: Tenant, day: date) -> None:
        self._services, self._tenant, self._day = services, tenant, day
        self.buyers = 0
        self.left_at = local(day, LEAVES_AT)
        self.place = PlanKey(depot_id=DEPOT, day=day)

    def open(self, city: City) -> None:
        """Write the depot."""
        depot = replace(depot_of(city), depot_id=DEPOT, version=0, travel=Travel(profile=CITY_PROFILE))
        changes = FleetChanges(depot_id=DEPOT, fleet_version=0, depot=depot)
        self._services.store.commit_fleet(self._tenant, changes)

    def routes(self, city: City, vans: int) -> list[Route]:
        """So many vans of its day."""
        return routes_of(city, self._day, vans)

    def leave(self, route: Route, *, late: bool) -> None:
        """Let a van leave, whose buyers were told what twenty minutes make untrue.

        Parameters
        ----------
        late
            Whether these make it too late for what was promised as well, and not only for what was told.
        """
        shift_id, stops = route.shift.shift_id, route.stops.copy()
        ids = stops["stop_id"].tolist()
        starts = judge([route], self.left_at, world())[0].start.tolist()
        planned = {stop_id: round(at) for stop_id, at in zip(ids, starts, strict=False)}
        progress = Progress(
            shift_id=shift_id, plan=self.place, departed_at=self.left_at, milestones=1, planned=planned
        )
        self._write(MotionChanges(progress=progress, routes=(self._placed(route),)))
        arrivals = self._arrivals(shift_id)
        for row in stops:
            promised = promised_for(arrivals[int(row["stop_id"])], late=late)
            row["window_start"], row["window_end"] = promised.start, promised.end
        self._write(MotionChanges(routes=(self._placed(replace(route, stops=stops, version=1)),)))
        promises = [
            self._promise(number, stop_id, shift_id, arrivals[stop_id], late=late)
            for number, stop_id in enumerate(ids)
        ]
        self.buyers += len(promises)
        for some in batched(promises, MOST_STOPS_A_COMMIT):
            self._write(MotionChanges(promises=some))

    def _placed(self, route: Route) -> RouteWrite:
        return RouteWrite(depot_id=DEPOT, day=self._day, route=route)

    def _write(self, changes: MotionChanges) -> None:
        self._services.store.commit_motion(self._tenant, changes)

    def _arrivals(self, shift_id: str) -> Mapping[StopId, Arrival]:
        duty = self._services.fleet.duty(self._tenant, shift_id, place=self.place)
        manifest = self._services.motion.manifest(self._tenant, duty, self.left_at + MINUTE)
        return {line.stop.stop_id: line.arrival for line in manifest.lines if line.arrival is not None}

    def _promise(
        self, number: int, stop_id: StopId, shift_id: str, arrival: Arrival, *, late: bool
    ) -> Promise:
        recipient = Recipient(name="Ana", phone=phone_of(self.buyers + number))
        return a_promise(
            stop_id,
            state=PromiseState.OUT_FOR_DELIVERY if number else PromiseState.ARRIVING,
            order=replace(an_order(f"order-{stop_id}"), recipient=recipient),
            depot_id=DEPOT,
            day=self._day,
            window=promised_for(arrival, late=late),
            told_window=told_for(arrival),
            found=Found(depot_id=DEPOT, day=self._day, shift_id=shift_id),
            tracking_token=f"t{stop_id}",
        )


def told_for(arrival: Arrival) -> TimeWindow:
    """What is untrue with four fifths: 20 minutes more, and it is surely."""
    deviation = (arrival.latest_at - arrival.earliest_at) / WITHIN_90
    end = round(arrival.expected_at - DOUBT * deviation)
    return TimeWindow(start=end - TOLD, end=end)


def promised_for(arrival: Arrival, *, late: bool) -> TimeWindow:
    """What was promised: enough for the delay, or not."""
    end = arrival.expected_at + (10 * MINUTE if late else 2 * HOUR)
    return TimeWindow(start=end - PROMISED, end=end)
