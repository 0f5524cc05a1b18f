"""Depots, vehicles and single shifts in the table, and the one transaction that writes them."""

from collections.abc import Sequence

from chalicelib.adapters.dynamodb.keys import (
    LISTING,
    depot_key,
    route_key,
    shift_key,
    shifts_listed,
    vehicle_key,
)
from chalicelib.adapters.dynamodb.plans import PlanRows
from chalicelib.adapters.dynamodb.rows import depot_item, route_item, shift_item, shift_of, vehicle_item
from chalicelib.adapters.dynamodb.table import number
from chalicelib.adapters.dynamodb.transaction import (
    Refused,
    Transaction,
    same_fleet,
    same_place,
    unmoved,
)
from chalicelib.errors import StaleWrite
from chalicelib.events import Tenant
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.store import FleetChanges, ShiftRow


class FleetRows(PlanRows):
    """What merchants describe of their fleets: see `fleet.store.FleetStore`."""

    def shift_row(self, tenant: Tenant, shift_id: str) -> ShiftRow | None:
        """What is kept of a shift beside its route, strongly consistent; None if no human touched it."""
        item = self._table.get(shift_key(tenant, shift_id))
        return shift_of(item) if item else None

    def shift_rows(self, tenant: Tenant, place: PlanKey) -> Sequence[ShiftRow]:
        """The rows of all shifts of one plan, in order of their ids; an index, so milliseconds behind."""
        return [shift_of(item) for item in self._table.query(shifts_listed(tenant, place), index=LISTING)]

    def commit_fleet(self, tenant: Tenant, changes: FleetChanges) -> None:
        """Apply everything or nothing.

        Raises
        ------
        StaleWrite
            A condition no longer held, or the rows were being written at that moment.
        Upstream
            The store did not answer; whether it was applied was looked up, and it was not.
        """
        writing, now = Transaction[str](self._table, tenant), self._table.now()
        depot_id, next_version = changes.depot_id, changes.fleet_version + 1
        # The lock of a depot's fleet: whatever was decided, was decided on what it was at this version.
        lock = same_fleet(changes.fleet_version)
        if changes.depot is not None:
            item = depot_item(changes.depot, next_version)
            writing.put("fleet", depot_key(tenant, depot_id), item, only_if=lock)
        else:
            expression, values = "SET fleet_version = :next", {":next": number(next_version)}
            writing.update("fleet", depot_key(tenant, depot_id), expression, values, only_if=lock)
        if changes.vehicle is not None:
            key = vehicle_key(tenant, depot_id, changes.vehicle.vehicle_id)
            writing.put("fleet", key, vehicle_item(changes.vehicle), only_if=None)
        if changes.removed_vehicle is not None:
            writing.delete("fleet", vehicle_key(tenant, depot_id, changes.removed_vehicle), only_if=None)
        if changes.shift is not None:
            key, item = shift_key(tenant, changes.shift.shift_id), shift_item(tenant, changes.shift, now)
            writing.put("shift", key, item, only_if=same_place(str(changes.shift.place)))
        for write in changes.routes:
            key = route_key(tenant, write.depot_id, write.day, write.route.shift.shift_id)
            # A booking since it was read would be lost; the fleet's own version is the lock above.
            only_if = unmoved(write.route.version)
            writing.put("route", key, route_item(write.route, write.day, now), only_if=only_if)
        try:
            writing.commit(changes.facts)
        except Refused as refused:
            what = ", ".join(sorted(refused.guards)) or "conflict"
            raise StaleWrite(f"Something changed in the meantime: {what}.") from refused
