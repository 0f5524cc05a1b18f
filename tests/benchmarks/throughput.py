"""What each text and each reply costs, step by step, and how texts and replies grow: backlogs, workers.

    python -m tests.benchmarks.throughput --backlogs 100,1000,5000 --workers 1,2,4,8

First a van's delay, its texts, what Twilio says of them, and replies go through the deployed handlers in
this process. Calls and units do not depend on the machine, CPU hardly does. Then backlogs of texts are sent,
by this process and by so many others at once, as Lambda would. Weak point: the emulated AWS and the fake
Twilio are one process each and share the cores with the workers; so it is said who spent the CPU.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import batched, count
from pathlib import Path
from time import sleep, time
from typing import Final

from chalicelib.events import Actor, Fact, FactKind
from chalicelib.fleet.ids import promise_id
from chalicelib.motion.store import MotionChanges
from chalicelib.routing.model import TimeWindow
from chalicelib.units import HOUR, MINUTE
from infra.sandbox.children import Child, stop
from tests.benchmarks.days import ZONE, porto
from tests.benchmarks.delayed import cpu_of_parts
from tests.benchmarks.delayed_van import DEPOT, Road
from tests.benchmarks.office import HEAD, TENANT, Office, Spent, offices, stages
from tests.promises.shop import an_order
from tests.promises.store_contract import a_promise

AT_ONCE: Final = 20  # promises written in one transaction, and told in one event
FOR_EACH_WORKER: Final = 200
MOST_SECONDS: Final = 300.0
PARTS: Final = {"send_texts": "workers", "ministack": "AWS", "fake_twilio": "Twilio"}
_stop_ids = count((int(time()) % 1_000_000) * 1_000_000)


def told(office: Office, number: int) -> Iterator[Spent]:
    """Let so many buyers be due a text, and put these into the queue."""
    now = office.services.business_now(TENANT)
    promised = TimeWindow(start=now, end=now + 8 * HOUR)
    window = TimeWindow(start=now + HOUR, end=now + HOUR + 30 * MINUTE)
    for some in batched([next(_stop_ids) for _ in range(number)], AT_ONCE):
        promises = tuple(
            a_promise(
                stop_id,
                depot_id=DEPOT,
                order=an_order(f"order-{stop_id}"),
                window=promised,
                told_window=promised,
                foreseen=window,
                tracking_token=f"t{stop_id}",
            )
            for stop_id in some
        )
        office.services.store.commit_motion(TENANT, MotionChanges(promises=promises))
        facts = [
            Fact(
                kind=FactKind.PROMISE_EXPECTED,
                at=now,
                actor=Actor.SYSTEM,
                subject=promise_id(stop_id),
                sequence=2,
                data={},
            )
            for stop_id in some
        ]
        yield office.spent(
            len(some), lambda facts=facts: office.services.notifications.react(TENANT, facts, now)
        )  # type: ignore[misc]


def backlog(office: Office, number: int) -> tuple[Spent, Spent]:
    """Send so many texts one batch after the other; gives what the first hundred used, and the last."""
    for _ in told(office, number):
        pass
    jobs = office.waiting()
    parts = [jobs[at : at + 100] for at in range(0, len(jobs), 100)]
    spent = [office.spent(len(part), lambda part=part: office.send(part)) for part in parts]  # type: ignore[misc]
    office.meter.outbox.clear()
    return spent[0], spent[-1]


def emptied(office: Office, workers: int, number: int) -> tuple[float, dict[str, float]]:
    """Let workers empty the queue; gives seconds from the first text to the last, and who spent the CPU."""
    for _ in told(office, number):
        pass
    office.meter.outbox.clear()
    before, began = len(office.taken()), time()
    environment = {**os.environ, **office.environment}
    command = [sys.executable, "-m", "infra.sandbox.consumers", "send_texts"]
    with tempfile.TemporaryDirectory() as logs:
        spent = cpu_of_parts(os.getpid(), PARTS)
        children = [
            Child(f"worker-{at}", command, environment=environment, logs=Path(logs)) for at in range(workers)
        ]
        try:
            while len(taken := office.taken()[before:]) < number:
                for child in children:
                    child.check()
                if time() > began + MOST_SECONDS:
                    raise RuntimeError(f"only {len(taken)} of {number} texts were taken")
                sleep(0.5)
            cpu = {name: used - spent[name] for name, used in cpu_of_parts(os.getpid(), PARTS).items()}
        finally:
            stop(children)
    times = sorted(datetime.fromisoformat(text["sent_at"]).timestamp() for text in taken)
    return times[-1] - times[0], cpu


def numbers(text: str) -> list[int]:
    """Read a list of whole numbers."""
    return [int(each) for each in text.split(",") if each]


def show_steps(office: Office, vans: int) -> None:
    """Print what each step uses, by the text."""
    city, day = porto(roads=True), (datetime.now(ZONE) + timedelta(days=1)).date()
    for nth, spent in enumerate(stages(office, city, Road(office.services, TENANT, day), vans)):
        if nth == vans - 1:
            print(f"  {HEAD}")
            for name, step in spent.items():
                print(f"  {name:16}{step.line()}", flush=True)
            for name in ("text sent", "heard: delivered", "reply taken in", "reply acted on"):
                print(f"  {name:16}{1000 / spent[name].cpu_ms:6.0f} in a second of CPU")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vans", type=int, default=2)
    parser.add_argument("--backlogs", type=numbers, default=[100, 1000])
    parser.add_argument("--workers", type=numbers, default=[1, 2, 4, 8])
    given = parser.parse_args(arguments)
    with offices() as office:
        show_steps(office, given.vans)
        print("\n  texts that wait: CPU ms and calls of the store for each of the first and the last hundred")
        for number in given.backlogs:
            first, last = backlog(office, number)
            cpu, calls = (
                f"{first.cpu_ms:10.1f}{last.cpu_ms:8.1f}",
                f"{first.store_calls:10.1f}{last.store_calls:8.1f}",
            )
            print(f"  {number:6}{cpu}{calls}", flush=True)
        print("\n  workers: texts a second, and milliseconds of CPU for each: workers, AWS, Twilio")
        for workers in given.workers:
            number = FOR_EACH_WORKER * max(workers, 2) // 2
            seconds, cpu = emptied(office, workers, number)
            each = "".join(f"{1000 * spent / number:8.1f}" for spent in cpu.values())
            print(f"  {workers:6}{number / seconds:8.1f}   {each}", flush=True)


if __name__ == "__main__":
    main()
