"""The demo's client: patient with a busy API, exact about a refusal, never twice."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from infra.demo.storefront import ApiFailed, Stopwatch, Storefront

KEYS = {"publishable": "pk", "secret": "sk", "admin": "ak"}
HANG_UP = 0


class Counter(BaseHTTPRequestHandler):
    """Answers what the test has put on the counter, one after the other."""

    protocol_version = "HTTP/1.1"
    answers: ClassVar[list[tuple[int, Any]]]
    asked: ClassVar[list[tuple[str, str, str]]]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.asked.append((self.path, self.headers["Authorization"], self.headers["Idempotency-Key"]))
        status, body = self.answers.pop(0)
        if status == HANG_UP:
            self.close_connection = True
            return
        content = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def counter() -> Iterator[tuple[type[Counter], Storefront, Stopwatch, threading.Event]]:
    class Own(Counter):
        answers: ClassVar = []
        asked: ClassVar = []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    stopwatch, closing = Stopwatch(), threading.Event()
    url = f"http://127.0.0.1:{server.server_port}"
    storefront = Storefront(url, KEYS, stopwatch=stopwatch, closing=closing, pause_seconds=0)
    yield Own, storefront, stopwatch, closing
    storefront.close()
    server.shutdown()
    server.server_close()
    serving.join()


type Fixture = tuple[type[Counter], Storefront, Stopwatch, threading.Event]


def test_busy_api_is_asked_again_with_the_same_key(counter: Fixture) -> None:
    """503, 429 and a lost connection are no answers; the repetition can have no second effect."""
    own, storefront, stopwatch, _ = counter
    own.answers += [(503, {}), (HANG_UP, None), (429, {}), (201, {"hold_id": "hold_1"})]
    answer = storefront.browser("hold", "POST", "/v1/holds", {}, once="cart-1")
    assert answer.body == {"hold_id": "hold_1"}
    assert own.asked == [("/v1/holds", "Bearer pk", "cart-1")] * 4
    assert len(stopwatch.laps["hold"]) == 1


def test_refusal_is_an_answer(counter: Fixture) -> None:
    """A 409 is for the shopper to go on with."""
    own, storefront, _, _ = counter
    own.answers += [(409, {"code": "slot_taken", "alternatives": []})]
    answer = storefront.browser("hold", "POST", "/v1/holds", {})
    assert (answer.good, answer.code) == (False, "slot_taken")


def test_bug_of_the_api_ends_the_demo_with_its_words(counter: Fixture) -> None:
    """A 500 is not tried again: whoever runs the demo shall see it."""
    own, storefront, _, _ = counter
    own.answers += [(500, {"code": "internal", "detail": "We made a mistake."})]
    with pytest.raises(ApiFailed, match="POST /v1/promises: 500 internal: We made a mistake"):
        storefront.server("confirm", "POST", "/v1/promises", {})


def test_what_cannot_be_refused_says_which_field_was(counter: Fixture) -> None:
    """A wrong fleet is a mistake of ours, and the API names the place."""
    own, storefront, _, _ = counter
    errors = [{"pointer": "/slots/0/ends", "detail": "is missing"}]
    own.answers += [(422, {"code": "invalid_request", "detail": "Not valid.", "errors": errors})]
    with pytest.raises(ApiFailed, match=r"422 invalid_request: Not valid\. /slots/0/ends is missing"):
        storefront.want("describe", "POST", "/v1/depots/d", {})


def test_api_that_stays_away_is_given_up(counter: Fixture) -> None:
    """Five times is enough."""
    own, storefront, _, _ = counter
    own.answers += [(503, None)] * 9
    with pytest.raises(ApiFailed, match="503"):
        storefront.server("confirm", "POST", "/v1/promises", {})
    assert len(own.asked) == 5


def test_day_that_is_called_off_asks_nothing_more(counter: Fixture) -> None:
    """Ctrl-C shall not wait for a queue of requests."""
    own, storefront, _, closing = counter
    closing.set()
    with pytest.raises(ApiFailed, match="called off"):
        storefront.server("confirm", "POST", "/v1/promises", {})
    assert own.asked == []
