"""Whether a webhook comes from Twilio: HMAC-SHA1 of its address and form under the account's token.

Twilio's own validator does the same, but to import it takes longer than all the rest of such a request
(0.2 s); tests hold the two together. The address is the one we gave out, never what a request says of itself.
Twilio signs it with or without the port, so both are good. Weak point, Twilio's own: names and values are
signed without anything between them, so `A=BC` passes for `AB=C`; whoever uses a field checks its shape.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urlsplit

MOST_FIELDS = 200  # Twilio sends some thirty
_PORTS = {"https": 443, "http": 80}

type Form = Sequence[tuple[str, str]]
"""Names and values as they were sent: blank ones and repetitions are signed, too."""


def read_form(raw: bytes) -> Form | None:
    """Read a form; None if it is none, or has more fields than Twilio would send.

    Notes
    -----
    Fields are counted before any is read, so a form of ten thousand costs next to nothing.
    """
    try:
        return parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except ValueError:
        return None


def signature_of(url: str, form: Form, token: str) -> str:
    """Compute the signature Twilio would send along."""
    signed = url + "".join(name + value for name, value in sorted(set(form)))
    return b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def is_signed(url: str, form: Form, signature: str, tokens: Iterable[str]) -> bool:
    """Whether any of the tokens signed this; each comparison takes constant time."""
    presented = signature.encode("utf-8", "replace")
    return any(
        hmac.compare_digest(signature_of(spelled, form, token).encode(), presented)
        for token in tokens
        for spelled in _spellings(url)
    )


def _spellings(url: str) -> tuple[str, ...]:
    """An address without its port, and with it."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    bare = parts._replace(netloc=str(host)).geturl()
    port = parts.port or _PORTS.get(parts.scheme, 443)
    return bare, parts._replace(netloc=f"{host}:{port}").geturl()
