"""Orders promised elsewhere: a proven place, or a place on the list of those that wait; never a squeeze."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import numpy as np
import pytest

from chalicelib.errors import AlreadyDone
from chalicelib.events import FactKind
from chalicelib.fleet.model import BookingRules, Closure, Radius
from chalicelib.fleet.plans import UNASSIGNED, RouteWrite, unassigned
from chalicelib.fleet.risk import Risk
from chalicelib.promises.importing import MOST_WAITING, Imported, ImportRefusal, ImportState, ImportWish
from chalicelib.promises.model import Change, ChangeKind, PromiseState
from chalicelib.promises.outlook import outlooks
from chalicelib.promises.search import SlotQuery
from chalicelib.promises.store import Changes
from chalicelib.receipts import ReceiptRow, no_receipt
from chalicelib.routing.edit import reordered
from chalicelib.routing.model import Capacity, Load, Location, StopKind, TimeWindow
from chalicelib.routing.packed import STOP, pack
from chalicelib.routing.proof import judge
from chalicelib.units import DAY, HOUR, MINUTE, Timestamp
from tests.promises.shop import (
    DEPOT,
    FAR,
    NEAR,
    TENANT,
    TODAY,
    Overtaken,
    Shop,
    a_depot,
    a_vehicle,
    an_order,
    at,
)

VAN_1, VAN_2 = (f"porto.van-{number}.{TODAY}.0800" for number in (1, 2))
LISBON = Location(lat=38.72, lon=-9.14)


def a_window(starts: Timestamp | None = None, ends: Timestamp | None = None) -> TimeWindow:
    """A quarter past nine to a quarter to twelve, unless told."""
    return TimeWindow(start=starts or at(9, 15), end=ends or at(11, 45))


def a_wish(order_ref: str = "order-1", *, location: Location = NEAR, **more: Any) -> ImportWish:
    """An order whose window is none of the depot's slots, unless told."""
    wanted = {name: more.pop(name) for name in ("depot_id", "load", "skills", "service_time") if name in more}
    query = SlotQuery(location=location, **({"load": Load(parcels=1)} | wanted))
    return ImportWish(**({"order": an_order(order_ref), "wanted": query, "window": a_window()} | more))


def take(shop: Shop, wish: ImportWish) -> Imported:
    return shop.importing.take(TENANT, wish, shop.now, no_receipt)


def waiting(shop: Shop, day: date = TODAY) -> list[int]:
    route = shop.store.route(TENANT, "porto", day, UNASSIGNED)
    return [stop.stop_id for stop in route.all_stops()] if route else []


def taken(shop: Shop, wish: ImportWish) -> int:
    """Import an order and give its stop."""
    promise = take(shop, wish).promise
    assert promise is not None
    return promise.stop_id


def test_an_order_gets_a_place_that_keeps_its_window() -> None:
    """The window stands to the minute, though the depot sells no such slot."""
    shop = Shop()
    imported = take(shop, a_wish())
    assert imported.state is ImportState.INSERTED
    promise = imported.promise
    assert promise is not None
    assert (promise.state, promise.window) == (PromiseState.CONFIRMED, a_window())
    assert promise.slot_id == "porto.2026-11-24.0915-1145"
    [stop] = shop.stops()
    assert (stop.stop_id, stop.kind, stop.window) == (promise.stop_id, StopKind.PROMISED, a_window())
    [outlook] = outlooks(shop.store, shop.planner, TENANT, [promise], shop.now).values()
    assert (outlook.kept, outlook.risk) == (1.0, Risk.KEPT)


def test_a_window_that_is_a_slot_keeps_the_slots_name() -> None:
    """So that reports by slot have imported and sold promises side by side."""
    promise = take(Shop(), a_wish(window=a_window(at(10), at(12)))).promise
    assert promise is not None
    assert promise.slot_id == "porto.2026-11-24.1000-1200"


def test_the_ledger_says_that_it_was_imported() -> None:
    """No `promise.confirmed`, to which the notifications react: its buyer was told by whoever promised."""
    shop = Shop()
    stop_id = taken(shop, a_wish())
    [fact] = shop.store.ledger(TENANT, stop_id)
    assert fact.kind is FactKind.PROMISE_IMPORTED
    assert fact.data["state"] == "inserted"
    assert fact.data["promised_window"] == {"starts_at": at(9, 15), "ends_at": at(11, 45)}
    kinds = [fact.kind for _, facts in shop.store.outbox for fact in facts]
    assert FactKind.PLAN_CHANGED in kinds


