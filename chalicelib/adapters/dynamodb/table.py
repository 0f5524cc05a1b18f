"""One table through one client: every call bounded in time, every error in our words.

botocore retries nothing for us: here is the one place that does, because only here is it known what may be
repeated. A call is tried `ATTEMPTS` times with a pause between; what a dead store costs a request is
`ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS)` and once more if a commit must be looked up, together about 20
seconds and well inside the 29 of an API Gateway. Weak point: a store that answers each call only at the last
try is not noticed as dead.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import batched
from typing import Any, Final

from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.parsers import ResponseParserError

from chalicelib.adapters.dynamodb.keys import DUE, LISTING, Key, Span
from chalicelib.adapters.sealing import Sealer
from chalicelib.errors import BadToken, Upstream
from chalicelib.units import Clock, Timestamp

ATTEMPTS: Final = 4
CONNECT_SECONDS: Final = 0.5
READ_SECONDS: Final = 2.0
_MOST_AT_ONCE = 100  # keys in one BatchGetItem
_MOST_WRITES = 25  # rows in one BatchWriteItem

_THROTTLED = frozenset(
    {
        "ThrottlingException",
        "ThrottlingError",  # as transactions spell it
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "TransactionConflictException",  # a single write met a transaction
    }
)
_UNCLEAR = frozenset(
    {"InternalServerError", "InternalFailure", "ServiceUnavailable", "TransactionInProgressException"}
)
_OUR_BUGS = frozenset(
    {"ValidationException", "SerializationException", "IdempotentParameterMismatchException"}
)
_NOT_ANSWERED = (HTTPClientError, ConnectionError, IncompleteReadError, ResponseParserError)

# What each index is sorted by, and how its sort keys are spelled.
_SORTED: Final = {
    None: ("pk", "sk", "S"),
    LISTING: ("list_pk", "list_sk", "S"),
    DUE: ("due_pk", "due_at", "N"),
}

type Item = dict[str, dict[str, Any]]
"""A row as DynamoDB spells it; binary attributes of rows that were read are in base64, see `binary_of`."""


def client_config() -> Config:
    """Configure a client so that it tries once and gives up early."""
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
        tcp_keepalive=True,
        user_agent="slotkeeper",  # put together once, and not anew for every call
    )


class NoAnswer(Upstream):
    """One try brought no answer; `unclear` if it may have been carried out all the same."""

    def __init__(self, *, unclear: bool) -> None:
        super().__init__("The store does not answer.")
        self.unclear = unclear


class ConditionFailed(Exception):
    """The condition of a single write did not hold; `row` is what was there, if it was asked for."""

    def __init__(self, row: Item) -> None:
        super().__init__("the condition did not hold")
        self.row = row


class Cancelled(Exception):
    """A transaction was refused; `reasons` has DynamoDB's code for each of its actions."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(f"cancelled: {reasons}")
        self.reasons = reasons


