"""Command line of the sandbox."""

import argparse
import sys
from pathlib import Path

from infra.sandbox.emulator import ROOT
from infra.sandbox.serve import Merchants, Plan, serve


def main() -> int:
    """Run what the command line asks for and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.sandbox", description="The whole product on one machine."
    )
    command = parser.add_subparsers(required=True).add_parser("serve", help="run until Ctrl-C")
    command.add_argument(
        "--port", type=int, default=8000, help="of the API; 0 takes a free one (default 8000)"
    )
    command.add_argument("--workers", type=int, default=2, help="processes that answer requests (default 2)")
    command.add_argument("--home", type=Path, default=ROOT / ".sandbox", help="folder of logs and ready.json")
    command.add_argument("--app", default="app", help="module that holds the Chalice app (default app)")
    command.add_argument("--empty", action="store_true", help="make no merchants")
    given = parser.parse_args()
    seed = None if given.empty else _seed
    return serve(Plan(port=given.port, home=given.home, workers=given.workers, app=given.app, seed=seed))


def _seed(url: str) -> Merchants:
    # Imported late: by now the environment says where our AWS is.
    from infra.sandbox.seed import seed

    return seed(url)


if __name__ == "__main__":
    sys.exit(main())
