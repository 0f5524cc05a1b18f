"""Makes, rotates and shows a stack's secrets in SSM; nothing but new secrets is ever read from a person.

    python -m infra.secrets slotkeeper-live init --account-sid AC… --sender +1…    the token comes on stdin
    python -m infra.secrets slotkeeper-live rotate sealing
    python -m infra.secrets slotkeeper-live rotate twilio                          the token comes on stdin
    python -m infra.secrets slotkeeper-live rotate numbers                         and later: --first
    python -m infra.secrets slotkeeper-live show

A rotation is one write and can be left alone. A new sealing key opens at once and seals only when every
process has read it; an old one is dropped by a later rotation, when nothing it sealed can still come back.
The keys of numbers stay for ever: by them it is known who wants no texts. A new one takes two steps: first
everybody looks with it, then everybody writes with it.
Weak point: SSM has no conditional write, so of two people who rotate at once one is told to look again.
"""

import argparse
import getpass
import json
import os
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from secrets import token_bytes
from time import time
from typing import Any, Final

from chalicelib.adapters.sealing import KEPT_AFTER_USE
from chalicelib.adapters.secrets import (
    KEY_BYTES,
    NUMBER_KEYS,
    SEALING_KEYS,
    TWILIO,
    BadSecret,
    SealingKey,
    TwilioAccount,
    number_keys,
    sealing_keys,
    twilio_account,
)
from chalicelib.settings import LONGEST_SECRETS_SECONDS
from chalicelib.units import Seconds, Timestamp, iso_utc

# Every process that can read has read by then, whatever its SECRETS_SECONDS, and twice more if SSM stuttered.
LEAD: Final[Seconds] = 3 * LONGEST_SECRETS_SECONDS
_MOST_KEYS: Final = 20  # a parameter has 4 KB
_TOKENS: Final = 2  # Twilio knows a primary and a secondary one


class Refused(Exception):
    """What was asked would do harm, or cannot be done; the message says why, and holds no secret."""


def first_keys(now: Timestamp) -> tuple[SealingKey, ...]:
    """Return what a new stack seals with."""
    return (SealingKey(secret=token_bytes(KEY_BYTES), seals_at=now),)


def next_keys(keys: Sequence[SealingKey], now: Timestamp, *, lead: Seconds = LEAD) -> tuple[SealingKey, ...]:
    """Return keys with a new one that seals after `lead`, and without those that nothing needs any more.

    Raises
    ------
    Refused
        If the last rotation is still under way, or there are too many keys.
    """
    ordered = sorted(keys, key=lambda key: key.seals_at)
    if ordered[-1].seals_at > now:
        raise Refused(f"The newest key seals from {iso_utc(ordered[-1].seals_at)} on; rotate after that.")
    kept = [key for key, after in pairwise(ordered) if after.seals_at + KEPT_AFTER_USE > now]
    if len(kept) + 2 > _MOST_KEYS:
        raise Refused(f"There are {len(keys)} keys already, each of them still needed.")
    return (*kept, ordered[-1], SealingKey(secret=token_bytes(KEY_BYTES), seals_at=now + lead))


def next_account(account: TwilioAccount, token: str) -> TwilioAccount:
    """Return an account with a new token before the one that was first.

    Raises
    ------
    Refused
        If it is the one that is used already.
    """
    if token == account.auth_tokens[0]:
        raise Refused("This token is the one in use.")
    tokens = (token, *(old for old in account.auth_tokens if old != token))[:_TOKENS]
    return TwilioAccount(account_sid=account.account_sid, auth_tokens=tokens, sender=account.sender)


def keys_text(keys: Sequence[SealingKey]) -> str:
    """Write keys as `adapters.secrets.sealing_keys` reads them."""
    listed = [{"secret": b64encode(key.secret).decode(), "seals_at": iso_utc(key.seals_at)} for key in keys]
    return json.dumps({"keys": listed})


