"""A merchant manages its keys and settings, and nobody else's."""

import json
from typing import Any

import pytest

from chalicelib.events import Mode
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant, Scope
from tests.handlers.bakery import ACME, SENDER, SHARED_SENDER, SHOP, Bakery, problem_of

SETTINGS = {
    "brand": "Acme",
    "support_phone": "+12025550123",
    "origins": [SHOP],
    "locales": ["pt-PT", "en"],
    "sender": SENDER,
    "sms_countries": ["PT", "ES"],
    "quiet_hours": {"starts": "22:00", "ends": "07:30"},
    "change_cutoff_minutes": 30,
    "texting": False,
}


def new_key(bakery: Bakery, **asked: Any) -> dict[str, Any]:
    answer = bakery.ask("POST", "/v1/keys", asked)
    assert answer.status_code == 201, answer.body
    made: dict[str, Any] = answer.json_body
    return made


def test_key_just_made_opens_what_it_was_made_for(bakery: Bakery) -> None:
    """The text in the answer is a key at once, for its scopes only."""
    made = new_key(bakery, type="secret", scopes=["ops"])
    assert made["key"].startswith("slk_test_sk_")
    assert made["key"].endswith(made["last4"])
    assert bakery.ask("GET", "/v1/loaves", key=made["key"]).status_code == 200
    assert bakery.ask("GET", "/v1/keys", key=made["key"]).status_code == 403


def test_text_of_a_key_is_shown_once_and_kept_nowhere(bakery: Bakery) -> None:
    """Neither the list nor the store holds anything but a hash."""
    made = new_key(bakery, type="secret", scopes=["ops"])
    assert made["key"].encode() not in bakery.ask("GET", "/v1/keys").body
    assert made["key"] not in repr(bakery.store)
    assert made["key"] not in repr(bakery.receipts)


def test_publishable_key_lists_the_settings_origins_unless_told_otherwise(bakery: Bakery) -> None:
    """The usual case needs no list; another list replaces it."""
    assert new_key(bakery, type="publishable", scopes=["checkout"])["origins"] == [SHOP]
    own = new_key(bakery, type="publishable", scopes=["checkout"], origins=["https://other.example"])
    assert own["origins"] == ["https://other.example"]
    assert own["key"].startswith("slk_test_pk_")


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"type": "publishable", "scopes": ["checkout", "ops"]}, "/scopes"),
        ({"type": "publishable", "scopes": ["admin"]}, "/scopes"),
        ({"type": "secret", "scopes": []}, "/scopes"),
        ({"type": "secret", "scopes": ["root"]}, "/scopes/0"),
        ({"type": "secret", "scopes": ["ops"], "origins": [SHOP]}, "/origins"),
        ({"type": "secret", "scopes": ["ops"], "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"type": "publishable", "scopes": ["checkout"], "origins": ["null"]}, "/origins/0"),
        ({"type": "both", "scopes": ["ops"]}, "/type"),
        ({"scopes": ["ops"]}, "/type"),
    ],
)
def test_key_that_must_not_be_is_refused(bakery: Bakery, asked: dict[str, Any], pointer: str) -> None:
    """A publishable key does nothing but check out; a secret one is not for pages; none is born expired."""
    problem = problem_of(bakery.ask("POST", "/v1/keys", asked))
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, pointer)


def test_revoked_key_stops_at_once(bakery: Bakery) -> None:
    """DELETE answers 204, again and again, and the next request with the key is 401."""
    made = new_key(bakery, type="secret", scopes=["ops"])
    for _ in range(2):
        assert bakery.ask("DELETE", f"/v1/keys/{made['key_id']}").status_code == 204
    assert bakery.ask("GET", "/v1/loaves", key=made["key"]).status_code == 401
    [listed] = [
        key for key in bakery.ask("GET", "/v1/keys").json_body["data"] if key["key_id"] == made["key_id"]
    ]
    assert listed["revoked_at"] == "2026-11-18T11:06:40Z"


def test_key_stops_when_it_expires(bakery: Bakery) -> None:
    """`expires_at` is the first moment at which it opens nothing."""
    made = new_key(bakery, type="secret", scopes=["ops"], expires_at="2026-11-18T12:06:40Z")
    bakery.clock.advance(3599)
    assert bakery.ask("GET", "/v1/loaves", key=made["key"]).status_code == 200
    bakery.clock.advance(1)
    assert bakery.ask("GET", "/v1/loaves", key=made["key"]).status_code == 401


def test_keys_can_be_rotated_without_a_gap(bakery: Bakery) -> None:
    """Old and new work side by side until the old one is revoked with the new one."""
    old = new_key(bakery, type="secret", scopes=["admin"])
    new = bakery.ask("POST", "/v1/keys", {"type": "secret", "scopes": ["admin"]}, key=old["key"]).json_body
    for key in (old["key"], new["key"]):
        assert bakery.ask("GET", "/v1/keys", key=key).status_code == 200
    assert bakery.ask("DELETE", f"/v1/keys/{old['key_id']}", key=new["key"]).status_code == 204
    assert bakery.ask("GET", "/v1/keys", key=old["key"]).status_code == 401


