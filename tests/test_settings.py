"""A process with a wrong environment does not start, and says which variable is wrong, not its value."""

import os
import subprocess
import sys

import pytest

from chalicelib.events import Mode
from chalicelib.settings import BadSetting, Settings, Stage

GOOD = {
    "STAGE": "live",
    "TABLE_NAME": "slotkeeper-live",
    "IMPROVE_QUEUE_URL": "https://sqs.example/0/slotkeeper-live-improve.fifo",
    "REPAIR_QUEUE_URL": "https://sqs.example/0/slotkeeper-live-repair.fifo",
    "TEXTS_QUEUE_URL": "https://sqs.example/0/slotkeeper-live-texts",
    "WEBHOOKS_QUEUE_URL": "https://sqs.example/0/slotkeeper-live-webhooks",
    "SECRETS_PATH": "/slotkeeper-live",
    "PUBLIC_BASE_URL": "https://api.example/",
}


def of_stage(stage: str) -> dict[str, str]:
    """An environment of that stage's own."""
    return {name: value.replace("live", stage) for name, value in GOOD.items()}


def test_a_good_environment_is_read() -> None:
    """Defaults are the live stage's: snapshots of two seconds, no test clock."""
    settings = Settings.from_env(GOOD)
    assert settings.stage is Stage.LIVE
    assert settings.public_base_url == "https://api.example"
    assert settings.staleness == 2
    assert not settings.has_test_clock


def test_a_sandbox_reads_what_is_there_now() -> None:
    """No snapshots, and a clock that can be moved."""
    settings = Settings.from_env(of_stage("sandbox"))
    assert settings.staleness == 0
    assert settings.has_test_clock


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_variable_is_named(name: str) -> None:
    """What says whose data it is has no default."""
    with pytest.raises(BadSetting, match=name):
        Settings.from_env({other: value for other, value in GOOD.items() if other != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STAGE", "production"),
        ("SECRETS_SECONDS", "301"),
        ("STALENESS_SECONDS", "-1"),
        ("STALENESS_SECONDS", "86400"),
        ("REQUESTS_PER_MINUTE", "many"),
        ("REQUESTS_PER_MINUTE", "0"),
        ("REQUESTS_PER_MINUTE", "9" * 5000),
        ("TRACING", "true"),
        ("TWILIO_API_URL", "http://127.0.0.1:9"),
        ("TWILIO_API_URL", "127.0.0.1:9"),
        ("OSRM_URL", "localhost"),
        ("IMPROVE_QUEUE_URL", "slotkeeper-live-improve.fifo"),
        ("PUBLIC_BASE_URL", "http://api.example"),
        ("PUBLIC_BASE_URL", "https://user:secret@api.example"),
        ("PUBLIC_BASE_URL", "https://api.example?stage=live"),
    ],
)
def test_a_malformed_variable_is_named_and_its_value_is_not_told(name: str, value: str) -> None:
    """What the log shows must not be a secret; texts of a live stage go to Twilio only."""
    with pytest.raises(BadSetting, match=name) as refused:
        Settings.from_env(GOOD | {name: value})
    assert value not in str(refused.value)


@pytest.mark.parametrize("stage", list(Stage))
def test_each_stage_starts_with_what_is_its_own(stage: Stage) -> None:
    """One world of merchants each: live ones in the live stage and nowhere else."""
    settings = Settings.from_env(of_stage(stage))
    assert settings.stage is stage
    assert settings.mode is (Mode.LIVE if stage is Stage.LIVE else Mode.TEST)
    assert settings.has_test_clock is (stage is Stage.SANDBOX)


@pytest.mark.parametrize("theirs", list(Stage))
@pytest.mark.parametrize("ours", list(Stage))
@pytest.mark.parametrize(
    "name",
    [
        "TABLE_NAME",
        "SECRETS_PATH",
        "IMPROVE_QUEUE_URL",
        "REPAIR_QUEUE_URL",
        "WEBHOOKS_QUEUE_URL",
        "TEXTS_QUEUE_URL",
    ],
)
def test_no_stage_starts_with_anything_of_another(name: str, ours: Stage, theirs: Stage) -> None:
    """Two stages cannot share a table, a queue or a secret: each carries its stage in its name."""
    mixed = of_stage(ours) | {name: of_stage(theirs)[name]}
    if ours is theirs:
        Settings.from_env(mixed)  # CONTROL: it is the mixture that is refused
        return
    with pytest.raises(BadSetting, match=name):
        Settings.from_env(mixed)


def test_two_stacks_of_one_stage_do_not_mix_either() -> None:
    """A second live stack, in another region say, has secrets and a queue of its own."""
    other = {name: value.replace("slotkeeper", "other") for name, value in GOOD.items()}
    Settings.from_env(other)
    with pytest.raises(BadSetting, match="SECRETS_PATH"):
        Settings.from_env(GOOD | {"SECRETS_PATH": other["SECRETS_PATH"]})


@pytest.mark.parametrize(("function", "starts"), [("api", False), (None, True)])
def test_lambda_does_not_start_a_function_of_another_stage(function: str | None, starts: bool) -> None:
    """Where Lambda runs it a wrong environment stops the import; CONTROL: elsewhere there may be none."""
    environment = {**os.environ, **GOOD, "TABLE_NAME": "slotkeeper-test"}
    if function is not None:
        environment["AWS_LAMBDA_FUNCTION_NAME"] = function
    done = subprocess.run(
        [sys.executable, "-c", "import app"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) is starts
    assert ("BadSetting: TABLE_NAME must end in -live" in done.stderr) is not starts
