"""Conflicts, throttling and lost answers end in the right answer, or in a clean 503: nothing half done."""

from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters.dynamodb import DynamoStore
from chalicelib.adapters.dynamodb.table import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS
from chalicelib.errors import AlreadyDone, SlotkeeperError, StaleWrite, Upstream
from chalicelib.promises.booking import Confirmed
from chalicelib.promises.model import Hold, HoldState
from chalicelib.promises.store import Changes, Guard, WriteRefused
from chalicelib.receipts import no_receipt
from chalicelib.routing.packed import GHOST_GRACE
from tests.adapters.conftest import ACCOUNT, NewStore
from tests.merchants.store_contract import a_key
from tests.promises.shop import TENANT, TODAY, Shop, an_order
from tests.promises.store_contract import (
    ACME,
    BEST,
    a_hold,
    a_message,
    a_receipt,
    a_route,
    cart,
    describe,
    write,
)
from tests.store_faults import (
    Call,
    Fault,
    Faults,
    broken_after,
    cancelled,
    lost_after,
    lost_before,
    refused,
    withheld,
)

CHANGES = Changes(routes=(write(a_route()),), holds=(a_hold(),), cart=cart(None, 1), receipt=a_receipt())
THROTTLED = [
    refused("ThrottlingException"),
    refused("ProvisionedThroughputExceededException"),
    refused("RequestLimitExceeded"),
    cancelled("ThrottlingError"),
    cancelled("ProvisionedThroughputExceeded"),
]
CONFLICT = cancelled("TransactionConflict")


class Broken:
    """A store whose client's commits can be spoilt, and what it waited for."""

    def __init__(self, new_store: NewStore, operation: str = "TransactWriteItems") -> None:
        client = boto3.client("dynamodb", **ACCOUNT)
        self.faults, self.witness = Faults(client, operation), Faults(client, "PutItem")
        self.pauses: list[int] = []
        self.store = new_store(client, pause=self.pauses.append)
        self.truth = new_store()

    @property
    def calls(self) -> int:
        return len(self.faults.requests)

    def written(self) -> tuple[int | None, ...]:
        """Versions of the rows that `CHANGES` writes: all or none."""
        route, hold = self.truth.route(ACME, "porto", TODAY, "s-1"), self.truth.hold(ACME, 1)
        receipt = self.truth.get_receipt(ACME, a_receipt().key)
        return route and route.version, hold and hold.version, self.truth.cart(ACME, "cart-1"), receipt and 1


@pytest.fixture
def broken(new_store: NewStore) -> Broken:
    return Broken(new_store)


ONCE, NOTHING = (1, 1, 1, 1), (None, None, None, None)


def test_conflict_is_a_refusal_that_says_so(broken: Broken) -> None:
    """F04: nobody knows what the other transaction wrote: whoever commits reads again and decides anew."""
    broken.faults.waiting = [CONFLICT]
    with pytest.raises(WriteRefused) as error:
        broken.store.commit(ACME, CHANGES)
    assert (error.value.guards, broken.calls, broken.written()) == ({Guard.CONFLICT}, 1, NOTHING)
    broken.store.commit(ACME, CHANGES)
    assert broken.written() == ONCE


@pytest.mark.parametrize("fault", THROTTLED)
def test_throttled_commit_is_tried_again(broken: Broken, fault: Fault) -> None:
    """F05: with longer pauses each time, and under the same name."""
    broken.faults.waiting = [fault] * (ATTEMPTS - 1)
    broken.store.commit(ACME, CHANGES)
    assert broken.written() == ONCE
    assert broken.pauses == list(range(1, ATTEMPTS))
    assert len({request["ClientRequestToken"] for request in broken.faults.requests}) == 1


@pytest.mark.parametrize("fault", THROTTLED)
def test_commit_that_stays_throttled_does_nothing(broken: Broken, fault: Fault) -> None:
    """F05: a bounded number of tries, then the caller is told to come back; nothing needs looking up."""
    broken.faults.always = fault
    with pytest.raises(Upstream):
        broken.store.commit(ACME, CHANGES)
    assert (broken.calls, broken.witness.requests) == (ATTEMPTS, [])
    assert broken.written() == NOTHING


