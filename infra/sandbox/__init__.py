"""The whole product on one machine.

    python -m infra.sandbox serve --port 8000

Emulated AWS (ministack) holds the table and queues of `infra/resources.json`; a small fake Twilio takes the
texts; our app runs behind a stand-in for API Gateway and behind pollers that hand it queue messages and
stream records as Lambda would: one request at a time per process, partial batch failures honoured.

Its weak point: an emulator serialises where DynamoDB would answer TransactionConflict or throttle, and
nothing here times a function out. Those faults are injected by tests; limits and permissions show only in a
real account.
"""

from infra.sandbox.box import Sandbox
from infra.sandbox.emulator import Emulator

__all__ = ["Emulator", "Sandbox"]
