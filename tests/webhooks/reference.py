"""A receiver's own check of what it gets, written from the text of Standard Webhooks 1.0 and nothing else."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

TOLERANCE_SECONDS = 300


class Unverified(Exception):
    """Somebody else sent this, or it was changed on its way, or it is old."""


def verified(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> dict[str, Any]:
    """The payload of a webhook, if it is one; header names in whatever case."""
    given = {name.lower(): text for name, text in headers.items()}
    try:
        identity, timestamp = given["webhook-id"], given["webhook-timestamp"]
        signatures = given["webhook-signature"]
    except KeyError as missing:
        raise Unverified(f"no {missing}") from None
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise Unverified("not of now")
    if not secret.startswith("whsec_"):
        raise Unverified("no secret")
    key = base64.b64decode(secret[len("whsec_") :], validate=True)
    content = b".".join([identity.encode(), timestamp.encode(), body])
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    for signature in signatures.split(" "):
        version, _, text = signature.partition(",")
        if version == "v1" and hmac.compare_digest(text, expected):
            payload: dict[str, Any] = json.loads(body)
            return payload
    raise Unverified("no signature of ours")
