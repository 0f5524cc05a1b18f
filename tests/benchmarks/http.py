"""Whole requests: through HTTP with 1 and 8 clients, and with a big plan that is warm or must be read.

    python -m tests.benchmarks.http

The store is the emulator on this machine, in Python, so wall times say little about DynamoDB; our own work is
what the API's process spends (CPU), and that is printed beside them.
"""

import argparse
import http.client
import json
import os
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from infra.sandbox import Sandbox
from tests.benchmarks.days import FIRST_DAY, ZONE, loose_day, porto

SECONDS = 8.0


class Client:
    """One shopper's connection, kept alive."""

    def __init__(self, url: str, key: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._key = key
        self.took: defaultdict[str, list[float]] = defaultdict(list)
        self.answers: defaultdict[str, int] = defaultdict(int)

    def post(self, name: str, path: str, body: dict[str, Any]) -> Any:
        """Send one request and note how long its answer took."""
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Idempotency-Key": os.urandom(12).hex(),
        }
        began = time.perf_counter()
        self._connection.request("POST", path, json.dumps(body), headers)
        response = self._connection.getresponse()
        content = response.read()
        self.took[name].append(time.perf_counter() - began)
        self.answers[f"{name} {response.status}"] += 1
        return json.loads(content)


def shop(client: Client, number: int, until: float) -> None:
    """Search, hold and confirm until the time is up."""
    orders = 0
    places = [corner.location for corner in porto(roads=False).corners]
    while time.monotonic() < until:
        orders += 1
        place = places[(number * 997 + orders * 131) % len(places)]
        search = {"destination": {"lat": place.lat, "lon": place.lon}, "days": 3}
        slots = client.post("search", "/v1/slots/search", search)["slots"]
        offers = [slot["offer"] for slot in slots if slot["available"]]
        if not offers:
            continue
        cart = f"cart-{number}-{orders}"
        wanted = {"offer": offers[orders % len(offers)], "cart_ref": cart}
        hold = client.post("hold", "/v1/holds", wanted)
        if "hold_id" in hold:
            order = {
                "hold_id": hold["hold_id"],
                "order_ref": f"order-{number}-{orders}",
                "recipient": {"name": "Ana"},
                "sms_consent": False,
            }
            client.post("confirm", "/v1/promises", order)


def loaded(box: Sandbox, clients: int) -> None:
    """Let clients shop side by side and print what they saw."""
    key = box.merchants[clients > 1]["keys"]["secret"]
    shoppers = [Client(box.url, key) for _ in range(clients)]
    until = time.monotonic() + SECONDS
    threads = [
        threading.Thread(target=shop, args=(client, clients * 100 + number, until))
        for number, client in enumerate(shoppers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in ("search", "hold", "confirm"):
        took = sorted(second for client in shoppers for second in client.took[name])
        if took:
            spread = [1000 * took[int(len(took) * share)] for share in (0.5, 0.9, 0.99)]
            print(
                f"  {clients} client(s)  {name:8} {len(took) / SECONDS:6.1f}/s   "
                f"p50 {spread[0]:6.1f}  p90 {spread[1]:6.1f}  p99 {spread[2]:6.1f} ms"
            )
    answers: defaultdict[str, int] = defaultdict(int)
    for client in shoppers:
        for answer, times in client.answers.items():
            answers[answer] += times
    print("             ", dict(sorted(answers.items())))


def big_plan(box: Sandbox, *, vans: int = 200, stops: int = 50) -> None:
    """One search over two days of 200 vans: first read, read again, and from a snapshot."""
    os.environ.update(box.environment)
    from chalicelib.bootstrap import build
    from chalicelib.events import Mode, Tenant
    from chalicelib.fleet.plans import RouteWrite
    from chalicelib.promises.search import SlotQuery
    from chalicelib.promises.store import Changes
    from chalicelib.settings import Settings

    settings = Settings.from_env(os.environ)
    services = build(settings)
    tenant = Tenant(merchant_id=box.merchants[0]["merchant_id"], mode=Mode.TEST)
    depot = services.store.depot(tenant, box.merchants[0]["depot_id"])
    assert depot is not None
    city = porto(roads=True)
    now = services.clock.system_now()
    today = services.search.search(tenant, SlotQuery(location=depot.location, days=1), now)
    assert today.live
    first = FIRST_DAY
    shift_days = (datetime.fromtimestamp(now, ZONE).date() + timedelta(days=1) - first).days
    for day in (first, first + timedelta(days=1)):
        moved = shift_days * 86_400
        target_day = day + timedelta(days=shift_days)
        writes = []
        for route in loose_day(city, day, vans=vans, stops=stops, seed=1):
            records = route.stops.copy()
            for name in ("window_start", "window_end"):
                records[name] = records[name].astype(np.int64) + moved
            shift = replace(
                route.shift,
                starts_at=route.shift.starts_at + moved,
                ends_at=route.shift.ends_at + moved,
                loads_at=route.shift.loads_at + moved,
            )
            changed = replace(route, shift=shift, stops=records)
            writes.append(RouteWrite(depot_id=depot.depot_id, day=target_day, route=changed))
        for at in range(0, len(writes), 50):
            services.store.commit(tenant, Changes(routes=tuple(writes[at : at + 50])))
    query = SlotQuery(location=city.corners[7].location, days=2, from_date=first + timedelta(days=shift_days))
    print(f"\none search, {vans} vans x {stops} stops x 2 days, real roads; median of 9, ms")
    fresh = [build(settings) for _ in range(3)]
    for one in fresh:
        one.search.search(tenant, SlotQuery(location=depot.location, days=1), now)  # roads loaded, plan not
    _row(
        "plan read and unpacked for the first time",
        [lambda one=one: one for one in fresh],
        tenant,
        query,
        now,
    )
    _row("plan read again, what is unchanged remembered", [lambda: services] * 9, tenant, query, now)
    warm = build(replace(settings, staleness=3600))
    warm.search.search(tenant, query, now)
    _row("plan in memory (snapshot)", [lambda: warm] * 9, tenant, query, now)


def _row(name: str, makers: list[Callable[[], Any]], tenant: Any, query: Any, now: int) -> None:
    wall, cpu = [], []
    for make in makers:
        services = make()
        began, worked = time.perf_counter(), time.process_time()
        services.search.search(tenant, query, now)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - worked)
    print(
        f"  {name:48} wall {1000 * statistics.median(wall):7.1f}   own {1000 * statistics.median(cpu):6.1f}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--skip", action="append", choices=["load"], default=[])
    skipped = parser.parse_args().skip
    with Sandbox() as box:
        print(f"HTTP on loopback, 2 API processes, {SECONDS:.0f} s each")
        if "load" not in skipped:
            for clients in (1, 8):
                loaded(box, clients)
        big_plan(box)


if __name__ == "__main__":
    main()
