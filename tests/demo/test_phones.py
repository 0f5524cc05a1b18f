"""Robo drivers' phones and the office behind them, as far as they can be tried without a sandbox."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.demo.phones import SandboxOffice, SandboxPhone
from infra.demo.storefront import Answer, ApiFailed, Stopwatch, Storefront

PLAN = "porto/2026-11-24"
SHOP_KEYS = {"admin": "a", "secret": "s", "publishable": "p"}


class Shopless(Storefront):
    """A client whose requests go nowhere; `answers` has what comes back, by method and path."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        super().__init__("http://127.0.0.1:9", SHOP_KEYS, stopwatch=Stopwatch(), closing=threading.Event())
        self._answers = answers
        self.asked = list[tuple[str, Any, str]]()

    def ask(
        self, name: str, method: str, path: str, body: Any, *, key: str, once: str | None = None
    ) -> Answer:
        self.asked.append((f"{method} {path}", body, key))
        return Answer(200, self._answers[f"{method} {path}"])


class Queues:
    """A boto3 client of SQS with so many messages left, one fewer with every look."""

    def __init__(self, left: int = 0) -> None:
        self.left = left

    def get_queue_attributes(self, **_: Any) -> Any:
        self.left, left = max(self.left - 1, 0), self.left
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return {"Attributes": dict(zip(names, ("0", str(left)), strict=True))}


def office(home: Path, storefront: Storefront, queues: Queues, within: float = 5.0) -> SandboxOffice:
    for name in ("publish_facts", "repair"):
        (home / f"{name}.log").write_text("the log of a part that has just started\n")
    urls = {"repair": "http://queue"}
    return SandboxOffice(storefront, plan=PLAN, home=home, sqs=queues, queues=urls, within=within)


def note(home: Path, name: str, **line: Any) -> None:
    with (home / f"{name}.log").open("a") as log:
        log.write(json.dumps(line) + "\n")


def test_the_day_waits_for_the_stream_and_for_a_repair(tmp_path: Path) -> None:
    """A milestone was told of, the queue is empty, the repair is counted: only then does it go on."""
    queues = Queues(left=3)
    behind = office(tmp_path, Shopless({}), queues)
    behind.heard()
    note(tmp_path, "publish_facts", message="facts", facts=["shift.progressed"], subjects=["maia/2026-11-24"])
    note(tmp_path, "publish_facts", message="facts", facts=["shift.progressed"], subjects=[PLAN])
    note(tmp_path, "repair", message="plan", plan=PLAN, state="applied")
    behind.settle()
    assert queues.left == 0
    assert behind.repairs == 1


def test_workers_that_do_not_come_after_are_a_failure(tmp_path: Path) -> None:
    """CONTROL: the fact of another plan is not the one that is waited for."""
    behind = office(tmp_path, Shopless({}), Queues(), within=0.1)
    behind.heard()
    note(tmp_path, "publish_facts", message="facts", facts=["shift.progressed"], subjects=["maia/2026-11-24"])
    with pytest.raises(ApiFailed, match="did not come after"):
        behind.settle()


def test_nobody_waits_where_nothing_was_reported(tmp_path: Path) -> None:
    """A position changes no plan."""
    office(tmp_path, Shopless({}), Queues(left=1_000), within=0.1).settle()


def test_the_clock_is_moved_only_forward(tmp_path: Path) -> None:
    """It goes on by itself meanwhile, so it may be later already than the next thing that happens."""
    shop = Shopless({"POST /v1/test/clock": {}})
    behind = office(tmp_path, shop, Queues())
    for at in (1_795_000_000, 1_794_999_000, 1_795_000_000, 1_795_000_600):
        behind.move_to(at)
    assert [body["now_at"][11:19] for _, body, _ in shop.asked] == ["11:06:40", "11:16:40"]


def test_a_phone_knows_its_shift_and_nothing_else(tmp_path: Path) -> None:
    """It reads and reports with the token; what is ahead has no more than a driver needs."""
    here = {"lat": 41.1, "lon": -8.6}
    window = {"starts_at": "2026-11-24T10:00:00+00:00", "ends_at": "2026-11-24T12:00:00+00:00"}
    eta = {"expected_at": "2026-11-24T10:30:00+00:00"}
    stops = [
        {"kind": "done", "promise_id": "p1", "location": here, "promised_window": window, "live_eta": None},
        {"kind": "meeting", "location": here, "promised_window": None, "live_eta": eta},
        {
            "kind": "promised",
            "promise_id": "p2",
            "location": here,
            "promised_window": window,
            "live_eta": eta,
        },
    ]
    ignored = [{"event_id": "e-1", "reason": "impossible_jump"}]
    shop = Shopless(
        {
            "POST /v1/shifts/s1/tokens": {"token": "the-token"},
            "GET /v1/shifts/s1/manifest": {"version": 3, "stops": stops},
            "POST /v1/shifts/s1/events": {"ignored": ignored},
        }
    )
    behind = office(tmp_path, shop, Queues(), within=0.1)
    phone = SandboxPhone(shop, behind, "s1")
    sheet = phone.manifest()
    assert (sheet.version, [errand.promise_id for errand in sheet.ahead]) == (3, [None, "p2"])
    phone.report({"type": "position", "at": "2026-11-24T10:00:00+00:00", **here})
    assert phone.ignored == ["e-1 impossible_jump"]
    behind.settle()  # an ignored position is waited for by nobody
    assert [key for _, _, key in shop.asked] == ["s", "the-token", "the-token"]
