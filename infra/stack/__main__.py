"""Deploy a build to an emulated AWS and leave it running until Ctrl-C."""

import argparse
import json
import signal
import sys
from pathlib import Path

from infra.artefact.build import ROOT
from infra.sandbox.children import ChildDied
from infra.stack.box import Stack
from infra.stack.deploy import DeployFailed, Deployment


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.stack", description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="folder of the zips (build)")
    parser.add_argument("--exit", action="store_true", help="only show that it can be deployed")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    try:
        with Stack(given.build) as stack:
            print(told(stack.deployment), flush=True)
            print(json.dumps({"url": stack.url, "merchants": stack.merchants}, indent=2), flush=True)
            if not given.exit:
                signal.pause()
    except KeyboardInterrupt:
        return 0
    except (ChildDied, DeployFailed) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def told(deployment: Deployment) -> str:
    """Say what was deployed, what was changed for it, and what is missing."""
    lines = [
        f"{deployment.stack} was deployed in {deployment.seconds:.1f} s: {len(deployment.physical)} resources"
    ]
    lines += [f"  changed  {change}" for change in deployment.changes]
    lines += [f"  dropped  {gone.name} ({gone.type}): {gone.why}" for gone in deployment.dropped]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
