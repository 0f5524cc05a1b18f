"""What happens behind a request: facts handed on, plans improved, merchants told, what came due cleared up.

The functions are declared in `app.py`, because Lambda is pointed at the module that declares one. A record
that fails is reported by itself (Powertools' batch processors), so the rest of its batch is not repeated.
Each record has a line in the log, and the invocation one with the counts of all. Facts that the stream did
not bring are swept up each minute and handed to the same function.
Weak point: an outbox row with several facts is repeated as a whole; each reaction is idempotent by itself.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from chalicelib.adapters.errand import current_request_id
from chalicelib.events import Fact, FactKind, Tenant
from chalicelib.fleet.plans import PlanKey
from chalicelib.handlers.due import due_anywhere, remind
from chalicelib.handlers.follow_ups import follow_up
from chalicelib.handlers.telemetry import TEXT_FAILURES, Line, Metric, Telemetry, structured_log
from chalicelib.notifications.model import Message, MessageStatus
from chalicelib.units import HOUR, Seconds, Timestamp

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.batch import BasePartialBatchProcessor
    from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    from chalicelib.adapters.dynamodb.outbox import OutboxRow
    from chalicelib.bootstrap import Services
    from chalicelib.dispatch.model import Work

type Event = Mapping[str, Any]
type BatchAnswer = dict[str, list[dict[str, str]]]

_log = structured_log()
_RESERVE_SECONDS = 8.0
_MAY_NEED_WATCHING = {FactKind.PLAN_CHANGED, FactKind.PLAN_REPLANNED}  # vans that had nothing to do before
_NEWS_FOR: Final[Seconds] = HOUR  # to a buyer; plans and merchants are told however late


class OutOfTime(Exception):
    """An invocation has not enough time left for another record: the queue brings it again."""


def publish_facts(event: Event, services: "Services", *, log: "Logger" = _log) -> BatchAnswer:
    """Hand the facts of new outbox rows to whoever reacts: planning, merchants' webhooks, notifications.

    The stream repeats from the first record that failed on, so what follows it may come twice.
    """
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType

    watch = _Watch(services, log)

    def publish(record: "DynamoDBRecord") -> None:
        with watch.telemetry.line("facts") as line:
            row = services.store.outbox_row(record.raw_event)
            if row is None:
                line.is_wanted = False
                return
            line.errand.request_id = row.request_id
            line.fields |= {"tenant": str(row.tenant), "outbox": row.row_id}
            line.fields |= {"facts": [fact.kind for fact in row.facts]}
            line.fields |= {"subjects": [fact.subject for fact in row.facts]}
            system_now = services.clock.system_now()
            if services.store.is_handed_on(row, system_now):
                line.fields["reason"] = "handed_on_before"
                return
            now = services.business_now(row.tenant, system_now=system_now)
            events = services.webhooks.publish(row.tenant, row.row_id, row.facts, now)
            line.fields |= {"events": [event.event_id for event in events]} if events else {}
            news = list[Fact]()
            try:
                for fact in row.facts:
                    if not _reacted(services, row, fact, now):
                        news.append(fact)
            finally:  # what came before a fact that cannot be handled is told all the same
                if row.written_at is None or system_now <= row.written_at + _NEWS_FOR:
                    watch.texts(row.tenant, news, now)
                elif news:
                    line.fields["reason"] = "no_news_to_a_buyer"
            services.store.note_handed_on(row)

    return watch.processed(event, publish, BatchProcessor(EventType.DynamoDBStreams), "publish_facts")


def _reacted(services: "Services", row: "OutboxRow", fact: Fact, now: Timestamp) -> bool:
    """Do what follows from a fact here; tells whether that was all, or buyers may have to be told."""
    follow_up(services, row.tenant, fact, now)
    if fact.kind in _MAY_NEED_WATCHING:
        services.watch.expect(row.tenant, PlanKey.parse(fact.subject), now)
    if work := _work_of(fact):
        services.plan_jobs.send(
            row.tenant,
            fact.subject,
            work,
            request=row.row_id,
            number=services.dispatch.request(row.tenant, PlanKey.parse(fact.subject), work),
            replan_id=fact.data.get("replan_id"),
        )
    elif fact.kind is FactKind.SHIFT_DEPARTED:
        plan, shift_id = PlanKey.parse(fact.subject), fact.data["shift_id"]
        services.motion.set_out(row.tenant, plan, shift_id, now)
    elif shifts := _shifts_to_watch(fact):
        plan = PlanKey.parse(fact.subject)
        for shift_id in shifts:
            services.watch.look(row.tenant, plan, shift_id, now)
    else:
        return False
    return True


def _work_of(fact: Fact) -> "Work | None":
    """What a plan's worker is to do about it."""
    from chalicelib.dispatch.model import Work

    match fact.kind:
        case FactKind.PLAN_CHANGED:
            return Work.IMPROVE
        case FactKind.PLAN_TROUBLED | FactKind.SHIFT_INCIDENT:
            return Work.REPAIR
        case _:
            return None


