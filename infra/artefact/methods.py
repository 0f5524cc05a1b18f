"""The methods of dataclasses, compiled when the artefact is built: what `chalicelib.start` reads.

Whatever the application imports is imported here once, in a process that sees the artefact only, and every
text that `dataclasses` compiles on the way is kept with its code. Weak point: a class that is made later than
that, by a library's lazy import say, is compiled in every process as before; the tests count them.
"""

import json
from pathlib import Path
from typing import Final

from chalicelib.start import kept_in
from infra.artefact.commands import run
from infra.artefact.isolated import http_event

# A health check has the libraries import what they put off until they are used.
_RECORDS: Final = """
import builtins, dataclasses, json, marshal, pathlib, pkgutil, sys
here, kept, event = sys.argv[1:]
sys.path.insert(0, here)
compiled = {}

def execute(text, *namespaces):
    # In the oldest format that says all: the newer ones tell what else in the process has the same constant.
    compiled[text] = marshal.dumps(compile(text, "<string>", "exec", dont_inherit=True), 2)
    builtins.exec(text, *namespaces)

dataclasses.exec = execute
import app, chalicelib
for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
    __import__(module.name)
assert app.app(json.loads(event), None)["statusCode"] == 200
pathlib.Path(kept).write_bytes(marshal.dumps(compiled, 2))
"""


def keep_methods(tree: Path) -> str:
    """Write the file of compiled methods into a tree with everything in it; gives its name in the tree."""
    kept = kept_in(tree)
    event = json.dumps(http_event("GET", "/v1/health"))
    program = ["-I", "-S", "-B", "-c", _RECORDS, str(tree), str(kept), event]
    run(program, cwd=tree, environment={"AWS_DEFAULT_REGION": "eu-west-1"})
    return str(kept.relative_to(tree))
