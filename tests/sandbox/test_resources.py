"""The sandbox's resources are the ones `infra/resources.json` deploys."""

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.sandbox.emulator import Emulator
from infra.sandbox.resources import create, resolve, template


def table_properties() -> dict[str, Any]:
    properties: dict[str, Any] = template()["Resources"]["Table"]["Properties"]
    return properties


def test_table_has_the_indexes_and_the_stream_that_are_deployed(emulator: Emulator) -> None:
    """Keys, indexes, stream and deletion protection are those of the template."""
    declared = table_properties()
    table = emulator.client("dynamodb").describe_table(TableName=emulator.resources.table_name)["Table"]
    assert table["KeySchema"] == declared["KeySchema"]
    assert table["AttributeDefinitions"] == declared["AttributeDefinitions"]
    indexes = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
    for index in declared["GlobalSecondaryIndexes"]:
        assert indexes[index["IndexName"]]["KeySchema"] == index["KeySchema"]
        assert indexes[index["IndexName"]]["Projection"] == index["Projection"]
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert table["DeletionProtectionEnabled"]


def test_table_expires_items_by_the_attribute_ttl(emulator: Emulator) -> None:
    """Time to live is on: the dustman needs it, no rule does."""
    name = emulator.resources.table_name
    described = emulator.client("dynamodb").describe_time_to_live(TableName=name)
    assert described["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def test_planning_job_that_fails_three_times_is_kept_aside(emulator: Emulator) -> None:
    """The FIFO queue redrives into its own dead letters after three receives, and deduplicates by id only."""
    sqs, resources = emulator.client("sqs"), emulator.resources
    attributes = sqs.get_queue_attributes(QueueUrl=resources.improve_queue_url, AttributeNames=["All"])[
        "Attributes"
    ]
    dead = sqs.get_queue_attributes(QueueUrl=resources.improve_dead_letters_url, AttributeNames=["QueueArn"])
    assert json.loads(attributes["RedrivePolicy"]) == {
        "deadLetterTargetArn": dead["Attributes"]["QueueArn"],
        "maxReceiveCount": 3,
    }
    assert attributes["ContentBasedDeduplication"] == "false"


def test_two_stacks_of_one_emulator_do_not_share_a_table(emulator: Emulator) -> None:
    """A test can have a table of its own."""
    other = emulator.create("another-stack")
    dynamodb = emulator.client("dynamodb")
    dynamodb.put_item(TableName=other.table_name, Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    assert "Item" not in dynamodb.get_item(TableName=emulator.resources.table_name, Key=key)


@pytest.mark.parametrize("value", [{"Fn::Sub": "${AWS::Region}"}, {"Ref": "Other"}, [{"Fn::Join": []}]])
def test_template_the_sandbox_cannot_follow_is_refused(value: object) -> None:
    """A resource that would differ from the deployed one must not be created silently."""
    with pytest.raises(ValueError, match="does not know"):
        resolve(value, stack="any")


def test_same_resources_serve_the_store_tests_on_moto() -> None:
    """Single-threaded store tests get the deployed table from the same call."""
    with mock_aws():
        region = {"region_name": "eu-west-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
        dynamodb = boto3.client("dynamodb", **region)
        resources = create(dynamodb=dynamodb, sqs=boto3.client("sqs", **region), stack="on-moto")
        table = dynamodb.describe_table(TableName=resources.table_name)["Table"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["due", "listing"]
