"""Signatures are judged as Twilio's own validator judges them, and forms are read as it signed them."""

import time
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from chalicelib.adapters.twilio_signature import MOST_FIELDS, is_signed, read_form, signature_of

TOKEN = "12345"
CALL = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
PAGE = "mycompany.com/myapp.php?foo=1&bar=2"
# Of twilio-python's own tests.
VECTORS = [
    (f"https://{PAGE}", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    (
        f"https://{PAGE}",
        [
            ("Sid", "CA123"),
            ("SidAccount", "AC123"),
            ("Digits", "5678"),
            ("Digits", "1234"),
            ("Digits", "1234"),
        ],
        "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
    ),
    ("https://mycompany.com:443/myapp.php?foo=1&bar=2", CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    ("http://mycompany.com:80/myapp.php?foo=1&bar=2", CALL, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", CALL, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
]


class Fields(dict[str, list[str]]):
    """A form as Twilio's validator wants one that has a name twice."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def fields(form: list[tuple[str, str]]) -> Fields:
    found = Fields()
    for name, value in form:
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize(("url", "form", "signature"), VECTORS)
def test_twilios_own_vectors(url: str, form: list[tuple[str, str]], signature: str) -> None:
    """The five of its tests that a form can have, and its validator agrees about each."""
    assert signature_of(url, form, TOKEN) == signature
    assert is_signed(url, form, signature, [TOKEN])
    assert RequestValidator(TOKEN).validate(url, fields(form), signature)


@pytest.mark.parametrize(("url", "form", "signature"), VECTORS[2:4])
def test_signed_with_the_port_or_without(url: str, form: list[tuple[str, str]], signature: str) -> None:
    """Twilio does either: an address without its port takes what was signed with the scheme's own."""
    bare = url.replace(":443", "").replace(":80", "")
    assert is_signed(bare, form, signature, [TOKEN])
    assert RequestValidator(TOKEN).validate(bare, fields(form), signature)


text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


@settings(max_examples=80, deadline=None)
@given(
    form=st.lists(st.tuples(text, text), max_size=8),
    other=st.lists(st.tuples(text, text), max_size=8),
    url=st.sampled_from(
        ["https://a.example/twilio/inbound", "http://127.0.0.1:8000/x?o=1", "https://a.example:8443/x"]
    ),
)
def test_we_and_twilio_agree(form: list[Any], other: list[Any], url: str) -> None:
    """Whatever is in a form, blank, twice or in another script: made by one, taken by the other."""
    theirs = RequestValidator(TOKEN).compute_signature(url, fields(form))
    assert signature_of(url, form, TOKEN) == theirs
    for judged in (form, other):
        ours = is_signed(url, judged, theirs, [TOKEN])
        assert ours == RequestValidator(TOKEN).validate(url, fields(judged), theirs)


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/p",
        "https://b.example/p",
        "https://a.example/p/",
        "https://a.example/p?x=1",
        "https://a.example/P",
    ],
)
def test_another_address_is_another_signature(url: str) -> None:
    """What was signed for one address opens no other."""
    signature = signature_of("https://a.example/p", CALL, TOKEN)
    assert is_signed("https://a.example/p", CALL, signature, [TOKEN])
    assert not is_signed(url, CALL, signature, [TOKEN])


def test_f36_two_tokens_are_good_while_they_are_exchanged() -> None:
    """F36: either signs; none but them."""
    signature = signature_of("https://a.example/p", CALL, "new")
    assert is_signed("https://a.example/p", CALL, signature, ["old", "new"])
    assert not is_signed("https://a.example/p", CALL, signature, ["old"])


@pytest.mark.parametrize("signature", ["", "é", "A" * 10_000, "RSOYDt4T1cUTdK1PDd93/VVr8B8", "\ud800"])
def test_anything_may_stand_in_the_header(signature: str) -> None:
    """It is compared, and no more."""
    assert not is_signed(f"https://{PAGE}", CALL, signature, [TOKEN])


def test_blank_and_repeated_fields_are_kept() -> None:
    """Twilio signs them: `FromCity` is blank more often than not."""
    form = [("FromCity", ""), ("Body", "a b&c=é☂"), ("X", "1"), ("X", "2")]
    assert read_form(urlencode(form).encode()) == form


@pytest.mark.parametrize("raw", [b"\xff=1", b"a=%ff", b"caf\xc3\xa9=1"])
def test_what_is_no_form_is_none(raw: bytes) -> None:
    """Bytes that Twilio would have escaped, or that are no text."""
    assert read_form(raw) is None


def test_b13_ten_thousand_fields_cost_nothing() -> None:
    """B13: they are counted before any is read."""
    raw = urlencode([(f"f{number}", "x" * 5) for number in range(10_000)]).encode()
    began = time.process_time()
    assert read_form(raw) is None
    spent = time.process_time() - began
    began = time.process_time()
    read_form(urlencode([(f"f{number}", "x" * 5) for number in range(MOST_FIELDS)]).encode())
    assert spent < 10 * (time.process_time() - began)
