"""What goes wrong wakes somebody: each alarm watches something that exists, and nothing is left unwatched."""

import json
from typing import Any

import pytest

from infra.artefact import watch
from infra.artefact.template import Template
from tests.artefact.expansion import Resources, expanded, functions, of_type, references, template_of

COUNTED = {
    "Searches",
    "Offers",
    "Holds",
    "Conflicts",
    "PromisesMade",
    "PromisesKept",
    "PromisesAtRisk",
    "PromisesBroken",
    "TextsSent",
    "TextsFailed",
    "WebhooksSent",
    "WebhooksFailed",
    "WebhooksStopped",
}
# What AWS counts, and by which dimensions; with others an alarm would hear nothing for ever.
AWS_COUNTS = {
    "AWS/ApiGateway": ({"Count", "4XXError", "5XXError", "Latency"}, [{"ApiName", "Stage"}]),
    "AWS/DynamoDB": (
        {
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "ReadThrottleEvents",
            "WriteThrottleEvents",
        },
        [{"TableName"}, {"TableName", "GlobalSecondaryIndexName"}],
    ),
    "AWS/Lambda": (
        {"ConcurrentExecutions", "Duration", "Errors", "IteratorAge", "Throttles"},
        [{"FunctionName"}],
    ),
    "AWS/SQS": ({"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"}, [{"QueueName"}]),
}


@pytest.fixture(scope="module")
def alarms(template: Template) -> Resources:
    return of_type(template["Resources"], "AWS::CloudWatch::Alarm")


