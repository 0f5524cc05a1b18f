"""Everything that is stored of anybody, as whoever has all the keys reads it: row by row, in clear."""

import json
from typing import Any

from chalicelib.errors import BadToken
from chalicelib.routing.packed import unpack
from tests.handlers.deployed import Deployed


def rows_of(shop: Deployed) -> list[dict[str, Any]]:
    """Every row of the table, as it is stored."""
    pages = shop.dynamodb.get_paginator("scan").paginate(TableName=shop.resources.table_name)
    return [row for page in pages for row in page["Items"]]


def in_clear(shop: Deployed, row: dict[str, Any]) -> str:
    """A row with everything sealed in it opened, and its route unpacked."""
    sealer, partition, sort = shop.services.sealer, row["pk"]["S"], row["sk"]["S"]
    whose = partition.removeprefix("T#").partition("#")[0]
    texts = [repr(shop.opened(row))]
    if "sealed_to" in row.get("course", {}).get("S", ""):
        sealed_to = json.loads(row["course"]["S"])["sealed_to"]
        texts += [sealer.unseal(f"text-to:{whose}", sealed_to).decode()] if sealed_to else []
    if sort == "DOOR":
        texts.append(sealer.unseal(f"door:{whose}", row["sealed"]["S"]).decode())
    if sort == "INBOUND":
        texts.append(sealer.unseal("inbound-text", row["sealed"]["S"]).decode())
    if sort == "RECEIPT":
        texts.append(_receipt(shop, whose, partition, row["sealed_body"]["B"]))
    if "route" in row:
        texts.append(repr(unpack("", row["route"]["B"], 1).all_stops()))
    return "\n".join(texts)


def _receipt(shop: Deployed, whose: str, partition: str, sealed: bytes) -> str:
    sealer, key = shop.services.sealer, partition.partition("#RECEIPT#")[2]
    if not sealed:
        return ""
    try:
        return sealer.unseal_bytes(f"receipt/{whose}/{key}", sealed).decode()
    except BadToken:
        return sealer.unseal(f"reply-answered/{whose}", sealed.decode()).decode()


def queued(shop: Deployed) -> dict[str, list[str]]:
    """The bodies that wait in each queue, dead letters included."""
    names = shop.resources.__slots__
    urls = [url for name in names if name.endswith("_url") and (url := getattr(shop.resources, name))]
    return {url.rpartition("/")[2]: _waiting(shop, url) for url in urls}


def _waiting(shop: Deployed, url: str) -> list[str]:
    found = list[str]()
    while some := shop.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found += [message["Body"] for message in some]
    return found
