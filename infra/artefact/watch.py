"""What wakes somebody, and what they look at then: alarms to one topic, and a dashboard.

An alarm stands for something a person has to do; whatever cures itself is on the dashboard only. Each says
what has happened and where to look. Weak point: the thresholds are guesses until a stage has had real days.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.artefact.template import API, Template

TOPIC: Final = "Alarms"
OURS: Final = "Slotkeeper"  # namespace of what the product counts itself, by stage
FUNCTIONS: Final = (API, "DeliverWebhooks", "DrainDue", "Improve", "PublishFacts", "Repair", "SendTexts")
INDEXES: Final = ("due", "listing")
_MINUTE: Final = 60
_WIDGETS_IN_A_ROW, _WIDTH, _HEIGHT = 3, 8, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One line of a graph.

    Attributes
    ----------
    of
        Dimensions; values as `Fn::Sub` takes them.
    statistic
        Over a period: `Sum`, `Maximum`, `p99`, …
    """

    namespace: str
    name: str
    of: Mapping[str, str]
    statistic: str = "Sum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Goes off when the metrics, added up, reach a number within some minutes.

    Attributes
    ----------
    name
        Logical id.
    means
        What has happened and where to look, for whoever is woken.
    reaches
        In the metrics' own unit.
    """

    name: str
    means: str
    metrics: tuple[Metric, ...]
    reaches: float
    minutes: int = 5


@dataclass(frozen=True, slots=True)
class Graph:
    """One widget of the dashboard."""

    title: str
    metrics: tuple[Metric, ...]


def api(name: str, statistic: str = "Sum") -> Metric:
    """A metric of API Gateway, which knows an API by its name: the stack's."""
    of = {"ApiName": "${AWS::StackName}", "Stage": "api"}
    return Metric(namespace="AWS/ApiGateway", name=name, of=of, statistic=statistic)


def function(logical_id: str, name: str, statistic: str = "Sum") -> Metric:
    """A metric of a function, all its versions together."""
    of = {"FunctionName": f"${{{logical_id}}}"}
    return Metric(namespace="AWS/Lambda", name=name, of=of, statistic=statistic)


def queue(logical_id: str, name: str) -> Metric:
    """A metric of a queue: the most within a period."""
    of = {"QueueName": f"${{{logical_id}.QueueName}}"}
    return Metric(namespace="AWS/SQS", name=name, of=of, statistic="Maximum")


def table(name: str, index: str | None = None) -> Metric:
    """A metric of the table, or of one of its indexes."""
    of = {"TableName": "${Table}"} | ({"GlobalSecondaryIndexName": index} if index else {})
    return Metric(namespace="AWS/DynamoDB", name=name, of=of)


def counted(name: str, *, stage: str) -> Metric:
    """A metric that the product counts itself."""
    return Metric(namespace=OURS, name=name, of={"stage": stage})


def alarms(stage: str) -> tuple[Alarm, ...]:
    """Everything that wakes somebody."""
    table_throttles = tuple(
        table(name, index)
        for name in ("ReadThrottleEvents", "WriteThrottleEvents")
        for index in (None, *INDEXES)
    )
    return (
        *(
            Alarm(
                name=f"{dead_letters}Filled",
                means=f"{what} were given up: they are in {dead_letters}. Mend the cause, then redrive.",
                metrics=(queue(dead_letters, "ApproximateNumberOfMessagesVisible"),),
                reaches=1,
                minutes=1,
            )
            for dead_letters, what in (
                ("ImproveDeadLetters", "Planning jobs"),
                ("RepairDeadLetters", "Repairs of plans on the road"),
                ("FactsDeadLetters", "Facts, and the texts about them,"),
                ("TextsDeadLetters", "Looks at texts, which stumbled over a bug of ours,"),
                ("WebhooksDeadLetters", "Webhook messages, which stumbled over a bug of ours,"),
            )
        ),
        Alarm(
            name="ApiFails",
            means="Requests are answered with 5xx. Look for the messages bug and request in the API's log.",
            metrics=(api("5XXError"),),
            reaches=5,
        ),
        Alarm(
            name="JobsWait",
            means="A planning job has waited for ten minutes. Look at the errors and throttles of Improve.",
            metrics=(queue("ImproveQueue", "ApproximateAgeOfOldestMessage"),),
            reaches=600,
        ),
        Alarm(
            name="RepairsWait",
            means="Trouble on the road has waited for a minute. Look at the errors and throttles of Repair.",
            metrics=(queue("RepairQueue", "ApproximateAgeOfOldestMessage"),),
            reaches=60,
        ),
        Alarm(
            name="WebhooksWait",
            means="Merchants are told minutes late. Look in the log of DeliverWebhooks for who is slow.",
            metrics=(queue("WebhooksQueue", "ApproximateAgeOfOldestMessage"),),
            reaches=300,
        ),
        Alarm(
            name="TextsWait",
            means="Texts wait for longer than any is put off by. Look at the errors of SendTexts.",
            metrics=(queue("TextsQueue", "ApproximateAgeOfOldestMessage"),),
            reaches=1200,  # some are put off by fifteen minutes, in the queue
        ),
        Alarm(
            name="FactsWait",
            means="Facts are a minute behind, and texts with them. Look at the errors of PublishFacts.",
            metrics=(function("PublishFacts", "IteratorAge", "Maximum"),),
            reaches=60_000,
        ),
        Alarm(
            name="FunctionsThrottled",
            means="Lambda refused to run a function. Look at processes at once; raise the account's limit.",
            metrics=tuple(function(one, "Throttles") for one in FUNCTIONS),
            reaches=1,
        ),
        Alarm(
            name="TableThrottled",
            means="DynamoDB refused a read or write. Look for a depot that has more than a partition takes.",
            metrics=table_throttles,
            reaches=1,
        ),
        *(
            Alarm(
                name=f"{one}Fails",
                means=f"{one} ended with an error or ran out of time. Look at its log.",
                metrics=(function(one, "Errors"),),
                reaches=1,
            )
            for one in FUNCTIONS
        ),
        Alarm(
            name="TextsFail",
            means="Texts were refused or not answered. Look at Twilio's status, the balance and the sender.",
            metrics=(counted("TextsFailed", stage=stage),),
            reaches=3,
        ),
        Alarm(
            name="PromisesBreak",
            means="A promise that was sold can no longer be kept. Look at the plan Improve's log names.",
            metrics=(counted("PromisesBroken", stage=stage),),
            reaches=1,
        ),
    )


