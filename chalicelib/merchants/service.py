"""Who may come in, and what a merchant has settled.

A key is found by the hash of its text. Every key that does not open anything (misspelt, unknown, revoked,
expired) is refused with the same words after the same work, so an answer tells nothing about which it was.
Weak point: with `remember_for` above zero a revoked key keeps working that long in a warm process.
"""

import re
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Protocol

from chalicelib.errors import Conflict, FieldError, InvalidRequest, NotFound, Unauthorized, Upstream
from chalicelib.events import Mode, Tenant
from chalicelib.merchants.model import (
    RANDOM_BYTES,
    SENDER_PATTERN,
    ApiKey,
    KeyType,
    Merchant,
    NewKey,
    Scope,
    ShiftPass,
    is_well_formed,
    key_hash,
    key_text,
    mode_of,
    short_id,
)
from chalicelib.receipts import Receipt, ReceiptRow, no_receipt
from chalicelib.units import Seconds, Timestamp

MOST_LIVE_KEYS = 50  # of one merchant: enough for any rotation, and a list is one read
_REMEMBERED = 1024  # keys a warm process keeps in mind; beyond that it starts afresh


class MerchantStore(Protocol):
    """Where merchants and their keys are kept."""

    def get_key(self, sha256: str) -> ApiKey | None:
        """Find a key by its hash, whoever's it is."""
        ...

    def add_key(self, key: ApiKey, *, receipt: ReceiptRow | None) -> None:
        """Store a new key, and the request's receipt, in one transaction; `AlreadyDone` if that is there."""
        ...

    def list_keys(self, tenant: Tenant) -> Sequence[ApiKey]:
        """Every key of a tenant, revoked ones included, oldest first."""
        ...

    def revoke_key(self, tenant: Tenant, key_id: str, *, at: Timestamp) -> None:
        """Mark a key revoked, keeping an earlier mark; `NotFound` if the tenant has no such key."""
        ...

    def put_pass(self, key: ApiKey, *, receipt: ReceiptRow | None) -> None:
        """Store a driver's key instead of the shift's last one, which opens nothing from then on.

        `AlreadyDone` if the receipt is there, `StaleWrite` if another one was made at that moment.
        """
        ...

    def note_use(self, key: ApiKey, day: date) -> None:
        """Remember that a key was used on this day; `Upstream` if that did not work at once."""
        ...

    def get_merchant(self, tenant: Tenant) -> Merchant | None:
        """Read a tenant's settings."""
        ...

    def put_merchant(self, merchant: Merchant) -> None:
        """Write a tenant's settings over the old ones, all but `senders`, which stay."""
        ...

    def assign_senders(self, tenant: Tenant, senders: Sequence[str]) -> None:
        """Write what a tenant may text from over what it could before; `NotFound` if there is no tenant."""
        ...


