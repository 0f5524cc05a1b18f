"""What a merchant settles is seen on the texts: brand, sender, countries, quiet hours, and none at all."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.fleet.ids import PROMISE, stop_id_of
from chalicelib.merchants.model import Merchant
from chalicelib.promises.access import Asking
from tests.handlers.shop_client import ACME, BEST, OUR_NUMBER, PHONE, Shop, ShopClient

SENDER, SHARED = "+12025550100", "+12025550101"
JAMAICAN, PORTUGUESE, SPANISH = "+18765550123", "+351912345678", "+34612345678"


def settle(client: ShopClient, **settings: Any) -> None:
    known = client.done("GET", "/v1/settings", key="admin")
    client.done("PUT", "/v1/settings", known | settings, key="admin")


def texts(shop: Shop) -> list[dict[str, Any]]:
    """What the carrier takes of what has happened."""
    before = len(shop.services.texts)
    shop.services.publish()
    return shop.services.texts[before:]


def recorded(client: ShopClient, promise: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """What is on record about a promise: kind, status, reason."""
    found = client.done("GET", f"/v1/promises/{promise['promise_id']}/messages")["data"]
    return [(text["kind"], text["status"], text.get("reason")) for text in found]


def wait(shop: Shop, seconds: int) -> list[dict[str, Any]]:
    """Let business time go by; gives what was texted when it had."""
    shop.done("POST", "/v1/test/clock", {"advance_seconds": seconds})
    return texts(shop)


def cancelled_by_night(shop: Shop) -> dict[str, Any]:
    """It is six in the morning: the confirmation went at once, the cancellation waits for eight o'clock."""
    made = shop.promise()
    assert len(texts(shop)) == 1
    shop.change(made["promise_id"], kind="cancel")
    assert texts(shop) == []
    assert ("cancelled", "pending", None) in recorded(shop, made)
    return made


def test_a_text_begins_with_the_brand_that_is_set_when_it_is_written(shop: Shop) -> None:
    """Each merchant's own."""
    settle(shop, brand="Ribeira Wines")
    shop.promise()
    shop.other.promise()
    assert {text["body"].partition(":")[0] for text in texts(shop)} == {"Ribeira Wines", "best"}


def test_a_text_comes_from_the_sender_that_was_assigned_and_chosen(shop: Shop) -> None:
    """CONTROL: before, and when the operator takes it away, from the operator's own, at once."""
    shop.services.merchants.assign_senders(ACME, [SENDER])
    shop.promise()
    assert [text["from"] for text in texts(shop)] == [OUR_NUMBER]
    settle(shop, sender=SENDER)
    shop.promise()
    shop.other.promise()
    assert [text["from"] for text in texts(shop)] == [SENDER, OUR_NUMBER]
    shop.services.merchants.assign_senders(ACME, [])
    shop.promise()
    assert [text["from"] for text in texts(shop)] == [OUR_NUMBER]


def test_a_sender_that_nobody_assigned_is_not_texted_from_whatever_the_row_says(shop: Shop) -> None:
    """A row of earlier days, or one that two writers met in: the look is repeated where the text goes."""
    known = shop.services.merchants.settings(ACME)
    shop.services.store.merchants[ACME] = replace(known, sender=SENDER)
    shop.promise()
    assert [text["from"] for text in texts(shop)] == [OUR_NUMBER]


def test_without_the_look_a_merchant_would_text_from_anybodys_number(shop: Shop) -> None:
    """CONTROL: a row whose sender is believed is texted from."""
    believed = replace(shop.services.merchants.settings(ACME), sender=SENDER, senders=(SENDER,))
    shop.services.store.merchants[ACME] = believed
    shop.promise()
    assert [text["from"] for text in texts(shop)] == [SENDER]


