"""Two stages share nothing, and what they keep outlives a mistake."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.artefact.expansion import Resources, expanded, of_type, references, template_of

STAGES = ("test", "live")
each_stage = pytest.mark.parametrize("stage", STAGES)
NAMES = re.compile(r"(Table|Queue|Topic|LogGroup|Dashboard|UsagePlan|Bucket|Function|Role|Policy|Alarm)Name")
# Names within a resource that has one of its own, or that are somebody's choice.
INNER = {"PolicyName", "FunctionName"}


def leaves(value: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value of a piece of a template that has none inside, with the way there."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from leaves(inner, *path, name)
        case list():
            for number, inner in enumerate(value):
                yield from leaves(inner, *path, str(number))
        case _:
            yield path, value


def physical_names(resources: Resources) -> dict[tuple[str, str], Any]:
    """Whatever a template names itself, instead of leaving it to CloudFormation."""
    return {
        (logical_id, name): value
        for logical_id, resource in resources.items()
        for name, value in resource.get("Properties", {}).items()
        if (NAMES.fullmatch(name) and name not in INNER)
        or (name == "Name" and resource["Type"] == "AWS::ApiGateway::RestApi")
    }


@each_stage
def test_everything_physical_is_named_by_the_stack(stage: str) -> None:
    """Two stacks of one account can have no name in common, for no two stacks of a region have one."""
    names = physical_names(expanded(template_of(stage)))
    assert len(names) == 22
    for value in names.values():
        assert "${AWS::StackName}" in value["Fn::Sub"]


@each_stage
def test_no_arn_leads_out_of_the_stack(stage: str) -> None:
    """Whatever is written out as an ARN names the stack, or something that this template makes."""
    template = template_of(stage)
    made = template["Resources"].keys() | {"APIHandlerAliaslive"} | {"RestAPIId"}
    arns = [text for _, text in leaves(template["Resources"]) if isinstance(text, str) and "arn:" in text]
    assert arns
    for arn in arns:
        ours = references({"Fn::Sub": arn}) & (made | {"AWS::StackName"})
        assert ours, arn


@each_stage
def test_nothing_is_exported_or_imported(stage: str) -> None:
    """Exports are a region's, not a stack's."""
    template = template_of(stage)
    assert not [path for path, _ in leaves(template) if "Fn::ImportValue" in path or "Export" in path]


def test_stages_differ_in_nothing_but_their_size_and_their_name() -> None:
    """What was tried in one is what runs in the other."""
    test, live = (dict(leaves(template_of(stage))) for stage in STAGES)
    assert test.keys() == live.keys()
    differing = {(path[-1], (test[path], live[path])) for path in test if test[path] != live[path]}
    shown = {(name, values) for name, values in differing if name not in ("Fn::Sub", "aws-chalice")}
    assert shown == {
        ("STAGE", STAGES),
        ("MemorySize", (1024, 1769)),
        ("MemorySize", (1024, 512)),
        ("RetentionInDays", (7, 30)),
        ("Value", STAGES),
    }
    both = next(values for name, values in differing if name == "Fn::Sub")
    dashboard = [value.replace('"test"', '"live"') for value in both]
    assert dashboard[0] == dashboard[1]


@each_stage
@pytest.mark.parametrize("kept", ["Table", "Proofs"])
def test_data_outlives_its_stack(stage: str, kept: str) -> None:
    """Neither deleting the stack nor a change that replaces them takes the rows or the proofs along."""
    resource = template_of(stage)["Resources"][kept]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


@each_stage
def test_table_is_protected(stage: str) -> None:
    """Deletion protection, any second of the last 35 days, encryption, and time to live."""
    table = template_of(stage)["Resources"]["Table"]["Properties"]
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


@pytest.fixture(scope="module")
def bucket() -> Resources:
    found: Resources = template_of("live")["Resources"]["Proofs"]["Properties"]
    return found


def test_bucket_is_nobodys_but_ours(bucket: Resources) -> None:
    """No list of rights can make it public, and what lies in it is encrypted."""
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_bucket_forgets(bucket: Resources) -> None:
    """A signature and a photo of a door are somebody's; after 90 days nobody may ask for them any more.

    No versions are kept, so what is deleted is gone.
    """
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 90)
    assert "Prefix" not in rule
    assert "VersioningConfiguration" not in bucket


def test_page_of_any_driver_can_put_a_proof_and_read_none(bucket: Resources) -> None:
    """The URL that was handed out is the right to put; pages of merchants come from anywhere."""
    [rule] = bucket["CorsConfiguration"]["CorsRules"]
    assert (rule["AllowedMethods"], rule["AllowedOrigins"]) == (["PUT"], ["*"])
    assert rule["AllowedHeaders"] == ["Content-Type"]


def test_bucket_is_reached_through_tls_only() -> None:
    """The bucket itself and all that is in it."""
    resources = template_of("live")["Resources"]
    [policy] = of_type(resources, "AWS::S3::BucketPolicy").values()
    assert policy["Properties"]["Bucket"] == {"Ref": "Proofs"}
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [{"Fn::GetAtt": ["Proofs", "Arn"]}, {"Fn::Sub": "${Proofs.Arn}/*"}]
