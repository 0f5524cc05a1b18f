"""A process with a wrong environment does not start, and says which variable is wrong, not its value."""

import base64

import pytest

from chalicelib.settings import BadSetting, Settings, Stage

GOOD = {
    "STAGE": "live",
    "TABLE_NAME": "slotkeeper",
    "IMPROVE_QUEUE_URL": "https://sqs.example/improve.fifo",
    "SEALING_KEY": base64.b64encode(bytes(range(32))).decode(),
    "PUBLIC_BASE_URL": "https://api.example/",
    "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000",
    "TWILIO_AUTH_TOKEN": "token",
    "TWILIO_FROM": "+15005550006",
}


def test_a_good_environment_is_read() -> None:
    """Defaults are the live stage's: snapshots of two seconds, no test clock."""
    settings = Settings.from_env(GOOD)
    assert settings.stage is Stage.LIVE
    assert settings.public_base_url == "https://api.example"
    assert settings.staleness == 2
    assert not settings.has_test_clock


def test_a_sandbox_reads_what_is_there_now() -> None:
    """No snapshots, and a clock that can be moved."""
    settings = Settings.from_env(GOOD | {"STAGE": "sandbox"})
    assert settings.staleness == 0
    assert settings.has_test_clock


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_variable_is_named(name: str) -> None:
    """Nothing secret has a default."""
    with pytest.raises(BadSetting, match=name):
        Settings.from_env({other: value for other, value in GOOD.items() if other != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STAGE", "production"),
        ("SEALING_KEY", "not base64!"),
        ("SEALING_KEY", base64.b64encode(b"too short").decode()),
        ("STALENESS_SECONDS", "-1"),
        ("REQUESTS_PER_MINUTE", "many"),
        ("TWILIO_API_URL", "http://127.0.0.1:9"),
        ("PUBLIC_BASE_URL", "http://api.example"),
    ],
)
def test_a_malformed_variable_is_named_and_its_value_is_not_told(name: str, value: str) -> None:
    """What the log shows must not be a secret; texts of a live stage go to Twilio only."""
    with pytest.raises(BadSetting, match=name) as refused:
        Settings.from_env(GOOD | {name: value})
    assert value not in str(refused.value)


def test_two_sealing_keys_are_read_newest_first() -> None:
    """So a secret is rotated while what the old one sealed still opens."""
    both = ",".join(base64.b64encode(bytes([byte]) * 32).decode() for byte in (2, 1))
    assert Settings.from_env(GOOD | {"SEALING_KEY": both}).sealing_secrets == (b"\2" * 32, b"\1" * 32)