def account_text(account: TwilioAccount) -> str:
    """Write an account as `adapters.secrets.twilio_account` reads it."""
    told = {
        "account_sid": account.account_sid,
        "auth_tokens": list(account.auth_tokens),
        "from": account.sender,
    }
    return json.dumps(told)


def numbers_text(keys: Sequence[bytes]) -> str:
    """Write keys as `adapters.secrets.number_keys` reads them."""
    return json.dumps({"keys": [b64encode(key).decode() for key in keys]})


@dataclass(frozen=True, slots=True)
class Vault:
    """The parameters of one stack.

    Parameters
    ----------
    client
        A boto3 client of SSM.
    """

    client: Any
    stack: str

    @property
    def path(self) -> str:
        """What SECRETS_PATH is in this stack."""
        return f"/{self.stack}"

    def make(self, account: TwilioAccount, *, now: Timestamp) -> None:
        """Put the parameters where there are none; one that is there stays as it is.

        Raises
        ------
        Refused
            If all are: a new one would be lost, or what the old one sealed.
        """
        there = []
        made = {
            SEALING_KEYS: keys_text(first_keys(now)),
            TWILIO: account_text(account),
            NUMBER_KEYS: numbers_text([token_bytes(KEY_BYTES)]),
        }
        for name, text in made.items():
            try:
                self._put(name, text, overwrite=False)
            except self.client.exceptions.ParameterAlreadyExists:
                there.append(f"{self.path}/{name}")
        if len(there) == len(made):
            raise Refused(f"{' and '.join(there)} exist; rotate them.")

    def rotate_sealing(self, *, now: Timestamp, lead: Seconds = LEAD) -> Timestamp:
        """Add a sealing key; gives the moment from which on it seals."""
        text, version = self._get(SEALING_KEYS)
        self._replace(SEALING_KEYS, keys_text(next_keys(sealing_keys(text), now, lead=lead)), version)
        return now + lead

    def replace_leaked(self, *, now: Timestamp) -> None:
        """Put one new sealing key in the place of all: whatever was sealed is void within a minute."""
        _, version = self._get(SEALING_KEYS)
        self._replace(SEALING_KEYS, keys_text(first_keys(now)), version)

    def rotate_twilio(self, token: str) -> None:
        """Put a new auth token before the one in use; Twilio must accept both until everybody has read it."""
        text, version = self._get(TWILIO)
        self._replace(TWILIO, account_text(next_account(twilio_account(text), token)), version)

    def add_number_key(self) -> None:
        """Put a new key of numbers behind those there are: everybody looks with it, nobody writes with it."""
        text, version = self._get(NUMBER_KEYS)
        self._replace(NUMBER_KEYS, numbers_text([*number_keys(text), token_bytes(KEY_BYTES)]), version)

    def use_number_key(self, *, now: Timestamp, lead: Seconds = LEAD) -> None:
        """Put the last key of numbers first: from now on it seals and marks, and all others are looked with.

        Raises
        ------
        Refused
            It is the only one, or so new that a process may not have read it: that one would not know who
            said STOP to another.
        """
        text, version = self._get(NUMBER_KEYS)
        *others, last = number_keys(text)
        if not others:
            raise Refused("There is one key; add another first.")
        ready = self._changed_at(NUMBER_KEYS) + lead
        if now < ready:
            raise Refused(f"Not all have read it; put it first from {iso_utc(ready)} on.")
        self._replace(NUMBER_KEYS, numbers_text([last, *others]), version)

    def told(self, now: Timestamp) -> Iterator[str]:
        """Yield a line on each secret: what it does and since when."""
        keys = sealing_keys(self._get(SEALING_KEYS)[0])
        newest = max((key.seals_at for key in keys if key.seals_at <= now), default=None)
        for key in sorted(keys, key=lambda key: key.seals_at):
            role = "seals" if key.seals_at == newest else "opens" if key.seals_at <= now else "will seal"
            yield f"{self.path}/{SEALING_KEYS}  {role} from {iso_utc(key.seals_at)}"
        tokens = len(twilio_account(self._get(TWILIO)[0]).auth_tokens)
        changed = iso_utc(self._changed_at(TWILIO))
        yield f"{self.path}/{TWILIO}  {tokens} auth token{'s' * (tokens > 1)} since {changed}"
        numbers = len(number_keys(self._get(NUMBER_KEYS)[0]))
        yield f"{self.path}/{NUMBER_KEYS}  {numbers} key{'s' * (numbers > 1)}"

    def _get(self, name: str) -> tuple[str, int]:
        try:
            found = self.client.get_parameter(Name=f"{self.path}/{name}", WithDecryption=True)["Parameter"]
        except self.client.exceptions.ParameterNotFound:
            raise Refused(f"{self.path}/{name} does not exist; `init` makes it.") from None
        return found["Value"], found["Version"]

    def _changed_at(self, name: str) -> Timestamp:
        found = self.client.get_parameter(Name=f"{self.path}/{name}", WithDecryption=True)["Parameter"]
        return int(found["LastModifiedDate"].timestamp())

    def _replace(self, name: str, text: str, version: int) -> None:
        if self._put(name, text, overwrite=True) != version + 1:
            raise Refused(f"Somebody else wrote {self.path}/{name} at the same time; look with `show`.")

    def _put(self, name: str, text: str, *, overwrite: bool) -> int:
        put = self.client.put_parameter(
            Name=f"{self.path}/{name}", Value=text, Type="SecureString", Overwrite=overwrite
        )
        return int(put["Version"])


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Do one thing; gives the exit status."""
    import boto3

    given = _parser().parse_args(arguments)
    vault = Vault(boto3.client("ssm", region_name=environ.get("AWS_DEFAULT_REGION")), given.stack)
    now = int(time())
    try:
        match given.command, getattr(given, "what", None):
            case "init", _:
                account = TwilioAccount(
                    account_sid=given.account_sid, auth_tokens=(_token(),), sender=given.sender
                )
                vault.make(account, now=now)
            case "rotate", "sealing" if given.leaked:
                vault.replace_leaked(now=now)
                print("Whatever was sealed before is void: offers, hold tokens, cursors, receipts.")
            case "rotate", "sealing":
                print(f"The new key opens now and seals from {iso_utc(vault.rotate_sealing(now=now))} on.")
            case "rotate", "twilio":
                vault.rotate_twilio(_token())
                print(f"Promote it at Twilio after {iso_utc(now + LEAD)}, not before: then all have read it.")
            case "rotate", "numbers" if given.first:
                vault.use_number_key(now=now)
                print("The new key seals and marks; all others stay, and are looked with.")
            case "rotate", "numbers":
                vault.add_number_key()
                print(f"The new key is looked with. Put it first from {iso_utc(now + LEAD)} on: `--first`.")
        print("\n".join(vault.told(now)))
    except (Refused, BadSecret) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.secrets", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("stack", help="name of the stack, such as slotkeeper-live")
    commands = parser.add_subparsers(dest="command", required=True)
    init = commands.add_parser("init", help="make them where there are none")
    init.add_argument("--account-sid", required=True)
    init.add_argument("--sender", required=True, help="E.164 number or messaging service")
    rotate = commands.add_parser("rotate", help="replace one, without refusing anybody")
    rotated = rotate.add_subparsers(dest="what", required=True)
    sealing = rotated.add_parser("sealing")
    sealing.add_argument("--leaked", action="store_true", help="at once, and what was sealed is void")
    rotated.add_parser("twilio", help="the new token comes on stdin")
    numbers = rotated.add_parser("numbers")
    numbers.add_argument("--first", action="store_true", help="the second step: write with the new key")
    commands.add_parser("show", help="what there is and since when; no values")
    return parser


def _token() -> str:
    token = getpass.getpass("Auth token: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not token.strip():
        raise Refused("There is no token on stdin.")
    return token.strip()


if __name__ == "__main__":
    sys.exit(main())
