"""What a driver is told over HTTP, and the token that opens one shift to one driver."""

import csv
import io
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from chalice.test import HTTPResponse

from chalicelib.fleet.plans import PlanKey, RouteWrite
from chalicelib.motion.store import MotionChanges
from chalicelib.routing.altered import Cause, altered
from tests.canaries import NAME
from tests.handlers.shop_client import ADDRESS, NEAR, PHONE, Shop, at
from tests.handlers.test_motion import DAY, EVENTS, SHIFT, completed, event, o_clock, report

MANIFEST = f"/v1/shifts/{SHIFT}/manifest"
TOKENS = f"/v1/shifts/{SHIFT}/tokens"
EVENING = {
    "starts_at": o_clock("08:00"),
    "ends_at": o_clock("18:00"),
    "vehicle": {"vehicle_id": "van-1", "capacity": {}},
}


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def sold(shop: Shop) -> list[dict[str, Any]]:
    """Two promises on one van, in the order in which it drives, and it is half past eight."""
    for _ in range(2):
        shop.promise(offer=shop.offer(destination=NEAR | {"address": ADDRESS}))
    shop.clock.at = at(o_clock("08:30"))
    stops = shop.done("GET", f"/v1/depots/porto/plans/{DAY}")["routes"][0]["stops"]
    return [shop.done("GET", f"/v1/promises/{stop['promise_id']}") for stop in stops]


def token(shop: Shop, name: str = "phone", shift: str = SHIFT) -> dict[str, Any]:
    """Make a driver's token, and keep it among the shop's keys."""
    made: dict[str, Any] = shop.done("POST", f"/v1/shifts/{shift}/tokens", key="ops")
    shop.keys[name] = made["token"]
    return made


def by_phone(shop: Shop, method: str, target: str, body: object = None, key: str = "phone") -> HTTPResponse:
    return shop.ask(method, target, body, key=key)


def test_a_manifest_has_the_stops_in_order_with_what_a_driver_must_know(
    shop: Shop, sold: list[dict[str, Any]]
) -> None:
    """Who, where, when, how many, and how to get in."""
    shop.change(sold[0]["promise_id"], kind="gate_code", code="4471#")
    shown = shop.done("GET", MANIFEST)
    assert (shown["shift_id"], shown["vehicle_id"], shown["date"]) == (SHIFT, "van-1", DAY)
    first, second = shown["stops"]
    assert [first["promise_id"], second["promise_id"]] == [each["promise_id"] for each in sold]
    assert (first["sequence"], first["recipient"], first["phone"], first["parcels"]) == (1, NAME, PHONE, 1)
    assert first["address"]["lines"] == ADDRESS["lines"]
    assert first["instructions"]["gate_code"] == "4471#"
    assert first["promised_window"] == sold[0]["promised_window"]
    assert first["live_eta"]["expected_at"] <= second["live_eta"]["expected_at"]
    assert (first["live_eta"]["stops_before"], second["live_eta"]["stops_before"]) == (0, 1)


