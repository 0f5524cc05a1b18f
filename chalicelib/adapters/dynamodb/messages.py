"""Texts about promises in the table: claimed before they are sent, so that one is never sent twice."""

from collections.abc import Sequence

from chalicelib.adapters.dynamodb.keys import message_key, messages_span, sid_key
from chalicelib.adapters.dynamodb.rows import message_item, message_of
from chalicelib.adapters.dynamodb.table import ConditionFailed, Rows, key_item, text
from chalicelib.adapters.dynamodb.transaction import ABSENT, on_behalf
from chalicelib.events import Tenant
from chalicelib.notifications.model import Message


class MessageRows(Rows):
    """Texts: see `notifications.service.MessageStore`."""

    def claim_message(self, tenant: Tenant, message: Message) -> bool:
        """Write a text on condition that there is no row of its id; False if there is.

        A claim whose answer was lost is found again by its own token: it is still this caller's.
        """
        token = self._table.new_token()
        row = key_item(message_key(tenant, message.subject, message.message_id))
        try:
            self._table.ask(
                "put_item",
                Item=row | on_behalf() | message_item(message, self._table.now()) | {"claim": text(token)},
                ConditionExpression=ABSENT.expression,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as error:
            return error.row.get("claim") == text(token)
        return True

    def record_message(self, tenant: Tenant, message: Message) -> None:
        """Write what became of a text, over its row; first of all whose its carrier's id is."""
        item = message_item(message, self._table.now())
        if message.sid is not None:
            whose = {"message": text(message.message_id), "ttl": item["ttl"]}
            self._table.ask("put_item", Item=key_item(sid_key(tenant, message.sid)) | whose)
        row = key_item(message_key(tenant, message.subject, message.message_id))
        self._table.ask("put_item", Item=row | on_behalf() | item)

    def messages(self, tenant: Tenant, subject: str) -> Sequence[Message]:
        """Every text about a promise, sent or not, oldest first."""
        found = [message_of(item) for item in self._table.query(messages_span(tenant, subject))]
        return sorted(found, key=lambda message: (message.created_at, message.message_id))

    def own_sids(self, tenant: Tenant, sids: Sequence[str]) -> frozenset[str]:
        """Those of the carrier's ids that belong to this tenant's texts."""
        keys = {sid_key(tenant, sid): sid for sid in sids}
        return frozenset(keys[key] for key in self._table.get_many(keys))
