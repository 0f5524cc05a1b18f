"""Keys are made, found, trusted for as long as agreed, and revoked."""

import pytest

from chalicelib.errors import Conflict, NotFound, Unauthorized
from chalicelib.events import Mode, Tenant
from chalicelib.merchants.model import ALL_SCOPES, KeyType, NewKey
from chalicelib.merchants.service import MOST_LIVE_KEYS, Merchants
from chalicelib.units import DAY, Seconds
from tests.fakes import CountedEntropy, InMemoryMerchants
from tests.merchants.store_contract import ACME, ACME_LIVE, BEST, MerchantStoreContract

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
    for number in range(1100):
        tenant = Tenant(merchant_id=f"m{number}", mode=Mode.TEST)
        new = service.create_key(tenant, type=KeyType.SECRET, scopes=ALL_SCOPES, now=NOW)
        service.authenticate(new.text, now=NOW)
    assert service.authenticate(first.text, now=NOW).key_id == first.key.key_id


def test_merchant_that_was_never_set_up_has_no_settings() -> None:
    """There is nothing to show before there is a brand."""
    with pytest.raises(NotFound):
        merchants(InMemoryMerchants()).settings(BEST)


# --- when a key was last used


def test_day_of_the_last_use_is_kept_by_one_write_a_day() -> None:
    """A busy key costs a write a day and process, not one a request."""
    store = InMemoryMerchants()
    one, other = merchants(store), merchants(store)
    new = made(one)
    for at in (NOW, NOW + 1, NOW + DAY, NOW + DAY + 1):
        for _ in range(10):
            one.authenticate(new.text, now=at)
            other.authenticate(new.text, now=at)
    assert store.notes == 2  # the other process has read what the first one wrote
    assert [str(key.last_used_on) for key in store.list_keys(ACME)] == ["2026-11-19"]


def test_use_that_cannot_be_noted_turns_nobody_away() -> None:
    """A store that reads but does not write serves on; it is not asked again and again."""
    store = InMemoryMerchants(notes_use=False)
    service = merchants(store)
    new = made(service)
    for _ in range(10):
        assert service.authenticate(new.text, now=NOW) == new.key
    assert store.notes == 1


def test_key_that_opens_nothing_is_not_used() -> None:
    """Knocking with a revoked key is no use of it."""
    store = InMemoryMerchants()
    service = merchants(store)
    new = made(service)
    store.revoke_key(ACME, new.key.key_id, at=NOW)
    with pytest.raises(Unauthorized):
        service.authenticate(new.text, now=NOW)
    assert store.notes == 0


# --- how many keys there may be


def test_keys_that_live_are_counted_and_others_are_not() -> None:
    """Revoked and expired ones make room: whoever rotates every day never meets the limit."""
    service = merchants(InMemoryMerchants())
    first = made(service)
    expiring = service.create_key(ACME, type=KeyType.SECRET, scopes=ALL_SCOPES, expires_at=NOW + 60, now=NOW)
    others = [made(service) for _ in range(MOST_LIVE_KEYS - 2)]
    with pytest.raises(Conflict) as refused:
        made(service)
    assert refused.value.code == "too_many_keys"
    service.revoke_key(ACME, others[0].key.key_id, by=first.key, now=NOW)
    made(service)
    service.create_key(ACME, type=KeyType.SECRET, scopes=ALL_SCOPES, now=NOW + 60)
    service.create_key(BEST, type=KeyType.SECRET, scopes=ALL_SCOPES, now=NOW)
    assert not expiring.key.opens_at(NOW + 60)


# --- two stages


def test_key_of_one_stage_is_nothing_in_the_other() -> None:
    """Not even where both are given the same rows, as after a restore into the wrong table."""
    rows = InMemoryMerchants()
    test = Merchants(rows, entropy=CountedEntropy(), modes=(Mode.TEST,))
    live = Merchants(rows, entropy=CountedEntropy(), modes=(Mode.LIVE,))
    new = made(test)
    assert test.authenticate(new.text, now=NOW) == new.key  # CONTROL: it is a good key
    lookups = rows.lookups
    with pytest.raises(Unauthorized):
        live.authenticate(new.text, now=NOW)
    assert rows.lookups == lookups


@pytest.mark.parametrize(("mode", "tenant"), [(Mode.TEST, ACME_LIVE), (Mode.LIVE, ACME)])
def test_stage_makes_no_keys_of_the_other(mode: Mode, tenant: Tenant) -> None:
    """There is no request that could ask for it, and no program of ours that may."""
    service = Merchants(InMemoryMerchants(), entropy=CountedEntropy(), modes=(mode,))
    with pytest.raises(ValueError, match="no keys of the mode"):
        service.create_key(tenant, type=KeyType.SECRET, scopes=ALL_SCOPES, now=NOW)
