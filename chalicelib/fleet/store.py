"""What the fleet needs of a store: a few reads, and one conditional transaction.

Every write of a fleet goes through the depot's `fleet_version`, which grows by one with each: it is the lock
under which two descriptions cannot contradict each other, and the key under which they can be cached. Weak
point: one depot's fleet is written one command at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

from chalicelib.events import Fact, Tenant
from chalicelib.fleet.model import Depot, Driver, Vehicle
from chalicelib.fleet.planning import PlanStore
from chalicelib.fleet.plans import PlanKey, RouteWrite
from chalicelib.routing.packed import Route

if TYPE_CHECKING:  # a search need not know how far vans are, nor what was learned of them
    from chalicelib.fleet.past import PastStore
    from chalicelib.fleet.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftRow:
    """What is kept of a shift that a human put or took back, outside its route.

    Attributes
    ----------
    place
        The plan its route is in; never changes, because the id is unique per merchant.
    driver
        Personal; None for a shift that was taken back.
    """

    shift_id: str
    place: PlanKey
    driver: Driver | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetChanges:
    """One command's writes to a depot's fleet: all of them or none.

    Attributes
    ----------
    fleet_version
        On condition that the depot's is this (0: there is no such depot); afterwards it is one more.
    depot, vehicle
        Stored as they are, their `version` included, instead of what was there.
    removed_vehicle
        Id of a vehicle that is no longer there.
    shift
        On condition that no row of this id has another place.
    routes
        Each is stored as `route.version + 1`, on condition that `route.version` is what is stored.
    facts
        Written together as one outbox row; all are about plans.
    """

    depot_id: str
    fleet_version: int
    depot: Depot | None = None
    vehicle: Vehicle | None = None
    removed_vehicle: str | None = None
    shift: ShiftRow | None = None
    routes: tuple[RouteWrite, ...] = ()
    facts: tuple[Fact, ...] = ()


class FleetStore(PlanStore, Protocol):
    """Where fleets and their plans live. Every read is of one tenant only."""

    @property
    def pasts(self) -> "PastStore":
        """What finished days have taught."""
        ...

    def depots(self, tenant: Tenant) -> Sequence[Depot]:
        """All depots, in order of their ids."""
        ...

    def depot(self, tenant: Tenant, depot_id: str) -> Depot | None:
        """One depot, strongly consistent."""
        ...

    def route(self, tenant: Tenant, depot_id: str, day: date, shift_id: str) -> Route | None:
        """One stored route, strongly consistent."""
        ...

    def shift_row(self, tenant: Tenant, shift_id: str) -> ShiftRow | None:
        """What is kept of a shift beside its route, strongly consistent; None if no human touched it."""
        ...

    def shift_rows(self, tenant: Tenant, place: PlanKey) -> Sequence[ShiftRow]:
        """The rows of all shifts of one plan."""
        ...

    def progress(self, tenant: Tenant, plan: PlanKey, shift_id: str) -> "Progress | None":
        """How far one shift has come, strongly consistent; None if nothing happened yet."""
        ...

    def progresses(self, tenant: Tenant, plan: PlanKey) -> "Mapping[str, Progress]":
        """How far the shifts of a plan have come, by their ids, strongly consistent."""
        ...

    def commit_fleet(self, tenant: Tenant, changes: FleetChanges) -> None:
        """Apply everything or nothing.

        Raises
        ------
        StaleWrite
            A condition no longer held, or the rows were being written at that moment.
        Upstream
            The store did not answer; whether it was applied was looked up, and it was not.
        """
        ...
