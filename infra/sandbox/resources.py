"""The table and the queues, created from the very file that deploys them.

`infra/resources.json` is a CloudFormation fragment. Its tables and queues are created here by plain calls
rather than through the emulator's CloudFormation, which forgets time to live; it also serves moto. Only the
three intrinsics those resources need are understood, anything else fails loudly.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parents[1] / "resources.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Where the things live that `create` made."""

    table_name: str
    stream_arn: str
    improve_queue_url: str
    improve_dead_letters_url: str
    repair_queue_url: str
    repair_dead_letters_url: str
    facts_dead_letters_url: str
    webhooks_queue_url: str
    webhooks_dead_letters_url: str
    texts_queue_url: str
    texts_dead_letters_url: str


def template() -> dict[str, Any]:
    """Return the CloudFormation fragment as it stands in the repository."""
    fragment: dict[str, Any] = json.loads(TEMPLATE.read_text("utf-8"))
    return fragment


def create(*, dynamodb: Any, sqs: Any, stack: str) -> Resources:
    """Create the table and queues of one stack.

    Parameters
    ----------
    dynamodb, sqs
        boto3 clients of an emulator (or of moto).
    stack
        Name of the stack; every physical name starts with it, so that one emulator can hold several.
    """
    declared = template()["Resources"]
    queue_urls: dict[str, str] = {}
    for name in _dead_letters_first(declared):
        properties = resolve(
            declared[name]["Properties"], stack=stack, queue_arn=lambda of: _arn(sqs, queue_urls[of])
        )
        queue_name = properties.pop("QueueName")
        attributes = {key: json.dumps(value) for key, value in properties.items()}
        queue_urls[name] = sqs.create_queue(QueueName=queue_name, Attributes=attributes)["QueueUrl"]
    table = _create_table(dynamodb, resolve(declared["Table"]["Properties"], stack=stack))
    return Resources(
        table_name=table["TableName"],
        stream_arn=table["LatestStreamArn"],
        improve_queue_url=queue_urls["ImproveQueue"],
        improve_dead_letters_url=queue_urls["ImproveDeadLetters"],
        repair_queue_url=queue_urls["RepairQueue"],
        repair_dead_letters_url=queue_urls["RepairDeadLetters"],
        facts_dead_letters_url=queue_urls["FactsDeadLetters"],
        webhooks_queue_url=queue_urls["WebhooksQueue"],
        webhooks_dead_letters_url=queue_urls["WebhooksDeadLetters"],
        texts_queue_url=queue_urls["TextsQueue"],
        texts_dead_letters_url=queue_urls["TextsDeadLetters"],
    )


def _create_table(dynamodb: Any, properties: dict[str, Any]) -> dict[str, Any]:
    ttl = properties.pop("TimeToLiveSpecification")
    recovery = properties.pop("PointInTimeRecoverySpecification")
    encryption = {"Enabled": properties.pop("SSESpecification")["SSEEnabled"]}
    stream = {"StreamEnabled": True, **properties.pop("StreamSpecification")}
    table: dict[str, Any] = dynamodb.create_table(
        **properties, StreamSpecification=stream, SSESpecification=encryption
    )["TableDescription"]
    name = table["TableName"]
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
    dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    return table


def _dead_letters_first(declared: Mapping[str, Any]) -> list[str]:
    queues = [name for name, resource in declared.items() if resource.get("Type") == "AWS::SQS::Queue"]
    return sorted(queues, key=lambda name: "RedrivePolicy" in declared[name]["Properties"])


def _arn(sqs: Any, queue_url: str) -> str:
    answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def resolve(value: Any, *, stack: str, queue_arn: Callable[[str], str] | None = None) -> Any:
    """Return a piece of the template with its intrinsics replaced.

    Raises
    ------
    ValueError
        For an intrinsic it does not know: better no resource than another one than is deployed.
    """
    match value:
        case {"Fn::Sub": str() as text} if len(value) == 1:
            resolved = text.replace("${AWS::StackName}", stack)
            if "${" in resolved:
                raise ValueError(f"resources.json uses a substitution the sandbox does not know: {text}")
            return resolved
        case {"Fn::GetAtt": [str() as name, "Arn"]} if queue_arn is not None:
            return queue_arn(name)
        case dict():
            unknown = [key for key in value if key.startswith("Fn::") or key == "Ref"]
            if unknown:
                raise ValueError(f"resources.json uses an intrinsic the sandbox does not know: {unknown[0]}")
            return {key: resolve(inner, stack=stack, queue_arn=queue_arn) for key, inner in value.items()}
        case list():
            return [resolve(inner, stack=stack, queue_arn=queue_arn) for inner in value]
        case _:
            return value
