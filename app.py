"""The front page: every HTTP endpoint, queue, stream and trigger of the product. No logic.

Event sources are declared here and nowhere else: Chalice points Lambda at the module that declares a
function, and middleware set up here would be missing elsewhere.
"""

from chalicelib.start import quick_imports

with quick_imports():
    import os
    from functools import cache
    from typing import Any

    from chalice import Chalice, Rate

    from chalicelib.bootstrap import Services, build
    from chalicelib.handlers import door, snapshot, workers
    from chalicelib.handlers.site import site
    from chalicelib.settings import Settings, Stage

app = Chalice(app_name="slotkeeper", configure_logs=False)  # its log is ours: `handlers.telemetry`
app.api.binary_types = []

FEATURES = site(sandbox=os.environ.get("STAGE") == Stage.SANDBOX)


@cache
def services() -> Services:
    """Everything the handlers need, built by the first request or event of a process."""
    return build(Settings.from_env(os.environ))


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:  # Lambda says so, and nobody who packages or tests
    Settings.from_env(os.environ)  # a function that is set up wrongly does not start, so its deployment fails

door.register(app, FEATURES, services)
snapshot.register(app, services, start=os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE"))


@app.on_sqs_message(queue="improve.fifo", batch_size=10)
def improve(event: Any) -> Any:
    """Improve plans that changed."""
    seconds = event.context.get_remaining_time_in_millis() / 1000
    return workers.improve(event.to_dict(), services(), seconds=seconds)


@app.on_sqs_message(queue="repair.fifo", batch_size=1)
def repair(event: Any) -> Any:
    """Repair plans that are in trouble on the road."""
    seconds = event.context.get_remaining_time_in_millis() / 1000
    return workers.repair(event.to_dict(), services(), seconds=seconds)


@app.on_dynamodb_record(stream_arn="replaced by infra/resources.json")
def publish_facts(event: Any) -> Any:
    """Hand on the facts of new outbox rows."""
    return workers.publish_facts(event.to_dict(), services())


@app.on_sqs_message(queue="webhooks", batch_size=1, maximum_concurrency=20)
def deliver_webhooks(event: Any) -> Any:
    """Send merchants what they are to be told."""
    seconds = event.context.get_remaining_time_in_millis() / 1000
    return workers.deliver_webhooks(event.to_dict(), services(), seconds=seconds)


@app.on_sqs_message(queue="texts", batch_size=10, maximum_concurrency=10)
def send_texts(event: Any) -> Any:
    """Give texts to the carrier that are to be sent."""
    seconds = event.context.get_remaining_time_in_millis() / 1000
    return workers.send_texts(event.to_dict(), services(), seconds=seconds)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def drain_due(event: Any) -> int:
    """Clear up behind what came due."""
    return workers.drain_due(services())
