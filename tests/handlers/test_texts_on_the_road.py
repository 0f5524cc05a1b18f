"""From a van that is held up to what its buyers go by: forecast, text, and the window told."""

from typing import Any

from chalicelib.fleet.plans import PlanKey
from tests.handlers.shop_client import ACME, Shop, at
from tests.handlers.test_motion import DAY, SHIFT, event, o_clock, report


def held_up(shop: Shop, **order: Any) -> dict[str, Any]:
    """The last of two promises from eight to ten; at half past eight their van is held up for three hours."""
    both = {each["promise_id"]: each for each in (shop.promise(**order), shop.promise(**order))}
    stops = shop.done("GET", f"/v1/depots/porto/plans/{DAY}")["routes"][0]["stops"]
    made: dict[str, Any] = both[stops[-1]["promise_id"]]
    shop.services.publish()
    shop.clock.at = at(o_clock("08:30"))
    report(
        shop, event("departed_depot", "08:30"), event("incident", "08:30", kind="delay", delay_seconds=10800)
    )
    shop.services.watch.look(ACME, PlanKey.parse(f"porto/{DAY}"), SHIFT, shop.clock.at)
    return made


def messages(shop: Shop, promise: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.done("GET", f"/v1/promises/{promise['promise_id']}/messages")["data"]
    return found


def test_the_window_told_becomes_that_of_the_last_text_the_carrier_took() -> None:
    """The forecast alone does not change it, nor does a look at the page; the text that was sent does."""
    shop = Shop()
    made = held_up(shop)
    where = f"/v1/promises/{made['promise_id']}"
    assert shop.done("GET", where)["told_window"] == made["promised_window"]
    shop.services.publish()  # the text goes out
    shop.services.publish()  # and that it did is a fact
    told = [text for text in messages(shop, made) if text["kind"] in ("delayed", "at_risk")]
    assert [text["status"] for text in told].count("sent") == 1
    assert {text["status"] for text in told} <= {"sent", "skipped"}
    shown = shop.done("GET", where)
    assert shown["told_window"]["ends_at"] > made["promised_window"]["ends_at"]
    assert shown["promised_window"] == made["promised_window"]


def test_a_window_that_nobody_was_texted_is_not_told() -> None:
    """CONTROL: without consent there is the same forecast, and a record of why it was not sent."""
    shop = Shop()
    promise = held_up(shop, sms_consent=False)
    for _ in range(2):
        shop.services.publish()
    reasons = {text["reason"] for text in messages(shop, promise)}
    assert reasons == {"no_consent"}
    shown = shop.done("GET", f"/v1/promises/{promise['promise_id']}")
    assert shown["told_window"] == promise["promised_window"]
