"""A DynamoDB in this very process, for tests of one thread and tiny tables: in a race it oversells."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.adapters.dynamodb import DynamoStore, client_config
from infra.sandbox.resources import create
from tests.fakes import A_VAULT, FakeClock

ACCOUNT = {"region_name": "eu-west-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}

type NewStore = Callable[..., DynamoStore]


@pytest.fixture(scope="module")
def moto_dynamodb() -> Iterator[Any]:
    """A client of moto's DynamoDB."""
    with mock_aws():
        yield boto3.client("dynamodb", config=client_config(), **ACCOUNT)


_stacks = count(1)


@pytest.fixture
def moto_table(moto_dynamodb: Any) -> str:
    """A fresh table of the kind that is deployed; its name."""
    sqs = boto3.client("sqs", **ACCOUNT)
    return create(dynamodb=moto_dynamodb, sqs=sqs, stack=f"stack-{next(_stacks)}").table_name


@pytest.fixture
def new_store(moto_dynamodb: Any, moto_table: str) -> NewStore:
    """Makes stores on one table, as several processes would; each on the client given, or the common one."""

    def make(client: Any = None, **given: Any) -> DynamoStore:
        given = {"vault": A_VAULT, "clock": FakeClock(), "pause": lambda _: None} | given
        return DynamoStore(client or moto_dynamodb, table=moto_table, **given)

    return make
