"""What `chalice package` writes can be deployed and keeps what Chalice itself would leave out."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.sandbox.serve import FUNCTIONS

ROOT = Path(__file__).parents[1]
STAGE = "live"


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template of the live stage, made without installing the requirements: they do not change it."""
    project = tmp_path_factory.mktemp("project")
    for part in ("app.py", ".chalice", "chalicelib", "infra"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, project / part)
    (project / "requirements.txt").write_text("")
    command = ["package", "--stage", STAGE, "--merge-template", "infra/resources.json", "out"]
    run = [sys.executable, "-c", "from chalice.cli import main; main()", *command]
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", "PYTHONPATH": str(project)}
    done = subprocess.run(
        run, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "out" / "sam.json"


@pytest.fixture(scope="module")
def resources(packaged: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(packaged.read_text("utf-8"))["Resources"]
    return found


def functions(resources: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in resources.items() if one["Type"] == "AWS::Serverless::Function"}


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


@pytest.mark.parametrize("kind", ["SQS", "DynamoDB"])
def test_partial_batch_failures_are_reported(resources: dict[str, Any], kind: str) -> None:
    """Without the flag Lambda ignores the report and deletes the failed message."""
    sources = event_sources(resources, kind)
    assert sources
    assert all(source["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for source in sources)


def test_stream_keeps_what_it_gives_up(resources: dict[str, Any]) -> None:
    """Facts that failed every retry are found in the dead letters."""
    [source] = event_sources(resources, "DynamoDB")
    assert source["MaximumRetryAttempts"] > 0
    assert source["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": ["FactsDeadLetters", "Arn"]
    }


def test_queue_hides_a_job_longer_than_its_function_may_run(resources: dict[str, Any]) -> None:
    """Six times the time-out, as AWS advises, so that a slow job is not run twice at once."""
    timeout = resources["Improve"]["Properties"]["Timeout"]
    assert resources["ImproveQueue"]["Properties"]["VisibilityTimeout"] >= 6 * timeout


def test_live_stage_is_told_everything_its_settings_ask_for(packaged: Path) -> None:
    """Settings are readable from what the template sets, and the sandbox's exceptions are not in it."""
    from chalicelib.settings import Settings, Stage

    variables = json.loads(packaged.read_text("utf-8"))["Globals"]["Function"]["Environment"]["Variables"]
    values = dict.fromkeys(variables, "any") | {
        "PUBLIC_BASE_URL": "https://slots.example",
        "SEALING_KEY": "AAAA" * 11,
    }
    assert "TWILIO_API_URL" not in variables
    settings = Settings.from_env(values | {"STAGE": STAGE})
    assert settings.stage is Stage.LIVE
    assert settings.twilio_api_url is None
