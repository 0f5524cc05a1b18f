"""A body is one unambiguous JSON text that fits its model, or it is refused and says why."""

import gzip
import json
from typing import Annotated, Any, Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import Field, RootModel

from chalicelib.errors import InvalidRequest
from chalicelib.handlers.strict_json import MAX_BYTES, canonical, read_json, validated
from chalicelib.handlers.wire import Body
from tests.handlers.bakery import Bakery, problem_of

DEEP = b"[" * 33 + b"]" * 33
AT_LIMIT = b'{"a":' + b"[" * 31 + b"]" * 31 + b"}"

NOT_JSON = {
    "nothing": b"",
    "spaces": b"  \n",
    "words": b"hello",
    "half": b'{"name": "Rye"',
    "two": b"{} {}",
    "trailing comma": b'{"name": "Rye",}',
    "single quotes": b"{'name': 'Rye'}",
    "comment": b'{"name": "Rye"} // fresh',
    "NaN": b'{"name": "Rye", "slices": NaN}',
    "Infinity": b'{"name": "Rye", "slices": Infinity}',
    "-Infinity": b'{"name": "Rye", "slices": -Infinity}',
    "1e999": b'{"name": "Rye", "slices": 1e999}',
    "-1e999": b'{"name": "Rye", "slices": -1e999}',
    "huge integer": b'{"name": "Rye", "slices": 1' + b"0" * 40 + b"}",
    "gigantic integer": b"[" + b"9" * 5000 + b"]",
    "same key twice": b'{"name": "Rye", "name": "Oat"}',
    "same key spelt twice": b'{"name": "Rye", "n\\u0061me": "Oat"}',
    "same key twice inside": b'{"name": "Rye", "place": {"lat": 1, "lat": 2, "lon": 3}}',
    "deep": DEEP,
    "very deep": b"[" * 30_000,
    "deep objects": b'{"a":' * 40 + b"1" + b"}" * 40,
    "brackets in a string that nobody closes": b'"' + b'\\"[' * 20_000,
    "byte order mark": b'\xef\xbb\xbf{"name": "Rye"}',
    "UTF-16": '{"name": "Rye"}'.encode("utf-16"),
    "UTF-16 without mark": '{"name": "Rye"}'.encode("utf-16-le"),
    "UTF-32": '{"name": "Rye"}'.encode("utf-32"),
    "Latin-1": '{"name": "Caf\u00e9"}'.encode("latin-1"),
    "overlong": b'{"name": "\xc0\xaf"}',
    "surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "half a surrogate pair": b'{"name": "\\ud800"}',
    "other half": b'{"name": "\\udc00 Rye"}',
    "half a pair as key": b'{"name": "Rye", "\\ud83d": 1}',
    "NUL": b'{"name": "R\\u0000ye"}',
    "bare NUL": b'{"name": "R\x00ye"}',
    "bare newline in a string": b'{"name": "R\nye"}',
    "gzip": gzip.compress(b'{"name": "Rye"}'),
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_body_that_is_not_one_json_text_is_refused(bakery: Bakery, body: bytes) -> None:
    """B01: 400, and never a 500."""
    problem = problem_of(bakery.bake(body=body))
    assert (problem["status"], problem["code"]) == (400, "malformed_json")


def test_lenient_parser_would_have_taken_some_of_these() -> None:
    """Control: Python's own reader accepts what ours refuses, so the list above tests something."""
    taken = []
    for name, body in NOT_JSON.items():
        try:
            json.loads(body)
        except (ValueError, RecursionError):
            continue
        taken.append(name)
    assert {"NaN", "1e999", "same key twice", "deep", "half a surrogate pair", "NUL", "UTF-16"} <= set(taken)


def test_limits_are_the_last_good_values(bakery: Bakery) -> None:
    """32 levels and 65,536 bytes are read; a byte more is not."""
    assert read_json(AT_LIMIT)
    fits = b'{"name": "Rye"' + b" " * (MAX_BYTES - 15) + b"}"
    assert len(fits) == MAX_BYTES
    assert bakery.bake(body=fits).status_code == 201
    problem = problem_of(bakery.bake(body=fits + b" ", idempotency_key="another"))
    assert (problem["status"], problem["code"]) == (413, "body_too_large")


def test_brackets_in_strings_are_not_levels() -> None:
    """Depth is counted outside strings, escaped quotes and all."""
    text = json.dumps(["[" * 50, '"[' * 50, "\\" * 7 + "[" * 50])
    assert read_json(text.encode()) == json.loads(text)


def test_whole_surrogate_pairs_and_escaped_backslashes_are_fine() -> None:
    """An emoji may be escaped, and a text may speak of \\u0000."""
    assert read_json(rb'["\ud83d\ude00", "\\u0000", "\\ud800"]') == ["\U0001f600", r"\u0000", r"\ud800"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json;charset=utf-16",
        "application/json; charset=iso-8859-1",
        "application/json, text/plain",
        "text/plain; application/json",
        "application/json; charset=utf-8; charset=utf-16",
        "application/jsonp",
        "application/problem+json",
        "multipart/form-data; boundary=application/json",
        "*/*",
    ],
)
def test_body_of_another_type_is_refused(bakery: Bakery, content_type: str) -> None:
    """B17: 415, however the type is dressed up."""
    answer = bakery.bake(headers={"Content-Type": content_type})
    assert (answer.status_code, problem_of(answer)["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity", "x"])
