"""What EventBridge starts every minute."""

from typing import Any

import pytest

from infra.stack import Stack
from tests.handlers.shop_client import ShopClient
from tests.sandbox.waiting import eventually
from tests.stack.looking import due, log

pytestmark = pytest.mark.stack

HOLD_AND_TWO_TICKS = 150.0


def test_schedule_clears_up_behind_a_hold_that_ran_out(
    stack: Stack, shop: ShopClient, short_hold: Any
) -> None:
    """A hold that nobody paid for leaves the list of what is due, though nobody asks for it again."""
    eventually(lambda: short_hold.row not in due(stack), seconds=HOLD_AND_TWO_TICKS)
    eventually(lambda: any(line.startswith("END") for line in log(stack, "DrainDue")))
    assert shop.done("GET", f"/v1/holds/{short_hold.hold_id}")["state"] == "expired"