def test_what_no_van_can_keep_waits_at_risk() -> None:
    """Kept in the plan's unassigned route, of which the worker hears; the routes are as they were."""
    shop = Shop(vehicles=[a_vehicle(capacity=Capacity(parcels=1))])
    sold = shop.buy(at(10)).promise
    imported = take(shop, a_wish("order-2"))
    assert imported.state is ImportState.UNASSIGNED
    assert imported.promise is not None
    assert waiting(shop) == [imported.promise.stop_id]
    route = shop.store.route(TENANT, "porto", TODAY, VAN_1)
    assert [stop.stop_id for stop in route.all_stops()] == [sold.stop_id]
    assert outlooks(shop.store, shop.planner, TENANT, [imported.promise], shop.now) == {}
    [*_, (_, facts)] = shop.store.outbox
    assert [fact.kind for fact in facts] == [FactKind.PROMISE_IMPORTED, FactKind.PLAN_CHANGED]
    assert facts[0].data["state"] == "unassigned"


def test_it_never_endangers_what_was_sold() -> None:
    """An import whose stop would make a sold promise late waits instead."""
    shop, sold, wish = busy_shop()
    assert take(shop, wish).state is ImportState.UNASSIGNED
    assert late_in(shop, VAN_1) == []
    assert sold not in waiting(shop)


def test_control_squeezed_in_it_would_break_a_promise() -> None:
    """Put into the route without the proof, the same stop makes somebody late, in whatever order."""
    shop, _, wish = busy_shop()
    taken(shop, wish)
    assert all(late_if_squeezed(shop))


def busy_shop() -> tuple[Shop, int, ImportWish]:
    """A van with an hour-long visit in a short window, and an order for that very time elsewhere."""
    shop = Shop(depot=a_depot(), vehicles=[a_vehicle()])
    window = a_window(at(10), at(10, 10))
    sold = taken(shop, a_wish("sold", window=window, service_time=HOUR))
    return shop, sold, a_wish("late", location=FAR, window=window, service_time=HOUR)


def late_if_squeezed(shop: Shop) -> list[bool]:
    """Whether somebody were late, were what waits put before or behind the first van's only stop."""
    depot = shop.store.depot(TENANT, "porto")
    plans = shop.planner.read(TENANT, depot, TODAY, TODAY, now=shop.now, consistent=True)
    van, nobodys = (plans.routes[0], 0), (plans.unassigned[0][1], 0)
    routes = [reordered(van[0], order, shop.travel) for order in ([van, nobodys], [nobodys, van])]
    return [bool((judged.late > 1).any()) for judged in judge(routes, shop.now, plans.world)]


def late_in(shop: Shop, shift_id: str) -> list[int]:
    depot = shop.store.depot(TENANT, "porto")
    plans = shop.planner.read(TENANT, depot, TODAY, TODAY, now=shop.now, consistent=True)
    route = next(route for route in plans.routes if route.shift.shift_id == shift_id)
    [judged] = judge([route], shop.now, plans.world)
    return [at for at, late in enumerate(judged.late.tolist()) if late > 1]


def test_only_the_named_shift_may_have_it() -> None:
    """It goes there whatever is cheaper; where that van is full, it waits though another is not."""
    shop = Shop(vehicles=[a_vehicle(1), a_vehicle(2, capacity=Capacity(parcels=1))])
    shop.buy(at(10))
    assert take(shop, a_wish("order-2", shift_id=VAN_2)).state is ImportState.INSERTED
    [stop] = shop.store.route(TENANT, "porto", TODAY, VAN_2).all_stops()
    assert stop.load == Load(parcels=1)
    assert take(shop, a_wish("order-3", shift_id=VAN_2)).state is ImportState.UNASSIGNED
    assert take(shop, a_wish("order-4")).state is ImportState.INSERTED  # the control: there was room


def test_a_shift_that_does_not_work_in_the_window_leaves_it_waiting() -> None:
    """Known, but of another day: nothing is refused for that."""
    shop = Shop()
    tomorrow = f"porto.van-1.{TODAY + timedelta(days=1)}.0800"
    assert take(shop, a_wish(shift_id=tomorrow)).state is ImportState.UNASSIGNED
    assert len(waiting(shop)) == 1


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"window": a_window(at(11), at(10))}, ImportRefusal.BAD_WINDOW),
        ({"window": a_window(at(10), at(10))}, ImportRefusal.BAD_WINDOW),
        ({"window": a_window(at(10), at(10) + DAY + 1)}, ImportRefusal.BAD_WINDOW),
        ({"window": a_window(at(4), at(5))}, ImportRefusal.WINDOW_PASSED),
        ({"window": a_window(at(10) + 14 * DAY, at(12) + 14 * DAY)}, ImportRefusal.BEYOND_HORIZON),
        ({"depot_id": "gaia"}, ImportRefusal.UNKNOWN_DEPOT),
        ({"shift_id": "nightly"}, ImportRefusal.UNKNOWN_SHIFT),
        ({"shift_id": VAN_1, "depot_id": "gaia"}, ImportRefusal.UNKNOWN_SHIFT),
        ({"location": LISBON}, ImportRefusal.OUT_OF_AREA),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(more: dict[str, Any], reason: ImportRefusal) -> None:
    """And leaves nothing behind."""
    shop = Shop()
    before = len(shop.store.outbox)
    imported = take(shop, a_wish(**more))
    assert (imported.state, imported.refusal, imported.promise) == (ImportState.REFUSED, reason, None)
    assert shop.stops() == []
    assert len(shop.store.outbox) == before