def test_compressed_body_is_refused(bakery: Bakery, encoding: str) -> None:
    """B17: nothing is ever unpacked, so no bomb goes off."""
    answer = bakery.bake(headers={"Content-Encoding": encoding})
    assert (answer.status_code, problem_of(answer)["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "application/json; charset=utf-8"},
        {"Content-Type": 'Application/JSON;charset="UTF-8"'},
        {"Content-Type": ""},
        {"Content-Encoding": "identity"},
    ],
)
def test_json_in_utf8_is_taken_however_it_is_declared(bakery: Bakery, headers: dict[str, str]) -> None:
    """Case, spaces and quotes in the declaration do not matter."""
    assert bakery.bake(headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ([], [""]),
        (1, [""]),
        (None, [""]),
        ({}, ["/name"]),
        ({"name": 1}, ["/name"]),
        ({"name": "Rye", "slices": "10"}, ["/slices"]),
        ({"name": "Rye", "slices": True}, ["/slices"]),
        ({"name": "Rye", "slices": 1.5}, ["/slices"]),
        ({"name": "Rye", "slices": -1}, ["/slices"]),
        ({"name": "Rye", "slices": 10**18}, ["/slices"]),
        ({"name": "Rye", "slcies": 10}, ["/slcies"]),
        ({"name": "Rye", "a/b~c": 10}, ["/a~1b~0c"]),
        ({"name": "Rye", "place": {"lat": 1}}, ["/place/lon"]),
        ({"name": "Rye", "place": {"lat": "1", "lon": 2, "x": 3}}, ["/place/lat", "/place/x"]),
        ({"name": "Rye", "place": [1, 2]}, ["/place"]),
    ],
)
def test_refusal_points_at_every_wrong_field(bakery: Bakery, body: object, pointers: list[str]) -> None:
    """422 with a JSON pointer for each: missing, unknown, of another type, out of range."""
    raw = json.dumps(body).encode()
    problem = problem_of(bakery.bake(body=raw))
    assert (problem["status"], problem["code"]) == (422, "invalid_request")
    assert [wrong["pointer"] for wrong in problem["errors"]] == pointers


def test_refusal_repeats_nothing_of_the_body(bakery: Bakery) -> None:
    """What came may be personal; pointers and rules are enough to find the mistake."""
    body = {"name": ["Ana Canary"], "place": {"lat": "Rua Canary 7", "lon": 1}, "ready_at": "canary"}
    assert b"anary" not in bakery.bake(body=body).body


def test_refusal_stays_small(bakery: Bakery) -> None:
    """A body full of mistakes gets the first twenty, and none with an endless pointer."""
    body = {"name": "Rye", "y" * 5000: 1, **{f"x{number}": 1 for number in range(3000)}}
    problem = problem_of(bakery.bake(body=body))
    assert len(problem["errors"]) == 20
    assert max(len(wrong["pointer"]) for wrong in problem["errors"]) <= 200


class Moved(Body):
    kind: Literal["address"]
    location: dict[str, int]
    address: dict[str, int] = Field(default_factory=dict)


class Cancelled(Body):
    kind: Literal["cancel"]
    reason: str


