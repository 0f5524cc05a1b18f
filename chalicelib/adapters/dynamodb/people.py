"""Buyers: the promises to a number, found by its keyed hash, and what remains when a buyer is forgotten.

The hash is derived with keys that are never dropped; each merchant's is another. Weak point: whoever has the
keys can try all numbers there are.
"""

from collections.abc import Sequence
from chalicelib.adapters.dynamodb.keys import (
    buyer_key,
    buyer_span,
    hold_key,
    ledger_span,
    promise_key,
    tracking_key,
)
from chalicelib.adapters.dynamodb.promises import buyers
from chalicelib.adapters.dynamodb.rows import fact_document, fact_of, json_text, promise_item
from chalicelib.adapters.dynamodb.table import Rows, key_item, key_of, text
from chalicelib.adapters.dynamodb.transaction import Refused, Transaction, unmoved
from chalicelib.errors import StaleWrite
from chalicelib.events import Tenant
from chalicelib.promises.model import Promise, token_hash
from chalicelib.units import StopId


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

    def erase_words(self, tenant: Tenant, stop_id: StopId) -> None:
        """Take out of a promise's ledger what people wrote in their own words."""
        for item in self._table.query(ledger_span(tenant, stop_id)):
            fact = fact_of({"fact": item["fact"]})
            if "words" not in item and not fact.own_words:
                continue
            ours = text(json_text(fact_document(fact.in_our_words())))
            self._table.ask(
                "update_item",
                Key=key_item(key_of(item)),
                UpdateExpression="SET fact = :ours REMOVE words",
                ExpressionAttributeValues={":ours": ours},
            )
