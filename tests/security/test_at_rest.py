"""What somebody sees who can read the table and has no key: nothing that is a buyer's."""

import json
from typing import Any

from chalicelib.adapters.secrets import NUMBER_KEYS
from chalicelib.handlers import workers
from chalicelib.handlers.idempotency import fingerprint_of
from chalicelib.handlers.strict_json import canonical
from chalicelib.notifications.inbound import Inbound
from infra.secrets import LEAD, Vault
from tests.handlers.deployed import Deployed, Start
from tests.security.test_canaries import (
    ADDRESS,
    BODY,
    GATE,
    INSTRUCTIONS,
    LINE,
    NAME,
    NEIGHBOUR,
    NOTE,
    PHONE,
    PLACE,
    REASON,
    RECIPIENT,
    UNIT,
    found_in,
)

OWN = [PHONE[1:], NAME, LINE, UNIT, GATE, NOTE, NEIGHBOUR, BODY]


def rows_of(shop: Deployed) -> list[dict[str, Any]]:
    """Every row of the table, as whoever reads it gets it."""
    return list(shop.dynamodb.scan(TableName=shop.resources.table_name)["Items"])


def bought(shop: Deployed) -> dict[str, Any]:
    """A delivery that was held, sold, changed, texted about and answered."""
    offer = shop.offer(destination={**PLACE, "address": ADDRESS})
    held = shop.hold(offer)
    made = shop.promise(hold_id=held["hold_id"], recipient=RECIPIENT, instructions=INSTRUCTIONS)
    shop.change(made["promise_id"], kind="neighbour", name_or_number=NEIGHBOUR)
    assert workers.publish_facts(shop.stream(), shop.services) == {"batchItemFailures": []}
    shop.send_texts()
    wrote = Inbound(sid="SM1", phone=PHONE, senders=("+15005550006",), body=NOTE)
    assert shop.services.text_inbox.take(wrote, now=shop.clock.at)
    return made


def test_table_alone_tells_nothing_of_a_buyer(start: Start) -> None:
    """Names, numbers, addresses, codes, notes and texts are sealed in promises, holds, doors and texts.

    CONTROL: with the key all of it can be read, and the merchant does.
    """
    shop = start()
    promise_id = bought(shop)["promise_id"]
    assert found_in(repr(rows_of(shop)), OWN) == []
    read = str(shop.done("GET", f"/v1/promises/{promise_id}"))
    read += str(shop.done("GET", f"/v1/promises/{promise_id}/messages"))
    assert set(found_in(read, OWN)) >= {GATE, NOTE, NEIGHBOUR, BODY}


def test_promise_of_before_documents_were_sealed_is_still_read(start: Start) -> None:
    """A row keeps its old form until it is next written."""
    shop = start()
    promise_id = bought(shop)["promise_id"]
    before, table, opened = (
        shop.done("GET", f"/v1/promises/{promise_id}"),
        shop.resources.table_name,
        shop.opened,
    )
    for row in rows_of(shop):
        if row["sk"]["S"] == "PROMISE":
            shop.dynamodb.put_item(TableName=table, Item=opened(row))
    assert found_in(repr(rows_of(shop)), [NAME]) == [NAME]
    assert shop.done("GET", f"/v1/promises/{promise_id}") == before
    shop.change(promise_id, kind="gate_code", code="12")
    assert found_in(repr(rows_of(shop)), [NAME]) == []


def test_row_put_in_place_of_another_does_not_open(start: Start) -> None:
    """Whoever can write the table cannot have one buyer's delivery shown as another's."""
    shop = start()
    one, other = bought(shop), shop.promise(offer=shop.offer())
    mine, theirs = (row for row in rows_of(shop) if row["sk"]["S"] == "PROMISE")
    shop.dynamodb.put_item(TableName=shop.resources.table_name, Item=mine | {"document": theirs["document"]})
    answers = [shop.ask("GET", f"/v1/promises/{each['promise_id']}") for each in (one, other)]
    assert sorted(answer.status_code for answer in answers) == [200, 500]


def test_search_needs_no_key_of_buyers(start: Start) -> None:
    """It reads no buyer's row, so a first search waits for nothing more. CONTROL: a hold does need it."""
    shop = start()
    offer = shop.offer()
    shop.ssm.delete_parameter(Name=f"{shop.environment['SECRETS_PATH']}/{NUMBER_KEYS}")
    assert shop.search()
    body = {"offer": offer, "cart_ref": "cart-1"}
    assert shop.refused("POST", "/v1/holds", body)["status"] == 503


def test_what_somebody_wrote_is_sealed_in_the_ledger_and_nowhere_else(start: Start) -> None:
    """Why somebody cancels, and what was said on the phone, is not in the facts that are handed on.

    CONTROL: the merchant reads it in the ledger.
    """
    shop = start()
    promise_id = bought(shop)["promise_id"]
    path = f"/v1/promises/{promise_id}"
    shop.done("POST", f"{path}/contacts", {"channel": "phone", "reason": NOTE})
    shop.change(promise_id, kind="cancel", reason=REASON)
    assert found_in(repr(rows_of(shop)), [REASON, NOTE]) == []
    assert found_in(repr(shop.stream()), [REASON, NOTE]) == []
    assert set(found_in(str(shop.done("GET", f"{path}/ledger")), [REASON, NOTE])) == {REASON, NOTE}


def test_line_of_before_its_words_were_sealed_is_read_and_forgotten(start: Start) -> None:
    """Its reason stood in the fact itself."""
    shop = start()
    made = bought(shop)
    shop.change(made["promise_id"], kind="cancel", reason=REASON)
    [line] = [row for row in rows_of(shop) if "words" in row]
    fact = json.loads(line["fact"]["S"])
    fact["data"] |= json.loads(shop.opened(line)["words"]["S"])
    older = {name: part for name, part in line.items() if name != "words"}
    older["fact"] = {"S": json.dumps(fact)}
    shop.dynamodb.put_item(TableName=shop.resources.table_name, Item=older)
    path = f"/v1/promises/{made['promise_id']}/ledger"
    assert shop.done("GET", path)["data"][-1]["data"]["reason"] == REASON
    shop.done("POST", "/v1/erasures", {"order_ref": made["order_ref"]}, key="admin")
    assert "reason" not in shop.done("GET", path)["data"][-1]["data"]
    assert found_in(repr(rows_of(shop)), [REASON]) == []


def test_receipt_does_not_give_away_what_was_asked_to_who_tries_all(start: Start) -> None:
    """There are few enough numbers, and gate codes, to try them all: the hash of a body is keyed.

    CONTROL: without the key it would be the hash of what is tried; with it the same request is known again,
    also after a rotation.
    """
    shop = start()
    who = {"phone": "+12025550199"}
    tried = fingerprint_of("POST /v1/erasures", canonical(who))

    def erase() -> Any:
        return shop.ask("POST", "/v1/erasures", who, key="admin", idempotency_key="once")

    first = erase()
    [kept] = [row["fingerprint"]["S"] for row in rows_of(shop) if row["sk"]["S"] == "RECEIPT"]
    assert kept != tried
    assert shop.services.sealer.is_derived("fingerprint", tried, kept)
    Vault(shop.ssm, shop.environment["SECRETS_PATH"].removeprefix("/")).rotate_sealing(now=shop.clock.at)
    shop.clock.advance(LEAD + 61)
    again = erase()
    assert (again.json_body, again.headers["Idempotent-Replayed"]) == (first.json_body, "true")
    who["phone"] = "+12025550198"
    assert erase().json_body["code"] == "idempotency_mismatch"
