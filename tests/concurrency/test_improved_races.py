"""A plan is improved while it is booked: two workers, six shoppers, one depot-day, and every row audited.

Shoppers hold, pay, give up and cancel as fast as they can; the workers never wait for a quiet moment. The
control takes the conditions on routes away, and somebody's promise is written over.
"""

from collections.abc import Iterator

import pytest

from chalicelib.fleet.plans import PlanKey
from chalicelib.routing.model import Location
from chalicelib.units import StopId
from tests.concurrency.arena import Arena
from tests.concurrency.racers import Improve, Racers, Shop
from tests.faults.books import disagreements, read
from tests.promises.shop import TODAY, a_depot, a_vehicle, at

pytestmark = pytest.mark.xdist_group("races")  # one emulator and one set of processes are enough

NOW = at(6)
ROUNDS = 2
CONTROLS = 6  # at most; a control ends with the first harm
WORKERS, RUNS = 2, 3
SHOPPERS, ORDERS = 6, 6
SOLD_BEFORE = 6


def street(shopper: int) -> tuple[Location, ...]:
    """Where a shopper's orders go: in turns to either end of the town, so that vans cross it needlessly."""
    ends = (41.19, 41.11)
    return tuple(
        Location(lat=ends[(shopper + order) % 2] + order / 2000, lon=-8.62 + shopper / 500)
        for order in range(ORDERS)
    )


def rushes(racers: Racers, arena: Arena, rounds: int) -> Iterator[tuple[set[StopId], int]]:
    """What shoppers were promised for good, and how many changes the workers made, on a fresh depot."""
    for number in range(rounds):
        depot = a_depot(depot_id=f"busy-{number}")
        arena.fleet.put_depot(arena.tenant, depot, NOW)
        arena.fleet.put_vehicle(arena.tenant, depot.depot_id, a_vehicle(1), NOW)
        first = Shop(
            tenant=arena.tenant,
            depot_id=depot.depot_id,
            name=f"{number}-first",
            places=street(0) * 2,
            now=NOW,
        )
        _, sold_before = first.run(arena.desk)
        for van in (2, 3):
            arena.fleet.put_vehicle(arena.tenant, depot.depot_id, a_vehicle(van), NOW)
        plan = PlanKey(depot_id=depot.depot_id, day=TODAY)
        shoppers = [
            Shop(
                tenant=arena.tenant,
                depot_id=depot.depot_id,
                name=f"{number}-{shopper}",
                places=street(shopper),
                now=NOW,
            )
            for shopper in range(SHOPPERS)
        ]
        workers = [Improve(tenant=arena.tenant, plan=plan, runs=RUNS, now=NOW) for _ in range(WORKERS)]
        outcomes = racers.race([*workers, *shoppers])
        assert [code for code, _ in outcomes] == ["improved"] * WORKERS + ["shopped"] * SHOPPERS, outcomes
        promised = {stop_id for code, kept in outcomes if code == "shopped" for stop_id in kept}
        yield promised.union(sold_before), sum(done for code, done in outcomes if code == "improved")


def standing(arena: Arena) -> set[StopId]:
    """Every stop that some route has."""
    return set(read(arena.client, arena.table, arena.tenant).places)


def test_plan_that_is_improved_while_it_is_booked_loses_and_oversells_nothing(
    racers: Racers, arena: Arena
) -> None:
    """Each promise stands in one route, each cancelled one in none, each route can be driven in time."""
    improved = 0
    for promised, applied in rushes(racers, arena, ROUNDS):
        assert len(promised) > SOLD_BEFORE
        assert disagreements(read(arena.client, arena.table, arena.tenant)) == []
        assert promised <= standing(arena)
        improved += applied
    assert improved > 0  # nobody waited for a quiet moment


def test_without_the_guard_an_improvement_writes_over_a_promise(
    unguarded_racers: Racers, arena: Arena
) -> None:
    """Control: the same rush, routes written whatever is stored."""
    assert any(
        not promised <= standing(arena) and disagreements(read(arena.client, arena.table, arena.tenant))
        for promised, _ in rushes(unguarded_racers, arena, CONTROLS)
    )
