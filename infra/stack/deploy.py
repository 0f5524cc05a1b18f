"""From the folder of a build to a running stack: upload, adapt, create, wait, read what came out.

    deployment = deploy(emulator, Path("build"), "slotkeeper-test", template, parameters=…, variables=…)

Weak point: a stack is only ever created; updates and rollbacks are not tried here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.artefact.template import Template
from infra.sandbox.emulator import REGION, Emulator
from infra.stack.template import Difference, Dropped, adapted, differences, expanded, functions, without

CREATE_SECONDS: Final = 120.0
WATCH_SECONDS: Final = 0.1
_EXPANDED: Final = "template.json"


class DeployFailed(RuntimeError):
    """CloudFormation did not make the stack; the message has its reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A stack that was made.

    Attributes
    ----------
    url
        Of the API, without a slash at the end: the emulator's way to the stage API Gateway serves.
    physical
        Names, URLs or ARNs of the resources by their names in the template.
    changes
        Where the deployed template is not what was built.
    seconds
        From the first upload to the end.
    """

    stack: str
    url: str
    physical: Mapping[str, str]
    outputs: Mapping[str, str]
    changes: Sequence[Difference]
    dropped: Sequence[Dropped]
    seconds: float


def deploy(
    emulator: Emulator,
    build: Path,
    stack: str,
    built: Template,
    *,
    parameters: Mapping[str, str],
    variables: Mapping[str, str],
) -> Deployment:
    """Create a stack from the zips of a build and the template of a stage.

    Parameters
    ----------
    build
        Folder that holds the zips under the names the template has for them.
    parameters
        Values for the parameters of the template; those it does not have are left out.
    variables
        Of the environment of every function, beyond or instead of what was built.

    Raises
    ------
    DeployFailed
        A parameter has no value, or CloudFormation could not make a resource.
    """
    began = monotonic()
    bucket = f"{stack}-artefacts"
    deployed, dropped = adapted(built, bucket=bucket, variables=variables)
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for zip_name in sorted({function["CodeUri"] for function in functions(built).values()}):
        s3.upload_file(str(build / zip_name), bucket, zip_name)
    s3.put_object(Bucket=bucket, Key=_EXPANDED, Body=json.dumps(expanded(deployed, region=REGION)))
    cloudformation = emulator.client("cloudformation")
    try:
        cloudformation.create_stack(
            StackName=stack,
            TemplateURL=f"{emulator.url}/{bucket}/{_EXPANDED}",
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            Parameters=_parameters(built, parameters),
        )
    except ClientError as error:
        raise DeployFailed(f"CloudFormation does not take the template of {stack}: {error}") from error
    made = _made(cloudformation, stack)
    outputs = {one["OutputKey"]: one["OutputValue"] for one in made["Outputs"]}
    listed = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    return Deployment(
        stack=stack,
        url=_local_url(emulator.url, outputs),
        physical={one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed},
        outputs=outputs,
        changes=list(differences(without(built, dropped), deployed)),
        dropped=dropped,
        seconds=monotonic() - began,
    )


def _parameters(template: Template, values: Mapping[str, str]) -> list[dict[str, str]]:
    declared = template.get("Parameters", {})
    missing = [name for name, one in declared.items() if name not in values and "Default" not in one]
    if missing:
        raise DeployFailed(f"No value for the parameters {', '.join(missing)}")
    return [
        {"ParameterKey": name, "ParameterValue": value} for name, value in values.items() if name in declared
    ]


def _made(cloudformation: Any, stack: str) -> dict[str, Any]:
    deadline = monotonic() + CREATE_SECONDS
    while True:
        described: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        status = described["StackStatus"]
        if status == "CREATE_COMPLETE":
            return described
        if not status.endswith("IN_PROGRESS"):
            raise DeployFailed(f"{stack} is {status}:\n{_reasons(cloudformation, stack)}")
        if monotonic() > deadline:
            raise DeployFailed(f"{stack} was still {status} after {CREATE_SECONDS:.0f} s")
        sleep(WATCH_SECONDS)


def _reasons(cloudformation: Any, stack: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return "\n".join(
        f"    {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason')}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
    )


def _local_url(emulator: str, outputs: Mapping[str, str]) -> str:
    """Return where the emulator serves the stage that the stack's own output names."""
    stage = outputs["EndpointURL"].rstrip("/").rpartition("/")[2]
    return f"{emulator}/restapis/{outputs['RestAPIId']}/{stage}/_user_request_"