def _shifts_to_watch(fact: Fact) -> list[str]:
    """The shifts whose promises may stand otherwise now."""
    match fact.kind:
        case FactKind.SHIFT_PROGRESSED | FactKind.ROUTE_CHANGED:
            return [fact.data["shift_id"]]
        case FactKind.PLAN_REPLANNED:
            return list(fact.data.get("shifts", ()))
        case _:
            return []


def improve(
    event: Event, services: "Services", *, seconds: float = 60.0, log: "Logger" = _log
) -> BatchAnswer:
    """Improve the plans that changed."""
    from chalicelib.dispatch.model import Work

    return _look_at_plans(event, services, Work.IMPROVE, seconds=seconds, log=log)


def repair(event: Event, services: "Services", *, seconds: float = 15.0, log: "Logger" = _log) -> BatchAnswer:
    """Repair the plans that are in trouble on the road."""
    from chalicelib.dispatch.model import Work

    return _look_at_plans(event, services, Work.REPAIR, seconds=seconds, log=log)


def _look_at_plans(
    event: Event, services: "Services", work: "Work", *, seconds: float, log: "Logger"
) -> BatchAnswer:
    """Improve or repair plans.

    A job does not wait for another of its plan that failed, though the queue is FIFO: requests are numbered,
    and a run covers them in any order. Waiting, it would be tried as often as a poisoned one, and given up.

    Parameters
    ----------
    seconds
        What the invocation has left; its jobs share it, but for a reserve to commit and answer in.
    """
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType

    from chalicelib.dispatch.service import Job

    watch = _Watch(services, log)
    reserve = min(_RESERVE_SECONDS, seconds / 2)
    share = (seconds - reserve) / len(event["Records"])

    def look(record: "SQSRecord") -> None:
        with watch.telemetry.line("plan") as line:
            line.fields["job"] = record.message_id
            job = json.loads(record.body)
            line.errand.request_id = job.get("request_id")
            tenant = Tenant.parse(job["tenant"])
            plan = PlanKey.parse(job["plan"])
            line.fields |= {"tenant": str(tenant), "plan": str(plan), "outbox": job["request"]}
            number, replan_id = job.get("number"), job.get("replan_id")
            asked = Job(plan=plan, work=work, number=number, replan_id=replan_id)
            replan = services.dispatch.run(tenant, asked, services.business_now(tenant), seconds=share)
            line.fields["state"] = replan.state
            line.fields |= {"replan_id": replan.replan_id} if replan.version else {}
            line.fields |= {"why": replan.why} if replan.why else {}
            line.fields |= {"moves": len(replan.moves), "saved": replan.seconds_saved}
            if (standing := replan.standing) is not None:
                line.fields |= {"kept": standing.kept, "risk": standing.at_risk, "broken": standing.broken}
                watch.counts[Metric.PROMISES_KEPT] += standing.kept
                watch.counts[Metric.PROMISES_AT_RISK] += standing.at_risk
                watch.counts[Metric.PROMISES_BROKEN] += standing.broken

    return watch.processed(event, look, BatchProcessor(EventType.SQS), work)


