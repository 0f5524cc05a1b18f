"""The stack's secrets, read from SSM when they are first needed and again when they are some seconds old.

Three parameters, each JSON and encrypted: `{path}/sealing-keys`, `{path}/twilio` and `{path}/number-keys`
(`infra.secrets` writes them). A key says from when on it seals, so a rotation is one write: whoever has read
it opens with the new key at once, and seals with it only when everybody has read it. When SSM does not
answer, or somebody wrote nonsense, what was read before goes on: an old secret is better than a refused
order. Weak point: that goes on for as long as the process lives.

One `GetParameter` for each and not `GetParametersByPath`: a function may then be allowed the one it uses, and
a raised quota is 10,000 a second instead of 100. Ages are told by the system's clock because a monotonic one
stands still while a snapshot of the process sleeps.
"""

import json
import logging
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Upstream
from chalicelib.units import Clock, Seconds, Timestamp

SEALING_KEYS = "sealing-keys"
TWILIO = "twilio"
NUMBER_KEYS = "number-keys"
KEY_BYTES = 32  # of a sealing secret, at least
RENEWED_AT_MOST_EVERY: Seconds = 5  # so that a flood of forged tokens is not a flood of calls to SSM
_log = logging.getLogger("slotkeeper")  # the log of the process, written as JSON


class BadSecret(ValueError):
    """A parameter is not what it should be; the message names it and never its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKey:
    """A secret that seals from `seals_at` on, until a later one does; it opens for as long as it is kept."""

    secret: bytes = field(repr=False)
    seals_at: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioAccount:
    """What Twilio knows us by.

    Attributes
    ----------
    auth_tokens
        The newest first. Requests are tried with one after the other, and a signature by any of them is good.
    sender
        E.164 number or messaging service that texts come from.
    """

    account_sid: str
    auth_tokens: tuple[str, ...] = field(repr=False)
    sender: str


class Parameter[T](Protocol):
    """A secret that may be another one a minute later."""

    def current(self) -> T:
        """What it was when it was last read."""
        ...

    def renewed(self) -> T:
        """What it is now, as far as that may be asked: for whom the current one did not do."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed[T]:
    """A secret that stays what it is."""

    value: T

    def current(self) -> T:
        """The value."""
        return self.value

    def renewed(self) -> T:
        """The same."""
        return self.value


class Secrets:
    """The secrets of one stack.

    Parameters
    ----------
    client
        Gives a boto3 client of SSM; called once, when something is first read.
    path
        Where the stack's parameters are, such as `/slotkeeper-live`.
    fresh_for
        How long a secret is used before it is looked at again, in seconds.
    """

    def __init__(self, client: Callable[[], Any], *, path: str, clock: Clock, fresh_for: Seconds) -> None:
        self._client, self._clock = client, clock
        self.sealing = SealingSecrets(self._kept(path, SEALING_KEYS, sealing_keys, fresh_for), clock)
        self.twilio: Parameter[TwilioAccount] = self._kept(path, TWILIO, twilio_account, fresh_for)
        self.numbers: Parameter[Sequence[bytes]] = self._kept(path, NUMBER_KEYS, number_keys, fresh_for)

    def connect(self) -> None:
        """Make the client, without asking it anything."""
        client = self._client()
        self._client = lambda: client

    def disconnect(self) -> None:
        """Close the connections of the client; the next secret that is read makes a new one."""
        self._client().close()

    def _kept[T](self, path: str, name: str, parse: Callable[[str], T], fresh_for: Seconds) -> "_Kept[T]":
        return _Kept(self._read, f"{path}/{name}", parse, clock=self._clock, fresh_for=fresh_for)

    def _read(self, name: str) -> str:
        self.connect()
        return str(self._client().get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])


@dataclass(frozen=True, slots=True)
class SealingSecrets:
    """The sealing secrets in the order in which they are used now: the first one seals."""

    keys: Parameter[Sequence[SealingKey]]
    clock: Clock

    def current(self) -> Sequence[bytes]:
        """As last read."""
        return in_order(self.keys.current(), self.clock.system_now())

    def renewed(self) -> Sequence[bytes]:
        """Read again, if that was not done just now."""
        return in_order(self.keys.renewed(), self.clock.system_now())


def in_order(keys: Sequence[SealingKey], now: Timestamp) -> Sequence[bytes]:
    """Sort secrets: the one that seals, then those that did, latest first, then those that will."""
    return [key.secret for key in sorted(keys, key=lambda key: (key.seals_at > now, abs(now - key.seals_at)))]


