"""Two stages on one AWS account share nothing: neither rows nor keys nor what was sealed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.bootstrap import Services, build
from chalicelib.errors import BadToken, Unauthorized
from chalicelib.events import Mode, Tenant
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant
from chalicelib.settings import BadSetting, Settings, Stage
from infra.sandbox import Emulator
from infra.secrets import Vault
from tests.fakes import A_TWILIO_ACCOUNT

STAGES = (Stage.TEST, Stage.LIVE)


def environment_of(emulator: Emulator, stage: Stage) -> dict[str, str]:
    """What the template gives the functions of a stack `slotkeeper-<stage>`."""
    stack = f"slotkeeper-{stage}"
    resources = emulator.create(stack)
    return {
        "STAGE": stage,
        "TABLE_NAME": resources.table_name,
        "IMPROVE_QUEUE_URL": resources.improve_queue_url,
        "REPAIR_QUEUE_URL": resources.repair_queue_url,
        "WEBHOOKS_QUEUE_URL": resources.webhooks_queue_url,
        "TEXTS_QUEUE_URL": resources.texts_queue_url,
        "SECRETS_PATH": f"/{stack}",
        "PUBLIC_BASE_URL": "https://slots.example",
    }


@pytest.fixture(scope="module")
def environments(emulator: Emulator) -> Mapping[Stage, dict[str, str]]:
    for stage in STAGES:
        Vault(emulator.client("ssm"), f"slotkeeper-{stage}").make(A_TWILIO_ACCOUNT, now=0)
    return {stage: environment_of(emulator, stage) for stage in STAGES}


@pytest.fixture
def stages(
    emulator: Emulator, environments: Mapping[Stage, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Mapping[Stage, Services]:
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    return {stage: build(Settings.from_env(environment)) for stage, environment in environments.items()}


def tenant_of(stage: Stage) -> Tenant:
    return Tenant(merchant_id="acme", mode=Mode.LIVE if stage is Stage.LIVE else Mode.TEST)


def rows(emulator: Emulator, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = emulator.client("dynamodb").scan(TableName=environment["TABLE_NAME"])[
        "Items"
    ]
    return found


@pytest.mark.parametrize(("ours", "theirs"), [STAGES, STAGES[::-1]])
def test_key_of_one_stage_opens_nothing_in_the_other(
    stages: Mapping[Stage, Services], ours: Stage, theirs: Stage
) -> None:
    """The same merchant, the same moment; its prefix says of which stage it is."""
    here, there = stages[ours], stages[theirs]
    now = here.clock.system_now()
    make = here.merchants.create_key
    new = make(tenant_of(ours), type=KeyType.SECRET, scopes=ALL_SCOPES, now=now)
    assert new.text.startswith(f"slk_{tenant_of(ours).mode}_")
    assert here.merchants.authenticate(new.text, now=now).key_id == new.key.key_id
    with pytest.raises(Unauthorized):
        there.merchants.authenticate(new.text, now=now)


def test_what_one_stage_sealed_does_not_open_in_the_other(stages: Mapping[Stage, Services]) -> None:
    """Offers, cursors, receipts and hold tokens: each stage has secrets of its own."""
    test, live = stages[Stage.TEST].sealer, stages[Stage.LIVE].sealer
    token = test.seal("offer", b"slot 1")
    assert test.unseal("offer", token) == b"slot 1"
    with pytest.raises(BadToken):
        live.unseal("offer", token)
    assert not live.is_derived("hold", "1", test.derive("hold", "1"))


def test_rows_of_one_stage_are_in_its_table_and_named_after_its_world(
    emulator: Emulator, environments: Mapping[Stage, dict[str, str]], stages: Mapping[Stage, Services]
) -> None:
    """Even in the wrong table a row would be nobody's: whose it is, and of which world, begins its key."""
    for stage, services in stages.items():
        tenant = tenant_of(stage)
        services.merchants.save_settings(
            Merchant(tenant=tenant, brand=f"Acme {stage}", sms_countries=("PT", "US"))
        )
        services.merchants.create_key(tenant, type=KeyType.SECRET, scopes=ALL_SCOPES, now=0)
    for stage, environment in environments.items():
        owned = [row["pk"]["S"] for row in rows(emulator, environment) if row["pk"]["S"].startswith("T#")]
        assert owned
        assert all(key.startswith(f"T#{tenant_of(stage)}#") for key in owned)
        assert stages[stage].merchants.settings(tenant_of(stage)).brand == f"Acme {stage}"


def test_control_one_table_for_two_stages_would_show_each_the_others_rows(
    environments: Mapping[Stage, dict[str, str]], stages: Mapping[Stage, Services]
) -> None:
    """That is what the settings refuse: a test process at work on what live shoppers hold."""
    test, live = stages[Stage.TEST], stages[Stage.LIVE]
    key = live.merchants.create_key(tenant_of(Stage.LIVE), type=KeyType.SECRET, scopes=ALL_SCOPES, now=0).key
    assert test.store.get_key(key.sha256) is None
    shared = replace(test.settings, table_name=live.settings.table_name)
    assert build(shared).store.get_key(key.sha256) == key
    with pytest.raises(BadSetting, match="TABLE_NAME must end in -test"):
        Settings.from_env({**environments[Stage.TEST], "TABLE_NAME": shared.table_name})
