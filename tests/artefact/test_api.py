"""What stands before the functions: limits, logs, a domain, and answers that a browser can read."""

import json
import re

import pytest

from infra.artefact.template import Template
from infra.artefact.watch import FUNCTIONS
from tests.artefact.expansion import Resources, expanded, of_type, template_of

# Of $context: nothing of who somebody is, and no path, in which ids and tokens stand.
SAFE = {
    "requestId",
    "httpMethod",
    "resourcePath",  # as declared, `/v1/holds/{hold_id}`
    "status",
    "responseLatency",
    "integrationLatency",
    "error.responseType",
}


def test_search_may_be_asked_more_often_than_the_rest(template: Template, final: Resources) -> None:
    """Both have a limit, which holds however many keys ask; bodies are logged nowhere."""
    [stage] = of_type(final, "AWS::ApiGateway::Stage").values()
    everything, search = stage["Properties"]["MethodSettings"]
    assert (everything["HttpMethod"], everything["ResourcePath"]) == ("*", "/*")
    # A slash within a path is spelled ~1 here, or the setting is for nothing.
    assert (search["HttpMethod"], search["ResourcePath"]) == ("POST", "/~1v1~1slots~1search")
    assert "/v1/slots/search" in template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    limits = [one["ThrottlingRateLimit"]["Ref"] for one in (everything, search)]
    assert [one["ThrottlingBurstLimit"]["Ref"] for one in (everything, search)] == limits
    rest, searches = (template["Parameters"][name]["Default"] for name in limits)
    assert searches > rest > 0
    assert all(
        (one["LoggingLevel"], one["DataTraceEnabled"]) == ("OFF", False) for one in (everything, search)
    )


def test_there_is_no_second_stage_beside_the_limits(template: Template, final: Resources) -> None:
    """SAM would also open one called Stage, with the same API, no limit and no log."""
    assert len(of_type(final, "AWS::ApiGateway::Stage")) == 1
    [deployment] = of_type(final, "AWS::ApiGateway::Deployment").values()
    assert "StageName" not in deployment["Properties"]
    plain = expanded(template | {"Globals": {"Function": template["Globals"]["Function"]}})
    [control] = of_type(plain, "AWS::ApiGateway::Deployment").values()
    assert control["Properties"]["StageName"] == "Stage"  # Control: so it does when not told otherwise


def test_usage_plan_is_for_this_stage(final: Resources) -> None:
    """A caller with a key of API Gateway gets no more than everybody together."""
    [stage] = of_type(final, "AWS::ApiGateway::Stage")
    plan = final["UsagePlan"]["Properties"]
    assert plan["ApiStages"] == [{"ApiId": {"Ref": "RestAPI"}, "Stage": {"Ref": stage}}]
    assert plan["Throttle"] == {
        "RateLimit": {"Ref": "RequestsPerSecond"},
        "BurstLimit": {"Ref": "RequestsPerSecond"},
    }


def test_browser_can_read_what_the_gateway_answers_itself(final: Resources) -> None:
    """Without the header a page sees no status at all, and would take a 429 for a lost connection.

    Every origin may: the answers tell nothing of anybody, and nobody's cookies are asked for.
    """
    responses = final["RestAPI"]["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]
    assert responses.keys() >= {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED", "REQUEST_TOO_LARGE"}
    for kind, response in responses.items():
        headers = {
            name.removeprefix("gatewayresponse.header."): value
            for name, value in response["responseParameters"].items()
        }
        assert headers["Access-Control-Allow-Origin"] == "'*'", kind
        assert "Access-Control-Allow-Credentials" not in headers
        exposed = set(headers["Access-Control-Expose-Headers"].strip("'").split(", "))
        assert exposed == headers.keys() - {"Access-Control-Allow-Origin", "Access-Control-Expose-Headers"}


def test_access_log_says_nothing_of_anybody(final: Resources) -> None:
    """One line of JSON for a request, with the endpoint as declared: no address, path, query or agent."""
    [stage] = of_type(final, "AWS::ApiGateway::Stage").values()
    condition, setting, none = stage["Properties"]["AccessLogSetting"]["Fn::If"]
    assert (condition, none) == ("HasAccessLog", {"Ref": "AWS::NoValue"})
    assert set(re.findall(r"\$context\.([\w.]+)", setting["Format"])) == SAFE
    line = json.loads(re.sub(r"\$context\.[\w.]+", "x", setting["Format"]))
    assert set(line.values()) == {"x"}
    # The ARN of a group as `Fn::GetAtt` has it ends in ":*", which API Gateway refuses.
    assert setting["DestinationArn"]["Fn::Sub"].endswith(":log-group:${AccessLogGroup}")


@pytest.mark.parametrize(("stage", "days"), [("test", 7), ("live", 30)])
def test_every_log_forgets(stage: str, days: int) -> None:
    """Functions' and access log alike, after the days that the stage says."""
    groups = of_type(expanded(template_of(stage)), "AWS::Logs::LogGroup")
    assert len(groups) == len(FUNCTIONS) + 1
    assert {group["Properties"]["RetentionInDays"] for group in groups.values()} == {days}


def test_domain_is_made_only_where_one_is_given(template: Template, final: Resources) -> None:
    """Regional, with the certificate given; its root is the API's stage."""
    assert {final[name]["Condition"] for name in ("Domain", "DomainMapping")} == {"HasDomain"}
    assert template["Parameters"]["DomainName"]["Default"] == ""
    given = {"Fn::Not": [{"Fn::Equals": [{"Ref": "DomainName"}, ""]}]}
    assert template["Conditions"]["HasDomain"] == given
    domain, mapping = final["Domain"]["Properties"], final["DomainMapping"]["Properties"]
    assert domain["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert domain["RegionalCertificateArn"] == {"Ref": "CertificateArn"}
    assert domain["SecurityPolicy"] == "TLS_1_2"
    assert "BasePath" not in mapping
    [stage] = of_type(final, "AWS::ApiGateway::Stage")
    assert (mapping["RestApiId"], mapping["Stage"]) == ({"Ref": "RestAPI"}, {"Ref": stage})
    assert template["Outputs"]["DomainTarget"]["Condition"] == "HasDomain"


def test_domain_without_certificate_is_refused(template: Template) -> None:
    """Before anything is made, and not an hour later by API Gateway."""
    rule = template["Rules"]["DomainHasCertificate"]
    assert rule["RuleCondition"] == template["Conditions"]["HasDomain"]
    [assertion] = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "CertificateArn"}, ""]}]}
