"""What EventBridge starts every minute."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from infra.stack import Stack
from tests.handlers.shop_client import ShopClient
from tests.sandbox.waiting import eventually

pytestmark = pytest.mark.stack

HOLD_AND_TWO_TICKS = 150.0


def test_schedule_clears_up_behind_a_hold_that_ran_out(
    stack: Stack, shop: ShopClient, short_hold: Mapping[str, Any]
) -> None:
    """A hold that nobody paid for leaves the list of what is due, though nobody asks for it again."""
    ran_out = {"N": f"{datetime.fromisoformat(short_hold['expires_at']).timestamp():.0f}"}

    def due() -> list[object]:
        table = stack.deployment.physical["Table"]
        rows = stack.client("dynamodb").scan(TableName=table, IndexName="due")["Items"]
        return [row for row in rows if row["due_at"] == ran_out]

    eventually(lambda: not due(), seconds=HOLD_AND_TWO_TICKS)
    hold = f"/v1/holds/{short_hold['hold_id']}"
    assert shop.done("GET", hold)["state"] == "expired"
