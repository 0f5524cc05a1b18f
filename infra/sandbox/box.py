"""A running sandbox as a value, for tests, benchmarks and the demo.

with Sandbox() as box:
    urllib.request.urlopen(f"{box.url}/v1/health")
"""

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

from infra.sandbox.children import Child, ChildDied, stop
from infra.sandbox.emulator import ROOT, connect

READY_SECONDS = 90.0


class Sandbox:
    """The whole sandbox, started on entry and stopped on exit.

    Parameters
    ----------
    port
        TCP port of the API; 0 takes a free one.
    home
        Folder of its logs and of `ready.json`; a temporary one where none is given.
    workers
        Processes that answer requests.
    app
        Module that holds the Chalice app.
    empty
        Whether to make no merchants.

    Attributes
    ----------
    url
        Of the API, without a slash at the end.
    merchants, twilio
        As in `ready.json`.
    home
        Folder of the logs, one for each part.
    environment
        What the parts run with: names of table and queue, the emulator's address, secrets.
    """

    url: str
    home: Path
    merchants: Sequence[Mapping[str, Any]]
    twilio: Mapping[str, str]
    environment: Mapping[str, str]

    def __init__(
        self,
        *,
        port: int = 0,
        home: Path | None = None,
        workers: int = 2,
        app: str = "app",
        empty: bool = False,
    ) -> None:
        self._given_home = home
        self._arguments = ["--port", str(port), "--workers", str(workers), "--app", app]
        if empty:
            self._arguments.append("--empty")
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        home = self.home = self._given_home or self._temporary_folder()
        home.mkdir(parents=True, exist_ok=True)
        ready = home / "ready.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "infra.sandbox", "serve", "--home", str(home), *self._arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.child = Child("sandbox", command, environment=environment, logs=home)
        self._exit.callback(stop, [self.child])
        try:
            self._wait_for(ready)
        except BaseException:
            self._exit.close()
            raise
        facts = json.loads(ready.read_text("utf-8"))
        self.url, self.merchants, self.twilio = facts["url"], facts["merchants"], facts["twilio"]
        self.environment = json.loads((home / "environment.json").read_text("utf-8"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def client(self, service: str) -> Any:
        """Return a boto3 client of the sandbox's AWS."""
        return connect(service, self.environment["AWS_ENDPOINT_URL"])

    def _temporary_folder(self) -> Path:
        return Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="slotkeeper-")))

    def _wait_for(self, ready: Path) -> None:
        deadline = monotonic() + READY_SECONDS
        while not ready.exists():
            self.child.check()
            if monotonic() > deadline:
                raise ChildDied(
                    f"The sandbox was not ready after {READY_SECONDS:.0f} s:\n{self.child.tail()}"
                )
            sleep(0.05)