@pytest.mark.parametrize(
    "window",
    [
        a_window(at(10), at(10) + DAY),
        a_window(at(4), at(9)),
        a_window(at(10) + 13 * DAY, at(12) + 13 * DAY),
    ],
)
def test_control_windows_at_the_border_are_taken(window: TimeWindow) -> None:
    """A whole day long, under way already, on the last day of the horizon."""
    assert take(Shop(), a_wish(window=window)).state is ImportState.INSERTED


def test_a_withdrawn_shift_is_unknown() -> None:
    """As it is to whoever reads it."""
    shop = Shop()
    shop.fleet.delete_shift(TENANT, "porto", VAN_1, shop.now)
    assert take(shop, a_wish(shift_id=VAN_1)).refusal is ImportRefusal.UNKNOWN_SHIFT


def test_outside_the_area_it_is_taken_if_it_names_its_depot() -> None:
    """The area says what is sold; this was sold. Where no van can be in time, it waits."""
    shop = Shop(depot=a_depot(service_area=Radius(metres=100)))
    assert take(shop, a_wish("one", depot_id="porto")).state is ImportState.INSERTED
    assert take(shop, a_wish("two", shift_id=VAN_1)).state is ImportState.INSERTED
    assert take(shop, a_wish("far", depot_id="porto", location=LISBON)).state is ImportState.UNASSIGNED


def test_without_a_depot_it_goes_to_the_nearest_that_can_keep_it() -> None:
    """And waits at the nearest if none can."""
    shop = Shop()
    shop.fleet.put_depot(TENANT, a_depot(depot_id="gaia", location=FAR), shop.now)
    promise = take(shop, a_wish("one", location=FAR)).promise
    assert promise is not None
    assert promise.found.depot_id == "porto"  # Gaia is nearer and has no van
    heavy = take(shop, a_wish("two", location=FAR, load=Load(parcels=51)))
    assert heavy.state is ImportState.UNASSIGNED
    assert heavy.promise is not None
    assert heavy.promise.depot_id == "gaia"


def test_a_stop_on_sale_is_no_reason_to_refuse() -> None:
    """Closed for sale is not closed for delivery; past the cut-off is not past the loading."""
    closed = Closure(from_at=at(0), to_at=at(23), reason="full enough", deliver=True)
    shop = Shop(depot=a_depot(closures=(closed,), booking=BookingRules(cutoff_minutes=600)))
    assert take(shop, a_wish(window=a_window(at(10), at(12)))).state is ImportState.INSERTED


def test_no_van_is_given_a_parcel_after_its_loading() -> None:
    """From `loads_at` on it waits, and tomorrow's van is not meant."""
    shop = Shop(now=at(7, 45))
    assert take(shop, a_wish()).state is ImportState.UNASSIGNED


def test_a_window_after_midnight_waits_where_vans_work() -> None:
    """The worker looks at one plan at a time: the list is that of the night shift's evening."""
    night = a_vehicle(weekly=(replace(a_vehicle().weekly[0], starts=time(20), ends=time(4)),))
    shop = Shop(vehicles=[night])
    window = a_window(at(1, 0, TODAY + timedelta(days=1)), at(3, 0, TODAY + timedelta(days=1)))
    late = take(shop, a_wish(window=window, load=Load(parcels=51)))
    assert late.state is ImportState.UNASSIGNED
    assert len(waiting(shop, TODAY)) == 1
    assert take(shop, a_wish("order-2", window=window)).state is ImportState.INSERTED


def test_an_order_that_is_promised_is_not_promised_again() -> None:
    """It keeps the promise it has, imported or sold, whatever the second import says."""
    shop = Shop()
    sold = shop.buy(at(10), order_ref="sold").promise
    again = take(shop, a_wish("sold", window=a_window(at(14), at(15))))
    assert again.state is ImportState.ALREADY_PROMISED
    assert again.promise == shop.promises.read(TENANT, sold.stop_id)
    assert len(shop.stops()) == 1


def test_a_cancelled_order_may_be_imported_again() -> None:
    """The claim of an order ends with its promise."""
    shop = Shop()
    first = taken(shop, a_wish())
    cancel = Change(kind=ChangeKind.CANCEL)
    shop.promises.change(TENANT, first, cancel, shop.now, no_receipt)
    assert take(shop, a_wish()).state is ImportState.INSERTED


