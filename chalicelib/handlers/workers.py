"""What happens behind a request: facts handed on, plans looked at, what came due cleared up.

The functions are declared in `app.py`, because Lambda is pointed at the module that declares one. A record
that fails is reported by itself (Powertools' batch processors), so the rest of its batch is not repeated.
Weak point: an outbox row with several facts is repeated as a whole; each reaction is idempotent by itself.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from chalicelib.events import FactKind, Tenant

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch import BasePartialBatchProcessor
    from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    from chalicelib.bootstrap import Services

logger = Logger(service="slotkeeper")

type Event = Mapping[str, Any]
type BatchAnswer = dict[str, list[dict[str, str]]]


def publish_facts(event: Event, services: "Services") -> BatchAnswer:
    """Hand the facts of new outbox rows to whoever reacts: the planning queue and the notifications.

    The stream repeats from the first record that failed on, so what follows it may come twice.
    """
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType

    def publish(record: "DynamoDBRecord") -> None:
        row = services.store.outbox_row(record.raw_event)
        if row is None:
            return
        for fact in row.facts:
            if fact.kind is FactKind.PLAN_CHANGED:
                services.plan_jobs.improve(row.tenant, fact.subject, request=row.row_id)
            else:
                services.notifications.react(row.tenant, fact, services.business_now(row.tenant))

    return _processed(event, publish, BatchProcessor(EventType.DynamoDBStreams))


def improve(event: Event, services: "Services") -> BatchAnswer:
    """Look at the plans that changed. In a FIFO queue what follows a failed job of a plan waits for it."""
    from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor

    def look(record: "SQSRecord") -> None:
        job = json.loads(record.body)
        tenant = Tenant.parse(job["tenant"])
        depot_id, _, day = job["plan"].rpartition("/")
        now = services.business_now(tenant)
        state = services.dispatch.check(tenant, depot_id, date.fromisoformat(day), now)
        if state is not None:
            about = {"tenant": str(tenant), "plan": job["plan"], "request": job["request"]}
            counts = {
                "routes": state.routes,
                "kept": state.kept,
                "risk": state.at_risk,
                "broken": state.broken,
            }
            logger.info("plan", extra=about | counts)

    return _processed(event, look, SqsFifoPartialProcessor(skip_group_on_error=True))


def drain_due(services: "Services") -> int:
    """Clear up behind every hold that ran out, of all merchants; gives how many there were."""
    done = 0
    for tenant, stop_id in services.store.due_anywhere(services.clock.system_now()):
        done += services.booking.expire(tenant, stop_id, services.business_now(tenant))
    return done


def _processed(
    event: Event, handle: Callable[[Any], None], processor: "BasePartialBatchProcessor"
) -> BatchAnswer:
    from aws_lambda_powertools.utilities.batch import process_partial_response

    processor.raise_on_entire_batch_failure = False  # an exception would repeat what was done, too
    answer: Any = process_partial_response(dict(event), handle, processor)
    for error in processor.exceptions:
        logger.warning("record failed", extra={"error": error[0].__name__ if error[0] else "unknown"})
    return {"batchItemFailures": list(answer["batchItemFailures"])}
