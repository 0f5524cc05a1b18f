"""The lean artefact as SnapStart runs it: started once, frozen, and asked for the first time as a copy."""

import json
from pathlib import Path
from typing import Any

from infra.artefact.isolated import Isolated, http_event
from infra.sandbox import Sandbox

WISH = {"destination": {"lat": 41.1579, "lon": -8.6291}, "load": {"parcels": 1}, "days": 3}

# Told whether to freeze; prints what the first search then answered, imported and took of the CPU.
COPY = """
import json, sys, time, types
from types import SimpleNamespace
asked = json.loads(sys.stdin.read())
before, after = [], []
runtime = types.ModuleType("snapshot_restore_py")
runtime.register_before_snapshot = lambda hook, *given: before.insert(0, (hook, given))
runtime.register_after_restore = lambda hook, *given: after.append((hook, given))
sys.modules["snapshot_restore_py"] = runtime
import app
if asked["freeze"]:
    for hook, given in before + after:
        hook(*given)
known, began = set(sys.modules), time.process_time()
context = SimpleNamespace(aws_request_id="r", get_remaining_time_in_millis=lambda: 28_000)
answer = app.app(asked["event"], context)
took = 1000 * (time.process_time() - began)
print()
print(json.dumps({"status": answer["statusCode"], "late": sorted(set(sys.modules) - known), "cpu_ms": took}))
"""


def first_search(lean: Path, sandbox: Sandbox, *, freeze: bool) -> dict[str, Any]:
    key = sandbox.merchants[0]["keys"]["secret"]
    event = http_event("POST", "/v1/slots/search", WISH, headers={"Authorization": f"Bearer {key}"})
    there = {**sandbox.environment, "ROADS_DIR": "roads"}
    printed = Isolated(lean, there).run(COPY, given=json.dumps({"freeze": freeze, "event": event}))
    told: dict[str, Any] = json.loads(printed.splitlines()[-1])
    assert told["status"] == 200
    return told


def test_copy_imports_nothing_of_ours_for_its_first_search(lean: Path, sandbox: Sandbox) -> None:
    """Whatever a search needs was imported before the snapshot: what is left is the way to the store.

    Control: a process that was not made ready has to import it while a shopper waits.
    """
    copied, fresh = (set(first_search(lean, sandbox, freeze=freeze)["late"]) for freeze in (True, False))
    assert copied <= {"encodings.idna", "stringprep"}  # of Python, when it looks a host up
    assert "pyroutingkit" in fresh
