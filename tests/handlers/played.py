"""A day played with real handlers and workers: facts handed on, plans repaired, texts sent, time gone by."""

from typing import Any

from chalicelib.handlers import workers
from chalicelib.units import Seconds
from tests.handlers.deployed import Deployed
from tests.handlers.shop_client import at
from tests.handlers.test_remedies import DAY, Road

STEP: Seconds = 300  # of the minute's trigger, which comes less often here


class Played(Road):
    """A road whose buyers are texted, by a Twilio that is none."""

    def __init__(self, product: Deployed, **settings: Any) -> None:
        super().__init__(product)
        known = product.done("GET", "/v1/settings", key="admin")
        product.done("PUT", "/v1/settings", known | settings, key="admin")

    def buy(self, place: dict[str, float], hour: int, phone: str, **more: Any) -> str:
        """Order something for the first slot that begins at this hour; gives the promise's id."""
        slots = self.product.search(destination=place, days=2)
        offers = [
            slot["offer"] for slot in slots if f"T{hour:02}:00" in slot["starts_at"] and "offer" in slot
        ]
        recipient = {"name": "Ana", "phone": phone} | more.pop("recipient", {})
        promise_id: str = self.product.promise(offer=offers[0], recipient=recipient, **more)["promise_id"]
        self.settle()
        return promise_id

    def settle(self) -> None:
        """Hand on facts, repair, and send texts, until nothing is left to do."""
        for _ in range(12):
            super().settle()
            waiting = self.product.text_jobs()
            if not waiting["Records"]:
                return
            for record in waiting["Records"]:  # one by one: moto bears no two at once
                sent = workers.send_texts({"Records": [record]}, self.product.services)
                assert sent == {"batchItemFailures": []}
        raise AssertionError("it never comes to rest")

    def until(self, wall: str, *, day: str = DAY) -> None:
        """Nobody reports anything and nobody asks, but time goes by."""
        end = at(f"{day}T{wall}:00Z")
        while self.product.clock.at < end:
            self.product.clock.at = min(end, self.product.clock.at + STEP)
            self.tick()

    def tick(self) -> None:
        """The minute's trigger comes."""
        workers.drain_due(self.product.services)
        self.settle()

    def texts(self, phone: str) -> list[str]:
        """What somebody was texted, oldest first, without the brand."""
        return [text["body"].partition(": ")[2] for text in self.product.services.inbox(phone)]

    def recorded(self, promise_id: str) -> list[tuple[str, str]]:
        """What is on record about a promise: kind and status."""
        found = self.product.done("GET", f"/v1/promises/{promise_id}/messages")["data"]
        return [(text["kind"], text["status"]) for text in found]
