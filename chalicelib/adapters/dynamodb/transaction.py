"""One command's writes as one TransactWriteItems: all of them or none, and never twice.

Every action has a condition made of named parts, and a guard: the name by which a refusal tells what no
longer held. Every transaction also writes one row under a token of its own, its outbox row. That row is the
witness: when an answer is lost and the same request under the same token does not bring it back, the place of
the witness is taken by an empty row. Either it is there, then all was applied; or it was not, and then the
transaction, should it still be on its way, is refused by it. So the answer is true also for a write that
comes late. Weak point: if that question has no answer either, nobody knows, and only the caller's
Idempotency-Key makes a repetition safe.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.adapters.dynamodb.keys import (
    Key,
    outbox_due_partition,
    outbox_due_shard,
    outbox_key,
    receipt_key,
)
from chalicelib.adapters.dynamodb.rows import HANDED_ON_WITHIN, facts_text, receipt_item
from chalicelib.adapters.dynamodb.table import (
    Cancelled,
    ConditionFailed,
    Item,
    NoAnswer,
    Table,
    key_item,
    number,
    text,
)
from chalicelib.adapters.errand import current_request_id
from chalicelib.errors import AlreadyDone
from chalicelib.events import Fact, Tenant
from chalicelib.receipts import ReceiptRow
from chalicelib.retention import OUTBOX_KEPT
from chalicelib.units import StopId

MOST_ACTIONS: Final = 100  # DynamoDB's own limit


@dataclass(frozen=True, slots=True)
class Condition:
    """Part of what a write relies on."""

    expression: str
    values: Item = field(default_factory=dict)

    def __or__(self, other: "Condition") -> "Condition":
        return Condition(f"({self.expression}) OR ({other.expression})", self.values | other.values)


# Nobody wrote this row before us: a second receipt, hold or promise of one id is another transaction's.
ABSENT: Final = Condition("attribute_not_exists(pk)")


def unmoved(version: int) -> Condition:
    """Require the row to be as it was read: the guard of all capacity, by which the first writer wins."""
    return Condition("version = :seen", {":seen": number(version)}) if version else ABSENT


def still_names(stop_id: StopId | None) -> Condition:
    """Require the row to name the stop it named when it was read: a cart's hold, an order's promise."""
    return ABSENT if stop_id is None else Condition("stop = :seen", {":seen": number(stop_id)})


def same_fleet(fleet_version: int) -> Condition:
    """Require that no depot, vehicle or shift changed since what is written was derived from them."""
    return Condition("fleet_version = :fleet", {":fleet": number(fleet_version)}) if fleet_version else ABSENT


def no_further(milestones: int) -> Condition:
    """Require a van to have passed no milestone since its progress was read."""
    condition = Condition("milestones = :passed", {":passed": number(milestones)})
    return condition if milestones else ABSENT | condition


def same_place(place: str) -> Condition:
    """Require a shift's id not to be taken by a shift of another plan."""
    return ABSENT | Condition("place = :place", {":place": text(place)})


def on_behalf() -> Item:
    """Name the request that a row goes back to, if there is one."""
    request_id = current_request_id()
    return {} if request_id is None else {"request_id": text(request_id)}


class Refused[G](Exception):
    """Nothing was written.

    Attributes
    ----------
    guards
        What no longer held; empty if other transactions were writing the same rows at that moment.
    """

    def __init__(self, guards: frozenset[G]) -> None:
        super().__init__("nothing was written")
        self.guards = guards


