"""Programs the sandbox runs beside itself: started with a log, watched, stopped.

A child never outlives us: it is told to stop when we stop, and on Linux the kernel tells it so even when we
are killed (elsewhere a killed sandbox leaves orphans). Children get their own session, so a Ctrl-C reaches
only the sandbox, which then stops them in order.
"""

import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

STOP_SECONDS = 8.0
TAIL_LINES = 20

# A tiny program sets PR_SET_PDEATHSIG and becomes the child: a preexec function is unsafe beside threads.
_DIE_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15); os.execv(sys.argv[1], sys.argv[1:])"
)


class ChildDied(RuntimeError):
    """A child ended by itself; the message says which one and holds the end of its log."""


class Child:
    """One running program.

    Parameters
    ----------
    name
        What messages call it; its log is `{logs}/{name}.log`.
    command
        Program (an absolute path) and arguments.
    environment
        The whole environment of the child.
    inherits
        File descriptors, listening sockets mostly, it shall find open under the same numbers.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        logs: Path,
        inherits: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        if sys.platform == "linux":
            command = [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, *command]
        with self.log.open("wb") as output:
            self._running = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=inherits,
            )

    @property
    def pid(self) -> int:
        """The process id of the child."""
        return self._running.pid

    def check(self) -> None:
        """Return when the child runs.

        Raises
        ------
        ChildDied
            If it has ended, however it did.
        """
        status = self._running.poll()
        if status is not None:
            end = signal.Signals(-status).name if status < 0 else f"status {status}"
            raise ChildDied(f"{self.name} ended by itself ({end}). The end of {self.log}:\n{self.tail()}")

    def tail(self) -> str:
        """Return the last lines of the log, indented."""
        lines = self.log.read_text("utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join(f"    {line}" for line in lines) or "    (it wrote nothing)"

    def terminate(self) -> None:
        """Ask the child to stop."""
        if self._running.poll() is None:
            self._running.terminate()

    def wait(self) -> None:
        """Wait until the child has stopped; one that does not within `STOP_SECONDS` is killed."""
        try:
            self._running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()


def stop(children: Iterable[Child]) -> None:
    """Stop children, all at once."""
    stopping = list(children)
    for child in stopping:
        child.terminate()
    for child in stopping:
        child.wait()
