"""Holds every answer against what its endpoint declares: the contract cannot drift unseen."""

import re
from collections.abc import Iterable

from chalice.test import HTTPResponse

from chalicelib.handlers.endpoints import Endpoint
from chalicelib.handlers.http import PROBLEM_JSON, PROBLEMS
from chalicelib.handlers.openapi import problem_codes


def check_described(endpoints: Iterable[Endpoint], method: str, path: str, answer: HTTPResponse) -> None:
    """Fail unless this answer's status, or its problem's code, is one that the endpoint declares."""
    endpoint = endpoint_of(endpoints, method, path)
    if endpoint is None:
        return
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if answer.status_code < 400:
        assert answer.status_code in endpoint.answers, f"{endpoint.name} declares no {answer.status_code}"
        return
    assert kind in endpoint.dress.kinds, f"{endpoint.name} declares no {kind}"
    if kind != PROBLEM_JSON:
        statuses = {PROBLEMS[code].status for code in problem_codes(endpoint)}
        assert answer.status_code in statuses, f"{endpoint.name} declares no {answer.status_code}"
    else:
        code = answer.json_body["code"]
        assert code in problem_codes(endpoint), f"{endpoint.name} does not declare {code}"


def endpoint_of(endpoints: Iterable[Endpoint], method: str, path: str) -> Endpoint | None:
    """Find the endpoint that serves a path: of two that match, the one with fewer parameters."""
    asked = path.partition("?")[0]
    serving = [
        endpoint
        for endpoint in endpoints
        if endpoint.method == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", endpoint.path), asked)
    ]
    return min(serving, key=lambda endpoint: len(endpoint.path_parameters), default=None)
