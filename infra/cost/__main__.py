"""Measure, multiply, print."""

import argparse
import os
import sys
from collections.abc import Mapping
from typing import Final

from infra.cost.measured import Use, measured
from infra.cost.prices import ASSUMED, GIGABYTE, PRICES
from infra.sandbox import Sandbox

MILLION: Final = 1e6
THOUSAND: Final = 1e3
SOLVES: Final = "replan"
BEHIND: Final = ("facts", SOLVES)  # nobody waits for an HTTP answer of these

Bill = dict[str, float]


def bill(name: str, use: Use, assumed: Mapping[str, float]) -> Bill:
    """What one invocation costs, in dollars, by what is paid for."""
    waited = use.reads * assumed["read_wait_ms"] + use.writes * assumed["write_wait_ms"]
    waited += use.queue_requests * assumed["queue_wait_ms"]
    billed_ms = use.wall_ms if name == SOLVES else use.cpu_ms + waited
    found = {
        "Lambda request": PRICES["Lambda request"],
        "Lambda GB-second": billed_ms / 1000 * assumed["memory_gb"] * PRICES["Lambda GB-second"],
        "read unit": use.read_units * PRICES["read unit"],
        "write unit": use.write_units * PRICES["write unit"],
        "GB of logs": use.log_bytes / GIGABYTE * PRICES["GB of logs"],
    }
    if name in BEHIND:
        # A job is sent by the one; received and deleted for the other.
        requests = use.queue_requests or 2
        return found | {"queue request": requests * PRICES["queue request"]}
    return found | {
        "API request": PRICES["API request"],
        "GB sent": use.answer_bytes / GIGABYTE * PRICES["GB sent"],
    }


def promise_bill(
    used: Mapping[str, Use], assumed: Mapping[str, float], *, searches: float, texts: float
) -> Bill:
    """What one promise costs with everything that leads to it and follows it."""
    total = Bill()
    # Facts were counted for hold and confirmation together; each of them asks for a look at the plan.
    times = {"search": searches, "hold": 1.0, "confirm": 1.0, "facts": 1.0, "replan": 2.0}
    for name, use in used.items():
        for what, dollars in bill(name, use, assumed).items():
            total[what] = total.get(what, 0.0) + times[name] * dollars
    waiting = assumed["text_wait_ms"] / 1000 * assumed["memory_gb"] * PRICES["Lambda GB-second"]
    total["Lambda GB-second"] += texts * waiting
    total["text"] = texts * PRICES["text"]
    return total


def show(title: str, one: Bill, times: float) -> None:
    """Print a bill, the dearest first."""
    total = sum(one.values())
    print(f"\n{title}: ${total * times:,.2f}")
    for what, dollars in sorted(one.items(), key=lambda line: -line[1]):
        print(f"  {what:18}{dollars * times:12,.2f}{dollars / total:8.1%}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.cost", description=__doc__)
    parser.add_argument("--vans", type=int, default=20, help="of the depot")
    parser.add_argument("--orders", type=int, default=300, help="booked before the last tenth is counted")
    parser.add_argument("--searches", type=float, default=8.0, help="that lead to one promise")
    parser.add_argument("--texts", type=float, default=2.0, help="that follow one promise")
    for name, value in ASSUMED.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=value, help="assumed")
    given = parser.parse_args()
    assumed = {name: getattr(given, name) for name in ASSUMED}

    def progress(number: int) -> None:
        if sys.stderr.isatty():
            print(f"\rbooking {number + 1} of {given.orders}", end="", file=sys.stderr, flush=True)

    with Sandbox() as box:
        os.environ.update(box.environment)
        used = measured(box, vans=given.vans, orders=given.orders, progress=progress)
    print(file=sys.stderr)
    print(f"A depot of {given.vans} vans, {given.orders} orders asked for; means of the last tenth.")
    print(
        f"{'':10}{'CPU ms':>8}{'wall ms':>9}{'reads':>7}{'units':>7}{'writes':>8}{'units':>7}{'queue':>7}"
        f"{'log B':>7}{'answer B':>10}"
    )
    for name, use in used.items():
        print(
            f"{name:10}{use.cpu_ms:8.1f}{use.wall_ms:9.1f}{use.reads:7.1f}{use.read_units:7.1f}{use.writes:8.1f}"
            f"{use.write_units:7.1f}{use.queue_requests:7.1f}{use.log_bytes:7.0f}{use.answer_bytes:10.0f}"
        )
    show("A million searches", bill("search", used["search"], assumed), MILLION)
    promise = promise_bill(used, assumed, searches=given.searches, texts=given.texts)
    show(
        f"A thousand promises, {given.searches:g} searches and {given.texts:g} texts each", promise, THOUSAND
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