def watched(alarm: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Metrics of an alarm and their dimensions."""
    told = alarm["Properties"]
    metrics = [one["MetricStat"]["Metric"] for one in told.get("Metrics", ()) if "MetricStat" in one] or [
        told
    ]
    return [
        (
            f"{one['Namespace']}/{one['MetricName']}",
            {each["Name"]: each["Value"] for each in one["Dimensions"]},
        )
        for one in metrics
    ]


def watching(alarms: Resources, metric: str) -> set[str]:
    """Logical ids that alarms on a metric are about."""
    return {
        name
        for alarm in alarms.values()
        for watches, dimensions in watched(alarm)
        if watches == metric
        for name in references(dimensions)
    }


def dead_letters(resources: Resources) -> set[str]:
    """Every queue that something is given up to."""
    found = {
        one["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for one in of_type(resources, "AWS::SQS::Queue").values()
        if "RedrivePolicy" in one["Properties"]
    }
    for function in functions(resources).values():
        for source in function["Properties"].get("Events", {}).values():
            if "DestinationConfig" in source["Properties"]:
                given_up = source["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]
                found |= references(given_up)
    return found


def test_every_dead_letter_wakes_somebody(template: Template, alarms: Resources) -> None:
    """One message is enough, and a queue is for work or for dead letters and never for both."""
    resources = template["Resources"]
    assert dead_letters(resources) == {
        "FactsDeadLetters",
        "ImproveDeadLetters",
        "RepairDeadLetters",
        "WebhooksDeadLetters",
        "TextsDeadLetters",
    }
    assert watching(alarms, "AWS/SQS/ApproximateNumberOfMessagesVisible") == dead_letters(resources)
    for name in dead_letters(resources):
        alarm = alarms[f"{name}Filled"]["Properties"]
        assert (alarm["Threshold"], alarm["Statistic"], alarm["Period"]) == (1, "Maximum", 60)
        assert resources[name]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_every_working_queue_and_stream_is_watched_for_its_age(template: Template, alarms: Resources) -> None:
    """Work that waits looks like no work at all to every other alarm."""
    queues = of_type(template["Resources"], "AWS::SQS::Queue").keys() - dead_letters(template["Resources"])
    assert watching(alarms, "AWS/SQS/ApproximateAgeOfOldestMessage") == queues
    assert watching(alarms, "AWS/Lambda/IteratorAge") == {"PublishFacts"}


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_is_watched(template: Template, alarms: Resources, metric: str) -> None:
    """Errors and refusals to run it."""
    assert watching(alarms, f"AWS/Lambda/{metric}") == functions(template["Resources"]).keys()


@pytest.mark.parametrize("metric", ["ReadThrottleEvents", "WriteThrottleEvents"])
def test_table_is_watched_with_each_of_its_indexes(
    template: Template, alarms: Resources, metric: str
) -> None:
    """An index that is refused writes holds up those of its table, and is counted by itself."""
    indexes = template["Resources"]["Table"]["Properties"]["GlobalSecondaryIndexes"]
    seen = {
        dimensions.get("GlobalSecondaryIndexName")
        for watches, dimensions in watched(alarms["TableThrottled"])
        if watches == f"AWS/DynamoDB/{metric}"
    }
    assert seen == {None, *(index["IndexName"] for index in indexes)}


def test_failed_answers_texts_and_promises_wake_somebody(alarms: Resources) -> None:
    """What a shopper, a buyer and a merchant would complain of."""
    [(metric, dimensions)] = watched(alarms["ApiFails"])
    assert (metric, dimensions["Stage"]) == ("AWS/ApiGateway/5XXError", "api")
    assert watched(alarms["TextsFail"]) == [("Slotkeeper/TextsFailed", {"stage": "live"})]
    assert watched(alarms["PromisesBreak"]) == [("Slotkeeper/PromisesBroken", {"stage": "live"})]


def test_alarms_of_an_api_know_it_by_the_stack_name(template: Template) -> None:
    """API Gateway counts by name; Chalice would name the API of every stage the same."""
    final = expanded(template)["RestAPI"]["Properties"]
    name = {"Fn::Sub": "${AWS::StackName}"}
    assert final["Name"] == final["Body"]["info"]["title"] == name
    [(_, dimensions)] = watched(template["Resources"]["ApiFails"])
    assert dimensions["ApiName"] == name


def test_every_alarm_reaches_the_topic_and_says_what_to_do(alarms: Resources) -> None:
    """It says so again when it is over; silence is no alarm."""
    assert len(alarms) >= 10
    for alarm in alarms.values():
        told = alarm["Properties"]
        assert told["AlarmActions"] == told["OKActions"] == [{"Ref": "Alarms"}]
        assert told["TreatMissingData"] == "notBreaching"
        assert len(told["AlarmDescription"]) > 40


def test_mail_is_sent_only_where_an_address_is_given(template: Template) -> None:
    """The topic is there in any case; a mail is one parameter."""
    mail = template["Resources"]["AlarmMail"]
    assert mail["Condition"] == "HasAlarmEmail"
    assert template["Parameters"]["AlarmEmail"]["Default"] == ""
    assert mail["Properties"]["TopicArn"] == {"Ref": "Alarms"}


def everything_shown(template: Template) -> list[watch.Metric]:
    stage = template["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]["STAGE"]
    shown = [metric for graph in watch.graphs(stage) for metric in graph.metrics]
    return [*shown, *(metric for alarm in watch.alarms(stage) for metric in alarm.metrics)]


def test_metrics_are_those_that_are_counted(template: Template) -> None:
    """A name or dimension that nobody counts by makes an alarm that never goes off."""
    for metric in everything_shown(template):
        if metric.namespace == "Slotkeeper":
            assert metric.name in COUNTED
            assert metric.of == {"stage": "live"}
        else:
            names, dimensions = AWS_COUNTS[metric.namespace]
            assert metric.name in names
            assert set(metric.of) in dimensions


def test_all_that_the_product_counts_is_on_the_dashboard(template: Template) -> None:
    """And every alarm, in the order of the template."""
    body = json.loads(template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    lines = [line for widget in body["widgets"] for line in widget["properties"].get("metrics", ())]
    assert {line[1] for line in lines if line[0] == "Slotkeeper"} == COUNTED
    [told] = [widget["properties"]["alarms"] for widget in body["widgets"] if widget["type"] == "alarm"]
    alarms = of_type(template["Resources"], "AWS::CloudWatch::Alarm")
    assert {arn[2:].removesuffix(".Arn}") for arn in told} == alarms.keys()
    places = {(widget["x"], widget["y"]) for widget in body["widgets"]}
    assert len(places) == len(body["widgets"])


@pytest.mark.parametrize("stage", ["test", "live"])
def test_what_the_dashboard_and_alarms_refer_to_is_there(stage: str) -> None:
    """Nothing but resources of this very template, and the names of the stack and its region."""
    resources = template_of(stage)["Resources"]
    known = resources.keys() | {"AWS::Region", "AWS::StackName"}
    for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"):
        assert references(of_type(resources, kind)) <= known
