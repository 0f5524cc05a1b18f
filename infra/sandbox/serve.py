"""Starts all parts of the sandbox, says when it is ready, stops all of it when one ends or the user asks.

    ministack   fake Twilio   API x workers
    improve   repair   publish_facts   deliver_webhooks   send_texts   drain_due

Each part is a process with a log in `.sandbox/`. Sockets are opened here and inherited, so a port is known
and ours before its server is up. Weak point: a part that ends is not started again; the whole sandbox ends
with it.
"""

import json
import os
import secrets
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

from chalicelib.adapters.secrets import TwilioAccount
from chalicelib.notifications.callbacks import INBOUND_PATH
from infra.sandbox import fake_twilio
from infra.sandbox.children import Child, ChildDied, stop
from infra.sandbox.emulator import ROOT, STACK, Emulator, clean_environment
from infra.secrets import Vault

FUNCTIONS = ("improve", "repair", "publish_facts", "deliver_webhooks", "send_texts", "drain_due")
# Here all shoppers have one address, few destinations, and a handful of numbers.
CAPS = (
    *("HOLDS_PER_NETWORK_HOUR", "HOLDS_PER_DESTINATION_HOUR", "HOLDS_PER_KEY_HOUR"),
    *("TEXTS_PER_NUMBER_DAY", "TEXTS_PER_PREFIX_DAY", "TEXTS_PER_COUNTRY_DAY", "TEXTS_PER_MERCHANT_DAY"),
)
FROM_NUMBER = "+15005550006"  # Twilio's magic number that may send
READY_SECONDS = 60.0
WATCH_SECONDS = 0.2

type Merchants = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run.

    Parameters
    ----------
    port
        TCP port of the API on 127.0.0.1; 0 takes a free one.
    home
        Folder of logs, `ready.json` and `environment.json`.
    workers
        Processes of the API, each answering one request at a time.
    app
        Module that holds the Chalice app and its functions.
    seed
        Makes the two merchants once the API answers; gets the URL.
    """

    port: int
    home: Path
    workers: int = 2
    app: str = "app"
    seed: Callable[[str], Merchants] | None = None


def serve(plan: Plan) -> int:
    """Run the sandbox until a signal, or until one of its parts ends by itself.

    Returns
    -------
    int
        Exit status: 0 after SIGINT or SIGTERM, 1 if it could not start or a part ended by itself.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    ready = plan.home / "ready.json"
    plan.home.mkdir(parents=True, exist_ok=True)
    ready.unlink(missing_ok=True)
    try:
        with ExitStack() as exit_stack:
            children, url = _start(plan, exit_stack)
            print(f"The sandbox is ready: {url} (docs at {url}/docs; Ctrl-C stops it)", flush=True)
            while True:
                _check(children)
                sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        return 0
    except (ChildDied, OSError) as error:
        print(error, file=sys.stderr, flush=True)
        return 1


