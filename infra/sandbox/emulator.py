"""Emulated AWS with our resources in it, and nothing else: enough for tests of the store and its races.

    with Emulator() as emulator:
        table = emulator.client("dynamodb").describe_table(TableName=emulator.resources.table_name)

ministack has an environment of its own because it pins an old botocore. It keeps everything in memory and
forgets it at the end.
"""

import os
import socket
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

from infra.sandbox.children import Child, ChildDied, stop
from infra.sandbox.resources import Resources, create

ROOT = Path(__file__).parents[2]
STACK = "slotkeeper-sandbox"
REGION = "eu-west-1"
START_SECONDS = 30.0


class Emulator:
    """A running ministack that holds the resources of `infra/resources.json`.

    Parameters
    ----------
    logs
        Folder of its log; a temporary one where none is given.
    variables
        Switches of ministack beyond our own.

    Raises
    ------
    ChildDied
        On entry, if ministack does not start.
    """

    resources: Resources

    def __init__(self, *, logs: Path | None = None, variables: Mapping[str, str] = {}) -> None:
        self._logs = logs
        self._variables = dict(variables)
        self._exit = ExitStack()
        self.url = ""

    def __enter__(self) -> Self:
        logs = self._logs or Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="slotkeeper-")))
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        environment = _ministack_environment(port) | self._variables
        self.child = Child("ministack", [str(_program())], environment=environment, logs=logs)
        self._exit.callback(stop, [self.child])
        try:
            self._wait_until_ready()
            self.resources = self.create(STACK)
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def environment(self) -> dict[str, str]:
        """Return the environment that leads a program to this AWS and never to a real one."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_DYNAMODB": self.url,
            "AWS_ENDPOINT_URL_SQS": self.url,
            "AWS_ENDPOINT_URL_SSM": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def client(self, service: str) -> Any:
        """Return a boto3 client of this AWS; it retries nothing, so that a test sees every answer."""
        return connect(service, self.url)

    def create(self, stack: str) -> Resources:
        """Create one more set of our resources, apart from every other by its name."""
        return create(dynamodb=self.client("dynamodb"), sqs=self.client("sqs"), stack=stack)

    def create_bucket(self, name: str) -> str:
        """Create a bucket of that name; gives its address."""
        where = {"LocationConstraint": REGION}
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
        return f"{self.url}/{name}"

    def _wait_until_ready(self) -> None:
        deadline = monotonic() + START_SECONDS
        while True:
            self.child.check()
            try:
                with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                if monotonic() > deadline:
                    message = f"ministack was not ready after {START_SECONDS:.0f} s:\n{self.child.tail()}"
                    raise ChildDied(message) from None
                sleep(0.05)


def connect(service: str, url: str) -> Any:
    """Return a boto3 client of the emulated AWS at a URL.

    boto3 is imported here and not above, for the sake of the children that need none.
    """
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what could lead a program to a real AWS account or through a proxy."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("AWS_") and not name.upper().endswith("_PROXY")
    }


def _program() -> Path:
    program = ROOT / ".venv-ministack" / "bin" / "ministack"
    if not program.exists():
        raise ChildDied(f"There is no {program}: `make test`, `make serve` and `make demo` install it.")
    return program


def _ministack_environment(port: int) -> dict[str, str]:
    return {
        **clean_environment(os.environ),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        # Signed addresses are checked, also where nothing else is: by the account's own key, which is ours.
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "0",
        "LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
