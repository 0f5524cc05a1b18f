"""Depots, vehicles and routes as they are read: what the store of promises and that of fleets have in common.

What is read is decoded once for each version of it and then remembered, because whoever searches remembers
what was computed for a route by that very object. Weak point: a table restored to an earlier state under a
running process would meet versions the process takes for known.
"""

from collections.abc import Sequence
from datetime import date

from chalicelib.adapters.dynamodb.keys import (
    Key,
    depot_key,
    depots_span,
    route_key,
    routes_span,
    vehicles_span,
)
from chalicelib.adapters.dynamodb.keys import route_of as named_route
from chalicelib.adapters.dynamodb.recent import Recent
from chalicelib.adapters.dynamodb.rows import depot_of, route_item, route_of, vehicle_of, version_of
from chalicelib.adapters.dynamodb.table import Item, Rows, Table, key_of
from chalicelib.adapters.dynamodb.transaction import Transaction, same_fleet, unmoved
from chalicelib.events import Tenant
from chalicelib.fleet.model import Depot, Vehicle
from chalicelib.fleet.plans import RouteWrite
from chalicelib.routing.packed import Route
from chalicelib.units import Timestamp

_ROUTES = 8192  # about 3 KB each
_DEPOTS = 512


class PlanRows(Rows):
    """Depots, vehicles and routes; one per process, because of what it remembers."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._known_routes: Recent[Key, Route] = Recent(_ROUTES)
        self._known_depots: Recent[Key, Depot] = Recent(_DEPOTS)
        self._known_vehicles: Recent[tuple[Key, int], tuple[Vehicle, ...]] = Recent(_DEPOTS)

    def depots(self, tenant: Tenant) -> Sequence[Depot]:
        """All depots, in order of their ids, strongly consistent."""
        return [self._depot(item) for item in self._table.query(depots_span(tenant))]

    def depot(self, tenant: Tenant, depot_id: str) -> Depot | None:
        """One depot, strongly consistent."""
        item = self._table.get(depot_key(tenant, depot_id))
        return self._depot(item) if item else None

    def vehicles(self, tenant: Tenant, depot: Depot) -> Sequence[Vehicle]:
        """All vehicles of a depot, in order of their ids, as of its `fleet_version` or newer.

        Cost: one read for each `fleet_version` and process.
        """
        known_as = depot_key(tenant, depot.depot_id), depot.fleet_version
        known = self._known_vehicles.get(known_as)
        if known is not None:
            return known
        items = self._table.query(vehicles_span(tenant, depot.depot_id))
        return self._known_vehicles.put(known_as, tuple(map(vehicle_of, items)))

    def routes(
        self, tenant: Tenant, depot_id: str, *, first: date, last: date, consistent: bool
    ) -> Sequence[tuple[date, Route]]:
        """Stored routes of the plans from one local date to another; one read for each megabyte.

        400 routes of 50 stops are about half of that, and cost 4 ms of CPU to read, 11 more if every one of
        them is new to the process.
        """
        items = self._table.query(
            routes_span(tenant, depot_id, first, last),
            attributes="pk, sk, version, route, altered",
            consistent=consistent,
        )
        return [self._dated(item) for item in items]

    def route(self, tenant: Tenant, depot_id: str, day: date, shift_id: str) -> Route | None:
        """One stored route, strongly consistent."""
        item = self._table.get(route_key(tenant, depot_id, day, shift_id))
        return self._dated(item)[1] if item else None

    def _dated(self, item: Item) -> tuple[date, Route]:
        key = key_of(item)
        day, shift_id = named_route(key[1])
        known = self._known_routes.get(key)
        if known is None or known.version != version_of(item):
            known = self._known_routes.put(key, route_of(item, shift_id))
        return day, known

    def _depot(self, item: Item) -> Depot:
        key = key_of(item)
        known = self._known_depots.get(key)
        versions = version_of(item), int(item["fleet_version"]["N"])
        if known is None or (known.version, known.fleet_version) != versions:
            known = self._known_depots.put(key, depot_of(item))
        return known


def write_routes[G](
    transaction: Transaction[G], guard: G, tenant: Tenant, writes: Sequence[RouteWrite], now: Timestamp
) -> bool:
    """Write each route on the version it was read at, and what is born of a template on the fleet as it was.

    False, and nothing is added, if two of them rely on two states of one fleet: both cannot still be true.
    """
    fleets = {(write.depot_id, write.fleet_version) for write in writes if write.fleet_version is not None}
    if len({depot_id for depot_id, _ in fleets}) < len(fleets):
        return False
    for depot_id, fleet_version in fleets:
        transaction.check(guard, depot_key(tenant, depot_id), only_if=same_fleet(fleet_version or 0))
    for write in writes:
        key = route_key(tenant, write.depot_id, write.day, write.route.shift.shift_id)
        item = route_item(write.route, write.day, now)
        transaction.put(guard, key, item, only_if=unmoved(write.route.version))
    return True
