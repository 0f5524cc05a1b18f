"""Seals what we hand out and must recognise later: offers, cursors, receipts, tokens.

AES-SIV (RFC 5297) encrypts and authenticates without a nonce: the same content gives the same token, which is
what makes the same search give the same answer. It reveals only that two tokens are equal. A token says in
its first byte which key sealed it, so keys rotate: the first seals, all of them open. For a token that none
of them opens they are looked up once more: another process may have learned of a new key before us.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Iterator, Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from chalicelib.adapters.secrets import KEY_BYTES, Fixed, Parameter
from chalicelib.errors import BadToken
from chalicelib.units import DAY, Seconds

# How long a secret is kept after the last it sealed: a receipt is good for a day, DynamoDB deletes it up to
# two days later, and somebody may come back to a list.
KEPT_AFTER_USE: Seconds = 7 * DAY
_LONGEST = 16_384  # characters of a token we look at; ours are far shorter


class Sealer:
    """Seals and opens, each for one purpose.

    Parameters
    ----------
    secrets
        At least `KEY_BYTES` each; the first one seals, all of them open. Or where to look them up.

    Raises
    ------
    ValueError
        If there is no secret or one is too short.
    """

    def __init__(self, secrets: Sequence[bytes] | Parameter[Sequence[bytes]]) -> None:
        if isinstance(secrets, Sequence):
            if not secrets or min(map(len, secrets)) < KEY_BYTES:
                raise ValueError(f"sealing needs secrets of at least {KEY_BYTES} bytes")
            secrets = Fixed(secrets)
        self._secrets: Parameter[Sequence[bytes]] = secrets
        self._rings: dict[bytes, _Ring] = {}

    def seal(self, purpose: str, payload: bytes) -> str:
        """Make an unreadable, unforgeable text of `payload`, the same each time, safe in a URL.

        Parameters
        ----------
        purpose
            What it is for and whom it binds, such as `offer/acme.test`; opening needs the very same.
        """
        return urlsafe_b64encode(self.seal_bytes(purpose, payload)).rstrip(b"=").decode()

    def unseal(self, purpose: str, token: str) -> bytes:
        """Give back what `seal` was given.

        Raises
        ------
        BadToken
            If we did not seal it for this purpose, or one bit of it was changed.
        """
        if len(token) > _LONGEST:
            raise BadToken("The token is not one of ours.")
        try:
            sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (BadBase64, ValueError):
            raise BadToken("The token is not one of ours.") from None
        # base64 has several spellings of the same bytes; only ours counts as unedited
        if urlsafe_b64encode(sealed).rstrip(b"=") != token.encode():
            raise BadToken("The token is not one of ours.")
        return self.unseal_bytes(purpose, sealed)

    def seal_bytes(self, purpose: str, payload: bytes) -> bytes:
        """As `seal`, for a binary attribute."""
        ring = self._ring(self._secrets.current()[0])
        return ring.mark + ring.siv.encrypt(payload, [purpose.encode()])

    def unseal_bytes(self, purpose: str, sealed: bytes) -> bytes:
        """As `unseal`, for a binary attribute."""
        for ring in self._candidates():
            if sealed[:1] == ring.mark:
                try:
                    return ring.siv.decrypt(sealed[1:], [purpose.encode()])
                except (InvalidTag, ValueError):
                    continue  # two secrets may share a mark
        raise BadToken("The token is not one of ours.")

    def derive(self, purpose: str, text: str) -> str:
        """Derive a token of 128 bits that only we can derive, to hand out beside an id that is public."""
        return self._ring(self._secrets.current()[0]).derive(purpose, text)

    def derivations(self, purpose: str, text: str) -> list[str]:
        """All that `derive` ever gave, or gives, with the secrets in force; that of today first."""
        return [self._ring(secret).derive(purpose, text) for secret in self._secrets.current()]

    def is_derived(self, purpose: str, text: str, token: str) -> bool:
        """Whether `derive` gave this token, with any of our secrets; each comparison takes constant time."""
        presented = token.encode("utf-8", "replace")
        return any(
            hmac.compare_digest(ring.derive(purpose, text).encode(), presented) for ring in self._candidates()
        )

    def _candidates(self) -> Iterator["_Ring"]:
        """All that may open something: first what we know, then what there is to learn."""
        known = self._secrets.current()
        yield from map(self._ring, known)
        yield from (self._ring(secret) for secret in self._secrets.renewed() if secret not in known)

    def _ring(self, secret: bytes) -> "_Ring":
        if secret not in self._rings:
            self._rings[secret] = _Ring(secret)
        return self._rings[secret]


class _Ring:
    """The keys that come of one secret."""

    def __init__(self, secret: bytes) -> None:
        self.siv = AESSIV(_subkey(secret, "siv-1") + _subkey(secret, "siv-2"))
        self.mark = _subkey(secret, "mark")[:1]
        self._hmac_key = _subkey(secret, "derive")

    def derive(self, purpose: str, text: str) -> str:
        digest = hmac.digest(self._hmac_key, f"{purpose}\n{text}".encode(), "sha256")
        return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def _subkey(secret: bytes, use: str) -> bytes:
    return hmac.digest(secret, use.encode(), sha256)
