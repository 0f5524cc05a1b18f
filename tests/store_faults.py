"""What goes wrong between us and DynamoDB, done to a client from outside: no emulator shows it by itself.

Hooks of botocore answer in DynamoDB's place, lose answers, or take conditions away; the product has no switch
for any of it.
"""

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

URL = "http://127.0.0.1"

type Fault = Callable[["Call"], Any]
"""Answers instead of DynamoDB, raises instead of an answer, or returns None to let a call through."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a fault may spoil: before it is sent, and again when it was answered."""

    operation: str
    answered: bool
    actions: int = 0
    answer: dict[str, Any] = field(default_factory=dict)


def refused(code: str, *, status: int = 400) -> Fault:
    """DynamoDB refuses the call as a whole, and does nothing."""

    def fault(call: Call) -> Any:
        return None if call.answered else _error(status, {"Error": {"Code": code, "Message": "injected"}})

    return fault


def cancelled(code: str) -> Fault:
    """DynamoDB cancels a transaction for a reason that is no condition's."""

    def fault(call: Call) -> Any:
        reasons = [{"Code": "None"}] * (call.actions - 1) + [{"Code": code}]
        error = {"Code": "TransactionCanceledException", "Message": "injected"}
        return None if call.answered else _error(400, {"Error": error, "CancellationReasons": reasons})

    return fault


def lost_before(call: Call) -> None:
    """The request never gets there."""
    if not call.answered:
        raise ConnectTimeoutError(endpoint_url=URL)


def lost_after(call: Call) -> None:
    """The request is carried out, and its answer gets lost."""
    if call.answered:
        raise ReadTimeoutError(endpoint_url=URL)


def withheld(call: Call) -> None:
    """DynamoDB reads one row of the many and leaves the others for later."""
    for table, items in call.answer.get("Responses", {}).items():
        left = [{name: item[name] for name in ("pk", "sk")} for item in items[1:]]
        if left:
            call.answer["Responses"][table] = items[:1]
            call.answer["UnprocessedKeys"] = {table: {"Keys": left, "ConsistentRead": True}}


def broken_after(call: Call) -> None:
    """The request is carried out, and the answer is a 500."""
    if call.answered:
        answer: Any = {"Error": {"Code": "InternalServerError"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
        raise ClientError(answer, call.operation)


@dataclass
class Faults:
    """Faults waiting for the calls of one operation, one each; what is left over is let through.

    Attributes
    ----------
    always
        Does the same to every call that no fault waits for.
    concerns
        Which calls are spoilt at all, by their body.
    requests
        Every call so far, as it would have been sent.
    """

    client: Any
    operation: str
    waiting: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    concerns: Callable[[bytes], bool] = lambda body: True
    requests: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        events = self.client.meta.events
        events.register(f"provide-client-params.dynamodb.{self.operation}", self._note)
        events.register(f"before-call.dynamodb.{self.operation}", self._before)
        events.register(f"after-call.dynamodb.{self.operation}", self._after)
        self._fault: Fault | None = None

    def _note(self, params: dict[str, Any], **_: Any) -> None:
        self.requests.append(params)

    def _before(self, params: dict[str, Any], **_: Any) -> Any:
        self._fault = None
        if self.concerns(params["body"]):
            self._fault = self.waiting.pop(0) if self.waiting else self.always
        return self._fault and self._fault(self._call())

    def _after(self, parsed: dict[str, Any], **_: Any) -> None:
        if self._fault:
            self._fault(self._call(parsed))

    def _call(self, answer: dict[str, Any] | None = None) -> Call:
        actions = len(self.requests[-1].get("TransactItems", ()))
        return Call(self.operation, answer is not None, actions, answer or {})


def drop_conditions(client: Any, concerns: Callable[[str, str], bool]) -> None:
    """Take the conditions of some rows, by their keys, out of every transaction of a client.

    They become true whatever is stored, because their values must still be used.
    """

    def drop(params: dict[str, Any], **_: Any) -> None:
        for action in params["TransactItems"]:
            (request,) = action.values()
            key = request.get("Key") or request["Item"]
            condition = request.get("ConditionExpression")
            if condition and concerns(key["pk"]["S"], key["sk"]["S"]):
                either = "attribute_exists(pk) OR attribute_not_exists(pk)"
                request["ConditionExpression"] = f"({condition}) OR {either}"

    client.meta.events.register("provide-client-params.dynamodb.TransactWriteItems", drop)


def drop_claims(client: Any) -> None:
    """Take the condition out of every single write of a client: whoever claims, has it."""

    def drop(params: dict[str, Any], **_: Any) -> None:
        for part in (
            "ConditionExpression",
            "ExpressionAttributeValues",
            "ReturnValuesOnConditionCheckFailure",
        ):
            params.pop(part, None)

    client.meta.events.register("provide-client-params.dynamodb.PutItem", drop)


def split_transactions(events: Any) -> None:
    """Let every transaction fall into single writes, one after the other: for controls.

    Parameters
    ----------
    events
        Of a boto3 session, before its clients are made.
    """

    @cache
    def client() -> Any:
        return boto3.client("dynamodb")

    def split(params: dict[str, Any], **_: Any) -> Any:
        actions = json.loads(params["body"], object_hook=_binary)["TransactItems"]
        if len(actions) == 1:
            return None
        for action in actions:
            client().transact_write_items(TransactItems=[action])
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    events.register("before-call.dynamodb.TransactWriteItems", split)


def _binary(read: dict[str, Any]) -> dict[str, Any]:
    """A value as boto3 takes it, from the JSON it sends."""
    return {"B": b64decode(read["B"])} if read.keys() == {"B"} else read


def _error(status: int, parsed: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """An answer as botocore has it when it has parsed one."""
    return SimpleNamespace(status_code=status), parsed | {"ResponseMetadata": {"HTTPStatusCode": status}}
