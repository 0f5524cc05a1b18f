"""Merchants and the keys that speak for them.

A key looks like `slk_test_sk_` + 27 base-62 digits (160 random bits) + 6 digits of CRC-32 over all before it,
so that a typing error and a scanner's false alarm are found without asking anybody. Only its SHA-256 is kept:
with 160 random bits a slow hash would add cost and no safety.
"""

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Flag, StrEnum, auto
from hashlib import sha256

from chalicelib.events import Mode, Tenant
from chalicelib.fleet.model import Driver
from chalicelib.fleet.plans import PlanKey
from chalicelib.units import Timestamp

CHANGE_CUTOFF_MINUTES = 120  # where a merchant says nothing else
RANDOM_BYTES = 20  # 160 bits
_RANDOM_DIGITS = 27  # 62 ** 27 > 2 ** 160
_CHECK_DIGITS = 6  # 62 ** 6 > 2 ** 32
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# E.164, a short code or a messaging service. No name: nobody can reply to one, and texts ask for replies.
SENDER_PATTERN = r"^(\+[1-9][0-9]{6,14}|[0-9]{5,6}|MG[0-9a-f]{32})$"
_KEY = re.compile(r"(slk_(?:test|live)_(?:sk|pk|dt)_[0-9A-Za-z]{27})([0-9A-Za-z]{6})", re.ASCII)


class Scope(Flag):
    """What a key may do; a key holds any set of these, and none implies another."""

    CHECKOUT = auto()
    OPS = auto()
    DRIVER = auto()
    ADMIN = auto()

    @property
    def names(self) -> list[str]:
        """The set as it stands on the wire and in the store."""
        return [str(scope.name).lower() for scope in self]

    @staticmethod
    def of(names: Iterable[str]) -> "Scope":
        """Read a set back from its names; `KeyError` for a name that is none."""
        scopes = Scope(0)
        for name in names:
            scopes |= Scope[name.upper()]
        return scopes


ALL_SCOPES = Scope.CHECKOUT | Scope.OPS | Scope.DRIVER | Scope.ADMIN


class KeyType(StrEnum):
    """Where a key lives: on a server, or in everybody's browser."""

    SECRET = "secret"
    PUBLISHABLE = "publishable"
    DRIVER = "driver"  # on a driver's phone, for one shift


_TYPE_MARK = {KeyType.SECRET: "sk", KeyType.PUBLISHABLE: "pk", KeyType.DRIVER: "dt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftPass:
    """The one shift a driver's key opens.

    Attributes
    ----------
    place
        The plan its route is in: with it nobody need look for the shift.
    driver
        Who it was given to, hashed (`driver_mark`): the key of a driver who was replaced opens nothing.
    """

    shift_id: str
    place: PlanKey
    driver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as we keep it: everything except the key itself.

    Attributes
    ----------
    sha256
        Hash of the key's text, under which it is found.
    last4
        Its last four characters, so that a person can tell two keys apart.
    origins
        Web origins whose pages may read the answers (CORS); publishable keys only.
    last_used_on
        The last day (UTC) on which it opened something.
    shift
        The only shift it is for; driver keys have one, no others.
    """

    key_id: str
    tenant: Tenant
    type: KeyType
    scopes: Scope
    origins: tuple[str, ...]
    sha256: str
    last4: str
    created_at: Timestamp
    expires_at: Timestamp | None = None
    revoked_at: Timestamp | None = None
    last_used_on: date | None = None
    shift: ShiftPass | None = None

    def opens_at(self, now: Timestamp) -> bool:
        """Whether the key is good at this moment of system time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key just made, with the text that is shown this once."""

    key: ApiKey
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Local wall times (`HH:MM`) between which nobody is texted; they may span midnight."""

    starts: str
    ends: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """A merchant's settings in one of its two worlds.

    Attributes
    ----------
    brand
        The name that opens every text to a buyer.
    support_phone
        Where buyers may call, E.164.
    origins
        Web origins a new publishable key lists unless told otherwise.
    locales
        Languages for texts, the first is the default.
    sender
        Number or messaging service that texts should come from; None: the deployment's own.
    sms_countries
        Countries whose numbers are texted, as ISO 3166-1 has them; None: the one a delivery is made in.
    change_cutoff_minutes
        Up to how long before its van is expected a delivery that is loaded may still leave its place.
    texting
        Whether buyers are texted at all.
    senders
        What the operator lets it text from: settings choose one of these and cannot change them.
    """

    tenant: Tenant
    brand: str
    support_phone: str | None = None
    origins: tuple[str, ...] = ()
    locales: tuple[str, ...] = ("en",)
    sender: str | None = None
    sms_countries: tuple[str, ...] | None = None
    quiet_hours: QuietHours | None = QuietHours(starts="21:00", ends="08:00")
    change_cutoff_minutes: int = CHANGE_CUTOFF_MINUTES
    texting: bool = True
    senders: tuple[str, ...] = ()

    @property
    def texts_from(self) -> str | None:
        """Its sender for as long as the operator lets it have that; None: the deployment's own."""
        return self.sender if self.sender in self.senders else None


def key_text(*, mode: Mode, type: KeyType, random: bytes) -> str:
    """Spell a key from `RANDOM_BYTES` random bytes."""
    number = int.from_bytes(random)
    head = f"slk_{mode}_{_TYPE_MARK[type]}_{_base62(number, _RANDOM_DIGITS)}"
    return head + _base62(zlib.crc32(head.encode()), _CHECK_DIGITS)


def is_well_formed(text: str) -> bool:
    """Whether this is spelled like a key of ours and its check digits agree; asks nobody."""
    parts = _KEY.fullmatch(text)
    return parts is not None and _base62(zlib.crc32(parts[1].encode()), _CHECK_DIGITS) == parts[2]


def mode_of(text: str) -> Mode:
    """Which world a well-formed key is of."""
    return Mode(text.split("_", 2)[1])


def key_hash(text: str) -> str:
    """Name under which a key is stored; any text has one."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def driver_mark(driver: Driver | None) -> str:
    """Tell one driver from another without keeping who it is."""
    told = f"{driver.name}\n{driver.phone}" if driver else ""
    return sha256(told.encode()).hexdigest()[:32]


def short_id(prefix: str, random: bytes) -> str:
    """Spell an id such as `key_8hZ…` from random bytes."""
    return f"{prefix}_{_base62(int.from_bytes(random), -(-len(random) * 8 * 100 // 595))}"


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
