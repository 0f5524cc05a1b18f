"""The OpenAPI 3.1 document, made of the declarations and models that also do the work.

Nothing here is written twice: a request's schema is the model that validates it, a problem's text is the
table that answers it. Weak point: pydantic describes types and ranges; rules that a function checks (what a
name may not hold, say) stand in descriptions only.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from chalicelib.handlers.endpoints import AnswerKind, Endpoint
from chalicelib.handlers.http import JSON, PROBLEM_JSON, PROBLEMS
from chalicelib.handlers.idempotency import Idempotency
from chalicelib.handlers.openapi_links import Links, links
from chalicelib.handlers.paging import PageQuery
from chalicelib.handlers.wire import ID_PATTERN

type Schema = dict[str, Any]

VERSION = "1"
_REF = "#/components/schemas/{model}"
_ABOUT = """\
Delivery slots at checkout, sold from live van routes, and kept.

A storefront searches slots for an address, holds one while its buyer pays, and turns it into a promise. Times
are RFC 3339 with offset, names of durations end in their unit, money is in minor units.

Send `Authorization: Bearer slk_…`. A key's scopes say what it may do; a publishable key may search and hold
from a web page. Repeat a POST with the same `Idempotency-Key` until it is answered: it happens once.
"""
_PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457 problem details. Some codes carry further members.",
    "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "Where the code is explained."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable name of the case.", "enum": sorted(PROBLEMS)},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON pointer into the body, or `?name` of a query parameter.",
                    },
                    "detail": {"type": "string"},
                },
            },
        },
        "request_id": {"type": "string"},
    },
}
_HEADERS: dict[str, Schema] = {
    "X-Request-Id": {
        "description": "Names this request; yours, if you sent one.",
        "required": True,
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "The key's quota: `q` requests in `w` seconds.",
        "required": True,
        "schema": {"type": "string", "examples": ['"key";q=6000;w=60']},
    },
    "RateLimit": {
        "description": "What is left of it: `r` requests, for the next `t` seconds.",
        "required": True,
        "schema": {"type": "string", "examples": ['"key";r=5999;t=42']},
    },
    "Retry-After": {
        "description": "Seconds to wait before repeating.",
        "required": True,
        "schema": {"type": "integer"},
    },
    "Idempotent-Replayed": {
        "description": "The answer of an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "const": "true"},
    },
}
_IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Unique to this request, of your own choice. The same key and body get the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_ID_SCHEMA: Schema = {"type": "string", "pattern": f"^{ID_PATTERN}$"}
_PATH_SCHEMAS: dict[str, Schema] = {"date": {"type": "string", "format": "date"}}
_BODY_PROBLEMS = ("malformed_json", "body_too_large", "unsupported_media_type")
_KEY_PROBLEMS = ("unauthorized", "forbidden", "rate_limited", "upstream_unavailable")


def document(endpoints: Iterable[Endpoint], *, base_url: str) -> Schema:
    """Describe the endpoints.

    Parameters
    ----------
    base_url
        Where this deployment is reached.

    Notes
    -----
    Some tens of milliseconds: it builds every schema. Keep the result.
    """
    endpoints = list(endpoints)
    schemas = _Schemas(endpoints)
    paths: dict[str, Schema] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, endpoints, schemas)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Slotkeeper",
            "version": VERSION,
            "summary": "Delivery slots from live van routes",
            "description": _ABOUT,
        },
        "servers": [{"url": base_url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(endpoint.tag for endpoint in endpoints)],
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, **schemas.definitions},
            "headers": _HEADERS,
            "parameters": {"IdempotencyKey": _IDEMPOTENCY_KEY},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key. An operation names scopes; any one of them is enough.",
                }
            },
        },
    }


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out the titles pydantic makes of field names: they say nothing that the name does not."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class _Schemas:
    """The JSON schemas of all models, under names that do not collide."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
        for endpoint in endpoints:
            if endpoint.request is not None:
                wanted[endpoint.request, "validation"] = None
            for kind in endpoint.answers.values():
                wanted.update(
                    {(model, "serialization"): None for model in _kinds(kind) if isinstance(model, type)}
                )
        for model, _ in wanted:
            model.model_rebuild()
        self._refs, defined = models_json_schema(
            list(wanted), ref_template=_REF, schema_generator=_WithoutTitles
        )
        self.definitions: Schema = defined.get("$defs", {})

    def ref(self, model: type[BaseModel], mode: JsonSchemaMode) -> Schema:
        return dict(self._refs[model, mode])

    def parameters(self, query: type[BaseModel]) -> list[Schema]:
        schema = query.model_json_schema(ref_template=_REF, schema_generator=_WithoutTitles)
        self.definitions |= schema.get("$defs", {})
        required = schema.get("required", ())
        return [
            _parameter(name, "query", part, required=name in required)
            for name, part in schema["properties"].items()
        ]


def _operation(endpoint: Endpoint, all_: Sequence[Endpoint], schemas: _Schemas) -> Schema:
    operation: Schema = {
        "operationId": endpoint.name,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": _description(endpoint),
        "security": [{"key": [scope]} for scope in endpoint.scope.names] if endpoint.scope else [],
        "parameters": _parameters(endpoint, schemas),
        "responses": _both(
            {
                str(status): _answer(endpoint, kind, schemas) | _leads(links(endpoint, kind, all_))
                for status, kind in endpoint.answers.items()
            },
            _problems(endpoint),
        ),
    }
    if endpoint.request is not None:
        content: Schema = {"schema": schemas.ref(endpoint.request, "validation")}
        if endpoint.example is not None:
            content["example"] = endpoint.example
        operation["requestBody"] = {"required": True, "content": {JSON: content}}
    return operation


