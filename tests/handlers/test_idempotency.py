"""The same request twice has one effect and one answer."""

import pytest

from chalicelib.errors import Conflict
from chalicelib.events import Mode, Tenant
from chalicelib.merchants.model import ALL_SCOPES, KeyType
from chalicelib.retention import RECEIPTS_KEPT
from tests.fakes import InMemoryReceipts
from tests.handlers.bakery import ACME, Bakery, problem_of


def test_repeated_request_has_one_effect_and_the_same_answer(bakery: Bakery) -> None:
    """F03: the second answer equals the first to the byte, and says that it is a replay."""
    first, second = bakery.bake(), bakery.bake()
    assert (second.status_code, second.body) == (first.status_code, first.body)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert bakery.oven.loaves == ["Rye 1"]


def test_without_receipts_a_repetition_bakes_twice(bakery: Bakery) -> None:
    """F03, control: when no receipt is kept, the repetition has a second effect."""
    bakery.bake()
    bakery.receipts.rows.clear()
    bakery.bake()
    assert bakery.oven.loaves == ["Rye 1", "Rye 2"]


def test_order_of_fields_does_not_make_another_request(bakery: Bakery) -> None:
    """A client that rebuilds its JSON still repeats the same request."""
    bakery.bake(body=b'{"name": "Rye", "slices": 8}')
    assert bakery.bake(body=b'{ "slices":8,"name":"Rye"}').headers["Idempotent-Replayed"] == "true"


def test_key_used_for_another_body_is_refused(bakery: Bakery) -> None:
    """B08, F03: 422, and the second request has no effect."""
    bakery.bake("Rye")
    problem = problem_of(bakery.bake("Oat"))
    assert (problem["status"], problem["code"]) == (422, "idempotency_mismatch")
    assert bakery.oven.loaves == ["Rye 1"]


@pytest.mark.parametrize("key", ["", " ", "a b", "a\tb", "\u00e4", "k" * 256, "\x7f"])
def test_key_that_is_not_visible_ascii_is_refused(bakery: Bakery, key: str) -> None:
    """B08: 400."""
    problem = problem_of(bakery.bake(idempotency_key=key))
    assert (problem["status"], problem["code"]) == (400, "idempotency_key_invalid")


@pytest.mark.parametrize("key", ["k", "k" * 255, '"quoted"', "!~"])
def test_any_visible_ascii_is_a_key(bakery: Bakery, key: str) -> None:
    """1 to 255 characters of the caller's own choice."""
    assert bakery.bake(idempotency_key=key).status_code == 201


def test_request_that_must_not_happen_twice_needs_a_key(bakery: Bakery) -> None:
    """B08: 400 without an Idempotency-Key."""
    problem = problem_of(bakery.ask("POST", "/v1/loaves", {"name": "Rye"}))
    assert (problem["status"], problem["code"]) == (400, "idempotency_key_missing")


def test_optional_key_may_be_left_out(bakery: Bakery) -> None:
    """Where a repetition does little harm, the key is the caller's choice."""
    assert bakery.ask("POST", "/v1/keys", {"type": "secret", "scopes": ["ops"]}).status_code == 201


def test_same_key_of_another_merchant_is_another_request(bakery: Bakery) -> None:
    """Keys are chosen by callers, so two merchants may choose the same."""
    bakery.bake()
    assert bakery.bake(key=bakery.other).status_code == 201
    assert len(bakery.oven.loaves) == 2


def test_same_key_in_the_other_world_is_another_request(bakery: Bakery) -> None:
    """A live request never gets a test answer."""
    live = bakery.key(Tenant(merchant_id="acme", mode=Mode.LIVE), KeyType.SECRET, ALL_SCOPES)
    bakery.bake()
    assert "Idempotent-Replayed" not in bakery.bake(key=live).headers


def test_answer_to_a_secret_key_is_not_replayed_to_a_publishable_one(bakery: Bakery) -> None:
    """A browser that guesses the server's Idempotency-Key is not shown the server's answer."""
    bakery.bake()
    assert "Idempotent-Replayed" not in bakery.bake(key=bakery.publishable).headers


def test_another_endpoint_or_path_does_not_replay(bakery: Bakery) -> None:
    """The key belongs to one endpoint; another path of it is another request."""
    bakery.bake(idempotency_key="k")
    made = bakery.ask(
        "POST", "/v1/keys", {"type": "secret", "scopes": ["ops"]}, headers={"Idempotency-Key": "k"}
    )
    assert made.status_code == 201


def test_refusal_is_not_recorded(bakery: Bakery) -> None:
    """An answer without effect is worked out afresh: what failed for a reason may succeed later."""
    assert bakery.bake("Burnt").status_code == 409
    assert bakery.bake("Rye").status_code == 201


def test_twin_that_commits_first_answers_for_both(bakery: Bakery) -> None:
    """Two twins pass the look-up together; the store lets one commit, and the other replays its answer."""
    answers = []

    def twin_is_faster() -> None:
        bakery.oven.before_commit = lambda: None
        answers.append(bakery.bake())

    bakery.oven.before_commit = twin_is_faster
    answers.append(bakery.bake())
    fast, slow = answers
    assert bakery.oven.loaves == ["Rye 1"]
    assert (slow.status_code, slow.body) == (fast.status_code, fast.body)
    assert slow.headers["Idempotent-Replayed"] == "true"


def test_twin_that_is_refused_because_its_twin_succeeded_replays_too(bakery: Bakery) -> None:
    """The last loaf went to the same request, sent twice: both hear of success."""

    def twin_takes_the_last() -> None:
        bakery.oven.before_commit = lambda: None
        bakery.bake()
        bakery.oven.receipts = SoldOut()

    bakery.oven.before_commit = twin_takes_the_last
    answer = bakery.bake()
    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (201, "true")


class SoldOut(InMemoryReceipts):
    def add(self, *_args: object) -> None:
        raise Conflict("The last one is gone.")


def test_receipt_is_kept_for_a_day_and_sealed(bakery: Bakery) -> None:
    """What was answered may hold a token or a name: at rest it is not readable."""
    bakery.bake("Ana Canary")
    [row] = bakery.receipts.rows.values()
    assert b"Canary" not in row.sealed_body
    assert (row.status, row.expires_at) == (201, bakery.clock.at + RECEIPTS_KEPT)


def test_receipt_cannot_be_moved_to_another_request(bakery: Bakery) -> None:
    """A body is sealed for its tenant and key: a row copied elsewhere does not open, which is our fault."""
    bakery.bake()
    [row] = bakery.receipts.rows.values()
    best = Tenant(merchant_id="best", mode=Mode.TEST)
    bakery.receipts.rows[best, row.key] = row
    answer = bakery.bake(key=bakery.other)
    assert problem_of(answer)["code"] == "internal"


def test_replay_survives_what_would_refuse_it_now(bakery: Bakery) -> None:
    """The look-up comes before anything that depends on the present: a replay needs no fresh state."""
    bakery.bake()
    bakery.clock.advance(RECEIPTS_KEPT * 30)
    assert bakery.bake().headers["Idempotent-Replayed"] == "true"


def test_key_made_twice_is_one_key(bakery: Bakery) -> None:
    """POST /v1/keys may be repeated: the same key is shown again, and only one exists."""
    asked = {"type": "secret", "scopes": ["ops"]}
    before = len(bakery.store.list_keys(ACME))
    answers = [bakery.ask("POST", "/v1/keys", asked, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json_body["key"] == answers[1].json_body["key"]
    assert len(bakery.store.list_keys(ACME)) == before + 1