class Merchants:
    """Keys and settings of all merchants.

    Parameters
    ----------
    entropy
        Gives that many random bytes; `secrets.token_bytes` outside tests.
    remember_for
        How long a warm process trusts a key it has just seen, in seconds of system time. 0, the default, asks
        the store each time: a revoked key stops at once.
    modes
        Which worlds there are here; a key of another one opens nothing, whatever the store holds.
    """

    def __init__(
        self,
        store: MerchantStore,
        *,
        entropy: Callable[[int], bytes],
        remember_for: Seconds = 0,
        modes: Collection[Mode] = tuple(Mode),
    ) -> None:
        self._store = store
        self._entropy = entropy
        self._remember_for = remember_for
        self._modes = modes
        self._seen: dict[str, tuple[ApiKey, Timestamp]] = {}
        self._noted: dict[str, date] = {}

    def authenticate(self, text: str, *, now: Timestamp) -> ApiKey:
        """Find the key a caller presented.

        Parameters
        ----------
        text
            As it came, of any length and content.
        now
            System time.

        Raises
        ------
        Unauthorized
            If it opens nothing, for whatever reason.

        Notes
        -----
        One hash and at most one read; once a day for each key one write. Text whose check digits are wrong is
        not looked up: anybody can see that they are wrong, and a flood of made-up keys costs the store
        nothing. The same goes for a key of another world.
        """
        name = key_hash(text)
        key = self._remembered(name, now=now)
        if key is None and is_well_formed(text) and mode_of(text) in self._modes:
            key = self._store.get_key(name)
            if key is not None and self._remember_for:
                self._remember(name, key, now=now)
        if key is None or not key.opens_at(now):
            raise Unauthorized("The API key is unknown, expired or revoked.")
        if key.shift is None:  # a driver's key is in no list where anybody could see when it was used
            self._note_use(key, now=now)
        return key

    def create_key(
        self,
        tenant: Tenant,
        *,
        type: KeyType,
        scopes: Scope,
        origins: Sequence[str] | None = None,
        expires_at: Timestamp | None = None,
        now: Timestamp,
        receipt: Receipt[NewKey] = no_receipt,
    ) -> NewKey:
        """Make a key; its text is in the result and nowhere else.

        Parameters
        ----------
        origins
            Web origins for a publishable key; the merchant's own where `None`.

        Raises
        ------
        InvalidRequest
            If a publishable key should do more than check out, a secret key should list origins, or the key
            should have expired already.
        Conflict
            `too_many_keys`: there are `MOST_LIVE_KEYS`; two requests at once may make one more.
        AlreadyDone
            If the request's receipt exists.
        """
        if type is KeyType.DRIVER:
            raise ValueError("a driver's key is made for a shift")
        if type is KeyType.PUBLISHABLE and scopes != Scope.CHECKOUT:
            raise _refused("/scopes", "A publishable key is public: it carries the scope checkout only.")
        if type is KeyType.SECRET and origins:
            raise _refused("/origins", "Only publishable keys are used from web pages.")
        if expires_at is not None and expires_at <= now:
            raise _refused("/expires_at", "This moment has passed.")
        if tenant.mode not in self._modes:
            raise ValueError(f"there are no keys of the mode {tenant.mode} here")
        if sum(key.opens_at(now) for key in self._store.list_keys(tenant)) >= MOST_LIVE_KEYS:
            raise Conflict(
                f"There are {MOST_LIVE_KEYS} live keys. Revoke one that is not used.", code="too_many_keys"
            )
        if type is KeyType.PUBLISHABLE and origins is None:
            merchant = self._store.get_merchant(tenant)
            origins = merchant.origins if merchant else ()
        text = key_text(mode=tenant.mode, type=type, random=self._entropy(RANDOM_BYTES))
        key = ApiKey(
            key_id=short_id("key", self._entropy(12)),
            tenant=tenant,
            type=type,
            scopes=scopes,
            origins=tuple(origins or ()),
            sha256=key_hash(text),
            last4=text[-4:],
            created_at=now,
            expires_at=expires_at,
        )
        new = NewKey(key=key, text=text)
        self._store.add_key(key, receipt=receipt(new))
        return new

    def create_pass(
        self,
        tenant: Tenant,
        shift: ShiftPass,
        *,
        expires_at: Timestamp,
        now: Timestamp,
        receipt: Receipt[NewKey] = no_receipt,
    ) -> NewKey:
        """Make a driver's key for one shift; it takes the place of the one before.

        It is in no list of keys and does not count as one.

        Raises
        ------
        AlreadyDone
            If the request's receipt exists.
        StaleWrite
            If another one was made at that moment.
        """
        text = key_text(mode=tenant.mode, type=KeyType.DRIVER, random=self._entropy(RANDOM_BYTES))
        key = ApiKey(
            key_id=short_id("key", self._entropy(12)),
            tenant=tenant,
            type=KeyType.DRIVER,
            scopes=Scope.DRIVER,
            origins=(),
            sha256=key_hash(text),
            last4=text[-4:],
            created_at=now,
            expires_at=expires_at,
            shift=shift,
        )
        new = NewKey(key=key, text=text)
        self._store.put_pass(key, receipt=receipt(new))
        return new

    def list_keys(self, tenant: Tenant) -> Sequence[ApiKey]:
        """Every key of the tenant, oldest first."""
        return self._store.list_keys(tenant)

    def revoke_key(self, tenant: Tenant, key_id: str, *, by: ApiKey, now: Timestamp) -> None:
        """Close a key for good; closing it again changes nothing.

        Raises
        ------
        Conflict
            If a key would revoke itself: somebody must be left who can make another.
        NotFound
            If the tenant has no such key.
        """
        if key_id == by.key_id:
            raise Conflict("A key cannot revoke itself; use another admin key.", code="key_in_use")
        self._store.revoke_key(tenant, key_id, at=now)
        self._seen = {name: seen for name, seen in self._seen.items() if seen[0].key_id != key_id}

    def settings(self, tenant: Tenant) -> Merchant:
        """Read the tenant's settings; `NotFound` where the merchant was never set up."""
        merchant = self._store.get_merchant(tenant)
        if merchant is None:
            raise NotFound("This merchant has no settings yet.")
        return merchant

    def save_settings(self, merchant: Merchant) -> Merchant:
        """Put these settings in the place of the old ones; gives them with the senders the merchant has.

        Raises
        ------
        InvalidRequest
            If the sender is not one that the operator assigned to this merchant.
        """
        known = self._store.get_merchant(merchant.tenant)
        saved = replace(merchant, senders=known.senders if known else ())
        if saved.sender is not None and saved.sender not in saved.senders:
            # Whose it is nobody says; with another's the texts would come from somebody who never wrote.
            assigned = ", ".join(saved.senders) or "none"
            why = f"Input should be null or a sender that the operator assigned to you: {assigned}."
            raise InvalidRequest("These settings cannot be had.", fields=[FieldError("/sender", why)])
        self._store.put_merchant(saved)
        return saved

    def assign_senders(self, tenant: Tenant, senders: Sequence[str]) -> None:
        """Say what a merchant may text from, in the place of what it could before: the operator's to say.

        One sender may be several merchants'. A merchant whose sender was taken away texts from the
        deployment's own at once.

        Raises
        ------
        ValueError
            If one is no number and no messaging service.
        NotFound
            If there is no such merchant.
        """
        if any(re.fullmatch(SENDER_PATTERN, sender) is None for sender in senders):
            raise ValueError("a sender is an E.164 number, a short code or a messaging service")
        self._store.assign_senders(tenant, tuple(dict.fromkeys(senders)))

    def _note_use(self, key: ApiKey, *, now: Timestamp) -> None:
        """Have the store know on which day a key was last used: by one write a day, not one a request."""
        day = datetime.fromtimestamp(now, UTC).date()
        if day in (key.last_used_on, self._noted.get(key.key_id)):
            return
        if len(self._noted) >= _REMEMBERED:
            self._noted.clear()
        self._noted[key.key_id] = day
        with suppress(Upstream):  # nobody is turned away for a date
            self._store.note_use(key, day)

    def _remembered(self, name: str, *, now: Timestamp) -> ApiKey | None:
        seen = self._seen.get(name)
        return seen[0] if seen and seen[1] <= now < seen[1] + self._remember_for else None

    def _remember(self, name: str, key: ApiKey, *, now: Timestamp) -> None:
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen[name] = (key, now)


def _refused(pointer: str, why: str) -> InvalidRequest:
    return InvalidRequest("The key cannot be made like this.", fields=[FieldError(pointer, why)])
