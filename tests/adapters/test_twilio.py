"""Texts through Twilio's own client, against the sandbox's fake Twilio."""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from twilio.http.http_client import TwilioHttpClient

from chalicelib.adapters.secrets import Fixed, TwilioAccount
from chalicelib.adapters.twilio import KEPT_SECONDS, LONGEST_CALL, TwilioSender, sandbox_inbox, sandbox_reply
from chalicelib.errors import Upstream
from chalicelib.notifications.carrier import NotProcessed, Outgoing, Refused, Taken, Unanswered
from infra.sandbox import fake_twilio, twilio_texts

ACCOUNT = "AC" + "0" * 32
TOKEN = "secret-of-a-test"
FROM = "+15005550006"
SID = f"SM{1:032x}"


@pytest.fixture(scope="module")
def url() -> str:
    listener = socket.create_server(("127.0.0.1", 0))
    serving = {"account": ACCOUNT, "auth_tokens": [TOKEN], "slow_seconds": 0.5}
    threading.Thread(target=fake_twilio.serve, args=(listener,), kwargs=serving, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def account(*tokens: str) -> TwilioAccount:
    return TwilioAccount(account_sid=ACCOUNT, auth_tokens=tokens, sender=FROM)


def sender(url: str, *tokens: str) -> TwilioSender:
    return TwilioSender(Fixed(account(*tokens or (TOKEN,))), api_url=url)


def a_text(to: str = "+12025550123", body: str = "Hello", **more: Any) -> Outgoing:
    told = {"sender": None, "callback_url": "https://slots.example/twilio/status?o=x", "valid_for": 600}
    return Outgoing(to=to, body=body, **told | more)


def planned(url: str, *faults: str) -> None:
    """Have the next texts go wrong."""
    requests.post(f"{url}/_plan", data={"faults": ",".join(faults)}, timeout=5).raise_for_status()


def test_a_text_arrives_in_the_inbox(url: str) -> None:
    """What Twilio took is what the buyer reads."""
    answer = sender(url).send(a_text())
    assert isinstance(answer, Taken)
    (text,) = sandbox_inbox(url, "+12025550123")
    assert (text["sid"], text["to"], text["from"]) == (answer.sid, "+12025550123", FROM)
    assert text["body"] == "Hello"


def test_a_merchants_own_sender_is_texted_from(url: str) -> None:
    """A number as such, a messaging service as such."""
    service = "MG" + "0" * 32
    for own, phone in (("+12025550100", "+12025550131"), (service, "+12025550132")):
        assert isinstance(sender(url).send(a_text(phone, sender=own)), Taken)
        (text,) = sandbox_inbox(url, phone)
        assert text["from"] == own


@pytest.mark.parametrize("number", sorted(twilio_texts.MAGIC_TO))
def test_a_number_twilio_refuses_is_refused_for_good(url: str, number: str) -> None:
    """The code is kept, and nothing of the words that quote the number."""
    code, _ = twilio_texts.MAGIC_TO[number]
    assert sender(url).send(a_text(number)) == Refused(code=str(code))


def test_f15_a_busy_twilio_says_when_to_come_back(url: str) -> None:
    """F15: 429 was never processed; its Retry-After is heard, and not heard again later."""
    planned(url, "429")
    one = sender(url)
    assert one.send(a_text("+12025550140")) == NotProcessed(after=1)
    assert isinstance(one.send(a_text("+12025550140")), Taken)
    assert len(sandbox_inbox(url, "+12025550140")) == 1


FAULTS = [
    ("500", 0),
    ("html503", 0),
    ("drop_before", 0),
    ("500_after", 1),
    ("drop_after", 1),
    ("no_json", 1),
    ("badshape", 1),
    ("slow", 1),
]


@pytest.mark.parametrize(("fault", "taken"), FAULTS)
def test_f16_f17_whatever_breaks_is_a_doubt_and_the_list_settles_it(url: str, fault: str, taken: int) -> None:
    """F16, F17: errors, hang-ups, half answers; nothing is repeated, and the list says what was taken."""
    phone = f"+120255502{FAULTS.index((fault, taken)):02}"
    planned(url, fault)
    one = sender(url)
    assert one.send(a_text(phone)) == Unanswered()
    seen = one.sent_to(phone)
    assert len(seen) == len(sandbox_inbox(url, phone)) == taken
    for each in seen:
        assert (each.body, abs(each.created_at - time.time()) < 60) == ("Hello", True)
        found = one.sighting(each.sid)
        assert found is not None
        assert found.word == "delivered"


def test_f17_an_answer_that_never_comes_is_not_waited_for() -> None:
    """F17: connected, taken, silent: the call ends when its time is up, far inside the function's."""
    with socket.create_server(("127.0.0.1", 0)) as dumb:
        url = f"http://127.0.0.1:{dumb.getsockname()[1]}"
        impatient = TwilioSender(Fixed(account(TOKEN)), api_url=url, seconds=(0.2, 0.2))
        assert impatient.send(a_text()) == Unanswered()
    assert 3 * LONGEST_CALL < 60


def test_f17_without_a_bound_twilios_client_would_wait_for_ever() -> None:
    """F17 control: its own default is no time-out at all."""
    assert TwilioHttpClient().timeout is None


class Forgotten(BaseHTTPRequestHandler):
    """A line to Twilio that a NAT forgot: what comes behind a first text is reset unread."""

    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        self.handle_one_request()
        if self.connection.recv(1, socket.MSG_PEEK):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no FIN
            self.connection.close()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"sid": SID, "status": "queued"}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def forgetful() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Forgotten) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("pause", [KEPT_SECONDS + 1, 3600.0, -3600.0])
