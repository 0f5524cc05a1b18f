"""Lets a merchant in: its settings, and its first key, which makes all others.

    python -m infra.merchant slotkeeper-live mer_ribeira --brand "Ribeira Wines"

Prints the key, once; only its hash is stored. The stage is the end of the stack's name: keys of a live stack
are live keys, those of any other are test keys. Weak point: whoever may write the table may do this.
"""

import argparse
import re
import sys
import time
from secrets import token_bytes
from typing import Any, Final

from chalicelib.adapters.dynamodb import DynamoStore, client_config
from chalicelib.adapters.sealing import Sealer
from chalicelib.adapters.secrets import Secrets
from chalicelib.bootstrap import SystemClock, full_jitter
from chalicelib.events import Mode, Tenant
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant
from chalicelib.merchants.service import Merchants
from chalicelib.settings import Stage
from chalicelib.units import MINUTE

_MERCHANT_ID: Final = re.compile(r"[a-z0-9_-]{1,40}")


class Refused(Exception):
    """Nothing was made; the message says why."""


def _parameters() -> Any:
    import boto3

    return boto3.client("ssm")


def let_in(dynamodb: Any, *, stack: str, merchant_id: str, brand: str) -> str:
    """Make a merchant and its first key; gives the key's text.

    Raises
    ------
    Refused
        If the id is no id, or is a merchant's already.
    """
    if not _MERCHANT_ID.fullmatch(merchant_id):
        raise Refused(f"A merchant's id matches {_MERCHANT_ID.pattern}.")
    mode = Mode.LIVE if stack.endswith(f"-{Stage.LIVE}") else Mode.TEST
    tenant = Tenant(merchant_id=merchant_id, mode=mode)
    clock = SystemClock()
    vault = Sealer(Secrets(_parameters, path=f"/{stack}", clock=clock, fresh_for=MINUTE).numbers)
    store = DynamoStore(dynamodb, table=stack, vault=vault, clock=clock, pause=full_jitter)
    if store.get_merchant(tenant) is not None:
        raise Refused(f"{merchant_id} is in already; its admin key makes further ones.")
    merchants = Merchants(store, entropy=token_bytes, modes=(mode,))
    key = merchants.create_key(tenant, type=KeyType.SECRET, scopes=ALL_SCOPES, now=int(time.time()))
    merchants.save_settings(Merchant(tenant=tenant, brand=brand))
    return key.text


def main() -> int:
    """Let one merchant in; gives the exit status."""
    import boto3

    parser = argparse.ArgumentParser(prog="python -m infra.merchant", description=__doc__)
    parser.add_argument("stack", help="name of the stack, such as slotkeeper-live")
    parser.add_argument("merchant_id", help="stands in every key of its rows, for good")
    parser.add_argument("--brand", required=True, help="opens every text to its buyers")
    given = parser.parse_args()
    dynamodb = boto3.client("dynamodb", config=client_config())
    try:
        print(let_in(dynamodb, stack=given.stack, merchant_id=given.merchant_id, brand=given.brand))
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
