"""What is deployed here is the template of the stage but for a few things, each of them named."""

import copy

import pytest

from infra.artefact.build import ROOT, TEMPLATE
from infra.artefact.template import read_template
from infra.stack import Stack
from infra.stack.template import GAPS, ROLE, SEND, SERVERLESS_FUNCTION, Difference, Gap, adapted, differences
from tests.handlers.bakery import problem_of
from tests.handlers.shop_client import ShopClient, over_http

pytestmark = pytest.mark.stack

CHANGED = ("CodeUri", "Environment.Variables.TWILIO_API_URL")
OF_A_STAGE = {
    "DashboardBody.Fn::Sub",
    "Dimensions",
    "Environment.Variables.STAGE",
    "MemorySize",
    "RetentionInDays",
    "Tags.aws-chalice",
}
# The reasons are told in `infra.stack.template.GAPS`.
NOT_DEPLOYED = {"FunctionsThrottled", "TableThrottled"}


def test_stage_has_little_of_its_own(stack: Stack) -> None:
    """Memory, logs and names; all else is word for word what `make package` wrote."""
    found = differences(read_template(ROOT / "build" / TEMPLATE), stack.template)
    assert {change.path.partition(".Properties.")[2] for change in found} <= OF_A_STAGE


def test_deployed_template_differs_in_nothing_but_what_is_named_here(stack: Stack) -> None:
    """Zips lie where they were uploaded to, texts go to a fake Twilio, and messages may be sent in batches.

    Nothing else is changed.
    """
    functions = {
        name for name, one in stack.template["Resources"].items() if one["Type"] == SERVERLESS_FUNCTION
    }
    senders = {
        name
        for name, one in stack.template["Resources"].items()
        if one["Type"] == ROLE and SEND in repr(one["Properties"].get("Policies"))
    }
    assert senders
    assert {change.path for change in stack.deployment.changes} == {
        *(f"Resources.{name}.Properties.{changed}" for name in functions for changed in CHANGED),
        *(f"Resources.{name}.Properties.Policies" for name in senders),
    }


def test_emulator_lacks_nothing_but_what_is_named_here(stack: Stack) -> None:
    """A resource that is left out is left out for a reason, and seen."""
    assert {gone.name for gone in stack.deployment.dropped} == NOT_DEPLOYED
    kept = stack.template["Resources"].keys() - NOT_DEPLOYED
    conditional = {name for name, one in stack.template["Resources"].items() if "Condition" in one}
    made = {name for name in stack.deployment.physical if name in stack.template["Resources"]}
    assert kept - conditional <= made


def test_a_change_of_the_template_is_told() -> None:
    """Control: what is added, changed or taken away shows, wherever it is."""
    function = {"Type": SERVERLESS_FUNCTION, "Properties": {"CodeUri": "lean.zip", "Timeout": 28}}
    built = {"Resources": {"Api": function, "Table": {"Type": "AWS::DynamoDB::Table"}}}
    deployed = copy.deepcopy(built)
    deployed["Resources"]["Api"]["Properties"] = {"CodeUri": "lean.zip", "Timeout": 60, "Tracing": "Active"}
    del deployed["Resources"]["Table"]
    assert list(differences(built, deployed)) == [
        Difference(path="Resources.Api.Properties.Timeout", built=28, deployed=60),
        Difference(path="Resources.Api.Properties.Tracing", built=None, deployed="Active"),
        Difference(path="Resources.Table", built={"Type": "AWS::DynamoDB::Table"}, deployed=None),
    ]
    assert not list(differences(built, copy.deepcopy(built)))


@pytest.mark.parametrize("gap", GAPS, ids=lambda gap: f"{gap.type} {gap.having}")
def test_what_cannot_be_made_is_dropped_with_a_reason(gap: Gap) -> None:
    """Only what the gap speaks of: the same type without the property stays."""
    properties = {gap.having: []} if gap.having else {}
    resources = {"Gone": {"Type": gap.type, "Properties": properties}}
    if gap.having:
        resources["Kept"] = {"Type": gap.type, "Properties": {}}
    deployed, dropped = adapted({"Resources": resources}, bucket="any", variables={})
    assert [(one.name, one.why) for one in dropped] == [("Gone", gap.why)]
    assert "Gone" not in deployed["Resources"]
    assert ("Kept" in deployed["Resources"]) is bool(gap.having)


def test_function_may_do_what_its_role_says_and_no_more(stack: Stack, shop: ShopClient) -> None:
    """Control: with the API's role emptied, what needs the table fails; all other tests here had the role."""
    powerless = copy.deepcopy(stack.template)
    role = powerless["Resources"]["ApiHandlerRole"]["Properties"]
    role["Policies"], role["ManagedPolicyArns"] = [], []
    deployment = stack.deploy("powerless-test", powerless)
    helpless = ShopClient(over_http(deployment.url, seconds=90), shop.keys, destination=shop.destination)
    assert helpless.done("GET", "/v1/health", key=None) == {"status": "ok"}
    refused = helpless.ask("GET", "/v1/depots")
    assert refused.status_code == 503
    assert problem_of(refused)["code"] == "upstream_unavailable"
