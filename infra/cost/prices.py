"""List prices, and what cannot be measured on this machine.

Public list prices of us-east-1 without free tiers and discounts, in dollars, as known in November 2026; check
them before relying on a total.
"""

from collections.abc import Mapping
from typing import Final

GIGABYTE: Final = 1e9

PRICES: Final[Mapping[str, float]] = {
    "API request": 3.50e-6,  # API Gateway, REST
    "Lambda request": 0.20e-6,
    "Lambda GB-second": 0.0000166667,  # x86-64
    "read unit": 0.125e-6,  # DynamoDB on demand
    "write unit": 0.625e-6,
    "GB stored a month": 0.25,
    "queue request": 0.50e-6,  # SQS, FIFO
    "GB of logs": 0.50,
    "GB sent": 0.09,
    "text": 0.0083 + 0.0035,  # Twilio to a number in the United States, carrier's fee included
}

ASSUMED: Final[Mapping[str, float]] = {
    "read_wait_ms": 4.0,  # of one call to DynamoDB, from a Lambda function in its region
    "write_wait_ms": 9.0,  # of one transaction
    "queue_wait_ms": 8.0,
    "text_wait_ms": 250.0,  # Twilio's answer
    "memory_gb": 1769 / 1024,  # of a function: what gives it one whole CPU
}
