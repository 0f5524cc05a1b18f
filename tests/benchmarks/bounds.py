"""What live routes are held against: fixed caps per slot, and somebody who knows the whole day's demand.

A cap sells blindly, and vans are found at the day's end: by insertion, then by the solver with what is left
over. What finds no place with the target's probability counts as broken. Hindsight chooses whom to serve, and
when, of all wishes at once: PyVRP with prizes and groups of alternative slots, from the plan that live routes
sold; its answer is cut to what the proof lets stand and filled up by live routes again. Weak point: both are
heuristics, so a cap may break fewer and hindsight serve more.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pyvrp

from chalicelib.routing.edit import reordered
from chalicelib.routing.model import Stop, TimeWindow
from chalicelib.routing.optimiser import Budget
from chalicelib.routing.optimiser.pose import pose
from chalicelib.routing.optimiser.problem import Orders, Problem
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import Judged, judge, surely_reached
from chalicelib.routing.replan import replan
from tests.benchmarks.days import Shopper
from tests.benchmarks.selling import NOW, SLOTS, Market, Policy, Shop, as_stop, waiting

ROUNDS = 4  # in which left-over promises are given to the solver
PRIZE = 1_000_000  # of an order: worth any driving
_WISHES = 8  # stop ids of one shopper's wishes: number * 8 + rank


def capped(asking: Sequence[Shopper], cap: int) -> list[tuple[int, Shopper, int]]:
    """Who gets which wish where each slot takes so many orders: number, shopper, rank."""
    left, sold = dict.fromkeys(SLOTS, cap), []
    for number, shopper in enumerate(asking, start=1):
        rank = next((rank for rank, window in enumerate(shopper.wants) if left[window]), None)
        if rank is not None:
            left[shopper.wants[rank]] -= 1
            sold.append((number, shopper, rank))
    return sold


def broken(market: Market, vans: int, sold: Sequence[tuple[int, Shopper, int]], seconds: float) -> int:
    """How many of these orders find no place in so many vans, within so many CPU seconds of solving."""
    shop, left = Shop.open(market.city, vans, market.world), list[Stop]()
    for number, shopper, rank in sold:
        (proof,) = shop.search(shopper.visit, [shopper.wants[rank]])
        if proof is None or not shop.book(proof, shopper, number):
            left.append(as_stop(shopper, number, shopper.wants[rank]))
    for seed in range(ROUNDS):
        if not left:
            break
        until = time.process_time() + seconds / ROUNDS
        budget = Budget(clock=time.process_time, until=until, seed=seed)
        shop.adopt(replan(shop.routes, waiting(shop.city, left), shop.here, budget))
        left = [stop for stop in left if not _served(shop, stop.stop_id)]
    assert not shop.infeasible()
    return len(left)


def hindsight(sold: Shop, asking: Sequence[Shopper], seconds: float, policy: Policy) -> Iterator[Shop]:
    """Choose among all wishes of the day.

    Parameters
    ----------
    sold
        The day as live routes sold it, from which the solver starts.
    policy
        By what those it left out are offered the room that remains.

    Yields
    ------
    The shop after each shopper of the filling up.
    """
    shop = Shop.open(sold.city, len(sold.routes), sold.here.world)
    wishes = [
        as_stop(shopper, number * _WISHES + rank, window)
        for number, shopper in enumerate(asking, start=1)
        for rank, window in enumerate(shopper.wants)
    ]
    posed = pose(shop.routes, [waiting(shop.city, wishes)], shop.here)
    number_of = {task.stop_id: number for number, task in enumerate(posed.problem.tasks)}
    start = [
        [
            number_of[stop.stop_id * _WISHES + asking[stop.stop_id - 1].wants.index(stop.window)]
            for stop in route.all_stops()
        ]
        for route in sold.routes
    ]
    orders = _collected(_tightened(posed.problem, sold), start, seconds)
    chosen = [
        reordered(shop.routes[van], posed.stops_of(van, order), shop.city.travel)
        for van, order in enumerate(orders)
    ]
    shop.routes = [_cut(shop, _renamed(route)) for route in chosen]
    for route in shop.routes:
        for stop in route.all_stops():
            shop.count(asking[stop.stop_id - 1].wants.index(stop.window))
    yield shop
    for number, shopper in enumerate(asking, start=1):
        if not _served(shop, number):
            policy.sell(shop, shopper, number)
            yield shop


def _served(shop: Shop, number: int) -> bool:
    return any(route.index_of(number) is not None for route in shop.routes)


def _tightened(problem: Problem, sold: Shop) -> Problem:
    """Windows and shifts end as much earlier as luck took in most cases on the day that was sold."""
    world = sold.here.world
    planned = judge(sold.routes, NOW, world)
    surely = surely_reached(sold.routes, NOW, world)
    slips: dict[TimeWindow, list[float]] = {window: [0.0] for window in SLOTS}
    home = [0.0]
    for route, plan, late in zip(sold.routes, planned, surely, strict=True):
        slip = (late - plan.arrive).tolist()
        for stop, each in zip(route.all_stops(), slip, strict=False):
            slips[stop.window].append(each)
        home.append(slip[-1])
    origin = min(route.shift.starts_at for route in sold.routes)
    margin = {window.end - origin: float(np.quantile(each, 0.5)) for window, each in slips.items()}
    return problem.tightened(
        [round(task.closes - margin[task.closes]) for task in problem.tasks],
        [round(van.ends - max(home)) for van in problem.vans],
    )


def _collected(problem: Problem, start: Orders | Sequence[Sequence[int]], seconds: float) -> Orders:
    """The orders that bring the most prizes: one wish of each shopper at most."""
    shoppers = [task.stop_id // _WISHES for task in problem.tasks]
    group_of = {shopper: at for at, shopper in enumerate(dict.fromkeys(shoppers))}
    groups: list[list[int]] = [[] for _ in group_of]
    clients = []
    for number, (task, shopper) in enumerate(zip(problem.tasks, shoppers, strict=True)):
        opens, closes, service = task.visit
        groups[group_of[shopper]].append(number)
        clients.append(
            pyvrp.Client(
                location=task.place,
                service_duration=service,
                tw_early=opens,
                tw_late=closes,
                required=False,
                prize=PRIZE,
                group=group_of[shopper],
            )
        )
    one, roads = problem.vans[0], cast("Any", problem.seconds)
    data = pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in range(len(problem.seconds))],
        clients=clients,
        depots=[pyvrp.Depot(location=one.start)],
        vehicle_types=[pyvrp.VehicleType(len(problem.vans), tw_early=one.starts, tw_late=one.ends)],
        distance_matrices=[roads],
        duration_matrices=[roads],
        groups=[pyvrp.ClientGroup(members, required=False) for members in groups],
    )
    until = time.process_time() + seconds
    result = pyvrp.solve(
        data,
        stop=lambda _: time.process_time() >= until,
        seed=1,
        collect_stats=False,
        initial_solution=pyvrp.Solution(data, [list(order) for order in start if order]),
    )
    found = [tuple(visit.idx for visit in route if visit.is_client()) for route in result.best.routes()]
    return tuple([*found, *[()] * (len(problem.vans) - len(found))])


def _renamed(route: Route) -> Route:
    """Stops are the shoppers', not their wishes'."""
    stops = route.stops.copy()
    stops["stop_id"] //= _WISHES
    return replace(route, stops=stops)


def _cut(shop: Shop, route: Route) -> Route:
    """Leave out stops until all that is left is kept: each time the one that helps most."""
    here, target = shop.here, shop.here.world.target
    while True:
        (seen,) = judge([route], NOW, here.world)
        if seen.sound(target):
            return route
        tries = []
        for gone in range(min(int(np.argmax(seen.kept < target)) + 1, len(route.stops))):
            rest = [(route, at) for at in range(len(route.stops)) if at != gone]
            tries.append(reordered(route, rest, here.travel))
        judged = judge(tries, NOW, here.world)
        best = min(range(len(tries)), key=lambda at: _missing(judged[at], target))
        route = tries[best]


def _missing(judged: Judged, target: float) -> tuple[int, float]:
    return int((judged.kept < target).sum()), judged.driven
