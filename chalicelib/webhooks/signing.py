"""Standard Webhooks 1.0: what is signed, how, and under which names it is sent.

Signed are id, timestamp and body, joined by dots, with HMAC-SHA-256. Several secrets make several signatures
in one header, of which a receiver needs to know one: so secrets are exchanged without a gap.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable
from typing import Final

from chalicelib.units import Timestamp

SECRET_BYTES: Final = 32  # 24 to 64 are allowed
_PREFIX: Final = "whsec_"


def secret_text(secret: bytes) -> str:
    """Spell a secret as its owner gets it: `whsec_` and base64."""
    return _PREFIX + b64encode(secret).decode()


def signature(secret: bytes, *, event_id: str, timestamp: Timestamp, body: bytes) -> str:
    """Sign one POST: `v1,` and base64."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(secret, signed, "sha256")).decode()


def signed_headers(
    secrets: Iterable[bytes], *, event_id: str, timestamp: Timestamp, body: bytes
) -> dict[str, str]:
    """The headers by which a receiver knows who sent this, when, and whether it has it already.

    Parameters
    ----------
    timestamp
        When it is sent, by the system's clock: receivers refuse what is minutes old.
    """
    signatures = [signature(each, event_id=event_id, timestamp=timestamp, body=body) for each in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
