"""moto copies a table whole before each transaction, to be able to go back; here, what it names.

Most of what a test against moto took went into those copies. Weak point: an item changed by a transaction
that did not name it would stay changed after a refusal; moto changes no such item.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

type Key = tuple[str, DynamoType, DynamoType]

_named: Final[ContextVar[tuple[Key, ...]]] = ContextVar("named")
_transact_write_items: Final = DynamoDBBackend.transact_write_items


def install() -> None:
    """Have every transaction of this process copy what it names and no more."""
    DynamoDBBackend.transact_write_items = _naming_its_items  # type: ignore[method-assign]
    Table.__deepcopy__ = _copied  # type: ignore[attr-defined]


@contextmanager
def naming(keys: Iterable[Key]) -> Iterator[None]:
    """Within this a table's copy has these items for itself, and shares the others."""
    token = _named.set(tuple(keys))
    try:
        yield
    finally:
        _named.reset(token)


def _naming_its_items(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    with naming(_keys_of(backend, transact_items)):
        _transact_write_items(backend, transact_items)


def _keys_of(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> Iterator[Key]:
    for operation in (given for item in transact_items for given in item.values()):
        table = backend.tables.get(operation["TableName"])
        key: Mapping[str, Any] = operation.get("Key") or operation["Item"]
        if table is not None and table.hash_key_attr in key and table.range_key_attr in key:
            yield table.name, DynamoType(key[table.hash_key_attr]), DynamoType(key[table.range_key_attr])


def _copied(table: Table, _: dict[int, Any]) -> Table:
    twin = copy.copy(table)
    twin.items = copy.copy(table.items)
    for name, partition, sort in _named.get():
        if name == table.name and partition in table.items:
            rows = twin.items[partition] = dict(twin.items[partition])
            if sort in rows:
                rows[sort] = copy.deepcopy(rows[sort])
    if table.stream_shard is not None:
        twin.stream_shard = copy.copy(table.stream_shard)
        twin.stream_shard.table = twin
        twin.stream_shard.items = list(table.stream_shard.items)
    return twin