def test_a_manifest_is_not_sent_again_unless_it_changed(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """304 with the same tag while time goes by; a milestone and a gate code make another one."""
    tags = []
    for change in (
        lambda: None,
        lambda: shop.change(sold[0]["promise_id"], kind="gate_code", code="1"),
        lambda: report(shop, event("departed_depot", "08:10")),
    ):
        change()
        tags.append(shop.ask("GET", MANIFEST).headers["ETag"])
        shop.clock.advance(60)
        unchanged = shop.ask("GET", MANIFEST, headers={"If-None-Match": f'"x", {tags[-1]}'})
        assert (unchanged.status_code, unchanged.body, unchanged.headers["ETag"]) == (304, b"", tags[-1])
    assert len(set(tags)) == 3
    assert shop.ask("GET", MANIFEST, headers={"If-None-Match": tags[0]}).status_code == 200


def test_a_manifest_shows_what_was_done_and_what_is_next(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """Behind first, with its outcome and no arrival any more; then the stop the van drives to."""
    report(shop, event("departed_depot", "08:02"), completed(sold[1], "08:25"))
    done, ahead = shop.done("GET", MANIFEST)["stops"]
    assert (done["promise_id"], done["state"], done["outcome"]) == (
        sold[1]["promise_id"],
        "delivered",
        "delivered_to_recipient",
    )
    assert (done["live_eta"], done["kind"]) == (None, "done")
    assert (ahead["promise_id"], ahead["live_eta"]["status"]) == (sold[0]["promise_id"], "next")


def turn_around(shop: Shop) -> None:
    """What a repair does, made here without one: the route the other way round, and why."""
    store, place = shop.services.store, PlanKey(depot_id="porto", day=date.fromisoformat(DAY))
    ((tenant, route),) = [
        (tenant, route)
        for tenant in {tenant for tenant, _ in store.outbox}
        if (route := store.route(tenant, "porto", place.day, SHIFT)) is not None
    ]
    turned = replace(route, stops=route.stops[::-1].copy())
    because = Cause.PROMISE_AT_RISK
    noted = altered(route, turned, because=because, by="rpl_1", now=shop.clock.at)
    write = RouteWrite(depot_id="porto", day=place.day, route=noted)
    store.commit_motion(tenant, MotionChanges(routes=(write,)))


def test_a_driver_sees_what_changed_and_why(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """At the stop and as a whole, with the version that brought it; CONTROL: before, nothing is said."""
    report(shop, event("departed_depot", "08:10"))
    before = shop.ask("GET", MANIFEST)
    assert before.json_body["changes"] == []
    assert not any("changed_because" in stop for stop in before.json_body["stops"])
    turn_around(shop)
    answer = shop.ask("GET", MANIFEST, headers={"If-None-Match": before.headers["ETag"]})
    after = answer.json_body
    assert after["version"] == before.json_body["version"] + 1
    (change,) = after["changes"]
    assert (change["because"], change["by"]) == ("promise_at_risk", "rpl_1")
    assert (change["at"], change["version"]) == (o_clock("08:30"), after["version"])
    (moved,) = change["moved"]
    assert (change["new"], change["changed"], change["gone"]) == ([], [], [])
    assert [(stop["promise_id"], stop["changed_because"]) for stop in after["stops"] if "change" in stop] == [
        (moved, "promise_at_risk")
    ]
    rows = csv.DictReader(
        io.StringIO(shop.ask("GET", MANIFEST, headers={"Accept": "text/csv"}).body.decode())
    )
    assert sorted((row["change"], row["changed_because"]) for row in rows) == [
        ("", ""),
        ("moved", "promise_at_risk"),
    ]


def test_a_driver_who_has_seen_a_change_is_not_told_for_ever(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """Not while he is at a door that he came to before; once he is done at one he came to afterwards."""
    report(shop, event("departed_depot", "08:10"))
    report(shop, event("arrived", "08:25", promise_id=sold[0]["promise_id"]))
    turn_around(shop)
    shop.clock.advance(1800)
    seen = []
    for done, came, left in ((sold[0], "08:25", "08:35"), (sold[1], "08:45", "08:50")):
        report(shop, event("arrived", came, promise_id=done["promise_id"]))
        seen.append(len(shop.done("GET", MANIFEST)["changes"]))
        report(shop, completed(done, left))
        seen.append(len(shop.done("GET", MANIFEST)["changes"]))
    assert seen == [1, 1, 1, 0]


def test_a_manifest_as_csv_has_a_line_a_stop(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """The same values, formulas defused."""
    answer = shop.ask("GET", MANIFEST, headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [row["promise_id"] for row in rows] == [each["promise_id"] for each in sold]
    assert rows[0]["recipient"] == NAME
    assert rows[0]["phone"] == f"'{PHONE}"
    assert answer.headers["ETag"]


def test_a_token_opens_manifest_and_events_of_its_shift(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """And nothing else: CONTROL, the very paths with the shop's own key."""
    made = token(shop)
    assert made["url"].endswith(f"/v1/shifts/{SHIFT}/manifest#{made['token']}")
    assert made["expires_at"] == "2026-11-25T06:00:00+00:00"
    assert by_phone(shop, "GET", MANIFEST).status_code == 200
    batch = {"events": [event("departed_depot", "08:10")]}
    assert by_phone(shop, "POST", EVENTS, batch).status_code == 202
    for method, path in (
        ("GET", f"/v1/promises/{sold[0]['promise_id']}"),
        ("GET", f"/v1/depots/porto/plans/{DAY}"),
        ("GET", "/v1/keys"),
    ):
        assert by_phone(shop, method, path).status_code == 403
        assert shop.ask(method, path, key="admin").status_code == 200
    assert by_phone(shop, "POST", TOKENS).status_code == 403


def test_another_shift_is_not_there_for_a_token(shop: Shop) -> None:
    """404, word for word as for a shift that does not exist; another merchant's as well."""
    shop.done(
        "PUT",
        "/v1/depots/porto/vehicles/van-2",
        {"capacity": {}, "weekly": [{"starts": "08:00", "ends": "18:00"}]},
    )
    token(shop)
    other, theirs = SHIFT.replace("van-1", "van-2"), f"gaia.van-1.{DAY}.0800"
    assert shop.ask("GET", f"/v1/shifts/{other}/manifest").status_code == 200
    batch = {"events": [event("departed_depot", "05:10")]}
    for part, method, body in (("manifest", "GET", None), ("events", "POST", batch)):
        problems = [
            by_phone(shop, method, f"/v1/shifts/{shift}/{part}", body).json_body
            for shift in (other, theirs, "no-such-shift")
        ]
        assert {(problem["status"], problem["detail"]) for problem in problems} == {
            (404, "There is no such shift.")
        }


def test_a_new_token_takes_the_place_of_the_last(shop: Shop) -> None:
    """The phone that was lost reads nothing any more; a token of another shift stays."""
    shop.done(
        "PUT",
        "/v1/depots/porto/vehicles/van-2",
        {"capacity": {}, "weekly": [{"starts": "08:00", "ends": "18:00"}]},
    )
    token(shop, "lost")
    other = SHIFT.replace("van-1", "van-2")
    token(shop, "other", other)
    token(shop, "new")
    assert by_phone(shop, "GET", MANIFEST, key="lost").status_code == 401
    assert by_phone(shop, "GET", MANIFEST, key="new").status_code == 200
    assert by_phone(shop, "GET", f"/v1/shifts/{other}/manifest", key="other").status_code == 200


def test_another_driver_needs_another_token(shop: Shop) -> None:
    """Changing the driver revokes; CONTROL: changing the van's hours does not."""
    path = f"/v1/depots/porto/shifts/{SHIFT}"
    ines = {"name": "Ines", "phone": "+12025550141"}
    shop.done("PUT", path, EVENING | {"driver": ines})
    token(shop)
    shop.done("PUT", path, EVENING | {"driver": ines, "ends_at": o_clock("17:00")})
    assert by_phone(shop, "GET", MANIFEST).json_body["driver"] == "Ines"
    shop.done("PUT", path, EVENING | {"driver": {"name": "Rui"}})
    assert by_phone(shop, "GET", MANIFEST).status_code == 401
    token(shop)
    assert by_phone(shop, "GET", MANIFEST).json_body["driver"] == "Rui"


def test_another_driver_of_the_weekly_template_needs_another_token(shop: Shop) -> None:
    """Nobody wrote to the shift, and the token is revoked all the same."""

    def driven_by(name: str) -> None:
        weekly = [{"starts": "08:00", "ends": "18:00", "driver": {"name": name}}]
        shop.done("PUT", "/v1/depots/porto/vehicles/van-1", {"capacity": {"parcels": 50}, "weekly": weekly})

    driven_by("Ines")
    token(shop)
    assert by_phone(shop, "GET", MANIFEST).status_code == 200
    driven_by("Rui")
    assert by_phone(shop, "GET", MANIFEST).status_code == 401


def test_a_token_runs_out_after_its_shift(shop: Shop) -> None:
    """Twelve hours later at the latest."""
    token(shop)
    shop.clock.at = at("2026-11-25T05:59:00+00:00")
    assert by_phone(shop, "GET", MANIFEST).status_code == 200
    shop.clock.at = at("2026-11-25T06:00:00+00:00")
    assert by_phone(shop, "GET", MANIFEST).status_code == 401


def test_a_token_is_no_key_of_the_merchant(shop: Shop) -> None:
    """It is in no list, cannot be made as a key, and is nowhere in the store as it is."""

    def listed() -> set[str]:
        return {each["key_id"] for each in shop.done("GET", "/v1/keys", key="admin")["data"]}

    before, made = listed(), token(shop)
    assert listed() == before
    refused = shop.refused("POST", "/v1/keys", {"type": "driver", "scopes": ["driver"]}, key="admin")
    assert refused["status"] == 422
    assert made["token"] not in repr(vars(shop.services.store))


def test_the_same_request_makes_one_token(shop: Shop) -> None:
    """Repeated with its Idempotency-Key it answers the same token, which still opens."""
    first, again = (
        shop.ask("POST", TOKENS, key="ops", idempotency_key="same").json_body["token"] for _ in range(2)
    )
    assert first == again
    shop.keys["phone"] = first
    assert by_phone(shop, "GET", MANIFEST).status_code == 200


def test_a_proof_is_uploaded_by_a_signed_address(shop: Shop) -> None:
    """For one object of its shift, type and length, and a quarter of an hour; the parcel's photo names it."""
    token(shop)
    wish = {"kind": "signature", "content_type": "image/png", "size_bytes": 2048}
    made = by_phone(shop, "POST", f"/v1/shifts/{SHIFT}/proofs", wish)
    assert made.status_code == 201
    address = urlsplit(made.json_body["upload_url"])
    proof_id = made.json_body["proof_id"]
    assert address.path == f"/acme.test/porto/{DAY}/{SHIFT}/{proof_id}.signature"
    signed = parse_qs(address.query)
    assert signed["X-Amz-SignedHeaders"] == ["content-length;content-type;host"]
    assert signed["X-Amz-Expires"] == ["900"]
    assert proof_id != by_phone(shop, "POST", f"/v1/shifts/{SHIFT}/proofs", wish).json_body["proof_id"]


@pytest.mark.parametrize(
    "wrong", [{"content_type": "text/html"}, {"size_bytes": 10_000_001}, {"kind": "video"}]
)
def test_a_proof_is_a_picture_of_a_bearable_size(shop: Shop, wrong: dict[str, Any]) -> None:
    """422 for anything else: nobody stores pages or films with us."""
    assert shop.refused("POST", f"/v1/shifts/{SHIFT}/proofs", wrong)["status"] == 422


def test_proofs_are_kept_with_the_attempt(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """Who took it, the note and the ids; not in the ledger, which merchants' programs read."""
    proof = {"name": "Rui", "note": "12B", "photo": "prf_1", "signature": "prf_2"}
    report(shop, completed(sold[0], "08:25", "delivered_to_neighbour", proof=proof))
    [attempt] = shop.done("GET", f"/v1/promises/{sold[0]['promise_id']}")["attempts"]
    assert attempt["proof"] == {"name": "Rui", "note": "12B", "proof_ids": ["prf_1", "prf_2"]}
    ledger = shop.ask("GET", f"/v1/promises/{sold[0]['promise_id']}/ledger").body.decode()
    assert "Rui" not in ledger
