"""The fake Twilio answers the way the real one does, as far as we use it."""

import base64
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from infra.sandbox.fake_twilio import serve
from infra.sandbox.twilio_texts import segments

ACCOUNT, TOKEN = "AC" + "0" * 32, "a-token-of-the-tests"
FROM = "+15005550006"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        credentials = {"account": ACCOUNT, "auth_tokens": [TOKEN]}
        threading.Thread(target=serve, args=(listener,), kwargs=credentials, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def asked(url: str, path: str, form: Mapping[str, str] | None = None, token: str = TOKEN) -> tuple[int, Any]:
    credentials = base64.b64encode(f"{ACCOUNT}:{token}".encode()).decode()
    body = urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(url + path, body, {"Authorization": f"Basic {credentials}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"


def text(to: str, body: str = "Your slot is 9 to 11") -> dict[str, str]:
    return {"To": to, "From": FROM, "Body": body}


def test_sent_text_arrives_in_the_inbox_of_its_phone_only(url: str) -> None:
    """The inbox shows what a phone received, oldest first."""
    status, sent = asked(url, f"{MESSAGES}.json", text("+12025550101", "first"))
    asked(url, f"{MESSAGES}.json", text("+12025550102", "other"))
    asked(url, f"{MESSAGES}.json", text("+12025550101", "second"))
    assert (status, sent["status"], sent["error_code"]) == (201, "queued", None)
    _, inbox = asked(url, "/_inbox?phone=%2B12025550101")
    assert [entry["body"] for entry in inbox["data"]] == ["first", "second"]
    assert inbox["data"][0].keys() == {"to", "from", "body", "sid", "status", "sent_at", "num_segments"}
    assert asked(url, "/_inbox?phone=+12025550101")[1] == inbox
    assert len(asked(url, "/_inbox")[1]["data"]) == 3


def test_sent_text_can_be_listed_by_recipient_and_read_by_sid(url: str) -> None:
    """A sender that lost an answer can find out what became of its text."""
    _, sent = asked(url, f"{MESSAGES}.json", text("+12025550103"))
    _, page = asked(url, f"{MESSAGES}.json?To=%2B12025550103")
    assert [found["sid"] for found in page["messages"]] == [sent["sid"]]
    assert asked(url, f"{MESSAGES}/{sent['sid']}.json")[1]["status"] == "delivered"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (text("+15005550001"), 21211),
        (text("+15005550002"), 21612),
        (text("+15005550003"), 21408),
        (text("+15005550004"), 21610),
        (text("+15005550009"), 21614),
        (text("tomorrow"), 21211),
        ({"From": FROM, "Body": "x"}, 21604),
        ({"To": "+12025550104", "Body": "x"}, 21603),
        (text("+12025550104", ""), 21602),
        (text("+12025550104", "x" * 1601), 21617),
    ],
)
def test_text_twilio_would_refuse_is_refused_with_its_code(url: str, form: dict[str, str], code: int) -> None:
    """Magic numbers and incomplete requests fail as in Twilio, and reach no phone."""
    status, refusal = asked(url, f"{MESSAGES}.json", form)
    assert (status, refusal["code"], refusal["status"]) == (400, code, 400)
    assert asked(url, f"/_inbox?phone={form.get('To', '')}")[1] == {"data": []} or form.get("To") is None


def test_a_list_comes_page_by_page(url: str) -> None:
    """Newest first, as many as are asked for, and where the next page is."""
    sent = [asked(url, f"{MESSAGES}.json", text("+12025550106", str(n)))[1]["sid"] for n in range(3)]
    _, page = asked(url, f"{MESSAGES}.json?To=%2B12025550106&PageSize=2")
    assert [found["sid"] for found in page["messages"]] == sent[:0:-1]
    _, last = asked(url, page["next_page_uri"])
    assert ([found["sid"] for found in last["messages"]], last["next_page_uri"]) == ([sent[0]], None)


def test_a_service_has_no_number_at_first(url: str) -> None:
    """Accepted, in no segments yet, from nobody; a callback nobody can be reached at is refused."""
    form = {"To": "+12025550107", "MessagingServiceSid": f"MG{'0' * 32}", "Body": "x"}
    _, taken = asked(url, f"{MESSAGES}.json", form)
    assert (taken["status"], taken["num_segments"], taken["from"]) == ("accepted", "0", None)
    bad = text("+12025550107") | {"StatusCallback": "https://my_host.example/status"}
    assert asked(url, f"{MESSAGES}.json", bad)[1]["code"] == 21609


@pytest.mark.parametrize("word", ["STOP", "cancel", " End ", "OPTOUT"])
def test_who_writes_stop_is_refused_until_start(url: str, word: str) -> None:
    """By Twilio itself, whatever we think; a text that only contains the word stops nothing."""
    phone = "+12025550108"

    def write(body: str) -> None:
        urllib.request.urlopen(
            f"{url}/_reply", urlencode({"From": phone, "To": FROM, "Body": body}).encode(), timeout=5
        ).close()

    write(word)
    assert asked(url, f"{MESSAGES}.json", text(phone))[1]["code"] == 21610
    write("Start")
    write(f"please {word}")
    assert asked(url, f"{MESSAGES}.json", text(phone))[0] == 201


def test_what_a_phone_wrote_can_be_forgotten(url: str) -> None:
    """It stands in the list until it is deleted, and in no phone's inbox."""
    phone = "+12025550109"
    told = urlencode({"From": phone, "To": "+15005550099", "Body": "my gate code is 4471#"}).encode()
    with urllib.request.urlopen(f"{url}/_reply", told, timeout=5) as answer:
        sid = json.loads(answer.read())["sid"]
    assert asked(url, f"{MESSAGES}/{sid}.json")[1]["direction"] == "inbound"
    assert asked(url, "/_inbox?phone=%2B15005550099")[1] == {"data": []}
    credentials = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    deletion = urllib.request.Request(
        f"{url}{MESSAGES}/{sid}.json", headers={"Authorization": f"Basic {credentials}"}, method="DELETE"
    )
    urllib.request.urlopen(deletion, timeout=5).close()
    assert asked(url, f"{MESSAGES}/{sid}.json")[0] == 404


def test_wrong_token_is_refused(url: str) -> None:
    """Credentials are checked, so that a mix-up of settings shows in the sandbox."""
    status, refusal = asked(url, f"{MESSAGES}.json", text("+12025550105"), token="another")
    assert (status, refusal["code"]) == (401, 20003)


def test_other_resources_do_not_exist(url: str) -> None:
    """What the fake does not have answers like what Twilio does not have."""
    assert asked(url, f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json")[1]["code"] == 20404
    assert asked(url, f"{MESSAGES}/SM{'0' * 32}.json")[0] == 404


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("😀" * 36, 2),
    ],
)
def test_segments_follow_the_alphabet_of_the_text(body: str, count: int) -> None:
    """160 or 153 septets in GSM-7, where some characters take two; 70 or 67 units in UCS-2."""
    assert segments(body) == count