@pytest.mark.parametrize("fault", [CONFLICT, *THROTTLED])
def test_without_trying_again_one_refusal_would_turn_a_buyer_away(broken: Broken, fault: Fault) -> None:
    """F04, F05, control: the bare client, sent away once, has nothing; sent again it has it all."""
    broken.faults.always = fault
    with pytest.raises((WriteRefused, Upstream)):
        broken.store.commit(ACME, CHANGES)
    broken.faults.always, broken.faults.waiting = None, [fault]
    request = broken.faults.requests[-1]
    with pytest.raises(ClientError):
        broken.faults.client.transact_write_items(**request)
    assert broken.written() == NOTHING
    broken.faults.client.transact_write_items(**request)
    assert broken.written() == ONCE


def test_fault_of_every_partition_would_hold_up_another_merchant(broken: Broken) -> None:
    """F05, control: what spares the other merchant below is that no row of his is in the hot partition."""
    broken.faults.always = refused("ThrottlingException")
    with pytest.raises(Upstream):
        broken.store.commit(BEST, CHANGES)


def test_throttled_merchant_does_not_hold_up_another(broken: Broken) -> None:
    """F05: one hot partition is its own trouble."""
    broken.faults.always = refused("ThrottlingException")
    broken.faults.concerns = lambda body: str(ACME).encode() in body
    with pytest.raises(Upstream):
        broken.store.commit(ACME, CHANGES)
    broken.store.commit(BEST, CHANGES)
    assert broken.truth.cart(BEST, "cart-1") == 1


@pytest.mark.parametrize("fault", [lost_after, broken_after])
@pytest.mark.parametrize("times", [1, ATTEMPTS])
def test_commit_whose_answer_was_lost_is_done_once(broken: Broken, fault: Fault, times: int) -> None:
    """F06: not refused for what it wrote itself: the route it moved, the receipt it left."""
    broken.faults.waiting = [fault] * times
    broken.store.commit(ACME, CHANGES)
    assert broken.written() == ONCE


def test_without_reading_back_a_commit_would_be_refused_for_what_it_wrote_itself(broken: Broken) -> None:
    """F06, control: the same request sent again is cancelled, though it was carried out."""
    broken.faults.waiting = [lost_after]
    broken.store.commit(ACME, CHANGES)
    again = {**broken.faults.requests[0], "ClientRequestToken": "of another try"}
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        broken.faults.client.transact_write_items(**again)
    assert broken.written() == ONCE


def test_commit_that_was_lost_on_its_way_is_sent_again(broken: Broken) -> None:
    """The next try may well get through."""
    broken.faults.waiting = [lost_before]
    broken.store.commit(ACME, CHANGES)
    assert broken.written() == ONCE


def test_lost_answer_of_a_refused_commit_is_a_refusal(broken: Broken) -> None:
    """It is looked up, and what is found is that nothing was done."""
    broken.truth.commit(ACME, replace(CHANGES, receipt=None, cart=None))
    broken.faults.waiting = [lost_before]
    with pytest.raises(WriteRefused) as error:
        broken.store.commit(ACME, replace(CHANGES, cart=None))
    assert error.value.guards == {Guard.ROUTE, Guard.HOLD}
    assert broken.truth.get_receipt(ACME, a_receipt().key) is None


@pytest.mark.parametrize(
    "fault",
    [lost_before, refused("InternalServerError", status=500), refused("TransactionInProgressException")],
)
def test_commit_without_any_answer_does_nothing_and_never_will(broken: Broken, fault: Fault) -> None:
    """A request that was only late and comes after the caller was told is refused by its own witness."""
    broken.faults.always = fault
    with pytest.raises(Upstream):
        broken.store.commit(ACME, CHANGES)
    assert (broken.calls, broken.written()) == (ATTEMPTS, NOTHING)
    broken.faults.always = None
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        broken.faults.client.transact_write_items(**broken.faults.requests[-1])
    assert broken.written() == NOTHING


def test_without_its_witness_a_late_commit_would_have_its_effect(new_store: NewStore) -> None:
    """F06, control: the row whose place is taken is what refuses it."""
    broken = Broken(new_store)
    broken.faults.always = broken.witness.always = lost_before
    with pytest.raises(Upstream):
        broken.store.commit(ACME, CHANGES)
    broken.faults.always = None
    broken.faults.client.transact_write_items(**broken.faults.requests[-1])
    assert broken.written() == ONCE


