"""What is called is a published version behind an alias, as snapshots, warm processes and roll-back need."""

import copy
import json
from typing import Any

import pytest

from infra.artefact.template import API, Template, UnknownTemplate, alias_of, point_at_alias
from tests.artefact.expansion import Resources, expanded, functions, of_type, references

ALIAS = "APIHandlerAliaslive"
TO_ALIAS = f"functions/${{{ALIAS}}}/invocations"
TO_NEWEST = "functions/${APIHandler.Arn}/invocations"


def called(resources: Resources) -> list[str]:
    """Whatever API Gateway calls, once for each method of each path."""
    [api] = of_type(resources, "AWS::ApiGateway::RestApi").values()
    return [
        method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        for path in api["Properties"]["Body"]["paths"].values()
        for method in path.values()
    ]


def as_chalice_writes_it(template: Template) -> Template:
    """The template as `chalice package` alone would leave it."""
    text = json.dumps(template).replace(f"${{{ALIAS}}}", "${APIHandler.Arn}")
    plain: Template = json.loads(text.replace(json.dumps({"Ref": ALIAS}), json.dumps({"Ref": API})))
    return plain


def test_every_endpoint_calls_the_alias(final: Resources) -> None:
    """And the alias is there, on a version that is published."""
    uris = called(final)
    assert len(uris) > 30
    assert all(uri.endswith(TO_ALIAS) for uri in uris)
    alias = final[ALIAS]["Properties"]
    assert (alias["Name"], alias["FunctionName"]) == ("live", {"Ref": API})
    version, _ = alias["FunctionVersion"]["Fn::GetAtt"]
    assert final[version]["Type"] == "AWS::Lambda::Version"
    assert final[version]["Properties"]["FunctionName"] == {"Ref": API}


def test_only_the_alias_may_be_called(final: Resources) -> None:
    """API Gateway and the minute's trigger are let in at the alias, and nobody at the function."""
    permissions = of_type(final, "AWS::Lambda::Permission").values()
    allowed = {
        (one["Properties"]["FunctionName"]["Ref"], one["Properties"]["Principal"]) for one in permissions
    }
    assert allowed == {
        (ALIAS, "apigateway.amazonaws.com"),
        ("DrainDueAliaslive", "events.amazonaws.com"),
    }


def test_chalice_alone_calls_whatever_is_newest(template: Template) -> None:
    """Control: its own output has the very same alias, and nothing that leads there."""
    final = expanded(as_chalice_writes_it(template))
    assert ALIAS in final
    assert all(uri.endswith(TO_NEWEST) for uri in called(final))
    assert final["APIHandlerInvokePermission"]["Properties"]["FunctionName"] == {"Ref": API}


def test_event_sources_hand_their_events_to_aliases(final: Resources) -> None:
    """A version that is rolled back is rolled back for the queue, the stream and the trigger, too."""
    mappings = of_type(final, "AWS::Lambda::EventSourceMapping").values()
    rules = of_type(final, "AWS::Events::Rule").values()
    targets = [one["Properties"]["FunctionName"] for one in mappings]
    targets += [target["Arn"] for one in rules for target in one["Properties"]["Targets"]]
    assert sorted(target["Ref"] for target in targets) == [
        "DeliverWebhooksAliaslive",
        "DrainDueAliaslive",
        "ImproveAliaslive",
        "PublishFactsAliaslive",
        "RepairAliaslive",
        "SendTextsAliaslive",
    ]


def test_api_starts_from_a_snapshot_or_is_kept_warm_and_never_both(
    template: Template, final: Resources
) -> None:
    """Lambda refuses a version that has both; nothing is kept warm by default, for it costs by the hour."""
    snap = {"Fn::If": ["IsProvisioned", "None", "PublishedVersions"]}
    assert final[API]["Properties"]["SnapStart"] == {"ApplyOn": snap}
    warm = {"ProvisionedConcurrentExecutions": {"Ref": "ProvisionedConcurrency"}}
    assert final[ALIAS]["Properties"]["ProvisionedConcurrencyConfig"] == {
        "Fn::If": ["IsProvisioned", warm, {"Ref": "AWS::NoValue"}]
    }
    none = {"Fn::Equals": [{"Ref": "ProvisionedConcurrency"}, 0]}
    assert template["Conditions"]["IsProvisioned"] == {"Fn::Not": [none]}
    assert template["Parameters"]["ProvisionedConcurrency"]["Default"] == 0


def version_of(final: Resources, function: str) -> str:
    [name] = [
        name
        for name, one in of_type(final, "AWS::Lambda::Version").items()
        if one["Properties"]["FunctionName"] == {"Ref": function}
    ]
    return name


def test_whatever_is_new_in_a_function_is_published(template: Template, final: Resources) -> None:
    """New code and a new variable make a new version; the same template makes the same one."""
    changed = copy.deepcopy(template)
    changed["Resources"]["Improve"]["Properties"]["CodeUri"] = "worker-2.zip"
    changed["Resources"][API]["Properties"]["Environment"]["Variables"]["NEW"] = "1"
    after, again = expanded(changed), expanded(template)
    for function in functions(template["Resources"]):
        is_new = version_of(after, function) != version_of(final, function)
        assert is_new == (function in ("Improve", API)), function
        assert version_of(again, function) == version_of(final, function)


def parameters_in(template: Template, value: Any) -> set[str]:
    return references(value) & template["Parameters"].keys()


def test_whatever_a_parameter_changes_is_published(template: Template, final: Resources) -> None:
    """A version is replaced when its description changes, so that must name each parameter of its function.

    Else the alias would go on with the values of the day its code was uploaded.
    """
    for function in functions(template["Resources"]):
        version = final[version_of(final, function)]["Properties"]
        told = parameters_in(template, template["Resources"][function]["Properties"])
        told |= parameters_in(template, template["Globals"])
        assert told
        assert told == parameters_in(template, version["Description"]), function


def test_sam_alone_does_not_publish_what_a_parameter_changes(template: Template, final: Resources) -> None:
    """Control: another value gives the version the same name, so CloudFormation would leave it as it is."""
    other = expanded(template, PublicBaseUrl="https://other.example", ProvisionedConcurrency=3)
    assert version_of(other, API) == version_of(final, API)


@pytest.mark.parametrize(
    ("written", "instead", "complains"),
    [
        (TO_NEWEST, "functions/${Improve.Arn}/invocations", "calls arn"),
        ('"FunctionName": {"Ref": "APIHandler"}', '"FunctionName": {"Ref": "Improve"}', "Permission"),
    ],
    ids=["integration", "permission"],
)
def test_template_of_an_unknown_kind_is_refused(
    template: Template, written: str, instead: str, complains: str
) -> None:
    """Another Chalice that spells this differently must not leave an endpoint beside the alias."""
    plain = as_chalice_writes_it(template)
    assert point_at_alias(plain) == template
    odd = json.dumps(plain).replace(written, instead)
    assert odd != json.dumps(plain)
    with pytest.raises(UnknownTemplate, match=complains):
        point_at_alias(json.loads(odd))


def test_alias_has_the_name_that_sam_gives_it(template: Template, final: Resources) -> None:
    """The rewriting knows it before the expansion does."""
    for function in functions(template["Resources"]):
        assert final[alias_of(template, function)]["Type"] == "AWS::Lambda::Alias"
