"""A change that was computed on routes which others changed meanwhile, done again on what they are now.

Whoever booked or cancelled meanwhile has won; the diff, a set of stops per route, is applied around it. As a
whole if possible, newcomers inserted where they fit best; else move by move. All of it is judged like any
replan, against the routes as they are now. Weak point: move by move only those stand that pay by themselves.
"""

from collections.abc import Sequence

from chalicelib.routing.change import Change, change_between
from chalicelib.routing.edit import inserted, left_over, reordered, without
from chalicelib.routing.model import StopFlag
from chalicelib.routing.objective import Circumstances, Seen
from chalicelib.routing.packed import Route, live
from chalicelib.routing.sweeps import Sweeps
from chalicelib.units import StopId


def rebase(change: Change, current: Sequence[Route], circumstances: Circumstances) -> Change | None:
    """Apply a change to newer versions of its routes.

    Parameters
    ----------
    current
        The shifts of `change.before` in the same order, as they are now; their nodes are the engine's.

    Returns
    -------
    A change of `current` that is better than leaving it and wrongs nobody; None if nothing of it stands.

    Raises
    ------
    ValueError
        These are not the same shifts.
    """
    if [route.shift.shift_id for route in current] != [route.shift.shift_id for route in change.before]:
        raise ValueError("a change is rebased on the same shifts in the same order")
    now = circumstances.see(current)
    known = {seen.route: seen for seen in now}
    for attempt in (_as_a_whole, _move_by_move):
        routes = attempt(change, current, circumstances)
        fresh = circumstances.see([route for route in routes if route not in known])
        of_route = known | {seen.route: seen for seen in fresh}
        after = [of_route[route] for route in routes]
        if _stands(now, after, circumstances):
            return change_between(now, after, circumstances)
    return None


def _stands(now: Sequence[Seen], after: Sequence[Seen], circumstances: Circumstances) -> bool:
    return (
        circumstances.broken_rule(now, after) is None
        and not circumstances.wronged(now, after)
        and circumstances.pays(circumstances.worth(now), circumstances.worth(after))
    )


def _as_a_whole(change: Change, current: Sequence[Route], circumstances: Circumstances) -> list[Route]:
    """The orders as planned, without those who left; newcomers get the best place, if there is any."""
    here = {
        stop_id: (route, index)
        for route in current
        for index, stop_id in enumerate(route.stops["stop_id"].tolist())
        if live(route.stops, circumstances.now)[index]
    }
    planned = set[StopId]()
    routes = list[Route]()
    for then, route in zip(change.after, current, strict=True):
        ids = [stop_id for stop_id in then.stops["stop_id"].tolist() if stop_id in here and then.driven]
        planned.update(ids)
        stops = [here[stop_id] for stop_id in ids]
        routes.append(reordered(route, stops, circumstances.travel) if then.driven else route)
    routes = [route if route.driven else left_over(route, planned) for route in routes]
    sweeps = Sweeps(circumstances.world)
    for number, route in enumerate(current):
        for index, stop in enumerate(route.all_stops() if route.driven else ()):
            if stop.stop_id in planned or here.get(stop.stop_id) != (route, index):
                continue
            own = [at == number for at in range(len(routes))]
            anyone = [other.driven and not stop.flags & StopFlag.PINNED for other in routes]
            for able in (own, anyone):
                found = inserted(stop, routes, able, sweeps, circumstances.travel, circumstances.now)
                if found is not None:
                    routes[found[0]] = found[1]
                    break
    return routes


def _move_by_move(change: Change, current: Sequence[Route], circumstances: Circumstances) -> list[Route]:
    """Each move by itself, as far as it still helps."""
    routes, sweeps = list(current), Sweeps(circumstances.world)
    number = {route.shift.shift_id: at for at, route in enumerate(routes)}
    for move in change.moves:
        source, target = number[move.source], number[move.target]
        at = routes[source].index_of(move.stop_id)
        if at is None:
            continue
        moved = _moved(routes[source], at, routes[target], circumstances, sweeps)
        if moved is not None:
            routes[source], routes[target] = moved
    return routes


def _moved(
    source: Route, at: int, target: Route, circumstances: Circumstances, sweeps: Sweeps
) -> tuple[Route, Route] | None:
    stop = source.stop(at)
    travel, now = circumstances.travel, circumstances.now
    found = inserted(stop, [target], [True], sweeps, travel, now)
    if found is None:
        return None
    left = (
        without(source, stop.stop_id, travel, now, circumstances.world)
        if source.driven
        else left_over(source, {stop.stop_id})
    )
    before, after = circumstances.see([source, target]), circumstances.see([left, found[1]])
    return (left, found[1]) if _stands(before, after, circumstances) else None
