"""Events are sent until they are taken, in time, at least once, under the same id (F14, F20)."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.events import Tenant
from chalicelib.units import DAY, HOUR, MINUTE
from chalicelib.webhooks.delivery import LEASE
from chalicelib.webhooks.destinations import Destination
from chalicelib.webhooks.model import STOPPED_AFTER, WAITS, Delivery, Failure, Result, StopReason, wait_after
from tests.fakes_webhooks import FakeWayOut, InMemoryWebhooks
from tests.webhooks.office import Office, a_fact, ids
from tests.webhooks.store_contract import ACME, NOW

HOST = "shop.example"


@pytest.fixture
def office() -> Office:
    return Office()


def until_quiet(office: Office, *, most: int = 30) -> None:
    """Let time pass from one attempt to the next, for as long as there is one."""
    for _ in range(most):
        waiting = list(office.store.deliveries.values())
        if not waiting:
            return
        office.passes(max(min(each.due_at for each in waiting) - office.clock.at, 0))


def test_f20_receiver_that_is_down_gets_the_event_when_it_is_back(office: Office) -> None:
    """By the schedule of Standard Webhooks, under the same id, signed anew each time."""
    secret = office.secret()
    office.world.answers[HOST] = [503, Failure.TIMED_OUT, 302, Failure.NOT_REACHED, 500]
    [event] = office.happens()
    office.work()
    until_quiet(office)
    assert ids(office.world.posted) == [event.event_id] * 6
    assert len({post.headers["webhook-timestamp"] for post in office.world.posted}) == 6
    assert len({post.body for post in office.world.posted}) == 1
    office.checked(office.world.posted[-1], secret)
    attempts = office.attempts()
    assert [each.number for each in attempts] == [1, 2, 3, 4, 5, 6]
    waits = [each.next_attempt_at - each.at for each in attempts if each.next_attempt_at is not None]
    assert waits == list(WAITS[:5]) == [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR]
    assert [each.result.status for each in attempts] == [503, None, 302, None, 500, 200]
    assert [each.result.failure for each in attempts][1] is Failure.TIMED_OUT


def test_f20_without_further_attempts_the_event_would_be_lost(office: Office) -> None:
    """CONTROL: the first attempt alone, whatever comes of it."""
    office.put()
    office.world.answers[HOST] = [503]
    office.happens()
    office.work()
    assert [each.result.delivered for each in office.attempts()] == [False]
    assert len(office.world.posted) == 1


def test_each_attempt_comes_when_it_is_due_and_not_before(office: Office) -> None:
    """A message that comes too early is nothing; the queue brings what is soon, the sweeper the rest."""
    office.put()
    office.world.answers[HOST] = [500, 500, 500]
    office.happens()
    office.work()
    [(_, hook, name, delay)] = office.queue.taken()
    assert delay == WAITS[0] + 1
    for seconds, sent in ((4, 1), (1, 2)):
        office.clock.advance(seconds)
        office.deliver(ACME, hook, name)
        assert len(office.world.posted) == sent
    [(*_, delay)] = office.queue.taken()
    assert delay == WAITS[1] + 1
    office.clock.advance(WAITS[1])
    office.deliver(ACME, hook, name)
    assert office.queue.taken() == []  # half an hour is longer than a queue waits
    assert office.passes(WAITS[2] - 1) == []
    assert len(office.passes(1)) == 1
    assert len(office.world.posted) == 4


def waits_of(office: Office, failures: int) -> list[int]:
    """After how many seconds each of six events comes again that failed together, so often before."""
    office.put()
    office.world.answers[HOST] = [500] * 100
    for sequence in range(1, 7):
        office.happens(a_fact(sequence=sequence))
    office.work()
    while len(office.attempts()) < 6 * failures:
        office.passes(WAITS[0])
    tried = [each for each in office.attempts() if each.number == failures]
    return [each.next_attempt_at - each.at for each in tried if each.next_attempt_at is not None]


def test_what_failed_together_does_not_come_back_together() -> None:
    """Each wait is up to a fifth longer, by chance: a receiver that recovers is not run over at once."""
    chances = cycle([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert sorted(waits_of(Office(chance=chances.__next__), 2)) == [300, 312, 324, 336, 348, 360]


def test_without_chance_what_failed_together_comes_back_together() -> None:
    """CONTROL: the same six in the same second."""
    assert waits_of(Office(), 2) == [300] * 6


@given(st.floats(0, 1))
def test_no_chance_makes_a_receiver_wait_less_or_give_up_later_than_it_is_stopped(chance: float) -> None:
    """The schedule is the least; with all chance against it, it ends before failing for days stops it."""
    waits = [wait_after(tries, chance) for tries in range(1, len(WAITS) + 2)]
    assert waits.pop() is None
    assert all(wait is not None and least <= wait for wait, least in zip(waits, WAITS, strict=True))
    assert sum(wait for wait in waits if wait is not None) < STOPPED_AFTER


def test_event_is_given_up_after_the_last_attempt(office: Office) -> None:
    """Three days, ten attempts; then it waits for a replay."""
    office.put()
    office.world.answers[HOST] = [500] * 100
    office.happens()
    office.work()
    until_quiet(office)
    attempts = office.attempts()
    assert len(attempts) == len(WAITS) + 1 == 10
    assert attempts[-1].next_attempt_at is None
    assert 3 * DAY < attempts[-1].at - NOW < 4 * DAY
    office.world.answers.clear()
    office.replay(1)
    office.work()
    assert [each.result.delivered for each in office.attempts() if each.replayed] == [True]
    assert len(set(ids(office.world.posted))) == 1


def test_what_the_queue_forgot_is_brought_by_the_sweeper(office: Office) -> None:
    """F07: it was down, or whoever recorded the event died before asking it; a minute later it is sent."""
    office.put()
    office.queue.works = False
    office.happens()
    office.queue.works = True
    assert office.work() == []
    assert office.passes(59) == []
    [run] = office.passes(1)
    assert [each.result.delivered for each in run.attempts] == [True]
    assert office.passes(DAY) == []


def test_without_the_sweeper_what_the_queue_forgot_would_stay(office: Office) -> None:
    """CONTROL: time alone brings nothing."""
    office.put()
    office.queue.works = False
    office.happens()
    office.queue.works = True
    office.clock.advance(DAY)
    assert office.work() == []
    assert office.world.posted == []
    assert len(office.store.deliveries) == 1


def test_message_that_comes_twice_sends_once(office: Office) -> None:
    """F09: whether the first is done with it or not."""
    office.put()
    office.happens()
    [(tenant, hook, name, _)] = office.queue.taken()
    assert office.deliver(tenant, hook, name).attempts
    assert not office.deliver(tenant, hook, name).attempts
    assert len(office.world.posted) == 1


class TwoAtOnce(InMemoryWebhooks):
    """Another worker reads a delivery at the same moment, and claims it first."""

    racing = True

    def delivery(self, tenant: Tenant, webhook_id: str, name: str) -> Delivery | None:
        found = super().delivery(tenant, webhook_id, name)
        if found is not None and self.racing:
            self.racing = False
            self.save_delivery(tenant, found)
        return found


class Unguarded(TwoAtOnce):
    """Whoever claims it, has it."""

    def save_delivery(self, tenant: Tenant, delivery: Delivery) -> Delivery | None:
        there = self.deliveries[tenant, delivery.webhook_id, delivery.name]
        return super().save_delivery(tenant, replace(delivery, version=there.version))


@pytest.mark.parametrize(("store", "sent"), [(TwoAtOnce, 0), (Unguarded, 1)])
def test_of_two_workers_that_meet_the_one_that_claims_sends(store: type[InMemoryWebhooks], sent: int) -> None:
    """F09: by the version that was read; the control is a store that lets both claim."""
    office = Office(store=store())
    office.put()
    office.happens()
    office.work()
    assert len(office.world.posted) == sent


class Killed(Exception):
    """The worker died."""


class DiesAfterPost(FakeWayOut):
    """The receiver gets it; the worker never hears of it."""

    dies = True

    def post(self, destination: Destination, headers: Mapping[str, str], body: bytes) -> Result:
        result = super().post(destination, headers, body)
        if self.dies:
            self.dies = False
            raise Killed
        return result


def test_f14_killed_between_the_post_and_its_record_sends_again_under_the_same_id() -> None:
    """At least once: the claim runs out, and the receiver tells the two by their id."""
    office = Office(world=DiesAfterPost())
    office.put()
    office.happens()
    with pytest.raises(Killed):
        office.work()
    assert office.passes(LEASE - 1) == []  # it may still be alive
    [run] = office.passes(1)
    assert [each.result.delivered for each in run.attempts] == [True]
    assert len(office.world.posted) == 2
    assert len(set(ids(office.world.posted))) == 1
    assert office.store.deliveries == {}


def test_f14_deleting_before_the_post_would_lose_the_event() -> None:
    """CONTROL: a worker that takes the delivery away when it claims it, and dies."""
    office = Office(world=DiesAfterPost())
    office.put()
    office.happens()
    [(_, _, name, _)] = office.queue.waiting
    there = office.store.delivery(ACME, "hook", name)
    assert there is not None
    with pytest.raises(Killed):
        office.work()
    office.store.deliveries.clear()
    assert office.passes(DAY) == []
    assert office.attempts() == []


def test_f14_message_of_a_dead_letter_queue_days_later_is_nothing_new(office: Office) -> None:
    """Redriven after the event was taken, or given up: there is nothing left to send."""
    office.put()
    office.happens()
    [message] = list(office.queue.waiting)
    office.work()
    office.clock.advance(3 * DAY)
    assert not office.deliver(*message[:3]).attempts
    assert len(office.world.posted) == 1


def test_f14_message_that_were_the_delivery_itself_would_be_sent_again(office: Office) -> None:
    """CONTROL: a delivery that is as lasting as its message, instead of a row that goes when it is done."""
    office.put()
    office.happens()
    [message] = list(office.queue.waiting)
    lasting = dict(office.store.deliveries)
    office.work()
    office.clock.advance(3 * DAY)
    office.store.deliveries.update(lasting)
    assert office.deliver(*message[:3]).attempts
    assert len(office.world.posted) == 2


def test_f20_receiver_that_is_gone_is_stopped(office: Office) -> None:
    """410 says so: nothing more is sent, and the merchant sees why; others are not stopped."""
    office.put()
    office.put("other", url="https://other.example/")
    office.world.answers[HOST] = [410]
    for _ in range(2):
        office.happens()
    runs = office.work()
    assert [run.stopped for run in runs if run.stopped] == [StopReason.GONE]
    webhook = office.webhooks.read(ACME, "hook")
    assert webhook.stopped is not None
    assert webhook.stopped.reason is StopReason.GONE
    assert len([post for post in office.world.posted if HOST in post.url]) == 1
    assert len([post for post in office.world.posted if "other" in post.url]) == 2
    assert office.store.deliveries == {}
    [gone] = office.attempts()
    assert (gone.result.status, gone.next_attempt_at) == (410, None)


def test_receiver_that_fails_for_days_is_stopped(office: Office) -> None:
    """Five days of nothing but failures; one success in between begins them anew."""
    office.put()
    office.world.answers[HOST] = [500] * 1000
    office.happens()
    office.work()
    assert office.webhooks.read(ACME, "hook").failing_since == NOW
    office.clock.advance(STOPPED_AFTER - 1)
    office.happens()
    assert not any(run.stopped for run in office.work())
    office.clock.advance(1)
    office.happens()
    assert [run.stopped for run in office.work()] == [StopReason.FAILING]
    office.put(enabled=True)
    webhook = office.webhooks.read(ACME, "hook")
    assert (webhook.stopped, webhook.failing_since) == (None, None)


def test_success_forgets_the_failures_before_it(office: Office) -> None:
    """The days are counted from the first failure after the last success."""
    office.put()
    office.world.answers[HOST] = [500, 200, 500]
    for _ in range(3):
        office.happens()
        office.work()
        office.clock.advance(DAY)
    assert office.webhooks.read(ACME, "hook").failing_since == NOW + 2 * DAY


def test_merchants_change_while_a_post_is_under_way_stays(office: Office) -> None:
    """The worker notes what it saw of the old version, or nothing."""

    class ChangesItsMind(FakeWayOut):
        def post(self, destination: Destination, headers: Mapping[str, str], body: bytes) -> Result:
            office.put(url="https://new.example/")
            return Result(milliseconds=1, status=410)

    office = Office(world=ChangesItsMind())
    office.put()
    office.happens()
    [run] = office.work()
    assert run.stopped is None
    webhook = office.webhooks.read(ACME, "hook")
    assert (webhook.url, webhook.stopped) == ("https://new.example/", None)


def test_f20_replay_sends_all_from_a_sequence_on_in_order_under_the_same_ids(office: Office) -> None:
    """One after the other, each once more, whatever became of it before."""
    office.put()
    events = [office.happens(a_fact(sequence=n))[0] for n in range(1, 31)]
    office.work()
    office.world.posted.clear()
    replay = office.replay(4)
    assert (replay.first, replay.last) == (4, 30)
    office.work()
    assert ids(office.world.posted) == [event.event_id for event in events[3:]]
    assert [post.body.decode() for post in office.world.posted] == [event.body for event in events[3:]]
    assert [each.sequence for each in office.attempts() if each.replayed] == list(range(4, 31))
    assert office.store.deliveries == {}


def test_f20_sending_each_by_itself_would_not_keep_the_order(office: Office) -> None:
    """CONTROL: single deliveries overtake one that fails."""
    office.put()
    office.world.answers[HOST] = [200, 500]
    events = [office.happens(a_fact(sequence=n))[0] for n in range(1, 4)]
    office.work()
    until_quiet(office)
    taken = [each.sequence for each in office.attempts() if each.result.delivered]
    assert taken == [1, 3, 2]
    assert len(events) == 3


def test_f20_replay_waits_at_an_event_that_is_not_taken(office: Office) -> None:
    """It goes on from there when the receiver is back: nothing is left out, nothing overtakes."""
    office.put()
    for n in range(1, 6):
        office.happens(a_fact(sequence=n))
    office.work()
    office.world.posted.clear()
    office.world.answers[HOST] = [200, 200, 503, 503]
    office.replay(1)
    office.work()
    until_quiet(office)
    taken = [each.sequence for each in office.attempts() if each.replayed and each.result.delivered]
    assert taken == [1, 2, 3, 4, 5]
    assert [each.number for each in office.attempts() if each.replayed] == [1, 1, 1, 2, 3, 1, 1]


def test_f20_long_replay_goes_on_in_another_invocation(office: Office) -> None:
    """Before its time is up a worker hands on what is left."""

    class Slow(FakeWayOut):
        def post(self, destination: Destination, headers: Mapping[str, str], body: bytes) -> Result:
            office.monotonic += 9.0
            office.clock.advance(9)
            return super().post(destination, headers, body)

    office = Office(world=Slow())
    office.put()
    events = [office.happens(a_fact(sequence=n))[0] for n in range(1, 11)]
    office.work()
    office.world.posted.clear()
    office.replay(1)
    sent = []
    for _ in range(4):
        before = len(office.world.posted)
        office.work()
        sent.append(len(office.world.posted) - before)
    assert sent == [5, 5, 0, 0]
    assert ids(office.world.posted) == [event.event_id for event in events]
    assert office.store.deliveries == {}


def test_new_replay_takes_the_place_of_one_under_way(office: Office) -> None:
    """The worker that has the old one notices at its next event and stops."""

    class AskedAgain(FakeWayOut):
        asked = False

        def post(self, destination: Destination, headers: Mapping[str, str], body: bytes) -> Result:
            if self.asked:
                self.asked = False
                office.replay(3)
            return super().post(destination, headers, body)

    world = AskedAgain()
    office = Office(world=world)
    office.put()
    for n in range(1, 5):
        office.happens(a_fact(sequence=n))
    office.work()
    office.world.posted.clear()
    office.replay(1)
    world.asked = True
    office.work()
    assert [each.sequence for each in office.attempts() if each.replayed] == [1]
    office.work()
    assert [each.sequence for each in office.attempts() if each.replayed] == [1, 3, 4]


def test_b14_url_that_was_saved_under_other_rules_is_not_called(office: Office) -> None:
    """What stands in the store is judged once more when it is used."""
    office.put()
    webhook = office.webhooks.read(ACME, "hook")
    office.store.save_webhook(ACME, replace(webhook, url="http://169.254.169.254/"))
    office.happens()
    office.work()
    assert office.world.posted == []
    assert [each.result.failure for each in office.attempts()] == [Failure.ADDRESS_REFUSED]
