"""Each condition of a transaction, taken away: the harm it prevents."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from chalicelib.adapters.dynamodb import DynamoStore
from chalicelib.dispatch.model import ReplanState
from chalicelib.dispatch.store import PlanChanges
from chalicelib.errors import AlreadyDone, StaleWrite
from chalicelib.events import FactKind
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.store import FleetChanges, ShiftRow
from chalicelib.promises.model import HoldState, PromiseState
from chalicelib.promises.store import Changes
from tests.adapters.conftest import ACCOUNT, NewStore
from tests.dispatch.store_contract import a_replan
from tests.merchants.store_contract import a_key
from tests.promises.shop import TODAY, a_depot, a_vehicle
from tests.promises.store_contract import (
    ACME,
    NOW,
    TOMORROW,
    a_fact,
    a_hold,
    a_promise,
    a_receipt,
    a_route,
    cart,
    describe,
    order,
    write,
)
from tests.store_faults import drop_conditions

type Write = Callable[[DynamoStore], None]
type Look = Callable[[DynamoStore], Any]


def commit(**changes: Any) -> Write:
    return lambda store: store.commit(ACME, Changes(**changes))


def commit_fleet(fleet_version: int, **changes: Any) -> Write:
    described = FleetChanges(depot_id="porto", fleet_version=fleet_version, **changes)
    return lambda store: store.commit_fleet(ACME, described)


def commit_plan(**changes: Any) -> Write:
    return lambda store: store.commit_plan(ACME, PlanChanges(**changes))


def shift(day: Any) -> ShiftRow:
    return ShiftRow(shift_id="s-9", place=PlanKey(depot_id="porto", day=day), driver=None)


# What lies there, what somebody writes who read before it did, where one looks, what one must not see.
RACES: dict[str, tuple[Write, Write, Look, Any]] = {
    "two bookings on one version of a route": (
        commit(routes=(write(a_route()),)),
        commit(routes=(write(a_route()),), holds=(a_hold(2),)),
        lambda store: store.hold(ACME, 2) is not None,
        True,
    ),
    "a route born under a template that is gone": (
        commit_fleet(1, vehicle=a_vehicle(version=1)),
        commit(routes=(write(a_route(), fleet_version=1),)),
        lambda store: store.route(ACME, "porto", TODAY, "s-1") is not None,
        True,
    ),
    "expiry of a hold that was confirmed": (
        commit(holds=(a_hold(state=HoldState.CONFIRMED),)),
        commit(holds=(a_hold(state=HoldState.EXPIRED),)),
        lambda store: store.hold(ACME, 1).state,
        HoldState.EXPIRED,
    ),
    "a change of a promise that was cancelled": (
        commit(promise=a_promise(state=PromiseState.CANCELLED)),
        commit(promise=a_promise(state=PromiseState.CONFIRMED)),
        lambda store: store.promise(ACME, 1).state,
        PromiseState.CONFIRMED,
    ),
    "a second hold of one cart": (
        commit(cart=cart(None, 1)),
        commit(cart=cart(None, 2)),
        lambda store: store.cart(ACME, "cart-1"),
        2,
    ),
    "a second promise of one order": (
        commit(order=order(None, 1)),
        commit(order=order(None, 2)),
        lambda store: store.order(ACME, "order-1", None),
        2,
    ),
    "history written anew": (
        commit(facts=(a_fact(),)),
        commit(facts=(a_fact(kind=FactKind.PROMISE_CANCELLED),)),
        lambda store: store.ledger(ACME, 1)[0].kind,
        FactKind.PROMISE_CANCELLED,
    ),
    "the twin of a request that had its effect": (
        commit(receipt=a_receipt()),
        commit(receipt=a_receipt(), holds=(a_hold(2),)),
        lambda store: store.hold(ACME, 2) is not None,
        True,
    ),
    "two descriptions of one fleet": (
        commit_fleet(1, depot=a_depot(name="First", version=2)),
        commit_fleet(1, depot=a_depot(name="Second", version=2)),
        lambda store: store.depot(ACME, "porto").name,
        "Second",
    ),
    "one shift's id in two plans": (
        commit_fleet(1, shift=shift(TODAY)),
        commit_fleet(2, shift=shift(TOMORROW)),
        lambda store: store.shift_row(ACME, "s-9").place.day,
        TOMORROW,
    ),
    "an improvement of a route that was booked on meanwhile": (
        commit(routes=(write(a_route()),)),
        commit_plan(routes=(write(a_route()),), replan=a_replan()),
        lambda store: store.replan(ACME, a_replan().replan_id) is not None,
        True,
    ),
    "two workers on one replan": (
        commit_plan(replan=a_replan(state=ReplanState.APPLIED)),
        commit_plan(replan=a_replan(state=ReplanState.FAILED)),
        lambda store: store.replan(ACME, a_replan().replan_id).state,
        ReplanState.FAILED,
    ),
    "the twin of a request for a replan": (
        commit_plan(replan=a_replan(), receipt=a_receipt()),
        commit_plan(replan=a_replan(replan_id="rpl_2"), receipt=a_receipt()),
        lambda store: store.replan(ACME, "rpl_2") is not None,
        True,
    ),
    "two keys of one request": (
        lambda store: store.add_key(a_key("a"), receipt=a_receipt()),
        lambda store: store.add_key(a_key("b"), receipt=a_receipt()),
        lambda store: len(store.list_keys(ACME)),
        2,
    ),
}


@pytest.mark.parametrize("race", RACES)
def test_second_writer_is_refused(new_store: NewStore, race: str) -> None:
    """And what the first one wrote stays as it is."""
    first, second, look, harm = RACES[race]
    store = new_store()
    describe(store)
    first(store)
    with pytest.raises((StaleWrite, AlreadyDone)):
        second(store)
    assert look(store) != harm


@pytest.mark.parametrize("race", RACES)
def test_without_its_condition_the_second_writer_does_harm(new_store: NewStore, race: str) -> None:
    """The control: this test setup is able to show what the condition prevents."""
    first, second, look, harm = RACES[race]
    client = boto3.client("dynamodb", **ACCOUNT)
    drop_conditions(client, lambda pk, sk: sk != "OUTBOX")
    store = new_store(client)
    describe(store)
    first(store)
    second(store)
    assert look(store) == harm


def test_row_is_written_once_in_a_transaction(new_store: NewStore) -> None:
    """DynamoDB would refuse it; so does the code that was about to ask, and says which."""
    twice = (write(a_route()), write(a_route()))
    with pytest.raises(ValueError, match="two writes of one row"):
        new_store().commit(ACME, Changes(routes=twice))


def test_transaction_with_too_many_rows_is_not_sent(new_store: NewStore) -> None:
    """DynamoDB takes a hundred, and the outbox row is one of them."""
    holds = tuple(a_hold(stop_id, created_at=NOW) for stop_id in range(100))
    with pytest.raises(ValueError, match="at most 100"):
        new_store().commit(ACME, Changes(holds=holds))
    new_store().commit(ACME, Changes(holds=holds[:99]))
