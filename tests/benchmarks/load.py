"""A load run on loopback: 1 to 64 shoppers at once, with a store that is well and with one that throttles.

    python -m tests.benchmarks.load --seconds 8 --clients 1,8,64

Afterwards everything that was sold is recomputed from the plans, on our own map. Weak point: shoppers, API
and emulated AWS share the machine, so the figures tell a shape (where it saturates, what waits), no capacity.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.request import Request, urlopen

from chalicelib.routing.model import Location
from infra.demo.audit import Audit, audit, drive
from infra.demo.porto import ROADS
from infra.demo.streets import Streets
from infra.sandbox import Sandbox
from infra.sandbox.emulator import ROOT

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
SHARE = 0.35  # of the calls to DynamoDB that a throttling store refuses
REQUESTS = ("search", "hold", "confirm")
LAST_ORDERS_SECONDS = 60  # that shoppers may still take for what they began
PLAN_DAYS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the shoppers of one run saw.

    Attributes
    ----------
    lasted
        Seconds from the first question to the last answer.
    answers
        How often each kind of request was answered with each status, as `hold 201`.
    seconds
        Of each answer, by kind of request.
    promised
        Ids of the promises they were given.
    own
        Seconds of CPU that the API's processes spent, which do not depend on who else is on the machine.
    troubles
        How often they gave up, and how often a 503 did not say when to come back.
    """

    clients: int
    lasted: float
    own: float
    answers: Counter[str]
    seconds: Mapping[str, Sequence[float]]
    promised: Sequence[str]
    troubles: Mapping[str, int]

    def status(self, status: int) -> int:
        """How many answers had it."""
        return sum(times for answer, times in self.answers.items() if answer.endswith(f" {status}"))


