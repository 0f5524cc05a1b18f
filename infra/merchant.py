"""Lets a merchant in: its settings, and its first key, which makes all others; says what it may text from.

    python -m infra.merchant slotkeeper-live mer_ribeira --brand "Ribeira Wines"
    python -m infra.merchant slotkeeper-live mer_ribeira --senders +12025550100 MG0123…
    python -m infra.merchant slotkeeper-live mer_ribeira --senders

Prints the key, once; only its hash is stored. Senders take the place of those before, in force at once, and
may be several merchants'; without any a merchant texts from the stack's own. The stage is the end of the
stack's name: keys of a live stack are live keys, those of any other are test keys. Weak point: whoever may
write the table may do this.
"""

import argparse
import re
import sys
import time
from collections.abc import Sequence
from secrets import token_bytes
from typing import Any, Final

from chalicelib.adapters.dynamodb import DynamoStore, client_config
from chalicelib.adapters.sealing import Sealer
from chalicelib.adapters.secrets import Secrets
from chalicelib.bootstrap import SystemClock, full_jitter
from chalicelib.errors import NotFound
from chalicelib.events import Mode, Tenant
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant
from chalicelib.merchants.service import Merchants
from chalicelib.notifications.linting import lint_brand
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
        If the id is no id, or is a merchant's already, or no text may begin with the brand.
    """
    if not _MERCHANT_ID.fullmatch(merchant_id):
        raise Refused(f"A merchant's id matches {_MERCHANT_ID.pattern}.")
    if faults := lint_brand(brand):
        raise Refused(f"No text may begin with this brand: {', '.join(faults)}.")
    tenant = _tenant(stack, merchant_id)
    store = _store(dynamodb, stack)
    if store.get_merchant(tenant) is not None:
        raise Refused(f"{merchant_id} is in already; its admin key makes further ones.")
    merchants = Merchants(store, entropy=token_bytes, modes=(tenant.mode,))
    key = merchants.create_key(tenant, type=KeyType.SECRET, scopes=ALL_SCOPES, now=int(time.time()))
    merchants.save_settings(Merchant(tenant=tenant, brand=brand))
    return key.text


def assign_senders(dynamodb: Any, *, stack: str, merchant_id: str, senders: Sequence[str]) -> None:
    """Say what a merchant may text from, in the place of what it could before.

    Raises
    ------
    Refused
        If there is no such merchant, or one is no sender.
    """
    try:
        merchants = Merchants(_store(dynamodb, stack), entropy=token_bytes)
        merchants.assign_senders(_tenant(stack, merchant_id), senders)
    except (NotFound, ValueError) as error:
        raise Refused(str(error)) from error


def _tenant(stack: str, merchant_id: str) -> Tenant:
    mode = Mode.LIVE if stack.endswith(f"-{Stage.LIVE}") else Mode.TEST
    return Tenant(merchant_id=merchant_id, mode=mode)


def _store(dynamodb: Any, stack: str) -> DynamoStore:
    clock = SystemClock()
    vault = Sealer(Secrets(_parameters, path=f"/{stack}", clock=clock, fresh_for=MINUTE).numbers)
    return DynamoStore(dynamodb, table=stack, vault=vault, clock=clock, pause=full_jitter)


def main() -> int:
    """Let one merchant in, or say what it may text from, or both; gives the exit status."""
    import boto3

    parser = argparse.ArgumentParser(
        prog="python -m infra.merchant", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("stack", help="name of the stack, such as slotkeeper-live")
    parser.add_argument("merchant_id", help="stands in every key of its rows, for good")
    parser.add_argument("--brand", help="lets it in; opens every text to its buyers")
    parser.add_argument("--senders", nargs="*", help="numbers or messaging services it may text from")
    given = parser.parse_args()
    if given.brand is None and given.senders is None:
        parser.error("say its --brand to let it in, or its --senders")
    dynamodb = boto3.client("dynamodb", config=client_config())
    who = {"stack": given.stack, "merchant_id": given.merchant_id}
    try:
        if given.brand is not None:
            print(let_in(dynamodb, **who, brand=given.brand))
        if given.senders is not None:
            assign_senders(dynamodb, **who, senders=given.senders)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
