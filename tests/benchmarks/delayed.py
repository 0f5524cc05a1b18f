"""A van with 30 stops is delayed by 20 minutes: how long until the carrier has every text that is due.

    python -m tests.benchmarks.delayed --runs 5 --late

The whole product runs in the sandbox: HTTP, the table's stream, the queue, a fake Twilio over HTTP. Everybody
on the route is due a text (`delayed_van`). One event of the driver's phone, and time runs from its request to
the moment the fake Twilio took the last text. Then the same is worked out for AWS: calls that wait for each
other, at the latencies that the bill assumes. Weak point: all parts and the emulated AWS share this machine,
so the CPU they spend until all is quiet is told beside the wall's time.
"""

import argparse
import json
import os
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from time import sleep, time
from typing import Any, Final

from chalicelib.bootstrap import build
from chalicelib.events import Mode, Tenant
from chalicelib.settings import Settings
from chalicelib.units import MINUTE, Timestamp, iso_utc
from infra.cost.prices import ASSUMED
from infra.sandbox import Sandbox
from tests.benchmarks.days import ZONE, City, porto
from tests.benchmarks.delayed_van import DELAY, Road
from tests.benchmarks.office import BATCH, TENANT, Spent, offices, stages

SETTLED_SECONDS: Final = 3.0  # without another text: there is none to come
MOST_SECONDS: Final = 60.0
STREAM_POLL_MS: Final = 250.0  # Lambda looks at a stream four times a second; at worst it has just looked
STAGES: Final = ("event", "risk judged", "texts decided", "first text", "last text")
PARTS: Final = {
    "gateway": "API",
    "publish_facts": "facts",
    "send_texts": "texts",
    "repair": "repair",
    "fake_twilio": "Twilio",
    "ministack": "AWS",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One delay.

    Attributes
    ----------
    texts
        That the carrier took.
    ends
        Seconds from the event's request to the end of each stage.
    cpu
        Seconds of CPU that each part of the sandbox spent until all was quiet, callbacks included.
    """

    texts: int
    ends: Mapping[str, float]
    cpu: Mapping[str, float]


class Street:
    """The sandbox as its office and its drivers see it."""

    def __init__(self, box: Sandbox, key: str) -> None:
        self._box, self._key = box, key

    def ask(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Any:
        """Send one request."""
        headers = {
            "Authorization": f"Bearer {key or self._key}",
            "Content-Type": "application/json",
            "Idempotency-Key": os.urandom(8).hex(),
        }
        request = urllib.request.Request(f"{self._box.url}{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def delay(self, shift_id: str, at: Timestamp) -> Run:
        """Let a driver say that the van is held up, and wait for what comes of it."""
        shift = f"/v1/shifts/{shift_id}"
        phone = self.ask(f"{shift}/tokens", {})["token"]
        event = {"event_id": os.urandom(8).hex(), "type": "incident", "kind": "delay", "at": iso_utc(at)}
        sandbox = self._box.child.pid
        before, began = cpu_of_parts(sandbox), time()
        answer = self.ask(f"{shift}/events", {"events": [event | {"delay_seconds": DELAY}]}, key=phone)
        handled = time()
        if answer["accepted"] != 1:
            raise RuntimeError(f"the event was not taken: {answer}")
        taken = self._settled(began)
        cpu = {name: spent - before[name] for name, spent in cpu_of_parts(sandbox).items()}
        ends = {
            "event": handled,
            "risk judged": max(self._told("facts", "facts", "shift.progressed", began)),
            "texts decided": max(
                at for at in self._told("text", "fact", "promise.expected", began) if at <= taken[-1]
            ),
            "first text": taken[0],
            "last text": taken[-1],
        }
        return Run(texts=len(taken), ends={name: at - began for name, at in ends.items()}, cpu=cpu)

    def _told(self, message: str, field: str, kind: str, since: float) -> Iterator[float]:
        """When the stream's consumer wrote lines about facts of a kind."""
        for line in (self._box.home / "publish_facts.log").read_text("utf-8").splitlines():
            told = json.loads(line) if line.startswith("{") else {}
            if told.get("message") == message and kind in told.get(field, ()):
                at = datetime.strptime(told["timestamp"], "%Y-%m-%d %H:%M:%S,%f%z").timestamp()
                if at >= since:
                    yield at

    def _settled(self, since: float) -> list[float]:
        """When the fake Twilio took each text since then, once there are no more."""
        while True:
            taken = self._taken(since)
            if time() > (taken[-1] + SETTLED_SECONDS if taken else since + MOST_SECONDS):
                return taken
            sleep(0.5)

    def _taken(self, since: float) -> list[float]:
        with urllib.request.urlopen(
            f"{self._box.environment['TWILIO_API_URL']}/_inbox", timeout=10
        ) as answer:
            texts = json.load(answer)["data"]
        taken = (datetime.fromisoformat(text["sent_at"]).timestamp() for text in texts)
        return [at for at in taken if at >= since]


def cpu_of_parts(parent: int, parts: Mapping[str, str] = PARTS) -> dict[str, float]:
    """Seconds of CPU that each part of a sandbox, or another program's children, spent so far."""
    spent = dict.fromkeys(parts.values(), 0.0)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            command = (stat.parent / "cmdline").read_text()
        except OSError:  # it ended
            continue
        name = next((name for part, name in parts.items() if part in command), None)
        if name is not None and int(fields[1]) == parent:
            spent[name] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return spent


def delayed(runs: int, city: City, day: date, *, late: bool) -> Iterator[Run]:
    """So many vans, delayed one after the other; the first, which warms everything up, left out."""
    with Sandbox() as box:
        os.environ.update(box.environment)
        services, merchant = build(Settings.from_env(os.environ)), box.merchants[0]
        tenant = Tenant(merchant_id=merchant["merchant_id"], mode=Mode.TEST)
        street, road = Street(box, merchant["keys"]["secret"]), Road(services, tenant, day)
        road.open(city)
        street.ask("/v1/test/clock", {"now_at": iso_utc(road.left_at + MINUTE)})
        for number, route in enumerate(road.routes(city, runs + 1)):
            road.leave(route, late=late)
            run = street.delay(route.shift.shift_id, services.business_now(tenant))
            if number:
                yield run


def waits_ms(spent: Spent) -> float:
    """What a step would wait for AWS, each call after the other, all its texts together."""
    calls = dict(spent.calls)
    transactions = calls.pop("TransactWriteItems", 0)
    messages = sum(times for name, times in calls.items() if name.startswith("SendMessage"))
    others = sum(calls.values()) - messages
    return (
        others * ASSUMED["read_wait_ms"]
        + transactions * ASSUMED["write_wait_ms"]
        + messages * ASSUMED["queue_wait_ms"]
    )


def on_aws(spent: Mapping[str, Spent]) -> dict[str, float]:
    """Milliseconds that each stage would take there, at worst: a step's calls, and its CPU on a whole one.

    Texts go in batches of `BATCH`, as many batches at a time as there are, each text in a thread of its own.
    """
    one_after_the_other = {
        name: waits_ms(spent[name]) + spent[name].use.cpu_ms
        for name in ("event", "risk judged", "text decided")
    }
    sent = spent["text sent"]
    return {
        "event": one_after_the_other["event"],
        "risk judged": STREAM_POLL_MS + one_after_the_other["risk judged"],
        "texts decided": STREAM_POLL_MS + one_after_the_other["text decided"],
        "texts sent": ASSUMED["queue_wait_ms"]
        + waits_ms(sent) / sent.number
        + ASSUMED["text_wait_ms"]
        + BATCH * sent.cpu_ms,
    }


def show(title: str, values: Mapping[str, float]) -> None:
    """Print seconds by name."""
    print(f"  {title:14}" + "".join(f"{name} {value:.2f}   " for name, value in values.items()), flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--late", action="store_true", help="too late for what was promised, too")
    given = parser.parse_args(arguments)
    city, day = porto(roads=True), (datetime.now(ZONE) + timedelta(days=1)).date()
    print(f"  seconds from the event to the end of each stage (load {os.getloadavg()[0]:.1f})")
    found = list[Run]()
    for run in delayed(given.runs, city, day, late=given.late):
        found.append(run)
        show(f"{run.texts} texts", run.ends)
    for name, of in (("median", median), ("worst", max)):
        show(name, {stage: of([run.ends[stage] for run in found]) for stage in STAGES})
    cpu = {name: median(run.cpu[name] for run in found) for name in PARTS.values()}
    show("CPU", cpu | {"together": sum(cpu.values())})
    with offices() as office:
        [spent] = stages(office, city, Road(office.services, TENANT, day), 1)
    there = {stage: wait / 1000 for stage, wait in on_aws(spent).items()}
    show("on AWS", there | {"together": sum(there.values())})


if __name__ == "__main__":
    main()