def deliver_webhooks(
    event: Event, services: "Services", *, seconds: float = 60.0, log: "Logger" = _log
) -> BatchAnswer:
    """Send merchants what they are to be told. Whatever their receivers do, the message is done with.

    Parameters
    ----------
    seconds
        What the invocation has left; its messages share it, but for a reserve to write down and answer in.
    """
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType

    watch = _Watch(services, log)
    share = max(seconds - _RESERVE_SECONDS, 0.0) / len(event["Records"])

    def send(record: "SQSRecord") -> None:
        with watch.telemetry.line("webhook") as line:
            line.fields["job"] = record.message_id
            job = json.loads(record.body)
            line.errand.request_id = job.get("request_id")
            tenant, webhook_id = Tenant.parse(job["tenant"]), job["webhook_id"]
            line.fields |= {"tenant": str(tenant), "webhook_id": webhook_id, "delivery": job["delivery"]}
            system_now = services.clock.system_now()
            now = services.business_now(tenant, system_now=system_now)
            run = services.deliveries.deliver(
                tenant, webhook_id, job["delivery"], now, system_now=system_now, seconds=share
            )
            line.is_wanted = bool(run.attempts)
            line.fields["events"] = [each.event_id for each in run.attempts]
            line.fields["answers"] = [each.result.status or each.result.failure for each in run.attempts]
            line.fields |= {"stopped": run.stopped} if run.stopped else {}
            sent = sum(each.result.delivered for each in run.attempts)
            watch.counts[Metric.WEBHOOKS_SENT] += sent
            watch.counts[Metric.WEBHOOKS_FAILED] += len(run.attempts) - sent
            watch.counts[Metric.WEBHOOKS_STOPPED] += run.stopped is not None

    return watch.processed(event, send, BatchProcessor(EventType.SQS), "deliver_webhooks")


def send_texts(
    event: Event, services: "Services", *, seconds: float = 60.0, log: "Logger" = _log
) -> BatchAnswer:
    """Give texts to the carrier that are to be sent, and find out what became of those nobody knows of.

    Whatever the carrier does, the message is done with; one there is no time for is left to the queue. All of
    a batch go at once: a text waits for the store and the carrier most of its time.

    Parameters
    ----------
    seconds
        What the invocation has left: a text is not begun that might not be written down.
    """
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType

    from chalicelib.notifications.progress import Moment

    watch, sending = _Watch(services, log), services.sending
    ends_at = monotonic() + seconds - _RESERVE_SECONDS

    @cache
    def moment(tenant: Tenant) -> Moment:
        system_now = services.clock.system_now()
        return Moment(now=services.business_now(tenant, system_now=system_now), system_now=system_now)

    def send(record: "SQSRecord") -> None:
        with watch.telemetry.line("text") as line:
            job = json.loads(record.body)
            line.errand.request_id = job.get("request_id")
            tenant, message_id = Tenant.parse(job["tenant"]), job["message_id"]
            line.fields |= {"tenant": str(tenant), "message_id": message_id}
            if monotonic() > ends_at:
                raise OutOfTime
            watch.tell(line, sending.look(tenant, message_id, moment(tenant)))

    processor = BatchProcessor(EventType.SQS)
    return watch.processed(event, send, processor, "send_texts", at_once=len(event["Records"]))


