"""What a request brings along, read strictly: its id, its key, path, query and body.

Each function takes Chalice's request and gives a value, or raises what the caller did wrong. Weak point: of
two headers of one name only the last is seen.
"""

import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pydantic import BaseModel, ValidationError

from chalicelib.errors import FieldError, InvalidRequest, NotFound, Unauthorized
from chalicelib.handlers.endpoints import Endpoint
from chalicelib.handlers.strict_json import (
    MAX_BYTES,
    SHOWN_ERRORS,
    check_declared,
    read_json,
    too_large,
    validated,
)
from chalicelib.handlers.wire import ID_PATTERN, LinkQuery

if TYPE_CHECKING:
    from chalice.app import Request

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_ID = re.compile(ID_PATTERN, re.ASCII)
_KEY_PARAMETERS = frozenset({"key", "api_key", "apikey", "access_token", "authorization"})
_SHOWN_NAME = 80


def request_id(headers: Mapping[str, str]) -> str:
    """Take the caller's id if it is harmless in a header and a log line, else make one."""
    given = headers.get("x-request-id")
    return given if given and _REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(10)}"


def bearer(request: "Request") -> str:
    """Read the API key from the Authorization header, the only place where it may be.

    Raises
    ------
    Unauthorized
        If there is none, or if one stands in the URL.
    """
    if any(
        name.lower() in _KEY_PARAMETERS or any(text.startswith("slk_") for text in texts)
        for name, texts in _parameters(request).items()
    ):
        raise Unauthorized(
            "Send the API key in the Authorization header. One that stood in a URL may be in logs: revoke it."
        )
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise Unauthorized("Send the API key as Authorization: Bearer slk_…")
    return str(text.strip())


def path_names(endpoint: Endpoint, path: Mapping[str, str]) -> dict[str, str]:
    """Read the parameters of the path.

    Raises
    ------
    NotFound
        If nothing can have such an id.
    InvalidRequest
        If something is to be put there.
    """
    names = {name: unquote(text) if "%" in text else text for name, text in path.items()}
    for name, text in names.items():
        if not _ID.fullmatch(text):
            if endpoint.method == "PUT":
                wrong = FieldError(f"{{{name}}}", f"Input should match {ID_PATTERN}")
                raise InvalidRequest("The id is not valid.", fields=[wrong])
            raise NotFound("There is no such thing.")
    return names


def query(endpoint: Endpoint, request: "Request") -> BaseModel | None:
    """Read the query into the endpoint's model.

    Raises
    ------
    InvalidRequest
        If a parameter is unknown, repeated or not valid; never for a `LinkQuery`.
    """
    model = endpoint.query
    given = _parameters(request)
    if model is not None and issubclass(model, LinkQuery):
        return model.model_validate({name: texts[-1] for name, texts in given.items()})
    for name, texts in given.items():
        if model is None:
            raise _bad_query(FieldError(f"?{name[:_SHOWN_NAME]}", "There is no such parameter."))
        if len(texts) != 1:
            raise _bad_query(FieldError(f"?{name[:_SHOWN_NAME]}", "It is given more than once."))
    if model is None:
        return None
    try:
        return model.model_validate({name: text for name, [text] in given.items()})
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[:SHOWN_ERRORS]
        raise _bad_query(
            *(FieldError(f"?{'.'.join(map(str, each['loc']))[:_SHOWN_NAME]}", each["msg"]) for each in found)
        ) from None


def has_already(headers: Mapping[str, str], tag: str) -> bool:
    """Whether a caller has the answer of this tag: `If-None-Match` names it."""
    return tag in (each.strip() for each in headers.get("if-none-match", "").split(","))


def raw_body(request: "Request") -> bytes:
    """Give the body's bytes.

    Raises
    ------
    InvalidRequest
        `body_too_large`, or `malformed_json` if the gateway's text of it has no bytes.
    """
    try:
        raw = request.raw_body
        raw = raw if isinstance(raw, bytes) else raw.encode()
    except ValueError:  # half a surrogate pair in the event, or broken base64
        raise InvalidRequest("The body is not UTF-8.", code="malformed_json") from None
    if len(raw) > MAX_BYTES:
        raise too_large()
    return raw


def body(endpoint: Endpoint, request: "Request") -> tuple[BaseModel | None, Any]:
    """Read the body into the endpoint's model; the second part is the same as plain JSON.

    Raises
    ------
    InvalidRequest
        If it is of another type, too large, not JSON, or not what the model wants.
    """
    raw, model = raw_body(request), endpoint.request
    if model is None:
        if raw.strip() and read_json(raw) != {}:
            raise InvalidRequest("This request has no body.")
        return None, {}
    if not raw and not any(part.is_required() for part in model.model_fields.values()):
        return validated(model, b"{}", {}), {}
    check_declared(request.headers.get("content-type"), request.headers.get("content-encoding"))
    tree = read_json(raw)
    return validated(model, raw, tree), tree


def source_ip(request: "Request") -> str:
    """Tell from which network address the gateway was called; empty if it did not say.

    X-Forwarded-For is not looked at: its first address is whatever the caller wrote there.
    """
    return str(request.context.get("identity", {}).get("sourceIp") or "")


def base_url(request: "Request", endpoint: Endpoint) -> str:
    """Tell under which address the caller reached us, stage included, as it says itself."""
    scheme = request.headers.get("x-forwarded-proto", "http")
    stage = request.context.get("path", "").removesuffix(endpoint.path)
    return f"{scheme}://{request.headers.get('host', 'localhost')}{stage}"


def _parameters(request: "Request") -> Mapping[str, list[str]]:
    given = request.query_params
    return {name: given.getlist(name) for name in given} if given else {}


def _bad_query(*fields: FieldError) -> InvalidRequest:
    return InvalidRequest("The query is not valid; see errors.", fields=fields)
