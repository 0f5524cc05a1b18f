"""What every store of merchants and keys keeps: subclass with a `store` fixture."""

from dataclasses import replace
from datetime import date

import pytest

from chalicelib.errors import AlreadyDone, NotFound
from chalicelib.events import Mode, Tenant
from chalicelib.fleet.plans import PlanKey
from chalicelib.merchants.model import (
    ApiKey,
    KeyType,
    Merchant,
    QuietHours,
    Scope,
    ShiftPass,
    key_hash,
)
from chalicelib.merchants.service import MerchantStore
from chalicelib.receipts import ReceiptRow

ACME = Tenant(merchant_id="acme", mode=Mode.TEST)
ACME_LIVE = Tenant(merchant_id="acme", mode=Mode.LIVE)
BEST = Tenant(merchant_id="best", mode=Mode.TEST)


def a_key(name: str, *, tenant: Tenant = ACME, at: int = 1_795_000_000) -> ApiKey:
    return ApiKey(
        key_id=f"key_{name}",
        tenant=tenant,
        type=KeyType.PUBLISHABLE,
        scopes=Scope.CHECKOUT | Scope.OPS,
        origins=("https://shop.example", "http://localhost:3000"),
        sha256=key_hash(f"{tenant}/{name}"),
        last4="abcd",
        created_at=at,
    )


def a_receipt(key: str = "secret/POST//v1/keys/k") -> ReceiptRow:
    return ReceiptRow(
        key=key, fingerprint="f" * 64, status=201, sealed_body=b"\x00\xffsealed", expires_at=1_795_086_400
    )


def a_pass(name: str, *, tenant: Tenant = ACME, shift_id: str = "s-1") -> ApiKey:
    place = PlanKey(depot_id="porto", day=date(2026, 11, 24))
    held = ShiftPass(shift_id=shift_id, place=place, driver="0" * 32)
    key = replace(a_key(name, tenant=tenant), type=KeyType.DRIVER, scopes=Scope.DRIVER, origins=())
    return replace(key, shift=held, expires_at=1_796_000_000)


