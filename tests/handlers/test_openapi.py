"""The description is made of the code, and says everything that a caller meets."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from openapi_spec_validator import validate

from chalicelib.handlers import about, merchants
from chalicelib.handlers.endpoints import Endpoints
from chalicelib.handlers.http import PROBLEMS, Answer
from chalicelib.merchants.model import Scope
from tests.handlers import bakery
from tests.handlers.bakery import Bakery
from tests.handlers.shop_client import Shop


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    answer = Bakery().ask("GET", "/openapi.json", key=None, headers={"Host": "api.example"})
    described: dict[str, Any] = answer.json_body
    return described


@pytest.fixture(scope="module")
def page() -> str:
    answer = Bakery().ask("GET", "/docs", key=None)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    text: str = answer.body.decode()
    return text


def test_document_is_openapi(document: dict[str, Any]) -> None:
    """A validator that knows OpenAPI 3.1 finds nothing wrong."""
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_declared_endpoint_is_described_and_no_other(document: dict[str, Any]) -> None:
    """What is registered is what is described."""
    features = [bakery.api, merchants.api]
    declared = {
        (endpoint.path, endpoint.method.lower())
        for feature in (*features, about.endpoints(features))
        for endpoint in feature.declared
    }
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert described == declared


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    """Generated clients name their methods after operationId."""
    names = [
        operation["operationId"] for methods in document["paths"].values() for operation in methods.values()
    ]
    assert len(set(names)) == len(names)


def test_defaults_and_limits_are_shown(document: dict[str, Any]) -> None:
    """A field with a default is optional, and the document says which default."""
    settings = document["components"]["schemas"]["Settings"]
    assert settings["required"] == ["brand"]
    assert settings["properties"]["change_cutoff_minutes"]["default"] == 120
    assert settings["properties"]["quiet_hours"]["default"] == {"starts": "21:00", "ends": "08:00"}
    assert settings["properties"]["brand"]["maxLength"] == 40
    assert settings["additionalProperties"] is False


def test_scopes_idempotency_and_problems_are_shown(document: dict[str, Any]) -> None:
    """Who may call, what must be sent along, and all that may go wrong."""
    bake = document["paths"]["/v1/loaves"]["post"]
    assert bake["security"] == [{"key": ["checkout"]}]
    [key] = [each for each in bake["parameters"] if each.get("name") == "Idempotency-Key"]
    assert key["required"]
    assert {"400", "401", "403", "409", "413", "415", "422", "429", "500", "503"} <= bake["responses"].keys()
    codes = bake["responses"]["422"]["content"]["application/problem+json"]["schema"]["allOf"][1]
    assert set(codes["properties"]["code"]["enum"]) == {"invalid_request", "idempotency_mismatch"}
    assert "Retry-After" in bake["responses"]["429"]["headers"]


def test_either_scope_is_an_alternative(document: dict[str, Any]) -> None:
    """Two scopes of which one is enough are two security requirements."""
    read = document["paths"]["/v1/loaves/{loaf_id}"]["get"]
    assert read["security"] == [{"key": ["checkout"]}, {"key": ["ops"]}]


def test_endpoint_without_key_needs_none(document: dict[str, Any]) -> None:
    """Health and description are open."""
    health = document["paths"]["/v1/health"]["get"]
    assert health["security"] == []
    assert "401" not in health["responses"]


def test_query_parameters_are_described(document: dict[str, Any]) -> None:
    """Names, bounds and defaults come from the query's model."""
    parameters = {each["name"]: each for each in document["paths"]["/v1/loaves"]["get"]["parameters"]}
    assert parameters.keys() == {"limit", "cursor", "grain"}
    assert parameters["limit"]["schema"]["maximum"] == 100
    assert parameters["limit"]["schema"]["default"] == 20


def test_answers_in_two_forms_are_described(document: dict[str, Any]) -> None:
    """A list that may be asked for as CSV says so."""
    content = document["paths"]["/v1/loaves"]["get"]["responses"]["200"]["content"]
    assert content.keys() == {"application/json", "text/csv"}


def test_document_names_the_address_it_was_asked_under(document: dict[str, Any]) -> None:
    """The server's address is the caller's own, stage and all."""
    assert document["servers"] == [{"url": "http://api.example"}]


def described() -> dict[str, Any]:
    """The whole product's document."""
    document: dict[str, Any] = Shop().done("GET", "/openapi.json", key=None)
    return document