def _start(plan: Plan, exit_stack: ExitStack) -> tuple[list[Child], str]:
    listeners = ExitStack()
    with listeners:
        api = listeners.enter_context(_listen(plan.port))
        twilio = listeners.enter_context(_listen(0))
        print("Starting the sandbox …", flush=True)
        emulator = exit_stack.enter_context(Emulator(logs=plan.home))
        url = _url(api)
        ours = _environment(emulator, url=url, twilio_url=_url(twilio))
        account = _put_secrets(emulator)
        environment = clean_environment(os.environ) | ours
        children = [emulator.child]
        exit_stack.callback(lambda: stop(children[1:]))
        exit_stack.callback((plan.home / "ready.json").unlink, missing_ok=True)
        exit_stack.callback(_ignore_signals)  # runs first: what follows shall not be interrupted again

        def start(
            name: str,
            module: str,
            *arguments: str,
            inherits: Sequence[int] = (),
            knows: Mapping[str, str] = environment,
        ) -> None:
            command = [sys.executable, "-m", f"infra.sandbox.{module}", *arguments]
            children.append(Child(name, command, environment=knows, logs=plan.home, inherits=inherits))

        # Twilio is somebody else: it sees nothing of ours, and we see its credentials in our secrets only.
        credentials = {
            fake_twilio.ACCOUNT_SID: account.account_sid,
            fake_twilio.AUTH_TOKENS: account.auth_tokens[0],
            fake_twilio.INBOUND_URL: f"{url}{INBOUND_PATH}",
            "PATH": environment.get("PATH", os.defpath),
            "PYTHONPATH": str(ROOT),
        }
        socket_argument = ("--socket", str(twilio.fileno()))
        start("twilio", "fake_twilio", *socket_argument, inherits=[twilio.fileno()], knows=credentials)
        for number in range(1, plan.workers + 1):
            socket_arguments = ("--socket", str(api.fileno()), "--app", plan.app)
            start(f"api-{number}", "gateway", *socket_arguments, inherits=[api.fileno()])
        for function in FUNCTIONS:
            start(function, "consumers", function, "--app", plan.app)
    # Our copies of the listening sockets are closed: when the servers are gone, so are the ports.
    _wait_until_answering(url, children)
    os.environ.update(ours)
    merchants = plan.seed(url) if plan.seed else []
    twilio_facts = {"auth_token": account.auth_tokens[0], "from_number": FROM_NUMBER}
    _write(plan.home / "environment.json", ours)
    _write(plan.home / "ready.json", {"url": url, "merchants": merchants, "twilio": twilio_facts})
    return children, url


def _environment(emulator: Emulator, *, url: str, twilio_url: str) -> dict[str, str]:
    return {
        **emulator.environment(),
        "STAGE": "sandbox",
        "TABLE_NAME": emulator.resources.table_name,
        "IMPROVE_QUEUE_URL": emulator.resources.improve_queue_url,
        "REPAIR_QUEUE_URL": emulator.resources.repair_queue_url,
        "WEBHOOKS_QUEUE_URL": emulator.resources.webhooks_queue_url,
        "TEXTS_QUEUE_URL": emulator.resources.texts_queue_url,
        "PROOFS_URL": emulator.create_bucket(f"{STACK}-proofs"),
        "SECRETS_PATH": f"/{STACK}",
        "SECRETS_SECONDS": os.environ.get("SECRETS_SECONDS", "60"),
        "TWILIO_API_URL": twilio_url,
        "PUBLIC_BASE_URL": url,
        # The quota of a live key would stop a load test, which is what a sandbox is for.
        "REQUESTS_PER_MINUTE": os.environ.get("REQUESTS_PER_MINUTE", "60000"),
        "SEGMENTS_PER_SECOND": os.environ.get("SEGMENTS_PER_SECOND", "1000"),
        **{name: os.environ.get(name, "1000000") for name in CAPS},
        "ROADS_DIR": str(ROOT / "infra" / "roads"),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


def _put_secrets(emulator: Emulator) -> TwilioAccount:
    account = TwilioAccount(
        account_sid=f"AC{secrets.token_hex(16)}",
        auth_tokens=(secrets.token_hex(16),),
        sender=FROM_NUMBER,
    )
    Vault(emulator.client("ssm"), STACK).make(account, now=int(time()))
    return account


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise OSError(f"Port {port} cannot be used ({error.strerror}); choose another with PORT=…") from error
    listener.listen(512)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


def _wait_until_answering(url: str, children: Sequence[Child]) -> None:
    deadline = monotonic() + READY_SECONDS
    while True:
        _check(children)
        try:
            with urllib.request.urlopen(f"{url}/v1/health", timeout=1):
                return
        except (urllib.error.URLError, OSError) as error:
            if monotonic() > deadline:
                raise ChildDied(f"The API did not answer within {READY_SECONDS:.0f} s: {error}") from error
            sleep(0.05)


def _check(children: Sequence[Child]) -> None:
    for child in children:
        child.check()


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Put a whole file in place at once, readable by its owner only: it holds keys."""
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600)
    beside.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    beside.replace(path)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
