"""A depot of 10 to 400 vans on the road: what an event costs, and how soon it is in everybody's arrival time.

    python -m tests.benchmarks.scale --vans 10,100,400 --visits 60

All vans are out on the real roads of Porto, 20 stops each, and have time. One van after the other, drawn by a
fixed seed, tells three positions in one batch, that it arrived, and that it delivered. After each of these
requests the promise at the end of its route is read: then the new arrival time is there. Then its facts are
handed on, which is when risk is judged. Everything runs through the deployed handlers in this process,
against the sandbox's emulator: our share is our CPU time, the rest of the wall's is the emulator's, and who
else is on the machine. Weak point: one phone at a time, so nobody waits for anybody; and the emulator's time
says nothing about DynamoDB's, of which writes are counted in its units, and reads in bytes.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import batched
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from aws_lambda_powertools import Logger
from chalice import Chalice

from chalicelib.adapters.secrets import TwilioAccount
from chalicelib.bootstrap import Services, build
from chalicelib.events import Mode, Tenant
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.model import Travel
from chalicelib.fleet.plans import PlanKey, RouteWrite
from chalicelib.fleet.progress import Progress
from chalicelib.fleet.store import FleetChanges
from chalicelib.handlers import door, motion, promises, workers
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.model import Found, PromiseState
from chalicelib.routing.model import TimeWindow
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import judge
from chalicelib.routing.travel_times import CITY_PROFILE
from chalicelib.settings import Settings
from chalicelib.units import MINUTE, Timestamp, iso_utc
from infra.artefact.isolated import http_event
from infra.cost.measured import Meter, Use, stream_event
from infra.sandbox.emulator import ROOT, Emulator
from infra.secrets import Vault
from tests.benchmarks.days import FIRST_DAY, City, local, loose_day, porto, the_day_before, world
from tests.benchmarks.growth import depot_of
from tests.fakes import FakeClock
from tests.promises.store_contract import a_promise

STAGE: Final = "scale-sandbox"
TENANT: Final = Tenant(merchant_id="scale", mode=Mode.TEST)
DEPOT: Final = "porto"
PLACE: Final = PlanKey(depot_id=DEPOT, day=FIRST_DAY)
STOPS: Final = 20  # of a van
DIFFERENT_VANS: Final = 25
LEFT_AT: Final[Timestamp] = local(FIRST_DAY, 7.5)
BETWEEN_POSITIONS: Final = 15  # seconds, of a phone
DRIVE_SECONDS: Final = 10 * MINUTE
SERVICE_SECONDS: Final = 3 * MINUTE
VISIT_SECONDS: Final = DRIVE_SECONDS + SERVICE_SECONDS
BETWEEN_VANS: Final = 3  # seconds: a process remembers routes for less
PARTITION_WRITES: Final = 1000  # units a second
WARMING: Final = 3  # visits
MOST_AT_ONCE: Final = 100  # vans that visit a stop before time goes on
KINDS: Final = ("3 positions", "arrived", "completed")
_CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one request with events led to."""

    events: int
    post: Use
    read: Use
    facts: Use

    @property
    def until_read(self) -> tuple[float, float]:
        """Milliseconds of CPU and of the wall's from the event to its new arrival times."""
        return self.post.cpu_ms + self.read.cpu_ms, self.post.wall_ms + self.read.wall_ms


