"""Holds, swaps and offers as an outside client meets them: names, codes, shapes, defaults."""

import pytest

from tests.handlers.bakery import problem_of
from tests.handlers.shop_client import NEAR, SLOT_SHOWN, Shop, a_depot, at, fresh, one_place_shop, reasons

HOLD = {
    *("hold_id", "state", "depot_id", "slot_id", "starts_at", "ends_at", "expires_at"),
    *("confidence", "cart_ref", "hold_token"),
}
NOBODYS_HOLD = "hold_0000000000000"


# --- holds


def test_hold_has_the_shape_of_the_contract(shop: Shop) -> None:
    """It runs for the depot's `hold_seconds`, and reads back the same."""
    held = shop.hold(cart_ref="cart")
    assert held.keys() == HOLD
    assert held["starts_at"] == "2026-11-24T08:00:00+00:00"
    assert held["ends_at"] == "2026-11-24T10:00:00+00:00"
    assert held["expires_at"] == "2026-11-24T06:10:00+00:00"
    assert (held["state"], held["cart_ref"]) == ("active", "cart")
    assert shop.done("GET", f"/v1/holds/{held['hold_id']}") == held


def test_hold_that_ran_out_reads_as_expired(shop: Shop) -> None:
    """Also before anybody has cleared up behind it."""
    held = shop.hold()
    shop.clock.advance(600)
    assert shop.done("GET", f"/v1/holds/{held['hold_id']}")["state"] == "expired"


def test_released_capacity_is_free_at_once() -> None:
    """204, again and again; the next search sells the place."""
    shop = one_place_shop()
    held = shop.hold()
    assert reasons(shop.search()) == {"held"}
    for _ in range(2):
        assert shop.ask("DELETE", f"/v1/holds/{held['hold_id']}").status_code == 204
    assert reasons(shop.search()) == {None}
    assert shop.done("GET", f"/v1/holds/{held['hold_id']}")["state"] == "released"


def test_expired_capacity_comes_back_by_itself() -> None:
    """A hold nobody confirmed is for sale again seconds later, cleared up or not."""
    shop = one_place_shop()
    shop.hold()
    shop.clock.advance(602)
    assert reasons(shop.search()) == {None}


def test_hold_is_extended_by_its_seconds_up_to_an_hour(shop: Shop) -> None:
    """Sixty minutes in all, however often it is asked."""
    held = shop.hold(shop.offer(from_date="2026-11-25"))
    ends = []
    for _ in range(8):
        shop.clock.advance(590)
        answer = shop.ask("POST", f"/v1/holds/{held['hold_id']}/extend", {})
        ends.append(
            answer.json_body.get("expires_at", answer.json_body["code"] if answer.status_code > 299 else None)
        )
    assert ends[0] == "2026-11-24T06:19:50+00:00"
    assert ends[5:] == ["2026-11-24T07:00:00+00:00", "hold_expired", "hold_expired"]


def test_hold_never_outlives_its_cutoff(shop: Shop) -> None:
    """Neither when it is made nor when it is extended."""
    shop.clock.at = at("2026-11-24T06:40:00Z")
    held = shop.hold()
    shop.clock.advance(570)
    longer = shop.done("POST", f"/v1/holds/{held['hold_id']}/extend")
    assert longer["expires_at"] == "2026-11-24T06:59:30+00:00"
    shop.clock.advance(570)
    longest = shop.done("POST", f"/v1/holds/{held['hold_id']}/extend")
    assert longest["expires_at"] == "2026-11-24T07:00:00+00:00"


def test_ended_hold_is_not_extended(shop: Shop) -> None:
    """409 for one given back, 410 with its end for one that ran out."""
    released, expired = shop.hold(), shop.hold()
    shop.ask("DELETE", f"/v1/holds/{released['hold_id']}")
    problem = shop.refused("POST", f"/v1/holds/{released['hold_id']}/extend", {})
    assert (problem["status"], problem["code"], problem["state"]) == (409, "illegal_transition", "released")
    shop.clock.advance(600)
    problem = shop.refused("POST", f"/v1/holds/{expired['hold_id']}/extend", {})
    assert (problem["status"], problem["code"]) == (410, "hold_expired")
    assert problem["expired_at"] == "2026-11-24T06:10:00Z"


