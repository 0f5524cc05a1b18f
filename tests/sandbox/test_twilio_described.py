"""The fake Twilio, and what we ask of it, held to Twilio's own description of its API."""

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from jsonschema import Draft202012Validator

from chalicelib.adapters.secrets import Fixed, TwilioAccount
from chalicelib.adapters.twilio import TwilioSender
from chalicelib.notifications.carrier import Outgoing, Taken
from infra.sandbox import fake_twilio
from infra.sandbox.twilio_fields import FIELDS, fields_of

ACCOUNT, TOKEN, FROM = "AC" + "0" * 32, "a-token-of-the-tests", "+15005550006"
DESCRIBED: dict[str, Any] = json.loads(FIELDS.read_text("utf-8"))


def faults_of(content: dict[str, Any], part: str) -> list[str]:
    """What a program that knows the description would say of this."""
    schema = {"properties": DESCRIBED[part], "additionalProperties": False}
    return [error.message for error in Draft202012Validator(schema).iter_errors(content)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = {"account": ACCOUNT, "auth_tokens": [TOKEN]}
        threading.Thread(target=fake_twilio.serve, args=(listener,), kwargs=serving, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def asked(url: str, path: str, form: dict[str, str] | None = None) -> dict[str, Any]:
    address = f"{url}/2010-04-01/Accounts/{ACCOUNT}/{path}"
    answer = requests.request("POST" if form else "GET", address, data=form, auth=(ACCOUNT, TOKEN), timeout=5)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("ends", ["delivered", "undelivered:30003", "failed:30008"])
def test_what_the_fake_answers_is_what_twilio_describes(url: str, ends: str) -> None:
    """A text as it is taken, by a number or a service, looked up and listed, and one that came in.

    Every field is known, typed, spelled as described.
    """
    requests.post(f"{url}/_plan", data={"faults": ends}, timeout=5)
    form = {"To": "+12025550123", "From": FROM, "Body": "Hello", "StatusCallback": "https://slots.example/x"}
    taken = asked(url, "Messages.json", form)
    requests.post(
        f"{url}/_reply", data={"From": "+12025550199", "To": "+12025550123", "Body": "Hi"}, timeout=5
    )
    service = {"To": "+12025550123", "MessagingServiceSid": f"MG{'0' * 32}", "Body": "Hello"}
    accepted = asked(url, "Messages.json", service)
    listed = asked(url, "Messages.json?To=%2B12025550123&PageSize=2&Page=0")
    texts = [taken, accepted, asked(url, f"Messages/{taken['sid']}.json"), *listed.pop("messages")]
    assert [faults_of(text, "text") for text in texts] == [[]] * len(texts)
    assert faults_of(listed, "page") == []
    assert all(DESCRIBED["text"].keys() == text.keys() for text in texts)


def test_what_we_ask_is_what_twilio_describes() -> None:
    """Our request, as Twilio's own client writes it, has described fields only."""
    forms: list[dict[str, Any]] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                length = 0
                while (line := lines.readline().strip().lower()) != b"":
                    if line.startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                forms.append(dict(parse_qsl(lines.read(length).decode())))

        listening = threading.Thread(target=listen, daemon=True)
        listening.start()
        account = TwilioAccount(account_sid=ACCOUNT, auth_tokens=(TOKEN,), sender=FROM)
        here = f"http://127.0.0.1:{listener.getsockname()[1]}"
        text = Outgoing(
            to="+12025550123",
            body="Hello",
            sender=None,
            callback_url="https://slots.example/twilio/status?o=x",
            valid_for=36_000,
        )
        assert not isinstance(TwilioSender(Fixed(account), api_url=here).send(text), Taken)
        listening.join(5)
    [form] = forms
    assert form.keys() == {"To", "From", "Body", "StatusCallback", "ValidityPeriod"}
    assert faults_of({**form, "ValidityPeriod": int(form["ValidityPeriod"])}, "asked") == []


@pytest.mark.parametrize(
    "wrong",
    [{"status": "teleported"}, {"num_segments": 1}, {"sid": "SM7"}, {"error_code": "30003"}, {"later": 1}],
)
def test_an_answer_twilio_would_not_give_is_noticed(url: str, wrong: dict[str, Any]) -> None:
    """Control: another word, another type, another shape, a field nobody described."""
    taken = asked(url, "Messages.json", {"To": "+12025550123", "From": FROM, "Body": "Hello"})
    assert faults_of(taken | wrong, "text")


def test_of_a_description_only_what_can_be_checked_is_kept() -> None:
    """No sentence of it."""
    part = {"type": "string", "nullable": True, "description": "words", "pattern": "^SM"}
    schema = {"properties": {"sid": part}}
    form, page = {"application/x-www-form-urlencoded": {"schema": schema}}, {"schema": schema}
    told = fields_of(
        {
            "paths": {
                "/2010-04-01/Accounts/{AccountSid}/Messages.json": {
                    "post": {"requestBody": {"content": form}},
                    "get": {"responses": {"200": {"content": {"application/json": page}}}},
                }
            },
            "components": {"schemas": {"api.v2010.account.message": schema}},
        }
    )
    checked = {"sid": {"type": ["string", "null"], "pattern": "^SM"}}
    assert told["asked"] == told["text"] == told["page"] == checked
    assert "words" not in FIELDS.read_text("utf-8")
