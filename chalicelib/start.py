"""What makes a process start faster, whatever it imports.

Two things. Nothing that an import makes is garbage, so the collector waits and never looks at it again. And
Python writes the methods of a dataclass as text and compiles that, in every process anew: a third of a
millisecond for each class, ours and the libraries'. An artefact brings these texts compiled, as it brings the
bytecode of modules (`infra.artefact.methods`). Where it brings none, or another text, only time is lost. Weak
point: `exec` is replaced within a module of the standard library, for its only call there; a Python that does
without that call saves nothing.
"""

import dataclasses
import gc
import marshal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# What a first request makes stays too, for the most part. A later one leaves next to nothing behind, so the
# collector comes seldom, for cycles that would add up over hours.
_LEFT_BEHIND = 50_000  # objects, before it looks; Python's own choice of 700 is 30 ms of a first search

type Compiled = dict[str, bytes]
"""Code by the text it was compiled from, marshalled."""


def kept_in(folder: Path) -> Path:
    """The file of compiled methods in a folder with `chalicelib`: as with bytecode, for one Python only."""
    return folder / "chalicelib" / f"dataclasses.{sys.implementation.cache_tag}.marshal"


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import quickly within; afterwards the collector works again, seldom."""
    gc.disable()
    try:
        kept = kept_in(Path(__file__).parents[1])
        if kept.exists():
            compiled: Compiled = marshal.loads(kept.read_bytes())

            def execute(text: str, *namespaces: dict[str, Any]) -> None:
                code = compiled.get(text)
                exec(marshal.loads(code) if code else text, *namespaces)

            vars(dataclasses)["exec"] = execute
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_LEFT_BEHIND)
        gc.enable()