def _description(endpoint: Endpoint) -> str:
    who = "Needs no key."
    if endpoint.scope:
        who = "Scope " + " or ".join(f"`{name}`" for name in endpoint.scope.names)
        who += "; publishable keys may call it." if endpoint.publishable else "; secret keys only."
    return f"{endpoint.description}\n\n{who}".strip()


def _parameters(endpoint: Endpoint, schemas: _Schemas) -> list[Schema]:
    found = [
        _parameter(name, "path", _PATH_SCHEMAS.get(name, _ID_SCHEMA), required=True)
        for name in endpoint.path_parameters
    ]
    if endpoint.query is not None:
        found += schemas.parameters(endpoint.query)
    if endpoint.idempotency is Idempotency.REQUIRED:
        found.append({**_IDEMPOTENCY_KEY, "required": True})
    elif endpoint.idempotency is Idempotency.OPTIONAL:
        found.append({"$ref": "#/components/parameters/IdempotencyKey"})
    return found


def _parameter(name: str, place: str, schema: Mapping[str, Any], *, required: bool) -> Schema:
    rest = {key: value for key, value in schema.items() if key != "description"}
    parameter: Schema = {"name": name, "in": place, "required": required, "schema": rest}
    if "description" in schema:
        parameter["description"] = schema["description"]
    return parameter


def _answer(endpoint: Endpoint, kind: AnswerKind | tuple[AnswerKind, ...], schemas: _Schemas) -> Schema:
    names = ["X-Request-Id"]
    if endpoint.scope:
        names += ["RateLimit-Policy", "RateLimit"]
    if endpoint.idempotency is not Idempotency.UNUSED:
        names.append("Idempotent-Replayed")
    content: Schema = {}
    for each in _kinds(kind):
        if isinstance(each, str):
            content[each] = {"schema": {"type": "string"}}
        elif each is not None:
            content[JSON] = {"schema": schemas.ref(each, "serialization")}
    answer: Schema = {"description": _first_line(kind), "headers": _header_refs(names)}
    if content:
        answer["content"] = content
    return answer


def _leads(found: Links) -> Schema:
    return {"links": found} if found else {}


def _both(answers: Schema, problems: Schema) -> Schema:
    """Answers and problems; of a status that is both, a page for people and a problem for programs."""
    found = {**answers, **problems}
    for status in answers.keys() & problems.keys():
        content = answers[status].get("content", {}) | problems[status]["content"]
        found[status] = {**problems[status], "content": content}
    return found


def _problems(endpoint: Endpoint) -> Schema:
    by_status: dict[int, list[str]] = {}
    for code in problem_codes(endpoint):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    problems: Schema = {}
    for status, codes in sorted(by_status.items()):
        names = ["X-Request-Id", *(["Retry-After"] if status in (429, 503) else [])]
        problems[str(status)] = {
            "description": "; ".join(f"`{code}`: {PROBLEMS[code].title}" for code in codes),
            "headers": _header_refs(names),
            "content": {
                kind: {"schema": _problem_schema(kind, status, codes)} for kind in endpoint.dress.kinds
            },
        }
    return problems


def _problem_schema(kind: str, status: int, codes: list[str]) -> Schema:
    if kind != PROBLEM_JSON:
        return {"type": "string"}
    these = {"properties": {"code": {"enum": codes}, "status": {"const": status}}}
    return {"allOf": [{"$ref": _REF.format(model="Problem")}, these]}


def problem_codes(endpoint: Endpoint) -> list[str]:
    """Every code that an endpoint may answer: its own, and those of the door it stands behind."""
    codes = [*endpoint.problems, "invalid_request"]
    if endpoint.scope:
        codes += _KEY_PROBLEMS
    if endpoint.request is not None:
        codes += _BODY_PROBLEMS
    elif endpoint.scope is None and endpoint.method == "POST":
        codes.append("body_too_large")
    if endpoint.query is not None and issubclass(endpoint.query, PageQuery):
        codes.append("cursor_invalid")
    if endpoint.path_parameters:
        codes.append("not_found")
    if endpoint.idempotency is not Idempotency.UNUSED:
        codes += ("idempotency_key_invalid", "idempotency_mismatch", "answer_forgotten", "already_done")
    if endpoint.idempotency is Idempotency.REQUIRED:
        codes.append("idempotency_key_missing")
    if endpoint.scope and endpoint.method != "GET":
        codes.append("stale_write")
    codes.append("internal")
    return list(dict.fromkeys(codes))


def _header_refs(names: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _kinds(kind: AnswerKind | tuple[AnswerKind, ...]) -> tuple[AnswerKind, ...]:
    return kind if isinstance(kind, tuple) else (kind,)


def _first_line(kind: AnswerKind | tuple[AnswerKind, ...]) -> str:
    for each in _kinds(kind):
        if isinstance(each, type) and each.__doc__:
            return each.__doc__.strip().partition("\n")[0]
    return "Done" if kind is None else "OK"
