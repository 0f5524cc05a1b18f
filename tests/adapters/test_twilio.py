"""Texts through Twilio's own client, against the sandbox's fake Twilio."""

import socket
import threading

import pytest

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
        kwargs={"account": ACCOUNT, "auth_token": TOKEN},
        daemon=True,
    )
    thread.start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def sender(url: str, *, auth_token: str = TOKEN) -> TwilioSender:
    return TwilioSender(account_sid=ACCOUNT, auth_token=auth_token, sender=FROM, api_url=url)


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
    """Twilio says 401; it will say so again."""
    with pytest.raises(TextRefused):
        sender(url, auth_token="wrong").send("+12025550123", "Hello")