def test_two_merchants_that_share_a_sender_are_told_apart(shop: Shop) -> None:
    """One number, two brands: an answer is about whoever texted, and neither reads of the other."""
    for client, tenant in ((shop, ACME), (shop.other, BEST)):
        shop.services.merchants.assign_senders(tenant, [SHARED])
        settle(client, sender=SHARED, quiet_hours=None)
    mine = shop.promise(recipient={"name": "Ana", "phone": PHONE})
    theirs = shop.other.promise(recipient={"name": "Rui", "phone": "+12025550124"})
    assert [text["from"] for text in texts(shop)] == [SHARED, SHARED]
    shop.done("POST", "/v1/test/replies", {"from": PHONE, "to": SHARED, "body": "gate code 4471#"})
    assert [(text["from"], text["body"]) for text in texts(shop)] == [
        (SHARED, "acme: done: your driver has the code.")
    ]
    assert {kind for kind, *_ in recorded(shop, mine)} == {"promise_confirmed", "reply", "done"}
    assert [kind for kind, *_ in recorded(shop.other, theirs)] == ["promise_confirmed"]


def test_a_text_waits_until_the_quiet_hours_are_over(shop: Shop) -> None:
    """By the wall of the delivery."""
    made = cancelled_by_night(shop)
    assert wait(shop, 3600) == []
    [text] = wait(shop, 3700)
    assert text["body"] == "acme: your delivery is cancelled."
    assert ("cancelled", "sent", None) in recorded(shop, made)


def test_without_quiet_hours_a_text_goes_by_night(shop: Shop) -> None:
    """CONTROL: the same cancellation at six in the morning."""
    settle(shop, quiet_hours=None)
    made = shop.promise()
    assert len(texts(shop)) == 1
    shop.change(made["promise_id"], kind="cancel")
    assert len(texts(shop)) == 1


def test_quiet_hours_that_are_set_meanwhile_hold_for_a_text_that_waits(shop: Shop) -> None:
    """Asked again when it would go: it was to go at eight, and now may not before nine."""
    cancelled_by_night(shop)
    settle(shop, quiet_hours={"starts": "20:00", "ends": "09:00"})
    assert wait(shop, 2 * 3600 + 100) == []
    assert len(wait(shop, 3600)) == 1


def test_the_kill_switch_stops_a_text_that_waits(shop: Shop) -> None:
    """Switched off between the text and the morning: it is not sent, and the record says why."""
    made = cancelled_by_night(shop)
    settle(shop, texting=False)
    assert wait(shop, 3 * 3600) == []
    assert ("cancelled", "skipped", "texting_off") in recorded(shop, made)


def test_the_kill_switch_stops_a_text_that_is_in_the_queue(shop: Shop) -> None:
    """Written and handed to the queue, not yet taken from it; another merchant's goes on."""
    made, theirs = shop.promise(), shop.other.promise()
    services, send = shop.services, shop.services.send_texts
    vars(services)["send_texts"] = lambda: None
    services.publish()
    del vars(services)["send_texts"]
    assert recorded(shop, made) == [("promise_confirmed", "pending", None)]
    settle(shop, texting=False)
    send()
    assert recorded(shop, made) == [("promise_confirmed", "skipped", "texting_off")]
    assert recorded(shop.other, theirs) == [("promise_confirmed", "sent", None)]


@pytest.mark.parametrize("answers", [True, False], ids=["answered", "control"])
def test_a_question_that_waits_for_the_morning_is_not_asked_of_whoever_answered_by_night(
    shop: Shop, answers: bool
) -> None:
    """The gate code was given on the page; CONTROL: whoever gave none is asked at eight."""
    made = shop.promise(offer=shop.offer(3))
    assert len(texts(shop)) == 1
    barred(shop, made)
    if answers:
        path = made["tracking_url"].removeprefix("https://track.example")
        shop.ask("POST", f"{path}/changes", {"kind": "gate_code", "code": "4471#"}, key=None)
    assert texts(shop) == []
    assert len(wait(shop, 2 * 3600 + 100)) == (0 if answers else 1)
    if answers:
        assert ("access_asked", "skipped", "answered") in recorded(shop, made)


def test_whose_code_is_wrong_is_asked_in_the_morning_although_one_is_known(shop: Shop) -> None:
    """Reported after it was given: only a code that comes after the question answers it."""
    made = shop.promise(offer=shop.offer(3), instructions={"gate_code": "0000"})
    assert len(texts(shop)) == 1
    barred(shop, made)
    assert texts(shop) == []
    assert len(wait(shop, 2 * 3600 + 100)) == 1


