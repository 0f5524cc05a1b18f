"""What a search answers, slot by slot, and why not."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from chalicelib.errors import NotFound, Upstream
from chalicelib.fleet.model import EVERY_DAY, Closure, Depot, OrderBy, Radius, SlotTemplate, WeeklyShift
from chalicelib.fleet.planning import Planner
from chalicelib.promises.model import Grade, Reason
from chalicelib.promises.search import OFFER_LIFE, SlotQuery, SlotSearch
from chalicelib.routing.model import Capacity, Load, Location
from chalicelib.routing.travel_times import StraightLine, TravelTimes
from chalicelib.units import HOUR, MINUTE
from tests.builders import CALM
from tests.promises.shop import FAR, NEAR, TENANT, TODAY, Shop, a_depot, a_vehicle, at, one_hour_shop


def reasons(shop: Shop, **asked: object) -> list[Reason | None]:
    return [slot.reason for slot in shop.search(**asked)]  # type: ignore[arg-type]


def test_every_slot_of_an_empty_day_is_offered() -> None:
    """An empty van serves every window of its shift, and each offer says how sure that is."""
    slots = Shop().search()
    assert [slot.window.start for slot in slots] == [at(hour) for hour in range(8, 18, 2)]
    assert all(slot.offer and slot.confidence == 1.0 and slot.grade is Grade.BEST for slot in slots)


def test_the_same_state_gives_the_same_answer() -> None:
    """Searching twice, also in another process, answers the very same."""
    shop = Shop()
    shop.buy(at(10), FAR)
    again = Shop(store=shop.store)
    assert shop.search() == shop.search() == again.search()


def test_a_slot_beyond_what_fits_is_full() -> None:
    """An empty van could do it, but what is sold takes the time."""
    shop = one_hour_shop()
    shop.buy(at(10))
    assert reasons(shop) == [Reason.FULL]


def test_a_slot_that_another_checkout_holds_may_come_back() -> None:
    """Held is not full: when the hold runs out, the slot is offered again."""
    shop = one_hour_shop()
    hold = shop.hold(shop.offer(at(10)))
    assert reasons(shop) == [Reason.HELD]
    shop.now = hold.expires_at + 2
    assert reasons(shop) == [None]


def test_a_checkout_overlooks_its_own_hold() -> None:
    """A shopper who searches again is not told that her own slot is gone."""
    shop = one_hour_shop()
    shop.hold(shop.offer(at(10)), "mine")
    assert reasons(shop, cart_ref="mine") == [None]
    assert reasons(shop, cart_ref="another") == [Reason.HELD]


def test_a_slot_closes_at_its_cutoff() -> None:
    """No offer is issued with less than a quarter of an hour to the cut-off."""
    late = a_vehicle(weekly=(WeeklyShift(days=EVERY_DAY, starts=time(10), ends=time(18)),))
    shop = Shop(vehicles=[late])
    shop.now = at(10) - HOUR - 15 * MINUTE
    assert reasons(shop)[1] is None
    shop.now += 1
    assert reasons(shop)[1] is Reason.CUTOFF_PASSED


def test_the_order_by_time_of_a_slot_is_a_cutoff() -> None:
    """Ordered by eight the evening before, or not at all."""
    slot = SlotTemplate(starts=time(10), ends=time(12), order_by=OrderBy(days_before=1, time=time(20)))
    shop = Shop(depot=a_depot(slots=(slot,)))
    assert reasons(shop) == [Reason.CUTOFF_PASSED]
    tomorrow = shop.search(from_date=TODAY + timedelta(days=1))
    assert [found.cutoff_at for found in tomorrow] == [at(20)]


def test_a_loaded_van_takes_no_new_parcel() -> None:
    """From `loads_at` on its route sells nothing any more, though the slot is hours away."""
    shop = Shop()
    shop.now = at(7, 30)  # half an hour before the shift: the depot's loading lead
    assert set(reasons(shop)) == {Reason.CUTOFF_PASSED}
    shop.now = at(7, 10)
    slots = shop.search()
    assert slots[3].offer is not None
    assert slots[3].cutoff_at == at(7, 30)
    assert slots[3].offer.expires_at == at(7, 30)


def test_an_offer_lives_half_an_hour_and_never_outlives_its_cutoff() -> None:
    """Long before the cut-off an offer is good for thirty minutes."""
    shop = Shop()
    offer = shop.offer(at(14))
    assert offer.expires_at == shop.now + OFFER_LIFE


def test_a_closed_day_says_closed() -> None:
    """A closure is the stop-selling switch."""
    closure = Closure(from_at=at(0), to_at=at(23), reason="stock-taking")
    assert set(reasons(Shop(depot=a_depot(closures=(closure,))))) == {Reason.CLOSED}


def test_a_time_without_vans_says_no_shift() -> None:
    """Nobody is on the road then."""
    early = a_vehicle(weekly=(WeeklyShift(days=EVERY_DAY, starts=time(8), ends=time(9)),))
    assert reasons(Shop(vehicles=[early]))[1:] == [Reason.NO_SHIFT] * 4


def test_a_skill_no_van_has_says_skill() -> None:
    """Cold goods need a cold van."""
    shop = Shop(vehicles=[a_vehicle(1), a_vehicle(2, skills=frozenset({"cold"}))])
    assert set(reasons(shop, skills=frozenset({"frozen"}))) == {Reason.SKILL}
    assert set(reasons(shop, skills=frozenset({"cold"}))) == {None}


@pytest.mark.parametrize("load", [Load(parcels=3), Load(grams=11_000), Load(millilitres=901)])
def test_a_load_beyond_every_van_says_load(load: Load) -> None:
    """Each dimension binds by itself."""
    small = a_vehicle(capacity=Capacity(parcels=2, grams=10_000, millilitres=900))
    assert set(reasons(Shop(vehicles=[small]), load=load)) == {Reason.LOAD}


def test_a_place_no_van_could_reach_says_no_route_fit() -> None:
    """Not even an empty van would be there and back within its shift."""
    shop = one_hour_shop(depot=replace(one_hour_shop().depot, service_area=Radius(metres=200_000)))
    assert reasons(shop, location=Location(lat=42.0, lon=-8.6)) == [Reason.NO_ROUTE_FIT]


def test_an_address_outside_the_area_says_out_of_area() -> None:
    """It is an answer, not an error."""
    assert set(reasons(Shop(), location=Location(lat=42.0, lon=-8.6))) == {Reason.OUT_OF_AREA}


def test_an_unknown_depot_is_an_error() -> None:
    """Asking for a depot by name that does not exist is the caller's mistake."""
    shop = Shop()
    with pytest.raises(NotFound):
        shop.search_engine.search(TENANT, SlotQuery(location=NEAR, depot_id="nowhere"), shop.now)


