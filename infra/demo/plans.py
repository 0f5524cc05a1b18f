"""The plans that the day left behind: read from the API, driven again on our own map, put into a picture.

Weak point: a plan is read as a whole, so it has to fit into one answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.routing.model import Location
from infra.demo.audit import Round, drive
from infra.demo.day import ZONE
from infra.demo.map import DrawnVan, Picture
from infra.demo.porto import CITY, PLACE_NAMES, SLOT_HOURS, WATER_NAMES, Depot
from infra.demo.storefront import Storefront
from infra.demo.streets import Streets

DAYS = 4  # the day of the shoppers and the three days they can wish for
TO = "\N{EN DASH}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A depot's plan of one date as the API shows it, and its vans on our own map."""

    depot: Depot
    day: date
    document: Mapping[str, Any]
    rounds: Sequence[Round]

    @property
    def stops(self) -> Sequence[Mapping[str, Any]]:
        """Every stop that a van has."""
        return [stop for driven in self.rounds for stop in driven.route["stops"]]


def read(
    fleet: Sequence[Depot],
    today: date,
    storefront: Storefront,
    streets: Streets,
    seen: Callable[[int, int], None],
) -> Sequence[Plan]:
    """Read the plans of all depots and days; calls `seen` with how many are done, and of how many."""
    wanted = [(depot, today + timedelta(days=ahead)) for depot in fleet for ahead in range(DAYS)]
    plans = []
    for number, (depot, day) in enumerate(wanted, start=1):
        document = storefront.want("plan", "GET", f"/v1/depots/{depot.depot_id}/plans/{day}")
        rounds = [drive(route, depot.location, streets) for route in document["routes"]]
        plans.append(Plan(depot=depot, day=day, document=document, rounds=rounds))
        seen(number, len(wanted))
    return plans


def busiest_day(plans: Sequence[Plan]) -> Sequence[Plan]:
    """Pick the plans of the day with most stops, all depots together."""
    stops = {plan.day: 0 for plan in plans}
    for plan in plans:
        stops[plan.day] += len(plan.stops)
    busiest = max(stops, key=lambda day: stops[day])
    return [plan for plan in plans if plan.day == busiest]


def picture_of(plans: Sequence[Plan]) -> Picture:
    """Put the plans of one day into a picture."""
    vans = [_van(plan.depot, driven) for plan in plans for driven in _in_order(plan) if driven.ways]
    stops = [stop for plan in plans for stop in plan.stops]
    starts = [_local(stop["promised_window"]["starts_at"]).hour for stop in stops]
    kilometres = sum(van.metres for van in vans) / 1000
    day = plans[0].day
    return Picture(
        title=f"{day:%A} {day.day} {day:%B}",
        subtitle=f"{len(stops)} deliveries promised at checkout,\n"
        f"{len(vans)} vans, {kilometres:,.0f} km on the streets of {CITY}",
        vans=vans,
        depots=[(plan.depot.name, plan.depot.location) for plan in plans],
        slots=[(f"{hour}{TO}{hour + 2}", starts.count(hour)) for hour in SLOT_HOURS],
        places=PLACE_NAMES,
        waters=WATER_NAMES,
    )


def _in_order(plan: Plan) -> Sequence[Round]:
    """As the fleet was described, not as ids are sorted."""
    vans = list(plan.depot.vans)
    return sorted(plan.rounds, key=lambda driven: vans.index(driven.route["vehicle"]["vehicle_id"]))


def _van(depot: Depot, driven: Round) -> DrawnVan:
    route = driven.route
    return DrawnVan(
        name=route["vehicle"]["vehicle_id"].replace("-", " "),
        depot=depot.name,
        hours=f"{_local(route['starts_at']):%H:%M}{TO}{_local(route['ends_at']):%H:%M}",
        line=[point for way in driven.ways for point in way.points],
        doors=[Location(**stop["location"]) for stop in route["stops"]],
        metres=sum(way.metres for way in driven.ways),
    )


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(ZONE)
