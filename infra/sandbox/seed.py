"""The two merchants every sandbox starts with: keys straight from the service, depots and vans over HTTP.

Both deliver in Porto, on real roads; neither may ever see the other. Their depots have three vans each that
work every day, so that a first search finds slots.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.bootstrap import Services, build
from chalicelib.events import Mode, Tenant
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant, Scope
from chalicelib.settings import Settings

EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
SLOT_HOURS = range(8, 20, 2)
VANS = 3
MERCHANTS = (
    ("mer_ribeira", "Ribeira Wines", "ribeira", {"lat": 41.1579, "lon": -8.6291}),
    ("mer_matosinhos", "Matosinhos Fish", "matosinhos", {"lat": 41.1844, "lon": -8.6653}),
)
SHOP_ORIGIN = "https://shop.example"
TEXTED = ("PT", "US")  # numbers that nobody has, as examples use them, are American


def seed(url: str) -> Sequence[Mapping[str, Any]]:
    """Make the merchants.

    Parameters
    ----------
    url
        Of the running API; store and secrets are found through the environment.

    Returns
    -------
    Sequence of Mapping
        `{merchant_id, keys: {admin, secret, publishable}, depot_id}`, as they stand in `ready.json`.
    """
    services = build(Settings.from_env(os.environ))
    merchants = []
    for merchant_id, brand, depot_id, location in MERCHANTS:
        tenant = Tenant(merchant_id=merchant_id, mode=Mode.TEST)
        services.merchants.save_settings(
            Merchant(tenant=tenant, brand=brand, origins=(SHOP_ORIGIN,), sms_countries=TEXTED)
        )
        keys = _keys(services, tenant)
        depot = f"{url}/v1/depots/{depot_id}"
        _put(depot, _depot(brand, location), key=keys["admin"])
        for number in range(1, VANS + 1):
            _put(f"{depot}/vehicles/van-{number}", _vehicle(), key=keys["admin"])
        merchants.append({"merchant_id": merchant_id, "keys": keys, "depot_id": depot_id})
    return merchants


def _keys(services: Services, tenant: Tenant) -> dict[str, str]:
    kinds = {
        "admin": (KeyType.SECRET, ALL_SCOPES),
        "secret": (KeyType.SECRET, Scope.CHECKOUT | Scope.OPS | Scope.DRIVER),
        "publishable": (KeyType.PUBLISHABLE, Scope.CHECKOUT),
    }
    now = services.clock.system_now()
    return {
        name: services.merchants.create_key(tenant, type=key_type, scopes=scopes, now=now).text
        for name, (key_type, scopes) in kinds.items()
    }


def _depot(brand: str, location: Mapping[str, float]) -> dict[str, Any]:
    return {
        "name": f"{brand}, main depot",
        "location": location,
        "timezone": "Europe/Lisbon",
        "currency": "EUR",
        "service_area": {"radius_metres": 12_000},
        "slots": [
            {"starts": f"{hour:02}:00", "ends": f"{hour + 2:02}:00", "days": EVERY_DAY} for hour in SLOT_HOURS
        ],
        "booking": {"horizon_days": 14, "cutoff_minutes": 60, "hold_seconds": 600},
        "service": {"base_seconds": 180, "per_parcel_seconds": 30},
    }


def _vehicle() -> dict[str, Any]:
    return {
        "capacity": {"parcels": 80},
        "weekly": [{"days": EVERY_DAY, "starts": "07:30", "ends": "20:30"}],
    }


def _put(url: str, content: Mapping[str, Any], *, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(content).encode(), headers, method="PUT")
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as refused:
        with refused:
            raise OSError(f"PUT {url} was answered {refused.code}: {refused.read().decode()}") from refused


if __name__ == "__main__":
    print(json.dumps(seed(sys.argv[1])))
