"""Phones and the office of the demo's day: robo drivers on one side, the running sandbox on the other.

Every step of the day waits until the stream's consumer has told of it and no repair is under way; how far the
consumer is shows only in its log, and a wait has an end. Weak point: what is decided about a milestone may
reach the vans with the next one, so two runs of a seed can differ by a few minutes somewhere.
"""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final

from chalicelib.routing.model import Location, TimeWindow
from chalicelib.units import Timestamp
from infra.demo.storefront import ApiFailed, Storefront, wanted
from infra.sandbox.driver import Errand, Report, Sheet

SETTLES_WITHIN: Final = 60.0  # the slowest repair takes four
LOOK_SECONDS: Final = 0.01
_LEFT = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


class SandboxOffice:
    """The office: the test clock, and the workers behind the queues.

    Parameters
    ----------
    plan
        The plan whose day it is, as facts name it.
    home
        Folder of the sandbox's logs.
    sqs, queues
        boto3 client, and the URLs of the queues in which nothing may be left, by name.
    within
        Real seconds that the workers may take for what one driver reported.

    Attributes
    ----------
    repairs
        That were applied.
    """

    def __init__(
        self,
        storefront: Storefront,
        *,
        plan: str,
        home: Path,
        sqs: Any,
        queues: Mapping[str, str],
        within: float = SETTLES_WITHIN,
    ) -> None:
        self._storefront, self._plan = storefront, plan
        self._sqs, self._queues, self._within = sqs, queues, within
        self._facts = _Log(home / "publish_facts.log")
        self._repairs = _Log(home / "repair.log")
        self._clock: Timestamp = 0
        self._moved = monotonic()
        self._awaited = 0
        self.repairs = 0

    def move_to(self, at: Timestamp) -> None:
        """Move the business clock, which goes on by itself meanwhile and may be there already."""
        if at <= self._clock + (monotonic() - self._moved) + 1:
            return
        moment = datetime.fromtimestamp(at, UTC).isoformat()
        self._storefront.want("clock", "POST", "/v1/test/clock", {"now_at": moment})
        self._clock, self._moved = at, monotonic()

    def heard(self) -> None:
        """A milestone was accepted: the consumer will say so."""
        self._awaited += 1

    def settle(self) -> None:
        """Wait until what was reported has been looked at, and no repair is under way.

        Raises
        ------
        ApiFailed
            If that takes too long.
        """
        if not self._awaited:
            return
        self._wait("the stream's consumer did not come after the drivers", self._is_told)
        self.rest("repair")

    def rest(self, *queues: str) -> None:
        """Wait until these queues are empty and nobody works on what was in them."""
        for queue in queues:
            self._wait(f"the {queue} queue was not emptied", partial(self._is_empty, queue))
        self.repairs += sum(
            line.get("message") == "plan"
            and line.get("state") == "applied"
            and line.get("plan") == self._plan
            for line in self._repairs.fresh()
        )

    def _is_told(self) -> bool:
        for line in self._facts.fresh():
            told = zip(line.get("subjects", ()), line.get("facts", ()), strict=True)
            self._awaited -= sum(each == (self._plan, "shift.progressed") for each in told)
        self._awaited = max(self._awaited, 0)
        return not self._awaited

    def _is_empty(self, queue: str) -> bool:
        asked = self._sqs.get_queue_attributes(QueueUrl=self._queues[queue], AttributeNames=list(_LEFT))
        return all(asked["Attributes"][name] == "0" for name in _LEFT)

    def _wait(self, what: str, done: Callable[[], bool]) -> None:
        deadline, never = monotonic() + self._within, threading.Event()
        while not done():
            if monotonic() > deadline:
                raise ApiFailed(f"{what} within {self._within:.0f} s")
            never.wait(LOOK_SECONDS)


class SandboxPhone:
    """One driver's phone: holds the token of one shift, and nothing else."""

    def __init__(self, storefront: Storefront, office: SandboxOffice, shift_id: str) -> None:
        self._storefront, self._office = storefront, office
        self._path = f"/v1/shifts/{shift_id}"
        self._token = storefront.want("token", "POST", f"{self._path}/tokens", once=f"{shift_id}-token")[
            "token"
        ]
        self._sent = 0
        self.ignored = list[str]()

    def manifest(self) -> Sheet:
        """Read what is ahead."""
        found = self._ask("manifest", "GET", "manifest")
        ahead = tuple(
            Errand(
                promise_id=stop.get("promise_id"),
                location=Location(**stop["location"]),
                window=_window(stop["promised_window"]),
                expected_at=_at(stop["live_eta"]["expected_at"]) if stop["live_eta"] else None,
            )
            for stop in found["stops"]
            if stop["kind"] != "done" and stop["live_eta"] is not None
        )
        return Sheet(version=found["version"], ahead=ahead)

    def report(self, *reports: Report) -> None:
        """Send what happened, in one batch."""
        events = []
        for each in reports:
            self._sent += 1
            events.append({"event_id": f"e-{self._sent}", **each})
        answer = self._ask("events", "POST", "events", {"events": events})
        self.ignored += [f"{each['event_id']} {each['reason']}" for each in answer["ignored"]]
        ignored = {each["event_id"] for each in answer["ignored"]}
        if any(each["type"] != "position" and each["event_id"] not in ignored for each in events):
            self._office.heard()

    def _ask(self, name: str, method: str, path: str, body: Any = None) -> Mapping[str, Any]:
        path = f"{self._path}/{path}"
        answer = self._storefront.ask(name, method, path, body, key=self._token)
        return wanted(answer, f"{method} {path}")


class _Log:
    """The lines that a part of the sandbox adds to its log from now on."""

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, path.stat().st_size

    def fresh(self) -> list[dict[str, Any]]:
        """What was added since it was looked at last; a line that is not finished waits."""
        with self._path.open("rb") as log:
            log.seek(self._read)
            added = log.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._read += len(whole)
        return [json.loads(line) for line in whole.splitlines() if line.startswith(b"{")]


def _window(text: Mapping[str, str] | None) -> TimeWindow | None:
    return TimeWindow(start=_at(text["starts_at"]), end=_at(text["ends_at"])) if text else None


def _at(text: str) -> Timestamp:
    return round(datetime.fromisoformat(text).timestamp())
