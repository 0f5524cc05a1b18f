"""Every request passes the door, and every answer leaves in the same dress."""

import re
import subprocess
import sys

import pytest

from chalicelib.events import Mode, Tenant
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Scope, key_text
from chalicelib.merchants.quota import Quota
from tests.handlers.bakery import ACME, SHOP, Bakery, problem_of

# --- request ids


def test_every_answer_names_its_request(bakery: Bakery) -> None:
    """Success, refusal, preflight, bug and unknown method carry X-Request-Id, each another one."""
    answers = [
        bakery.bake(),
        bakery.ask("GET", "/v1/loaves/none"),
        bakery.ask("GET", "/v1/loaves/bug"),
        bakery.ask("PATCH", "/v1/loaves"),
        bakery.ask("OPTIONS", "/v1/loaves", key=None),
        bakery.ask("GET", "/v1/health", key=None),
    ]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("req_[0-9a-f]{20}", name) for name in ids)


def test_callers_request_id_is_kept_if_it_is_harmless(bakery: Bakery) -> None:
    """A caller may name a request, so that its own logs and ours meet."""
    answer = bakery.ask("GET", "/v1/loaves/none", headers={"X-Request-Id": "order-4711.try-2"})
    assert problem_of(answer)["request_id"] == "order-4711.try-2"


@pytest.mark.parametrize("name", ["short", "a" * 65, "a b c d e f", "x\r\nSet-Cookie: a=b", "ünïcödé-id", ""])
def test_callers_request_id_is_replaced_if_it_is_not(bakery: Bakery, name: str) -> None:
    """What could break a header or a log line is not echoed."""
    answer = bakery.ask("GET", "/v1/loaves/none", headers={"X-Request-Id": name})
    assert answer.headers["X-Request-Id"].startswith("req_")


# --- who may come in (B09)


def refused_key(bakery: Bakery, case: str) -> str:
    if case == "revoked":
        text = bakery.key(ACME, KeyType.SECRET, ALL_SCOPES)
        first, *_, last = bakery.store.list_keys(ACME)
        bakery.merchants.revoke_key(ACME, last.key_id, by=first, now=bakery.clock.at)
        return text
    if case == "other mode":
        live = Tenant(merchant_id="acme", mode=Mode.LIVE)
        return bakery.key(ACME, KeyType.SECRET, ALL_SCOPES).replace("_test_", f"_{live.mode}_")
    if case == "misspelt":
        return bakery.secret[:-1] + ("0" if bakery.secret[-1] != "0" else "1")
    return key_text(mode=Mode.TEST, type=KeyType.SECRET, random=b"nobody has this key!")


@pytest.mark.parametrize("case", ["unknown", "revoked", "other mode", "misspelt"])
def test_key_that_opens_nothing_gets_the_same_answer_whatever_is_wrong_with_it(
    bakery: Bakery, case: str
) -> None:
    """Not one byte tells an unknown key from a revoked one."""
    ids = {"X-Request-Id": "the-same-one"}
    wrong = bakery.ask("GET", "/v1/loaves/none", key=refused_key(bakery, case), headers=ids)
    unknown = bakery.ask("GET", "/v1/loaves/none", key=refused_key(bakery, "unknown"), headers=ids)
    assert (wrong.status_code, wrong.body, wrong.headers) == (401, unknown.body, unknown.headers)
    assert wrong.headers["WWW-Authenticate"] == "Bearer"


def test_unknown_and_revoked_keys_cost_the_same_work(bakery: Bakery) -> None:
    """Each is hashed once and looked up once, so time tells nothing either."""
    lookups = []
    for case in ("unknown", "revoked"):
        key = refused_key(bakery, case)
        before = bakery.store.lookups
        bakery.ask("GET", "/v1/loaves/none", key=key)
        lookups.append(bakery.store.lookups - before)
    assert lookups == [1, 1]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic abc", "slk_test_sk_x", "Bearer ünïcödé", "Bearer " + "x" * 9000],
)
def test_header_without_a_key_of_ours_is_unauthorized(bakery: Bakery, header: str) -> None:
    """Whatever stands in Authorization, the answer is 401 and never a 500."""
    answer = bakery.ask("GET", "/v1/loaves/none", key=None, headers={"Authorization": header})
    assert problem_of(answer)["code"] == "unauthorized"


@pytest.mark.parametrize("query", ["key={}", "api_key={}", "x=1&x={}", "access_token=abc"])
def test_key_in_the_url_is_refused_even_beside_a_good_one(bakery: Bakery, query: str) -> None:
    """URLs are logged everywhere: a key found there is refused with a hint, and not looked up."""
    answer = bakery.ask("GET", "/v1/loaves?" + query.format(bakery.secret))
    assert answer.status_code == 401
    assert "revoke it" in problem_of(answer)["detail"]
    assert bakery.secret.encode() not in answer.body


def test_publishable_key_opens_publishable_endpoints_only(bakery: Bakery) -> None:
    """A key that everybody can read searches and holds, and does nothing else."""
    assert bakery.bake(key=bakery.publishable).status_code == 201
    refused = bakery.ask("GET", "/v1/loaves/none", key=bakery.publishable)
    assert (refused.status_code, problem_of(refused)["code"]) == (403, "forbidden")


