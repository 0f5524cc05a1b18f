"""The site map: which feature answers which path, known before any of them is loaded.

Chalice wants to hear every path when a process starts, but a process that begins with a search needs the
models of a search only: a feature's module is imported by the first request for one of its paths. Weak point:
each path stands here and at its handler; a test holds the two together, and a module that does not import is
found by its first request.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, partial
from importlib import import_module

from chalicelib.handlers.endpoints import Endpoint, Endpoints

type Paths = Mapping[str, Collection[str]]
"""Methods by path; OPTIONS among them where web pages may call."""

PATHS: Mapping[str, Paths] = {
    "checkout": {
        "/v1/slots/search": ("POST", "OPTIONS"),
        "/v1/holds": ("POST", "OPTIONS"),
        "/v1/holds/{hold_id}": ("GET", "DELETE", "OPTIONS"),
        "/v1/holds/{hold_id}/extend": ("POST", "OPTIONS"),
    },
    "promises": {
        "/v1/promises": ("POST", "GET"),
        "/v1/promises/{promise_id}": ("GET",),
        "/v1/promises/{promise_id}/slots": ("GET",),
        "/v1/promises/{promise_id}/changes": ("POST",),
        "/v1/promises/{promise_id}/ledger": ("GET",),
    },
    "operations": {
        "/v1/promises/import": ("POST",),
        "/v1/promises/{promise_id}/pin": ("PUT", "DELETE"),
    },
    "motion": {
        "/v1/shifts/{shift_id}/tokens": ("POST",),
        "/v1/shifts/{shift_id}/manifest": ("GET",),
        "/v1/shifts/{shift_id}/events": ("POST",),
        "/v1/shifts/{shift_id}/proofs": ("POST",),
        "/v1/promises/{promise_id}/corrections": ("POST",),
        "/v1/promises/{promise_id}/contacts": ("POST",),
    },
    "fleet": {
        "/v1/depots": ("GET",),
        "/v1/depots/{depot_id}": ("GET", "PUT"),
        "/v1/depots/{depot_id}/vehicles/{vehicle_id}": ("GET", "PUT", "DELETE"),
        "/v1/depots/{depot_id}/shifts/{shift_id}": ("GET", "PUT", "DELETE"),
        "/v1/depots/{depot_id}/plans/{date}": ("GET",),
    },
    "replans": {
        "/v1/depots/{depot_id}/plans/{date}/replan": ("POST",),
        "/v1/replans/{replan_id}": ("GET",),
    },
    "tracking": {
        "/t/{token}": ("GET",),
        "/t/{token}/state": ("GET",),
        "/t/{token}/changes": ("POST",),
        "/t/{token}/feedback": ("POST",),
    },
    "notifications": {
        "/v1/promises/{promise_id}/messages": ("GET",),
    },
    "twilio": {
        "/twilio/inbound": ("POST",),
        "/twilio/status": ("POST",),
    },
    "merchants": {
        "/v1/keys": ("POST", "GET"),
        "/v1/keys/{key_id}": ("DELETE",),
        "/v1/settings": ("GET", "PUT"),
    },
    "erasures": {
        "/v1/erasures": ("POST",),
    },
    "webhooks": {
        "/v1/webhooks": ("GET",),
        "/v1/webhooks/{webhook_id}": ("PUT", "GET", "DELETE"),
        "/v1/webhooks/{webhook_id}/attempts": ("GET",),
        "/v1/webhooks/{webhook_id}/replay": ("POST",),
        "/v1/webhooks/{webhook_id}/test": ("POST",),
    },
    "kpis": {
        "/v1/kpis": ("GET",),
    },
    "sandbox": {
        "/v1/test/clock": ("POST",),
        "/v1/test/messages": ("GET",),
        "/v1/test/replies": ("POST",),
    },
    "about": {
        "/v1/health": ("GET",),
        "/openapi.json": ("GET",),
        "/docs": ("GET",),
    },
}


class Feature:
    """The endpoints of one feature, declared when they are first needed.

    Parameters
    ----------
    paths
        What they are going to answer.
    load
        Imports their module.
    """

    def __init__(self, paths: Paths, load: Callable[[], Endpoints]) -> None:
        self.paths, self._load = paths, load

    @cached_property
    def declared(self) -> Sequence[Endpoint]:
        """Every endpoint; imports the feature."""
        return self._load().declared


def site(*, sandbox: bool) -> list[Feature]:
    """All features in the order in which `/docs` shows them, none of them loaded.

    Parameters
    ----------
    sandbox
        Whether the endpoints that only a sandbox has are among them.
    """
    features = [
        Feature(paths, partial(_declared_in, name))
        for name, paths in PATHS.items()
        if name != "about" and (sandbox or name != "sandbox")
    ]

    def describing() -> Endpoints:
        from chalicelib.handlers import about

        return about.endpoints(features)

    return [*features, Feature(PATHS["about"], describing)]


def _declared_in(feature: str) -> Endpoints:
    api: Endpoints = import_module(f"chalicelib.handlers.{feature}").api
    return api