@pytest.mark.parametrize("lost", [lost_before, lost_after])
def test_witness_whose_answer_is_lost_is_asked_again(broken: Broken, lost: Fault) -> None:
    """Its own empty row is not taken for a commit that succeeded, nor a commit for its row."""
    broken.faults.always, broken.witness.waiting = lost_before, [lost_after]
    with pytest.raises(Upstream):
        broken.store.commit(ACME, CHANGES)
    assert broken.written() == NOTHING
    broken.faults.always, broken.witness.waiting = lost_after, [lost]
    broken.store.commit(ACME, CHANGES)
    assert broken.written() == ONCE


def test_twin_whose_answer_was_lost_learns_that_it_was_done(broken: Broken) -> None:
    """The receipt is somebody else's: an earlier request of the same caller had the effect."""
    broken.truth.commit(ACME, CHANGES)
    broken.faults.waiting = [lost_before]
    with pytest.raises(AlreadyDone):
        broken.store.commit(ACME, CHANGES)
    assert broken.written() == ONCE


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_refusal_that_no_repetition_mends_is_not_repeated(broken: Broken, code: str) -> None:
    """It is still no fault of the caller's."""
    broken.faults.always = refused(code)
    with pytest.raises(Upstream, match=code):
        broken.store.commit(ACME, CHANGES)
    assert (broken.calls, broken.written()) == (1, NOTHING)


@pytest.mark.parametrize("fault", [refused("ValidationException"), cancelled("ValidationError")])
def test_bug_of_ours_is_not_called_a_trouble_of_the_store(broken: Broken, fault: Fault) -> None:
    """Nobody is told to come back for what will fail again."""
    broken.faults.always = fault
    with pytest.raises(ClientError, match=r"Validation|Cancel"):
        broken.store.commit(ACME, CHANGES)
    assert broken.calls == 1


READS: dict[str, Any] = {
    "GetItem": lambda store: store.depot(ACME, "porto"),
    "Query": lambda store: store.depots(ACME),
    "BatchGetItem": lambda store: store.own_sids(ACME, ["SM1"]) or True,
    "PutItem": lambda store: store.add_message(ACME, a_message()),
    "UpdateItem": lambda store: (
        store.add_key(a_key("a"), receipt=None) or store.revoke_key(ACME, "key_a", at=1) or True
    ),
}


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize(
    "fault",
    [refused("ThrottlingException"), refused("InternalServerError", status=500), lost_before, lost_after],
)
def test_single_call_is_tried_again(new_store: NewStore, operation: str, fault: Fault) -> None:
    """Reads, and writes that are the same when done twice: a claim is still this caller's."""
    broken = Broken(new_store, operation)
    describe(broken.truth)
    broken.faults.waiting = [fault] * (ATTEMPTS - 1)
    assert READS[operation](broken.store)
    assert broken.calls == ATTEMPTS


@pytest.mark.parametrize("operation", READS)
def test_single_call_without_an_answer_ends_in_a_clean_refusal(new_store: NewStore, operation: str) -> None:
    """After a bounded number of tries."""
    broken = Broken(new_store, operation)
    broken.faults.always = lost_before
    with pytest.raises(Upstream):
        READS[operation](broken.store)
    assert broken.calls == ATTEMPTS


def record_texts(store: DynamoStore, number: int) -> list[str]:
    """Texts of so many numbers, as a carrier names them."""
    sids = [f"SM{n}" for n in range(number)]
    for sid in sids:
        store.add_message(ACME, a_message(f"prm_1.{sid}"))
        store.save_message(ACME, a_message(f"prm_1.{sid}", sid=sid, version=1), new_sid=sid)
    return sids


def test_rows_that_are_withheld_are_asked_for_again(new_store: NewStore) -> None:
    """DynamoDB may answer a part of what many keys ask for."""
    broken = Broken(new_store, "BatchGetItem")
    sids = record_texts(broken.truth, 3)
    broken.faults.waiting = [withheld, refused("ThrottlingException"), withheld]
    assert broken.store.own_sids(ACME, sids).keys() == set(sids)
    assert broken.calls == 4


