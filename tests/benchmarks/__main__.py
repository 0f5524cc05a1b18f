"""Every figure the README quotes, measured here: `make bench`, or `make bench ARGS="search roads"` for some.

Each part is a module of this package with a `main`, and runs in a process of its own, so that none warms up
another.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence

PARTS = {
    "search": "slot search: own work, against loops and solvers",
    "confidence": "what a quoted confidence is worth, and the share kept of a booked day",
    "eta": "forecasts of arrival beside the plan, the plan plus delay, and oracles, in worlds never tuned on",
    "plans": "how good an improved plan is, beside solvers as they come",
    "acceptance": "orders accepted in a day: live routes, fixed caps, solving anew, hindsight, offers shaped",
    "asking": "what a shopper waits for, beside the oracle that solves the day anew for each slot",
    "live": "a started day after an incident: promises kept by a replan on the road",
    "claim": "whole days lived on paper and with the product behind them: same fleet, demand and luck",
    "growth": "more depots that ask at once, more vans in one plan",
    "scale": "more vans on the road: events a second, and the time from an event to its new arrival times",
    "recall": "of all slots a van could keep, how many are offered: directly, and with room made",
    "roads": "road look-ups, one to many and many to one",
    "observed": "log lines, counts and spans",
    "texts": "texts on simulated days: how many, how true, how early, beside fixed thresholds",
    "delayed": "a van with 30 stops is 20 minutes late: from the event until the carrier has every text",
    "throughput": "texts and replies: calls of the store, units and CPU of each step, backlogs, workers",
    "replies": "buyers' texts understood, beside a matcher of keywords",
    "http": "whole requests over HTTP, and a big plan cold and warm",
    "coldstart": "a process from nothing to its first answer, beside the floor of its libraries",
    "load": "1 to 64 shoppers at once, with a store that is well and with one that throttles",
}


def main(arguments: Sequence[str]) -> int:
    """Run the parts asked for, all of them unless some are named."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parts = parser.parse_args(arguments).parts or list(PARTS)
    if unknown := set(parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    load = os.getloadavg()[0]
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}"
    )
    worst = 0
    for number, part in enumerate(parts, start=1):
        print(f"\n[{number}/{len(parts)}] {part}: {PARTS[part]}", flush=True)
        began = time.monotonic()
        run = subprocess.run([sys.executable, "-m", f"{__package__}.{part}"], check=False)
        print(f"[{number}/{len(parts)}] {part} took {time.monotonic() - began:.0f} s", flush=True)
        worst = worst or run.returncode
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
