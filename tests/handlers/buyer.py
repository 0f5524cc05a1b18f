"""Who orders, is texted, and writes back: over HTTP, with a carrier that delivers into a list."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chalicelib.events import FactKind, Tenant
from chalicelib.fleet.ids import PROMISE, stop_id_of
from chalicelib.fleet.ids import promise_id as id_of
from chalicelib.notifications.model import Message, MessageKind, MessageStatus
from chalicelib.notifications.templates import ENGLISH, words
from chalicelib.notifications.wording.sayings import (
    AtRisk,
    Choice,
    ChoiceKind,
    Saying,
)
from chalicelib.promises.model import ChoicesAfter, Promise, Standing
from chalicelib.promises.store import Changes
from chalicelib.units import HOUR, Timestamp
from tests.handlers.shop_client import ACME, OUR_NUMBER, Shop, ShopClient, at, fresh
from tests.handlers.test_motion import completed, event, report

PHONE = "+12025550161"
ANA = {"name": "Ana", "phone": PHONE}


class Buyer:
    """Who orders, is texted, and writes back.

    Attributes
    ----------
    read
        How many of the texts she has read.
    """

    def __init__(self, shop: Shop, **more: Any) -> None:
        self.shop, self.read = shop, 0
        self.promise_id = self.orders(shop, **more)

    def orders(self, client: ShopClient, **more: Any) -> str:
        """Order something for two to four; the confirmation is read."""
        recipient = ANA | more.pop("recipient", {})
        offer = client.offer(3)
        promise_id: str = client.promise(offer=offer, recipient=recipient, **more)["promise_id"]
        self.shop.services.publish()
        self.texts()
        return promise_id

    def texts(self) -> list[str]:
        """What came since she last looked."""
        every = [text["body"] for text in self.shop.services.inbox(PHONE)]
        new, self.read = every[self.read :], len(every)
        return new

    def writes(self, body: str) -> list[str]:
        """Write back, by the contract's own endpoint; gives what is answered."""
        self.sends(body)
        self.shop.services.publish()
        return self.texts()

    def sends(self, body: str) -> str:
        """Write back, and nobody has looked at it yet."""
        reply = {"from": PHONE, "to": OUR_NUMBER, "body": body}
        sid: str = self.shop.done("POST", "/v1/test/replies", reply)["message_sid"]
        return sid

    def promise(self, promise_id: str = "", tenant: Tenant = ACME) -> Promise:
        stop_id = stop_id_of(promise_id or self.promise_id, PROMISE)
        assert stop_id is not None
        found = self.shop.services.store.promise(tenant, stop_id)
        assert found is not None
        return found

    def window(self, promise_id: str = "") -> str:
        """When it comes, by the wall."""
        shown = self.shop.done("GET", f"/v1/promises/{promise_id or self.promise_id}")["promised_window"]
        return f"{shown['starts_at'][8:16]}-{shown['ends_at'][11:16]}"

    def is_told(self, saying: Saying, kind: MessageKind, promise_id: str = "") -> None:
        """A text of another kind comes, as it is written when its fact is told."""
        promise_id, now = promise_id or self.promise_id, self.now
        message = Message(
            message_id=f"{promise_id}.{fresh('told')}",
            subject=promise_id,
            kind=kind,
            status=MessageStatus.PENDING,
            created_at=now,
            window=saying.expected if isinstance(saying, AtRisk) else None,
            body=words(saying, language=ENGLISH, brand="acme", timezone="Europe/Lisbon", now=now),
            ready_at=now,
            expires_at=now + HOUR,
        )
        self.shop.services.notifications.post(ACME, message, now)
        self.shop.services.send_texts()
        self.texts()

    @property
    def now(self) -> Timestamp:
        return self.shop.services.business_now(ACME)

    def endangered(self) -> Sequence[str]:
        """Hardly any plan keeps it: other slots are offered and told; gives their hours."""
        promise = self.promise()
        store = self.shop.services.store
        store.commit(ACME, Changes(promise=_with(promise, standing=Standing.AT_RISK)))
        offered = self.shop.services.counteroffers.offer(
            ACME, promise.stop_id, ChoicesAfter.AT_RISK, promise.sequence, self.now
        )
        assert offered is not None
        assert offered.choices is not None
        shown = tuple(Choice(kind=ChoiceKind.SLOT, window=each.window) for each in offered.choices.choices)
        risk = AtRisk(promised=promise.window, expected=promise.window, choices=shown)
        self.is_told(risk, MessageKind.AT_RISK)
        return [each.slot_id for each in offered.choices.choices]

    def brought(self, *promise_ids: str) -> None:
        """Her orders of acme are delivered this afternoon."""
        self.shop.clock.at = at("2026-11-24T14:30:00Z")
        report(self.shop, event("departed_depot", "08:02"))
        for promise_id in promise_ids:
            report(self.shop, completed({"promise_id": promise_id}, "14:25"))
        self.shop.services.publish()
        self.texts()

    def said_by_her(self, client: ShopClient, promise_id: str) -> list[str]:
        """What a merchant reads of hers beside a promise."""
        shown = client.done("GET", f"/v1/promises/{promise_id}/messages")["data"]
        return [message["body"] for message in shown if message["kind"] == "reply"]

    def last_asked(self) -> str:
        """Which delivery the last question was about."""
        texts = self.shop.services.store.messages
        promises = self.shop.services.store.promises_to(ACME, PHONE)
        whose = {text.sid: text.subject for each in promises for text in texts(ACME, id_of(each))}
        return whose[self.shop.services.inbox(PHONE)[-1]["sid"]]

    def unhandled(self) -> list[str]:
        """Why the merchant was told to read a text."""
        facts = [fact for _, row in self.shop.services.store.outbox for fact in row]
        return [fact.data["reason"] for fact in facts if fact.kind is FactKind.BUYER_UNHANDLED]


def _with(promise: Promise, **changes: Any) -> Promise:
    return replace(promise, **changes)