def test_list_says_on_which_day_a_key_was_last_used(bakery: Bakery) -> None:
    """So that the old one of two is revoked when nobody uses it any more."""
    unused = new_key(bakery, type="secret", scopes=["ops"])
    listed = bakery.ask("GET", "/v1/keys").json_body["data"]
    days = {key["key_id"]: key["last_used_on"] for key in listed}
    assert days.pop(unused["key_id"]) is unused["last_used_on"] is None
    assert "2026-11-18" in days.values()


def test_keys_that_live_have_a_limit(bakery: Bakery) -> None:
    """A loop that makes keys is stopped, and told why."""
    made = [bakery.ask("POST", "/v1/keys", {"type": "secret", "scopes": ["ops"]}) for _ in range(60)]
    assert {answer.status_code for answer in made} == {201, 409}
    assert problem_of(made[-1])["code"] == "too_many_keys"


def test_key_cannot_revoke_itself(bakery: Bakery) -> None:
    """Nobody locks themselves out: one admin key is always left."""
    own = new_key(bakery, type="secret", scopes=["admin"])
    answer = bakery.ask("DELETE", f"/v1/keys/{own['key_id']}", key=own["key"])
    assert (answer.status_code, problem_of(answer)["code"]) == (409, "key_in_use")


def test_other_merchants_key_is_not_there(bakery: Bakery) -> None:
    """B10: neither listed nor revocable, and the refusal is that of an id that does not exist."""
    foreign = bakery.ask("GET", "/v1/keys", key=bakery.other).json_body["data"][0]["key_id"]
    ids = {"X-Request-Id": "the-same-one"}
    other = bakery.ask("DELETE", f"/v1/keys/{foreign}", headers=ids)
    nobody = bakery.ask("DELETE", "/v1/keys/key_nobody", headers=ids)
    assert (other.status_code, other.body) == (404, nobody.body)
    assert foreign not in bakery.ask("GET", "/v1/keys").body.decode()
    assert bakery.ask("GET", "/v1/loaves", key=bakery.other).status_code == 200


def test_key_belongs_to_the_world_of_its_maker(bakery: Bakery) -> None:
    """A test key makes test keys; the live world is not reached from here."""
    assert new_key(bakery, type="secret", scopes=["ops"])["mode"] == Mode.TEST


@pytest.mark.parametrize("scope", [Scope.CHECKOUT, Scope.OPS, Scope.DRIVER])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/keys"), ("POST", "/v1/keys"), ("DELETE", "/v1/keys/k")],
)
def test_only_admins_see_keys(bakery: Bakery, scope: Scope, method: str, path: str) -> None:
    """No other scope implies admin."""
    key = bakery.key(ACME, KeyType.SECRET, scope)
    assert bakery.ask(method, path, key=key).status_code == 403


@pytest.mark.parametrize("scope", [Scope.CHECKOUT, Scope.DRIVER])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_settings_are_for_the_office(bakery: Bakery, scope: Scope, method: str) -> None:
    """Neither a shop's checkout nor a van sees or changes them."""
    key = bakery.key(ACME, KeyType.SECRET, scope)
    assert bakery.ask(method, "/v1/settings", key=key).status_code == 403


def test_settings_come_back_as_they_were_put(bakery: Bakery) -> None:
    """PUT replaces everything and answers what GET then answers."""
    put = bakery.ask("PUT", "/v1/settings", SETTINGS)
    assert (put.status_code, json.loads(put.body)) == (200, SETTINGS)
    assert bakery.ask("GET", "/v1/settings").json_body == SETTINGS


def test_what_is_left_out_goes_back_to_its_default(bakery: Bakery) -> None:
    """A PUT is the whole truth; only the brand has no default."""
    bakery.ask("PUT", "/v1/settings", SETTINGS)
    assert bakery.ask("PUT", "/v1/settings", {"brand": "Acme"}).json_body == {
        "brand": "Acme",
        "support_phone": None,
        "origins": [],
        "locales": ["en"],
        "sender": None,
        "sms_countries": None,
        "quiet_hours": {"starts": "21:00", "ends": "08:00"},
        "change_cutoff_minutes": 120,
        "texting": True,
    }


