"""What `chalice package` writes can be deployed and keeps what Chalice itself would leave out."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.notifications import sending
from chalicelib.webhooks.delivery import LEASE
from infra.artefact import LEAN, WORKER
from infra.artefact.build import package
from infra.artefact.template import Template, write_template
from infra.sandbox.serve import FUNCTIONS
from tests.artefact.expansion import expanded, functions, template_of

STAGE = "live"


@pytest.fixture(scope="module")
def template() -> Template:
    return template_of(STAGE)


@pytest.fixture(scope="module")
def resources(template: Template) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"]
    return found


@pytest.fixture(scope="module")
def packaged(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template of the live stage, as `make package` writes it."""
    path = tmp_path_factory.mktemp("package") / "template.yaml"
    write_template(template, path)
    return path


def event_sources(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [
        source["Properties"]
        for function in functions(resources).values()
        for source in function["Properties"].get("Events", {}).values()
        if source["Type"] == kind
    ]


def test_template_is_valid_cloudformation(packaged: Path) -> None:
    """cfn-lint, which expands the SAM parts first, has nothing to say."""
    lint = [
        sys.executable,
        "-c",
        "import sys; from cfnlint.runner import main; sys.exit(main())",
        str(packaged),
    ]
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1"}
    done = subprocess.run(lint, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_function_is_declared_in_app(resources: dict[str, Any]) -> None:
    """A function declared elsewhere would lack what `app.py` sets up; the sandbox runs the same ones."""
    handlers = {function["Properties"]["Handler"] for function in functions(resources).values()}
    assert handlers == {"app.app", *(f"app.{name}" for name in FUNCTIONS)}


def test_each_function_runs_from_the_zip_that_fits(resources: dict[str, Any]) -> None:
    """Only the functions that look after plans carry the solvers."""
    uris = {
        function["Properties"]["Handler"]: function["Properties"]["CodeUri"]
        for function in functions(resources).values()
    }
    lean = dict.fromkeys(
        ["app.app", "app.deliver_webhooks", "app.drain_due", "app.publish_facts", "app.send_texts"],
        LEAN.file_name,
    )
    assert uris == {**lean, "app.improve": WORKER.file_name, "app.repair": WORKER.file_name}


@pytest.mark.parametrize("kind", ["SQS", "DynamoDB"])
def test_partial_batch_failures_are_reported(resources: dict[str, Any], kind: str) -> None:
    """F12: without the flag Lambda ignores the report and deletes the failed message."""
    sources = event_sources(resources, kind)
    assert sources
    assert all(source["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for source in sources)


def test_stream_hands_over_outbox_rows_only(resources: dict[str, Any]) -> None:
    """Every other write of the table, routes and holds above all, would invoke the function for nothing."""
    (source,) = event_sources(resources, "DynamoDB")
    (wanted,) = source["FilterCriteria"]["Filters"]
    assert json.loads(wanted["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"facts": {"S": [{"exists": True}]}}},
    }


def test_stream_keeps_what_it_gives_up(resources: dict[str, Any]) -> None:
    """Facts that failed every retry are found in the dead letters."""
    [source] = event_sources(resources, "DynamoDB")
    assert source["MaximumRetryAttempts"] > 0
    assert source["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": ["FactsDeadLetters", "Arn"]
    }


@pytest.mark.parametrize(
    ("queue", "function"),
    [
        ("ImproveQueue", "Improve"),
        ("RepairQueue", "Repair"),
        ("WebhooksQueue", "DeliverWebhooks"),
        ("TextsQueue", "SendTexts"),
    ],
)
def test_queue_hides_a_job_longer_than_its_function_may_run(
    resources: dict[str, Any], queue: str, function: str
) -> None:
    """F13: six times the time-out, as AWS advises, so that a slow job is not run twice at once."""
    timeout = resources[function]["Properties"]["Timeout"]
    assert resources[queue]["Properties"]["VisibilityTimeout"] >= 6 * timeout


def test_claim_of_a_delivery_outlasts_the_worker_that_made_it(resources: dict[str, Any]) -> None:
    """F13: a second worker takes a delivery up only when the first is surely gone."""
    assert resources["DeliverWebhooks"]["Properties"]["Timeout"] < LEASE
    assert resources["SendTexts"]["Properties"]["Timeout"] < sending.LEASE


def test_trouble_on_the_road_is_answered_in_seconds(resources: dict[str, Any]) -> None:
    """A repair has a function of its own, that never waits for an improvement and ends within 15 s."""
    assert resources["Repair"]["Properties"]["Timeout"] <= 15


def test_live_stage_is_told_everything_its_settings_ask_for(template: Template) -> None:
    """Settings are readable from what the template sets, and the sandbox's exceptions are not in it."""
    from chalicelib.settings import Settings, Stage

    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    values = dict.fromkeys(variables, "any") | {
        "TABLE_NAME": "slotkeeper-live",
        "IMPROVE_QUEUE_URL": "https://sqs.example/0/slotkeeper-live-improve.fifo",
        "REPAIR_QUEUE_URL": "https://sqs.example/0/slotkeeper-live-repair.fifo",
        "TEXTS_QUEUE_URL": "https://sqs.example/0/slotkeeper-live-texts",
        "WEBHOOKS_QUEUE_URL": "https://sqs.example/0/slotkeeper-live-webhooks",
        "SECRETS_PATH": "/slotkeeper-live",
        "PUBLIC_BASE_URL": "https://slots.example",
        "PROOFS_URL": "https://proofs.s3.eu-west-1.amazonaws.com",
        "TRACING": template["Parameters"]["Tracing"]["Default"],
    }
    assert "TWILIO_API_URL" not in variables
    settings = Settings.from_env(values | {"STAGE": STAGE})
    assert settings.stage is Stage.LIVE
    assert settings.twilio_api_url is None
    assert variables["SECRETS_PATH"] == {"Fn::Sub": "/${AWS::StackName}"}
    assert not [name for name in variables if "KEY" in name or "TOKEN" in name]


def test_sandbox_endpoints_are_not_deployed(resources: dict[str, Any]) -> None:
    """The clock of a live stage cannot be moved, whatever STAGE says where it is packaged."""
    paths = resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    assert "/v1/slots/search" in paths
    assert not [path for path in paths if path.startswith("/v1/test/")]


def test_stage_of_whoever_packages_is_not_deployed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, template: Template
) -> None:
    """The same template comes out in a shell that is set up for the sandbox."""
    monkeypatch.setenv("STAGE", "sandbox")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-gov-west-1")
    assert package(tmp_path, stage=STAGE)[1] == template


def test_every_function_has_a_log_that_forgets(resources: dict[str, Any]) -> None:
    """Each writes to a group that is there before it is, named by the stack."""
    logs = [one["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] for one in functions(resources).values()]
    assert len(set(logs)) == len(functions(resources))
    for log in logs:
        group = resources[log]["Properties"]
        assert group["LogGroupName"]["Fn::Sub"].startswith("/aws/lambda/${AWS::StackName}-")
        assert group["RetentionInDays"] == 30


def test_no_function_may_make_its_own_log(resources: dict[str, Any]) -> None:
    """A group that the function made first would keep everything and stand in the template's way."""
    roles = str([one for one in resources.values() if one["Type"].startswith("AWS::IAM::")])
    assert "logs:PutLogEvents" in roles
    assert "logs:CreateLogGroup" not in roles


def test_template_expands_to_what_it_means(template: Template) -> None:
    """The SAM transform makes the functions, and mappings that report partial failures."""
    final = expanded(template)
    kinds = [resource["Type"] for resource in final.values()]
    assert kinds.count("AWS::Lambda::Function") == 1 + len(FUNCTIONS)
    assert not [kind for kind in kinds if kind.startswith("AWS::Serverless::")]
    mappings = [one for one in final.values() if one["Type"] == "AWS::Lambda::EventSourceMapping"]
    assert len(mappings) == 5
    for mapping in mappings:
        assert mapping["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