def test_rows_that_stay_withheld_are_no_answer(new_store: NewStore) -> None:
    """Half a list would be a wrong one."""
    broken = Broken(new_store, "BatchGetItem")
    sids = record_texts(broken.truth, ATTEMPTS + 1)
    broken.faults.always = withheld
    with pytest.raises(Upstream):
        broken.store.own_sids(ACME, sids)


def test_more_rows_than_one_read_takes_are_read_in_several(new_store: NewStore) -> None:
    """DynamoDB takes a hundred keys."""
    broken = Broken(new_store, "BatchGetItem")
    sids = record_texts(broken.truth, 1)
    assert broken.store.own_sids(ACME, [f"none-{n}" for n in range(200)] + sids).keys() == set(sids)
    assert broken.calls == 3


def test_count_of_requests_is_not_waited_for(new_store: NewStore) -> None:
    """Whoever limits goes on by its own count."""
    broken = Broken(new_store, "UpdateItem")
    broken.faults.always = lost_before
    with pytest.raises(Upstream):
        broken.store.add("key_1", 0, 1)
    assert (broken.calls, broken.pauses) == (1, [])


def test_dead_store_costs_less_than_a_gateway_waits() -> None:
    """29 seconds, of which the function itself needs some."""
    assert 2 * ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) <= 20


def booked(store: DynamoStore) -> tuple[Shop, Hold]:
    """A shop with a live hold."""
    shop = Shop(store=store)
    offer = next(slot.offer for slot in shop.search() if slot.offer)
    return shop, shop.booking.hold(TENANT, offer, "cart-1", shop.now, no_receipt, trusted=True)


def confirm(shop: Shop, hold: Hold) -> Confirmed:
    return shop.booking.confirm_hold(TENANT, hold.stop_id, an_order(), shop.now, no_receipt)


@pytest.mark.parametrize(
    "faults",
    [[CONFLICT] * 5, [refused("ThrottlingException")] * 3, [lost_after], [lost_before, CONFLICT, lost_after]],
)
def test_confirm_goes_through_what_passes(broken: Broken, faults: list[Fault]) -> None:
    """F04, F05, F06: the buyer notices nothing: one promise, in one route, told once."""
    shop, hold = booked(broken.store)
    broken.faults.waiting = list(faults)
    confirmed = confirm(shop, hold)
    assert not confirmed.renewed
    assert broken.truth.hold(TENANT, hold.stop_id).state is HoldState.CONFIRMED  # type: ignore[union-attr]
    assert len(broken.truth.ledger(TENANT, hold.stop_id)) == 1
    (route,) = broken.truth.routes(TENANT, "porto", first=TODAY, last=TODAY, consistent=True)
    assert [stop.stop_id for stop in route[1].all_stops()] == [hold.stop_id]


def test_expiry_that_a_confirm_outruns_leaves_the_promise_alone(broken: Broken) -> None:
    """It finds that there is nothing to clear up, which is no error: the sweeper goes on to the next hold."""
    shop, hold = booked(broken.store)

    def confirm_first(call: Call) -> None:
        if not call.answered:
            confirm(shop, hold)

    broken.faults.waiting = [confirm_first, lambda _: None]
    assert not shop.booking.expire(TENANT, hold.stop_id, hold.expires_at + GHOST_GRACE)
    assert broken.truth.promise(TENANT, hold.stop_id) is not None
    assert broken.truth.hold(TENANT, hold.stop_id).state is HoldState.CONFIRMED  # type: ignore[union-attr]


@pytest.mark.parametrize("fault", [CONFLICT, refused("ThrottlingException"), lost_before])
def test_confirm_that_meets_nothing_else_leaves_the_hold_as_it_was(broken: Broken, fault: Fault) -> None:
    """F04, F05: the answer says that trying again is worth it, and it is."""
    shop, hold = booked(broken.store)
    broken.faults.always = fault
    with pytest.raises((StaleWrite, Upstream)) as error:
        confirm(shop, hold)
    assert isinstance(error.value, SlotkeeperError)
    assert error.value.retryable
    assert broken.truth.hold(TENANT, hold.stop_id).state is HoldState.ACTIVE  # type: ignore[union-attr]
    assert broken.truth.promise(TENANT, hold.stop_id) is None
    broken.faults.always = None
    assert not confirm(shop, hold).renewed