@dataclass(slots=True)
class Street:
    """The product in this process, and the vans it knows."""

    services: Services
    clock: FakeClock
    app: Chalice
    meter: Meter
    log: Logger
    key: str
    routes: Sequence[Route]
    phones: dict[str, str] = field(default_factory=dict)
    behind: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    told: defaultdict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None
    ) -> tuple[Any, Use]:
        """Send a request with the office's key, or another; its answer, and what it used."""
        event = http_event(method, path, body, headers={"Authorization": f"Bearer {key or self.key}"})
        event |= resource_of(method, path)
        with self.meter.invocation() as use:
            answer = self.app(event, _CONTEXT)
        if answer["statusCode"] >= 300:
            raise RuntimeError(answer["body"])
        return json.loads(answer["body"]), use

    def tell(self, route: Route, kind: str, *events: Mapping[str, Any]) -> None:
        """Report events of a van, read its last promise, and hand the facts on."""
        named = [{"event_id": os.urandom(8).hex(), **event} for event in events]
        shift = f"/v1/shifts/{route.shift.shift_id}"
        if shift not in self.phones:
            self.phones[shift] = self.ask("POST", f"{shift}/tokens")[0]["token"]
            self.meter.outbox.clear()
        answer, post = self.ask("POST", f"{shift}/events", {"events": named}, key=self.phones[shift])
        if answer["accepted"] != len(events):
            raise RuntimeError(f"not all was taken in: {answer}")
        last = promise_id(int(route.stops["stop_id"][-1]))
        shown, read = self.ask("GET", f"/v1/promises/{last}")
        if shown["live_eta"]["stops_before"] != len(route.stops) - 1 - self.behind[route.shift.shift_id]:
            raise RuntimeError(f"the arrival time is not the new one: {shown['live_eta']}")
        facts, rows = Use(), list(self.meter.outbox)
        self.meter.outbox.clear()
        if rows:
            with self.meter.invocation() as facts:
                workers.publish_facts(stream_event(rows), self.services, log=self.log)
        self.told[kind].append(Told(events=len(events), post=post, read=read, facts=facts))

    def visit(self, route: Route) -> None:
        """Let a van drive to its next stop and deliver there."""
        shift_id = route.shift.shift_id
        at = self.behind[shift_id]
        stop = route.stop(at)
        start = route.shift.start if at == 0 else route.stop(at - 1).location
        here_at = self.clock.at - SERVICE_SECONDS
        way = [
            {
                "type": "position",
                "at": iso_utc(here_at - DRIVE_SECONDS * (4 - step) // 4),
                "lat": start.lat + (stop.location.lat - start.lat) * step / 4,
                "lon": start.lon + (stop.location.lon - start.lon) * step / 4,
            }
            for step in (1, 2, 3)
        ]
        self.tell(route, KINDS[0], *way)
        named = {"promise_id": promise_id(stop.stop_id)}
        self.tell(route, KINDS[1], {"type": "arrived", "at": iso_utc(here_at), **named})
        self.behind[shift_id] += 1
        done = {"type": "completed", "at": iso_utc(self.clock.at), "outcome": "delivered_to_recipient"}
        self.tell(route, KINDS[2], done | named)


def resource_of(method: str, path: str) -> dict[str, Any]:
    """What API Gateway adds to a request: which endpoint it is for."""
    _, _, collection, name, *rest = path.split("/")
    parameter = {"shifts": "shift_id", "promises": "promise_id"}[collection]
    resource = "/".join(["", "v1", collection, f"{{{parameter}}}", *rest])
    return {
        "requestContext": {
            "httpMethod": method,
            "identity": {"sourceIp": "127.0.0.1"},
            "path": path,
            "resourcePath": resource,
        },
        "pathParameters": {parameter: name},
    }


def routes_of(city: City, vans: int) -> list[Route]:
    """Routes of so many vans: those of some of them, repeated."""
    some = loose_day(city, FIRST_DAY, vans=DIFFERENT_VANS, stops=STOPS, seed=0)
    routes = []
    for number in range(vans):
        again, which = divmod(number, DIFFERENT_VANS)
        route = some[which]
        stops, name = route.stops.copy(), f"{DEPOT}.van-{number:03d}.{FIRST_DAY}.0730"
        stops["stop_id"] += 10_000_000 * again
        shift = replace(route.shift, shift_id=name, vehicle_id=f"van-{number:03d}")
        routes.append(replace(route, stops=stops, shift=shift, version=0))
    return routes


def settle(services: Services, city: City, routes: Sequence[Route]) -> str:
    """Write a depot whose vans have all left, with what they promised; gives a key of its merchant."""
    services.merchants.save_settings(Merchant(tenant=TENANT, brand="Scale", sms_countries=("PT", "US")))
    made = services.merchants.create_key(
        TENANT, type=KeyType.SECRET, scopes=ALL_SCOPES, now=the_day_before(FIRST_DAY)
    )
    depot = replace(depot_of(city), depot_id=DEPOT, travel=Travel(profile=CITY_PROFILE))
    services.store.commit_fleet(
        TENANT, FleetChanges(depot_id=DEPOT, fleet_version=0, depot=replace(depot, version=0))
    )
    for route in routes:
        services.store.commit_motion(TENANT, left(route))
    return made.text


def left(route: Route) -> MotionChanges:
    """A van that has just left for its first stop, and its promises."""
    shift_id = route.shift.shift_id
    starts = judge([route], LEFT_AT, world())[0].start.tolist()
    stops = list(route.all_stops())
    return MotionChanges(
        progress=Progress(
            shift_id=shift_id,
            plan=PLACE,
            departed_at=LEFT_AT,
            milestones=1,
            planned={stop.stop_id: round(at) for stop, at in zip(stops, starts, strict=False)},
        ),
        promises=tuple(
            a_promise(
                stop.stop_id,
                state=PromiseState.OUT_FOR_DELIVERY if number else PromiseState.ARRIVING,
                depot_id=DEPOT,
                day=FIRST_DAY,
                window=TimeWindow(start=stop.window.start, end=stop.window.end),
                told_window=TimeWindow(start=stop.window.start, end=stop.window.end),
                found=Found(depot_id=DEPOT, day=FIRST_DAY, shift_id=shift_id),
                tracking_token=f"t{stop.stop_id}",
            )
            for number, stop in enumerate(stops)
        ),
        routes=(RouteWrite(depot_id=DEPOT, day=FIRST_DAY, route=route),),
    )


@contextmanager
def street(city: City, vans: int) -> Iterator[Street]:
    """A depot with so many vans on the road, on an emulator of its own."""
    with tempfile.TemporaryDirectory() as logs, Emulator(logs=Path(logs)) as emulator:
        resources = emulator.create(STAGE)
        os.environ.update(
            emulator.environment()
            | {
                "STAGE": "sandbox",
                "TABLE_NAME": resources.table_name,
                "IMPROVE_QUEUE_URL": resources.improve_queue_url,
                "REPAIR_QUEUE_URL": resources.repair_queue_url,
                "WEBHOOKS_QUEUE_URL": resources.webhooks_queue_url,
                "TEXTS_QUEUE_URL": resources.texts_queue_url,
                "SECRETS_PATH": f"/{resources.table_name}",
                "PUBLIC_BASE_URL": "http://127.0.0.1",
                "REQUESTS_PER_MINUTE": "1000000",
                "ROADS_DIR": str(ROOT / "infra" / "roads"),
            }
        )
        clock, meter = FakeClock(LEFT_AT), Meter(io.StringIO())
        account = TwilioAccount(account_sid="AC0", auth_tokens=("none",), sender="+15005550006")
        Vault(emulator.client("ssm"), resources.table_name).make(account, now=clock.at)
        meter.attach()
        services = build(Settings.from_env(os.environ), clock=clock)
        routes = routes_of(city, vans)
        key = settle(services, city, routes)
        app = Chalice("scale", configure_logs=False)
        log = Logger(service="scale", stream=meter.log)
        door.register(app, [motion.api, promises.api], lambda: services, log=log)
        meter.outbox.clear()
        yield Street(services, clock, app, meter, log, key, routes)


def lived(vans: int, visits: int) -> Mapping[str, Sequence[Told]]:
    """Let vans deliver, after some visits that warm everything up."""
    chance = np.random.default_rng(7)
    with street(porto(roads=True), vans) as here:
        here.clock.advance(VISIT_SECONDS)
        for some in batched(range(WARMING + visits), min(vans, MOST_AT_ONCE)):
            drawn = chance.choice(vans, len(some), replace=False).tolist()
            for number, van in zip(some, drawn, strict=True):
                if number == WARMING:
                    here.told.clear()
                here.visit(here.routes[van])
                here.clock.advance(BETWEEN_VANS)
            here.clock.advance(VISIT_SECONDS)
        return here.told


def quantiles(values: Sequence[float]) -> str:
    """Median and 99th percentile."""
    middle, late = np.quantile(values, (0.5, 0.99)).tolist()
    return f"{middle:9.0f}{late:6.0f}"


def show(vans: int, told: Mapping[str, Sequence[Told]]) -> None:
    """Print what events of one among so many vans cost."""
    everything = [one for kind in KINDS for one in told[kind]]
    events = sum(one.events for one in everything)
    taken = sum(one.post.cpu_ms for one in everything) / 1000
    judged = taken + sum(one.facts.cpu_ms for one in everything) / 1000
    wall = sum(one.post.wall_ms + one.facts.wall_ms for one in everything) / 1000
    cpu, walls = zip(*(one.until_read for one in everything), strict=True)
    print(
        f"  {vans:5}{events / taken:10.0f}{events / judged:8.0f}{events / wall:8.0f}{quantiles(cpu)}"
        f"{quantiles(walls)}{quantiles([one.post.cpu_ms for one in everything])}"
        f"{quantiles([one.read.cpu_ms for one in everything])}"
        f"{np.mean([one.read.read_units for one in everything]):8.0f}",
        flush=True,
    )


def show_kinds(told: Mapping[str, Sequence[Told]]) -> None:
    """Print what each kind of request uses, and which of DynamoDB's limits is met first."""
    print(f"\n  {'':14}{'CPU ms':>8}{'reads':>7}{'units':>7}{'writes':>8}{'units':>7}   behind it: CPU ms")
    for kind in KINDS:
        post, facts = (Use.mean([getattr(one, name) for one in told[kind]]) for name in ("post", "facts"))
        print(
            f"  {kind:14}{post.cpu_ms:8.1f}{post.reads:7.1f}{post.read_units:7.1f}{post.writes:8.1f}"
            f"{post.write_units:7.1f}{facts.cpu_ms:12.1f}"
        )
    positions, arrived, completed = (Use.mean([one.post for one in told[kind]]).write_units for kind in KINDS)
    a_second = positions / (3 * BETWEEN_POSITIONS) + (arrived + completed) / VISIT_SECONDS
    print(
        f"\n  A van that tells its position every {BETWEEN_POSITIONS} s, three at a time, and delivers every"
        f" {VISIT_SECONDS // MINUTE} minutes: {a_second:.2f} write units a second;"
        f" {PARTITION_WRITES / a_second:.0f} vans are what one partition takes."
    )


def main() -> None:
    """Print a row for each number of vans."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vans", default="10,100,400", help="how many are on the road")
    parser.add_argument("--visits", type=int, default=60, help="stops that are visited, three requests each")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:  # in a process of its own, whose clients are measured
        told = lived(asked.one, asked.visits)
        show(asked.one, told)
        if asked.one == int(asked.vans.rpartition(",")[2]):
            show_kinds(told)
        return
    print(
        "\n        events a second of CPU      event to new arrival time, ms     of that CPU, ms"
        "\n   vans  taken in  judged    wall     CPU p50   p99 wall p50   p99 taken in   p99     read   p99"
        "   units"
    )
    for vans in asked.vans.split(","):
        given = ["--vans", asked.vans, "--visits", str(asked.visits), "--one", vans]
        subprocess.run([sys.executable, "-m", __spec__.name, *given], check=True)


if __name__ == "__main__":
    main()
