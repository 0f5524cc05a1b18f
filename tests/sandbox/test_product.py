"""The product runs in the sandbox from search to text: the line that everything else hangs on."""

import json
import urllib.error
import urllib.request
from typing import Any
from uuid import uuid4

from infra.sandbox import Sandbox
from tests.sandbox.waiting import eventually

PHONE = "+12025550187"  # nobody else's in the shared sandbox


def call(sandbox: Sandbox, method: str, path: str, body: Any = None, *, key: str) -> tuple[int, Any]:
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid4()),
    }
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(sandbox.url + path, content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


def offered(sandbox: Sandbox, key: str) -> str:
    """The offer of the first slot that is on sale near the seeded depots."""
    wish = {"destination": {"lat": 41.1579, "lon": -8.6291}, "load": {"parcels": 1}, "days": 3}
    status, found = call(sandbox, "POST", "/v1/slots/search", wish, key=key)
    assert status == 200, found
    return next(slot["offer"] for slot in found["slots"] if slot["available"])


def test_confirmed_order_becomes_a_text_in_the_inbox(sandbox: Sandbox) -> None:
    """Search, hold, promise; the stream's consumer sends the text, and the inbox shows it."""
    key = sandbox.merchants[0]["keys"]["secret"]
    hold = {"offer": offered(sandbox, key), "cart_ref": "cart-1"}
    status, held = call(sandbox, "POST", "/v1/holds", hold, key=key)
    assert status == 201, held
    order = {
        "hold_id": held["hold_id"],
        "order_ref": "order-1",
        "recipient": {"name": "Ana", "phone": PHONE},
        "sms_consent": True,
    }
    status, promise = call(sandbox, "POST", "/v1/promises", order, key=key)
    assert status == 201, promise

    def texts() -> Any:
        return call(sandbox, "GET", f"/v1/test/messages?phone=%2B{PHONE[1:]}", key=key)[1]["data"]

    [text] = eventually(texts)
    assert text["to"] == PHONE
    assert text["body"].startswith("Ribeira Wines: your delivery is booked for ")
    assert promise["tracking_url"] in text["body"]


def test_seeded_merchants_do_not_see_each_other(sandbox: Sandbox) -> None:
    """The other merchant's depot does not exist for this one's best key."""
    one, other = sandbox.merchants
    assert call(sandbox, "GET", f"/v1/depots/{one['depot_id']}", key=one["keys"]["admin"])[0] == 200
    assert call(sandbox, "GET", f"/v1/depots/{one['depot_id']}", key=other["keys"]["admin"])[0] == 404


def test_each_seeded_key_opens_what_its_name_says(sandbox: Sandbox) -> None:
    """admin makes keys, secret runs a fleet but makes none, publishable only checks out."""
    keys = sandbox.merchants[0]["keys"]
    depot = f"/v1/depots/{sandbox.merchants[0]['depot_id']}"
    assert call(sandbox, "GET", "/v1/keys", key=keys["admin"])[0] == 200
    assert call(sandbox, "GET", "/v1/keys", key=keys["secret"])[0] == 403
    assert call(sandbox, "GET", depot, key=keys["secret"])[0] == 200
    assert call(sandbox, "GET", depot, key=keys["publishable"])[0] == 403
    assert offered(sandbox, keys["publishable"])


def test_planning_job_of_a_booking_is_carried_out(sandbox: Sandbox) -> None:
    """Every booking enqueues a job; the worker looks at that plan and leaves no job in hand."""
    merchant = sandbox.merchants[1]
    key = merchant["keys"]["secret"]
    hold = {"offer": offered(sandbox, key), "cart_ref": "cart-1"}
    assert call(sandbox, "POST", "/v1/holds", hold, key=key)[0] == 201
    log = sandbox.home / "improve.log"
    assert eventually(lambda: f'"plan":"{merchant["depot_id"]}/' in log.read_text("utf-8"))
    sqs, url = sandbox.client("sqs"), sandbox.environment["IMPROVE_QUEUE_URL"]

    def is_empty() -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return all(left[name] == "0" for name in names)

    assert eventually(is_empty)
