"""Keys of numbers are added and never dropped: who is known by an old one is found by it, and told of anew.

They seal buyers' rows and mark their numbers. A key put first before everybody has read it would hide from
some what others wrote; the controls show that, and what dropping one would do.
"""

from typing import Any

import pytest

from chalicelib.adapters.secrets import NUMBER_KEYS, number_keys
from chalicelib.bootstrap import Services, build
from chalicelib.handlers import workers
from chalicelib.notifications.inbound import Inbound
from chalicelib.settings import Settings
from infra.secrets import LEAD, Refused, Vault, numbers_text
from tests.fakes import FakeClock, FakeParameters
from tests.handlers.deployed import ACME, Deployed, Start
from tests.handlers.shop_client import PHONE

STOPPED = "+12025550144"
READ_AGAIN = 61  # seconds after which a process reads its secrets anew


@pytest.fixture
def shop(start: Start) -> Deployed:
    return start()


def keys_of(shop: Deployed) -> list[bytes]:
    name = f"{shop.environment['SECRETS_PATH']}/{NUMBER_KEYS}"
    return list(number_keys(shop.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]))


def set_keys(shop: Deployed, keys: list[bytes]) -> None:
    name = f"{shop.environment['SECRETS_PATH']}/{NUMBER_KEYS}"
    shop.ssm.put_parameter(Name=name, Value=numbers_text(keys), Type="SecureString", Overwrite=True)


def rotate(shop: Deployed) -> None:
    """As the command does it, and everybody has read it."""
    vault = Vault(shop.ssm, shop.environment["SECRETS_PATH"].removeprefix("/"))
    vault.add_number_key()
    shop.clock.advance(READ_AGAIN)
    _first(vault)()
    shop.clock.advance(READ_AGAIN)


def bought(shop: Deployed) -> dict[str, Any]:
    """A delivery that was texted about, in whose talk something may be answered."""
    made = shop.promise(offer=shop.offer(), instructions={"gate_code": "4471"})
    shop.send_texts()
    return made


def documents(shop: Deployed) -> dict[str, bytes]:
    rows = shop.dynamodb.scan(TableName=shop.resources.table_name)["Items"]
    return {row["pk"]["S"]: row["document"]["B"] for row in rows if row["sk"]["S"] == "PROMISE"}


def another_process(shop: Deployed) -> Services:
    return build(Settings.from_env(shop.environment), clock=shop.clock)


def test_old_rows_are_read_and_new_ones_written_with_the_new_key(shop: Deployed) -> None:
    """A promise of before opens; written again it opens by the new key alone, as does one made since."""
    old = bought(shop)
    before = documents(shop)
    rotate(shop)
    assert shop.done("GET", f"/v1/promises/{old['promise_id']}")["instructions"]["gate_code"] == "4471"
    assert documents(shop) == before
    shop.change(old["promise_id"], kind="gate_code", code="12")
    new = bought(shop)
    set_keys(shop, keys_of(shop)[:1])
    shop.clock.advance(READ_AGAIN)
    for each, code in ((old, "12"), (new, "4471")):
        assert shop.done("GET", f"/v1/promises/{each['promise_id']}")["instructions"]["gate_code"] == code


def test_number_is_found_by_the_mark_it_has_from_whichever_key(shop: Deployed) -> None:
    """Who said STOP, what was texted about, what came in, and which promises are to it: before and since."""
    made = [bought(shop)]
    shop.services.phone_book.opt_out(ACME, STOPPED, shop.clock.at)
    rotate(shop)
    made.append(bought(shop))
    book = shop.services.phone_book
    assert book.is_opted_out(ACME, STOPPED)
    subjects = {contact.subject for contact in book.contacts(PHONE, ["+15005550006"])}
    assert subjects == {each["promise_id"] for each in made}
    wrote = Inbound(sid="SM1", phone=PHONE, senders=("+15005550006",), body="thanks")
    assert shop.services.text_inbox.take(wrote, now=shop.clock.at)
    assert workers.publish_facts(shop.stream(), shop.services) == {"batchItemFailures": []}
    for each in made:
        shop.change(each["promise_id"], kind="cancel")
    erased = shop.done("POST", "/v1/erasures", {"phone": PHONE}, key="admin")
    assert (erased["promises"], erased["replies"]) == (2, 1)


def test_control_key_that_is_dropped_takes_what_it_knew_with_it(shop: Deployed) -> None:
    """A promise that does not open, and a number that is texted although it said STOP."""
    made = bought(shop)
    shop.services.phone_book.opt_out(ACME, STOPPED, shop.clock.at)
    rotate(shop)
    set_keys(shop, keys_of(shop)[:1])
    shop.clock.advance(READ_AGAIN)
    assert shop.refused("GET", f"/v1/promises/{made['promise_id']}")["status"] == 500
    assert not shop.services.phone_book.is_opted_out(ACME, STOPPED)


def test_nobody_writes_what_another_process_cannot_find(shop: Deployed) -> None:
    """In two steps: whichever of the three lists of keys two processes have, each finds the other's STOP.

    CONTROL: put first in one step, a process that has not read the key texts whoever stopped elsewhere.
    """
    vault = Vault(shop.ssm, shop.environment["SECRETS_PATH"].removeprefix("/"))
    slow = another_process(shop)
    assert not slow.phone_book.is_opted_out(ACME, STOPPED)
    for step, number in ((vault.add_number_key, "+12025550150"), (_first(vault), "+12025550151")):
        step()
        quick = another_process(shop)
        for one, other, phone in ((quick, slow, number), (slow, quick, f"{number[:-2]}6{number[-1]}")):
            one.phone_book.opt_out(ACME, phone, shop.clock.at)
            assert other.phone_book.is_opted_out(ACME, phone)
        shop.clock.advance(READ_AGAIN)
        assert slow.phone_book.is_opted_out(ACME, number)
    set_keys(shop, [b"k" * 32, *keys_of(shop)])
    hasty = another_process(shop)
    hasty.phone_book.opt_out(ACME, STOPPED, shop.clock.at)
    assert not slow.phone_book.is_opted_out(ACME, STOPPED)


def _first(vault: Vault) -> Any:
    """The second step, whatever the time: moto stamps parameters by the wall's clock."""
    return lambda: vault.use_number_key(now=0, lead=-(10**10))


def test_key_is_put_first_only_when_all_have_read_it() -> None:
    """And only if there is one to put first."""
    clock = FakeClock()
    parameters = FakeParameters.with_secrets("shop", clock)
    vault = Vault(parameters, "shop")
    with pytest.raises(Refused, match="add another"):
        vault.use_number_key(now=clock.at)
    vault.add_number_key()
    added = number_keys(parameters.kept["/shop/number-keys"][0])
    with pytest.raises(Refused, match="Not all have read it"):
        vault.use_number_key(now=clock.at + LEAD - 1)
    vault.use_number_key(now=clock.at + LEAD)
    assert number_keys(parameters.kept["/shop/number-keys"][0]) == added[::-1]