class Table:
    """The table, as all stores use it.

    Parameters
    ----------
    client
        boto3's, made with `client_config()`; its reads are parsed our way from here on.
    vault
        Keys that are never dropped; nothing is asked of them before a buyer's row is read or written.
    clock
        System time, for time to live.
    pause
        Waits before the n-th repetition of a call, longer each time and by chance.
    entropy
        Gives that many random bytes, for the names of transactions.
    """

    def __init__(
        self,
        client: BaseClient,
        name: str,
        *,
        vault: Sealer,
        clock: Clock,
        pause: Callable[[int], object],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._client, self._name, self._clock = client, name, clock
        self.vault = vault
        self._pause, self._entropy = pause, entropy
        for read in ("GetItem", "Query", "BatchGetItem"):
            client.meta.events.register(
                f"before-parse.dynamodb.{read}", _parse_plainly, unique_id=f"plain-{read}"
            )

    @property
    def name(self) -> str:
        """The table's name."""
        return self._name

    def now(self) -> Timestamp:
        """System time."""
        return self._clock.system_now()

    def disconnect(self) -> None:
        """Close the connections that are kept; the next call makes a new one."""
        self._client.close()

    def new_token(self) -> str:
        """Make a name for a transaction that no other has."""
        return self._entropy(16).hex()

    def get(self, key: Key) -> Item | None:
        """Read one row, strongly consistent."""
        item: Item | None = self.ask("get_item", Key=key_item(key), ConsistentRead=True).get("Item")
        return item

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Read rows by their keys, strongly consistent; those that do not exist are left out.

        Raises
        ------
        Upstream
            Rows were still withheld after the last try.
        """
        found: dict[Key, Item] = {}
        for some in batched(dict.fromkeys(keys), _MOST_AT_ONCE):
            wanted: list[Item] = [key_item(key) for key in some]
            for _ in self.tries():
                asked = {self._name: {"Keys": wanted, "ConsistentRead": True}}
                with suppress(NoAnswer):
                    answer = self.attempt("batch_get_item", {"RequestItems": asked})
                    found |= {key_of(item): item for item in answer["Responses"].get(self._name, ())}
                    wanted = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
                if not wanted:
                    break
            else:
                raise NoAnswer(unclear=False)
        return found

    def put_many(self, items: Iterable[Item]) -> None:
        """Write rows over what there may be, on no condition; each key once.

        Raises
        ------
        Upstream
            Rows were still withheld after the last try; others may have been written.
        """
        for some in batched(items, _MOST_WRITES):
            left: list[Item] = [{"PutRequest": {"Item": item}} for item in some]
            for _ in self.tries():
                with suppress(NoAnswer):
                    answer = self.attempt("batch_write_item", {"RequestItems": {self._name: left}})
                    left = answer.get("UnprocessedItems", {}).get(self._name, [])
                if not left:
                    break
            else:
                raise NoAnswer(unclear=True)

    def query(
        self,
        span: Span,
        *,
        index: str | None = None,
        attributes: str | None = None,
        consistent: bool = True,
        at_once: int | None = None,
        backwards: bool = False,
    ) -> Iterator[Item]:
        """Read part of a partition in the order of its sort keys, page after page as they are wanted.

        Parameters
        ----------
        index
            An index to read instead of the table: never strongly consistent.
        attributes
            The only ones to answer, by names that are no reserved words.
        at_once
            Rows to ask for in one page, where not all may be wanted.
        backwards
            The last one first.
        """
        partition, sort, kind = _SORTED[index]
        low, high = span.first, span.last
        condition, values = f"{partition} = :partition", {":partition": text(span.partition)}
        if low is not None and high is not None:
            condition += f" AND {sort} BETWEEN :low AND :high"
            values |= {":low": {kind: low}, ":high": {kind: high}}
        request: dict[str, Any] = {
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ConsistentRead": consistent and index is None,
        }
        if index is not None:
            request["IndexName"] = index
        if attributes is not None:
            request["ProjectionExpression"] = attributes
        if at_once is not None:
            request["Limit"] = at_once
        if backwards:
            request["ScanIndexForward"] = False
        while True:
            answer = self.ask("query", **request)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def ask(self, operation: str, **request: Any) -> dict[str, Any]:
        """Call an operation on this table, trying again where that may help and cannot hurt.

        Raises
        ------
        ConditionFailed
            The write's condition did not hold.
        Upstream
            No try brought an answer, or we are not let in.
        """
        unanswered = NoAnswer(unclear=False)
        for _ in self.tries():
            try:
                return self.attempt(operation, {"TableName": self._name, **request})
            except NoAnswer as error:
                unanswered = error
        raise unanswered

    def tries(self) -> Iterator[int]:
        """Number the tries of one call, and wait between them."""
        for number in range(ATTEMPTS):
            if number:
                self._pause(number)
            yield number

    def attempt(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation once.

        Raises
        ------
        ConditionFailed, Cancelled
            It was refused.
        NoAnswer
            It may be worth trying again.
        Upstream
            It is not: we are not let in, say.
        """
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**request)
        except _NOT_ANSWERED as error:
            raise NoAnswer(unclear=True) from error
        except ClientError as error:
            _translate(error)
            raise
        return answer

    def sealed(self, key: Key, item: Item, name: str = "document") -> Item:
        """A row to be written, an attribute of it encrypted: for that row alone, it can stand in no other."""
        if name not in item:
            return item
        return item | {name: binary(self.vault.seal_bytes(_purpose(key), item[name]["S"].encode()))}

    def opened(self, item: Item, name: str = "document") -> Item:
        """A row that was read, as it was before `sealed`; one that never was, as it is.

        Raises
        ------
        RuntimeError
            It was sealed with a key that is gone, or for another row.
        """
        if "B" not in item.get(name, {}):  # there is none, or it is from before it was sealed
            return item
        try:
            content = self.vault.unseal_bytes(_purpose(key_of(item)), binary_of(item, name))
        except BadToken as error:  # nobody's request is to blame
            raise RuntimeError("a row does not open") from error
        return item | {name: text(content.decode())}


class Rows:
    """Some rows of the table, and what they are read and written for."""

    def __init__(self, table: Table) -> None:
        self._table = table


def _translate(error: ClientError) -> None:
    """Raise what an error means to us; return if it is a bug of ours, which nobody should catch."""
    answer: Mapping[str, Any] = error.response
    code = answer.get("Error", {}).get("Code", "")
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "ConditionalCheckFailedException":
        raise ConditionFailed(answer.get("Item", {})) from error
    if code == "TransactionCanceledException":
        reasons = [reason.get("Code") or "None" for reason in answer.get("CancellationReasons", ())]
        if "ValidationError" in reasons:
            return
        if not {"ConditionalCheckFailed", "TransactionConflict"}.intersection(reasons):
            raise NoAnswer(unclear=False) from error
        raise Cancelled(reasons) from error
    if code in _THROTTLED:
        raise NoAnswer(unclear=False) from error
    if code in _UNCLEAR or status >= 500:
        raise NoAnswer(unclear=True) from error
    if code not in _OUR_BUGS:
        raise Upstream(f"The store refuses us: {code}.") from error


def _parse_plainly(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    """Take a read's answer as the JSON it is: botocore's own walk through its shapes costs twice as much.

    400 routes of 1.4 KB: 3.2 ms of CPU instead of 7.9, before base64 is read where it is needed.
    """
    if response_dict["status_code"] == 200:
        customized_response_dict.update(json.loads(response_dict["body"]))
        response_dict["body"] = b"{}"


def _purpose(key: Key) -> str:
    return f"row/{key[0]}/{key[1]}"


def text(value: str) -> dict[str, str]:
    """Spell a string."""
    return {"S": value}


def number(value: int) -> dict[str, str]:
    """Spell a whole number."""
    return {"N": str(value)}


def binary(value: bytes) -> dict[str, bytes]:
    """Spell bytes."""
    return {"B": value}


def binary_of(item: Item, name: str) -> bytes:
    """Read a binary attribute of a row that was read."""
    return b64decode(item[name]["B"])


def key_item(key: Key) -> Item:
    """Spell a row's key."""
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def key_of(item: Item) -> Key:
    """Read a row's key."""
    return item["pk"]["S"], item["sk"]["S"]