def test_links_lead_from_a_search_to_a_delivery_and_from_a_depot_to_its_shifts() -> None:
    """Whoever reads the document by machine finds the way: ids, tokens and offers by name."""
    document = described()
    validate(document)

    def leads(method: str, path: str, status: str) -> dict[str, Any]:
        found: dict[str, Any] = document["paths"][path][method]["responses"][status]["links"]
        return found

    assert leads("post", "/v1/slots/search", "200")["hold_slot"]["requestBody"] == {
        "offer": "$response.body#/slots/0/offer"
    }
    hold = leads("post", "/v1/holds", "201")
    assert hold["make_promise"]["requestBody"] == {"hold_id": "$response.body#/hold_id"}
    assert hold["release_hold"]["parameters"] == {
        "hold_id": "$response.body#/hold_id",
        "hold_token": "$response.body#/hold_token",
    }
    assert "read_hold" in leads("delete", "/v1/holds/{hold_id}", "204")
    assert "change_promise" in leads("post", "/v1/promises", "201")
    slots = leads("get", "/v1/promises/{promise_id}/slots", "200")
    assert slots["change_promise"]["requestBody"]["kind"] == "slot"
    depot = leads("put", "/v1/depots/{depot_id}", "200")
    assert depot["put_vehicle"]["parameters"] == {"depot_id": "$response.body#/depot_id"}
    assert "get_shift" in leads("delete", "/v1/depots/{depot_id}/shifts/{shift_id}", "200")
    assert "revoke_key" in leads("post", "/v1/keys", "201")


def test_links_name_operations_and_parameters_that_exist() -> None:
    """No lead goes nowhere."""
    document = described()
    operations = {
        operation["operationId"]: operation
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    for operation in operations.values():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                target = operations[link["operationId"]]
                known = {each.get("name") for each in target["parameters"]}
                assert link.get("parameters", {}).keys() <= known


def test_declaring_a_problem_without_an_entry_fails_at_once() -> None:
    """A problem that /docs could not explain never gets as far as a request."""
    api = Endpoints("Any")
    declare = api.endpoint("GET", "/v1/any", scope=Scope.OPS, answers={204: None}, problems=("no_such_code",))
    with pytest.raises(ValueError, match="no_such_code"):
        declare(lambda _call: Answer(204))


# --- the page


class Tags(HTMLParser):
    """Collects ids, links and every tag that loads something."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loading: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag == "a":
            self.links.append(values.get("href") or "")
        if tag in ("script", "link", "img", "iframe", "object") or "src" in values:
            self.loading.append(tag)


def test_page_loads_nothing_from_anywhere(page: str) -> None:
    """No script, no font, no picture: it works offline and behind a strict policy."""
    tags = Tags()
    tags.feed(page)
    assert tags.loading == []
    assert "@import" not in page
    assert "url(" not in page


def test_page_explains_every_problem_where_its_type_points(page: str) -> None:
    """`type` is `/docs#code`: each code is an anchor of the page, and every link has its target."""
    tags = Tags()
    tags.feed(page)
    assert PROBLEMS.keys() <= set(tags.ids)
    assert len(set(tags.ids)) == len(tags.ids)
    assert {link[1:] for link in tags.links if link.startswith("#")} <= set(tags.ids)


def test_page_shows_a_request_that_works(page: str) -> None:
    """The curl line of an endpoint can be sent as it stands, with a key."""
    [line] = re.findall(r"<pre><code>(curl -X POST http://\S+/v1/loaves .*?)</code></pre>", page, re.S)
    [body] = re.findall(r"-d '(.*)'", unescape(line), re.S)
    assert Bakery().bake(body=body.encode()).status_code == 201
    assert "Idempotency-Key" in line


def test_page_escapes_what_it_shows() -> None:
    """Whatever a Host header or a docstring holds, it is text."""
    answer = Bakery().ask("GET", "/docs", key=None, headers={"Host": "<script>alert(1)</script>"})
    assert b"<script" not in answer.body
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_health_needs_no_key() -> None:
    """GET /v1/health answers anybody."""
    answer = Bakery().ask("GET", "/v1/health", key=None)
    assert (answer.status_code, json.loads(answer.body)) == (200, {"status": "ok"})
    assert Bakery().ask("GET", "/v1/health?deep=1", key=None).status_code == 422
