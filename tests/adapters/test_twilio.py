"""Texts through Twilio's own client, against the sandbox's fake Twilio."""

import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from chalicelib.adapters.secrets import Fixed, TwilioAccount
from chalicelib.adapters.twilio import TwilioSender, sandbox_inbox
from chalicelib.errors import Upstream
from chalicelib.notifications.service import TextRefused
from infra.sandbox import fake_twilio

ACCOUNT = "AC" + "0" * 32
TOKEN = "secret-of-a-test"
FROM = "+15005550006"


@pytest.fixture(scope="module")
def url() -> str:
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(
        target=fake_twilio.serve,
        args=(listener,),
        kwargs={"account": ACCOUNT, "auth_tokens": [TOKEN]},
        daemon=True,
    )
    thread.start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def account(*tokens: str) -> TwilioAccount:
    return TwilioAccount(account_sid=ACCOUNT, auth_tokens=tokens, sender=FROM)


def sender(url: str, *tokens: str) -> TwilioSender:
    return TwilioSender(Fixed(account(*tokens or (TOKEN,))), api_url=url)


def test_a_text_arrives_in_the_inbox(url: str) -> None:
    """What Twilio took is what the buyer reads."""
    sid = sender(url).send("+12025550123", "Hello")
    (text,) = sandbox_inbox(url, "+12025550123")
    assert (text["sid"], text["to"], text["from"], text["body"]) == (sid, "+12025550123", FROM, "Hello")


@pytest.mark.parametrize(("number", "code"), [("+15005550001", "21211"), ("+15005550009", "21614")])
def test_a_number_twilio_refuses_is_refused_for_good(url: str, number: str, code: str) -> None:
    """The code is kept, the number is not in the error's words."""
    with pytest.raises(TextRefused) as refused:
        sender(url).send(number, "Hello")
    assert refused.value.code == code
    assert number not in str(refused.value)


def test_no_answer_is_upstream_and_not_repeated() -> None:
    """A POST that was not answered may have been taken."""
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    with pytest.raises(Upstream):
        sender(f"http://127.0.0.1:{port}").send("+12025550123", "Hello")
    with pytest.raises(Upstream):
        sandbox_inbox(f"http://127.0.0.1:{port}", None)


def test_bad_credentials_are_refused(url: str) -> None:
    """Twilio was asked with every token there is, looked up once more; the text is recorded as failed."""
    with pytest.raises(TextRefused) as refused:
        sender(url, "wrong").send("+12025550123", "Hello")
    assert refused.value.code == "20003"


class Unreadable:
    """An account that cannot be read."""

    def current(self) -> TwilioAccount:
        raise Upstream("No answer.")

    def renewed(self) -> TwilioAccount:
        raise Upstream("No answer.")


def test_account_that_cannot_be_read_is_found_out_before_a_text_is_claimed() -> None:
    """There is no sender then, so the fact comes again; a claimed text would be left without one."""
    with pytest.raises(Upstream):
        TwilioSender(Unreadable(), api_url="http://127.0.0.1:9")


def test_either_of_two_tokens_sends(url: str) -> None:
    """While tokens are exchanged one of them may not be good yet, or not any more; the text goes out once."""
    sent = sender(url, "not good yet", TOKEN).send("+12025550177", "Hello")
    assert [text["sid"] for text in sandbox_inbox(url, "+12025550177")] == [sent]


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
    assert TwilioSender(learning, api_url=url).send("+12025550123", "Hello")
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
    """Whether it was taken is not known: upstream, or refused, and never a made-up SID."""

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
        with pytest.raises((Upstream, TextRefused)) as failed:
            sender(f"http://127.0.0.1:{server.server_port}").send("+12025550123", "Hello")
    finally:
        server.shutdown()
        server.server_close()
    assert "+12025550123" not in str(failed.value)
