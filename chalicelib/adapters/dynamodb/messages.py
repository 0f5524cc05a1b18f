"""Texts about promises in the table: each written once for its id, then from version to version."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from chalicelib.adapters.dynamodb.keys import message_key, messages_span, sid_key
from chalicelib.adapters.dynamodb.rows import message_item, message_of
from chalicelib.adapters.dynamodb.table import ConditionFailed, Item, Rows, key_item, text
from chalicelib.adapters.dynamodb.transaction import (
    ABSENT,
    Condition,
    Refused,
    Transaction,
    on_behalf,
    unmoved,
)
from chalicelib.events import Fact, Tenant
from chalicelib.notifications.model import Message, subject_of

_TEXT: Final = "text"
# A row of before texts had versions: it is written over by whoever sees to it first.
_UNVERSIONED: Final = Condition("attribute_exists(pk) AND attribute_not_exists(version)")


class MessageRows(Rows):
    """Texts: see `notifications.ports.MessageStore`."""

    def add_message(self, tenant: Tenant, message: Message) -> bool:
        """Write a text on condition that there is no row of its id; False if there is."""
        return self._put(tenant, message, only_if=ABSENT) is not None

    def message(self, tenant: Tenant, message_id: str) -> Message | None:
        """One text, strongly consistent."""
        item = self._table.get(message_key(tenant, subject_of(message_id), message_id))
        return message_of(self._table.opened(item)) if item else None

    def save_message(
        self, tenant: Tenant, message: Message, facts: Sequence[Fact] = (), *, new_sid: str | None = None
    ) -> Message | None:
        """Write a text as the version that follows its own, with what it makes true; None if it moved.

        First of all, or at once, whose its carrier's id is: an inbox that shows the text asks by that.
        """
        only_if = unmoved(message.version) if message.version else _UNVERSIONED
        key, item = _row(tenant, message), self._item(message)
        whose = {"message": text(message.message_id), "ttl": item["ttl"]}
        if not facts:
            if new_sid is not None:
                self._table.ask("put_item", Item=key_item(sid_key(tenant, new_sid)) | whose)
            saved = self._put(tenant, message, only_if=only_if)
            return message_of(saved) if saved else None
        saving = Transaction[str](self._table, tenant)
        saving.put(_TEXT, key, self._table.sealed(key, item), only_if=only_if)
        if new_sid is not None:
            saving.put(_TEXT, sid_key(tenant, new_sid), whose, only_if=None)
        try:
            saving.commit(facts)
        except Refused:
            return None
        return message_of(key_item(key) | item)

    def messages(self, tenant: Tenant, subject: str) -> Sequence[Message]:
        """Every text about a promise, sent or not, oldest first."""
        rows = self._table.query(messages_span(tenant, subject))
        found = [message_of(self._table.opened(item)) for item in rows]
        return sorted(found, key=lambda message: (message.created_at, message.message_id))

    def own_sids(self, tenant: Tenant, sids: Sequence[str]) -> Mapping[str, str]:
        """Those of the carrier's ids that belong to this tenant's texts, and to which."""
        keys = {sid_key(tenant, sid): sid for sid in sids}
        return {keys[key]: item["message"]["S"] for key, item in self._table.get_many(keys).items()}

    def _put(self, tenant: Tenant, message: Message, *, only_if: Condition) -> Item | None:
        """Write a row on a condition; gives it, or None if the condition does not hold.

        A write whose answer was lost is found again by its own token: it is still this caller's.
        """
        item = key_item(_row(tenant, message)) | self._item(message)
        item["claim"] = text(self._table.new_token())
        values: dict[str, Any] = {"ExpressionAttributeValues": only_if.values} if only_if.values else {}
        try:
            self._table.ask(
                "put_item",
                Item=self._table.sealed(_row(tenant, message), item),
                ConditionExpression=only_if.expression,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **values,
            )
        except ConditionFailed as error:
            return item if error.row.get("claim") == item["claim"] else None
        return item

    def _item(self, message: Message) -> Item:
        item = message_item(message, self._table.now())
        return item if "request_id" in item else on_behalf() | item


def _row(tenant: Tenant, message: Message) -> tuple[str, str]:
    return message_key(tenant, message.subject, message.message_id)
