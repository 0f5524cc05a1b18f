"""What we sign, a receiver that knows the standard and nothing of us verifies."""

import base64
from dataclasses import replace

import pytest

from chalicelib.webhooks.signing import secret_text, signature, signed_headers
from tests.fakes_webhooks import Posted
from tests.webhooks.reference import Unverified, verified

NOW = 1_795_000_000
SECRET, OTHER = bytes(range(32)), bytes(range(32, 64))
BODY = '{"type":"promise.confirmed","data":{"note":"Größe"}}'.encode()


def a_post(*secrets: bytes) -> Posted:
    headers = signed_headers(secrets, event_id="evt_1", timestamp=NOW, body=BODY)
    return Posted(url="", headers=headers, body=BODY)


def check(post: Posted, secret: bytes = SECRET, now: int = NOW) -> object:
    return verified(secret_text(secret), post.headers, post.body, now=now)


def test_signature_is_the_one_of_the_standards_own_example() -> None:
    """The vector of the reference libraries: id, timestamp and payload as they have them."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    told = signature(secret, event_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=body)
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_receiver_verifies_what_we_sent() -> None:
    """With the secret as it was shown: `whsec_` and base64."""
    assert check(a_post(SECRET)) == {"type": "promise.confirmed", "data": {"note": "Größe"}}


@pytest.mark.parametrize("known", [SECRET, OTHER])
def test_receiver_that_knows_either_secret_verifies(known: bytes) -> None:
    """F36: signatures by the old and the new secret stand side by side."""
    assert check(a_post(OTHER, SECRET), known)


@pytest.mark.parametrize(
    "change",
    [
        lambda post: replace(post, body=post.body + b" "),
        lambda post: replace(post, headers={**post.headers, "webhook-id": "evt_2"}),
        lambda post: replace(post, headers={**post.headers, "webhook-timestamp": str(NOW + 1)}),
        lambda post: replace(post, headers={**post.headers, "webhook-signature": "v1,"}),
    ],
)
def test_whatever_is_changed_is_noticed(change: object) -> None:
    """Body, id and time are all signed."""
    assert callable(change)
    with pytest.raises(Unverified):
        check(change(a_post(SECRET)))


def test_old_posts_and_strangers_secrets_are_refused() -> None:
    """The control of the check: it does not take everything."""
    with pytest.raises(Unverified, match="not of now"):
        check(a_post(SECRET), now=NOW + 301)
    with pytest.raises(Unverified, match="no signature of ours"):
        check(a_post(OTHER))
