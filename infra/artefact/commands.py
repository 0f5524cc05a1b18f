"""Programs of this environment, run quietly unless they fail."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


class BuildFailed(Exception):
    """A program that the build needs has failed; the message is what it said."""


def run(
    arguments: Sequence[str], *, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> None:
    """Run this Python with arguments.

    Raises
    ------
    BuildFailed
        If it does not end well.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ if environment is None else environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildFailed(done.stdout + done.stderr)
