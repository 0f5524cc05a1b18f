"""Secrets are read when they are needed, looked at again in time, and never told."""

import json
import logging
from base64 import b64encode
from typing import Any

import pytest

from chalicelib.adapters.secrets import (
    RENEWED_AT_MOST_EVERY,
    BadSecret,
    SealingKey,
    Secrets,
    TwilioAccount,
    in_order,
    sealing_keys,
    twilio_account,
)
from chalicelib.errors import Upstream
from infra.secrets import account_text, keys_text
from tests.fakes import A_TWILIO_ACCOUNT, FakeClock, FakeParameters

STACK, PATH = "shop", "/shop"
KEYS, TWILIO = f"{PATH}/sealing-keys", f"{PATH}/twilio"
OLD, NEW = b"old secret, thirty-two bytes long", b"new secret, thirty-two bytes long"


class Vaulted:
    """A process with its cache, and the parameters of its stack."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.parameters = FakeParameters.with_secrets(STACK, self.clock)
        self.connected = 0
        self.secrets = Secrets(self._connect, path=PATH, clock=self.clock, fresh_for=60)
        self.put(OLD)

    def put(self, secret: bytes) -> None:
        self.put_text(keys_text([SealingKey(secret=secret, seals_at=0)]))

    def put_text(self, text: str, name: str = KEYS) -> None:
        self.parameters.put_parameter(Name=name, Value=text, Type="SecureString", Overwrite=True)

    def _connect(self) -> FakeParameters:
        self.connected += 1
        return self.parameters


@pytest.fixture
def vaulted() -> Vaulted:
    return Vaulted()


# --- reading


def test_nothing_is_read_before_it_is_needed(vaulted: Vaulted) -> None:
    """Health is answered without SSM, and a search asks for no Twilio account."""
    assert (vaulted.connected, vaulted.parameters.reads) == (0, 0)
    assert vaulted.secrets.sealing.current() == [OLD]
    assert vaulted.secrets.sealing.current() == [OLD]
    assert (vaulted.connected, vaulted.parameters.reads) == (1, 1)
    assert vaulted.secrets.twilio.current() == A_TWILIO_ACCOUNT
    assert (vaulted.connected, vaulted.parameters.reads) == (1, 2)


def test_secret_is_looked_at_again_when_it_is_old(vaulted: Vaulted) -> None:
    """A rotation reaches every process within `fresh_for`."""
    vaulted.secrets.sealing.current()
    vaulted.put(NEW)
    vaulted.clock.advance(59)
    assert vaulted.secrets.sealing.current() == [OLD]
    vaulted.clock.advance(1)
    assert vaulted.secrets.sealing.current() == [NEW]


def test_clock_that_was_set_back_keeps_no_secret_alive(vaulted: Vaulted) -> None:
    """A secret from the future is not trusted for years."""
    vaulted.secrets.sealing.current()
    vaulted.put(NEW)
    vaulted.clock.advance(-1)
    assert vaulted.secrets.sealing.current() == [NEW]


def test_renewal_is_asked_for_at_most_every_few_seconds(vaulted: Vaulted) -> None:
    """Forged tokens make each process look again; a flood of them is no flood of calls."""
    vaulted.secrets.sealing.current()
    vaulted.clock.advance(RENEWED_AT_MOST_EVERY)
    vaulted.put(NEW)
    for _ in range(1000):
        assert vaulted.secrets.sealing.renewed() == [NEW]
    assert vaulted.parameters.reads == 2


# --- when SSM does not answer, or somebody wrote nonsense


def test_old_secret_goes_on_while_ssm_does_not_answer(vaulted: Vaulted, caplog: Any) -> None:
    """Better than a refused order; it is asked again no sooner than otherwise, renewals included."""
    vaulted.secrets.sealing.current()
    vaulted.put(NEW)
    vaulted.parameters.answers = False
    for _ in range(10):
        vaulted.clock.advance(60)
        for _ in range(100):
            assert vaulted.secrets.sealing.current() == [OLD]
            assert vaulted.secrets.sealing.renewed() == [OLD]
        vaulted.clock.advance(RENEWED_AT_MOST_EVERY)
        assert vaulted.secrets.sealing.renewed() == [OLD]
    assert vaulted.parameters.reads == 1 + 10
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
    vaulted.parameters.answers = True
    vaulted.clock.advance(60)
    assert vaulted.secrets.sealing.current() == [NEW]


def test_first_read_that_fails_is_retryable_and_forgotten(vaulted: Vaulted) -> None:
    """A new process without secrets says 503, and asks again with the next request."""
    vaulted.parameters.answers = False
    with pytest.raises(Upstream):
        vaulted.secrets.sealing.current()
    vaulted.parameters.answers = True
    assert vaulted.secrets.sealing.current() == [OLD]


def test_parameter_that_is_not_there_is_named(vaulted: Vaulted, caplog: Any) -> None:
    """The log says which one; the caller is told nothing of it."""
    del vaulted.parameters.kept[TWILIO]
    with pytest.raises(Upstream) as failed:
        vaulted.secrets.twilio.current()
    assert caplog.messages == [f"{TWILIO} cannot be used: ParameterNotFound"]
    assert TWILIO not in failed.value.detail


SECRET = b64encode(b"a secret of thirty-two bytes ....").decode()
GOOD_KEY = {"secret": SECRET, "seals_at": "2026-11-22T18:00:00Z"}
GOOD_ACCOUNT: dict[str, Any] = {"account_sid": "AC0", "auth_tokens": ["hush"], "from": "+15005550006"}
BAD_KEYS: list[Any] = [
    f"hush, {SECRET}",
    SECRET,
    [GOOD_KEY],
    {},
    {"keys": []},
    {"keys": GOOD_KEY},
    {"keys": [SECRET]},
    {"keys": [GOOD_KEY], "more": 1},
    {"keys": [GOOD_KEY, GOOD_KEY]},
    {"keys": [GOOD_KEY | {"secret": "not base64!"}]},
    {"keys": [GOOD_KEY | {"secret": "\u00e4" * 44}]},
    {"keys": [GOOD_KEY | {"secret": b64encode(b"short").decode()}]},
    {"keys": [GOOD_KEY | {"secret": 7}]},
    {"keys": [GOOD_KEY | {"seals_at": "yesterday"}]},
    {"keys": [GOOD_KEY | {"seals_at": "2026-11-22T18:00:00"}]},
    {"keys": [{"secret": SECRET}]},
]
BAD_ACCOUNTS: list[Any] = [
    "hush",
    {**GOOD_ACCOUNT, "auth_tokens": "hush"},
    {**GOOD_ACCOUNT, "auth_tokens": []},
    {**GOOD_ACCOUNT, "auth_tokens": ["hush", ""]},
    {**GOOD_ACCOUNT, "auth_tokens": ["hush", None]},
    {**GOOD_ACCOUNT, "from": None},
    {**GOOD_ACCOUNT, "account_sid": ""},
    {name: value for name, value in GOOD_ACCOUNT.items() if name != "from"},
]


@pytest.mark.parametrize(
    ("name", "content"), [(KEYS, bad) for bad in BAD_KEYS] + [(TWILIO, bad) for bad in BAD_ACCOUNTS]
)
def test_nonsense_is_refused_by_name_and_never_by_value(
    vaulted: Vaulted, caplog: Any, name: str, content: Any
) -> None:
    """The log names the parameter; neither it nor the error holds a secret or what stood in its place."""
    parameter: Any = vaulted.secrets.sealing if name == KEYS else vaulted.secrets.twilio
    vaulted.put_text(content if isinstance(content, str) else json.dumps(content), name)
    with pytest.raises(Upstream) as failed:
        parameter.current()
    assert isinstance(failed.value.__cause__, BadSecret)
    [line] = caplog.messages
    assert line.startswith(f"{name} cannot be used: ")
    for told in (line, str(failed.value), str(failed.value.__cause__)):
        assert not [hidden for hidden in ("hush", SECRET, "not base64!", "yesterday") if hidden in told]


def test_nonsense_does_not_stop_a_process_that_runs(vaulted: Vaulted, caplog: Any) -> None:
    """Somebody mistyped; the shop goes on, and the log says so once a minute."""
    vaulted.secrets.sealing.current()
    vaulted.put_text("nonsense")
    vaulted.clock.advance(60)
    assert vaulted.secrets.sealing.current() == [OLD]
    assert caplog.messages == [f"{KEYS} cannot be used: it must be JSON"]


# --- what they say


def test_keys_and_account_are_read_as_they_are_written() -> None:
    """The command and the functions speak of the same thing."""
    keys = (SealingKey(secret=OLD, seals_at=1_795_000_000), SealingKey(secret=NEW, seals_at=1_795_000_900))
    assert sealing_keys(keys_text(keys)) == keys
    account = TwilioAccount(account_sid="AC0", auth_tokens=("new", "old"), sender="MG0")
    assert twilio_account(account_text(account)) == account


def test_secrets_do_not_show_when_they_are_printed() -> None:
    """A traceback or a log line with one of these in it tells nobody."""
    told = repr(SealingKey(secret=OLD, seals_at=0)) + repr(A_TWILIO_ACCOUNT)
    assert "old secret" not in told
    assert A_TWILIO_ACCOUNT.auth_tokens[0] not in told


@pytest.mark.parametrize(
    ("now", "order"),
    [
        (50, [b"a", b"b", b"c"]),
        (100, [b"a", b"b", b"c"]),
        (200, [b"b", b"a", b"c"]),
        (350, [b"c", b"b", b"a"]),
    ],
)
def test_latest_key_whose_time_has_come_seals(now: int, order: list[bytes]) -> None:
    """The others open: those that did and those that will. Before the first one's time it seals anyway."""
    keys = [SealingKey(secret=secret, seals_at=at) for secret, at in ((b"c", 300), (b"a", 100), (b"b", 200))]
    assert list(in_order(keys, now)) == order
