"""Holds every answer against what its endpoint declares: the contract cannot drift unseen."""

import re
from collections.abc import Iterable

from chalice.test import HTTPResponse

from chalicelib.handlers.endpoints import Endpoint
from chalicelib.handlers.openapi import problem_codes


def check_described(endpoints: Iterable[Endpoint], method: str, path: str, answer: HTTPResponse) -> None:
    """Fail unless this answer's status, or its problem's code, is one that the endpoint declares."""
    endpoint = endpoint_of(endpoints, method, path)
    if endpoint is None:
        return
    if answer.status_code < 400 or answer.status_code in endpoint.answers:
        assert answer.status_code in endpoint.answers, f"{endpoint.name} declares no {answer.status_code}"
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
