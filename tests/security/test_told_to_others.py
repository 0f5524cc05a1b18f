"""What others are told while a buyer is delivered to: neighbours, finders of the link, merchants, strangers.

All that is personal of the buyer is a canary. Nobody is told any of it who was not told by the merchant.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.handlers.shop_client import Shop, ShopClient, at, fresh
from tests.handlers.test_motion import completed, event, o_clock, report
from tests.security.test_canaries import found_in

PHONE, NAME, LINE, GATE = "+12025550142", "Quillfeather", "Rua do Canario 77", "G4T3-7781"
NOTE, SHED, TAKER, REASON = (
    "behind the yellow cage",
    "under the parrot perch",
    "Mr Finch",
    "moving to Cagliari",
)
CANARIES = [PHONE[1:], NAME, LINE, GATE, NOTE, SHED, TAKER, REASON, "41.161", "8.601"]
PLACE, NEXT_DOOR = {"lat": 41.161234, "lon": -8.601234}, {"lat": 41.1655, "lon": -8.6055}
ADDRESS = {"lines": [LINE], "city": "Porto", "country": "PT"}


def page_of(made: dict[str, Any]) -> str:
    path: str = made["tracking_url"].removeprefix("https://track.example")
    return path


def shown(shop: Shop, made: dict[str, Any]) -> str:
    """All that a link shows: the page in each language of ours, and its JSON."""
    asked = [(page_of(made), {"Accept-Language": tongue}) for tongue in ("en", "es", "de", "fr")]
    asked.append((page_of(made) + "/state", {}))
    answers = [shop.ask("GET", target, key=None, headers=headers) for target, headers in asked]
    assert {answer.status_code for answer in answers} == {200}
    return "\n".join(answer.body.decode() for answer in answers)


class Street:
    """Two neighbours on one van: of one all is a canary; and another merchant with a buyer of its own."""

    def __init__(self) -> None:
        self.shop = Shop()
        for client, host in ((self.shop, "acme.example"), (self.shop.other, "best.example")):
            client.done("PUT", "/v1/webhooks/office", {"url": f"https://{host}/in"}, key="admin")
        told = {"gate_code": GATE, "note": NOTE, "safe_place": SHED}
        self.canary = self.buy(self.shop, PLACE, {"name": NAME, "phone": PHONE}, instructions=told)
        self.neighbour = self.buy(self.shop, NEXT_DOOR, {"name": "Rui", "phone": "+12025550143"})
        self.foreign = self.buy(self.shop.other, NEXT_DOOR, {"name": "Eva", "phone": PHONE})

    @staticmethod
    def buy(client: ShopClient, place: object, recipient: object, **more: Any) -> dict[str, Any]:
        offer = client.offer(1, destination={**place, "address": ADDRESS}) if place is PLACE else None
        offer = offer or client.offer(1, destination=place)
        return client.promise(offer=offer, recipient=recipient, order_ref=fresh("order"), **more)

    def day(self) -> Iterator[str]:
        """Live the day; names each moment at which somebody may look."""
        yield "booked"
        self.shop.clock.at = at(o_clock("10:30"))
        report(self.shop, event("departed_depot", "09:40"), event("position", "10:20", **PLACE))
        self.shop.services.publish()
        yield "on the road"
        here = {"promise_id": self.canary["promise_id"]}
        report(self.shop, event("arrived", "10:25", **here))
        yield "at the door"
        proof = {"name": TAKER, "note": NOTE}
        report(self.shop, completed(self.canary, "10:28", "delivered_to_safe_place", proof=proof))
        wrong = {"outcome": "delivered_to_recipient", "reason": REASON}
        self.shop.done("POST", f"/v1/promises/{self.canary['promise_id']}/corrections", wrong)
        self.shop.services.publish()
        self.shop.services.deliver()
        yield "delivered"


@pytest.fixture
def street() -> Street:
    return Street()


def test_link_shows_nothing_of_the_neighbours_delivery(street: Street) -> None:
    """At no moment of the day: neither who, nor which order, nor where the van's other stop is.

    But for the van, on the last stretch: there it is where it is.
    """
    theirs = [*CANARIES[:8], street.canary["promise_id"], street.canary["order_ref"]]
    for moment in street.day():
        theirs += [street.canary["tracking_url"].rpartition("/")[2]]
        found = shown(street.shop, street.neighbour)
        assert found_in(found, theirs) == [], moment
        if moment != "on the road":
            assert found_in(found, CANARIES) == [], moment


def test_own_link_shows_nothing_personal_either(street: Street) -> None:
    """Whoever finds the link learns when, and what came of it. CONTROL: the merchant reads all of it."""
    for moment in street.day():
        found = shown(street.shop, street.canary)
        assert found_in(found, [*CANARIES[:8], street.canary["order_ref"]]) == [], moment
    path = f"/v1/promises/{street.canary['promise_id']}"
    read = street.shop.ask("GET", path).body.decode() + street.shop.ask("GET", f"{path}/ledger").body.decode()
    assert set(found_in(read, CANARIES)) >= {GATE, NOTE, SHED, REASON}


def test_what_merchants_are_told_names_nobody(street: Street) -> None:
    """No event holds a canary; and none about a delivery goes to a merchant whose delivery it is not."""
    for _ in street.day():
        pass
    posted = street.shop.services.world.posted
    assert (
        found_in("\n".join(f"{each.url} {each.headers} {each.body.decode()}" for each in posted), CANARIES)
        == []
    )
    to = {
        host: [each.body.decode() for each in posted if f"//{host}.example" in each.url]
        for host in ("acme", "best")
    }
    assert any(street.canary["promise_id"] in body for body in to["acme"])
    assert any(street.foreign["promise_id"] in body for body in to["best"])
    own = [street.canary["promise_id"], street.neighbour["promise_id"]]
    assert found_in("\n".join(to["best"]), own) == []


def test_refusal_does_not_quote_what_it_refuses(street: Street) -> None:
    """Whoever sent it knows it; whoever logs the answer need not. CONTROL: the field at fault is named."""
    shop = street.shop
    order = shop.order(offer=shop.offer(), recipient={"name": NAME, "phone": PHONE})
    refused = [
        shop.refused(
            "POST", "/v1/promises", {**order, "recipient": {"name": NAME * 9, "phone": PHONE + "x"}}
        ),
        shop.refused("POST", "/v1/promises", {**order, "instructions": {"gate_code": GATE * 99, NOTE: NOTE}}),
        shop.refused("POST", "/v1/promises", {**order, "recipient": {"name": f"{NAME}\u202e", "phone": 12}}),
        shop.refused("POST", "/v1/slots/search", {"destination": {**PLACE, "address": {"lines": LINE}}}),
        shop.refused("POST", "/v1/erasures", {"phone": f"{PHONE} {NAME}"}, key="admin"),
        shop.refused("GET", f"/v1/promises/{quote(NAME)}"),
        shop.refused("GET", f"/v1/promises?order_ref={quote(LINE)}"),
        shop.refused("GET", f"/v1/promises?{quote(NAME)}=1"),
    ]
    named = {error["pointer"] for problem in refused for error in problem["errors"]}
    assert {"/recipient/name", "/recipient/phone", "/instructions/gate_code"} <= named
    quoted = [found_in(json.dumps(problem), CANARIES) for problem in refused]
    # A field that nobody knows is named by its name, or nobody could find it.
    assert [each for each in quoted if each not in ([], [NOTE], [NAME])] == []
    assert [quoted[number] for number in (0, 2, 3, 4, 5, 6)] == [[]] * 6
