"""A shift's day over HTTP: events in, promises moved on, everything ignored named with its reason."""

from typing import Any

import pytest

from tests.handlers.shop_client import Shop, at, fresh

DAY = "2026-11-24"
SHIFT = f"porto.van-1.{DAY}.0800"
EVENTS = f"/v1/shifts/{SHIFT}/events"


def o_clock(wall: str) -> str:
    return f"{DAY}T{wall}:00+00:00"


def event(type: str, wall: str, **more: Any) -> dict[str, Any]:
    return {"event_id": fresh("event"), "type": type, "at": o_clock(wall)} | more


def completed(
    promise: dict[str, Any], wall: str, outcome: str = "delivered_to_recipient", **more: Any
) -> Any:
    return event("completed", wall, promise_id=promise["promise_id"], outcome=outcome, **more)


def report(shop: Shop, *events: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = shop.ask("POST", EVENTS, {"events": list(events), **more})
    assert answer.status_code == 202, answer.body
    told: dict[str, Any] = answer.json_body
    return told


def state(shop: Shop, promise: dict[str, Any]) -> str:
    shown: str = shop.done("GET", f"/v1/promises/{promise['promise_id']}")["state"]
    return shown


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def sold(shop: Shop) -> list[dict[str, Any]]:
    """Three promises on one van, and it is eleven o'clock."""
    made = [shop.promise() for _ in range(3)]
    shop.clock.at = at(o_clock("11:00"))
    stops = shop.done("GET", f"/v1/depots/porto/plans/{DAY}")["routes"][0]["stops"]
    by_id = {promise["promise_id"]: promise for promise in made}
    return [by_id[stop["promise_id"]] for stop in stops]


def test_a_promise_goes_from_confirmed_to_delivered(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """Out with its van, arriving when it is next, delivered; and each step stands in the ledger, numbered."""
    told = report(shop, event("departed_depot", "08:02"))
    assert told == {
        "accepted": 1,
        "duplicates": 0,
        "ignored": [],
        "manifest_version": told["manifest_version"],
    }
    assert [state(shop, each) for each in sold] == ["arriving", "confirmed", "confirmed"]
    shop.services.publish()
    assert [state(shop, each) for each in sold] == ["arriving", "out_for_delivery", "out_for_delivery"]
    report(
        shop,
        event("arrived", "08:20", promise_id=sold[0]["promise_id"]),
        completed(sold[0], "08:25", proof={"name": "Ana", "note": "said hello"}),
    )
    assert [state(shop, each) for each in sold] == ["delivered", "arriving", "out_for_delivery"]
    ledger = shop.done("GET", f"/v1/promises/{sold[0]['promise_id']}/ledger")["data"]
    assert [(line["sequence"], line["kind"]) for line in ledger] == [
        (1, "promise.confirmed"),
        (2, "promise.out_for_delivery"),
        (3, "promise.arriving"),
        (4, "promise.delivered"),
    ]
    assert ledger[-1]["data"]["outcome"] == "delivered_to_recipient"
    assert "Ana" not in str(ledger)


def test_a_batch_that_comes_twice_has_one_effect(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """Known by the ids of its events, with a new Idempotency-Key and without one."""
    batch = [event("departed_depot", "08:02"), completed(sold[0], "08:25")]
    assert report(shop, *batch)["accepted"] == 2
    again = report(shop, *reversed(batch))
    assert (again["accepted"], again["duplicates"], again["ignored"]) == (0, 2, [])
    assert len(shop.done("GET", f"/v1/promises/{sold[0]['promise_id']}/ledger")["data"]) == 3


def test_the_same_request_is_answered_as_it_was(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """With its Idempotency-Key it is a replay; CONTROL: without, the events are duplicates."""
    body = {"events": [event("departed_depot", "08:02")]}
    first, again = (shop.ask("POST", EVENTS, body, idempotency_key="same") for _ in range(2))
    assert first.json_body == again.json_body
    assert again.headers["Idempotent-Replayed"] == "true"
    assert shop.done("POST", EVENTS, body)["duplicates"] == 1


def test_what_is_finished_stays_finished(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """Neither another outcome, nor an arrival afterwards, nor leaving again opens it."""
    report(shop, event("departed_depot", "08:02"), completed(sold[0], "08:25"))
    told = report(
        shop,
        completed(sold[0], "08:24", "failed_not_home"),
        completed(sold[0], "09:24", "failed_not_home"),
        event("arrived", "09:20", promise_id=sold[0]["promise_id"]),
    )
    assert [each["reason"] for each in told["ignored"]] == ["promise_finished"] * 3
    shop.services.publish()
    assert state(shop, sold[0]) == "delivered"


@pytest.mark.parametrize(
    ("outcome", "then"),
    [
        ("failed_not_home", "confirmed"),
        ("failed_refused", "returned_to_sender"),
        ("failed_damaged", "returned_to_sender"),
    ],
)
def test_a_failed_attempt_gives_the_promise_back(
    shop: Shop, sold: list[dict[str, Any]], outcome: str, then: str
) -> None:
    """To be tried again, or back to its sender; the departure that is told late sets nobody out again."""
    report(shop, event("departed_depot", "08:02"), completed(sold[0], "08:25", outcome))
    shop.services.publish()
    assert state(shop, sold[0]) == then


def test_everything_ignored_is_named_with_its_reason(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """Other people's promises, other times, older places, faster than any van."""
    theirs = shop.other.promise(offer=shop.other.offer(days=2))
    position = {"lat": 41.155, "lon": -8.605}
    good = [event("departed_depot", "08:02"), event("position", "08:10", **position)]
    bad = {
        "unknown_promise": completed(theirs, "08:25"),
        "out_of_date": event("position", "08:09", **position),
        "impossible_jump": event("position", "08:11", lat=38.72, lon=-9.14),
        "in_the_future": event("arrived", "11:03", promise_id=sold[0]["promise_id"]),
        "before_the_shift": event("departed_depot", "01:20"),
        "already_known": event("departed_depot", "08:40"),
    }
    assert report(shop, *good)["ignored"] == []
    told = report(shop, *bad.values())
    names = {each["event_id"]: reason for reason, each in bad.items()}
    assert {(each["reason"], names[each["event_id"]]) for each in told["ignored"]} == {
        (reason, reason) for reason in bad
    }
    assert (told["accepted"], told["duplicates"]) == (0, 0)
    assert shop.other.done("GET", f"/v1/promises/{theirs['promise_id']}")["state"] == "confirmed"


def test_a_wrong_clock_is_set_right_by_when_the_batch_was_sent(
    shop: Shop, sold: list[dict[str, Any]]
) -> None:
    """A phone three hours ahead says so; CONTROL: without `sent_at` its events lie in the future."""
    batch = [event("departed_depot", "12:02"), completed(sold[0], "12:25")]
    assert [each["reason"] for each in report(shop, *batch)["ignored"]] == ["in_the_future"] * 2
    assert report(shop, *batch, sent_at=o_clock("14:00"))["accepted"] == 2
    ledger = shop.done("GET", f"/v1/promises/{sold[0]['promise_id']}/ledger")["data"]
    assert ledger[-1]["data"]["ended_at"] == o_clock("09:25")


def test_an_unattended_drop_without_consent_is_kept_and_flagged(shop: Shop) -> None:
    """`unsecured_drop` where somebody had to be met; CONTROL: a neighbour that the buyer named is fine."""
    there = {"handover": {"attended": True}}
    plain = shop.promise(offer=shop.offer(**there))
    agreed = shop.promise(offer=shop.offer(**there))
    shop.change(agreed["promise_id"], kind="neighbour", name_or_number="12B")
    shop.clock.at = at(o_clock("11:00"))
    report(
        shop,
        completed(plain, "08:25", "delivered_to_neighbour"),
        completed(agreed, "08:45", "delivered_to_neighbour"),
    )
    flags = [
        shop.done("GET", f"/v1/promises/{each['promise_id']}/ledger")["data"][-1]["data"].get("flags")
        for each in (plain, agreed)
    ]
    assert flags == [["unsecured_drop"], None]
    assert [state(shop, each) for each in (plain, agreed)] == ["delivered", "delivered"]


def test_a_partial_delivery_is_kept_and_flagged(shop: Shop) -> None:
    """Two of three parcels: delivered, and somebody should look; CONTROL: all three."""
    made = [shop.promise(offer=shop.offer(load={"parcels": 3})) for _ in range(2)]
    shop.clock.at = at(o_clock("11:00"))
    report(shop, *(completed(each, "08:25", parcels_delivered=2 + n) for n, each in enumerate(made)))
    facts = [shop.done("GET", f"/v1/promises/{each['promise_id']}/ledger")["data"][-1] for each in made]
    assert [fact["data"].get("flags") for fact in facts] == [["partial"], None]


def test_a_phone_that_was_offline_all_day_gets_everything_through(shop: Shop) -> None:
    """Sixty stops in one batch are more rows than one transaction holds."""
    made = [shop.promise(offer=shop.offer(n % 4, service_time_seconds=60)) for n in range(48)]
    shop.clock.at = at(o_clock("18:00"))
    told = report(shop, event("departed_depot", "08:01"), *(completed(each, "12:00") for each in made))
    assert (told["accepted"], told["ignored"]) == (49, [])
    assert {state(shop, each) for each in made} == {"delivered"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "teleported"},
        {"type": "position", "lat": 91, "lon": 0},
        {"type": "completed", "promise_id": "prm_x", "outcome": "thrown_over_the_fence"},
        {"type": "departed_depot", "at": "2026-11-24T08:00:00"},
        {"type": "departed_depot", "extra": 1},
        {"type": "completed", "promise_id": "prm_x", "outcome": "failed_not_home", "parcels_delivered": -1},
    ],
)
def test_what_is_no_event_is_refused(shop: Shop, wrong: dict[str, Any]) -> None:
    """422, and nothing of its batch is taken."""
    batch = [event("departed_depot", "08:02"), {"event_id": "e", "at": o_clock("08:00")} | wrong]
    assert shop.refused("POST", EVENTS, {"events": batch})["status"] == 422


def test_a_batch_has_a_hundred_events_at_most(shop: Shop) -> None:
    """422 for none and for more."""
    for number in (0, 101):
        batch = [event("break_started", "08:02")] * number
        assert shop.refused("POST", EVENTS, {"events": batch})["status"] == 422


def test_arrivals_follow_the_van(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """Before it leaves they are the plan's; then `live_eta` moves with it, and `planned_eta` stays."""

    def shown(promise: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = shop.done("GET", f"/v1/promises/{promise['promise_id']}")
        return answer

    planned = [shown(each)["planned_eta"] for each in sold]
    assert {shown(each)["live_eta"]["status"] for each in sold} == {"planned"}
    report(shop, event("departed_depot", "10:50"))
    frozen = [shown(each)["planned_eta"] for each in sold]
    assert frozen == planned
    first, second = (shown(each)["live_eta"] for each in sold[:2])
    assert (first["status"], first["stops_before"]) == ("next", 0)
    assert (second["status"], second["stops_before"]) == ("under_way", 1)
    assert first["expected_at"] >= o_clock("11:00")
    shop.clock.at = at(o_clock("12:00"))
    report(shop, event("arrived", "11:55", promise_id=sold[0]["promise_id"]))
    at_the_door, later = shown(sold[0])["live_eta"], shown(sold[1])["live_eta"]
    assert (at_the_door["status"], at_the_door["expected_at"]) == ("at_the_door", o_clock("11:55"))
    assert later["expected_at"] > second["expected_at"]
    report(shop, completed(sold[0], "11:58"))
    done = shown(sold[0])
    assert (done["live_eta"], done["state"]) == (None, "delivered")
    assert [shown(each)["planned_eta"] for each in sold[1:]] == planned[1:]
    [attempt] = done["attempts"]
    assert (attempt["outcome"], attempt["arrived_at"]) == ("delivered_to_recipient", o_clock("11:55"))


def test_a_plan_shows_the_day_as_it_goes(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """What is behind is done, what is ahead is live; CONTROL: nothing is before the van moved."""

    def stops() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = shop.done("GET", f"/v1/depots/porto/plans/{DAY}")["routes"][0]["stops"]
        return found

    assert {stop["live_eta"] for stop in stops()} == {None}
    before = [stop["planned_eta"] for stop in stops()]
    report(shop, event("departed_depot", "10:32"), completed(sold[0], "10:55"))
    done, ahead, last = stops()
    assert (done["kind"], done["live_eta"], done["risk"]) == ("done", None, "broken")
    assert (ahead["live_eta"]["status"], last["live_eta"]["stops_before"]) == ("next", 1)
    assert [stop["planned_eta"] for stop in stops()] == before
    csv = shop.ask("GET", f"/v1/depots/porto/plans/{DAY}", headers={"Accept": "text/csv"}).body.decode()
    assert ahead["live_eta"]["expected_at"] in csv


def test_a_van_nobody_hears_of_is_shown_as_stale(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """F31: after twenty silent minutes; CONTROL: a position makes it fresh again."""

    def status() -> str:
        shown: str = shop.done("GET", f"/v1/promises/{sold[1]['promise_id']}")["live_eta"]["status"]
        return shown

    report(shop, event("departed_depot", "10:50"))
    shop.clock.at = at(o_clock("11:15"))
    assert status() == "stale"
    report(shop, event("position", "11:14", lat=41.155, lon=-8.605))
    assert status() == "under_way"


def test_what_went_back_to_its_sender_is_not_tried_again(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """A tap afterwards changes nothing; CONTROL: who was not at home may be tried again."""
    refused, absent = (
        completed(sold[0], "08:25", "failed_refused"),
        completed(sold[1], "08:35", "failed_not_home"),
    )
    report(shop, refused, absent)
    told = report(shop, completed(sold[0], "09:25"), completed(sold[1], "09:35"))
    assert [each["reason"] for each in told["ignored"]] == ["promise_finished"]
    assert [state(shop, each) for each in sold[:2]] == ["returned_to_sender", "delivered"]
    late = report(shop, event("arrived", "08:22", promise_id=sold[0]["promise_id"]))
    assert late["accepted"] == 1
    [attempt] = shop.done("GET", f"/v1/promises/{sold[0]['promise_id']}")["attempts"]
    assert (attempt["outcome"], attempt["arrived_at"]) == ("failed_refused", o_clock("08:22"))
