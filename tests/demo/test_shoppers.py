"""A day of demand is the same for the same seed, and looks like a day."""

from collections import Counter

from infra.demo.porto import SLOT_HOURS, depots
from infra.demo.shoppers import OPEN_HOURS, demand


def test_same_seed_gives_the_same_day() -> None:
    """Whoever repeats a run meets the same shoppers."""
    assert demand(seed=3, count=50) == demand(seed=3, count=50)
    assert demand(seed=3, count=50) != demand(seed=4, count=50)


def test_more_shoppers_change_nothing_for_those_before() -> None:
    """Shopper 7 of fifty is shopper 7 of a hundred."""
    few = {shopper.number: shopper for shopper in demand(seed=1, count=50)}
    many = {shopper.number: shopper for shopper in demand(seed=1, count=100)}
    assert few == {number: many[number] for number in few}


def test_shoppers_come_in_the_order_of_the_day() -> None:
    """The clock only goes forward."""
    hours = [shopper.comes_at for shopper in demand(seed=1, count=300)]
    assert hours == sorted(hours)
    assert set(hours) == set(OPEN_HOURS)


def test_wishes_are_slots_that_exist_within_three_days() -> None:
    """A search spans at most three days, and a wish is never made twice."""
    for shopper in demand(seed=1, count=300):
        assert {wish.hour for wish in shopper.wishes} <= set(SLOT_HOURS)
        assert 1 <= shopper.first_day <= shopper.first_day + shopper.days - 1 <= 3
        assert len(set(shopper.wishes)) == len(shopper.wishes)


def test_evenings_are_wanted_most_and_noon_least() -> None:
    """Wishes have the peaks that make a day hard to sell."""
    best = Counter(shopper.wishes[0].hour for shopper in demand(seed=1, count=1000))
    assert best.most_common(1)[0][0] == 18
    assert best[8] > best[12]


def test_phones_are_kept_free_for_fiction() -> None:
    """No real person is ever texted: all numbers are +1 202 555 01xx."""
    phones = {shopper.phone for shopper in demand(seed=1, count=500)} - {None}
    assert all(phone is not None and phone.startswith("+120255501") and len(phone) == 12 for phone in phones)


def test_depots_stand_on_streets_and_every_van_has_its_own_name() -> None:
    """Vans are told apart on the map by name, across depots."""
    fleet = depots("ribeira")
    names = [name for depot in fleet for name in depot.vans]
    assert len(names) == len(set(names)) == 10
    assert [depot.depot_id for depot in fleet] == ["ribeira", "maia"]
