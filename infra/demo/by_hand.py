"""Three lines for a terminal: search, hold, confirm. What is printed is what the demo itself runs.

Weak point: they need curl and a POSIX shell, as on Linux, macOS and WSL.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import date

TIMEOUT_SECONDS = 60
CLERIGOS = {"lat": 41.1457, "lon": -8.6139}  # a tower everybody in Porto knows


def curl_lines(url: str, keys: Mapping[str, str], day: date) -> Sequence[str]:
    """Write the lines.

    Parameters
    ----------
    day
        On which to search a slot.
    """
    search = {"destination": CLERIGOS, "load": {"parcels": 2}, "from_date": day.isoformat(), "days": 1}
    return (
        f"OFFER=$({_curl(url, 'slots/search', keys['publishable'])} -d '{json.dumps(search)}'"
        f" | {_first('offer')}); echo $OFFER",
        f"HOLD=$({_curl(url, 'holds', keys['publishable'])} {_once('hold')}"
        """ -d '{"offer": "'$OFFER'", "cart_ref": "by-hand-'$$'"}'"""
        f" | tee /dev/stderr | {_first('hold_id')})",
        f"{_curl(url, 'promises', keys['secret'])} {_once('promise')}"
        """ -d '{"hold_id": "'$HOLD'", "order_ref": "by-hand-'$(date +%s)'","""
        """ "recipient": {"name": "Ana", "phone": "+12025550123"}, "sms_consent": true}'""",
    )


def run(lines: Sequence[str]) -> str | None:
    """Run the lines in one shell and return what the last one answered; None where there is no curl.

    Raises
    ------
    RuntimeError
        If they do not end in a promise; says what they printed.
    """
    if shutil.which("curl") is None:
        return None
    done = subprocess.run(
        ["sh", "-c", "\n".join(lines)], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    answer = done.stdout.strip().rpartition("\n")[2]
    if done.returncode or '"promise_id"' not in answer:
        raise RuntimeError(f"The curl lines made no promise:\n{done.stdout}{done.stderr}")
    return answer


def _once(what: str) -> str:
    return f'-H "Idempotency-Key: {what}-$(date +%s)"'


def _curl(url: str, path: str, key: str) -> str:
    return f"curl -s {url}/v1/{path} -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json'"


def _first(name: str) -> str:
    return f"""grep -o '"{name}":"[^"]*' | head -1 | cut -d'"' -f4"""