class Transaction[G: Hashable]:
    """Actions under way to one commit; every row at most once.

    Parameters
    ----------
    table
        Where it is committed.
    """

    def __init__(self, table: Table, tenant: Tenant) -> None:
        self._table, self._tenant = table, tenant
        self._actions: list[dict[str, Any]] = []
        self._guards: list[G | None] = []  # None: the receipt's
        self._rows: set[Key] = set()

    def put(self, guard: G, key: Key, attributes: Item, *, only_if: Condition | None) -> None:
        """Write a whole row; on no condition of its own where another row's guards it as well."""
        self._add("Put", guard, key, only_if, Item=key_item(key) | attributes)

    def update(self, guard: G, key: Key, expression: str, values: Item, *, only_if: Condition) -> None:
        """Change some attributes of a row, made if there is none; `#ttl` stands for its time to live."""
        named = {"ExpressionAttributeNames": {"#ttl": "ttl"}} if "#ttl" in expression else {}
        self._add(
            "Update", guard, key, only_if, values, Key=key_item(key), UpdateExpression=expression, **named
        )

    def delete(self, guard: G, key: Key, *, only_if: Condition | None) -> None:
        """Remove a row; on no condition of its own where another row's guards it as well."""
        self._add("Delete", guard, key, only_if, Key=key_item(key))

    def check(self, guard: G, key: Key, *, only_if: Condition) -> None:
        """Rely on a row that is not written."""
        self._add("ConditionCheck", guard, key, only_if, Key=key_item(key))

    def receipt(self, receipt: ReceiptRow | None) -> None:
        """Write the receipt of the request that is carried out: its twin finds it there and has no effect."""
        if receipt is not None:
            key = receipt_key(self._tenant, receipt.key)
            self._add("Put", None, key, ABSENT, Item=key_item(key) | receipt_item(receipt))

    def commit(self, facts: Iterable[Fact] = ()) -> None:
        """Apply everything or nothing.

        Parameters
        ----------
        facts
            What became true by it, for the outbox.

        Raises
        ------
        Refused
            Conditions no longer held, or the rows were being written.
        AlreadyDone
            The receipt exists: this very request had its effect before.
        Upstream
            No answer, and the witness says that it was not applied and never will be; or it was not to be
            asked either.
        """
        token, now, told = self._table.new_token(), self._table.now(), tuple(facts)
        witness = outbox_key(self._tenant, token)
        kept = {"ttl": number(now + OUTBOX_KEPT)}
        outbox = key_item(witness) | {"facts": text(facts_text(told))} | on_behalf() | kept
        if told:
            outbox |= {
                "due_pk": text(outbox_due_partition(outbox_due_shard(token))),
                "due_at": number(now + HANDED_ON_WITHIN),
            }
        put = {"TableName": self._table.name, "Item": outbox, "ConditionExpression": ABSENT.expression}
        request = {"TransactItems": [*self._actions, {"Put": put}], "ClientRequestToken": token}
        if len(self._actions) >= MOST_ACTIONS:
            raise ValueError(f"a transaction has at most {MOST_ACTIONS} actions, its outbox row included")
        failure: NoAnswer | AlreadyDone | Refused[G] = NoAnswer(unclear=False)
        unclear = False
        for _ in self._table.tries():
            try:
                self._table.attempt("transact_write_items", request)
                return
            except NoAnswer as error:
                failure, unclear = error, unclear or error.unclear
            except Cancelled as error:
                failure = self._refused(error)
                break
        if not (unclear and self._was_applied(witness, kept)):
            raise failure

    def _was_applied(self, witness: Key, kept: Item) -> bool:
        """Ask the witness, and if it is not there take its place, so that it never can be."""
        row = key_item(witness) | kept
        try:
            self._table.ask(
                "put_item",
                Item=row,
                ConditionExpression=ABSENT.expression,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as error:
            return "facts" in error.row  # without them it is our own empty row: this answer was lost as well
        return False

    def _refused(self, cancelled: Cancelled) -> AlreadyDone | Refused[G]:
        broken = {
            guard
            for guard, reason in zip(self._guards, cancelled.reasons, strict=False)
            if reason == "ConditionalCheckFailed"
        }
        refused: AlreadyDone | Refused[G]
        # A receipt that is there settles it: whatever else moved, this request itself may have moved it.
        if None in broken:
            refused = AlreadyDone("This request was carried out before.")
        else:
            refused = Refused(frozenset(guard for guard in broken if guard is not None))
        refused.__cause__ = cancelled
        return refused

    def _add(
        self,
        kind: str,
        guard: G | None,
        key: Key,
        only_if: Condition | None,
        values: Item | None = None,
        **request: Any,
    ) -> None:
        if key in self._rows:
            raise ValueError(f"two writes of one row in one transaction: {key}")
        self._rows.add(key)
        self._guards.append(guard)
        values = (values or {}) | (only_if.values if only_if else {})
        if only_if:
            request["ConditionExpression"] = only_if.expression
        if values:
            request["ExpressionAttributeValues"] = values
        self._actions.append({kind: {"TableName": self._table.name, **request}})