def graphs(stage: str) -> tuple[Graph, ...]:
    """Everything on the dashboard below the alarms, from the shop's side to the machinery."""

    def ours(*names: str) -> tuple[Metric, ...]:
        return tuple(counted(name, stage=stage) for name in names)

    return (
        Graph("Searches and offers", ours("Searches", "Offers")),
        Graph("Holds, promises, conflicts", ours("Holds", "PromisesMade", "Conflicts")),
        Graph("Promises, at each look", ours("PromisesKept", "PromisesAtRisk", "PromisesBroken")),
        Graph("Texts", ours("TextsSent", "TextsFailed")),
        Graph("Webhooks", ours("WebhooksSent", "WebhooksFailed", "WebhooksStopped")),
        Graph("Requests", (api("Count"), api("4XXError"), api("5XXError"))),
        Graph("Milliseconds of a request", (api("Latency", "p50"), api("Latency", "p99"))),
        Graph("Errors", tuple(function(one, "Errors") for one in FUNCTIONS)),
        Graph(
            "Processes at once", tuple(function(one, "ConcurrentExecutions", "Maximum") for one in FUNCTIONS)
        ),
        Graph("Longest run, milliseconds", tuple(function(one, "Duration", "Maximum") for one in FUNCTIONS)),
        Graph("Capacity used", (table("ConsumedReadCapacityUnits"), table("ConsumedWriteCapacityUnits"))),
        Graph(
            "Oldest job, webhook and text, seconds",
            tuple(
                queue(one, "ApproximateAgeOfOldestMessage")
                for one in ("ImproveQueue", "RepairQueue", "WebhooksQueue", "TextsQueue")
            ),
        ),
        Graph("Facts behind, milliseconds", (function("PublishFacts", "IteratorAge", "Maximum"),)),
    )


def resources(stage: str) -> Template:
    """Return alarms and dashboard of a stage as CloudFormation resources."""
    declared = alarms(stage)
    return {alarm.name: _alarm(alarm) for alarm in declared} | {"Dashboard": _dashboard(stage, declared)}


def _alarm(alarm: Alarm) -> Template:
    telling: Template = {
        "AlarmDescription": alarm.means,
        "AlarmActions": [{"Ref": TOPIC}],
        "OKActions": [{"Ref": TOPIC}],
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "EvaluationPeriods": 1,
        "Threshold": alarm.reaches,
        "TreatMissingData": "notBreaching",  # nothing happened
    }
    period = alarm.minutes * _MINUTE
    match alarm.metrics:
        case (metric,):
            telling |= _metric(metric) | {"Statistic": metric.statistic, "Period": period}
        case several:
            telling["Metrics"] = [
                {"Id": "all", "Expression": "SUM(FILL(METRICS(), 0))", "Label": alarm.name},
                *(
                    {
                        "Id": f"m{number}",
                        "MetricStat": {"Metric": _metric(one), "Period": period, "Stat": one.statistic},
                        "ReturnData": False,
                    }
                    for number, one in enumerate(several)
                ),
            ]
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": telling}


def _metric(metric: Metric) -> Template:
    return {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": _value(value)} for name, value in metric.of.items()],
    }


def _value(text: str) -> Any:
    return {"Fn::Sub": text} if "${" in text else text


def _dashboard(stage: str, declared: Iterable[Alarm]) -> Template:
    arns = [f"${{{alarm.name}.Arn}}" for alarm in declared]
    width = _WIDGETS_IN_A_ROW * _WIDTH
    widgets: list[Template] = [
        {
            "type": "alarm",
            "x": 0,
            "y": 0,
            "width": width,
            "height": _HEIGHT,
            "properties": {"title": "Alarms", "alarms": arns},
        }
    ]
    for number, graph in enumerate(graphs(stage)):
        row, column = divmod(number, _WIDGETS_IN_A_ROW)
        place = {"x": column * _WIDTH, "y": (row + 1) * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}
        shown = {
            "title": graph.title,
            "region": "${AWS::Region}",
            "period": _MINUTE,
            "metrics": [_line(metric) for metric in graph.metrics],
        }
        widgets.append({"type": "metric", **place, "properties": shown})
    # A dashboard belongs to the account, not to a region of it.
    name = {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}
    body = {"Fn::Sub": json.dumps({"widgets": widgets})}
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {"DashboardName": name, "DashboardBody": body},
    }


def _line(metric: Metric) -> list[Any]:
    dimensions = [part for pair in metric.of.items() for part in pair]
    return [metric.namespace, metric.name, *dimensions, {"stat": metric.statistic}]