@pytest.mark.parametrize("proof", [{}, {"hold_token": "made-up"}])
def test_publishable_key_without_the_token_ends_and_extends_nothing(
    shop: Shop, proof: dict[str, str]
) -> None:
    """A page knows many hold ids; only the token says which is its own."""
    held = shop.hold(key="publishable")
    path = f"/v1/holds/{held['hold_id']}"
    for method, target in (("DELETE", path), ("POST", f"{path}/extend")):
        assert shop.refused(method, target, proof, key="publishable")["code"] == "forbidden"
    assert shop.done("GET", path)["state"] == "active"


def test_publishable_key_with_the_token_extends_and_ends(shop: Shop) -> None:
    """The token stands in the body, or in the query of a DELETE that has none."""
    for proof in ("body", "query"):
        held = shop.hold(key="publishable")
        path, token = f"/v1/holds/{held['hold_id']}", {"hold_token": held["hold_token"]}
        assert shop.done("POST", f"{path}/extend", token, key="publishable")["state"] == "active"
        query = f"?hold_token={held['hold_token']}" if proof == "query" else ""
        gone = shop.ask("DELETE", path + query, token if proof == "body" else None, key="publishable")
        assert gone.status_code == 204


def test_page_reads_the_state_of_a_hold_and_not_whose_it_is(shop: Shop) -> None:
    """Neither token nor cart are shown to a publishable key that does not prove the hold its own."""
    held = shop.hold(key="publishable")
    path = f"/v1/holds/{held['hold_id']}"
    assert shop.done("GET", path, key="publishable").keys() == HOLD - {"cart_ref", "hold_token"}
    assert shop.done("GET", f"{path}?hold_token={held['hold_token']}", key="publishable") == held


def test_token_of_one_hold_opens_no_other(shop: Shop) -> None:
    """Each hold has its own."""
    one, other = shop.hold(key="publishable"), shop.hold(key="publishable")
    path, body = f"/v1/holds/{one['hold_id']}", {"hold_token": other["hold_token"]}
    assert shop.refused("DELETE", path, body, key="publishable")["code"] == "forbidden"


# --- swaps


def test_second_hold_of_a_cart_swaps_with_a_secret_key() -> None:
    """One live hold per cart; also on a full van, since the old place is given up in the same step."""
    shop = one_place_shop()
    first = shop.hold(cart_ref="cart")
    second = shop.hold(shop.offer(cart_ref="cart"), "cart")
    assert shop.done("GET", f"/v1/holds/{first['hold_id']}")["state"] == "released"
    assert shop.done("GET", f"/v1/holds/{second['hold_id']}")["state"] == "active"


def test_second_hold_of_a_cart_needs_replaces_and_token_with_a_publishable_key(shop: Shop) -> None:
    """409 without naming the first, 403 without proving it, then a swap."""
    first = shop.hold(cart_ref="cart", key="publishable")
    body = {"offer": shop.offer(1), "cart_ref": "cart"}
    assert shop.refused("POST", "/v1/holds", body, key="publishable")["code"] == "hold_exists"
    body["replaces"] = first["hold_id"]
    assert shop.refused("POST", "/v1/holds", body, key="publishable")["code"] == "forbidden"
    body["hold_token"] = "made-up"
    assert shop.refused("POST", "/v1/holds", body, key="publishable")["code"] == "forbidden"
    body["hold_token"] = first["hold_token"]
    shop.done("POST", "/v1/holds", body, key="publishable")
    assert shop.done("GET", f"/v1/holds/{first['hold_id']}")["state"] == "released"


@pytest.mark.parametrize("key", ["secret", "publishable"])
def test_what_is_replaced_is_a_hold_of_the_same_cart(shop: Shop, key: str) -> None:
    """Another cart's is refused and stays; one that does not exist is not found."""
    others = shop.hold(cart_ref="other", key=key)
    body = {"offer": shop.offer(1), "cart_ref": "mine", "replaces": others["hold_id"]}
    problem = shop.refused("POST", "/v1/holds", {**body, "hold_token": others["hold_token"]}, key=key)
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/replaces")
    assert shop.done("GET", f"/v1/holds/{others['hold_id']}")["state"] == "active"
    for nobodys in (NOBODYS_HOLD, "hold_x", "order-1"):
        problem = shop.refused("POST", "/v1/holds", {**body, "replaces": nobodys}, key=key)
        assert (problem["status"], problem["code"]) == (404, "not_found")


