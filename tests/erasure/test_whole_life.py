"""A buyer lives a whole life over HTTP and is forgotten: then every row, object and queue is looked through.

All that is personal is a canary. The table is read raw and with every key there is. The control is the same
look before the erasure: it finds each canary, in each kind of row that holds one.
"""

import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import pytest

from chalicelib.adapters.twilio_signature import signature_of
from chalicelib.handlers import workers
from chalicelib.retention import BUYERS_KEPT
from chalicelib.units import DAY as ONE_DAY
from tests.erasure.bucket import Bucket, serving
from tests.erasure.scan import in_clear, queued, rows_of
from tests.handlers.deployed import ACCOUNT, AUTH_TOKEN, Deployed, Start
from tests.handlers.shop_client import BEST, ShopClient, at, fresh
from tests.security.test_canaries import found_in

PHONE = "+12025550142"
NAME, LINE, UNIT, GATE = "Quillfeather", "Rua do Canario 77", "flat-canary-9", "G4T3-7781"
NOTE, NEIGHBOUR, SHED = "behind the yellow cage", "Featherstonehaugh", "under the parrot perch"
REASON, COMMENT, REPLY = "ate her breakfast", "tweeted all night", "my macaw is asleep"
TAKER, DRIVERS_NOTE, WHY = "Mr Finch", "aviary at the back", "Goldfinch called twice"
PHOTO = b"\x89PNG a face at the door"
PLACE = {"lat": 41.161234567, "lon": -8.601234567}
EXACT = ["41.161", "8.601"]  # about a hundred metres
SAID = [NAME, LINE, UNIT, GATE, NOTE, NEIGHBOUR, SHED, COMMENT, REPLY, TAKER, DRIVERS_NOTE, REASON, WHY]
CANARIES = [PHONE[1:], *SAID, *EXACT]
ADDRESS = {"lines": [LINE], "city": "Porto", "country": "PT", "unit": UNIT}
DAY = "2026-11-24"
SHIFT = f"/v1/shifts/porto.van-1.{DAY}.0800"