def test_key_needs_one_of_the_endpoints_scopes(bakery: Bakery) -> None:
    """Any one of the scopes opens an endpoint; none of them, and it stays shut."""
    ops = bakery.key(ACME, KeyType.SECRET, Scope.OPS)
    driver = bakery.key(ACME, KeyType.SECRET, Scope.DRIVER)
    assert bakery.ask("GET", "/v1/loaves/none", key=ops).status_code == 404
    assert problem_of(bakery.ask("GET", "/v1/loaves/none", key=driver))["code"] == "forbidden"


# --- quotas


def test_answers_say_what_is_left_of_the_quota() -> None:
    """RateLimit and RateLimit-Policy are structured fields; both count down together."""
    bakery = Bakery(quota=Quota(requests=3, window=60))
    bakery.clock.at = 1_795_000_020  # 20 seconds into a window: 1_795_000_000 is 40 seconds into its own
    answers = [bakery.ask("GET", "/v1/loaves") for _ in range(3)]
    assert [answer.headers["RateLimit"] for answer in answers] == [
        '"key";r=2;t=60',
        '"key";r=1;t=60',
        '"key";r=0;t=60',
    ]
    assert answers[0].headers["RateLimit-Policy"] == '"key";q=3;w=60'


def test_request_beyond_the_quota_is_refused_until_the_window_ends() -> None:
    """429 with Retry-After; another key is not affected; the next window serves again."""
    bakery = Bakery(quota=Quota(requests=1, window=60))
    assert bakery.ask("GET", "/v1/loaves").status_code == 200
    refused = bakery.ask("GET", "/v1/loaves")
    assert (refused.status_code, problem_of(refused)["code"]) == (429, "rate_limited")
    wait = int(refused.headers["Retry-After"])
    assert refused.headers["RateLimit"] == f'"key";r=0;t={wait}'
    assert bakery.ask("GET", "/v1/loaves", key=bakery.other).status_code == 200
    bakery.clock.advance(wait)
    assert bakery.ask("GET", "/v1/loaves").status_code == 200


# --- CORS (B16)


def test_preflight_is_answered_to_anybody_on_publishable_endpoints(bakery: Bakery) -> None:
    """A preflight carries no key: it is answered with `*` and without credentials."""
    answer = bakery.ask("OPTIONS", "/v1/loaves", key=None, headers={"Origin": "https://any.example"})
    assert (answer.status_code, answer.body) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_other_endpoints_have_no_preflight(bakery: Bakery) -> None:
    """No web page may call an endpoint that needs a secret key."""
    assert "OPTIONS" in bakery.app.routes["/v1/loaves"]
    assert "OPTIONS" not in bakery.app.routes["/v1/keys"]


def test_answer_names_the_origin_that_the_key_lists(bakery: Bakery) -> None:
    """Success and refusal alike are readable by the merchant's own pages."""
    for name in ("Rye", "Burnt"):
        answer = bakery.bake(name, key=bakery.publishable, headers={"Origin": SHOP})
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP
        assert answer.headers["Vary"] == "Origin"
        assert "RateLimit" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", SHOP + ".evil.example", SHOP.upper(), "*", ""]
)
def test_answer_names_no_other_origin(bakery: Bakery, origin: str) -> None:
    """An origin that the key does not list, and `null`, get no header."""
    answer = bakery.bake(key=bakery.publishable, headers={"Origin": origin})
    assert answer.status_code == 201
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Vary"] == "Origin"


def test_secret_key_is_never_readable_from_a_page(bakery: Bakery) -> None:
    """A secret key lists no origins, so a page that got hold of one reads nothing."""
    assert "Access-Control-Allow-Origin" not in bakery.bake(headers={"Origin": SHOP}).headers


# --- path and query


@pytest.mark.parametrize(
    "loaf_id", ["a" * 65, "a%20b", "%00", "%2e%2e%2f", "caf%C3%A9", "a%0D%0Ab", "%F0%28"]
)
def test_id_that_no_thing_can_have_is_not_found(bakery: Bakery, loaf_id: str) -> None:
    """Nothing can have such an id, so the answer is that of an id that does not exist."""
    assert problem_of(bakery.ask("GET", f"/v1/loaves/{loaf_id}"))["code"] == "not_found"


def test_id_is_read_with_its_percent_encoding(bakery: Bakery) -> None:
    """Clients that encode a colon and clients that do not mean the same thing."""
    assert bakery.ask("PUT", "/v1/loaves/a%3Ab", {"name": "Rye"}).status_code == 200


