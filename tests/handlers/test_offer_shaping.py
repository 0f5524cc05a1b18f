"""A depot's policy for slots with a long detour, as a storefront meets it."""

from typing import Any

from tests.handlers.shop_client import Shop, a_depot, reasons

FAR = {"lat": 41.19, "lon": -8.66}
OPPOSITE = {"lat": 41.11, "lon": -8.56}
HIDE = {"mode": "hide", "detour_ratio": 1.0, "detour_seconds": 120}
PRICE = HIDE | {"mode": "price", "surcharge_per_minute": {"amount": 10, "currency": "EUR"}}


def a_shop(policy: dict[str, Any] | None = None) -> Shop:
    """One van that is far out at eight and across the city in the afternoon; then the policy is put."""
    shop = Shop()
    for destination, nth in ((FAR, 0), (OPPOSITE, 1), (OPPOSITE, 4)):
        shop.promise(offer=shop.offer(nth, destination=destination))
    if policy is not None:
        shop.done("PUT", "/v1/depots/porto", a_depot(offer_shaping=policy))
    return shop


def test_without_a_policy_every_slot_is_offered() -> None:
    """Control: off by default, whatever the detour."""
    slots = a_shop().search(destination=FAR)
    assert reasons(slots) == {None}
    assert max(slot["extra_seconds"] for slot in slots) > 600
    assert not any("price" in slot for slot in slots)


def test_hidden_slot_is_listed_with_its_reason_and_without_an_offer() -> None:
    """Not available, like a sold-out one; storefronts show what they are told, with any key."""
    for key in ("secret", "publishable"):
        slots = a_shop(HIDE).search(destination=FAR, key=key)
        assert reasons(slots) == {None, "far_from_route"}
        hidden = [slot for slot in slots if slot.get("reason") == "far_from_route"]
        assert not any(slot["available"] for slot in hidden)
        assert not any({"offer", "confidence", "extra_seconds"} & slot.keys() for slot in hidden)


def test_surcharge_is_shown_and_every_slot_stays() -> None:
    """Whole minutes beyond the limit, in the depot's currency; the cheapest slot keeps its price."""
    slots = a_shop(PRICE).search(destination=FAR)
    assert reasons(slots) == {None}
    cheapest = min(slot["extra_seconds"] for slot in slots)
    for slot in slots:
        beyond = slot["extra_seconds"] - (cheapest + 120)
        surcharge = {"amount": 10 * -(-beyond // 60), "currency": "EUR"}
        assert slot.get("price") == (surcharge if beyond > 0 else None)
    assert {"price" in slot for slot in slots} == {True, False}


def test_surcharge_beyond_all_measure_is_still_an_answer() -> None:
    """A price ends where money does, and is never a 500."""
    dear = PRICE | {"surcharge_per_minute": {"amount": 1_000_000_000, "currency": "EUR"}}
    slots = a_shop(dear).search(destination=FAR)
    assert {slot["price"]["amount"] for slot in slots if "price" in slot} == {1_000_000_000}


def test_policy_goes_back_to_off_when_it_is_left_out() -> None:
    """A PUT of a depot is the whole truth."""
    shop = a_shop(HIDE)
    shop.done("PUT", "/v1/depots/porto", a_depot())
    assert reasons(shop.search(destination=FAR)) == {None}


def test_reason_and_policy_are_described() -> None:
    """In OpenAPI: the reason, the modes, the defaults."""
    schemas = a_shop().done("GET", "/openapi.json", key=None)["components"]["schemas"]
    assert "far_from_route" in schemas["Reason"]["enum"]
    assert schemas["ShapingMode"]["enum"] == ["off", "hide", "price"]
    shaping = schemas["OfferShapingBody"]["properties"]
    assert (shaping["detour_ratio"]["default"], shaping["detour_seconds"]["default"]) == (2.0, 1200)
    assert schemas["DepotBody"]["properties"]["offer_shaping"]["default"]["mode"] == "off"