def test_settings_of_another_merchant_stay_as_they_are(bakery: Bakery) -> None:
    """Two merchants, two sets of settings."""
    before = bakery.ask("GET", "/v1/settings", key=bakery.other).body
    bakery.ask("PUT", "/v1/settings", SETTINGS)
    assert bakery.ask("GET", "/v1/settings", key=bakery.other).body == before


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"brand": ""}, "/brand"),
        ({"brand": "B" * 41}, "/brand"),
        ({"support_phone": "+19005551234"}, "/support_phone"),
        ({"origins": ["https://shop.example/path"]}, "/origins/0"),
        ({"locales": []}, "/locales"),
        ({"locales": ["en", "portuguese"]}, "/locales/1"),
        ({"sender": "ACME"}, "/sender"),  # nobody can reply to a name
        ({"sms_countries": []}, "/sms_countries"),
        ({"sms_countries": ["PT", "pt"]}, "/sms_countries/1"),
        ({"sms_countries": ["PT", "XX"]}, "/sms_countries/1"),
        ({"sms_countries": ["PT"] * 61}, "/sms_countries"),
        ({"sender": "+1 202 555 0123"}, "/sender"),
        ({"quiet_hours": {"starts": "22:00"}}, "/quiet_hours/ends"),
        ({"quiet_hours": {"starts": "25:00", "ends": "08:00"}}, "/quiet_hours/starts"),
        ({"change_cutoff_minutes": -1}, "/change_cutoff_minutes"),
        ({"texting": "yes"}, "/texting"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_settings_that_make_no_sense_are_refused(bakery: Bakery, wrong: dict[str, Any], pointer: str) -> None:
    """Each field is checked when it is saved, not when a text goes out."""
    problem = problem_of(bakery.ask("PUT", "/v1/settings", SETTINGS | wrong))
    assert (problem["status"], [each["pointer"] for each in problem["errors"]]) == (422, [pointer])


@pytest.mark.parametrize(
    ("brand", "says"),
    [
        ("acme.example/win", "web address"),
        ("www.acme.example", "web address"),
        ("STOP", "STOP"),
        ("Reply HELP", "STOP"),
        ("Acme 20% off", "offer"),
        ("Acme +1 202 555 0155", "phone number"),
        ("!!!", "letters or digits"),
        ("Padaria S\u00e3o Jo\u00e3o", "GSM-7"),
    ],
)
def test_b07_brand_that_no_text_may_open_with_is_refused_with_its_reason(
    bakery: Bakery, brand: str, says: str
) -> None:
    """B07: what carriers filter, phishers write, or each text would pay for is found when it is saved."""
    problem = problem_of(bakery.ask("PUT", "/v1/settings", SETTINGS | {"brand": brand}))
    [error] = problem["errors"]
    assert (problem["status"], error["pointer"]) == (422, "/brand")
    assert says in error["detail"]
    assert bakery.ask("GET", "/v1/settings").json_body["brand"] == "Acme"


@pytest.mark.parametrize("foreign", ["+12025550199", "MG" + "0" * 32, "12345"])
def test_sender_that_the_operator_did_not_assign_is_refused(bakery: Bakery, foreign: str) -> None:
    """It is another's, or nobody's: the field is named with what could be chosen, and nothing is saved."""
    problem = problem_of(bakery.ask("PUT", "/v1/settings", SETTINGS | {"sender": foreign}))
    [error] = problem["errors"]
    assert (problem["status"], error["pointer"]) == (422, "/sender")
    assert error["detail"].endswith(f"assigned to you: {SENDER}, {SHARED_SENDER}.")
    assert bakery.ask("GET", "/v1/settings").json_body["sender"] is None


def test_sender_of_another_merchant_is_refused_without_saying_whose_it_is(bakery: Bakery) -> None:
    """B10: the answer is that of a number nobody has; CONTROL: one that both were assigned both may take."""
    ids = {"X-Request-Id": "the-same-one"}
    theirs, nobodys = (
        bakery.ask("PUT", "/v1/settings", {"brand": "Best", "sender": sender}, key=bakery.other, headers=ids)
        for sender in (SENDER, "+12025550199")
    )
    assert (theirs.status_code, theirs.body) == (422, nobodys.body)
    assert SENDER not in theirs.body.decode()
    for key in (bakery.secret, bakery.other):
        settled = {"brand": "Acme", "sender": SHARED_SENDER}
        assert bakery.ask("PUT", "/v1/settings", settled, key=key).json_body["sender"] == SHARED_SENDER


def test_sender_that_was_taken_away_is_not_shown_any_more(bakery: Bakery) -> None:
    """What is read can be put again."""
    bakery.ask("PUT", "/v1/settings", SETTINGS)
    bakery.merchants.assign_senders(ACME, [])
    shown = bakery.ask("GET", "/v1/settings").json_body
    assert shown["sender"] is None
    assert bakery.ask("PUT", "/v1/settings", shown).status_code == 200


def test_brand_that_was_saved_before_is_shown_as_it_is(bakery: Bakery) -> None:
    """CONTROL: a row of earlier days is neither lost nor an error; only saving it again is refused."""
    bakery.store.put_merchant(Merchant(tenant=ACME, brand="acme.com"))
    shown = bakery.ask("GET", "/v1/settings").json_body
    assert shown["brand"] == "acme.com"
    assert bakery.ask("PUT", "/v1/settings", shown).status_code == 422


def test_quiet_hours_may_be_switched_off(bakery: Bakery) -> None:
    """`null` means that texts go out at any hour."""
    assert (
        bakery.ask("PUT", "/v1/settings", SETTINGS | {"quiet_hours": None}).json_body["quiet_hours"] is None
    )


def test_keys_of_the_seed_hold_every_scope(bakery: Bakery) -> None:
    """No scope implies another; whoever sets a merchant up gives its first key all of them."""
    listed = bakery.ask("GET", "/v1/keys").json_body["data"][0]
    assert listed["scopes"] == ALL_SCOPES.names == ["checkout", "ops", "driver", "admin"]