def test_refused_swap_leaves_the_old_hold_alone() -> None:
    """New before old: who does not get the new place keeps the one it has."""
    shop = one_place_shop()
    mine = shop.hold(cart_ref="mine")
    tomorrow = shop.offer(from_date="2026-11-25")
    shop.hold(tomorrow, "rival")
    assert shop.refused("POST", "/v1/holds", {"offer": tomorrow, "cart_ref": "mine"})["code"] == "slot_taken"
    assert shop.done("GET", f"/v1/holds/{mine['hold_id']}")["state"] == "active"


# --- offers (B12)


def test_taken_slot_comes_with_alternatives_that_can_be_held() -> None:
    """409 `slot_taken`: fresh offers for the same delivery, nearest in time first."""
    shop = one_place_shop()
    offer = shop.offer()
    shop.hold(offer)
    problem = shop.refused("POST", "/v1/holds", {"offer": offer, "cart_ref": "late"})
    assert (problem["status"], problem["code"]) == (409, "slot_taken")
    starts = [slot["starts_at"] for slot in problem["alternatives"]]
    assert starts == sorted(starts)
    assert starts[0] == "2026-11-25T10:00:00+00:00"
    assert all(slot["available"] and slot.keys() >= SLOT_SHOWN for slot in problem["alternatives"])
    held = shop.hold(problem["alternatives"][0]["offer"], "late")
    assert held["starts_at"] == starts[0]


def test_closure_stops_offers_that_are_on_their_way(shop: Shop) -> None:
    """The stop-selling switch works at once; promises already made there are answered as at risk."""
    made, offer = shop.promise(), shop.offer()
    closure = {
        "from_at": "2026-11-24T08:00:00+00:00",
        "to_at": "2026-11-24T10:00:00+00:00",
        "reason": "Flood",
    }
    put = shop.done("PUT", "/v1/depots/porto", a_depot(closures=[closure]))
    assert put["at_risk"] == [made["promise_id"]]
    problem = shop.refused("POST", "/v1/holds", {"offer": offer, "cart_ref": "cart"})
    assert problem["code"] == "slot_taken"
    assert problem["alternatives"][0]["starts_at"] == "2026-11-24T10:00:00+00:00"
    [listed] = shop.done("GET", "/v1/promises?risk=at_risk")["data"]
    assert listed["promise_id"] == made["promise_id"]


def test_edited_offer_is_refused_wherever_it_was_edited(shop: Shop) -> None:
    """B12: each single character matters, the last one included."""
    offer = shop.offer()
    for place in {*range(0, len(offer), 7), len(offer) - 1}:
        edited = offer[:place] + ("A" if offer[place] != "A" else "B") + offer[place + 1 :]
        problem = shop.refused("POST", "/v1/holds", {"offer": edited, "cart_ref": "cart"})
        assert (problem["status"], problem["code"]) == (400, "offer_invalid")


@pytest.mark.parametrize("made_up", ["x", " ", "MQ==", "é" * 30, "a" * 16_384, "\u202e", "../../etc"])
def test_made_up_offer_is_refused(shop: Shop, made_up: str) -> None:
    """B12: 400 in holds, promises and changes alike."""
    promise_id = shop.promise()["promise_id"]
    for path, body in (
        ("/v1/holds", {"offer": made_up, "cart_ref": "cart"}),
        ("/v1/promises", shop.order(offer=made_up)),
        (f"/v1/promises/{promise_id}/changes", {"kind": "slot", "offer": made_up}),
    ):
        assert shop.refused("POST", path, body)["code"] == "offer_invalid"


def test_other_tokens_of_ours_are_no_offers(shop: Shop) -> None:
    """A cursor or a hold's token is sealed for another purpose."""
    held = shop.hold()
    shop.promise()
    shop.promise()
    cursor = shop.done("GET", "/v1/promises?limit=1")["next_cursor"]
    for token in (cursor, held["hold_token"], held["hold_id"]):
        problem = shop.refused("POST", "/v1/holds", {"offer": token, "cart_ref": "cart"})
        assert problem["code"] == "offer_invalid"


def test_offer_to_one_cart_is_not_anothers(shop: Shop) -> None:
    """B12: bound to the cart that the search named, and to none if it named none."""
    bound = shop.offer(cart_ref="mine")
    body = {"offer": bound, "cart_ref": "other"}
    assert shop.refused("POST", "/v1/holds", body)["code"] == "offer_invalid"
    assert shop.refused("POST", "/v1/promises", shop.order(**body))["code"] == "offer_invalid"
    assert shop.hold(bound, "mine")["cart_ref"] == "mine"
    assert shop.hold(shop.offer(), "any")["cart_ref"] == "any"


