"""What has come due is done, by the clock of whose it is, and nothing holds up anything else."""

from collections.abc import Mapping

import pytest

from chalicelib.events import Tenant
from chalicelib.handlers import workers
from chalicelib.handlers.due import Act, due_anywhere, due_to, remind
from chalicelib.handlers.telemetry import Telemetry, structured_log
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.units import MINUTE, Timestamp
from tests.handlers.deployed import ACME, Deployed, Start
from tests.handlers.shop_client import at

WATCH, LEARN = ReminderKind.WATCH_SHIFT, ReminderKind.LEARN_DAY


class Diary:
    """Acts that write down what they were called for."""

    def __init__(self, again_at: Timestamp | None = None) -> None:
        self.done: list[tuple[str, Timestamp]] = []
        self.again_at = again_at

    def act(self, _services: object, _tenant: Tenant, subject: str, now: Timestamp) -> Timestamp | None:
        self.done.append((subject, now))
        return self.again_at

    def fail(self, *_: object) -> None:
        raise ValueError("nothing works today")

    @property
    def acts(self) -> Mapping[ReminderKind, Act]:
        return {WATCH: self.act, LEARN: self.fail}


@pytest.fixture
def product(start: Start) -> Deployed:
    product = start()
    product.forget()
    return product


@pytest.fixture
def diary() -> Diary:
    return Diary()


def write(product: Deployed, *reminders: Reminder) -> None:
    for reminder in reminders:
        product.services.store.reminders.write_reminder(ACME, reminder)


def watched(subject: str, due_at: Timestamp) -> Reminder:
    return Reminder(kind=WATCH, subject=subject, due_at=due_at)


def anywhere(product: Deployed, diary: Diary) -> int:
    now, telemetry = product.clock.at, Telemetry(structured_log(), stage=lambda: "test")
    return remind(product.services, due_anywhere(product.services, now), telemetry, diary.acts)


def test_it_is_done_when_its_time_has_come_and_never_again(product: Deployed, diary: Diary) -> None:
    """Not before; finished, it is gone."""
    write(product, watched("s-1", product.clock.at + 60))
    assert anywhere(product, diary) == 0
    product.clock.advance(60)
    assert anywhere(product, diary) == 1
    assert anywhere(product, diary) == 0
    assert diary.done == [("s-1", product.clock.at)]


def test_it_comes_again_when_the_act_says_so(product: Deployed, diary: Diary) -> None:
    """At the time it names."""
    write(product, watched("s-1", product.clock.at))
    diary.again_at = product.clock.at + 300
    assert anywhere(product, diary) == 1
    assert anywhere(product, diary) == 0
    product.clock.advance(300)
    assert anywhere(product, diary) == 1


def test_one_that_fails_holds_up_no_other_and_is_tried_again(product: Deployed, diary: Diary) -> None:
    """All others are done, the invocation fails visibly, and the next one meets it again."""
    learn = Reminder(kind=LEARN, subject="porto/2026-11-23", due_at=product.clock.at - 9)
    write(product, learn, watched("s-1", product.clock.at))
    for _ in range(2):
        with pytest.raises(ExceptionGroup) as failed:
            anywhere(product, diary)
        assert [type(each) for each in failed.value.exceptions] == [ValueError]
    assert diary.done == [("s-1", product.clock.at)]
    lines = product.lines("reminder")
    assert [line["error"] for line in lines if line["subject"] == learn.subject] == ["ValueError"] * 2


def test_a_moved_clock_drains_its_own_merchant_only(product: Deployed, diary: Diary) -> None:
    """Due is what its own business clock has passed."""
    other = Tenant(merchant_id="other", mode=ACME.mode)
    later = product.clock.at + 3_600
    write(product, watched("ours", later))
    product.services.store.reminders.write_reminder(other, watched("theirs", later))
    telemetry = Telemetry(structured_log(), stage=lambda: "test")
    assert remind(product.services, due_to(product.services, ACME, later), telemetry, diary.acts) == 1
    assert diary.done == [("ours", later)]


def test_what_is_due_by_a_moved_clock_needs_no_second_move(start: Start, diary: Diary) -> None:
    """In a sandbox a merchant's clock runs ahead, and time goes on from there."""
    for stage, done in (("sandbox", 1), ("test", 0)):
        product = start(STAGE=stage)
        product.services.store.set_clock_offset(ACME, 86_400)
        write(product, watched("s-1", product.clock.at + 86_460))
        product.clock.advance(60)
        assert anywhere(product, diary) == done


def test_a_van_nobody_hears_of_is_watched_as_the_clock_moves(start: Start) -> None:
    """Sold, set out, silent: when the clock has passed the window, the ledger says at risk, then broken."""
    product = start(STAGE="sandbox")
    sold = product.promise()
    workers.publish_facts(product.stream(), product.services)
    shift_id = product.done("GET", "/v1/depots/porto/plans/2026-11-24")["routes"][0]["shift_id"]
    product.clock.at = at(sold["promised_window"]["starts_at"])
    left = {"event_id": "e-1", "type": "departed_depot", "at": sold["promised_window"]["starts_at"]}
    assert product.ask("POST", f"/v1/shifts/{shift_id}/events", {"events": [left]}).status_code == 202
    kinds = []
    for before_end in (5 * MINUTE, -5 * MINUTE):
        then = at(sold["promised_window"]["ends_at"]) - before_end
        while product.services.business_now(ACME) < then:
            step = {"advance_seconds": min(600, then - product.services.business_now(ACME))}
            product.done("POST", "/v1/test/clock", step, key="admin")
        ledger = product.done("GET", f"/v1/promises/{sold['promise_id']}/ledger")["data"]
        kinds.append(
            [line["kind"] for line in ledger if line["kind"] in ("promise.at_risk", "promise.broken")]
        )
    assert kinds == [["promise.at_risk"], ["promise.at_risk", "promise.broken"]]