class Life:
    """One buyer's delivery, from the search to the score, and the bucket its proof lies in."""

    def __init__(self, shop: Deployed, bucket: Bucket) -> None:
        self.shop, self.bucket = shop, bucket
        self.order_ref = fresh("order")
        self.promise: dict[str, Any] = {}

    @property
    def page(self) -> str:
        return urlsplit(self.promise["tracking_url"]).path

    def live(self) -> None:
        """Search, swap a hold, buy, change, write back, be delivered to, be scored, be called about."""
        self.buy()
        self.write(7)
        self.shop.send_texts()
        self.deliver()
        self.score()
        self.shop.send_texts()

    def buy(self) -> None:
        shop, cart = self.shop, fresh("cart")
        wish = {"destination": {**PLACE, "address": ADDRESS}}
        shop.hold(shop.offer(1, **wish), cart)
        held = shop.hold(shop.offer(1, **wish), cart)
        told = {"gate_code": GATE, "note": NOTE, "safe_place": SHED}
        self.promise = shop.promise(
            hold_id=held["hold_id"],
            order_ref=self.order_ref,
            recipient={"name": NAME, "phone": PHONE},
            instructions=told,
        )
        made = self.promise["promise_id"]
        shop.change(made, kind="gate_code", code=GATE)
        shop.change(made, kind="address", location=PLACE, address=ADDRESS)
        shop.change(made, kind="neighbour", name_or_number=NEIGHBOUR)
        shop.done("POST", f"/v1/promises/{made}/contacts", {"channel": "phone", "reason": WHY})
        shop.send_texts()

    def write(self, number: int, body: str = REPLY) -> None:
        """As Twilio brings it."""
        form = {"MessageSid": f"SM{number:032x}", "From": PHONE, "To": "+15005550006", "Body": body}
        form["AccountSid"] = ACCOUNT
        url = self.shop.services.callbacks.inbound_url
        signed = signature_of(url, list(form.items()), AUTH_TOKEN)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed}
        body = urlencode(form).encode()
        answer = self.shop.ask("POST", urlsplit(url).path, body, key=None, headers=headers)
        assert answer.status_code == 200, answer.body

    def deliver(self) -> None:
        """The van drives there, and its driver takes a photo; then a mis-tap is undone."""
        shop, made = self.shop, self.promise["promise_id"]
        shop.clock.at = at(f"{DAY}T10:30:00Z")
        upload = shop.done("POST", f"{SHIFT}/proofs", {}, key="admin")
        put = Request(upload["upload_url"], PHOTO, {"Content-Type": "image/jpeg"}, method="PUT")
        with urlopen(put, timeout=10) as answer:
            assert answer.status == 200
        proof = {"name": TAKER, "note": DRIVERS_NOTE, "photo": upload["proof_id"]}
        self.report("08:05", type="departed_depot")
        self.report("10:10", type="position", **PLACE)
        self.report("10:15", type="incident", kind="access", promise_id=made, location=PLACE)
        self.report("10:20", type="arrived", promise_id=made)
        done = {"promise_id": made, "outcome": "delivered_to_safe_place", "proof": proof}
        self.report("10:25", type="completed", **done)
        wrong = {"outcome": "delivered_to_recipient", "reason": REASON}
        shop.done("POST", f"/v1/promises/{made}/corrections", wrong)

    def report(self, wall: str, **event: Any) -> None:
        event |= {"event_id": fresh("event"), "at": f"{DAY}T{wall}:00+00:00"}
        answer = self.shop.ask("POST", f"{SHIFT}/events", {"events": [event]}, key="admin")
        assert (answer.status_code, answer.json_body["accepted"]) == (202, 1), answer.body

    def score(self) -> None:
        scored = {"product": 9, "delivery": 4, "comment": COMMENT}
        assert self.shop.ask("POST", f"{self.page}/feedback", scored, key=None).status_code == 201

    def forget(self, by: ShopClient | None = None, **who: str) -> dict[str, int]:
        erased: dict[str, int] = (by or self.shop).done("POST", "/v1/erasures", who, key="admin")
        return erased

    def settle(self) -> None:
        """The day is over, learned, and what was due has come; the carrier was told."""
        shop = self.shop
        self.report("10:29", type="returned_to_depot")
        shop.clock.at = at("2026-11-25T02:00:00Z")
        for _ in range(3):
            workers.drain_due(shop.services)
            shop.clock.advance(3_700)
        self.told_carrier()

    def told_carrier(self) -> None:
        """The worker that talks to the carrier has its turn."""
        if (waiting := self.shop.text_jobs())["Records"]:
            workers.send_texts(waiting, self.shop.services)

    def left(self) -> dict[str, list[str]]:
        """Which canaries stand where, by the kind of row, the bucket, the carrier and each queue."""
        shop, found = self.shop, dict[str, set[str]]()
        for row in rows_of(shop):
            found.setdefault(kind_of(row), set()).update(found_in(in_clear(shop, row), CANARIES))
        for queue, bodies in queued(shop).items():
            found[queue] = set(found_in("\n".join(bodies), CANARIES))
        found["bucket"] = {key for key, content in self.bucket.objects.items() if content == PHOTO}
        found["carrier"] = set(found_in(json.dumps(shop.services.inbox(None)), CANARIES))
        return {kind: sorted(canaries) for kind, canaries in found.items() if canaries}


def kind_of(row: dict[str, Any]) -> str:
    """What a row is of: the word in its keys."""
    partition, sort = row["pk"]["S"], row["sk"]["S"]
    return sort.partition("#")[0] if sort.isupper() or "#" in sort else partition.split("#")[-2]


@pytest.fixture
def life(start: Start) -> Iterator[Life]:
    with serving() as bucket:
        yield Life(start(level=logging.INFO, PROOFS_URL=bucket.url), bucket)


def test_forgotten_buyer_is_in_no_row_no_object_and_no_queue(life: Life) -> None:
    """Nothing that was said of a buyer can be read anywhere, with all keys there are.

    CONTROL: before the erasure the same look finds each canary, and the photo, in every row that holds it.
    """
    life.live()
    before = life.left()
    assert {canary for found in before.values() for canary in found} >= set(CANARIES)
    sealed = [PHONE[1:], *SAID]
    assert found_in(repr(rows_of(life.shop)), sealed) == []  # nor in the stream, which has the same rows
    assert before.keys() >= {"PROMISE", "HOLD", "R", "MOTION", "RECEIPT", "L", "DOOR", "INBOUND", "TEXTS"}
    assert (len(before["bucket"]), before["carrier"]) == (1, [PHONE[1:]])
    assert life.forget(phone=PHONE) == {"promises": 1, "texts": 3, "replies": 1, "doors": 1}
    life.told_carrier()
    assert life.left() == {"R": EXACT, "MOTION": EXACT}  # the van is still on that route
    life.settle()
    assert life.left() == {}
    assert found_in(life.shop.log.getvalue(), CANARIES) == []


