"""Reads a request body as JSON and believes nothing.

Two readers look at each body. Python's finds what a validator never sees (twice the same key, NaN, numbers
that overflow, half a surrogate pair) and gives the tree of which fingerprints and error pointers are made;
pydantic's then reads the same bytes into the model, strictly: no "1" for 1, no unknown field. The second
reading costs ten microseconds or so, and no verdict rests on a guess of what the other reader saw.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from chalicelib.errors import FieldError, InvalidRequest

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_DIGITS = 19  # of an integer: all that fits 63 bits, and no more
SHOWN_ERRORS = 20
_SHOWN_POINTER = 200

# The parameters of application/json: none, or that it is in UTF-8.
_JSON_IN_UTF8 = re.compile(
    r'application/json\s*(;\s*charset\s*=\s*("utf-8"|utf-8)\s*)?;?\s*', re.I | re.ASCII
)
# A string, also one that nobody closed, or a bracket. Possessive, so linear whatever comes.
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.S)


def check_declared(content_type: str | None, content_encoding: str | None) -> None:
    """Refuse a body that says it is something else than plain JSON in UTF-8.

    Raises
    ------
    InvalidRequest
        `unsupported_media_type`.
    """
    if content_type and not _JSON_IN_UTF8.fullmatch(content_type.strip()):
        raise InvalidRequest("Send the body as application/json, in UTF-8.", code="unsupported_media_type")
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise InvalidRequest("Send the body uncompressed.", code="unsupported_media_type")


def read_json(raw: bytes) -> Any:
    """Parse a body into dictionaries, lists and scalars.

    Raises
    ------
    InvalidRequest
        `body_too_large` above `MAX_BYTES`; `malformed_json` for anything but one unambiguous JSON text of at
        most `MAX_DEPTH` levels.

    Notes
    -----
    Size and depth are known before anything is parsed; O(n), without recursion of ours.
    """
    if len(raw) > MAX_BYTES:
        raise too_large()
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _depth(raw) > MAX_DEPTH:
        _malformed(f"The body is nested deeper than {MAX_DEPTH} levels.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        _malformed("The body is not UTF-8.")
    try:
        tree = _DECODER.decode(text)
    except json.JSONDecodeError as error:  # its message quotes nothing of the body
        _malformed(f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).")
    if "\\u" in text:  # the only way left to spell these
        for string in _strings(tree):
            if "\0" in string or any("\ud800" <= letter <= "\udfff" for letter in string):
                _malformed("A string holds NUL or half a surrogate pair.")
    return tree


def validated[M: BaseModel](model: type[M], raw: bytes, tree: Any) -> M:
    """Read a body into its model.

    Parameters
    ----------
    raw
        The body.
    tree
        What `read_json` made of it.

    Raises
    ------
    InvalidRequest
        `invalid_request`, with a JSON pointer for each thing wrong.
    """
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise refusal(error, tree) from None


def refusal(error: ValidationError, tree: Any) -> InvalidRequest:
    """Say what pydantic found wrong, with pointers into the tree and without repeating any value."""
    found = error.errors(include_url=False)[:SHOWN_ERRORS]
    fields = [FieldError(_pointer(each, tree)[:_SHOWN_POINTER], _detail(each)) for each in found]
    return InvalidRequest("The request is not valid; see errors.", fields=fields)


def canonical(tree: Any) -> bytes:
    """Write a tree the one way that does not depend on order or white space, for fingerprints."""
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def too_large() -> InvalidRequest:
    """Make the refusal of a body above `MAX_BYTES`."""
    return InvalidRequest(f"The body may have {MAX_BYTES} bytes.", code="body_too_large")


def _malformed(why: str) -> NoReturn:
    raise InvalidRequest(why, code="malformed_json")


def _depth(raw: bytes) -> int:
    depth = deepest = 0
    for token in _STRING_OR_BRACKET.finditer(raw):
        match token[0]:
            case b"[" | b"{":
                depth += 1
                deepest = max(deepest, depth)
            case b"]" | b"}":
                depth -= 1
    return deepest


def _strings(tree: Any) -> Iterator[str]:
    rest = [tree]
    while rest:
        part = rest.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, list):
            rest.extend(part)
        elif isinstance(part, dict):
            rest.extend(part)
            rest.extend(part.values())


def _no_constant(name: str) -> NoReturn:
    _malformed(f"{name} is not a JSON number.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _malformed("A number is too large.")
    return number


def _bounded(text: str) -> int:
    if len(text) > MAX_DIGITS:
        _malformed(f"An integer has more than {MAX_DIGITS} characters.")
    return int(text)


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        _malformed("An object names the same key twice.")
    return members


_DECODER = json.JSONDecoder(
    object_pairs_hook=_each_key_once, parse_float=_finite, parse_int=_bounded, parse_constant=_no_constant
)


def _detail(found: ErrorDetails) -> str:
    """Say what is wrong; of a union's tag in our words, as pydantic's repeat what came."""
    match found["type"]:
        case "union_tag_invalid":
            return f"Input should be one of {found['ctx']['expected_tags']}"
        case "union_tag_not_found":
            return "Field required"
        case _:
            return found["msg"]


def _pointer(found: ErrorDetails, tree: Any) -> str:
    """Make an RFC 6901 pointer of pydantic's location, which names union members between the fields."""
    loc, tail = found["loc"], found["loc"][:0]
    if found["type"] == "missing":  # here the input is the object that lacks the field
        loc, tail = loc[:-1], loc[-1:]
    if found["type"].startswith("union_tag"):  # and here the union that cannot be told apart
        tail = (found["ctx"]["discriminator"].strip("'"),)
    ways = _paths(loc, tree)
    _, path, _ = min(ways, key=lambda way: (way[2] != found["input"], way[0]))
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in (*path, *tail))


def _paths(loc: tuple[int | str, ...], tree: Any) -> Iterator[tuple[int, tuple[int | str, ...], Any]]:
    """Follow a location in every way there is: how many steps were left out, the path, and what is there."""
    if not loc:
        yield 0, (), tree
        return
    step, rest = loc[0], loc[1:]
    inside: list[Any] = []
    if isinstance(tree, dict) and step in tree:
        inside = [tree[step]]
    elif isinstance(tree, list) and isinstance(step, int):
        inside = tree[step : step + 1]
    for part in inside:
        for skipped, path, value in _paths(rest, part):
            yield skipped, (step, *path), value
    for skipped, path, value in _paths(rest, tree):
        yield skipped + 1, path, value
