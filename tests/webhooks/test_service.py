"""Webhooks are made, changed, tested; facts become numbered events, each once."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from chalicelib.errors import AlreadyDone, Conflict, InvalidRequest, NotFound, StaleWrite
from chalicelib.events import FactKind, Tenant
from chalicelib.receipts import ReceiptRow, no_receipt
from chalicelib.units import DAY
from chalicelib.webhooks.model import (
    MOST_SECRETS,
    PUBLISHED,
    RESEALED_EVERY,
    Delivery,
    Event,
    EventType,
    Failure,
    StopReason,
)
from chalicelib.webhooks.service import MOST_WEBHOOKS, PREVIOUS_SIGNS_FOR, sealing_purpose
from chalicelib.webhooks.signing import secret_text
from tests.fakes_webhooks import InMemoryWebhooks
from tests.webhooks.office import Office, a_fact, ids
from tests.webhooks.store_contract import ACME, BEST, NOW, a_receipt


@pytest.fixture
def office() -> Office:
    return Office()


def test_every_kind_of_fact_has_a_public_name_or_is_named_as_inner() -> None:
    """Whoever adds a kind says what merchants see of it; every name but the test's comes from a fact."""
    assert PUBLISHED.keys() == set(FactKind)
    assert {each for each in PUBLISHED.values() if each} == set(EventType) - {EventType.TEST}


def test_secret_is_shown_once_and_kept_sealed(office: Office) -> None:
    """When it is made and never again; the store has nothing to sign with."""
    secret = office.secret()
    assert secret.startswith("whsec_")
    assert office.put(description="Orders").secret is None
    assert secret not in repr(office.store)
    webhook = office.webhooks.read(ACME, "hook")
    sealed = webhook.secrets[0].sealed
    assert secret_text(office.sealer.unseal(sealing_purpose(ACME, "hook"), sealed)) == secret
    for other in (sealing_purpose(BEST, "hook"), sealing_purpose(ACME, "other")):
        with pytest.raises(InvalidRequest):
            office.sealer.unseal(other, sealed)


def test_event_says_what_happened_and_in_which_order(office: Office) -> None:
    """`{type, timestamp, data}`: numbers of the merchant's log and of the promise's ledger, times as text."""
    secret = office.secret()
    office.happens(a_fact(sequence=7))
    office.work()
    assert office.got(secret) == [
        {
            "type": "promise.confirmed",
            "timestamp": "2026-11-18T11:06:40Z",
            "data": {
                "sequence": 1,
                "promise_id": "prm_0123456789abc",
                "promise_sequence": 7,
                "kind": "promise.confirmed",
                "actor": "merchant",
                "details": {
                    "depot_id": "porto",
                    "promised_window": {
                        "starts_at": "2026-11-18T12:06:40Z",
                        "ends_at": "2026-11-18T13:06:40Z",
                    },
                },
            },
        }
    ]


def test_event_of_a_plan_names_its_depot_and_date(office: Office) -> None:
    """And its moves."""
    secret = office.secret()
    moves = [{"promise_id": "prm_1", "from": "van-1", "to": "van-2"}]
    office.happens(
        a_fact(
            FactKind.PLAN_REPLANNED, 0, subject="porto/2026-11-24", data={"moves": moves, "seconds_saved": 9}
        )
    )
    office.work()
    [payload] = office.got(secret)
    assert payload["type"] == "plan.replanned"
    told = {name: payload["data"][name] for name in ("depot_id", "date", "details")}
    details = {"moves": moves, "seconds_saved": 9}
    assert told == {"depot_id": "porto", "date": "2026-11-24", "details": details}


def test_facts_of_one_transaction_become_events_in_their_order(office: Office) -> None:
    """Inner ones are left out; numbers have no gap."""
    secret = office.secret()
    office.happens(
        a_fact(FactKind.PROMISE_IMPORTED), a_fact(FactKind.PLAN_CHANGED), a_fact(FactKind.PROMISE_AT_RISK, 2)
    )
    office.happens(a_fact(FactKind.PROMISE_PINNED, 3))
    office.happens(a_fact(FactKind.PROMISE_CANCELLED, 4))
    office.work()
    told = [(each["data"]["sequence"], each["type"], each["data"]["kind"]) for each in office.got(secret)]
    assert told == [
        (1, "promise.confirmed", "promise.imported"),
        (2, "promise.at_risk", "promise.at_risk"),
        (3, "promise.cancelled", "promise.cancelled"),
    ]


def test_same_facts_again_are_no_new_event(office: Office) -> None:
    """F09: the stream brings a row twice; nothing is recorded, brought or sent a second time."""
    office.put()
    assert len(office.happens(row_id="row")) == 1
    office.work()
    assert office.happens(row_id="row") == []
    assert office.queue.taken() == []
    assert len(office.world.posted) == office.store.last_sequence(ACME) == 1


