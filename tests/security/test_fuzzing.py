"""The strict JSON door and the offer token take whatever comes: a documented problem, or what was meant.

Bytes are drawn, mutated from good requests, and built against the reader on purpose. Time is bounded by the
size of the input: what is counted is calls of the interpreter, not seconds. `--times 20` tries twenty times
as much.
"""

import json
import re
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable
from itertools import count
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from chalicelib.adapters.sealing import Sealer
from chalicelib.errors import BadToken, InvalidRequest
from chalicelib.handlers.change_wire import ChangeRequest
from chalicelib.handlers.checkout import HoldRequest, SearchRequest
from chalicelib.handlers.depot_wire import DepotBody
from chalicelib.handlers.http import PROBLEMS
from chalicelib.handlers.merchants import KeyRequest, Settings
from chalicelib.handlers.promise_wire import PromiseRequest
from chalicelib.handlers.shift_wire import ShiftBody, VehicleBody
from chalicelib.handlers.strict_json import MAX_BYTES, canonical, read_json, validated
from chalicelib.handlers.wire import _LINK
from chalicelib.promises.offer_token import unseal_offer
from tests.handlers.shop_client import ACME, Shop, a_depot, a_van

SEED = 20261122
BOUNDED = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
MODELS: list[type[BaseModel]] = [
    SearchRequest,
    HoldRequest,
    PromiseRequest,
    ChangeRequest,
    DepotBody,
    VehicleBody,
    ShiftBody,
    KeyRequest,
    Settings,
]
GOOD = [
    {"destination": {"lat": 41.16, "lon": -8.6, "address": None}, "load": {"parcels": 2}, "days": 2},
    {"offer": "abc", "cart_ref": "cart-1"},
    {"hold_id": "hold_1", "order_ref": "R-1", "recipient": {"name": "Ana \u00c9"}, "sms_consent": True},
    {"kind": "slot", "offer": "abc"},
    a_depot(),
    a_van(),
]
NASTY = [
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",  # a surrogate in UTF-8
    b"\\ud800",
    b"\\u0000",
    b"\xef\xbb\xbf",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-0",
    b"9" * 20,
    b"1E400",
    b"[" * 33,
    b'{"a":' * 33,
    b'"a":1,"a":2,',
    b"\\",
    b'"',
    b"null",
    b"true",
    b'"__proto__"',
    b"\xe2\x80\xae",
    "\u0661".encode(),
    b"/**/",
    b",",
]


