"""A stack's first merchant gets in, with a key that makes all others, once."""

from typing import Any

import pytest

from chalicelib.events import Mode, Tenant
from chalicelib.merchants.model import ALL_SCOPES
from chalicelib.merchants.service import Merchants
from infra.merchant import Refused, assign_senders, let_in
from infra.sandbox import Emulator
from tests.concurrency.racers import new_store


@pytest.fixture
def stack(emulator: Emulator, request: pytest.FixtureRequest) -> str:
    return emulator.create(f"{request.node.name[:40]}-live".replace("_", "-")).table_name


def test_first_key_opens_and_may_do_everything(emulator: Emulator, stack: str) -> None:
    """In the world of its stage."""
    text = let_in(emulator.client("dynamodb"), stack=stack, merchant_id="acme", brand="Acme")
    store = new_store(emulator.url, stack)
    key = Merchants(store, entropy=bytes, modes=(Mode.LIVE,)).authenticate(text, now=2_000_000_000)
    assert (key.tenant.merchant_id, key.tenant.mode, key.scopes) == ("acme", Mode.LIVE, ALL_SCOPES)
    merchant = store.get_merchant(key.tenant)
    assert merchant is not None
    assert merchant.brand == "Acme"


def test_merchant_that_is_in_is_left_alone(emulator: Emulator, stack: str) -> None:
    """A second call by mistake makes no second key, and undoes no settings."""
    let_in(emulator.client("dynamodb"), stack=stack, merchant_id="acme", brand="Acme")
    with pytest.raises(Refused, match="in already"):
        let_in(emulator.client("dynamodb"), stack=stack, merchant_id="acme", brand="Other")


def test_operator_says_what_a_merchant_may_text_from(emulator: Emulator, stack: str) -> None:
    """In the place of what was said before; what is no sender, and who is no merchant, is refused."""
    dynamodb = emulator.client("dynamodb")
    let_in(dynamodb, stack=stack, merchant_id="acme", brand="Acme")
    for senders in (["+12025550100", "+12025550101"], ["MG" + "0" * 32], []):
        assign_senders(dynamodb, stack=stack, merchant_id="acme", senders=senders)
        merchant = new_store(emulator.url, stack).get_merchant(Tenant(merchant_id="acme", mode=Mode.LIVE))
        assert merchant is not None
        assert merchant.senders == tuple(senders)
    with pytest.raises(Refused, match="E\\.164"):
        assign_senders(dynamodb, stack=stack, merchant_id="acme", senders=["ACME"])
    with pytest.raises(Refused, match="no such merchant"):
        assign_senders(dynamodb, stack=stack, merchant_id="best", senders=["+12025550100"])


def test_brand_that_no_text_may_open_with_lets_nobody_in(emulator: Emulator, stack: str) -> None:
    """The operator is told what a merchant would be, who saves its settings."""
    with pytest.raises(Refused, match="link_in_name"):
        let_in(emulator.client("dynamodb"), stack=stack, merchant_id="acme", brand="acme.com")


@pytest.mark.parametrize("merchant_id", ["", "Acme", "a#b", "a" * 41, "a.b"])
def test_id_that_could_be_taken_for_part_of_a_key_is_refused(merchant_id: str) -> None:
    """Parts of keys are told apart by characters that no id may have."""
    nowhere: Any = None
    with pytest.raises(Refused, match="id matches"):
        let_in(nowhere, stack="slotkeeper-live", merchant_id=merchant_id, brand="Acme")