def test_without_names_of_their_own_the_same_facts_would_be_told_twice(office: Office) -> None:
    """CONTROL: the same facts, each time under another row's name, as if nothing told them apart."""
    office.put()
    office.happens(row_id="row")
    office.happens(row_id="other")
    office.work()
    assert len(set(ids(office.world.posted))) == 2


class Crowded(InMemoryWebhooks):
    """Somebody else's event comes first, some times."""

    rivals = 3

    def record_event(
        self, tenant: Tenant, event: Event, deliveries: Sequence[Delivery], receipt: ReceiptRow | None = None
    ) -> bool:
        if self.rivals:
            self.rivals -= 1
            rival = replace(event, event_id=f"evt_rival_{self.rivals}")
            super().record_event(tenant, rival, [])
        return super().record_event(tenant, event, deliveries, receipt)


def test_events_that_meet_are_numbered_one_after_the_other() -> None:
    """Who comes second takes the next number; a crowd without end is given up: the stream repeats."""
    store = Crowded()
    office = Office(store=store)
    office.put()
    [event] = office.happens()
    assert event.sequence == 4
    assert '"sequence":4' in event.body
    assert [each.sequence for each in store.log[ACME]] == [1, 2, 3, 4]
    store.rivals = 1000
    with pytest.raises(StaleWrite):
        office.happens()


def test_merchant_without_webhooks_has_no_log(office: Office) -> None:
    """Nothing is recorded for nobody; from the first webhook on there is, also while it is stopped."""
    assert office.happens() == []
    office.put(enabled=False)
    assert len(office.happens()) == 1
    assert office.queue.taken() == []
    office.put(enabled=True)
    office.replay(1)
    office.work()
    assert len(office.world.posted) == 1


def test_webhook_gets_the_types_it_wants(office: Office) -> None:
    """One is told of everything, another of cancellations only."""
    office.put("all")
    office.put("few", url="https://few.example/", events=frozenset({EventType.PROMISE_CANCELLED}))
    office.happens(a_fact(), a_fact(FactKind.PROMISE_CANCELLED, 2))
    office.work()
    hosts = [post.url.split("/")[2] for post in office.world.posted]
    assert (hosts.count("shop.example"), hosts.count("few.example")) == (2, 1)
    assert len({*ids(office.world.posted)}) == 2  # what both are told is one event


def test_tenants_are_told_of_their_own_only(office: Office) -> None:
    """B10: whose fact it is decides who is told; each has a log and secrets of its own."""
    ours, theirs = office.secret(), office.secret("hook", BEST, url="https://best.example/")
    assert ours != theirs
    office.happens(tenant=ACME)
    office.happens(tenant=BEST)
    office.happens(tenant=BEST)
    office.work()
    for post in office.world.posted:
        office.checked(post, ours if "shop" in post.url else theirs)
    told = [post.url for post in office.world.posted]
    assert told == ["https://shop.example/hooks", "https://best.example/", "https://best.example/"]
    assert len(office.attempts()) == 1
    with pytest.raises(NotFound):
        office.webhooks.read(BEST, "other")


def test_rotated_secret_signs_beside_the_one_before_for_a_day(office: Office) -> None:
    """F36: receivers change over when they like; nothing they get is unverifiable meanwhile."""
    old = office.secret()
    office.happens()
    new = office.secret(rotate_secret=True)
    office.work()  # what was under way is signed with both
    [post] = office.world.posted
    assert office.checked(post, old) == office.checked(post, new)
    office.clock.advance(PREVIOUS_SIGNS_FOR - 1)
    office.happens()
    office.work()
    assert len(office.world.posted[-1].headers["webhook-signature"].split()) == 2
    office.clock.advance(1)
    office.happens()
    office.work()
    assert office.checked(office.world.posted[-1], new)
    assert len(office.world.posted[-1].headers["webhook-signature"].split()) == 1


def test_rotation_whose_answer_was_lost_can_be_repeated(office: Office) -> None:
    """The secret nobody knows does no harm: the one before still signs, and the last one stays."""
    known = office.secret()
    office.secret(rotate_secret=True)  # lost on its way
    new = office.secret(rotate_secret=True)
    office.happens()
    office.work()
    [post] = office.world.posted
    assert office.checked(post, known) == office.checked(post, new)
    for _ in range(MOST_SECRETS - 3):
        office.secret(rotate_secret=True)
    with pytest.raises(Conflict) as refused:
        office.put(rotate_secret=True)
    assert refused.value.code == "too_many_secrets"


def test_secrets_are_sealed_anew_before_their_seal_is_dropped(office: Office) -> None:
    """A sealing key is kept for a week after its use; what it sealed here is to last for years."""
    secret = office.secret()
    before = office.webhooks.read(ACME, "hook")
    assert office.sweep() == 0
    office.clock.advance(RESEALED_EVERY)
    assert office.sweep() == 1
    after = office.webhooks.read(ACME, "hook")
    assert after == replace(before, resealed_at=office.clock.at, version=before.version + 1)
    assert office.sweep() == 0
    assert 2 * RESEALED_EVERY < 7 * DAY
    office.happens()
    office.work()
    assert office.got(secret)


