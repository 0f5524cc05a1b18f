"""Nothing is sold twice: eight processes race for what is left, and the stored routes are worked out anew.

Every race has its control: the same processes with the conditions on routes and holds taken away must do the
harm, or this test setup would prove nothing.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.promises.model import HoldState, PromiseState
from chalicelib.receipts import no_receipt
from chalicelib.routing.model import Capacity, Load, StopKind
from chalicelib.routing.packed import GHOST_GRACE
from chalicelib.units import HOUR, MINUTE
from tests.concurrency.arena import NOW, Arena, Race, oversold
from tests.concurrency.racers import Confirm, Expire, Held, Outcome, Racers

pytestmark = pytest.mark.xdist_group("races")  # one emulator and one set of processes are enough

ROUNDS = 28  # two depots of 14 days
CONTROLS = 14  # at most; a control ends with the first harm

# Two hours are on sale, and service starts within them: how many fit is on the fingers of a hand.
SCARCE: dict[str, tuple[int, dict[str, Any]]] = {
    "the only place of a slot": (1, {"service": 2 * HOUR + MINUTE}),
    "the last places of a slot": (3, {"service": 50 * MINUTE}),
    "the last of a van's parcels": (2, {"capacity": Capacity(parcels=2)}),
    "the last of a van's weight": (
        3,
        {"capacity": Capacity(grams=10_000), "load": Load(parcels=1, grams=3_000)},
    ),
}


def rush(racers: Racers, race: Race) -> list[int]:
    """Every process wants to hold the same slot; the stops of those that were told they do."""
    tasks = [
        Held(tenant=race.tenant, offer=race.offer, cart_ref=f"{race.depot_id}/{race.offer.day}/{n}", now=NOW)
        for n in range(racers.count)
    ]
    outcomes = racers.race(tasks)
    assert {code for code, _ in outcomes} <= {"held", "slot_taken"}, outcomes
    return [stop_id for code, stop_id in outcomes if code == "held" and stop_id is not None]


@pytest.mark.parametrize("scarce", SCARCE)
def test_last_places_are_sold_once(racers: Racers, arena: Arena, scarce: str) -> None:
    """F01: exactly as many are granted as there are places, and what is stored bears them."""
    places, described = SCARCE[scarce]
    for race in arena.races(ROUNDS, **described):
        granted = rush(racers, race)
        assert oversold(arena.route(race), granted) == []
        assert len(granted) == places


@pytest.mark.parametrize("scarce", SCARCE)
def test_without_the_guard_last_places_are_sold_twice(
    unguarded_racers: Racers, arena: Arena, scarce: str
) -> None:
    """F01, control: more is granted than there is, and nothing stored bears it."""
    places, described = SCARCE[scarce]
    assert any(
        len(granted := rush(unguarded_racers, race)) > places and oversold(arena.route(race), granted)
        for race in arena.races(CONTROLS, **described)
    )


def expiries(racers: Racers, arena: Arena, rounds: int) -> Iterator[tuple[Race, int, list[Outcome]]]:
    """A buyer pays in the last second, again and again, while sweepers with a faster clock clear up."""
    for race in arena.races(rounds, service=2 * HOUR + MINUTE):
        cart_ref = f"{race.depot_id}/{race.offer.day}"
        hold = arena.booking.hold(race.tenant, race.offer, cart_ref, NOW, no_receipt, trusted=True)
        about = {"tenant": race.tenant, "stop_id": hold.stop_id}
        confirm = Confirm(**about, now=hold.expires_at - 1)
        expire = Expire(**about, now=hold.expires_at + GHOST_GRACE)
        half = racers.count // 2
        yield race, hold.stop_id, racers.race([confirm, expire] * half)


def test_expiry_and_confirm_of_one_hold_have_one_winner(racers: Racers, arena: Arena) -> None:
    """F02: the hold became the promise, or it ran out; what ran out is tried anew for the paid order."""
    winners = set()
    for race, stop_id, outcomes in expiries(racers, arena, 2 * ROUNDS):
        codes = [code for code, _ in outcomes]
        assert set(codes) <= {"confirmed", "renewed", "expired", "left", "order_already_promised"}, codes
        assert codes.count("confirmed") + codes.count("expired") == 1, codes
        assert codes.count("confirmed") + codes.count("renewed") == 1, codes
        winners |= {"confirmed", "expired"}.intersection(codes)
        assert oversold(arena.route(race), [stop_id]) == []
        assert arena.stops(race, StopKind.PROMISED) == [stop_id]
        hold, promise = arena.store.hold(race.tenant, stop_id), arena.store.promise(race.tenant, stop_id)
        assert hold is not None
        assert promise is not None
        assert (hold.state, promise.state) == (HoldState.CONFIRMED, PromiseState.CONFIRMED)
        assert [fact.sequence for fact in arena.store.ledger(race.tenant, stop_id)] == [1]
    assert winners == {"confirmed", "expired"}  # a race that always ends the same way is none


def test_without_the_guards_both_expiry_and_confirm_win(unguarded_racers: Racers, arena: Arena) -> None:
    """F02, control: a promise is made of a hold that was cleared away."""
    assert any(
        {("confirmed", stop_id), ("expired", stop_id)} <= set(outcomes)
        for _, stop_id, outcomes in expiries(unguarded_racers, arena, CONTROLS)
    )


def test_twins_of_one_request_have_one_effect(racers: Racers, arena: Arena) -> None:
    """F03: one Idempotency-Key from all processes at once: one hold, one promise, everybody else is told."""
    for race in arena.races(CONTROLS, service=50 * MINUTE):
        name = f"{race.depot_id}/{race.offer.day}"
        held = Held(tenant=race.tenant, offer=race.offer, cart_ref=name, now=NOW, request=f"hold/{name}")
        stop_id = only_effect(racers.race([held] * racers.count), "held")
        assert oversold(arena.route(race), [stop_id]) == []
        assert arena.store.cart(race.tenant, name) == stop_id
        confirm = Confirm(tenant=race.tenant, stop_id=stop_id, now=NOW, request=f"confirm/{name}")
        assert only_effect(racers.race([confirm] * racers.count), "confirmed") == stop_id
        assert oversold(arena.route(race), [stop_id]) == []
        assert arena.stops(race, StopKind.PROMISED) == [stop_id]


def test_without_receipts_twins_of_one_request_have_several_effects(
    forgetful_racers: Racers, arena: Arena
) -> None:
    """F03, control: each process swaps its twin's hold for one of its own, and says that it has one."""
    rounds = arena.races(CONTROLS, service=50 * MINUTE)
    assert any(held_by_twins(forgetful_racers, race) > 1 for race in rounds)


def held_by_twins(racers: Racers, race: Race) -> int:
    """How many of the processes that send one and the same request say that they had its effect."""
    name = f"{race.depot_id}/{race.offer.day}"
    held = Held(tenant=race.tenant, offer=race.offer, cart_ref=name, now=NOW, request=f"hold/{name}")
    return [code for code, _ in racers.race([held] * racers.count)].count("held")


def only_effect(outcomes: list[Outcome], wanted: str) -> int:
    """One process had the effect; the others were told that it was done, or found the promise made by it."""
    codes = sorted(code for code, _ in outcomes)
    assert codes.count(wanted) == 1, codes
    assert set(codes) <= {wanted, "already_done", "order_already_promised"}, codes
    return next(stop_id for code, stop_id in outcomes if code == wanted and stop_id is not None)