class MerchantStoreContract:
    """The same tests on every store."""

    def test_a_shift_has_one_pass(self, store: MerchantStore) -> None:
        """The last one made, with all it holds; those of other shifts and merchants stay, none is listed."""
        others = [a_pass("other", shift_id="s-2"), a_pass("theirs", tenant=BEST)]
        for key in (a_pass("lost"), *others, a_pass("found")):
            store.put_pass(key, receipt=None)
        assert store.get_key(a_pass("lost").sha256) is None
        assert [store.get_key(key.sha256) for key in (a_pass("found"), *others)] == [a_pass("found"), *others]
        assert not store.list_keys(ACME)

    def test_a_pass_and_its_receipt_are_one(self, store: MerchantStore) -> None:
        """The twin of a request makes none, and takes none away."""
        store.put_pass(a_pass("a"), receipt=a_receipt())
        with pytest.raises(AlreadyDone):
            store.put_pass(a_pass("b"), receipt=a_receipt())
        assert store.get_key(a_pass("a").sha256) == a_pass("a")

    def test_key_is_found_by_its_hash_with_all_it_holds(self, store: MerchantStore) -> None:
        """What is read is what was written."""
        key = replace(a_key("a"), expires_at=1_796_000_000)
        store.add_key(key, receipt=None)
        assert store.get_key(key.sha256) == key

    def test_unknown_hash_finds_nothing(self, store: MerchantStore) -> None:
        """No key is no key, not an error."""
        assert store.get_key(key_hash("nobody")) is None

    def test_keys_are_listed_per_tenant_oldest_first(self, store: MerchantStore) -> None:
        """Neither another merchant's nor the other world's are among them."""
        newer, older = a_key("newer", at=1_795_000_100), a_key("older", at=1_795_000_000)
        for key in (newer, older, a_key("x", tenant=BEST), a_key("x", tenant=ACME_LIVE)):
            store.add_key(key, receipt=None)
        assert list(store.list_keys(ACME)) == [older, newer]

    def test_revoking_marks_the_key_and_keeps_the_first_mark(self, store: MerchantStore) -> None:
        """A key is revoked at the moment it was first revoked."""
        key = a_key("a")
        store.add_key(key, receipt=None)
        store.revoke_key(ACME, key.key_id, at=1_795_000_500)
        store.revoke_key(ACME, key.key_id, at=1_795_000_900)
        assert store.get_key(key.sha256) == replace(key, revoked_at=1_795_000_500)
        assert list(store.list_keys(ACME)) == [replace(key, revoked_at=1_795_000_500)]

    def test_day_of_the_last_use_is_kept_beside_a_revocation(self, store: MerchantStore) -> None:
        """Each is a write of its own, and neither undoes the other."""
        key = a_key("a")
        store.add_key(key, receipt=None)
        store.note_use(key, date(2026, 11, 22))
        store.revoke_key(ACME, key.key_id, at=1_795_000_500)
        store.note_use(key, date(2026, 11, 23))
        kept = replace(key, revoked_at=1_795_000_500, last_used_on=date(2026, 11, 23))
        assert store.get_key(key.sha256) == kept
        assert list(store.list_keys(ACME)) == [kept]

    def test_other_tenants_key_cannot_be_revoked(self, store: MerchantStore) -> None:
        """It is not found, and goes on to work."""
        key = a_key("a", tenant=BEST)
        store.add_key(key, receipt=None)
        for tenant in (ACME, Tenant(merchant_id="best", mode=Mode.LIVE)):
            with pytest.raises(NotFound):
                store.revoke_key(tenant, key.key_id, at=1)
        assert store.get_key(key.sha256) == key

    def test_key_and_receipt_are_stored_together_or_not_at_all(self, store: MerchantStore) -> None:
        """A second request with the same receipt leaves no key behind."""
        first, second = a_key("first"), a_key("second")
        store.add_key(first, receipt=a_receipt())
        with pytest.raises(AlreadyDone):
            store.add_key(second, receipt=a_receipt())
        assert list(store.list_keys(ACME)) == [first]
        assert store.get_key(second.sha256) is None

    def test_receipt_of_another_tenant_does_not_count(self, store: MerchantStore) -> None:
        """Two merchants may choose the same Idempotency-Key."""
        store.add_key(a_key("a"), receipt=a_receipt())
        store.add_key(a_key("a", tenant=BEST), receipt=a_receipt())
        assert len(store.list_keys(BEST)) == 1

    @pytest.mark.parametrize("quiet_hours", [None, QuietHours(starts="22:00", ends="07:30")])
    def test_settings_are_read_as_they_were_written(
        self, store: MerchantStore, quiet_hours: QuietHours | None
    ) -> None:
        """Every field survives, gaps included."""
        merchant = Merchant(
            tenant=ACME,
            brand="Acme \u00dc",
            support_phone="+12025550123",
            origins=("https://shop.example",),
            locales=("pt-PT", "en"),
            sender="+12025550100",
            sms_countries=("PT", "ES"),
            quiet_hours=quiet_hours,
            change_cutoff_minutes=0,
            texting=False,
        )
        store.put_merchant(merchant)
        assert store.get_merchant(ACME) == merchant
        store.put_merchant(Merchant(tenant=ACME, brand="Acme"))
        assert store.get_merchant(ACME) == Merchant(tenant=ACME, brand="Acme")

    def test_what_a_tenant_may_text_from_is_apart_from_its_settings(self, store: MerchantStore) -> None:
        """Neither write undoes the other; nobody who is not in gets anything."""
        store.put_merchant(Merchant(tenant=ACME, brand="Acme", senders=("+12025550199",)))
        assert store.get_merchant(ACME) == Merchant(tenant=ACME, brand="Acme")
        store.assign_senders(ACME, ["+12025550100", "+12025550101"])
        store.put_merchant(Merchant(tenant=ACME, brand="Other"))
        both = Merchant(tenant=ACME, brand="Other", senders=("+12025550100", "+12025550101"))
        assert store.get_merchant(ACME) == both
        store.assign_senders(ACME, [])
        assert store.get_merchant(ACME) == Merchant(tenant=ACME, brand="Other")
        with pytest.raises(NotFound):
            store.assign_senders(BEST, ["+12025550100"])
        assert store.get_merchant(BEST) is None

    def test_each_tenant_has_settings_of_its_own(self, store: MerchantStore) -> None:
        """Test and live settings never meet."""
        store.put_merchant(Merchant(tenant=ACME, brand="Acme"))
        assert store.get_merchant(ACME_LIVE) is None
        assert store.get_merchant(BEST) is None
