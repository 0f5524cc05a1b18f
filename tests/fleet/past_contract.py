"""What every store of pasts keeps: subclass it with a `store` fixture."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from chalicelib.errors import StaleWrite
from chalicelib.fleet.past import FRESH_FOR, Past, PastStore
from chalicelib.routing.doors import Doors
from chalicelib.routing.history import History
from chalicelib.routing.pace import Door
from tests.fleet.builders import ACME, BEST, NOW, TUESDAY, depot

HERE = depot()


def a_past(**changes: Any) -> Past:
    """After two days: a driver who was slow on both of them, and two doors."""
    sums = np.zeros(len(History.empty().sums))
    sums[:3] = 1.5, -2.25, 1024.0
    described: dict[str, Any] = {
        "history": History(sums, {b"driverA1": (2.0, 0.5, -0.25)}),
        "doors": Doors.none().after([(7, Door(1, 0.5)), (9, Door(3, -0.2))], TUESDAY),
        "days": (TUESDAY - timedelta(days=1), TUESDAY),
        "key": bytes(range(16)),
        "timezone": HERE.timezone,
    }
    return Past(**(described | changes))


def same(one: Past, other: Past) -> bool:
    """Whether two pasts say the same."""
    return (
        (one.days, one.key, one.timezone, one.version)
        == (other.days, other.key, other.timezone, other.version)
        and one.history.sums.tolist() == other.history.sums.tolist()
        and one.history.drivers == other.history.drivers
        and one.doors.pack() == other.doors.pack()
    )


class PastStoreContract:
    """The port `fleet.past.PastStore`."""

    def test_a_depot_without_a_past_has_an_empty_one(self, store: PastStore) -> None:
        """At version 0, with nothing in it, for either way to read."""
        for found in (store.past(ACME, HERE, NOW), store.stored_past(ACME, HERE)):
            assert same(found, Past.none(HERE.timezone))

    def test_a_past_comes_back_as_it_was(self, store: PastStore) -> None:
        """With everything it knows, as the next version."""
        store.save_past(ACME, "porto", a_past())
        assert same(store.past(ACME, HERE, NOW), a_past(version=1))
        assert same(store.stored_past(ACME, HERE), a_past(version=1))

    def test_it_is_written_on_the_version_that_was_read(self, store: PastStore) -> None:
        """Two who learn at once do not undo each other: the second has to read the first."""
        store.save_past(ACME, "porto", a_past())
        for version in (0, 2):
            with pytest.raises(StaleWrite):
                store.save_past(ACME, "porto", a_past(days=(), version=version))
        store.save_past(ACME, "porto", a_past(days=(), version=1))
        assert store.stored_past(ACME, HERE).version == 2

    def test_each_depot_of_each_tenant_has_its_own(self, store: PastStore) -> None:
        """No calibration of one is that of another."""
        store.save_past(ACME, "porto", a_past())
        for tenant, place in ((BEST, HERE), (ACME, depot(depot_id="lisbon"))):
            assert store.past(tenant, place, NOW).version == 0

    def test_what_is_learned_is_known_within_an_hour(self, store: PastStore) -> None:
        """However often it was read before."""
        assert store.past(ACME, HERE, NOW).version == 0
        store.save_past(ACME, "porto", a_past())
        assert store.past(ACME, HERE, NOW + FRESH_FOR).version == 1

    def test_a_depot_that_moves_to_another_zone_is_read_in_that(self, store: PastStore) -> None:
        """At once, by whoever has just read it in the old one."""
        store.save_past(ACME, "porto", a_past())
        assert store.past(ACME, HERE, NOW).utc_offset(NOW) == 0
        moved = replace(HERE, timezone="Europe/Madrid")
        assert store.past(ACME, moved, NOW).utc_offset(NOW) == 3600
