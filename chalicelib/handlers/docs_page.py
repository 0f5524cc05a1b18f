"""`/docs`: the OpenAPI document for people, as one page that needs nothing from anywhere.

It renders the very document that `/openapi.json` serves, so the two cannot differ. No script runs on it: a
click selects a whole `curl` line, the browser folds the tables, and the error catalogue is where a problem's
`type` points. Weak point: it knows the part of JSON Schema that our models use, not all of it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from chalicelib.handlers.http import JSON, PROBLEM_JSON, PROBLEMS

type Schema = Mapping[str, Any]

SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_DEEPEST = 6  # levels of nested objects shown in one table

_STYLE = """
:root { --ink: #1c2430; --soft: #5b6675; --line: #dfe4ea; --paper: #fff; --shade: #f5f7f9; --mark: #0b6e4f;
  --code: #f0f3f6 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e9ee; --soft: #9aa6b3; --line: #2c3642; --paper: #12171d; --shade: #181f27;
    --mark: #5fd3a8; --code: #1d2630 }
}
* { box-sizing: border-box }
body { margin: 0; color: var(--ink); background: var(--paper);
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", sans-serif }
.page { display: grid; grid-template-columns: 17rem minmax(0, 1fr) }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.5rem 1rem; background: var(--shade);
  border-right: 1px solid var(--line); font-size: .875rem }
nav b { display: block; margin: 1.1rem 0 .25rem }
nav ul { list-style: none; margin: 0; padding: 0 }
nav a { display: block; padding: .2rem .4rem; border-radius: 4px; color: var(--soft); line-height: 1.35;
  text-decoration: none }
