"""Runs in an isolated process (`isolated.py`): imports, hands one event over, tells what that took."""

import importlib
import json
import os
import sys
import time
from types import SimpleNamespace

asked = json.load(sys.stdin)
for name in asked["imports"]:
    importlib.import_module(name)
answer = None
if asked["handler"] is not None:
    module, _, function = asked["handler"].partition(".")
    context = SimpleNamespace(
        aws_request_id="00000000-0000-4000-8000-000000000000",
        function_name=function,
        function_version="$LATEST",
        get_remaining_time_in_millis=lambda: 28_000,
        invoked_function_arn=f"arn:aws:lambda:eu-west-1:000000000000:function:{function}",
        memory_limit_in_mb=1769,
    )
    answer = getattr(importlib.import_module(module), function)(asked["event"], context)
took = 1000 * time.process_time()
modules = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
print()  # after whatever was logged
print(json.dumps({"answer": answer, "cpu_ms": took, "modules": modules}))
sys.stdout.flush()
os._exit(0)  # without the interpreter's own tidying up