def test_putting_under_a_bad_id_says_what_an_id_is(bakery: Bakery) -> None:
    """Whoever creates a thing learns why its id is refused."""
    problem = problem_of(bakery.ask("PUT", "/v1/loaves/a%20b", {"name": "Rye"}))
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "{loaf_id}")


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/v1/loaves/none?limit=1", "?limit"),
        ("/v1/loaves?grian=rye", "?grian"),
        ("/v1/loaves?limit=1&limit=2", "?limit"),
        ("/v1/loaves?limit=0", "?limit"),
        ("/v1/loaves?limit=1000000000", "?limit"),
        ("/v1/loaves?limit=many", "?limit"),
        ("/v1/loaves?limit=", "?limit"),
        ("/v1/loaves?" + "x" * 500 + "=1", "?" + "x" * 80),
    ],
)
def test_query_that_is_not_understood_is_refused(bakery: Bakery, path: str, pointer: str) -> None:
    """Unknown, repeated and unreadable parameters are named (B18)."""
    problem = problem_of(bakery.ask("GET", path))
    assert (problem["status"], [wrong["pointer"] for wrong in problem["errors"]]) == (422, [pointer])


# --- errors


def test_bug_answers_nothing_but_that_it_is_one(bakery: Bakery) -> None:
    """A 500 has a request id and tells neither a stack nor what the code choked on."""
    answer = bakery.ask("GET", "/v1/loaves/bug")
    assert problem_of(answer)["code"] == "internal"
    for leak in (b"Traceback", b"KeyError", b"Flores", b"bakery.py"):
        assert leak not in answer.body


def test_bug_is_logged_with_its_place_and_without_data(bakery: Bakery) -> None:
    """The log names error, file and line under the same request id, and never quotes the message."""
    request_id = problem_of(bakery.ask("GET", "/v1/loaves/bug"))["request_id"]
    [bug] = [line for line in bakery.log_lines() if line["message"] == "bug"]
    assert (bug["request_id"], bug["error"]) == (request_id, "KeyError")
    assert re.search(r"bakery\.py:\d+ read_loaf", bug["stack"][-1])
    assert "12025550123" not in bakery.log.getvalue()


def test_log_line_of_a_request_holds_no_personal_data_and_no_key(bakery: Bakery) -> None:
    """Who asked what, how it ended and how long it took; never body, header or key."""
    bakery.bake("Ana Canary", headers={"X-Request-Id": "request-1"})
    [line] = bakery.log_lines()
    assert line["endpoint"] == "POST /v1/loaves"
    assert (line["status"], line["tenant"], line["request_id"]) == (201, "acme.test", "request-1")
    assert "Canary" not in bakery.log.getvalue()
    assert bakery.secret not in bakery.log.getvalue()


def test_log_line_of_a_refusal_names_what_lies_behind_it(bakery: Bakery) -> None:
    """Code and kind of the vendor's error are logged, its words are not."""
    bakery.ask("GET", "/v1/loaves/slow")
    [line] = bakery.log_lines()
    assert (line["code"], line["cause"]) == ("stale_write", "TimeoutError")
    assert "10.1.2.3" not in bakery.log.getvalue()


def test_unknown_method_answers_in_our_dress(bakery: Bakery) -> None:
    """Chalice's own refusal of a method is turned into a problem that lists the others."""
    answer = bakery.ask("PATCH", "/v1/loaves/none")
    assert (answer.status_code, problem_of(answer)["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "PUT", "DELETE"}


def test_busy_store_is_worth_a_repetition(bakery: Bakery) -> None:
    """503 carries Retry-After."""
    answer = bakery.ask("GET", "/v1/loaves/stale")
    assert (problem_of(answer)["status"], answer.headers["Retry-After"]) == (503, "1")


def test_expired_thing_says_when_it_ended(bakery: Bakery) -> None:
    """410 carries `expired_at`."""
    assert problem_of(bakery.ask("GET", "/v1/loaves/expired"))["expired_at"] == "1970-01-01T00:00:00Z"


def test_code_without_an_entry_gets_the_status_of_its_class(bakery: Bakery) -> None:
    """A case that somebody forgot to describe is still what it is, and not a 500."""
    assert bakery.ask("GET", "/v1/loaves/coded").status_code == 409


def test_headers_cannot_be_split(bakery: Bakery) -> None:
    """Line breaks never reach a header, whatever a handler puts there (B15)."""
    answer = bakery.ask("GET", "/v1/loaves/odd")
    assert answer.status_code == 200
    assert answer.headers["X-Note"] == "aSet-Cookie: b=c"


def test_answers_under_a_key_are_not_cached(bakery: Bakery) -> None:
    """No proxy keeps one merchant's answer for another."""
    assert bakery.ask("GET", "/v1/loaves").headers["Cache-Control"] == "no-store"


# --- what it costs


def test_services_are_built_once_and_by_the_first_request_that_needs_them() -> None:
    """Neither import nor health check builds anything."""
    bakery = Bakery()
    bakery.ask("GET", "/v1/health", key=None)
    assert bakery.built == 0
    bakery.bake()
    bakery.bake()
    assert bakery.built == 1


def test_door_imports_nothing_heavy() -> None:
    """What every cold start pays for holds no AWS client, no phone metadata and no OpenAPI writer."""
    heavy = {"boto3", "botocore.session", "phonenumbers", "ortools", "twilio", "chalicelib.handlers.openapi"}
    program = "import sys; from chalicelib.handlers import about, door, merchants; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not heavy & set(loaded.stdout.split())
