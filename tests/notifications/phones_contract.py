"""What every store of numbers keeps of what came from them: subclass with a fixture `phones`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest

from chalicelib.adapters.dynamodb.phones import PhoneRows
from chalicelib.events import Tenant
from chalicelib.notifications.inbound import Contact, Part
from tests.fakes_texts import InMemoryPhones
from tests.promises.store_contract import ACME, BEST, NOW

MARK: Final = "mark-of-one"
OTHERS: Final = "mark-of-another"
SENDER: Final = "+12025550100"
OUR_OTHER: Final = "+12025550101"
NONE: Final = frozenset[str]()

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
        assert forgotten(phones, ACME) == Part(subjects=NONE, sids=frozenset({"SM1"}))
        assert phones.inbound("SM1") is None
        assert phones.inbound("SM2") is not None
        assert phones.said(ACME, [MARK]) == Part(subjects=NONE, sids=NONE)

    def test_a_text_that_two_may_be_meant_by_goes_with_the_last(self, phones: Phones) -> None:
        """Each takes itself out of it."""
        came(phones, "SM1", [ACME, BEST])
        both = Part(subjects=NONE, sids=frozenset({"SM1"}), shared=frozenset({"SM1"}))
        assert forgotten(phones, ACME) == both
        assert phones.inbound("SM1") == ("SM1, sealed", [BEST], NOW)
        assert phones.said(ACME, [MARK]) == Part(subjects=NONE, sids=NONE)
        assert forgotten(phones, BEST) == replace(both, shared=NONE)
        assert phones.inbound("SM1") is None

    def test_part_of_what_was_said_is_forgotten_and_the_rest_is_not(self, phones: Phones) -> None:
        """One order of a number, while another is to come. CONTROL: all of it takes the talk along."""
        for subject in ("prm_1", "prm_2"):
            phones.put_contact(MARK, SENDER, Contact(tenant=ACME, subject=subject, texted_at=NOW))
        phones.put_contact(MARK, OUR_OTHER, Contact(tenant=BEST, subject="prm_3", texted_at=NOW))
        for sender in (SENDER, OUR_OTHER):
            phones.put_talk(MARK, sender, "{}", version=0, at=NOW)
        for sid in ("SM1", "SM2"):
            came(phones, sid, [ACME])
        said = phones.said(ACME, [MARK])
        assert said == Part(subjects=frozenset({"prm_1", "prm_2"}), sids=frozenset({"SM1", "SM2"}))
        phones.forget(ACME, [MARK], said.of({"prm_1", "prm_3"}, {"SM1"}))
        left = Part(subjects=frozenset({"prm_2"}), sids=frozenset({"SM2"}))
        assert (phones.said(ACME, [MARK]), phones.inbound("SM1")) == (left, None)
        assert phones.talk(MARK, SENDER) == ("{}", 1)
        assert forgotten(phones, ACME) == left
        assert phones.contacts([MARK], [SENDER]) == []
        assert (phones.talk(MARK, SENDER), phones.talk(MARK, OUR_OTHER)) == (None, ("{}", 1))
        assert phones.said(BEST, [MARK]).subjects == {"prm_3"}


def forgotten(phones: Phones, tenant: Tenant) -> Part:
    """Forget all that a merchant and the number said; gives what that was."""
    said = phones.said(tenant, [MARK])
    phones.forget(tenant, [MARK], said)
    return said


def came(phones: Phones, sid: str, whose: Sequence[Tenant], *, mark: str = MARK) -> bool:
    return phones.record_inbound(sid, f"{sid}, sealed", NOW, mark=mark, whose=whose, ledger={}, fact=None)
