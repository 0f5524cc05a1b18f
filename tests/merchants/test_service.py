"""Keys are made, found, trusted for as long as agreed, and revoked."""

import pytest

from chalicelib.errors import NotFound, Unauthorized
from chalicelib.merchants.model import ALL_SCOPES, KeyType, NewKey
from chalicelib.merchants.service import Merchants
from chalicelib.units import Seconds
from tests.fakes import CountedEntropy, InMemoryMerchants
from tests.merchants.store_contract import ACME, BEST, MerchantStoreContract

NOW = 1_795_000_000


class TestInMemoryMerchants(MerchantStoreContract):
    @pytest.fixture
    def store(self) -> InMemoryMerchants:
        return InMemoryMerchants()


def merchants(store: InMemoryMerchants, *, remember_for: Seconds = 0) -> Merchants:
    return Merchants(store, entropy=CountedEntropy(), remember_for=remember_for)


def made(service: Merchants) -> NewKey:
    return service.create_key(ACME, type=KeyType.SECRET, scopes=ALL_SCOPES, now=NOW)


def test_presented_key_is_found() -> None:
    """The text that was shown once opens the door."""
    service = merchants(InMemoryMerchants())
    new = made(service)
    assert service.authenticate(new.text, now=NOW) == new.key


@pytest.mark.parametrize("text", ["", "slk_test_sk_", "x" * 100_000, "\ud800", "slk_test_sk_" + "0" * 33])
def test_text_that_is_no_key_is_refused_without_asking_the_store(text: str) -> None:
    """A flood of made-up keys costs a hash each and no read."""
    store = InMemoryMerchants()
    with pytest.raises(Unauthorized):
        merchants(store).authenticate(text, now=NOW)
    assert store.lookups == 0


def test_store_is_asked_each_time_unless_told_to_remember() -> None:
    """By default a revoked key stops with the next request."""
    store = InMemoryMerchants()
    service = merchants(store)
    new = made(service)
    for _ in range(3):
        service.authenticate(new.text, now=NOW)
    assert store.lookups == 3


def test_remembered_key_is_trusted_for_so_long_and_no_longer() -> None:
    """A warm process saves the read; another process's revocation reaches it when the time is over."""
    store = InMemoryMerchants()
    service = merchants(store, remember_for=2)
    new = made(service)
    service.authenticate(new.text, now=NOW)
    store.revoke_key(ACME, new.key.key_id, at=NOW)
    service.authenticate(new.text, now=NOW + 1)
    assert store.lookups == 1
    with pytest.raises(Unauthorized):
        service.authenticate(new.text, now=NOW + 2)


def test_key_revoked_here_is_forgotten_here_at_once() -> None:
    """The process that revokes a key does not go on trusting it."""
    service = merchants(InMemoryMerchants(), remember_for=60)
    admin, other = made(service), made(service)
    service.authenticate(other.text, now=NOW)
    service.revoke_key(ACME, other.key.key_id, by=admin.key, now=NOW)
    with pytest.raises(Unauthorized):
        service.authenticate(other.text, now=NOW)


def test_remembered_key_expires_on_time() -> None:
    """What is remembered is the key, not the verdict."""
    service = merchants(InMemoryMerchants(), remember_for=60)
    new = service.create_key(ACME, type=KeyType.SECRET, scopes=ALL_SCOPES, expires_at=NOW + 5, now=NOW)
    service.authenticate(new.text, now=NOW)
    with pytest.raises(Unauthorized):
        service.authenticate(new.text, now=NOW + 5)


def test_memory_of_keys_is_bounded() -> None:
    """A process that sees very many keys starts afresh rather than grow."""
    service = merchants(InMemoryMerchants(), remember_for=60)
    first = made(service)
    service.authenticate(first.text, now=NOW)
    for _ in range(1100):
        service.authenticate(made(service).text, now=NOW)
    assert service.authenticate(first.text, now=NOW) == first.key


def test_merchant_that_was_never_set_up_has_no_settings() -> None:
    """There is nothing to show before there is a brand."""
    with pytest.raises(NotFound):
        merchants(InMemoryMerchants()).settings(BEST)