class LoadBox:
    """A sandbox whose store can be throttled.

    Parameters
    ----------
    home
        Folder of its logs and files.
    """

    def __init__(self, home: Path) -> None:
        self._home, self._plan = home, home / "refused"
        self.throttle(0.0)
        self.sandbox = Sandbox(home=home / "sandbox", app="tests.benchmarks.throttled")

    def __enter__(self) -> Self:
        os.environ["FAULT_PLAN"] = str(self._plan)  # a sandbox hands its own environment on
        try:
            self.sandbox.__enter__()
        finally:
            del os.environ["FAULT_PLAN"]
        return self

    def __exit__(self, *_: object) -> None:
        self.sandbox.__exit__(None, None, None)

    def throttle(self, share: float) -> None:
        """Refuse so large a share of the calls to DynamoDB from now on."""
        beside = self._plan.with_suffix(".new")
        beside.write_text(str(share), "utf-8")
        beside.replace(self._plan)

    def run(self, clients: int, seconds: int) -> Seen:
        """Let so many shoppers shop for so long."""
        summary = self._home / "summary.json"
        keys = self.sandbox.merchants[0]["keys"]
        environment = os.environ | {"LOAD_KEY": keys["secret"], "LOAD_SUMMARY": str(summary)}
        program = [sys.executable, "-m", "locust", "-f", str(ROOT / "tests/benchmarks/shoppers.py")]
        users = ["-u", str(clients), "-r", str(clients), "-t", f"{seconds}s", "-H", self.sandbox.url]
        quiet = ["--headless", "--only-summary", "--loglevel", "ERROR"]
        patience = ["--stop-timeout", str(LAST_ORDERS_SECONDS)]
        worked = self._api_seconds()
        done = subprocess.run(
            [*program, *users, *quiet, *patience],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + LAST_ORDERS_SECONDS + 60,
        )
        if not summary.exists():
            raise RuntimeError(done.stderr)
        found = json.loads(summary.read_text("utf-8"))
        summary.unlink()
        return Seen(
            clients=clients,
            lasted=found["span"][1] - found["span"][0],
            own=self._api_seconds() - worked,
            answers=Counter(found["answers"]),
            seconds=found["seconds"],
            promised=found["promised"],
            troubles=found["troubles"],
        )

    def _api_seconds(self) -> float:
        """CPU that all processes of the API took so far, as Linux counts it; elsewhere 0."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # one that ended meanwhile
                fields = stat.read_text("utf-8").rpartition(")")[2].split()
                ours = int(fields[1]) == self.sandbox.child.pid
                if ours and b"infra.sandbox.gateway" in stat.with_name("cmdline").read_bytes():
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def audit(self, promised: Sequence[str]) -> Audit:
        """Recompute everything that was sold, and hold it against what the shoppers were told."""
        self.throttle(0.0)
        merchant = self.sandbox.merchants[0]
        key = {"Authorization": f"Bearer {merchant['keys']['secret']}"}

        def get(path: str) -> Any:
            with urlopen(Request(self.sandbox.url + path, headers=key), timeout=60) as answer:
                return json.load(answer)

        depot = f"/v1/depots/{merchant['depot_id']}"
        door, streets = Location(**get(depot)["location"]), Streets(ROADS / "graph.npz")
        today = datetime.now(UTC).date()
        plans = [get(f"{depot}/plans/{today + timedelta(days=ahead)}") for ahead in range(PLAN_DAYS)]
        rounds = [drive(route, door, streets) for plan in plans for route in plan["routes"]]
        unassigned = [stop for plan in plans for stop in plan["unassigned"]]
        return audit(rounds, unassigned, frozenset(promised))


def table(runs: Sequence[Seen]) -> str:
    """The runs as lines of a table."""
    heads = "".join(f"{name + ' p50':>13} {'p99':>6}" for name in REQUESTS)
    lines = [f"clients  requests/s  orders/s  own ms {heads}   answers by status"]
    for seen in runs:
        requests, orders = seen.answers.total() / seen.lasted, len(seen.promised) / seen.lasted
        own = 1000 * seen.own / seen.answers.total()
        times = "  ".join(
            f"{spread(seen.seconds.get(name, ()), 0.5):11.0f} {spread(seen.seconds.get(name, ()), 0.99):6.0f}"
            for name in REQUESTS
        )
        statuses = Counter[str]()
        for answer, number in seen.answers.items():
            statuses[answer.split()[1]] += number
        told = " ".join(f"{status}:{number}" for status, number in sorted(statuses.items()))
        lines.append(f"{seen.clients:7}  {requests:10.1f}  {orders:8.1f}  {own:6.1f}  {times}   {told}")
    return "\n".join(lines)


def spread(seconds: Sequence[float], share: float) -> float:
    """So large a share of the answers took at most so many milliseconds."""
    return 1000 * sorted(seconds)[int(len(seconds) * share)] if seconds else float("nan")


def failures(runs: Sequence[Seen]) -> list[str]:
    """What must not be among the answers."""
    found = [
        f"{seen.clients} clients: {times} times {answer}"
        for seen in runs
        for answer, times in seen.answers.items()
        if answer.split()[1] not in ("200", "201", "409", "503")
    ]
    for seen in runs:
        found += [f"{seen.clients} clients: {times} {what}" for what, times in seen.troubles.items() if times]
    return found


def main() -> int:
    """Measure and print; the status is 1 if anything was answered or sold that must not be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--clients", default=",".join(map(str, CLIENTS)))
    parser.add_argument("--share", type=float, default=SHARE)
    given = parser.parse_args()
    counts, every = [int(clients) for clients in given.clients.split(",")], list[Seen]()
    with tempfile.TemporaryDirectory(prefix="slotkeeper-load-") as home, LoadBox(Path(home)) as box:
        for share in (0.0, given.share):
            box.throttle(share)
            print(f"\n{share:.0%} of the store's calls refused; 2 API processes, {given.seconds} s each")
            runs = [box.run(clients, given.seconds) for clients in counts]
            print(table(runs), flush=True)
            every += runs
        sold = box.audit([promise_id for seen in every for promise_id in seen.promised])
    print(f"\n{sold.stops} stops and {sold.legs} legs of what was sold recomputed: {len(sold.faults)} faults")
    wrong = [*failures(every), *sold.faults]
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
