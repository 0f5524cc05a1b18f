"""The floor of a first search: every library it stands on, used once, and nothing of ours.

Runs in an isolated process as `first_answer.py` does. A Chalice app answers the search's own event: pydantic
reads the body, boto3 reads the sealing key's parameter and one row, the road engine stands on the city's
graph, a token is sealed, Powertools writes a line. Whoever writes this search on these libraries pays this.
The graph is loaded by our adapter, for lack of another; what importing that takes is taken off. Weak point: a
search reads five rows, not one, and then computes something: that counts as ours.
"""

import json
import os
import sys
import time
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated
from zoneinfo import ZoneInfo

import boto3
import numpy as np
import pyroutingkit  # noqa: F401
from aws_lambda_powertools import Logger
from botocore.config import Config
from chalice import Chalice, Response
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from pydantic import BaseModel, ConfigDict, Field

app = Chalice("floor", configure_logs=False)
log = Logger(service="floor")


class Point(BaseModel):
    """Where it goes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]


class Wish(BaseModel):
    """What is asked."""

    destination: Point


class Found(BaseModel):
    """What is answered."""

    computed_at: str
    offer: str
    seconds: int


@app.route("/v1/slots/search", methods=["POST"], content_types=["*/*"])
def search() -> Response:
    assert app.current_request is not None
    wish = Wish.model_validate_json(app.current_request.raw_body)
    once = Config(retries={"mode": "standard", "total_max_attempts": 1})
    name = f"{os.environ['SECRETS_PATH']}/sealing-keys"
    boto3.client("ssm", config=once).get_parameter(Name=name, WithDecryption=True)
    key = {"pk": {"S": "nobody"}, "sk": {"S": "nothing"}}
    table = boto3.client("dynamodb", config=once)
    table.get_item(TableName=os.environ["TABLE_NAME"], Key=key, ConsistentRead=True)
    seconds = np.hypot(wish.destination.lat, wish.destination.lon)
    offer = AESSIV(bytes(64)).encrypt(b"offer", []).hex()
    computed_at = datetime.now(ZoneInfo("Europe/Lisbon")).isoformat()
    found = Found(computed_at=computed_at, offer=offer, seconds=int(seconds))
    log.info("request", extra={"status": 200})
    return Response(found.model_dump_json())


def load_roads() -> float:
    """Load every graph; gives the milliseconds that importing our adapter took."""
    began = time.process_time()
    from chalicelib.adapters.road_graph import RoadFigures, RoadGraph

    took = 1000 * (time.process_time() - began)
    for graph in Path(os.environ.get("ROADS_DIR", "nowhere")).glob("*/graph.npz"):
        RoadGraph(RoadFigures.read(graph))
    return took


asked = json.load(sys.stdin)
ours = load_roads()
context = SimpleNamespace(
    aws_request_id="00000000-0000-4000-8000-000000000000", get_remaining_time_in_millis=lambda: 28_000
)
answer = app(asked["event"], context)
took = 1000 * time.process_time() - ours
modules = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
print()  # after whatever was logged
print(json.dumps({"answer": answer, "cpu_ms": took, "modules": modules}))
sys.stdout.flush()
os._exit(0)  # without the interpreter's own tidying up
