"""Stores in memory that keep what their ports promise; each passes the contract test of its port."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final

from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.adapters.sealing import Sealer
from chalicelib.adapters.secrets import TwilioAccount
from chalicelib.errors import AlreadyDone, NotFound, StaleWrite, Upstream
from chalicelib.events import Tenant
from chalicelib.fleet.model import Depot
from chalicelib.fleet.past import Past
from chalicelib.merchants.model import ApiKey, Merchant
from chalicelib.promises.doors import DoorRow
from chalicelib.receipts import ReceiptRow
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.units import Seconds, Timestamp
from infra.secrets import Vault


@dataclass
class FakeClock:
    """A clock that stands still until it is moved."""

    at: Timestamp = 1_795_000_000

    def system_now(self) -> Timestamp:
        return self.at

    def advance(self, seconds: Seconds) -> None:
        self.at += seconds


A_VAULT: Final = Sealer([b"kept for good, kept for good, yes"])


@dataclass
class CountedEntropy:
    """Bytes that look random and are the same in every run."""

    drawn: int = 0

    def __call__(self, size: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(size)


@dataclass
class InMemoryReceipts:
    """Receipts of all tenants."""

    rows: dict[tuple[Tenant, str], ReceiptRow] = field(default_factory=dict)

    def get_receipt(self, tenant: Tenant, key: str) -> ReceiptRow | None:
        return self.rows.get((tenant, key))

    def add(self, tenant: Tenant, row: ReceiptRow | None) -> None:
        if row is None:
            return
        if (tenant, row.key) in self.rows:
            raise AlreadyDone("This request was carried out before.")
        self.rows[tenant, row.key] = row


class InMemoryDoors:
    """What is known of doors, by tenant and key."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Tenant, str], DoorRow] = {}

    def door(self, tenant: Tenant, keys: Sequence[str]) -> DoorRow | None:
        return next((self.rows[tenant, key] for key in keys if (tenant, key) in self.rows), None)

    def keep_door(self, tenant: Tenant, row: DoorRow) -> None:
        self.rows[tenant, row.key] = row

    def forget_doors(self, tenant: Tenant, owners: Sequence[str]) -> int:
        gone = [key for key, row in self.rows.items() if key[0] == tenant and {*owners} & {*row.owners}]
        for key in gone:
            del self.rows[key]
        return len(gone)


@dataclass
class InMemoryReminders:
    """Reminders of all tenants."""

    rows: dict[tuple[Tenant, ReminderKind, str], Reminder] = field(default_factory=dict)

    def write_reminder(self, tenant: Tenant, reminder: Reminder) -> None:
        self.rows[tenant, reminder.kind, reminder.subject] = reminder

    def write_reminders(self, tenant: Tenant, reminders: Sequence[Reminder]) -> None:
        for reminder in reminders:
            self.write_reminder(tenant, reminder)

    def finish_reminder(self, tenant: Tenant, reminder: Reminder, again_at: Timestamp | None) -> None:
        key = (tenant, reminder.kind, reminder.subject)
        if self.rows.get(key) != reminder:
            return
        if again_at is None:
            del self.rows[key]
        else:
            self.rows[key] = replace(reminder, due_at=again_at)

    def due_reminders(self, until: Timestamp) -> Iterator[tuple[Tenant, Reminder]]:
        due = [(key[0], row) for key, row in self.rows.items() if row.due_at <= until]
        return iter(sorted(due, key=lambda each: each[1].due_at))

    def due_reminders_of(self, tenant: Tenant, until: Timestamp) -> Iterator[Reminder]:
        return (reminder for whose, reminder in self.due_reminders(until) if whose == tenant)


@dataclass
class InMemoryMerchants:
    """Merchants and keys; `lookups` and `notes` count what was asked about keys."""

    receipts: InMemoryReceipts = field(default_factory=InMemoryReceipts)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    merchants: dict[Tenant, Merchant] = field(default_factory=dict)
    lookups: int = 0
    notes: int = 0
    notes_use: bool = True

    def get_key(self, sha256: str) -> ApiKey | None:
        self.lookups += 1
        return self.keys.get(sha256)

    def add_key(self, key: ApiKey, *, receipt: ReceiptRow | None) -> None:
        self.receipts.add(key.tenant, receipt)
        self.keys[key.sha256] = key

    def put_pass(self, key: ApiKey, *, receipt: ReceiptRow | None) -> None:
        self.receipts.add(key.tenant, receipt)
        assert key.shift is not None
        for name, other in list(self.keys.items()):
            if other.tenant == key.tenant and other.shift and other.shift.shift_id == key.shift.shift_id:
                del self.keys[name]
        self.keys[key.sha256] = key

    def list_keys(self, tenant: Tenant) -> Sequence[ApiKey]:
        return sorted(
            (key for key in self.keys.values() if key.tenant == tenant and key.shift is None),
            key=lambda key: key.created_at,
        )

    def revoke_key(self, tenant: Tenant, key_id: str, *, at: Timestamp) -> None:
        for key in self.list_keys(tenant):
            if key.key_id == key_id:
                self.keys[key.sha256] = replace(key, revoked_at=key.revoked_at or at)
                return
        raise NotFound("There is no such key.")

    def note_use(self, key: ApiKey, day: date) -> None:
        self.notes += 1
        if not self.notes_use:
            raise Upstream("No answer.")
        self.keys[key.sha256] = replace(self.keys[key.sha256], last_used_on=day)

    def get_merchant(self, tenant: Tenant) -> Merchant | None:
        return self.merchants.get(tenant)

    def put_merchant(self, merchant: Merchant) -> None:
        known = self.merchants.get(merchant.tenant)
        self.merchants[merchant.tenant] = replace(merchant, senders=known.senders if known else ())

    def assign_senders(self, tenant: Tenant, senders: Sequence[str]) -> None:
        if tenant not in self.merchants:
            raise NotFound("There is no such merchant.")
        self.merchants[tenant] = replace(self.merchants[tenant], senders=tuple(senders))