class Change(RootModel[Annotated[Moved | Cancelled, Field(discriminator="kind")]]):
    pass


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "address", "location": {"lat": "x"}}, "/location/lat"),
        ({"kind": "address", "location": {}, "address": {"lat": "x"}}, "/address/lat"),
        ({"kind": "address", "address": {}}, "/location"),
        ({"kind": "cancel", "reason": 1}, "/reason"),
        ({"kind": "paint"}, "/kind"),
        ({}, "/kind"),
    ],
)
def test_pointer_leaves_out_the_names_of_union_members(body: Any, pointer: str) -> None:
    """Pydantic puts a union's tag into the path; the caller's JSON knows no such step."""
    raw = json.dumps(body).encode()
    with pytest.raises(InvalidRequest) as refused:
        validated(Change, raw, body)
    assert [wrong.pointer for wrong in refused.value.fields] == [pointer]


def test_empty_body_is_an_empty_object_where_nothing_is_required(bakery: Bakery) -> None:
    """An endpoint whose every field is optional can be called without a body."""
    assert bakery.ask("POST", "/v1/loaves/1/eat").json_body == {"name": "dry"}
    assert bakery.ask("POST", "/v1/loaves/1/eat", {"butter": True}).json_body == {"name": "with butter"}


def test_body_that_nobody_asked_for_is_refused(bakery: Bakery) -> None:
    """An endpoint without a body takes none, so that nobody believes it was read."""
    assert bakery.ask("DELETE", "/v1/loaves/1").status_code == 204
    assert problem_of(bakery.ask("DELETE", "/v1/loaves/1", {"really": True}))["status"] == 422


def test_open_endpoint_takes_no_more_than_any_other(bakery: Bakery) -> None:
    """The size of a body is bounded without a key, too."""
    assert bakery.ask("POST", "/shout", b"x" * MAX_BYTES, key=None).body == b"65536"
    assert bakery.ask("POST", "/shout", b"x" * (MAX_BYTES + 1), key=None).status_code == 413


# --- anything at all

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
LOAVES = st.fixed_dictionaries(
    {},
    optional={"name": TREES, "slices": TREES, "place": TREES, "ready_at": TREES}
    | {"kind": TREES, "lat": st.floats(), "lon": st.floats()},
)
BODIES = (
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | (TREES | LOAVES).map(lambda tree: json.dumps(tree).encode())
    | LOAVES.map(lambda tree: json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass"))
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Content-Type", "Content-Encoding", "Idempotency-Key", "Origin", "X-Request-Id", "Accept"]
    ),
    st.text(st.characters(max_codepoint=255), max_size=40),
    max_size=3,
)


@settings(max_examples=400, deadline=None)
@given(body=BODIES, headers=HEADERS, method=st.sampled_from(["POST", "PUT"]))
@example(body=b'{"name":"a","ready_at":"0001-01-01T00:00:00+14:00"}', headers={}, method="PUT")
@example(body=b'{"name":"a","ready_at":"9999-12-31T23:59:59-14:00"}', headers={}, method="PUT")
def test_nothing_a_caller_sends_is_a_server_error(body: bytes, headers: dict[str, str], method: str) -> None:
    """Any bytes with any headers get an answer below 500; a refusal is problem+json with its request id."""
    path = "/v1/loaves" if method == "POST" else "/v1/loaves/1"
    answer = FUZZED.ask(method, path, body, headers={"Idempotency-Key": "k", **headers})
    assert answer.status_code < 500
    if answer.status_code >= 400:
        problem_of(answer)


FUZZED = Bakery()


@given(tree=TREES)
def test_what_is_read_is_what_was_written(tree: Any) -> None:
    """A tree without NaN, huge numbers or surrogates survives; anything else is refused, not changed."""
    raw = json.dumps(tree, ensure_ascii=True).encode()
    try:
        read = read_json(raw)
    except InvalidRequest:
        return
    assert read == tree


@given(tree=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), st.integers(), min_size=2))
def test_fingerprint_does_not_depend_on_order_or_white_space(tree: dict[str, int]) -> None:
    """The same request written differently is the same request."""
    backwards = json.dumps(dict(reversed(tree.items())), indent=3).encode()
    try:
        assert canonical(read_json(backwards)) == canonical(tree)
    except InvalidRequest:
        assert any(abs(number) > 10**17 for number in tree.values()) or "\0" in "".join(tree)