class _Kept[T]:
    """One parameter as last read. Threads that find it too old at once may each read it: none is harmed."""

    def __init__(
        self,
        read: Callable[[str], str],
        name: str,
        parse: Callable[[str], T],
        *,
        clock: Clock,
        fresh_for: Seconds,
    ) -> None:
        self._read, self._name, self._parse = read, name, parse
        self._clock, self._fresh_for = clock, fresh_for
        self._found: list[T] = []  # the value, once there is one
        self._asked_at: Timestamp = 0
        self._answered = True

    def current(self) -> T:
        """The value, read again when it is too old.

        Raises
        ------
        Upstream
            It was never read, and cannot be now.
        """
        return self._unless_younger_than(self._fresh_for)

    def renewed(self) -> T:
        """The value, read again unless that was just done or SSM does not answer."""
        return self._unless_younger_than(RENEWED_AT_MOST_EVERY if self._answered else self._fresh_for)

    def _unless_younger_than(self, age: Seconds) -> T:
        now = self._clock.system_now()
        if self._found and self._asked_at <= now < self._asked_at + age:
            return self._found[0]
        self._asked_at = now
        try:
            self._found = [self._parse(self._read(self._name))]
            self._answered = True
        except (ClientError, BotoCoreError, BadSecret) as error:
            self._answered = False
            _log.error("%s cannot be used: %s", self._name, _why(error))
            if not self._found:
                raise Upstream("Our own secrets cannot be read.") from error
        return self._found[0]


def _why(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return str(error) if isinstance(error, BadSecret) else type(error).__name__


def sealing_keys(text: str) -> tuple[SealingKey, ...]:
    """Read what `{path}/sealing-keys` holds: `{"keys": [{"secret": base64, "seals_at": RFC 3339}]}`.

    Raises
    ------
    BadSecret
        It is something else, or a secret is short or there twice.
    """
    listed = _members(text, {"keys"})["keys"]
    if not isinstance(listed, list) or not listed:
        raise BadSecret("keys must be a list with at least one key")
    keys = tuple(_sealing_key(one) for one in listed)
    if len({key.secret for key in keys}) < len(keys):
        raise BadSecret("the same key is there twice")
    return keys


def _sealing_key(one: object) -> SealingKey:
    told = _strings(one, {"secret", "seals_at"})
    try:
        secret = b64decode(told["secret"], validate=True)
        seals_at = datetime.fromisoformat(told["seals_at"])
    except ValueError:
        raise BadSecret("secret must be base64, seals_at a time") from None
    if len(secret) < KEY_BYTES:
        raise BadSecret(f"a secret must have {KEY_BYTES} bytes at least")
    if seals_at.tzinfo is None:
        raise BadSecret("seals_at must have an offset")
    return SealingKey(secret=secret, seals_at=int(seals_at.timestamp()))


def number_keys(text: str) -> tuple[bytes, ...]:
    """Read what `{path}/number-keys` holds: `{"keys": [base64]}`, the one in use first.

    Raises
    ------
    BadSecret
        It is something else, or a key is short.
    """
    listed = _members(text, {"keys"})["keys"]
    if not isinstance(listed, list) or not listed or not all(isinstance(one, str) for one in listed):
        raise BadSecret("keys must be a list with at least one key")
    try:
        keys = tuple(b64decode(one, validate=True) for one in listed)
    except ValueError:
        raise BadSecret("a key must be base64") from None
    if min(map(len, keys)) < KEY_BYTES:
        raise BadSecret(f"a key must have {KEY_BYTES} bytes at least")
    return keys


def twilio_account(text: str) -> TwilioAccount:
    """Read what `{path}/twilio` holds: `{"account_sid": …, "auth_tokens": […], "from": …}`.

    Raises
    ------
    BadSecret
        It is something else.
    """
    told = _members(text, {"account_sid", "auth_tokens", "from"})
    tokens = told.pop("auth_tokens")
    if not isinstance(tokens, list) or not tokens:
        raise BadSecret("auth_tokens must be a list with at least one token")
    if not all(isinstance(token, str) and token for token in tokens):
        raise BadSecret("auth_tokens must be strings")
    strings = _strings(told, {"account_sid", "from"})
    return TwilioAccount(
        account_sid=strings["account_sid"], auth_tokens=tuple(tokens), sender=strings["from"]
    )


def _strings(told: object, names: set[str]) -> Mapping[str, str]:
    if not isinstance(told, dict) or told.keys() != names:
        raise BadSecret(f"expected exactly {', '.join(sorted(names))}")
    if not all(isinstance(text, str) and text for text in told.values()):
        raise BadSecret(f"{', '.join(sorted(names))} must be strings")
    return told


def _members(text: str, names: set[str]) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        raise BadSecret("it must be JSON") from None
    if not isinstance(told, dict) or told.keys() != names:
        raise BadSecret(f"expected exactly {', '.join(sorted(names))}")
    return told