def drain_due(services: "Services", *, log: "Logger" = _log) -> int:
    """Do what came due: facts, holds, deliveries, reminders; gives how many there were."""
    telemetry = Telemetry(log, stage=lambda: services.settings.stage)
    with telemetry.invocation("drain_due") as line:
        now, cleared, brought, reminded = services.clock.system_now(), 0, 0, 0
        line.fields["handed_on"] = handed_on = _hand_on_left_over(services, now, log)
        for tenant, stop_id in services.store.due_anywhere(now):
            cleared += services.booking.expire(tenant, stop_id, services.business_now(tenant))
            line.fields["cleared"] = cleared
        for due in services.store.hooks.due_webhooks(now):
            brought += services.deliveries.sweep(due, services.business_now(due.tenant))
            line.fields["brought"] = brought
        reminded = remind(services, due_anywhere(services, now), telemetry)
        line.fields["reminded"] = reminded
        line.is_wanted = bool(handed_on or cleared or brought or reminded)
    return handed_on + cleared + brought + reminded


def _hand_on_left_over(services: "Services", now: Timestamp, log: "Logger") -> int:
    """Hand on what the stream did not; gives how many rows. One that fails is tried again later."""
    records = services.store.left_over(now)
    if not records:
        return 0
    failures = publish_facts({"Records": records}, services, log=log)["batchItemFailures"]
    failed = {failure["itemIdentifier"] for failure in failures}
    for record in records:
        if record["dynamodb"]["SequenceNumber"] in failed:
            services.store.put_off(record, now)
    return len(records) - len(failed)


@contextmanager
def _at_once(event: Event, handle: Callable[[Any], None], most: int) -> Iterator[Callable[[Any], None]]:
    """Handle a queue's messages in threads; gives what waits for one of them, and raises what it raised."""
    if most <= 1:
        yield handle
        return
    from concurrent.futures import ThreadPoolExecutor

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    with ThreadPoolExecutor(most) as threads:
        # In a copy of the context each: errands and spans hang together across threads.
        begun = {
            record["messageId"]: threads.submit(copy_context().run, handle, SQSRecord(record))
            for record in event["Records"]
        }
        yield lambda record: begun[record.message_id].result()


class _Watch:
    """One invocation, observed; its records may be handled in several threads."""

    def __init__(self, services: "Services", log: "Logger") -> None:
        self._services = services
        self.telemetry = Telemetry(log, stage=lambda: services.settings.stage)
        self.counts = Counter[Metric]()
        self._counting = Lock()

    def texts(self, tenant: Tenant, facts: Sequence[Fact], now: Timestamp) -> None:
        """Let the notifications react to facts; each text has a line of its own."""
        made = self._services.notifications.react(tenant, facts, now)
        for fact, message in zip(facts, made, strict=True):
            with self.telemetry.line("text", current_request_id()) as line:
                line.fields |= {"tenant": str(tenant), "promise_id": fact.subject, "fact": fact.kind}
                self.tell(line, message)

    def tell(self, line: "Line", message: "Message | None") -> None:
        """Say what became of a text, if anything did."""
        line.is_wanted = message is not None
        if message is None:
            return
        line.fields |= {"message_id": message.message_id, "status": message.status}
        line.fields |= {"sid": message.sid} if message.sid else {}
        line.fields |= {"reason": message.reason} if message.reason else {}
        with self._counting:
            self.counts[Metric.TEXTS_SENT] += message.status is MessageStatus.SENT
            self.counts[Metric.TEXTS_FAILED] += message.status in TEXT_FAILURES

    def processed(
        self,
        event: Event,
        handle: Callable[[Any], None],
        processor: "BasePartialBatchProcessor",
        function: str,
        *,
        at_once: int = 1,
    ) -> BatchAnswer:
        """Handle a batch, record by record or several at once, and count it."""
        from aws_lambda_powertools.utilities.batch import process_partial_response

        processor.raise_on_entire_batch_failure = False  # an exception would repeat what was done, too
        with self.telemetry.invocation(function) as line:
            try:
                with _at_once(event, handle, at_once) as handled:
                    answer: Any = process_partial_response(dict(event), handled, processor)
            finally:
                line.counts.update(self.counts)
            failed = [{"itemIdentifier": each["itemIdentifier"]} for each in answer["batchItemFailures"]]
            line.fields |= {"records": len(event["Records"]), "failed": len(failed)}
        return {"batchItemFailures": failed}
