"""Each function may do what it does, to what it does it to, and nothing else."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from infra.artefact.template import Template
from tests.artefact.asked import Grant, in_a_process_of_its_own
from tests.artefact.expansion import functions, of_type, template_of

type Seen = tuple[dict[str, set[Grant]], set[tuple[str, str]]]

STAGES = ("test", "live")
FUNCTIONS = ("APIHandler", "DeliverWebhooks", "DrainDue", "Improve", "PublishFacts", "Repair", "SendTexts")
each_function = pytest.mark.parametrize("function", FUNCTIONS)


@pytest.fixture(scope="module")
def seen() -> Seen:
    """What each function asked when all was run, and which endpoints were."""
    return in_a_process_of_its_own()


def statements(template: Template, function: str) -> list[dict[str, Any]]:
    """All that a function's role says."""
    role, _ = template["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"]
    policies = template["Resources"][role]["Properties"]["Policies"]
    return [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]


def granted(template: Template, function: str) -> set[Grant]:
    """What a function's role allows, spelled as `asked` spells it."""
    return {
        (action, named(statement["Resource"]))
        for statement in statements(template, function)
        for action in statement["Action"]
    }


def named(resource: Any) -> str:
    """The one thing a statement is about."""
    match resource:
        case {"Fn::GetAtt": [str() as name, "Arn"]}:
            return name
        case {"Fn::GetAtt": [str() as name, "StreamArn"]}:
            return f"{name}/stream"
        case {"Fn::Sub": str() as text}:
            if text.startswith(PARAMETERS):
                return f"parameter/{text.removeprefix(PARAMETERS)}"
            return text.replace("${Table.Arn}", "Table").replace("${Proofs.Arn}", "Proofs")
    raise AssertionError(f"more or less than one thing: {resource}")


PARAMETERS = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${AWS::StackName}/"
READ_QUEUE = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
READ_STREAM = (
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
)


def done_by_lambda(template: Template, function: str) -> Iterator[Grant]:
    """What Lambda itself does in a function's name: it writes the log, and fetches what the events are of."""
    properties = template["Resources"][function]["Properties"]
    log = properties["LoggingConfig"]["LogGroup"]["Ref"]
    yield from (("logs:CreateLogStream", log), ("logs:PutLogEvents", log))
    for source in properties.get("Events", {}).values():
        match source:
            case {"Type": "SQS", "Properties": {"Queue": {"Fn::Sub": arn}}}:
                yield from ((action, arn[2:].removesuffix(".Arn}")) for action in READ_QUEUE)
            case {"Type": "DynamoDB", "Properties": {"Stream": {"Fn::GetAtt": [table, _]}} as given}:
                yield from ((action, f"{table}/stream") for action in READ_STREAM)
                yield (
                    "sqs:SendMessage",
                    given["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0],
                )


@each_function
def test_function_may_do_exactly_what_it_does(template: Template, seen: Seen, function: str) -> None:
    """Whatever it was seen to ask is allowed, and whatever is allowed was seen."""
    asked, _ = seen
    assert granted(template, function) == asked[function] | set(done_by_lambda(template, function))


def test_everything_that_is_deployed_was_run(template: Template, seen: Seen) -> None:
    """An endpoint or a function that nobody called might ask for more."""
    asked, visited = seen
    paths = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    assert visited == {(method, path) for path, methods in paths.items() for method in methods}
    assert asked.keys() == functions(template["Resources"]).keys() == set(FUNCTIONS)


def test_missing_permission_is_found(template: Template, seen: Seen) -> None:
    """Control: without the one for conditions of a transaction no hold on an empty van would be made."""
    asked, _ = seen
    lacking = copy.deepcopy(template)
    statements(lacking, "APIHandler")[0]["Action"].remove("dynamodb:ConditionCheckItem")
    missing = asked["APIHandler"] - granted(lacking, "APIHandler")
    assert missing == {("dynamodb:ConditionCheckItem", "Table")}


def test_permission_that_nothing_needs_is_found(template: Template, seen: Seen) -> None:
    """Control: a right to read the whole table would be seen as one too many."""
    asked, _ = seen
    generous = copy.deepcopy(template)
    statements(generous, "Improve")[0]["Action"].append("dynamodb:Scan")
    needed = asked["Improve"] | set(done_by_lambda(template, "Improve"))
    assert granted(generous, "Improve") - needed == {("dynamodb:Scan", "Table")}


@pytest.mark.parametrize("stage", STAGES)
@each_function
def test_every_statement_names_single_actions_on_a_single_thing(stage: str, function: str) -> None:
    """No wildcard, no negation, no role that two functions share, no policy of somebody else.

    But for the objects of a bucket, which have no other name.
    """
    template = template_of(stage)
    resources = template["Resources"]
    role, _ = resources[function]["Properties"]["Role"]["Fn::GetAtt"]
    assert "ManagedPolicyArns" not in resources[role]["Properties"]
    assert not of_type(resources, "AWS::IAM::ManagedPolicy")
    roles = [one["Properties"]["Role"]["Fn::GetAtt"][0] for one in functions(resources).values()]
    assert roles.count(role) == 1
    for statement in statements(template, function):
        assert statement.keys() == {"Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        assert isinstance(statement["Action"], list)
        assert "*" not in str(statement).replace("${Proofs.Arn}/*", "")
        assert named(statement["Resource"])


def test_roles_are_for_lambda_and_nobody_else(template: Template) -> None:
    """Only the service that runs functions may act as one."""
    for role in of_type(template["Resources"], "AWS::IAM::Role").values():
        [statement] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
