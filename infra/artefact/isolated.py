"""An unpacked artefact, run by a Python that sees nothing else: no site-packages, no environment, no project.

    with unpacked(Path("build/lean.zip")) as folder:
        answer = Isolated(folder, environment).first_answer("app.app", http_event("GET", "/v1/health"))

Weak point: the standard library is this machine's, and files are where they were unpacked, not in /var/task.
"""

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

FIRST_ANSWER: Final = Path(__file__).with_name("first_answer.py").read_text("utf-8")
FLOOR: Final = Path(__file__).with_name("floor.py").read_text("utf-8")

# What the settings ask for, leading nowhere.
NOWHERE: Final = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_LAMBDA_FUNCTION_NAME": "nowhere",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "IMPROVE_QUEUE_URL": "http://127.0.0.1:9/nowhere-live-improve.fifo",
    "REPAIR_QUEUE_URL": "http://127.0.0.1:9/nowhere-live-repair.fifo",
    "PUBLIC_BASE_URL": "https://slots.example",
    "ROADS_DIR": "roads",
    "SECRETS_PATH": "/nowhere-live",
    "STAGE": "live",
    "TABLE_NAME": "nowhere-live",
    "TEXTS_QUEUE_URL": "http://127.0.0.1:9/nowhere-live-texts",
    "WEBHOOKS_QUEUE_URL": "http://127.0.0.1:9/nowhere-live-webhooks",
}


class Died(Exception):
    """The isolated program failed; the message is what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAnswer:
    """What a fresh process answered to its first event, and what that took.

    Attributes
    ----------
    cpu_ms, wall_ms
        Milliseconds since the process began, the interpreter's own start included.
    modules
        Everything that is imported by then, and the file it came from where it has one.
    """

    answer: Any
    cpu_ms: float
    wall_ms: float
    modules: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Isolated:
    """An unpacked artefact with the environment its functions find.

    Parameters
    ----------
    options
        Further options of the interpreter.
    """

    folder: Path
    environment: Mapping[str, str]
    options: Sequence[str] = ()

    def run(self, program: str, *, given: str = "") -> str:
        """Run a program's text in a new process, with the artefact importable; gives what it printed.

        Raises
        ------
        Died
            If it failed.
        """
        visible = "import sys; sys.path.insert(0, sys.argv[1])\n"
        command = [sys.executable, "-I", "-S", *self.options, "-c", visible + program, str(self.folder)]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=dict(self.environment),
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Died(done.stdout + done.stderr)
        return done.stdout

    def first_answer(
        self,
        handler: str | None = None,
        event: Mapping[str, Any] | None = None,
        *,
        imports: Sequence[str] = (),
        program: str = FIRST_ANSWER,
    ) -> FirstAnswer:
        """Start a function and hand it one event.

        Parameters
        ----------
        handler
            As in the template, `app.app` for example; None only imports.
        imports
            Modules imported before.
        program
            Text of what runs; `FLOOR` does without the artefact's own application.
        """
        began = perf_counter()
        asked = {"handler": handler, "event": event, "imports": list(imports)}
        printed = self.run(program, given=json.dumps(asked))
        wall_ms = 1000 * (perf_counter() - began)
        return FirstAnswer(**json.loads(printed.splitlines()[-1]), wall_ms=wall_ms)


@contextmanager
def unpacked(artefact: Path) -> Iterator[Path]:
    """Unpack a zip for a while."""
    with tempfile.TemporaryDirectory(prefix="slotkeeper-") as folder, zipfile.ZipFile(artefact) as archive:
        archive.extractall(folder)
        yield Path(folder)


def http_event(
    method: str, path: str, body: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a request to a path without parameters as API Gateway hands it over."""
    sent = {"Content-Type": "application/json", **(headers or {})}
    return {
        "httpMethod": method,
        "path": path,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {
            "httpMethod": method,
            "identity": {"sourceIp": "127.0.0.1"},
            "path": path,
            "requestId": "00000000-0000-4000-8000-000000000000",
            "resourcePath": path,
        },
    }