def test_a_detour_is_graded_and_measured() -> None:
    """Beside a stop that a van visits anyway a slot costs nothing; where none goes, the whole trip."""
    morning = a_vehicle(1, weekly=(WeeklyShift(days=EVERY_DAY, starts=time(8), ends=time(12)),))
    afternoon = a_vehicle(2, weekly=(WeeklyShift(days=EVERY_DAY, starts=time(13), ends=time(18)),))
    shop = Shop(vehicles=[morning, afternoon])
    shop.buy(at(10), FAR)
    slots = {slot.window.start: slot for slot in shop.search(FAR)}
    beside, alone = slots[at(10)], slots[at(14)]
    assert beside.extra_seconds == 0 == beside.extra_metres
    assert beside.grade is Grade.BEST
    assert alone.extra_seconds is not None
    assert alone.extra_seconds > 10 * MINUTE
    assert alone.grade is Grade.FAIR


def test_slots_of_several_days_lie_within_the_horizon() -> None:
    """Fourteen days asked, three sold ahead: three days answered."""
    depot = a_depot()
    shop = Shop(depot=replace(depot, booking=replace(depot.booking, horizon_days=3)))
    assert len(shop.search(days=14)) == 15


class _Silent(StraightLine):
    """An engine that stopped answering after the fleet was described."""

    answers = True

    def from_one(self, origin: object, destinations: object) -> object:  # type: ignore[override]
        if not type(self).answers:
            raise Upstream("no answer")
        return super().from_one(origin, destinations)  # type: ignore[arg-type]


def test_when_no_road_answers_the_straight_line_does_and_says_so() -> None:
    """A storefront gets an answer in any case; the hold still decides."""
    shop = Shop(travel=_Silent())
    _Silent.answers = False
    answered = shop.search_engine.search(TENANT, SlotQuery(location=NEAR, days=1), shop.now)
    _Silent.answers = True
    assert not answered.live
    assert all(slot.offer for slot in answered.slots)


def test_an_engine_that_is_gone_does_not_stop_a_search() -> None:
    """A road graph that was taken away: the straight line answers and says so; a hold needs the roads."""
    shop = Shop()
    offer = shop.offer(at(10))

    def gone(depot: Depot) -> TravelTimes:
        raise Upstream(f"no engine for {depot.depot_id}")

    planner = Planner(shop.store, gone, noise=CALM, staleness=0)
    answered = SlotSearch(shop.store, planner).search(TENANT, SlotQuery(location=NEAR, days=1), shop.now)
    assert not answered.live
    assert all(slot.offer for slot in answered.slots)
    with pytest.raises(Upstream):
        planner.read(TENANT, shop.depot, offer.day, offer.day, now=shop.now, consistent=True)


def test_every_depot_that_serves_the_address_answers() -> None:
    """Slots of both, in order of time, each with its own depot's offer; a third one is too far away."""
    shop = Shop()
    beside = a_depot(depot_id="gaia", name="Gaia", location=Location(lat=41.12, lon=-8.61))
    away = a_depot(depot_id="braga", name="Braga", location=Location(lat=41.55, lon=-8.42))
    for depot in (beside, away):
        shop.fleet.put_depot(TENANT, depot, shop.now)
        shop.fleet.put_vehicle(TENANT, depot.depot_id, a_vehicle(), shop.now)
    slots = shop.search()
    assert {slot.depot_id for slot in slots} == {"porto", "gaia"}
    assert [slot.window.start for slot in slots] == sorted(slot.window.start for slot in slots)
    for slot in slots:
        assert slot.offer is not None
        assert slot.offer.depot_id == slot.depot_id
        hold = shop.hold(slot.offer, f"cart-at-{slot.slot_id}")
        assert hold.found.depot_id == slot.depot_id


def test_a_slot_after_midnight_is_served_by_the_shift_of_the_evening_before() -> None:
    """A window belongs to the date it starts on, a shift to the date it starts on: they may differ."""
    night = a_vehicle(weekly=(WeeklyShift(days=EVERY_DAY, starts=time(20), ends=time(4)),))
    late = SlotTemplate(starts=time(1), ends=time(3))
    shop = Shop(depot=a_depot(slots=(late,)), vehicles=[night])
    tomorrow = TODAY + timedelta(days=1)
    (slot,) = shop.search(from_date=tomorrow)
    assert slot.offer is not None
    assert slot.cutoff_at == at(19, 30)
    hold = shop.hold(slot.offer)
    assert (hold.offer.day, hold.found.day) == (tomorrow, TODAY)