nav a:hover, nav a:focus { background: var(--code); color: var(--ink) }
main { max-width: 58rem; padding: 2rem clamp(1rem, 4vw, 3.5rem) 6rem }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem }
h2 { margin: 3.5rem 0 1rem; padding-bottom: .3rem; border-bottom: 2px solid var(--line) }
h3 { font-size: 1.15rem; margin: 2.75rem 0 .3rem }
h4 { font-size: .9rem; margin: 1.2rem 0 .3rem }
code, pre { font: .86em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
code { padding: .1em .3em; border-radius: 3px; background: var(--code) }
pre { padding: .8rem 1rem; overflow: auto; border: 1px solid var(--line); border-radius: 6px;
  background: var(--code); -webkit-user-select: all; user-select: all }
pre code { padding: 0 }
.verb { display: inline-block; min-width: 4.2rem; margin-right: .6rem; padding: 0 .5rem; border-radius: 4px;
  color: #fff; background: #5b6675; font: 600 .78rem/1.8 ui-monospace, monospace; text-align: center }
.GET { background: #1f5fc4 } .POST { background: #0b6e4f } .PUT { background: #855700 }
.DELETE { background: #b3261e }
table { width: 100%; margin: .4rem 0; border-collapse: collapse; font-size: .875rem }
td, th { padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top }
th { color: var(--soft); font-weight: 600 }
td:first-child { white-space: nowrap }
.need { color: var(--mark); font-size: .8em }
.soft, .deep { color: var(--soft) }
a, summary { color: var(--mark) }
summary { cursor: pointer }
dt { margin-top: 1.2rem; font-weight: 600 }
dd { margin: .2rem 0 0 }
dt:target, h3:target { outline: 2px solid var(--mark); outline-offset: .3rem }
@media (max-width: 50rem) {
  .page { display: block }
  nav { position: static; height: auto; max-height: 40vh }
}
"""


def page(document: Schema) -> str:
    """Render the document; O(its size), a few milliseconds."""
    about = document["info"]
    by_tag: dict[str, list[tuple[str, str, Schema]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append((method.upper(), path, operation))
    sections = "".join(_section(tag, operations, document) for tag, operations in by_tag.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(about['title'])} API</title><style>{_STYLE}</style></head><body><div class=page>"
        f"{_navigation(by_tag)}<main><h1>{escape(about['title'])} API</h1>{_prose(about['description'])}"
        '<p class=soft>The same in machine-readable form: <a href="openapi.json">openapi.json</a>.</p>'
        f"{sections}{_catalogue()}</main></div></body></html>"
    )


def _navigation(by_tag: Mapping[str, list[tuple[str, str, Schema]]]) -> str:
    parts = []
    for tag, operations in by_tag.items():
        links = "".join(
            f'<li><a href="#{escape(operation["operationId"])}" title="{escape(f"{method} {path}")}">'
            f"{_inline(operation['summary'])}</a></li>"
            for method, path, operation in operations
        )
        parts.append(f"<b>{escape(tag)}</b><ul>{links}</ul>")
    return f'<nav aria-label="Endpoints">{"".join(parts)}<b><a href="#errors">Errors</a></b></nav>'


def _section(tag: str, operations: Iterable[tuple[str, str, Schema]], document: Schema) -> str:
    return f"<h2>{escape(tag)}</h2>" + "".join(
        _operation(method, path, operation, document) for method, path, operation in operations
    )


def _operation(method: str, path: str, operation: Schema, document: Schema) -> str:
    parts = [
        f'<h3 id="{escape(operation["operationId"])}">{_inline(operation["summary"])}</h3>',
        f'<p><span class="verb {method}">{method}</span><code>{escape(path)}</code></p>',
        _prose(operation["description"]),
        f"<pre><code>{escape(_curl(method, path, operation, document))}</code></pre>",
    ]
    parameters = [_resolved(parameter, document) for parameter in operation["parameters"]]
    if parameters:
        rows = [
            _row(
                each["name"], each["schema"], document, needed=each.get("required", False), about=_where(each)
            )
            for each in parameters
        ]
        parts.append(_table("Parameters", rows))
    if "requestBody" in operation:
        parts.append(_table("Body", _rows(_body_schema(operation["requestBody"]), document)))
    good = {
        status: answer
        for status, answer in operation["responses"].items()
        if int(status) < 400 or PROBLEM_JSON not in answer["content"]  # a page says in words what is wrong
    }
    parts += [_answer(status, answer, document) for status, answer in good.items()]
    codes = [
        code
        for status, answer in operation["responses"].items()
        if status not in good
        for code in answer["content"][PROBLEM_JSON]["schema"]["allOf"][1]["properties"]["code"]["enum"]
    ]
    links = ", ".join(f'<a href="#{code}"><code>{code}</code></a>' for code in codes)
    parts.append(f"<p class=soft>Problems: {links}</p>")
    return "".join(parts)


def _answer(status: str, answer: Schema, document: Schema) -> str:
    kinds = answer.get("content", {})
    heading = f"{status} {answer['description']}"
    if others := [kind for kind in kinds if kind != JSON]:
        heading += f" ({', '.join(others)})"
    if JSON not in kinds:
        return f"<p><b>{escape(heading)}</b></p>"
    rows = _rows(kinds[JSON]["schema"], document)
    return f"<details><summary>{escape(heading)}</summary>{_table('', rows)}</details>"


def _catalogue() -> str:
    entries = "".join(
        f'<dt id="{code}"><code>{code}</code> {case.status} {escape(case.title)}</dt>'
        f"<dd>{_inline(case.meaning)}</dd>"
        for code, case in PROBLEMS.items()
    )
    return f'<h2 id="errors">Errors</h2><dl>{entries}</dl>'


# --- an example of each request


def _curl(method: str, path: str, operation: Schema, document: Schema) -> str:
    verb = "" if method == "GET" else f"-X {method} "
    words = [f"curl {verb}{document['servers'][0]['url']}{path}"]
    if operation["security"]:
        words.append('-H "Authorization: Bearer $SLOTKEEPER_KEY"')
    if any(_resolved(each, document)["name"] == "Idempotency-Key" for each in operation["parameters"]):
        words.append('-H "Idempotency-Key: $(uuidgen)"')
    if "requestBody" in operation:
        body = operation["requestBody"]["content"][JSON]
        example = body["example"] if "example" in body else _sample(body["schema"], document)
        text = json.dumps(example, ensure_ascii=False, indent=2).replace("'", "'\\''")
        words += ["-H 'Content-Type: application/json'", f"-d '{text}'"]
    return " \\\n  ".join(words)


def _sample(schema: Schema, document: Schema) -> Any:
    """Make up a value: the schema's example, else something of the right type; required members only."""
    schema = _resolved(schema, document)
    for keyword in ("examples", "enum", "oneOf", "anyOf"):
        if keyword in schema:
            first = schema[keyword][0]
            return _sample(first, document) if keyword.endswith("Of") else first
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", ())
            return {name: _sample(schema["properties"][name], document) for name in wanted}
        case "array":
            return [_sample(schema["items"], document)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return "text"


# --- tables of fields


def _rows(schema: Schema, document: Schema, prefix: str = "", depth: int = 0) -> list[str]:
    schema = _inner(schema, document)
    if depth > _DEEPEST:
        return []
    rows = []
    for choice in schema.get("oneOf", schema.get("anyOf", ())):
        choice = _inner(choice, document)
        if "properties" in choice:
            rows.append(f"<tr><td colspan=3><b>{_inline(choice.get('description', 'or'))}</b></td></tr>")
            rows += _rows(choice, document, prefix, depth + 1)
    for name, part in schema.get("properties", {}).items():
        rows.append(_row(name, part, document, needed=name in schema.get("required", ()), prefix=prefix))
        rows += _rows(part, document, f"{prefix}{name}{_mark(part, document)}.", depth + 1)
    return rows


def _row(
    name: str, schema: Schema, document: Schema, *, needed: bool, prefix: str = "", about: str = ""
) -> str:
    about = about or schema.get("description") or _resolved(schema, document).get("description", "")
    note = " <span class=need>required</span>" if needed else ""
    default = schema.get("default")
    told = _inline(about)
    if default is not None:
        told += f" Default: <code>{escape(json.dumps(default, ensure_ascii=False))}</code>"
    name = f"<span class=deep>{escape(prefix)}</span>{escape(name)}"
    kind = escape(_type(schema, document))
    return f"<tr><td><code>{name}</code>{note}</td><td>{kind}</td><td>{told}</td></tr>"


def _table(heading: str, rows: Iterable[str]) -> str:
    title = f"<h4>{heading}</h4>" if heading else ""
    return f"{title}<table><tr><th>Name<th>Type<th>Meaning</tr>{''.join(rows)}</table>"


def _type(schema: Schema, document: Schema) -> str:
    schema = _resolved(schema, document)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_type(choice, document) for choice in choices))
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = str(schema.get("format") or schema.get("type", "any"))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}), document)}"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        bounds = [f"from {low}"] * (low is not None) + [f"to {high}"] * (high is not None)
        kind += f" {' '.join(bounds)}"
    if "maxLength" in schema:
        kind += f", at most {schema['maxLength']} characters"
    return kind


def _mark(schema: Schema, document: Schema) -> str:
    return "[]" if _without_null(schema, document).get("type") == "array" else ""


def _inner(schema: Schema, document: Schema) -> Schema:
    """Look through references, `null` and lists to the thing whose fields are to be shown."""
    schema = _without_null(schema, document)
    while schema.get("type") == "array":
        schema = _without_null(schema.get("items", {}), document)
    return schema


def _without_null(schema: Schema, document: Schema) -> Schema:
    schema = _resolved(schema, document)
    rest = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    return _without_null(rest[0], document) if len(rest) == 1 else schema


def _resolved(schema: Schema, document: Schema) -> Schema:
    while "$ref" in schema:
        target: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = target
    return schema


def _body_schema(body: Schema) -> Schema:
    schema: Schema = body["content"][JSON]["schema"]
    return schema


def _where(parameter: Schema) -> str:
    return f"In the {parameter['in']}. {parameter.get('description', '')}".strip()


# --- prose


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.strip().split("\n\n") if paragraph)


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