def test_a_shipment_is_an_order_of_its_own() -> None:
    """One order in two shipments is two promises."""
    shop = Shop()
    for shipment in ("a", "b"):
        order = replace(an_order(), shipment_ref=shipment)
        assert take(shop, a_wish(order=order)).state is ImportState.INSERTED


def test_a_waiting_promise_is_cancelled_like_any_other() -> None:
    """It leaves the list."""
    shop = Shop(vehicles=[])
    stop_id = taken(shop, a_wish())
    assert waiting(shop) == [stop_id]
    changed = shop.promises.change(TENANT, stop_id, Change(kind=ChangeKind.CANCEL), shop.now, no_receipt)
    assert changed.promise.state is PromiseState.CANCELLED
    assert waiting(shop) == []


def test_more_skills_than_a_list_can_tell_apart_are_refused() -> None:
    """A limit of what is stored, said so before it is met."""
    shop = Shop()
    for first in range(0, 32, 8):
        skills = frozenset(f"skill-{number}" for number in range(first, first + 8))
        assert take(shop, a_wish(f"order-{first}", skills=skills)).state is ImportState.UNASSIGNED
    last = take(shop, a_wish("one-more", skills=frozenset({"skill-99"})))
    assert last.refusal is ImportRefusal.TOO_MANY_SKILLS


def test_a_list_of_those_that_wait_has_an_end() -> None:
    """A row of the store holds so many; one less is no refusal."""
    shop = Shop(vehicles=[])
    taken(shop, a_wish())
    [(day, route)] = shop.store.routes(TENANT, "porto", first=TODAY, last=TODAY, consistent=True)
    for length, state in ((MOST_WAITING - 1, ImportState.UNASSIGNED), (MOST_WAITING, ImportState.REFUSED)):
        newest = shop.store.route(TENANT, "porto", day, UNASSIGNED)
        long = replace(newest, stops=np.tile(route.stops[:1], length))
        write = RouteWrite(depot_id="porto", day=day, route=long)
        shop.store.commit(TENANT, Changes(routes=(write,)))
        assert take(shop, a_wish(f"order-{length}")).state is state


def test_the_longest_list_fits_into_a_row() -> None:
    """DynamoDB takes 400 KB; stops that have nothing in common are the worst that can be packed."""
    chance = np.random.default_rng(1)
    stops = np.frombuffer(chance.bytes(MOST_WAITING * STOP.itemsize), dtype=STOP)
    route = replace(unassigned(None, a_depot(), TODAY, []), stops=stops)
    assert len(pack(route)) < 400_000


def test_the_receipt_is_kept_with_the_effect() -> None:
    """A twin that comes late finds it, and has no effect of its own."""
    shop = Shop()

    def receipt(_: Imported) -> ReceiptRow:
        return ReceiptRow(key="k", fingerprint="f", status=200, sealed_body=b"", expires_at=shop.now)

    shop.importing.take(TENANT, a_wish("one"), shop.now, receipt)
    with pytest.raises(AlreadyDone):
        shop.importing.take(TENANT, a_wish("two"), shop.now, receipt)
    assert len(shop.stops()) == 1


def test_a_whole_day_moves_over() -> None:
    """Forty orders with windows of their own: each has its place or waits, none is lost, none is late."""
    shop = Shop(vehicles=[a_vehicle(number, capacity=Capacity(parcels=15)) for number in (1, 2)])
    states = []
    for number in range(40):
        place = Location(lat=DEPOT.lat + (number % 7 - 3) / 100, lon=DEPOT.lon + (number % 5 - 2) / 100)
        start = at(8, 30) + number * 12 * MINUTE
        wish = a_wish(f"order-{number}", location=place, window=a_window(start, start + HOUR))
        states.append(take(shop, wish).state)
    assert states.count(ImportState.INSERTED) == 30  # what the vans can carry
    assert len(waiting(shop)) == 10
    assert late_in(shop, VAN_1) == late_in(shop, VAN_2) == []
    assert len({stop.stop_id for stop in shop.stops()}) == 40


def test_a_place_that_is_sold_meanwhile_is_not_taken_twice() -> None:
    """Decided anew: the last place is gone, the order waits."""
    store = Overtaken()
    shop = Shop(vehicles=[a_vehicle(capacity=Capacity(parcels=1))], store=store)
    store.rival = lambda: shop.buy(at(10))
    assert take(shop, a_wish("order-2")).state is ImportState.UNASSIGNED
    assert shop.pauses == [1]


def test_an_order_imported_twice_at_a_time_has_one_promise() -> None:
    """The order's row decides: the later of the two finds the earlier's promise."""
    store = Overtaken()
    shop = Shop(store=store)
    store.rival = lambda: take(shop, a_wish())
    assert take(shop, a_wish()).state is ImportState.ALREADY_PROMISED
    assert len(shop.stops()) == 1