def read(model: type[BaseModel], raw: bytes) -> BaseModel | None:
    """Read a body as the door does; None for a documented refusal, an error for any other."""
    try:
        tree = read_json(raw)
        canonical(tree)
        return validated(model, raw, tree)
    except InvalidRequest as error:
        refused = error
    assert PROBLEMS[refused.code].status in (400, 413, 422)
    assert len(refused.fields) <= 20
    assert all(field.pointer == "" or field.pointer[0] == "/" for field in refused.fields)
    json.dumps([(field.pointer, field.detail) for field in refused.fields]).encode()
    return None


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good body with some bytes replaced, repeated, dropped, or something nasty put between."""
    raw = bytearray(json.dumps(draw(st.sampled_from(GOOD)), ensure_ascii=draw(st.booleans())).encode())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw)))
        to = min(len(raw), at + draw(st.integers(0, 12)))
        match draw(st.integers(0, 3)):
            case 0:
                raw[at:to] = draw(st.binary(max_size=8))
            case 1:
                raw[at:at] = draw(st.sampled_from(NASTY))
            case 2:
                raw[at:at] = raw[at:to] * draw(st.integers(1, 40))
            case _:
                del raw[at:to]
    return bytes(raw)


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(st.text(max_size=6) | st.sampled_from(["lat", "kind", "offer", "slots"]), inner)
    ),
    max_leaves=30,
)


@pytest.mark.parametrize(
    "bodies",
    [st.binary(max_size=400), mutated(), trees.map(lambda tree: json.dumps(tree).encode("utf-8", "replace"))],
    ids=["bytes", "mutations", "trees"],
)
def test_whatever_the_body_is_it_is_read_or_refused_in_our_words(
    bodies: st.SearchStrategy[bytes], times: int
) -> None:
    """Never an exception but `InvalidRequest`, with a code that /docs explains and an answer that is JSON."""

    @seed(SEED)
    @settings(BOUNDED, max_examples=400 * times)
    @given(raw=bodies, model=st.sampled_from(MODELS))
    def ask(raw: bytes, model: type[BaseModel]) -> None:
        read(model, raw)

    ask()


@pytest.mark.parametrize("good", GOOD, ids=lambda good: next(iter(good)))
def test_good_bodies_are_read(good: dict[str, Any]) -> None:
    """The control: what the mutations start from is not refused, by one of the models."""
    assert any(read(model, json.dumps(good).encode()) for model in MODELS)


@seed(SEED)
@settings(BOUNDED, max_examples=300)
@given(raw=mutated())
def test_both_readers_agree(raw: bytes) -> None:
    """What Python's reader gives as a tree, pydantic's reads from the same bytes: no verdict on two minds."""
    try:
        tree = read_json(raw)
    except InvalidRequest:
        return
    again = read_json(canonical(tree))
    assert again == tree


def test_whole_door_answers_with_documented_problems_only(times: int) -> None:
    """The same through the app: key, door, handler; every answer is checked against its declaration."""
    shop = Shop()
    posts = [endpoint for endpoint in shop.endpoints if endpoint.request is not None]

    @seed(SEED)
    @settings(BOUNDED, max_examples=200 * times)
    @given(raw=mutated() | st.binary(max_size=60), endpoint=st.sampled_from(posts))
    def ask(raw: bytes, endpoint: Any) -> None:
        path = endpoint.path
        for name in endpoint.path_parameters:
            path = path.replace(f"{{{name}}}", "porto")
        answer = shop.ask(endpoint.method, path, raw, key="admin")
        assert answer.status_code < 500, raw

    ask()
    assert '"bug"' not in shop.log.getvalue()


# --- the offer


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


def test_edited_offer_is_always_invalid(shop: Shop, times: int) -> None:
    """Each character changed, dropped, doubled, cut, another offer's: 400 `offer_invalid` always."""
    offers = [slot["offer"] for slot in shop.search() if slot["available"]]
    original = offers[0]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. \u0661\ud7ff"

    @st.composite
    def edited(draw: st.DrawFn) -> str:
        token = draw(st.sampled_from(offers))
        for _ in range(draw(st.integers(1, 3))):
            at = draw(st.integers(0, len(token)))
            to = min(len(token), at + draw(st.integers(0, 20)))
            other = draw(st.sampled_from(offers))
            match draw(st.integers(0, 3)):
                case 0:
                    token = token[:at] + draw(st.text(alphabet, max_size=4)) + token[to:]
                case 1:
                    token = token[:at] + other[at:]
                case 2:
                    token = token[:at] + token[at:to] * 2 + token[to:]
                case _:
                    token = token[:at]
        return token

    @seed(SEED)
    @settings(BOUNDED, max_examples=400 * times)
    @given(token=edited() | st.text(max_size=60))
    def ask(token: str) -> None:
        if token in offers:
            return
        with pytest.raises(BadToken) as refused:
            unseal_offer(shop.services.sealer, ACME, token)
        assert refused.value.code == "offer_invalid"

    ask()
    for at in range(len(original)):
        for letter in ("A", "B"):
            if original[at] != letter:
                with pytest.raises(BadToken):
                    unseal_offer(shop.services.sealer, ACME, original[:at] + letter + original[at + 1 :])
    assert unseal_offer(shop.services.sealer, ACME, original)  # the control


@pytest.mark.parametrize("source", ["/v1/holds", "/v1/promises"])
@pytest.mark.parametrize(
    "token", ["x", "=", "a" * 16_384, "\u00e9", "..", "A" * 86, "AAAA\n"], ids=lambda token: ascii(token[:6])
)
def test_no_offer_at_all_is_answered_like_an_edited_one(shop: Shop, source: str, token: str) -> None:
    """Through the door: 400, the same words for all of them."""
    body = {"offer": token, "cart_ref": "c"} if source == "/v1/holds" else shop.order(offer=token)
    problem = shop.refused("POST", source, body)
    assert (problem["status"], problem["code"]) == (400, "offer_invalid")
    assert problem["detail"] == "The offer is not one that this merchant was given."


def test_sealed_rubbish_is_not_served_as_an_offer() -> None:
    """What was sealed for another purpose, or with a dropped secret, is no offer either."""
    sealer = Sealer([b"a secret of thirty-two bytes ...."])
    other = Sealer([b"another secret of 32 bytes ......"])
    tokens = [
        sealer.seal("cursor", b"{}"),
        other.seal(f"offer:{ACME}", b"{}"),
        sealer.seal("offer:best.test", b"{}"),
    ]
    for token in tokens:
        with pytest.raises(BadToken):
            unseal_offer(sealer, ACME, token)


# --- work


