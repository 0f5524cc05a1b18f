"""A shop's side of the HTTP: one connection kept open, keys, retries, and a stopwatch.

Browsers search and hold with the publishable key, the shop's server confirms with the secret one. Weak point:
retries wait on the calling thread, so a throttled client serves nobody else meanwhile.
"""

import http.client
import json
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

ATTEMPTS = 5
TIMEOUT_SECONDS = 60.0
_COME_BACK = (429, 503)


class ApiFailed(RuntimeError):
    """The API answered what a shop cannot go on with, or nothing at all."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API; `body` is empty where there is none."""

    status: int
    body: Mapping[str, Any]

    @property
    def good(self) -> bool:
        """Whether it is what was asked for."""
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """Code of the problem."""
        return str(self.body.get("code", self.status))


@dataclass(slots=True)
class Stopwatch:
    """Seconds of every answered request, by what it asked; threads may share it."""

    laps: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def lap(self, name: str, seconds: float) -> None:
        """Note one request."""
        self.laps[name].append(seconds)


class Storefront:
    """A client of the API, for one thread.

    Parameters
    ----------
    keys
        `{admin, secret, publishable}`.
    closing
        Set when the day is called off: waiting ends at once.
    pause_seconds
        Before the second attempt; longer each time.
    """

    def __init__(
        self,
        url: str,
        keys: Mapping[str, str],
        *,
        stopwatch: Stopwatch,
        closing: threading.Event,
        pause_seconds: float = 0.2,
    ) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "127.0.0.1", address.port or 80, timeout=TIMEOUT_SECONDS
        )
        self._keys, self._stopwatch = keys, stopwatch
        self._closing, self._pause_seconds = closing, pause_seconds

    def browser(
        self, name: str, method: str, path: str, body: Any = None, *, once: str | None = None
    ) -> Answer:
        """Ask as a web page would. See `ask`."""
        return self.ask(name, method, path, body, key=self._keys["publishable"], once=once)

    def server(
        self, name: str, method: str, path: str, body: Any = None, *, once: str | None = None
    ) -> Answer:
        """Ask as the shop's server would. See `ask`."""
        return self.ask(name, method, path, body, key=self._keys["secret"], once=once)

    def ask(
        self, name: str, method: str, path: str, body: Any, *, key: str, once: str | None = None
    ) -> Answer:
        """Send a request until it is answered.

        Parameters
        ----------
        name
            Under which the stopwatch notes it.
        once
            Idempotency-Key: a repetition after a lost answer has its effect only once.

        Raises
        ------
        ApiFailed
            If there was no answer, or a 5xx, also after `ATTEMPTS`.
        """
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        if once is not None:
            headers["Idempotency-Key"] = once
        sent = json.dumps(body) if body is not None else None
        trouble = "it was called off"
        for attempt in range(ATTEMPTS):
            if self._closing.wait(self._pause_seconds * attempt):
                break
            began = perf_counter()
            try:
                self._connection.request(method, path, sent, headers)
                response = self._connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                trouble = f"no answer ({type(error).__name__})"
                continue
            if response.status in _COME_BACK:
                trouble = _told(response.status, content)
                continue
            if response.status >= 500:
                raise ApiFailed(f"{method} {path}: {_told(response.status, content)}")
            self._stopwatch.lap(name, perf_counter() - began)
            return Answer(response.status, json.loads(content) if content else {})
        raise ApiFailed(f"{method} {path}: {trouble}")

    def want(
        self, name: str, method: str, path: str, body: Any = None, *, once: str | None = None
    ) -> Mapping[str, Any]:
        """Ask as the shop's server for what cannot be refused.

        Raises
        ------
        ApiFailed
            If it is refused all the same, with the reason.
        """
        return wanted(self.server(name, method, path, body, once=once), f"{method} {path}")

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def wanted(answer: Answer, what: str) -> Mapping[str, Any]:
    """Return the body of a good answer.

    Raises
    ------
    ApiFailed
        If it is not good, with the reason the API gave.
    """
    if not answer.good:
        raise ApiFailed(f"{what}: {_told(answer.status, json.dumps(answer.body).encode())}")
    return answer.body


def _told(status: int, content: bytes) -> str:
    """What a problem says of itself, on one line."""
    try:
        problem = json.loads(content)
        fields = "; ".join(f"{each['pointer']} {each['detail']}" for each in problem.get("errors", ()))
        told = f"{problem['code']}: {problem.get('detail', '')} {fields}"
    except (ValueError, KeyError, TypeError, AttributeError):
        told = content.decode(errors="replace")[:300]
    return f"{status} {told}".strip()
