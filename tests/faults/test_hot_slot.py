"""F25: when everybody wants one window, everybody is answered, fairly, and for a bounded number of calls.

Calls are counted, not seconds: what a call costs is the machine's business.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from chalicelib.errors import StaleWrite
from chalicelib.events import Tenant
from chalicelib.promises.placing import ATTEMPTS, Ports
from chalicelib.promises.store import Changes, Guard, WriteRefused
from infra.sandbox import Sandbox
from tests.fakes_store import InMemoryStore
from tests.handlers.shop_client import ShopClient, a_depot, a_van, fresh, over_http
from tests.promises.shop import Shop, at

ENOUGH = 6  # calls of an attempt: cart, hold, depot, vehicles, routes, commit
BUYERS = 32
PLACES = 3
LONELY = {"lat": 41.2, "lon": -8.4}


@dataclass
class Crowd:
    """A store in a crowd: so many commits of ours are outrun by somebody else's, who writes the same route.

    Attributes
    ----------
    calls
        What the store was asked, by name.
    """

    rivals: int
    store: InMemoryStore = field(default_factory=InMemoryStore)
    calls: Counter[str] = field(default_factory=Counter)

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self.store, name)

        def counted(*args: Any, **more: Any) -> Any:
            self.calls[name] += 1
            return asked(*args, **more)

        return counted

    def commit(self, tenant: Tenant, changes: Changes) -> None:
        self.calls["commit"] += 1
        if self.rivals:
            self.rivals -= 1
            raise WriteRefused(frozenset({Guard.ROUTE}))
        self.store.commit(tenant, changes)


class Tireless(Ports):
    """Tries for as long as it takes."""

    def attempts(self) -> Iterator[int]:
        return count()


class Impatient(Ports):
    """Tries once."""

    def attempts(self) -> Iterator[int]:
        return iter([0])


def in_a_crowd(rivals: int, ports: type[Ports] = Ports) -> tuple[Shop, Crowd, Callable[[], object]]:
    """A shop, its crowd, and a buyer about to hold a slot there."""
    crowd = Crowd(rivals=0)
    shop = Shop(store=crowd, ports=ports)
    offer = shop.offer(at(10))
    crowd.rivals = rivals
    crowd.calls.clear()
    return shop, crowd, lambda: shop.hold(offer)


def test_f25_buyer_who_never_gets_through_costs_a_bounded_number_of_calls() -> None:
    """F25: ten attempts, with growing pauses between, then an answer that says to come back."""
    shop, crowd, hold = in_a_crowd(rivals=1_000_000)
    with pytest.raises(StaleWrite) as error:
        hold()
    assert error.value.retryable
    assert crowd.calls["commit"] == ATTEMPTS
    assert crowd.calls.total() <= ATTEMPTS * ENOUGH
    assert shop.pauses == list(range(1, ATTEMPTS))
    assert shop.stops() == []


def test_f25_without_the_bound_one_buyer_would_try_for_as_long_as_the_crowd_lasts() -> None:
    """Control: the same buyer, tireless, costs as many attempts as there are rivals."""
    _, crowd, hold = in_a_crowd(rivals=500, ports=Tireless)
    hold()
    assert crowd.calls["commit"] == 501


def test_f25_buyer_whom_a_few_outran_gets_a_place_that_is_left() -> None:
    """F25: a lost race is no refusal."""
    shop, _, hold = in_a_crowd(rivals=ATTEMPTS - 1)
    hold()
    assert len(shop.stops()) == 1


def test_f25_without_further_attempts_the_first_rival_would_turn_a_buyer_away() -> None:
    """Control: there is room, and the buyer does not get it."""
    shop, _, hold = in_a_crowd(rivals=1, ports=Impatient)
    with pytest.raises(StaleWrite):
        hold()
    assert shop.offer(at(10))


@pytest.fixture
def shop(sandbox: Sandbox) -> ShopClient:
    """A merchant of the running sandbox."""
    return ShopClient(over_http(sandbox.url), sandbox.merchants[0]["keys"], destination=LONELY)


def few_places(shop: ShopClient) -> dict[str, Any]:
    """A wish for a depot of the test's own, with one window and few places a day."""
    depot_id = fresh("hot")
    slots = [{"starts": "10:00", "ends": "12:00"}]
    depot = a_depot(location=LONELY, service_area={"radius_metres": 3_000}, slots=slots)
    shop.done("PUT", f"/v1/depots/{depot_id}", depot)
    shop.done("PUT", f"/v1/depots/{depot_id}/vehicles/van-1", a_van(capacity={"parcels": PLACES}))
    return {"depot_id": depot_id, "days": 4}


def test_f25_everybody_in_a_rush_for_one_window_is_answered_fairly(shop: ShopClient) -> None:
    """F25: a hold, or 409 with what else there is, or 503 with when to come back; sold is what there was."""
    wish, start = few_places(shop), threading.Barrier(BUYERS)
    offer = shop.offer(**wish)

    def buy(cart: str) -> Any:
        start.wait(60)
        return shop.ask("POST", "/v1/holds", {"offer": offer, "cart_ref": cart})

    with ThreadPoolExecutor(BUYERS) as threads:
        answers = list(threads.map(buy, [fresh("cart") for _ in range(BUYERS)]))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses.keys() <= {201, 409, 503}
    assert statuses[201] == PLACES
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json_body["code"] == "slot_taken"
            assert answer.json_body["alternatives"]
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) >= 1