def test_rows_that_name_a_buyer_go_by_themselves(life: Life) -> None:
    """Each has a time to live, and none a longer one than a buyer's data is kept.

    But for a gate code, which is kept with the door, and sealed; and what nobody may read as anybody's.
    """
    life.live()
    latest = life.shop.clock.at + 2 * ONE_DAY + BUYERS_KEPT
    named = [row for row in rows_of(life.shop) if found_in(in_clear(life.shop, row), CANARIES)]
    kinds = {kind_of(row) for row in named}
    assert kinds >= {"PROMISE", "HOLD", "R", "MOTION", "RECEIPT", "L", "DOOR", "INBOUND", "TEXTS"}
    stay = [row for row in named if "ttl" not in row or int(row["ttl"]["N"]) > latest]
    assert {kind_of(row) for row in stay} == {"DOOR"}


def test_day_that_is_over_is_forgotten_at_once(life: Life) -> None:
    """By the order as by the number; and what the merchant is answered afterwards names nobody."""
    life.live()
    life.settle()
    assert set(life.left()["R"]) == set(EXACT)
    life.forget(order_ref=life.order_ref)
    life.told_carrier()
    assert life.left() == {}
    path = f"/v1/promises/{life.promise['promise_id']}"
    reads = (path, f"{path}/ledger", f"{path}/messages", f"/v1/depots/porto/plans/{DAY}", "/v1/kpis")
    read = [life.shop.ask("GET", target, key="admin") for target in reads]
    assert {answer.status_code for answer in read} == {200}
    assert found_in("".join(answer.body.decode() for answer in read), CANARIES) == []
    assert life.shop.ask("GET", life.page, key=None).status_code == 404


def test_who_was_forgotten_and_writes_once_more_is_forgotten_once_more(life: Life) -> None:
    """Nobody texts that number any more, but what came from it was kept. CONTROL: until it is asked for."""
    life.live()
    life.forget(phone=PHONE)
    life.settle()
    life.write(8)
    assert life.left() == {"INBOUND": [PHONE[1:], REPLY]}
    assert life.forget(phone=PHONE) == {"promises": 0, "texts": 0, "replies": 1, "doors": 0}
    assert life.left() == {}


def test_question_to_the_buyer_of_two_merchants_is_forgotten_by_the_one_who_asked(life: Life) -> None:
    """It is about no one order, and goes with the number of the merchant whose text it is.

    CONTROL: another merchant's erasure leaves it, as it leaves all that is not that merchant's.
    """
    shop, best = life.shop, life.shop.beside(BEST, "gaia")
    orders = {client: client.promise(recipient={"name": "Ana", "phone": PHONE}) for client in (shop, best)}
    shop.send_texts()
    life.write(7, "please cancel it")
    shop.send_texts()
    assert "which delivery do you mean?" in shop.services.inbox(PHONE)[-1]["body"]
    for client, made in orders.items():
        client.change(made["promise_id"], kind="cancel")
    shop.send_texts()
    theirs = life.forget(best, phone=PHONE)
    life.told_carrier()
    assert (theirs["promises"], theirs["replies"]) == (1, 0)
    [question] = [row for row in rows_of(shop) if row["sk"]["S"].startswith("txt_")]
    assert "which delivery" in in_clear(shop, question)
    assert "which delivery" in shop.services.inbox(PHONE)[-1]["body"]
    ours = life.forget(phone=PHONE)
    life.told_carrier()
    assert (ours["promises"], ours["replies"]) == (1, 1)
    assert theirs["texts"] + 1 == ours["texts"]
    assert (life.left(), shop.services.inbox(PHONE)) == ({}, [])


def test_photo_that_comes_after_the_erasure_is_deleted_as_well(life: Life) -> None:
    """A phone has a quarter of an hour to bring it. CONTROL: until the reminder comes, it lies there."""
    life.live()
    [key] = life.bucket.objects
    life.forget(phone=PHONE)
    assert life.bucket.objects == {}
    life.bucket.objects[key] = PHOTO
    life.shop.clock.advance(3_700)
    workers.drain_due(life.shop.services)
    assert life.bucket.objects == {}


def test_bucket_that_does_not_answer_leaves_the_buyer_to_be_forgotten_again(life: Life) -> None:
    """503 and nothing is said to be done; whoever asks again goes on where it stopped."""
    life.live()
    life.bucket.answers.append(500)
    problem = life.shop.refused("POST", "/v1/erasures", {"phone": PHONE}, key="admin")
    assert (problem["status"], problem["code"]) == (503, "upstream_unavailable")
    assert len(life.bucket.objects) == 1
    assert life.forget(phone=PHONE)["promises"] == 1
    life.settle()
    assert life.left() == {}
