"""Shoppers for locust, which `load` starts: search, hold, confirm, without a pause between.

A shopper who is told to come back does, after Retry-After seconds and with the same Idempotency-Key. What all
of them saw is left in the file that LOAD_SUMMARY names. Weak point: locust is one Python process, and shares
its cores with the API and the emulated AWS.
"""

import json
import os
import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

import gevent
from locust import FastHttpUser, events, task

TRIES = 20
HORIZON_DAYS = 12
COME_BACK = (429, 503)

answers: Counter[str] = Counter()
seconds: defaultdict[str, list[float]] = defaultdict(list)
promised: list[str] = []
troubles: Counter[str] = Counter()
span: list[float] = []  # from the first question to the last answer


class Shopper(FastHttpUser):
    """One buyer after the other, at one browser."""

    def on_start(self) -> None:
        self._headers = {"Authorization": f"Bearer {os.environ['LOAD_KEY']}"}

    @task
    def shop(self) -> None:
        place = {"lat": random.uniform(41.150, 41.175), "lon": random.uniform(-8.655, -8.600)}
        ahead = timedelta(days=random.randrange(HORIZON_DAYS))
        wish = {"destination": place, "days": 2, "from_date": str(datetime.now(UTC).date() + ahead)}
        found = self._ask("search", "/v1/slots/search", wish)
        offers = [slot["offer"] for slot in found.get("slots", ()) if slot["available"]]
        if not offers:
            return
        cart = {"offer": random.choice(offers), "cart_ref": f"cart-{uuid4()}"}
        held = self._ask("hold", "/v1/holds", cart)
        if "hold_id" not in held:
            return
        order = {"hold_id": held["hold_id"], "order_ref": f"order-{uuid4()}", "sms_consent": False}
        made = self._ask("confirm", "/v1/promises", order | {"recipient": {"name": "Ana"}})
        if "promise_id" in made:
            promised.append(made["promise_id"])

    def _ask(self, name: str, path: str, body: Any) -> dict[str, Any]:
        """Send a request until it is answered, and note each answer."""
        headers = self._headers | {"Idempotency-Key": uuid4().hex}
        for _ in range(TRIES):
            began = perf_counter()
            with self.client.post(path, json=body, headers=headers, name=name, catch_response=True) as answer:
                ended = perf_counter()
                seconds[name].append(ended - began)
                span[:] = [span[0] if span else began, ended]
                answers[f"{name} {answer.status_code}"] += 1
                answer.success()  # what is good and what is not is told by status, in the summary
            if answer.status_code not in COME_BACK:
                return answer.json() if answer.content else {}
            wait = (answer.headers or {}).get("Retry-After")
            troubles["without Retry-After"] += wait is None
            gevent.sleep(float(wait or 1))
        troubles["gave up"] += 1
        return {}


@events.quitting.add_listener
def leave_summary(**_: Any) -> None:
    """Write down what was seen."""
    told = {"answers": answers, "seconds": seconds, "span": span}
    summary = told | {"promised": promised, "troubles": troubles}
    Path(os.environ["LOAD_SUMMARY"]).write_text(json.dumps(summary), "utf-8")
