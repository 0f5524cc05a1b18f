"""The chart that opens the package is true: every kind of row, and what each access asks of DynamoDB."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest

from chalicelib.adapters import dynamodb
from chalicelib.adapters.dynamodb import DynamoStore
from chalicelib.adapters.dynamodb.keys import outbox_key
from chalicelib.adapters.dynamodb.outbox import OutboxRow
from chalicelib.adapters.dynamodb.pasts import PastRows
from chalicelib.adapters.dynamodb.people import PeopleRows
from chalicelib.adapters.dynamodb.phones import PhoneRows
from chalicelib.adapters.dynamodb.reminders import ReminderRows
from chalicelib.adapters.dynamodb.rows import HANDED_ON_WITHIN
from chalicelib.adapters.dynamodb.senders import SenderRows
from chalicelib.adapters.dynamodb.webhooks import WebhookRows
from chalicelib.dispatch.model import Work
from chalicelib.dispatch.store import PlanChanges
from chalicelib.erasure.service import without_buyer
from chalicelib.events import FactKind
from chalicelib.fleet.model import Driver
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.store import FleetChanges, ShiftRow
from chalicelib.merchants.model import Merchant
from chalicelib.motion.store import MotionChanges
from chalicelib.notifications.inbound import Contact, Part
from chalicelib.notifications.model import MessageStatus
from chalicelib.notifications.pace import SenderState
from chalicelib.promises.model import HoldState, token_hash
from chalicelib.promises.store import Changes, PromiseQuery
from chalicelib.retention import OUTBOX_KEPT
from chalicelib.webhooks.model import REPLAY
from tests.adapters.conftest import ACCOUNT, NewStore
from tests.adapters.test_dynamodb_outbox import stream_record
from tests.dispatch.store_contract import a_replan
from tests.fakes import FakeClock
from tests.fleet.past_contract import a_past
from tests.merchants.store_contract import a_key, a_pass
from tests.motion.store_contract import a_progress
from tests.promises.doors_contract import a_door
from tests.promises.shop import TODAY, a_depot, a_vehicle
from tests.promises.store_contract import (
    ACME,
    BEST,
    NOW,
    a_fact,
    a_hold,
    a_message,
    a_promise,
    a_receipt,
    a_route,
    cart,
    order,
    write,
)
from tests.reminders.store_contract import a_reminder
from tests.webhooks.store_contract import a_delivery, a_webhook, an_attempt, an_event

PLACE = PlanKey(depot_id="porto", day=TODAY)
LATE = FakeClock().at + HANDED_ON_WITHIN
A_ROW = OutboxRow(tenant=ACME, row_id="f" * 32, facts=(), due_at=LATE)
INDEXED = {"listing": {"list_pk", "list_sk"}, "due": {"due_pk", "due_at"}}

type Accesses = dict[str, Callable[[DynamoStore], Any]]

# One after the other, on one table: writes come before the reads that find what they wrote.
CANCELLED = replace(a_fact(1, 2, FactKind.PROMISE_CANCELLED), data={"reason": "moving"})
A_CONTACT = Contact(tenant=ACME, subject="prm_1", texted_at=NOW)
ALL_SAID = Part(subjects=frozenset({"prm_1"}), sids=frozenset({"SM2"}))
ACCESSES: Accesses = {
    "commit_fleet": lambda store: store.commit_fleet(
        ACME,
        FleetChanges(
            depot_id="porto",
            fleet_version=0,
            depot=a_depot(version=1),
            vehicle=a_vehicle(version=1),
            shift=ShiftRow(shift_id="s-9", place=PLACE, driver=Driver(name="Ines")),
        ),
    ),
    "commit": lambda store: store.commit(
        ACME,
        Changes(
            routes=(write(a_route(), fleet_version=1),),
            holds=(a_hold(), a_hold(2, state=HoldState.CONFIRMED)),
            promise=a_promise(),
            cart=cart(None, 1),
            order=order(None, 1),
            facts=(a_fact(), CANCELLED),
            receipt=a_receipt(),
        ),
    ),
    "add_message": lambda store: store.add_message(ACME, a_message()),
    "message": lambda store: store.message(ACME, a_message().message_id),
    "save_message": lambda store: store.save_message(ACME, a_message(tries=1, version=1)),
    "save_message with an id": lambda store: store.save_message(
        ACME, a_message(status=MessageStatus.SENT, sid="SM1", version=2), new_sid="SM1"
    ),
    "save_message with facts": lambda store: store.save_message(
        ACME, a_message(status=MessageStatus.FAILED, sid="SM3", version=3), [a_fact(3)], new_sid="SM3"
    ),
    "sender_state": lambda store: store.senders.sender_state("+12025550100"),
    "move_sender": lambda store: store.senders.move_sender(
        "+12025550100", SenderState(), SenderState(failures=1)
    ),
    "reserve": lambda store: store.senders.reserve("+12025550100", cost=1, now=2, latest=3, failures=1),
    "set_opt_out": lambda store: store.phones.set_opt_out(ACME, "mark", out=True, at=NOW),
    "is_opted_out": lambda store: store.phones.is_opted_out(ACME, ["mark"]),
    "put_contact": lambda store: store.phones.put_contact("mark", "+12025550100", A_CONTACT),
    "contacts": lambda store: store.phones.contacts(["mark"], ["+12025550100"]),
    "record_inbound": lambda store: store.phones.record_inbound(
        "SM2", "sealed", NOW, mark="mark", whose=[ACME], ledger={(ACME, "mark"): True}, fact=a_fact(4)
    ),
    "inbound": lambda store: store.phones.inbound("SM2"),
    "put_talk": lambda store: store.phones.put_talk("mark", "+12025550100", "{}", version=0, at=NOW),
    "talk": lambda store: store.phones.talk("mark", "+12025550100"),
    "said": lambda store: store.phones.said(ACME, ["mark"]),
    "forget": lambda store: store.phones.forget(ACME, ["mark"], ALL_SAID),
    "put_merchant": lambda store: store.put_merchant(Merchant(tenant=ACME, brand="Acme")),
    "assign_senders": lambda store: store.assign_senders(ACME, ["+12025550100"]),
    "add_key": lambda store: store.add_key(a_key("a"), receipt=None),
    "put_pass": lambda store: store.put_pass(a_pass("p"), receipt=None),
    "note_use": lambda store: store.note_use(a_key("a"), TODAY),
    "revoke_key": lambda store: store.revoke_key(ACME, "key_a", at=NOW),
    "add": lambda store: store.add("key_a", NOW, 3),
    "take": lambda store: store.take("row", NOW, {"one": 1, "all": 1}),
    "set_clock_offset": lambda store: store.set_clock_offset(ACME, 60),
    "request": lambda store: store.request(ACME, PLACE, Work.IMPROVE),
    "finish_requests": lambda store: store.finish_requests(ACME, PLACE, Work.IMPROVE, 1, {"s-1": 1}),
    "commit_plan": lambda store: store.commit_plan(ACME, PlanChanges(replan=a_replan())),
    "commit_motion": lambda store: store.commit_motion(
        ACME, MotionChanges(progress=a_progress(), promises=(a_promise(2),), facts=(a_fact(2),))
    ),
    "commit_motion of positions": lambda store: store.commit_motion(
        ACME, MotionChanges(progress=a_progress("s-2"))
    ),
    "progress": lambda store: store.progress(ACME, PLACE, "s-1"),
    "progresses": lambda store: store.progresses(ACME, PLACE),
    "addressed": lambda store: store.addressed(ACME, [1, 2]),
    "write_reminders": lambda store: store.reminders.write_reminders(ACME, [a_reminder()]),
    "promises_named": lambda store: store.promises_named(ACME, [1, 2]),
    "requests": lambda store: store.requests(ACME, PLACE, Work.IMPROVE),
    "replan": lambda store: store.replan(ACME, a_replan().replan_id),
    "depots": lambda store: store.depots(ACME),
    "depot": lambda store: store.depot(ACME, "porto"),
    "vehicles": lambda store: store.vehicles(ACME, a_depot(fleet_version=1)),
    "routes": lambda store: store.routes(ACME, "porto", first=TODAY, last=TODAY, consistent=False),
    "route": lambda store: store.route(ACME, "porto", TODAY, "s-1"),
    "hold": lambda store: store.hold(ACME, 1),
    "promise": lambda store: store.promise(ACME, 1),
    "tracked": lambda store: store.tracked(token_hash(a_promise().tracking_token)),
    "cart": lambda store: store.cart(ACME, "cart-1"),
    "order": lambda store: store.order(ACME, "order-1", None),
    "ledger": lambda store: store.ledger(ACME, 1),
    "promises of an order": lambda store: listed(store, order_ref="order-1"),
    "promises of a depot's day": lambda store: listed(store, depot_id="porto", day=TODAY),
    "promises of a day": lambda store: listed(store, day=TODAY),
    "promises": lambda store: listed(store),
    "due_holds": lambda store: store.due_holds(ACME, NOW + 1000, limit=5),
    "due_anywhere": lambda store: list(store.due_anywhere(NOW + 1000)),
    "shift_row": lambda store: store.shift_row(ACME, "s-9"),
    "shift_rows": lambda store: store.shift_rows(ACME, PLACE),
    "get_receipt": lambda store: store.get_receipt(ACME, a_receipt().key),
    "messages": lambda store: store.messages(ACME, "prm_1"),
    "own_sids": lambda store: store.own_sids(ACME, ["SM1"]),
    "get_merchant": lambda store: store.get_merchant(ACME),
    "get_key": lambda store: store.get_key(a_key("a").sha256),
    "list_keys": lambda store: store.list_keys(ACME),
    "clock_offset": lambda store: store.clock_offset(ACME),
    "save_webhook": lambda store: store.hooks.save_webhook(ACME, a_webhook()),
    "webhooks": lambda store: store.hooks.webhooks(ACME),
    "webhook": lambda store: store.hooks.webhook(ACME, "hook"),
    "record_event": lambda store: store.hooks.record_event(ACME, an_event(), [a_delivery()]),
    "last_sequence": lambda store: store.hooks.last_sequence(ACME),
    "logged_events": lambda store: store.hooks.logged_events(ACME, 1, 9, limit=5),
    "delivery": lambda store: store.hooks.delivery(ACME, "hook", a_delivery().name),
    "save_delivery": lambda store: store.hooks.save_delivery(ACME, a_delivery(version=1)),
    "due_webhooks": lambda store: list(store.hooks.due_webhooks(NOW + 1000)),
    "due_webhooks_of": lambda store: store.hooks.due_webhooks_of(ACME, NOW + 1000),
    "drop_delivery": lambda store: store.hooks.drop_delivery(ACME, a_delivery(version=2)),
    "begin_replay": lambda store: store.hooks.begin_replay(ACME, a_delivery(name=REPLAY), None),
    "add_attempt": lambda store: store.hooks.add_attempt(ACME, an_attempt()),
    "attempts": lambda store: store.hooks.attempts(ACME, "hook", limit=5, before=None),
    "write_reminder": lambda store: store.reminders.write_reminder(ACME, a_reminder()),
    "due_reminders": lambda store: list(store.reminders.due_reminders(NOW + 1000)),
    "due_reminders_of": lambda store: list(store.reminders.due_reminders_of(ACME, NOW + 1000)),
    "save_past": lambda store: store.pasts.save_past(ACME, "porto", a_past()),
    "past": lambda store: store.pasts.past(ACME, a_depot(), NOW),
    "stored_past": lambda store: store.pasts.stored_past(ACME, a_depot()),
    "finish_reminder": lambda store: store.reminders.finish_reminder(ACME, a_reminder(), None),
    "left_over": lambda store: store.left_over(LATE),
    "is_handed_on": lambda store: store.is_handed_on(A_ROW, LATE),
    "put_off": lambda store: store.put_off(stream_record(an_outbox_row()), LATE),
    "note_handed_on": lambda store: store.note_handed_on(A_ROW),
    "keep_door": lambda store: store.doors.keep_door(ACME, a_door()),
    "door": lambda store: store.doors.door(ACME, ["door-1"]),
    "forget_doors": lambda store: store.doors.forget_doors(ACME, ["ana"]),
    "promises_to": lambda store: store.people.promises_to(ACME, "+12025550123"),
    "erase_ledger": lambda store: store.people.erase_ledger(ACME, 1),
    "rewrite_route": lambda store: store.people.rewrite_route(ACME, PLACE, replace(a_route(), version=1)),
    "rewrite_progress": lambda store: store.people.rewrite_progress(ACME, a_progress(version=1)),
    "drop_receipt": lambda store: store.people.drop_receipt(ACME, a_receipt().key),
    "erase_promise": lambda store: store.people.erase_promise(
        ACME, replace(a_promise(), version=1), without_buyer(a_promise(), NOW)
    ),
    "remove_webhook": lambda store: store.hooks.remove_webhook(ACME, "hook"),
}


def an_outbox_row() -> dict[str, Any]:
    """As much of one as it takes to find it again."""
    partition, sort = outbox_key(ACME, A_ROW.row_id)
    return {"pk": {"S": partition}, "sk": {"S": sort}, "ttl": {"N": str(LATE + OUTBOX_KEPT)}}


def listed(store: DynamoStore, **asked: Any) -> Any:
    return store.promises(ACME, PromiseQuery(**asked), limit=5, start=None).rows


def chart() -> list[str]:
    assert dynamodb.__doc__ is not None
    return dynamodb.__doc__.splitlines()


def charted_accesses() -> dict[str, list[str]]:
    """What the docstring says each access asks: `7  name   Query BatchGetItem   and a remark`."""
    found = {}
    for line in chart():
        entry = re.fullmatch(r"\s+\d+  (\S.*?)\s{2,}((?:\d+ )?[A-Z]\w+(?: [A-Z]\w+)*)(?:\s{2,}.*)?", line)
        if entry:
            asked = re.sub(r"(\d+) (\w+)", lambda times: " ".join([times[2]] * int(times[1])), entry[2])
            found[entry[1]] = asked.split()
    return found


class CharteredRow:
    """One line of the chart of rows."""

    def __init__(self, line: str) -> None:
        self.name, pk, sk, *attributes = line.split()
        index = attributes[-1].rstrip("?")
        self.always_indexed = index in INDEXED and attributes[-1] == index
        self.indexed = INDEXED.get(index, set())
        attributes = attributes[: -1 if self.indexed else None]
        self.known = {attribute.rstrip("?") for attribute in attributes}
        self.free = any(attribute.startswith("{") for attribute in attributes)  # named by what they count
        self.needed = {attribute for attribute in attributes if attribute[0] != "{" and attribute[-1] != "?"}
        self.pk, self.sk = self.pattern(pk), self.pattern(sk)

    @staticmethod
    def pattern(key: str) -> re.Pattern[str]:
        text = re.sub(r"\\{\w+\\}", ".+", re.escape(key))
        return re.compile(text.replace(r"T\#", r"T\#[^#]+\#", 1) if key.startswith("T#") else text)

    def describes(self, item: dict[str, Any]) -> bool:
        return bool(self.pk.fullmatch(item["pk"]["S"]) and self.sk.fullmatch(item["sk"]["S"]))

    def check(self, item: dict[str, Any]) -> None:
        attributes = set(item) - {"pk", "sk"}
        assert self.needed <= attributes, self.name
        assert self.free or attributes <= self.known | self.indexed, self.name
        assert not self.always_indexed or self.indexed <= attributes, self.name
        assert (attributes & self.indexed) in (set(), self.indexed), self.name


def charted_rows() -> list[CharteredRow]:
    lines = iter(chart())
    next(line for line in lines if line.split()[:3] == ["row", "pk", "sk"])
    return [CharteredRow(line) for line in iter(lambda: next(lines), "")]


def test_every_row_is_one_of_the_chart_and_has_its_attributes(
    new_store: NewStore, moto_dynamodb: Any, moto_table: str
) -> None:
    """No row, attribute or index entry that the chart does not show, and none it shows is never written."""
    store = new_store()
    for access in ACCESSES.values():
        access(store)
    more = Changes(order=order(None, 1, "parcel-2"), holds=(a_hold(),), receipt=a_receipt())
    store.commit(BEST, more)  # the other hold and receipt went with a buyer
    store.hooks.save_webhook(ACME, a_webhook())  # the one of the accesses was removed
    store.reminders.write_reminder(ACME, a_reminder())  # this one, too
    store.doors.keep_door(ACME, a_door())  # and this one was forgotten
    for forgotten in ("put_contact", "record_inbound", "put_talk"):
        ACCESSES[forgotten](store)
    rows, seen = charted_rows(), set[str]()
    for item in moto_dynamodb.scan(TableName=moto_table)["Items"]:
        (row,) = [row for row in rows if row.describes(item)]
        row.check(item)
        seen.add(row.name)
    assert seen == {row.name for row in rows}


def test_every_access_asks_what_the_chart_says(new_store: NewStore) -> None:
    """Names, kind and number of requests; each access finds something, so that it takes its whole way."""
    asked: list[str] = []
    client = boto3.client("dynamodb", **ACCOUNT)
    client.meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    store = new_store(client)
    seen = {}
    for name, access in ACCESSES.items():
        asked.clear()
        found = access(store)
        assert found is None or found, name
        seen[name] = list(asked)
    assert seen == charted_accesses()


def test_vehicles_are_read_once_for_each_fleet_version(new_store: NewStore) -> None:
    """What a search reads each time is routes, not descriptions."""
    asked: list[str] = []
    client = boto3.client("dynamodb", **ACCOUNT)
    client.meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    store = new_store(client)
    ACCESSES["commit_fleet"](store)
    asked.clear()
    for fleet_version in (1, 1, 2, 2, 1):
        assert store.vehicles(ACME, a_depot(fleet_version=fleet_version)) == (a_vehicle(version=1),)
    assert asked == ["Query", "Query"]


def test_a_past_is_read_once_an_hour(new_store: NewStore) -> None:
    """Not for each event of each van; what is worked out of it is kept as long as it is the same version."""
    asked: list[str] = []
    client = boto3.client("dynamodb", **ACCOUNT)
    client.meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    store = new_store(client)
    store.pasts.save_past(ACME, "porto", a_past())
    asked.clear()
    found = [store.pasts.past(ACME, a_depot(), NOW + minute * 60) for minute in range(0, 120, 5)]
    assert asked == ["GetItem", "GetItem"]
    assert all(past is found[0] for past in found)
    store.pasts.save_past(ACME, "porto", found[0])
    assert store.pasts.past(ACME, a_depot(), NOW + 3 * 3600).version == 2


PARTS = (
    *("disconnect", "outbox_row", "hooks", "pasts", "reminders", "doors", "senders", "phones"),
    "people",
)


@pytest.mark.parametrize(
    "public",
    [
        name
        for kind in (DynamoStore, WebhookRows, ReminderRows, PastRows, SenderRows, PhoneRows, PeopleRows)
        for name in dir(kind)
        if not name.startswith("_")
    ],
)
def test_every_method_of_the_store_is_in_the_chart(public: str) -> None:
    """Whoever adds an access says what it costs."""
    assert public in charted_accesses() or public in PARTS