def test_webhook_whose_secret_no_longer_opens_is_stopped_and_says_why(office: Office) -> None:
    """After a restore from long ago, say: it is sent nothing unsigned, and a new secret starts it again."""
    office.put()
    webhook = office.webhooks.read(ACME, "hook")
    lost = tuple(replace(each, sealed="A" * 40) for each in webhook.secrets)
    office.store.save_webhook(ACME, replace(webhook, secrets=lost))
    office.happens()
    [run] = office.work()
    assert run.stopped is StopReason.SECRET_LOST
    assert office.world.posted == []
    office.clock.advance(RESEALED_EVERY)
    assert office.sweep() == 1
    secret = office.secret(rotate_secret=True)
    office.happens()
    office.work()
    assert len(office.got(secret)) == 1


@pytest.mark.parametrize("failure", [Failure.ADDRESS_REFUSED, Failure.NAME_NOT_FOUND])
def test_b14_url_is_judged_by_where_it_leads_when_it_is_saved(office: Office, failure: Failure) -> None:
    """A name that leads into a private network, or nowhere, is refused then and there."""
    office.world.refused["evil.example"] = failure
    with pytest.raises(InvalidRequest) as refused:
        office.put(url="https://evil.example/")
    assert refused.value.fields[0].pointer == "/url"
    with pytest.raises(InvalidRequest):
        office.put(url="https://169.254.169.254/")
    assert office.webhooks.listed(ACME) == []


def test_merchant_has_so_many_webhooks_and_no_more(office: Office) -> None:
    """Each costs a write for every event; those there are can still be changed."""
    for number in range(MOST_WEBHOOKS):
        office.put(f"hook-{number}")
    with pytest.raises(Conflict) as refused:
        office.put("one-more")
    assert refused.value.code == "too_many_webhooks"
    office.put("hook-0", description="changed")
    office.webhooks.remove(ACME, "hook-0")
    office.put("one-more")


def test_removed_webhook_is_told_nothing_more(office: Office) -> None:
    """What was still to be sent is not; removing it again finds nothing."""
    office.put()
    office.happens()
    office.webhooks.remove(ACME, "hook")
    office.work()
    assert office.world.posted == []
    assert office.store.deliveries == {}
    with pytest.raises(NotFound):
        office.webhooks.remove(ACME, "hook")


def test_test_event_goes_to_the_webhook_that_is_tested(office: Office) -> None:
    """And to no other, whatever types that one wants; it has its place in the log."""
    secret = office.secret(events=frozenset({EventType.PROMISE_CANCELLED}))
    office.put("other", url="https://other.example/")
    event = office.webhooks.test(ACME, "hook", office.clock.at, no_receipt)
    office.work()
    [payload] = office.got(secret)
    assert payload["type"] == "webhook.test"
    assert payload["data"] == {"sequence": event.sequence, "webhook_id": "hook"}
    office.replay(1, "other")
    office.work()
    assert len(office.world.posted) == 1


def test_tests_and_replays_are_done_once_for_a_request(office: Office) -> None:
    """The receipt is in the transaction of the effect."""
    office.put()

    def receipt(_: object) -> ReceiptRow:
        return a_receipt()

    office.webhooks.test(ACME, "hook", NOW, receipt)
    with pytest.raises(AlreadyDone):
        office.webhooks.test(ACME, "hook", NOW, receipt)
    with pytest.raises(AlreadyDone):
        office.webhooks.replay(ACME, "hook", 1, NOW, receipt)
    office.work()
    assert len(office.world.posted) == 1


def test_stopped_webhook_is_neither_tested_nor_replayed(office: Office) -> None:
    """It says so instead of doing nothing; enabled again it is told of what comes."""
    office.put(enabled=False)
    webhook = office.webhooks.read(ACME, "hook")
    assert webhook.stopped is not None
    assert webhook.stopped.reason is StopReason.BY_MERCHANT
    for ask in (lambda: office.webhooks.test(ACME, "hook", NOW, no_receipt), lambda: office.replay(1)):
        with pytest.raises(Conflict) as refused:
            ask()
        assert refused.value.code == "webhook_stopped"
    office.put(enabled=True)
    office.happens()
    office.work()
    assert len(office.world.posted) == 1


def test_replay_of_nothing_is_refused(office: Office) -> None:
    """From beyond the last event there is nothing; a webhook that is none has none."""
    office.put()
    office.happens()
    with pytest.raises(InvalidRequest) as refused:
        office.replay(2)
    assert refused.value.fields[0].pointer == "/from_sequence"
    with pytest.raises(NotFound):
        office.replay(1, "nowhere")
