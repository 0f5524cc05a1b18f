"""A believable fleet in metropolitan Porto, as a merchant would describe it over HTTP.

Doors and depots are points beside real streets (`infra/roads/porto/points.csv`). Weak point: who lives where
is not known, so every street is as likely as any other.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.routing.model import Location
from chalicelib.routing.travel_times import haversine_metres

ROADS = Path(__file__).resolve().parent.parent / "roads" / "porto"
TIMEZONE = "Europe/Lisbon"
CITY = "Porto"

type Document = Mapping[str, Any]

WORKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat")
SLOT_HOURS = (8, 10, 12, 14, 16, 18, 20)
_CENTS = {8: 390, 10: 290, 12: 190, 14: 190, 16: 290, 18: 490, 20: 390}

# For people who look at the map; written down by hand, a few hundred metres off.
PLACE_NAMES = (
    ("PORTO", Location(lat=41.1606, lon=-8.6150)),
    ("MATOSINHOS", Location(lat=41.1850, lon=-8.6780)),
    ("MAIA", Location(lat=41.2330, lon=-8.6250)),
    ("GAIA", Location(lat=41.1180, lon=-8.6200)),
    ("GONDOMAR", Location(lat=41.1480, lon=-8.5260)),
    ("ERMESINDE", Location(lat=41.2160, lon=-8.5450)),
)
WATER_NAMES = (
    ("ATLANTIC", Location(lat=41.1310, lon=-8.7150)),
    ("OCEAN", Location(lat=41.1245, lon=-8.7150)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Depot:
    """A depot and its vans, in the words of the API."""

    depot_id: str
    name: str
    location: Location
    description: Document
    vans: Mapping[str, Document]


@cache
def doors() -> Sequence[Location]:
    """Read the points beside streets."""
    with (ROADS / "points.csv").open(encoding="utf-8") as points:
        return [Location(lat=float(row["lat"]), lon=float(row["lon"])) for row in csv.DictReader(points)]


def depots(city_depot_id: str) -> Sequence[Depot]:
    """Describe both depots.

    Parameters
    ----------
    city_depot_id
        Id of the depot the sandbox has made already; it is described anew.
    """
    campanha = _door_near(Location(lat=41.1490, lon=-8.5830))
    maia = _door_near(Location(lat=41.2290, lon=-8.6560))
    # Porto, Gaia and Gondomar, up to where Maia's vans are nearer anyway.
    south = [[-8.72, 41.19], [-8.5, 41.2], [-8.47, 41.12], [-8.53, 41.05], [-8.67, 41.05], [-8.72, 41.19]]
    return (
        Depot(
            depot_id=city_depot_id,
            name="Campanhã",
            location=campanha,
            description=_depot("Campanhã", campanha, {"type": "Polygon", "coordinates": [south]}),
            vans={
                "van-1": _van("07:30", "14:30", skills=["cold"]),
                "van-2": _van("07:30", "14:30"),
                "van-3": _van("09:00", "18:30", large=True),
                "van-4": _van("14:00", "22:30", skills=["cold"]),
                "van-5": _van("14:00", "22:30"),
                "van-6": _van("15:00", "22:30"),
            },
        ),
        Depot(
            depot_id="maia",
            name="Maia",
            location=maia,
            description=_depot("Maia", maia, {"radius_metres": 9500}),
            vans={
                "van-7": _van("07:30", "15:00"),
                "van-8": _van("08:00", "17:30", large=True),
                "van-9": _van("14:00", "22:30", skills=["cold"]),
                "van-10": _van("15:00", "22:30"),
            },
        ),
    )


def _depot(name: str, location: Location, service_area: Document) -> Document:
    return {
        "name": f"Ribeira Wines, {name}",
        "location": {"lat": location.lat, "lon": location.lon},
        "timezone": TIMEZONE,
        "currency": "EUR",
        "service_area": service_area,
        "slots": [
            {
                "starts": f"{hour:02}:00",
                "ends": f"{hour + 2:02}:00",
                "days": WORKDAYS,
                "price": {"amount": _CENTS[hour], "currency": "EUR"},
            }
            for hour in SLOT_HOURS
        ],
        "booking": {"horizon_days": 7, "cutoff_minutes": 90, "hold_seconds": 600},
        "service": {"base_seconds": 210, "per_parcel_seconds": 30},
        "loading_lead_minutes": 45,
    }


def _van(starts: str, ends: str, *, large: bool = False, skills: Sequence[str] = ()) -> Document:
    parcels, kilograms, litres = (95, 900, 9_000) if large else (60, 550, 5_500)
    rest = ("11:00", "13:00") if starts < "12:00" else ("16:00", "18:00")
    return {
        "capacity": {"parcels": parcels, "grams": kilograms * 1000, "millilitres": litres * 1000},
        "skills": list(skills),
        "weekly": [{"days": WORKDAYS, "starts": starts, "ends": ends}],
        "breaks": [{"earliest": rest[0], "latest": rest[1], "duration_seconds": 1800}],
    }


def _door_near(place: Location) -> Location:
    return min(doors(), key=lambda door: float(haversine_metres(place.lat, place.lon, door.lat, door.lon)))
