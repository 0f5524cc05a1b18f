"""A process that is started before anybody asks: as the original of copies, or to be kept warm.

With SnapStart Lambda starts a published version once, freezes the process and lets every later one begin as
its copy. Before that we do once what every first search would have to; in each copy we part with what it has
of the original: its chance, for all copies would draw alike, and its connections, which are long closed.
Secrets have an age, and none is read before there is a request. Weak point: whatever else a copy should not
share must be thought of here.
"""

import random
from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from chalice import Chalice

    from chalicelib.bootstrap import Services

_RUNTIME: Final = "snapshot_restore_py"  # of Lambda's own Python, and nowhere else
_SEARCH: Final = "/v1/slots/search"


class Start(StrEnum):
    """Why Lambda starts a process, as it says in `AWS_LAMBDA_INITIALIZATION_TYPE`."""

    ON_DEMAND = "on-demand"
    KEPT_WARM = "provisioned-concurrency"
    SNAPSHOT = "snap-start"


class SnapshotRuntime(Protocol):
    """What Lambda's module offers; functions are called with the arguments given here."""

    def register_before_snapshot(self, hook: Callable[..., object], *given: object) -> object:
        """Have a function called before the process is frozen; the last one registered first."""
        ...

    def register_after_restore(self, hook: Callable[..., object], *given: object) -> object:
        """Have a function called in each copy before its first event, within ten seconds."""
        ...


def register(
    app: "Chalice",
    services: "Callable[[], Services]",
    *,
    start: str | None = None,
    runtime: SnapshotRuntime | None = None,
) -> None:
    """Make a process ready that is kept warm, and one that is copied before it is.

    Parameters
    ----------
    services
        Everything the handlers need; called when there is time.
    start
        A `Start`, outside of Lambda None.
    runtime
        What takes the snapshots: Lambda's own where none is given, and nothing where that is not there.
    """
    if start == Start.KEPT_WARM:
        warm(app, services)
    runtime = runtime or _lambdas_own()
    if runtime is not None:
        runtime.register_before_snapshot(warm, app, services)
        runtime.register_after_restore(wake, services)


def warm(app: "Chalice", services: "Callable[[], Services]") -> None:
    """Do what the first search of a process does, up to where it needs somebody's key and plans."""
    app(_nobodys_search(), None)
    services().warm()


def wake(services: "Callable[[], Services]") -> None:
    """Make this copy its own."""
    random.seed()
    services().disconnect()


def _lambdas_own() -> SnapshotRuntime | None:
    try:
        runtime: Any = import_module(_RUNTIME)
    except ModuleNotFoundError:
        return None
    own: SnapshotRuntime = runtime
    return own


def _nobodys_search() -> dict[str, Any]:
    """A search without a key, as API Gateway hands it over: it is refused before anything is read."""
    headers = {"content-type": "application/json"}
    return {
        "httpMethod": "POST",
        "path": _SEARCH,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": "{}",
        "isBase64Encoded": False,
        "requestContext": {"httpMethod": "POST", "resourcePath": _SEARCH, "identity": {}},
    }
