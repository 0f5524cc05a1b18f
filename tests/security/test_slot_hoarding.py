"""F28: a script in a browser cannot hold a day empty; API6 of the OWASP list."""

import re
from collections.abc import Iterator

import pytest
from chalice.test import HTTPResponse

from chalicelib.merchants.hold_caps import HoldCaps, HoldLimiter
from chalicelib.merchants.quota import Quota
from chalicelib.units import HOUR
from tests.handlers.bakery import problem_of
from tests.handlers.shop_client import Shop, ShopClient, a_van, fresh
from tests.security.outside import Outside

BOT, SHOPPER = "203.0.113.66", "198.51.100.4"
PLENTY = 1_000_000


def capped(shop: Shop, *, network: int = PLENTY, destination: int = PLENTY, key: int = PLENTY) -> None:
    quotas = [Quota(requests=most, window=HOUR) for most in (network, destination, key)]
    caps = HoldCaps(network=quotas[0], destination=quotas[1], key=quotas[2])
    shop.services.hold_limiter = HoldLimiter(shop.services.store, caps=caps, hide=shop.services.sealer.derive)


def a_shop() -> Shop:
    """A day with room for 24 parcels."""
    return Shop(van=a_van(capacity={"parcels": 24}))


def hoard(bot: ShopClient, *, tries: int = 40, places: int = 1) -> Iterator[HTTPResponse]:
    """What such a script does: search, hold under a made-up cart, and again, until nothing is left."""
    for number in range(tries):
        place = {"lat": 41.16 + number % places * 0.0005, "lon": -8.6}
        offers = [
            slot["offer"] for slot in bot.search(key="publishable", destination=place) if slot["available"]
        ]
        if not offers:
            return
        body = {"offer": offers[number % len(offers)], "cart_ref": fresh("bot")}
        yield bot.ask("POST", "/v1/holds", body, key="publishable")


def statuses(answers: Iterator[HTTPResponse]) -> list[int]:
    return [answer.status_code for answer in answers]


def test_without_caps_one_script_holds_the_whole_day() -> None:
    """Control: carts cost nothing, so one live hold per cart stops nobody; the shopper finds nothing."""
    shop = a_shop()
    capped(shop)
    outside = Outside(shop)
    assert statuses(hoard(outside.client(BOT))) == [201] * 24
    left = outside.client(SHOPPER).search(key="publishable")
    assert {slot.get("reason") for slot in left} == {"held"}


def test_script_at_one_address_gets_its_cap_and_others_buy() -> None:
    """429 with Retry-After after five holds; whoever asks from elsewhere holds and buys."""
    shop = a_shop()
    capped(shop, network=5)
    outside = Outside(shop)
    answers = list(hoard(outside.client(BOT)))
    assert [answer.status_code for answer in answers] == [201] * 5 + [429] * 35
    problem = problem_of(answers[-1])
    assert problem["code"] == "rate_limited"
    assert answers[-1].headers["Retry-After"] == "3600"
    assert BOT not in answers[-1].body.decode()
    shopper = outside.client(SHOPPER)
    held = shopper.hold(key="publishable")
    assert shopper.promise(hold_id=held["hold_id"])["state"] == "confirmed"


def test_addresses_of_one_ipv6_network_share_a_cap() -> None:
    """A household has 2^64 addresses; it has one cap."""
    shop = a_shop()
    capped(shop, network=5)
    outside = Outside(shop)
    served = [
        next(hoard(outside.client(f"2001:db8:66:1::{number:x}"))).status_code for number in range(1, 11)
    ]
    assert served == [201] * 5 + [429] * 5


def test_script_at_many_addresses_meets_the_destinations_cap() -> None:
    """A parcel has to go somewhere: one building's holds are bounded wherever they are asked from."""
    shop = a_shop()
    capped(shop, destination=5)
    outside = Outside(shop)
    served = [next(hoard(outside.client(f"203.0.113.{number}"))).status_code for number in range(10)]
    assert served == [201] * 5 + [429] * 5


def test_botnet_meets_the_keys_cap_and_the_merchants_server_still_sells() -> None:
    """Addresses and destinations without end: the key bounds the harm, and secret keys are not bound."""
    shop = a_shop()
    capped(shop, key=10)
    outside = Outside(shop)
    served = [
        statuses(hoard(outside.client(f"203.0.113.{number}"), tries=1, places=50))[0] for number in range(20)
    ]
    assert served == [201] * 10 + [429] * 10
    assert shop.hold(key="checkout")["state"] == "active"
    assert shop.promise()["state"] == "confirmed"


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP"])
def test_address_a_caller_writes_himself_is_not_believed(name: str) -> None:
    """The gateway's own word counts: a header that changes with every request changes nothing."""
    shop = a_shop()
    capped(shop, network=3)
    outside = Outside(shop)
    served = [
        next(hoard(outside.client(BOT, headers={name: f"198.51.100.{number}"}))).status_code
        for number in range(6)
    ]
    assert served == [201] * 3 + [429] * 3


def test_replayed_hold_is_counted_once() -> None:
    """A storefront that repeats a request until it is answered uses its cap up once."""
    shop = a_shop()
    capped(shop, network=2)
    client = Outside(shop).client(SHOPPER)
    body = {"offer": client.offer(key="publishable"), "cart_ref": "cart-1"}
    for _ in range(5):
        answer = client.ask("POST", "/v1/holds", body, key="publishable", idempotency_key="same")
        assert answer.status_code == 201
    client.hold(key="publishable")
    assert client.refused("POST", "/v1/holds", body | {"cart_ref": "cart-3"}, key="publishable")["code"] == (
        "rate_limited"
    )


def test_cap_ends_with_the_clock_hour() -> None:
    """As Retry-After said; the holds of the hour before have run out by then or soon."""
    shop = a_shop()
    capped(shop, network=1)
    client = Outside(shop).client(SHOPPER)
    client.hold(key="publishable")
    refused = next(hoard(client))
    assert refused.status_code == 429
    shop.wait(int(refused.headers["Retry-After"]))
    client.hold(key="publishable")


def test_counts_name_no_address_and_no_place() -> None:
    """What is stored is a keyed hash: 128 bits that nobody can turn back or recompute without the secret."""
    shop = a_shop()
    Outside(shop).client(BOT).hold(key="publishable")
    names = [name for name, _ in shop.services.store.counts if name.startswith("hold.")]
    assert {name.split(".")[1] for name in names} == {"network", "destination", "key"}
    assert all(re.fullmatch(r"hold\.[a-z]+\.[A-Za-z0-9_-]{22}", name) for name in names)
