"""Lists of promises, oldest first, page by page.

Which rows are read depends on how narrow the question is: an order's own; those of a depot's day (the listing
index); those of a day at every depot, merged; or the entries of all, with the promises behind them. What a
question then still asks is tested row by row, and no page looks at more than `MOST_EXAMINED` rows: it may be
short, or empty, and still have a next one. Weak point: "this depot, any day" walks through the entries of the
whole tenant, a read unit for each promise of it.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from heapq import merge
from itertools import batched
from typing import Final

from chalicelib.adapters.dynamodb.keys import (
    LISTING,
    entries_span,
    order_span,
    promise_key,
    promise_place,
    promises_listed,
    stop_at_place,
)
from chalicelib.adapters.dynamodb.rows import promise_of, stops_named
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.events import Tenant
from chalicelib.fleet.plans import PlanKey
from chalicelib.promises.model import Promise
from chalicelib.promises.store import Page, PromiseQuery
from chalicelib.units import StopId

MOST_EXAMINED: Final = 2000
_AT_ONCE = 100


def page_of(
    table: Table,
    tenant: Tenant,
    query: PromiseQuery,
    *,
    depot_ids: Callable[[], Iterable[str]],
    limit: int,
    start: str | None,
    most_examined: int = MOST_EXAMINED,
) -> Page[Promise]:
    """One page of the promises that a query asks for.

    Parameters
    ----------
    depot_ids
        Finds the tenant's depots, asked only if the query names a day and no depot.
    start
        The place behind which the page begins.
    """
    rows: list[Promise] = []
    candidates = _candidates(table, tenant, query, depot_ids, limit, start)
    for examined, promise in enumerate(candidates, 1):
        if _matches(promise, query):
            if len(rows) == limit:
                return Page(tuple(rows), _place(rows[-1]))
            rows.append(promise)
        if examined == most_examined:
            return Page(tuple(rows), _place(promise))
    return Page(tuple(rows), None)


def _candidates(
    table: Table,
    tenant: Tenant,
    query: PromiseQuery,
    depot_ids: Callable[[], Iterable[str]],
    limit: int,
    start: str | None,
) -> Iterator[Promise]:
    if query.order_ref is not None:
        return _of_order(table, tenant, query.order_ref, start)
    if query.day is not None:
        ids = depot_ids() if query.depot_id is None else [query.depot_id]
        plans = [PlanKey(depot_id=depot_id, day=query.day) for depot_id in ids]
        return merge(*map(partial(_of_plan, table, tenant, start), plans), key=_place)
    narrowed = query.depot_id is not None or query.state is not None
    return _of_all(table, tenant, start, at_once=_AT_ONCE if narrowed else min(limit + 1, _AT_ONCE))


def _of_order(table: Table, tenant: Tenant, order_ref: str, start: str | None) -> Iterator[Promise]:
    shipments = table.query(order_span(tenant, order_ref))
    stops = list({stop_id: None for item in shipments for stop_id in stops_named(item)})
    found = sorted(_read(table, tenant, stops), key=_place)
    return (promise for promise in found if start is None or _place(promise) > start)


def _of_plan(table: Table, tenant: Tenant, start: str | None, plan: PlanKey) -> Iterator[Promise]:
    found = table.query(promises_listed(tenant, plan, start), index=LISTING)
    return (promise_of(table.opened(item)) for item in found)


def _of_all(table: Table, tenant: Tenant, start: str | None, *, at_once: int) -> Iterator[Promise]:
    entries = table.query(entries_span(tenant, start), attributes="sk", at_once=at_once)
    for some in batched(entries, at_once):
        yield from _read(table, tenant, [stop_at_place(entry["sk"]["S"]) for entry in some])


def _read(table: Table, tenant: Tenant, stops: list[StopId]) -> Iterator[Promise]:
    """Promises by their ids, in the same order."""
    keys = [promise_key(tenant, stop_id) for stop_id in stops]
    found = table.get_many(keys)
    return (promise_of(table.opened(found[key])) for key in keys if key in found)


def _place(promise: Promise) -> str:
    return promise_place(promise.created_at, promise.stop_id)


def _matches(promise: Promise, query: PromiseQuery) -> bool:
    return (
        query.order_ref in (None, promise.order.order_ref)
        and query.depot_id in (None, promise.depot_id)
        and query.day in (None, promise.day)
        and query.state in (None, promise.state)
    )
