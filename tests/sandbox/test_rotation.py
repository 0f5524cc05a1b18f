"""F36 on the running product: every secret is replaced while orders go on, and no valid call is refused."""

import os
import subprocess
import sys
from collections.abc import Iterator
from time import monotonic, time
from typing import Any

import pytest

from chalicelib.adapters.sealing import Sealer
from chalicelib.adapters.secrets import sealing_keys
from chalicelib.errors import BadToken
from chalicelib.events import Mode, Tenant
from chalicelib.promises.offer_token import unseal_offer
from infra.sandbox import Sandbox
from infra.sandbox.emulator import STACK
from infra.secrets import Vault
from tests.handlers.bakery import problem_of
from tests.handlers.shop_client import ShopClient, fresh, over_http
from tests.sandbox.waiting import eventually

pytestmark = [pytest.mark.sandbox, pytest.mark.xdist_group("sandbox")]
LEAD = 4  # seconds; several times the sandbox's SECRETS_SECONDS
MOST_SECONDS = 90.0
NEAR = {"lat": 41.162, "lon": -8.62}
PHONE = "+12025550144"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SECRETS_SECONDS", "1")
        with Sandbox(home=tmp_path_factory.mktemp("rotation")) as running:
            yield running


def command(box: Sandbox, *arguments: str, given: str = "") -> str:
    """Run `python -m infra.secrets` against the sandbox's AWS."""
    done = subprocess.run(
        [sys.executable, "-m", "infra.secrets", *arguments],
        env={**os.environ, **box.environment},
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Traffic:
    """A merchant's checkout, office and storefront; each request must succeed."""

    def __init__(self, box: Sandbox) -> None:
        self.merchant = box.merchants[0]
        self.shop = ShopClient(over_http(box.url), self.merchant["keys"], destination=NEAR)
        self.rounds = 0
        self._last: dict[str, Any] = {}

    def round(self) -> str:
        """One order from search to confirmation, with what a storefront does beside it; gives its offer."""
        shop = self.shop
        cart = fresh("cart")
        offer = shop.offer(self.rounds % 6, cart_ref=cart, days=3, key="publishable")
        held = shop.hold(offer, cart, key="publishable")
        token = {"hold_token": held["hold_token"]}
        shop.done("POST", f"/v1/holds/{held['hold_id']}/extend", token, key="publishable")
        order = shop.order(hold_id=held["hold_id"], recipient={"name": "Ana", "phone": PHONE})
        key = fresh("request")
        made = shop.done("POST", "/v1/promises", order, idempotency_key=key)
        assert shop.done("POST", "/v1/promises", order, idempotency_key=key) == made
        if self._last:  # what the round before was given, perhaps with another key
            again = shop.ask("POST", "/v1/promises", self._last["order"], idempotency_key=self._last["key"])
            assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
            shop.done("GET", f"/v1/promises?limit=1&cursor={self._last['cursor']}")
            spare = shop.ask("POST", "/v1/holds", {"offer": self._last["spare"], "cart_ref": fresh("cart")})
            assert spare.status_code == 201 or problem_of(spare)["code"] == "slot_taken"  # sold, not unread
            if spare.status_code == 201:
                shop.done("DELETE", f"/v1/holds/{spare.json_body['hold_id']}")
        cursor = shop.done("GET", "/v1/promises?limit=1").get("next_cursor") or self._last.get("cursor")
        if cursor:
            self._last = {"order": order, "key": key, "cursor": cursor, "spare": shop.offer(days=3)}
        self.rounds += 1
        return offer


def test_every_secret_is_replaced_and_every_call_answered(box: Sandbox) -> None:
    """Processes with a cache each: offers, hold tokens, cursors, receipts, API keys and texts."""
    vault = Vault(box.client("ssm"), STACK)
    traffic = Traffic(box)
    old_key = traffic.shop.keys["secret"]
    [old] = stored(box)
    for _ in range(3):
        traffic.round()

    seals_at = vault.rotate_sealing(now=int(time()), lead=LEAD)
    told = command(box, STACK, "rotate", "twilio", given="a-token-twilio-does-not-know-yet\n")
    assert "2 auth tokens" in told
    swapped = traffic.shop.done(
        "POST", "/v1/keys", {"type": "secret", "scopes": ["checkout", "ops", "driver"]}, key="admin"
    )
    traffic.shop.keys["secret"] = swapped["key"]
    keys = traffic.shop.done("GET", "/v1/keys", key="admin")["data"]
    [revoked] = [key["key_id"] for key in keys if old_key.endswith(key["last4"])]
    traffic.shop.done("DELETE", f"/v1/keys/{revoked}", key="admin")

    tenant = Tenant(merchant_id=traffic.merchant["merchant_id"], mode=Mode.TEST)
    deadline = monotonic() + MOST_SECONDS
    offer = traffic.round()
    while time() < seals_at + 3 or opens(offer, tenant, [old]):
        offer = traffic.round()
        assert monotonic() < deadline
    assert opens(offer, tenant, [key for key in stored(box) if key != old])

    inbox = f"/v1/test/messages?phone=%2B{PHONE[1:]}"
    eventually(lambda: len(traffic.shop.done("GET", inbox)["data"]) == traffic.rounds)
    traffic.shop.keys["secret"] = old_key
    assert traffic.shop.refused("GET", "/v1/depots")["code"] == "unauthorized"


def test_command_makes_and_shows_the_secrets_of_another_stack(box: Sandbox) -> None:
    """As an operator would, with the token on stdin; nothing secret is printed."""
    init = ("other-live", "init", "--account-sid", "AC" + "1" * 32, "--sender", "+15005550006")
    printed = command(box, *init, given="hush\n") + command(box, "other-live", "rotate", "sealing")
    printed += command(box, "other-live", "rotate", "sealing", "--leaked") + command(
        box, "other-live", "show"
    )
    assert "hush" not in printed
    assert "other-live/sealing-keys  will seal from" in printed
    assert "other-live/twilio  1 auth token since" in printed
    found = box.client("ssm").get_parameter(Name="/other-live/sealing-keys")["Parameter"]
    assert found["Type"] == "SecureString"
    assert "seals_at" not in found["Value"]  # CONTROL: without decryption it is not to be read


def opens(offer: str, tenant: Tenant, secrets: list[bytes]) -> bool:
    """Whether an offer was sealed with one of these secrets."""
    try:
        return bool(unseal_offer(Sealer(secrets), tenant, offer))
    except BadToken:
        return False


def stored(box: Sandbox) -> list[bytes]:
    """The sealing secrets as they are in SSM."""
    name = f"{box.environment['SECRETS_PATH']}/sealing-keys"
    found = box.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    return [key.secret for key in sealing_keys(found)]
