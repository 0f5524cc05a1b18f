"""The figures of depots' days, worked out when somebody asks.

A counter that grows with every fact would count one that comes twice, or late, or is corrected afterwards,
and would have to be repaired by hand. Promises know all that happened to them, each thing once; so a day is
its promises, read and added up: those that are for it, and those that were tried on it and moved since, which
the shifts of the day name. Weak point: it reads every promise of the days it is asked for, again each time;
and a day is forgotten with its promises.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Final

from chalicelib.errors import NotFound
from chalicelib.events import Tenant
from chalicelib.fleet.calendar import dates_between, local_date
from chalicelib.fleet.model import Depot
from chalicelib.fleet.plans import PlanKey
from chalicelib.kpis.figures import DayFigures, Figures
from chalicelib.kpis.judging import figures_of
from chalicelib.kpis.store import KpiStore
from chalicelib.promises.model import Promise
from chalicelib.promises.store import PromiseQuery
from chalicelib.units import Timestamp

_AT_ONCE: Final = 500


class Kpis:
    """Figures of a merchant's depots; one per process, holds no state."""

    def __init__(self, store: KpiStore) -> None:
        self._store = store

    def depots(self, tenant: Tenant, depot_id: str | None) -> Sequence[Depot]:
        """Find the depots that are meant, by their ids: one, or all.

        Raises
        ------
        NotFound
            The merchant has no such depot.
        """
        found = [each for each in self._store.depots(tenant) if depot_id in (None, each.depot_id)]
        if depot_id is not None and not found:
            raise NotFound("There is no such depot.")
        return sorted(found, key=lambda depot: depot.depot_id)

    def days(
        self, tenant: Tenant, depots: Sequence[Depot], first: date, last: date, now: Timestamp
    ) -> list[DayFigures]:
        """Work out each depot's days, both dates included, in order of depot and date.

        Cost: for each of them the reads of its promises and of its shifts, and about 0.1 ms a promise.
        """
        places = (
            PlanKey(depot_id=depot.depot_id, day=day)
            for depot in depots
            for day in dates_between(first, last)
        )
        return [
            DayFigures(depot_id=place.depot_id, day=place.day, figures=self.of(tenant, place, now))
            for place in places
        ]

    def of(self, tenant: Tenant, place: PlanKey, now: Timestamp) -> Figures:
        """Work out one depot's day."""
        listed = {promise.stop_id: promise for promise in self._listed(tenant, place)}
        tried = {
            visit.stop_id
            for progress in self._store.progresses(tenant, place).values()
            for visit in progress.served
            if visit.outcome is not None
        }
        elsewhere = sorted(tried - listed.keys())
        moved = self._store.promises_named(tenant, elsewhere) if elsewhere else ()
        return sum((figures_of(each, place, now) for each in (*listed.values(), *moved)), Figures())

    def _listed(self, tenant: Tenant, place: PlanKey) -> Iterator[Promise]:
        """All promises that are for a day as they stand now."""
        query, start = PromiseQuery(depot_id=place.depot_id, day=place.day), None
        while True:
            page = self._store.promises(tenant, query, limit=_AT_ONCE, start=start)
            yield from page.rows
            if page.next_start is None:
                return
            start = page.next_start


def latest_today(depots: Sequence[Depot], now: Timestamp) -> date:
    """Say which local date it is where it is latest; in UTC without a depot."""
    utc = datetime.fromtimestamp(now, UTC).date()
    return max((local_date(depot, now) for depot in depots), default=utc)
