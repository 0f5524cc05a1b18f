"""The queues: of planning jobs, FIFO, one worker of each kind for a plan; of webhooks; of texts."""

import json
from collections.abc import Mapping
from hashlib import sha256
from itertools import batched
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.errand import current_request_id
from chalicelib.dispatch.model import Work
from chalicelib.errors import Upstream
from chalicelib.events import Tenant
from chalicelib.units import Seconds

_LONGEST_NAME = 128
_MOST_AT_ONCE = 10  # messages in one request


class PlanJobs:
    """Asks the worker to look at a plan.

    Parameters
    ----------
    client
        A boto3 client of SQS.
    urls
        The queue of each kind of work.
    """

    def __init__(self, client: Any, *, urls: Mapping[Work, str]) -> None:
        self._client, self._urls = client, urls

    def send(
        self,
        tenant: Tenant,
        plan: str,
        work: Work,
        *,
        request: str,
        number: int | None = None,
        replan_id: str | None = None,
    ) -> None:
        """Enqueue one job; the same request for the same plan twice within five minutes is one job.

        Parameters
        ----------
        plan
            `depot_id/date`.
        request
            Names what asks: one request may ask for several plans.
        number
            Which of the plan's requests this is.
        replan_id
            Of the replan that is to answer somebody.

        Raises
        ------
        Upstream
            SQS did not take it.
        """
        job = {"tenant": str(tenant), "plan": plan, "request": request}
        more = {"number": number, "replan_id": replan_id, "request_id": current_request_id()}
        body = json.dumps(job | {name: value for name, value in more.items() if value is not None})
        try:
            self._client.send_message(
                QueueUrl=self._urls[work],
                MessageBody=body,
                MessageGroupId=_short(f"{tenant}:{plan}"),
                MessageDeduplicationId=_short(f"{request}:{plan}"),  # unique in the queue, not the group
            )
        except (ClientError, BotoCoreError) as error:
            raise Upstream("The queue did not take the job.") from error


class DeliveryJobs:
    """Brings webhook deliveries to a worker: see `webhooks.ports.DeliveryQueue`.

    Parameters
    ----------
    client
        A boto3 client of SQS.
    """

    def __init__(self, client: Any, *, webhooks_queue_url: str) -> None:
        self._client, self._url = client, webhooks_queue_url

    def deliver(self, tenant: Tenant, webhook_id: str, name: str, *, delay: Seconds = 0) -> None:
        """Enqueue one look at a delivery; looking twice does no harm.

        Raises
        ------
        Upstream
            SQS did not take it.
        """
        job = {"tenant": str(tenant), "webhook_id": webhook_id, "delivery": name}
        request_id = current_request_id()
        body = json.dumps(job if request_id is None else job | {"request_id": request_id})
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay)
        except (ClientError, BotoCoreError) as error:
            raise Upstream("The queue did not take the delivery.") from error


class TextJobs:
    """Brings texts to a worker: see `notifications.ports.TextQueue`.

    Parameters
    ----------
    client
        A boto3 client of SQS.
    """

    def __init__(self, client: Any, *, texts_queue_url: str) -> None:
        self._client, self._url = client, texts_queue_url

    def look(self, tenant: Tenant, message_id: str, *, delay: Seconds = 0) -> None:
        """Enqueue one look at a text, by its id only; looking twice does no harm.

        Raises
        ------
        Upstream
            SQS did not take it.
        """
        body = self._job(tenant, message_id)
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay)
        except (ClientError, BotoCoreError) as error:
            raise Upstream("The queue did not take the text.") from error

    def look_at_all(self, tenant: Tenant, delays: Mapping[str, Seconds]) -> None:
        """Enqueue a look at each of some texts after its own delay, ten in a request.

        Raises
        ------
        Upstream
            SQS did not take them all.
        """
        for some in batched(delays.items(), _MOST_AT_ONCE):
            entries = [
                {"Id": str(at), "MessageBody": self._job(tenant, message_id), "DelaySeconds": delay}
                for at, (message_id, delay) in enumerate(some)
            ]
            try:
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            except (ClientError, BotoCoreError) as error:
                raise Upstream("The queue did not take the texts.") from error
            if answer.get("Failed"):
                raise Upstream("The queue did not take all of the texts.")

    def _job(self, tenant: Tenant, message_id: str) -> str:
        job = {"tenant": str(tenant), "message_id": message_id}
        request_id = current_request_id()
        return json.dumps(job if request_id is None else job | {"request_id": request_id})


def _short(name: str) -> str:
    """A name of at most the 128 characters SQS takes, still one for each."""
    return name if len(name) <= _LONGEST_NAME else sha256(name.encode()).hexdigest()
