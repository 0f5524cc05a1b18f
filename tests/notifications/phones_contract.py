"""What every store of numbers keeps of what came from them: subclass with a fixture `phones`."""

from collections.abc import Sequence
from typing import Final

import pytest

from chalicelib.adapters.dynamodb.phones import PhoneRows
from chalicelib.events import Tenant
from tests.fakes_texts import InMemoryPhones
from tests.promises.store_contract import ACME, BEST, NOW

MARK: Final = "mark-of-one"
OTHERS: Final = "mark-of-another"

type Phones = PhoneRows | InMemoryPhones


class PhoneStoreContract:
    """Whatever came from a number is found by it when it is forgotten, and by nobody else's."""

    @pytest.mark.parametrize("whose", [[], [ACME], [ACME, BEST]])
    def test_a_text_is_stored_once_as_it_came(self, phones: Phones, whose: list[Tenant]) -> None:
        """Whoever brings it again is told so, and changes nothing of it."""
        assert came(phones, "SM1", whose)
        assert phones.inbound("SM1") == ("SM1, sealed", whose, NOW)
        assert not phones.record_inbound(
            "SM1", "another", NOW + 1, mark=MARK, whose=whose, ledger={}, fact=None
        )
        assert phones.inbound("SM1") == ("SM1, sealed", whose, NOW)

    @pytest.mark.parametrize("whose", [[], [ACME]])
    def test_a_text_is_forgotten_with_its_number(self, phones: Phones, whose: list[Tenant]) -> None:
        """Also one that nobody may be meant by: who was forgotten and writes once more is texted by nobody.

        CONTROL: what came from another number stays.
        """
        came(phones, "SM1", whose)
        came(phones, "SM2", whose, mark=OTHERS)
        assert phones.forget(ACME, [MARK]) == ["SM1"]
        assert phones.inbound("SM1") is None
        assert phones.inbound("SM2") is not None
        assert phones.forget(ACME, [MARK]) == []

    def test_a_text_that_two_may_be_meant_by_goes_with_the_last(self, phones: Phones) -> None:
        """Each takes itself out of it."""
        came(phones, "SM1", [ACME, BEST])
        assert phones.forget(ACME, [MARK]) == []
        assert phones.inbound("SM1") == ("SM1, sealed", [BEST], NOW)
        assert phones.forget(BEST, [MARK]) == ["SM1"]
        assert phones.inbound("SM1") is None


def came(phones: Phones, sid: str, whose: Sequence[Tenant], *, mark: str = MARK) -> bool:
    return phones.record_inbound(sid, f"{sid}, sealed", NOW, mark=mark, whose=whose, ledger={}, fact=None)
