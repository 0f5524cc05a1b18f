"""Buyers: the promises to a number, found by its keyed hash, and what remains when a buyer is forgotten.

The hash is derived with keys that are never dropped; each merchant's is another. Weak point: whoever has the
keys can try all numbers there are.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from chalicelib.adapters.dynamodb.keys import (
    Key,
    buyer_key,
    buyer_span,
    hold_key,
    ledger_span,
    progress_key,
    promise_key,
    receipt_key,
    route_key,
    tracking_key,
)
from chalicelib.adapters.dynamodb.promises import buyers
from chalicelib.adapters.dynamodb.rows import fact_document, fact_of, hold_of, json_text, promise_item
from chalicelib.adapters.dynamodb.table import ConditionFailed, Rows, binary, key_item, key_of, number, text
from chalicelib.adapters.dynamodb.transaction import Refused, Transaction, unmoved
from chalicelib.errors import StaleWrite
from chalicelib.events import Tenant
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress
from chalicelib.fleet.progress_documents import progress_document
from chalicelib.promises.model import Promise, token_hash
from chalicelib.routing.packed import Route, pack
from chalicelib.units import StopId

_BESIDE: Final = ("words", "receipt", "holds")  # attributes of a ledger's line that are forgotten


class PeopleRows(Rows):
    """Buyers: see `erasure.store.People`."""

    def promises_to(self, tenant: Tenant, phone: str) -> Sequence[StopId]:
        """All promises to a number that were not erased, oldest first."""
        return sorted(
            int(item["sk"]["S"], 16)
            for mark in self._table.vault.derivations(buyers(tenant), phone)
            for item in self._table.query(buyer_span(tenant, mark))
        )

    def erase_promise(self, tenant: Tenant, before: Promise, after: Promise) -> None:
        """Write a promise without its buyer, and remove all by which it was found and what led to it.

        Raises
        ------
        StaleWrite
            The promise was written meanwhile; nothing was done.
        """
        stop_id, phone = before.stop_id, before.order.recipient.phone
        writing = Transaction[str](self._table, tenant)
        key = promise_key(tenant, stop_id)
        item = self._table.sealed(key, promise_item(tenant, after, self._table.now()))
        writing.put("promise", key, item, only_if=unmoved(before.version))
        writing.delete("promise", hold_key(tenant, stop_id), only_if=None)
        writing.delete("promise", tracking_key(token_hash(before.tracking_token)), only_if=None)
        for mark in self._table.vault.derivations(buyers(tenant), phone) if phone else ():
            writing.delete("promise", buyer_key(tenant, mark, stop_id), only_if=None)
        try:
            writing.commit()
        except Refused as refused:
            raise StaleWrite("The promise was written meanwhile.") from refused

    def erase_ledger(self, tenant: Tenant, stop_id: StopId) -> None:
        """Take what people wrote out of a promise's ledger, and remove what was written with its lines.

        These are the answers that were kept for requests that come again, and the holds that led to it. That
        a request was answered stays known: who comes again must not buy again.
        """
        lines = list(self._table.query(ledger_span(tenant, stop_id)))
        for key in sorted({line["receipt"]["S"] for line in lines if "receipt" in line}):
            self._empty_receipt(tenant, key)
        self._erase_holds(
            tenant, {int(hold["N"]) for line in lines for hold in line.get("holds", {}).get("L", ())}
        )
        for line in lines:
            fact = fact_of({"fact": line["fact"]})
            if fact.own_words or not line.keys().isdisjoint(_BESIDE):
                ours = text(json_text(fact_document(fact.in_our_words())))
                self._table.ask(
                    "update_item",
                    Key=key_item(key_of(line)),
                    UpdateExpression=f"SET fact = :ours REMOVE {', '.join(_BESIDE)}",
                    ExpressionAttributeValues={":ours": ours},
                )

    def rewrite_route(self, tenant: Tenant, plan: PlanKey, route: Route) -> None:
        """Write a route in place of the one it was made of; when it goes stays as it was.

        Raises
        ------
        StaleWrite
            It was written meanwhile.
        """
        key = route_key(tenant, plan.depot_id, plan.day, route.shift.shift_id)
        self._rewrite(key, "route", binary(pack(route)), route.version)

    def rewrite_progress(self, tenant: Tenant, progress: Progress) -> None:
        """The same for what a van reported.

        Raises
        ------
        StaleWrite
            It was written meanwhile.
        """
        key = progress_key(tenant, progress.plan, progress.shift_id)
        self._rewrite(key, "document", text(json_text(progress_document(progress))), progress.version)

    def _rewrite(self, key: Key, name: str, content: dict[str, Any], version: int) -> None:
        only_if = unmoved(version)
        try:
            self._table.ask(
                "update_item",
                Key=key_item(key),
                UpdateExpression="SET #content = :content, version = :next",
                ConditionExpression=only_if.expression,
                ExpressionAttributeNames={"#content": name},
                ExpressionAttributeValues={
                    ":content": content,
                    ":next": number(version + 1),
                    **only_if.values,
                },
            )
        except ConditionFailed as failed:
            raise StaleWrite("It was written meanwhile.") from failed

    def drop_receipt(self, tenant: Tenant, key: str) -> None:
        """Remove a receipt."""
        self._table.ask("delete_item", Key=key_item(receipt_key(tenant, key)))

    def _empty_receipt(self, tenant: Tenant, key: str) -> None:
        with suppress(ConditionFailed):  # it ran out meanwhile
            self._table.ask(
                "update_item",
                Key=key_item(receipt_key(tenant, key)),
                UpdateExpression="SET sealed_body = :nothing",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={":nothing": binary(b"")},
            )

    def _erase_holds(self, tenant: Tenant, stop_ids: Iterable[StopId]) -> None:
        """Remove holds, and before each what it names: those of its cart that were given up for it."""
        keys = [hold_key(tenant, stop_id) for stop_id in sorted(stop_ids)]
        for key, item in self._table.get_many(keys).items() if keys else ():
            earlier = hold_of(self._table.opened(item)).earlier
            for each in (*(hold_key(tenant, stop_id) for stop_id in earlier), key):
                self._table.ask("delete_item", Key=key_item(each))