def test_offer_that_moves_a_promise_makes_no_hold(shop: Shop) -> None:
    """It overlooks that promise's own place, so it is good for nothing else."""
    offer = shop.other_slots(shop.promise()["promise_id"])[0]["offer"]
    assert shop.refused("POST", "/v1/holds", {"offer": offer, "cart_ref": "c"})["code"] == "offer_invalid"
    assert shop.refused("POST", "/v1/promises", shop.order(offer=offer))["code"] == "offer_invalid"


def test_expired_offer_says_when_it_ended(shop: Shop) -> None:
    """B12: 410 `offer_expired` thirty minutes after the search."""
    offer = shop.offer()
    shop.clock.advance(1799)
    shop.hold(offer)
    shop.clock.advance(1)
    problem = shop.refused("POST", "/v1/holds", {"offer": offer, "cart_ref": "cart"})
    assert (problem["status"], problem["code"]) == (410, "offer_expired")
    assert problem["expired_at"] == "2026-11-24T06:30:00Z"


def test_offer_says_nothing_to_who_carries_it(shop: Shop) -> None:
    """Address and place are encrypted in it."""
    address = {"lines": ["Rua das Flores 12"], "city": "Porto", "country": "PT"}
    offer = shop.offer(destination={**NEAR, "address": address})
    assert all(word not in offer for word in ("Flores", "porto", "acme"))


# --- the same request again (B08)


@pytest.mark.parametrize("key", [" ", "a b", "x" * 256, "é", "a\tb"])
def test_idempotency_key_that_is_none_is_refused(shop: Shop, key: str) -> None:
    """B08: 1 to 255 visible ASCII characters, on holds, promises and changes alike."""
    for path in ("/v1/holds", "/v1/promises", "/v1/promises/prm_0000000000000/changes"):
        problem = shop.refused("POST", path, {}, idempotency_key=key)
        assert (problem["status"], problem["code"]) == (400, "idempotency_key_invalid")
        problem = shop.refused("POST", path, {}, idempotency_key=None)
        assert (problem["status"], problem["code"]) == (400, "idempotency_key_missing")


def test_repeated_hold_is_the_same_hold() -> None:
    """Same answer, also after the offer has expired, and one place taken; another body is refused."""
    shop = one_place_shop()
    body = {"offer": shop.offer(), "cart_ref": "cart"}
    first = shop.ask("POST", "/v1/holds", body, idempotency_key="once")
    shop.clock.advance(3600)
    again = shop.ask("POST", "/v1/holds", dict(reversed(body.items())), idempotency_key="once")
    assert (first.status_code, again.status_code, again.body) == (201, 201, first.body)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    other = shop.refused("POST", "/v1/holds", {**body, "cart_ref": "other"}, idempotency_key="once")
    assert (other["status"], other["code"]) == (422, "idempotency_mismatch")


def test_refusal_is_not_recorded() -> None:
    """What had no effect may succeed when it is repeated under the same key."""
    shop = one_place_shop()
    offer = shop.offer()
    rival = shop.hold(offer, "rival")
    body = {"offer": offer, "cart_ref": "cart"}
    refused = [shop.ask("POST", "/v1/holds", body, idempotency_key="k") for _ in range(2)]
    assert [problem_of(answer)["code"] for answer in refused] == ["slot_taken"] * 2
    assert all("Idempotent-Replayed" not in answer.headers for answer in refused)
    shop.ask("DELETE", f"/v1/holds/{rival['hold_id']}")
    assert shop.ask("POST", "/v1/holds", body, idempotency_key="k").status_code == 201


def test_extension_under_one_key_counts_once(shop: Shop) -> None:
    """The key is optional there, and kept where it is given."""
    held = shop.hold(shop.offer(from_date="2026-11-25"))
    path = f"/v1/holds/{held['hold_id']}/extend"
    first = shop.ask("POST", path, {}, idempotency_key="once")
    shop.clock.advance(60)
    again = shop.ask("POST", path, {}, idempotency_key="once")
    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    assert shop.ask("POST", path, {}, idempotency_key=None).status_code == 200


def test_key_of_a_page_and_of_a_server_are_two_namespaces(shop: Shop) -> None:
    """What a browser repeats is never answered with what the server did under the same words."""
    body = {"offer": shop.offer(), "cart_ref": fresh("cart")}
    shop.done("POST", "/v1/holds", body, idempotency_key="same")
    page = shop.ask("POST", "/v1/holds", body, idempotency_key="same", key="publishable")
    assert problem_of(page)["code"] == "hold_exists"