def test_a_text_after_a_pause_is_not_given_to_a_dead_connection(forgetful: str, pause: float) -> None:
    """What a NAT forgot, or a function slept over, is not used again, also where a clock was set back."""
    now = [1000.0]
    one = TwilioSender(Fixed(account(TOKEN)), api_url=forgetful, clock=lambda: now[0])
    for _ in range(3):
        assert one.send(a_text()) == Taken(sid=SID, word="queued")
        now[0] += pause


def test_a_dead_connection_that_is_used_again_leaves_a_doubt(forgetful: str) -> None:
    """CONTROL: no time goes by for the sender, so it keeps its connection: nobody reads the second text."""
    one = TwilioSender(Fixed(account(TOKEN)), api_url=forgetful, clock=lambda: 1000.0)
    assert one.send(a_text()) == Taken(sid=SID, word="queued")
    assert one.send(a_text()) == Unanswered()


def test_no_connection_is_no_doubt() -> None:
    """Nobody listens: the text was never sent, and may be again."""
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    one = sender(f"http://127.0.0.1:{port}")
    assert one.send(a_text()) == NotProcessed(reached=False)
    for ask in (
        lambda: one.sent_to("+12025550123"),
        lambda: one.sighting("SM1"),
        lambda: sandbox_inbox(f"http://127.0.0.1:{port}", None),
        lambda: sandbox_reply(f"http://127.0.0.1:{port}", phone="+12025550123", to=FROM, body="1"),
    ):
        with pytest.raises(Upstream):
            ask()


def test_bad_credentials_are_refused(url: str) -> None:
    """Twilio was asked with every token there is, looked up once more."""
    assert sender(url, "wrong").send(a_text()) == Refused(code="20003")
    with pytest.raises(Upstream):
        sender(url, "wrong").sent_to("+12025550123")


def test_a_text_twilio_does_not_have_is_nowhere(url: str) -> None:
    """404 is an answer."""
    assert sender(url).sighting("SM" + "f" * 32) is None


class Unreadable:
    """An account that cannot be read."""

    def current(self) -> TwilioAccount:
        raise Upstream("No answer.")

    def renewed(self) -> TwilioAccount:
        raise Upstream("No answer.")


def test_account_that_cannot_be_read_sends_nothing() -> None:
    """The text may be sent when it can."""
    one = TwilioSender(Unreadable(), api_url="http://127.0.0.1:9")
    assert one.send(a_text()) == NotProcessed(reached=False)


def test_f36_either_of_two_tokens_sends(url: str) -> None:
    """F36: while tokens are exchanged one may not be good yet, or not any more; the text goes out once."""
    answer = sender(url, "not good yet", TOKEN).send(a_text("+12025550177"))
    assert isinstance(answer, Taken)
    assert [text["sid"] for text in sandbox_inbox(url, "+12025550177")] == [answer.sid]


@dataclass
class Learning:
    """An account whose good token is only found when it is looked up again."""

    looked_again: int = 0

    def current(self) -> TwilioAccount:
        return account("not good any more")

    def renewed(self) -> TwilioAccount:
        self.looked_again += 1
        return account(TOKEN, "not good any more")


def test_token_we_have_not_heard_of_yet_is_looked_up(url: str) -> None:
    """Twilio dropped the old one before this process has read the new one."""
    learning = Learning()
    assert isinstance(TwilioSender(learning, api_url=url).send(a_text("+12025550178")), Taken)
    assert learning.looked_again == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, b"<html>OK</html>"),
        (201, b"\xff\xfe"),
        (201, b"[]"),
        (201, b"{}"),
        (201, b'{"sid": 7}'),
        (201, b'{"sid": "SM1; DROP"}'),
        (200, b'{"sid": null}'),
        (302, b""),
        (400, b"not JSON"),
        (503, b"<html>Busy</html>"),
    ],
)
def test_an_answer_that_is_not_twilios_is_no_text_sent(status: int, body: bytes) -> None:
    """Whether it was taken is not known, but for what says that it refuses; no SID is made up."""

    class Odd(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        answer = sender(f"http://127.0.0.1:{server.server_port}").send(a_text())
    finally:
        server.shutdown()
        server.server_close()
    assert answer in (Unanswered(), Refused(code="400"))


def test_calls_at_once_are_answered_each_for_itself(url: str) -> None:
    """Threads share a sender; whose text it was stands behind each id."""
    one, phones = sender(url), [f"+120255501{number:02d}" for number in range(60, 90)]
    with ThreadPoolExecutor(8) as threads:
        answers = dict(zip(phones, threads.map(lambda phone: one.send(a_text(phone)), phones), strict=True))
    for phone, answer in answers.items():
        assert isinstance(answer, Taken)
        assert answer.sid in {text["sid"] for text in sandbox_inbox(url, phone)}


def test_twilios_own_client_may_give_one_call_the_answer_of_another(url: str) -> None:
    """CONTROL: what it answers it keeps in itself first, so threads that share one would mix up their ids."""

    class Shared(TwilioHttpClient):
        """Both calls have their answers before either returns."""

        both = threading.Barrier(2, timeout=5)

        @property
        def _test_only_last_response(self) -> Any:
            return self.kept

        @_test_only_last_response.setter
        def _test_only_last_response(self, answer: Any) -> None:
            if answer is not None:
                self.kept = answer
                self.both.wait()

    http, inbox = Shared(), f"{url}/_inbox?phone=%2B120255501"
    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(http.request, "GET", f"{inbox}{number}") for number in ("91", "92")]
        first, second = (each.result() for each in asked)
    assert first is second
