"""A buyer of the running sandbox: orders over HTTP, reads her inbox, writes back by the contract's endpoints.

What became of a text of hers is known when the stream's consumer says so in its log, and no text of ours is
under way any more. Weak point: a text that should not come and does so later than that is not seen.
"""

import os
import subprocess
import sys
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from twilio.request_validator import RequestValidator

from chalicelib.adapters.secrets import TWILIO, twilio_account
from infra.sandbox import Sandbox
from infra.sandbox.emulator import STACK
from infra.sandbox.serve import FROM_NUMBER
from tests.handlers.shop_client import NEAR, ShopClient, a_depot, a_van, fresh, over_http
from tests.sandbox.waiting import eventually

UNDER_WAY = {"pending", "sending", "unknown", "sent"}  # the fake's callbacks say how each ended
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def let_in(sandbox: Sandbox, brand: str, *, vans: int = 3) -> ShopClient:
    """A merchant of a test's own, who may text at night and to America, with a depot and vans."""
    done = subprocess.run(
        [sys.executable, "-m", "infra.merchant", STACK, fresh("mer").replace("-", "_"), "--brand", brand],
        env={**os.environ, **sandbox.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    shop = ShopClient(over_http(sandbox.url), {"secret": done.stdout.strip()}, destination=NEAR)
    settings = shop.done("GET", "/v1/settings")
    shop.done("PUT", "/v1/settings", settings | {"quiet_hours": None, "sms_countries": ["US"]})
    slots = [{"starts": f"{hour:02}:00", "ends": f"{hour + 2:02}:00"} for hour in range(8, 20, 2)]
    shop.done("PUT", "/v1/depots/foz", a_depot(slots=slots))
    van = a_van(weekly=[{"days": DAYS, "starts": "07:30", "ends": "20:30"}])
    for number in range(1, vans + 1):
        shop.done("PUT", f"/v1/depots/foz/vehicles/van-{number}", van)
    return shop


def offer_at(shop: ShopClient, hour: int, ahead: int = 1) -> str:
    """The offer of the slot of this hour, so many days ahead."""
    slots = [slot for slot in shop.search(days=ahead + 1) if slot["starts_at"][11:13] == f"{hour:02}"]
    offer: str = slots[-1]["offer"]
    return offer


class Buyer:
    """Somebody with a phone and an order for tomorrow, or later.

    Attributes
    ----------
    promise_ids
        Her orders, each at its merchant.
    read
        How many of the texts she has read.
    """

    def __init__(self, sandbox: Sandbox, phone: str) -> None:
        self.sandbox, self.phone, self.read = sandbox, phone, 0
        self.promises: dict[str, ShopClient] = {}

    def orders(self, shop: ShopClient, *, hour: int = 10, ahead: int = 1, **more: Any) -> str:
        """Order something for the slot of this hour, so many days ahead; the confirmation is read."""
        recipient = {"name": "Ana", "phone": self.phone}
        order = {"offer": offer_at(shop, hour, ahead), "recipient": recipient, **more}
        promise_id: str = shop.promise(**order)["promise_id"]
        self.promises[promise_id] = shop
        [confirmed] = self.hears(1)
        assert "booked" in confirmed
        return promise_id

    def writes(self, body: str, *, answers: int = 1) -> list[str]:
        """Write back; gives what is answered, which is as many texts as are named."""
        self.sends(body)
        return self.hears(answers)

    def sends(self, body: str) -> str:
        """Write back, and wait until somebody has looked at it; gives the text's id."""
        looked_at = self.looked_at()
        shop = next(iter(self.promises.values()))
        reply = {"from": self.phone, "to": FROM_NUMBER, "body": body}
        sid: str = shop.done("POST", "/v1/test/replies", reply)["message_sid"]
        eventually(lambda: self.looked_at() > looked_at)
        return sid

    def form(self, body: str) -> dict[str, str]:
        """A text of hers as Twilio brings it."""
        told = self.sandbox.client("ssm").get_parameter(Name=f"/{STACK}/{TWILIO}", WithDecryption=True)
        return {
            "MessageSid": f"SM{uuid4().hex}",
            "AccountSid": twilio_account(told["Parameter"]["Value"]).account_sid,
            "From": self.phone,
            "To": FROM_NUMBER,
            "Body": body,
        }

    def bring(self, form: dict[str, str]) -> int:
        """Bring it as Twilio does, signed; gives the status it is answered with."""
        url = f"{self.sandbox.url}/twilio/inbound"
        signature = RequestValidator(self.sandbox.twilio["auth_token"]).compute_signature(url, form)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        sent = over_http(self.sandbox.url)("POST", "/twilio/inbound", headers, urlencode(form).encode())
        return int(sent.status_code)

    def hears(self, texts: int) -> list[str]:
        """What came since she last looked, once nothing is under way to her any more."""
        eventually(lambda: len(self.inbox()) >= self.read + texts)
        eventually(lambda: not UNDER_WAY & {each["status"] for each in self.messages()})
        every = self.inbox()
        new, self.read = every[self.read :], len(every)
        assert len(new) == texts, new
        return new

    def messages(self) -> list[dict[str, Any]]:
        """What her merchants read of her texts and of those to her."""
        return [each for promise_id in self.promises for each in self.messages_about(promise_id)]

    def messages_about(self, promise_id: str) -> list[dict[str, Any]]:
        shop = self.promises[promise_id]
        found: list[dict[str, Any]] = shop.done("GET", f"/v1/promises/{promise_id}/messages")["data"]
        return found

    def ledger(self, promise_id: str) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = self.promises[promise_id].done(
            "GET", f"/v1/promises/{promise_id}/ledger"
        )["data"]
        return lines

    def did(self, promise_id: str) -> list[str]:
        """What she changed or asked herself, by the ledger."""
        return [line["kind"] for line in self.ledger(promise_id) if line["actor"] == "buyer"]

    def unhandled(self, promise_id: str) -> list[str]:
        """Why her merchant was told to read a text."""
        told = [line for line in self.ledger(promise_id) if line["kind"] == "buyer.message_unhandled"]
        return [line["data"]["reason"] for line in told]

    def window(self, promise_id: str) -> str:
        """When it comes, in hours by the wall."""
        shown = self.promises[promise_id].done("GET", f"/v1/promises/{promise_id}")["promised_window"]
        return f"{shown['starts_at'][11:16]}-{shown['ends_at'][11:16]}"

    def route(self, promise_id: str) -> dict[str, Any]:
        """What her van drives on the day of a promise."""
        shop = self.promises[promise_id]
        day = shop.done("GET", f"/v1/promises/{promise_id}")["promised_window"]["starts_at"][:10]
        routes: list[dict[str, Any]] = shop.done("GET", f"/v1/depots/foz/plans/{day}")["routes"]
        return next(route for route in routes if promise_id in {s.get("promise_id") for s in route["stops"]})

    def stop(self, promise_id: str) -> dict[str, Any]:
        """Her stop in it."""
        stops: list[dict[str, Any]] = self.route(promise_id)["stops"]
        return next(stop for stop in stops if stop.get("promise_id") == promise_id)

    def inbox(self) -> list[str]:
        """Every text on her phone, oldest first."""
        seen = dict[str, tuple[str, str]]()
        for shop in self.promises.values():
            target = f"/v1/test/messages?phone=%2B{self.phone[1:]}"
            for text in shop.done("GET", target)["data"]:
                seen[text["sid"]] = text["sent_at"], text["body"]
        return [body for _, body in sorted(seen.values())]

    def looked_at(self) -> int:
        """How many texts of anybody's have been acted on, or let be."""
        return (self.sandbox.home / "publish_facts.log").read_text("utf-8").count('"buyer.replied"')