def work(run: Callable[[], object]) -> int:
    """Lines and calls that Python runs: what a slow machine does not change."""
    steps = count()

    def trace(_frame: Any, _event: str, _argument: Any) -> Any:
        next(steps)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return next(steps)


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "brackets": lambda size: b"[" * size,
    "brackets in strings": lambda size: b'["' + b"[{" * (size // 2) + b'"]',
    "open strings": lambda size: b'["' + b'\\"' * (size // 2),
    "backslashes": lambda size: b"[" * 33 + b'"' + b"\\" * size,
    "quotes": lambda size: b"[" * 33 + b'"' * size,
    "siblings": lambda size: b"[" + b"[]," * (size // 3) + b"[]]",
    "keys": lambda size: b"{" + b",".join(b'"%d":0' % number for number in range(size // 8)) + b"}",
    "wrong entries": lambda size: b'{"slots":[' + b"0," * (size // 2) + b"0]}",
    "wrong objects": lambda size: b'{"slots":[' + b"{}," * (size // 3) + b"{}]}",
    "long numbers": lambda size: b"[" + b"1" * size + b"]",
    "long fractions": lambda size: b"[0." + b"1" * size + b"]",
    "escapes": lambda size: b'["' + b"\\u0041" * (size // 6) + b'"]',
    "spaces": lambda size: b" " * size,
    "long name": lambda size: b'{"name":"' + b"a." * (size // 2) + b'"}',
    "deep and wide": lambda size: b'{"slots":' + b"[" * 29 + b"0," * (size // 2) + b"0" + b"]" * 29 + b"}",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_work_grows_no_faster_than_the_body(kind: str) -> None:
    """Four times the bytes are at most about four times the steps, up to the limit of 64 KB."""
    small, large = (HOSTILE[kind](size) for size in (MAX_BYTES // 5, MAX_BYTES // 5 * 4))
    assert len(large) <= MAX_BYTES

    def steps(raw: bytes) -> int:
        return work(lambda: read(DepotBody, raw))

    steps(small)  # models are built by whoever needs them first
    assert steps(large) <= 5 * steps(small) + 2_000


TEXTS = {"hyphens": "a-", "dots": "a.", "schemes": ":/", "www": "www", "ends": "a.aa"}


def seconds_per_search(pattern: re.Pattern[str], text: str) -> float:
    """CPU time of one search, the least of several."""

    def once() -> float:
        began = process_time()
        for _ in range(3):
            pattern.search(text)
        return process_time() - began

    return min(once() for _ in range(5))


@pytest.mark.parametrize("kind", TEXTS)
def test_looking_for_links_takes_no_more_than_the_length_of_a_name(kind: str) -> None:
    """Eight times the letters take about eight times as long, not sixty-four."""
    text, pattern = TEXTS[kind], re.compile(_LINK, re.I)
    short, long = (seconds_per_search(pattern, text * times) for times in (500, 4_000))
    assert long < 24 * short


def test_looking_again_from_every_hyphen_is_found_out() -> None:
    """Control: the pattern as it was took half a minute for a name of 64 KB."""
    quadratic = re.compile(r"\b[\w-]+\.[a-z]{2,}/")
    short, long = (seconds_per_search(quadratic, "a-" * times) for times in (250, 2_000))
    assert long > 24 * short


@pytest.mark.parametrize("filler", ["\u200b", " ", "\x01", "-", "\n"])
def test_text_is_refused_for_its_length_before_it_is_cleaned(filler: str) -> None:
    """What is invisible counts, too: cleaning is work."""
    text = "A" + filler * 20_000
    for model, body in (
        (DepotBody, a_depot(name=text)),
        (Settings, {"brand": text}),
        (ChangeRequest, {"kind": "cancel", "reason": text}),
        (PromiseRequest, Shop.order(object(), hold_id="h", instructions={"note": text})),  # type: ignore[arg-type]
    ):
        assert read(model, json.dumps(body).encode()) is None


def test_a_quadratic_reader_is_found_out() -> None:
    """Control: the same measure on a reader that looks back from every byte."""

    def looks_back(raw: bytes) -> int:
        seen = 0
        for at in range(len(raw)):
            for _ in range(at):
                seen += 1
        return seen

    assert work(lambda: looks_back(bytes(400))) > 5 * work(lambda: looks_back(bytes(100))) + 2_000


def test_work_on_an_offer_is_bounded_by_its_length(shop: Shop) -> None:
    """A token of 16 KB costs no more steps than one of 100 bytes: one decoding, one decryption."""

    def steps(size: int) -> int:
        token = urlsafe_b64encode(bytes(size)).rstrip(b"=").decode()

        def run() -> None:
            with pytest.raises(BadToken):
                unseal_offer(shop.services.sealer, ACME, token)

        return work(run)

    steps(75)
    assert steps(12_000) <= 2 * steps(75) + 100
