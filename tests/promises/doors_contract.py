"""What every store of doors keeps: subclass it with a `store` fixture."""

from typing import Any

from chalicelib.events import Mode, Tenant
from chalicelib.promises.doors import DoorRow
from tests.promises.shop import at

ACME = Tenant(merchant_id="acme", mode=Mode.TEST)
BEST = Tenant(merchant_id="best", mode=Mode.TEST)


def a_door(key: str = "door-1", *owners: str, sealed: str = "sealed") -> DoorRow:
    return DoorRow(key=key, sealed=sealed, owners=owners or ("ana",), kept_until=at(6) + 3600)


class DoorStoreContract:
    """Found by any key it may have, forgotten by any owner it has, and nobody else's."""

    def test_door_is_found_by_any_of_its_keys(self, store: Any) -> None:
        """After a secret was rotated an address has an older hash as well; the newest is asked first."""
        store.keep_door(ACME, a_door())
        assert store.door(ACME, ["new-1", "door-1"]) == a_door()
        assert store.door(ACME, ["new-1"]) is None
        assert store.door(BEST, ["door-1"]) is None

    def test_door_that_is_learned_again_is_replaced(self, store: Any) -> None:
        """The latest answer is the one that opens."""
        store.keep_door(ACME, a_door())
        store.keep_door(ACME, a_door(sealed="newer"))
        assert store.door(ACME, ["door-1"]).sealed == "newer"

    def test_what_a_buyer_told_is_forgotten_with_the_buyer(self, store: Any) -> None:
        """All doors of theirs, and only theirs. CONTROL: another buyer's stays, and another merchant's."""
        for key in ("door-1", "door-2"):
            store.keep_door(ACME, a_door(key, "ana", "order-1"))
        store.keep_door(ACME, a_door("door-3", "ben"))
        store.keep_door(BEST, a_door())
        assert store.forget_doors(ACME, ["ana"]) == 2
        assert [store.door(ACME, [f"door-{n}"]) is None for n in (1, 2, 3)] == [True, True, False]
        assert store.door(BEST, ["door-1"]) is not None
        assert store.forget_doors(ACME, ["ana"]) == 0

    def test_door_that_somebody_else_taught_since_stays(self, store: Any) -> None:
        """It is theirs by now."""
        store.keep_door(ACME, a_door())
        store.keep_door(ACME, a_door("door-1", "ben", sealed="newer"))
        assert store.forget_doors(ACME, ["ana"]) == 0
        assert store.door(ACME, ["door-1"]).sealed == "newer"
