"""A deployed stack as a value: emulated AWS, a fake Twilio, the stack, and two merchants in it.

Every function has the rights of its role and no others: the emulator judges each call by the policies of the
template. The folder of the functions' unpacked zips goes when the stack goes.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import time
from types import TracebackType
from typing import Any, Final, Self

from chalicelib.adapters.secrets import TwilioAccount
from infra.artefact import LEAN
from infra.artefact.build import package
from infra.artefact.template import Template
from infra.sandbox import fake_twilio
from infra.sandbox.children import Child, stop
from infra.sandbox.emulator import ROOT, Emulator, clean_environment
from infra.sandbox.serve import FROM_NUMBER
from infra.secrets import Vault
from infra.stack.deploy import DeployFailed, Deployment, deploy

STAGE: Final = "test"
STACK: Final = f"slotkeeper-{STAGE}"
PUBLIC_BASE_URL: Final = "https://slots.example"
SEED_SECONDS: Final = 120
INVOCATIONS: Final = 8  # at once, of all functions: each has a process that must start, on a few cores
MEMORY_BYTES: Final = 6 * 1024**3  # twice what the tests unpack


class Stack:
    """A build, deployed on entry and gone on exit.

    Parameters
    ----------
    build
        Folder that `make package` wrote.
    home
        Folder of logs; a temporary one where none is given.

    Attributes
    ----------
    url
        Of the API, without a slash at the end.
    merchants
        Two of them, as in the sandbox's `ready.json`.
    twilio_url
        Of the fake Twilio.
    template
        Of the stage, as `make package` would write it.
    deployment
        What CloudFormation made, and how it differs from that template.
    """

    url: str
    emulator: Emulator
    template: Template
    deployment: Deployment
    merchants: Sequence[Mapping[str, Any]]
    twilio_url: str

    def __init__(self, build: Path, *, home: Path | None = None) -> None:
        self._build = build
        self._home = home
        self._exit = ExitStack()
        self._twilio = TwilioAccount(
            account_sid=f"AC{secrets.token_hex(16)}",
            auth_tokens=(secrets.token_hex(16),),
            sender=FROM_NUMBER,
        )

    def __enter__(self) -> Self:
        try:
            scratch = Path(
                self._exit.enter_context(
                    tempfile.TemporaryDirectory(prefix="slotkeeper-", dir=_roomy_memory())
                )
            )
            home = self._home or scratch
            self.emulator = self._exit.enter_context(Emulator(logs=home, variables=_switches(scratch)))
            self.twilio_url = self._start_twilio(home)
            bundle, self.template = package(scratch / "package", stage=STAGE)
            _require_same_application(self._build / LEAN.file_name, bundle)
            self.deployment = self.deploy(STACK, self.template)
            self.url = self.deployment.url
            self.merchants = self.seed(self.deployment)
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def client(self, service: str) -> Any:
        """Return a boto3 client of the emulated AWS that may do anything and retries nothing."""
        return self.emulator.client(service)

    def deploy(self, name: str, template: Template) -> Deployment:
        """Create a stack and its secrets beside the others.

        Parameters
        ----------
        name
            Ends in the name of the stage, as the settings want it.
        template
            The stack's own, or one that a test has broken.

        Raises
        ------
        DeployFailed
            CloudFormation could not.
        """
        Vault(self.client("ssm"), name).make(self._twilio, now=int(time()))
        # Texts must not leave the machine; a stage that is not live lets them go elsewhere.
        variables = {"TWILIO_API_URL": self.twilio_url}
        return deploy(
            self.emulator,
            self._build,
            name,
            template,
            parameters={"PublicBaseUrl": PUBLIC_BASE_URL},
            variables=variables,
        )

    def seed(self, deployment: Deployment) -> Sequence[Mapping[str, Any]]:
        """Make two merchants: keys straight into the table, depots and vans over the deployed API.

        Raises
        ------
        DeployFailed
            Somebody refused.
        """
        configured = self.client("lambda").get_function_configuration(
            FunctionName=deployment.physical["APIHandler"]
        )
        environment = {
            **clean_environment(os.environ),
            **configured["Environment"]["Variables"],
            **self.emulator.environment(),
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "infra.sandbox.seed", deployment.url]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=SEED_SECONDS
        )
        if done.returncode:
            raise DeployFailed(f"{deployment.stack} took no merchants:\n{done.stderr}")
        merchants: Sequence[Mapping[str, Any]] = json.loads(done.stdout)
        return merchants

    def _start_twilio(self, home: Path) -> str:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            host, port = listener.getsockname()
            environment = {
                **clean_environment(os.environ),
                fake_twilio.ACCOUNT_SID: self._twilio.account_sid,
                fake_twilio.AUTH_TOKENS: self._twilio.auth_tokens[0],
                "PYTHONPATH": str(ROOT),
            }
            number = listener.fileno()
            command = [sys.executable, "-m", "infra.sandbox.fake_twilio", "--socket", str(number)]
            child = Child("twilio", command, environment=environment, logs=home, inherits=[number])
        self._exit.callback(stop, [child])
        return f"http://{host}:{port}"


def _require_same_application(artefact: Path, bundle: Path) -> None:
    """Refuse zips that were built from other sources than the template."""
    with zipfile.ZipFile(artefact) as deployed, zipfile.ZipFile(bundle) as sources:
        there = {entry.filename: entry.CRC for entry in deployed.infolist()}
        stale = [entry.filename for entry in sources.infolist() if there.get(entry.filename) != entry.CRC]
    if stale:
        raise DeployFailed(f"{artefact} is not of these sources ({stale[0]}): run `make package`")


def _roomy_memory() -> str | None:
    """Return a folder in memory where there is one: every process of a function unpacks its own 100 MB."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > MEMORY_BYTES
    return str(memory) if roomy else None


def _switches(scratch: Path) -> dict[str, str]:
    """Ministack's own, which every function inherits: judge each call by IAM, but for the sandbox's key."""
    return {
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "LAMBDA_ACCOUNT_CONCURRENCY": str(INVOCATIONS),
        "LOG_LEVEL": "INFO",
        "TMPDIR": str(scratch),
    }
