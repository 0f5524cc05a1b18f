"""A refused transaction leaves everything as it was, though not everything was copied."""

import copy
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from chalicelib.adapters.dynamodb import client_config
from infra.sandbox.resources import create
from tests.quick_moto import naming

ACCOUNT = {"region_name": "eu-west-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
KEPT, GONE, NEW = ({"pk": {"S": "rows"}, "sk": {"S": name}} for name in ("kept", "gone", "new"))
CHANGED: dict[str, Any] = {
    "UpdateExpression": "SET deep.#count = :two",
    "ExpressionAttributeNames": {"#count": "count"},
    "ExpressionAttributeValues": {":two": {"N": "2"}},
}


@pytest.fixture
def table() -> Iterator[tuple[Any, str]]:
    """A client, and the name of a table of two rows."""
    with mock_aws():
        client = boto3.client("dynamodb", config=client_config(), **ACCOUNT)
        name = create(dynamodb=client, sqs=boto3.client("sqs", **ACCOUNT), stack="quick").table_name
        for row in (KEPT, GONE):
            client.put_item(TableName=name, Item=row | {"deep": {"M": {"count": {"N": "1"}}}})
        yield client, name


def refused(client: Any, name: str) -> None:
    """Change, delete and put, and then require what is not so."""
    with pytest.raises(ClientError, match="TransactionCanceled"):
        client.transact_write_items(
            TransactItems=[
                {
                    "Update": {
                        "TableName": name,
                        "Key": KEPT,
                    }
                    | CHANGED
                },
                {"Delete": {"TableName": name, "Key": GONE}},
                {"Put": {"TableName": name, "Item": NEW}},
                {
                    "ConditionCheck": {
                        "TableName": name,
                        "Key": {"pk": {"S": "elsewhere"}, "sk": {"S": "nowhere"}},
                        "ConditionExpression": "attribute_exists(pk)",
                    }
                },
            ]
        )


def stored(name: str) -> Table:
    """The table itself, as moto has it."""
    found: Table = dynamodb_backends[DEFAULT_ACCOUNT_ID][ACCOUNT["region_name"]].tables[name]
    return found


def all_of(client: Any, name: str) -> list[Any]:
    """Every row there is, and how many changes a stream would tell of."""
    shard = stored(name).stream_shard
    assert shard is not None
    return [client.scan(TableName=name)["Items"], len(shard.items)]


def test_what_a_refused_transaction_names_is_as_it_was(table: tuple[Any, str]) -> None:
    """Deep inside a row, deleted, put, and in the stream."""
    before = all_of(*table)
    refused(*table)
    assert all_of(*table) == before
    assert len(before[0]) == before[1] == 2


def test_unless_its_items_are_named(table: tuple[Any, str]) -> None:
    """Control: of what nobody named the copy has no row of its own, and changes with the table."""
    client, name = table
    original = stored(name)
    partition, sort = DynamoType(KEPT["pk"]), DynamoType(KEPT["sk"])
    with naming([(name, partition, sort)]):
        own = copy.deepcopy(original)
    with naming(()):
        shared = copy.deepcopy(original)
    client.update_item(TableName=name, Key=KEPT, **CHANGED)
    counts = [each.items[partition][sort].to_json()["Attributes"]["deep"] for each in (own, shared)]
    assert counts == [{"M": {"count": {"N": "1"}}}, {"M": {"count": {"N": "2"}}}]