def barred(shop: Shop, promise: dict[str, Any]) -> None:
    """A driver reports that nobody gets in."""
    stop_id = stop_id_of(promise["promise_id"], PROMISE)
    assert stop_id is not None
    now = shop.services.business_now(ACME)
    shop.services.access.barred(ACME, stop_id, Asking.REPORTED, now, now)


@pytest.mark.parametrize("settings", [{}, {"texting": False}], ids=["control", "switched off"])
def test_what_was_stopped_is_not_made_up_for(shop: Shop, settings: dict[str, Any]) -> None:
    """Switched on again, what was skipped stays skipped; CONTROL: what was not was sent before."""
    cancelled_by_night(shop)
    settle(shop, **settings)
    assert len(wait(shop, 3 * 3600)) == (0 if settings else 1)
    settle(shop, texting=True)
    assert wait(shop, 3600) == []


@pytest.mark.parametrize(
    ("countries", "phone", "reason"),
    [
        (["PT", "US"], PHONE, None),
        (["PT", "US"], JAMAICAN, "country_not_served"),  # the same calling code, another tariff
        (["PT", "US", "JM"], JAMAICAN, None),
        (["PT"], PHONE, "country_not_served"),
        (None, PORTUGUESE, None),  # the depot is in Lisbon's time
        (None, PHONE, "country_not_served"),
        (None, SPANISH, "country_not_served"),
        (["ES"], SPANISH, None),
        (["ES"], PORTUGUESE, "country_not_served"),
    ],
)
def test_f27_only_numbers_of_countries_that_are_served_are_texted(
    shop: Shop, countries: list[str] | None, phone: str, reason: str | None
) -> None:
    """F27: the order is sold all the same, and the text on record with its reason."""
    settle(shop, sms_countries=countries)
    made = shop.promise(recipient={"name": "Ana", "phone": phone})
    assert made["state"] == "confirmed"
    assert len(texts(shop)) == (reason is None)
    assert recorded(shop, made) == [("promise_confirmed", "skipped" if reason else "sent", reason)]


def test_f27_a_country_that_is_taken_off_the_list_stops_a_text_that_waits(shop: Shop) -> None:
    """F27: looked at again when it would go."""
    made = cancelled_by_night(shop)
    settle(shop, sms_countries=["PT"])
    assert wait(shop, 3 * 3600) == []
    assert ("cancelled", "skipped", "country_not_served") in recorded(shop, made)


@pytest.mark.parametrize(
    ("cap", "reason"),
    [
        ("texts_per_number_day", "number_cap"),
        ("texts_per_prefix_day", "prefix_cap"),
        ("texts_per_country_day", "country_cap"),
        ("texts_per_merchant_day", "merchant_cap"),
    ],
)
def test_f27_caps_of_the_deployment_stop_a_script_that_orders(shop: Shop, cap: str, reason: str) -> None:
    """F27: its orders are sold, the third text is not sent, and another merchant's is."""
    shop.services.settings = replace(shop.services.settings, **{cap: 2})
    made = [shop.promise() for _ in range(3)]
    theirs = shop.other.promise()
    assert len(texts(shop)) == 3
    told = [
        recorded(client, each) for client, each in [*((shop, each) for each in made), (shop.other, theirs)]
    ]
    sent = [("promise_confirmed", "sent", None)]
    assert sorted(told, key=str) == sorted(
        [sent, sent, [("promise_confirmed", "skipped", reason)], sent], key=str
    )


def test_what_one_merchant_settles_changes_nothing_for_another(shop: Shop) -> None:
    """B10: all of it at once."""
    shop.services.merchants.assign_senders(ACME, [SENDER])
    settle(shop, brand="Other", sender=SENDER, sms_countries=["JM"], quiet_hours=None, texting=False)
    shop.other.promise()
    [text] = texts(shop)
    assert (text["from"], text["body"].partition(":")[0]) == (OUR_NUMBER, "best")
    shown = shop.services.merchants.settings(BEST)
    assert shown == Merchant(
        tenant=BEST, brand="best", origins=shown.origins, sms_countries=shown.sms_countries
    )