@dataclass
class InMemoryRateCounter:
    """One count per key and window; `writes` tells how often it was asked."""

    counts: dict[tuple[str, Timestamp], int] = field(default_factory=dict)
    writes: int = 0

    def add(self, key_id: str, window: Timestamp, requests: int) -> int:
        self.writes += 1
        self.counts[key_id, window] = self.counts.get((key_id, window), 0) + requests
        return self.counts[key_id, window]

    def take(self, name: str, window: Timestamp, caps: Mapping[str, int]) -> str | None:
        self.writes += 1
        counts = {count: (f"{name} {count}", window) for count in caps}
        full = next((count for count, cap in caps.items() if self.counts.get(counts[count], 0) >= cap), None)
        if full is None:
            self.counts |= {counted: self.counts.get(counted, 0) + 1 for counted in counts.values()}
        return full


class InMemoryPasts:
    """What finished days have taught, never older than now."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Tenant, str], Past] = {}

    def past(self, tenant: Tenant, depot: Depot, now: Timestamp) -> Past:
        return self.stored_past(tenant, depot)

    def stored_past(self, tenant: Tenant, depot: Depot) -> Past:
        known = self._kept.get((tenant, depot.depot_id))
        return replace(known, timezone=depot.timezone) if known else Past.none(depot.timezone)

    def save_past(self, tenant: Tenant, depot_id: str, past: Past) -> None:
        known = self._kept.get((tenant, depot_id))
        if (known.version if known else 0) != past.version:
            raise StaleWrite("somebody else learned")
        self._kept[tenant, depot_id] = replace(past, version=past.version + 1)


class _Refusals:
    """The errors of a boto3 client of SSM, by name."""

    class ParameterNotFound(ClientError):
        def __init__(self) -> None:
            super().__init__({"Error": {"Code": "ParameterNotFound", "Message": ""}}, "GetParameter")

    class ParameterAlreadyExists(ClientError):
        def __init__(self) -> None:
            super().__init__({"Error": {"Code": "ParameterAlreadyExists", "Message": ""}}, "PutParameter")


@dataclass
class FakeParameters:
    """A boto3 client of SSM, as far as it is used.

    Attributes
    ----------
    answers
        Whether it does; set it to False for an outage.
    reads
        How often a parameter was asked for.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    kept: dict[str, tuple[str, int, Timestamp]] = field(default_factory=dict)
    answers: bool = True
    reads: int = 0
    exceptions = _Refusals

    @staticmethod
    def with_secrets(stack: str, clock: FakeClock | None = None) -> "FakeParameters":
        """Parameters of a stack that was just set up."""
        parameters = FakeParameters(clock or FakeClock())
        Vault(parameters, stack).make(A_TWILIO_ACCOUNT, now=parameters.clock.at)
        return parameters

    def get_parameter(self, *, Name: str, WithDecryption: bool) -> dict[str, Any]:
        assert WithDecryption, "what is encrypted would come back encrypted"
        self.reads += 1
        if not self.answers:
            raise EndpointConnectionError(endpoint_url="https://ssm.example")
        if Name not in self.kept:
            raise _Refusals.ParameterNotFound
        text, version, at = self.kept[Name]
        changed = datetime.fromtimestamp(at, UTC)
        return {"Parameter": {"Name": Name, "Value": text, "Version": version, "LastModifiedDate": changed}}

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> dict[str, Any]:
        assert Type == "SecureString"
        if Name in self.kept and not Overwrite:
            raise _Refusals.ParameterAlreadyExists
        version = self.kept[Name][1] + 1 if Name in self.kept else 1
        self.kept[Name] = (Value, version, self.clock.at)
        return {"Version": version}


A_TWILIO_ACCOUNT = TwilioAccount(
    account_sid="AC" + "0" * 32, auth_tokens=("a-token-of-the-tests",), sender="+15005550006"
)
