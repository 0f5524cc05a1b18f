"""API2, API7, API8, API9: keys do not leak, we call nobody, headers are dressed, and all is described."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.merchants.model import KeyType, key_hash
from tests.handlers.shop_client import SHOP_ORIGIN, Shop, a_depot
from tests.handlers.test_isolation import asked_of_every_endpoint
from tests.security.outside import Outside

KEY = re.compile(r"slk_(?:test|live)_[sp]k_[0-9A-Za-z]{33}")
LISTENED = {"on": False}
CALLS: list[str] = []


@pytest.fixture
def shop() -> Shop:
    return Shop()


# --- keys


def test_no_key_leaves_but_in_the_answer_that_made_it(shop: Shop) -> None:
    """Not in logs, refusals, lists, documents or receipts; neither does its hash."""
    made = shop.done("POST", "/v1/keys", {"type": "publishable", "scopes": ["checkout"]}, key="admin")
    assert KEY.fullmatch(made["key"])
    shop.keys["made"] = made["key"]
    said = [shop.ask("GET", path, key="admin").body for path in ("/v1/keys", "/v1/settings", "/v1/depots")]
    said += [answer.body for answer in asked_of_every_endpoint(shop, "made").values()]
    said += [shop.ask("GET", f"/v1/depots?key={key}").body for key in shop.keys.values()]
    for method, path, body in (  # who sends his key astray hears of it, and nobody else does
        ("GET", f"/v1/depots/{made['key']}", None),
        ("POST", "/v1/slots/search", {made["key"]: made["key"]}),
        ("POST", "/v1/slots/search", shop.wish(depot_id=made["key"])),
    ):
        assert shop.ask(method, path, body).status_code in (404, 422)
    said += [shop.ask("GET", path, key=None).body for path in ("/openapi.json", "/docs", "/v1/health")]
    texts = "".join(part.decode() for part in said) + shop.log.getvalue()
    assert not [key for key in shop.keys.values() if key in texts or key_hash(key) in texts]
    stored = repr(vars(shop.services.store)).encode() + b"".join(
        row.sealed_body for row in shop.services.store.receipts.rows.values()
    )
    assert not [key for key in shop.keys.values() if key.encode() in stored]


# --- we call nobody


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if LISTENED["on"] and event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen"):
        CALLS.append(f"{event} {arguments[-1]!r}")


sys.addaudithook(_listen)  # for good: there is no taking it back


@contextmanager
def listened() -> Iterator[list[str]]:
    """Everything this process wants of the network meanwhile."""
    CALLS.clear()
    LISTENED["on"] = True
    try:
        yield CALLS
    finally:
        LISTENED["on"] = False


def test_no_request_makes_us_call_an_address_it_names(shop: Shop) -> None:
    """API7: addresses in any field are text, but for webhooks: theirs are called by a worker, if at all."""
    evil = "http://169.254.169.254/latest"
    with listened() as calls:
        shop.hold(cart_ref="a", key="publishable")
        promise = shop.promise()["promise_id"]
        for change in (
            {"kind": "gate_code", "code": evil},
            {"kind": "safe_place", "where": evil},
            {"kind": "neighbour", "name_or_number": evil},
            {"kind": "slot", "offer": evil},
        ):
            shop.ask("POST", f"/v1/promises/{promise}/changes", change)
        shop.ask("PUT", "/v1/depots/evil", a_depot(name=evil))
        shop.ask("PUT", "/v1/depots/evil", a_depot(travel={"engine": "osrm", "graph": "..:127.0.0.1"}))
        for origin in (evil, "https://169.254.169.254", "http://localhost:80"):
            shop.ask("PUT", "/v1/settings", {"brand": "a", "origins": [origin]}, key="admin")
            assert shop.ask("PUT", "/v1/webhooks/evil", {"url": origin}).status_code == (
                200 if "localhost" in origin else 422  # a sandbox's own receiver
            )
        asked = {"Host": "169.254.169.254", "X-Forwarded-Host": "169.254.169.254", "Origin": evil}
        shop.ask("GET", "/openapi.json", key=None, headers=asked)
    assert calls == []


def test_listening_hears_a_call() -> None:
    """Control: a connection is heard, refused or not."""
    with listened() as calls, socket.socket() as nobody:
        nobody.connect_ex(("127.0.0.1", 1))
    assert calls


# --- how answers are dressed


def test_every_answer_is_dressed_against_misuse(shop: Shop) -> None:
    """API8: a request id and nosniff on every one; nothing under a key is kept by a cache."""
    for key in (None, "publishable", "admin"):
        for name, answer in asked_of_every_endpoint(shop, key).items():
            headers = answer.headers
            assert headers["X-Content-Type-Options"] == "nosniff", name
            assert headers["X-Request-Id"], name
            assert headers["Cache-Control"] == "no-store", name
            assert not {"Server", "X-Powered-By", "Set-Cookie"} & headers.keys(), name


def test_pages_of_strangers_read_nothing(shop: Shop) -> None:
    """B16: an origin is named where the key lists it, on what publishable keys may call, and nowhere else."""
    for endpoint in shop.endpoints:
        path = re.sub(r"{\w+}", "any", endpoint.path)
        for origin in (SHOP_ORIGIN, "https://evil.example", "null", f"{SHOP_ORIGIN}.evil.example"):
            for key in ("publishable", "secret"):
                answer = shop.ask(endpoint.method, path, key=key, headers={"Origin": origin})
                named = answer.headers.get("Access-Control-Allow-Origin")
                known = key == "publishable" and origin == SHOP_ORIGIN and endpoint.publishable
                assert named == (SHOP_ORIGIN if known else None), (endpoint.name, origin, key)
                assert "Access-Control-Allow-Credentials" not in answer.headers


def test_docs_run_nothing(shop: Shop) -> None:
    """The page's policy forbids scripts, frames and whatever comes from elsewhere."""
    policy = shop.ask("GET", "/docs", key=None).headers["Content-Security-Policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";") if rule.strip())
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert rules["base-uri"] == "'none'"
    assert rules["form-action"] == "'none'"
    assert "script-src" not in rules


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT", "HEAD", "TRACE", "CONNECT"])
def test_methods_nobody_declared_do_nothing(shop: Shop, method: str) -> None:
    """404 in our form from the gateway, whatever the path."""
    gateway = Outside(shop).gateway
    declared = {(endpoint.method, endpoint.path) for endpoint in shop.endpoints}
    for path in {path for _, path in declared} - {path for known, path in declared if known == method}:
        target = re.sub(r"{\w+}", "any", path)
        answer = gateway.answer(method, target, {"authorization": f"Bearer {shop.keys['admin']}"}, b"")
        assert answer.status == 404, path


# --- all there is is described

_LISTING = """
import json
import app
from infra.sandbox.gateway import Gateway, stage_config
served = [[m, p] for p, routes in app.app.routes.items() for m in routes if m != "OPTIONS"]
document = json.loads(Gateway(app.app, stage_config()).answer("GET", "/openapi.json", {}, b"").body)
described = [[m.upper(), p] for p, methods in document["paths"].items() for m in methods]
print(json.dumps([sorted(served), sorted(described)]))
"""


@pytest.mark.parametrize(("stage", "sandbox"), [("live", False), ("test", False), ("sandbox", True)])
def test_what_is_deployed_is_what_is_described(stage: str, sandbox: bool) -> None:
    """API9: each route of the app of a stage is in its document and the other way; no test clock."""
    environment = {"STAGE": stage, "PATH": "/usr/bin:/bin", "AWS_DEFAULT_REGION": "eu-west-1"}
    command = [sys.executable, "-c", _LISTING]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=120)
    served, described = json.loads(ran.stdout.splitlines()[-1])
    assert served == described
    assert len(served) > 20
    assert any(path.startswith("/v1/test/") for _, path in served) is sandbox


def test_key_of_each_kind_says_what_it_is(shop: Shop) -> None:
    """A scanner that finds a key in a page or a repository can tell a harmless one from a secret."""
    for name, key in shop.keys.items():
        kind = KeyType.PUBLISHABLE if name == "publishable" else KeyType.SECRET
        assert key.startswith("slk_test_pk_" if kind is KeyType.PUBLISHABLE else "slk_test_sk_")
