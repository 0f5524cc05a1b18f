"""Command line of the demo: starts the sandbox, tells the story, serves on, stops what it started."""

import argparse
import os
import signal
import socket
import sys
from pathlib import Path
from time import sleep

from infra.demo.screen import Screen
from infra.demo.storefront import ApiFailed
from infra.demo.story import Story, Wanted, short
from infra.sandbox import Sandbox
from infra.sandbox.children import ChildDied
from infra.sandbox.emulator import ROOT

HOME = ROOT / ".sandbox"
INTERRUPTED = 130  # as a shell has it


def main() -> int:
    """Run the demo and return the exit status: 0 when all went well, 1 when something is wrong."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    wanted, screen, told = _wanted(), Screen(), False
    try:
        _require_free(wanted.port)
        screen.say("Starting the sandbox: emulated AWS, a fake Twilio, the API …")
        with Sandbox(port=wanted.port, home=wanted.home) as sandbox:
            try:
                right = Story(sandbox, wanted, screen).tell()
            except ApiFailed:
                sandbox.child.check()  # if a part of it died, that is what there is to say
                raise
            told = True
            if not wanted.ends:
                screen.say(f"\n  Serving {sandbox.url} until Ctrl-C; its logs are in {short(wanted.home)}/.")
            while not wanted.ends:
                sandbox.child.check()
                sleep(0.2)
            return 0 if right else 1
    except KeyboardInterrupt:
        screen.say("\nStopped.")
        return 0 if told else INTERRUPTED
    except ApiFailed as error:
        screen.say(f"\nThe demo stopped: {error}\nWhat the API wrote is in {short(wanted.home)}/api-*.log.")
        return 1
    except (ChildDied, OSError, RuntimeError) as error:
        screen.say(f"\nThe demo stopped: {error}")
        return 1


def _wanted() -> Wanted:
    parser = argparse.ArgumentParser(
        prog="python -m infra.demo", description="A real city sells a day of deliveries."
    )
    add = parser.add_argument
    add("--seed", type=int, default=1, help="of the demand (default 1)")
    add("--shoppers", type=_count, default=400, help="that come on the day (default 400)")
    add("--clients", type=_count, default=8, help="shoppers served at a time (default 8)")
    add("--port", type=int, default=os.environ.get("PORT", "8000"), help="of the API; 0 takes a free one")
    add("--home", type=Path, default=HOME, help="folder of logs and ready.json")
    add(
        "--picture",
        type=Path,
        help="where to write the map of the routes (default routes.svg in that folder)",
    )
    add("--exit", action="store_true", help="end by itself instead of serving on")
    add("--parked", action="store_true", help="sell, but let nobody drive the day after")
    given = parser.parse_args()
    return Wanted(
        seed=given.seed,
        shoppers=given.shoppers,
        clients=given.clients,
        port=given.port,
        home=given.home,
        picture=given.picture or given.home / "routes.svg",
        ends=given.exit,
        drives=not given.parked,
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            why = f"port {port} cannot be used ({error.strerror})"
            raise OSError(f"{why}. Choose another one, or any free one: make demo PORT=0") from error


def _interrupt(*_: object) -> None:
    # Only once: from now on everything that was started is being stopped.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
