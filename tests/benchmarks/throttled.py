"""The product with a store that throttles: a module like `app`, for the sandbox of a load run.

The file that FAULT_PLAN names says which share of all calls to DynamoDB is refused; it is read at every call,
so a running sandbox can be throttled and left alone again. Transactions are refused as conflicts and as
throttled by turns, which no emulator does by itself. Weak point: chance decides per call, while a partition
that really is too hot refuses in bursts.
"""

import json
import os
import random
from itertools import cycle
from pathlib import Path
from typing import Any

import boto3

from tests.store_faults import Call, cancelled, refused

PLAN = Path(os.environ["FAULT_PLAN"])
THROTTLED = refused("ProvisionedThroughputExceededException")
CONFLICT, HOT = cancelled("TransactionConflict"), cancelled("ProvisionedThroughputExceeded")
_transactions = cycle([CONFLICT, HOT, THROTTLED])


def _spoil(model: Any, params: dict[str, Any], **_: Any) -> Any:
    if random.random() >= float(PLAN.read_text("utf-8")):
        return None
    if model.name != "TransactWriteItems":
        return THROTTLED(Call(model.name, answered=False))
    actions = len(json.loads(params["body"])["TransactItems"])
    return next(_transactions)(Call(model.name, answered=False, actions=actions))


boto3.setup_default_session()
boto3.DEFAULT_SESSION.events.register("before-call.dynamodb", _spoil)  # type: ignore[union-attr]

from app import (  # noqa: E402  - their clients are made of that session
    app,
    deliver_webhooks,
    drain_due,
    improve,
    publish_facts,
    repair,
    send_texts,
)

__all__ = ["app", "deliver_webhooks", "drain_due", "improve", "publish_facts", "repair", "send_texts"]
