"""What every store of reminders keeps; run on the one in memory and on the real one."""

from typing import Any

from chalicelib.events import Mode, Tenant
from chalicelib.reminders import Reminder, ReminderKind, ReminderStore
from chalicelib.units import Timestamp
from tests.promises.store_contract import ACME, BEST, NOW

ACME_LIVE = Tenant(merchant_id="acme", mode=Mode.LIVE)


def a_reminder(
    subject: str = "porto/2026-11-22#s-1",
    *,
    kind: ReminderKind = ReminderKind.WATCH_SHIFT,
    due_at: Timestamp = NOW,
) -> Reminder:
    return Reminder(kind=kind, subject=subject, due_at=due_at)


class ReminderStoreContract:
    """The port `reminders.ReminderStore`."""

    def test_several_are_written_at_once(self, store: Any) -> None:
        """More than one request holds; of one kind and subject there is one."""
        several = [a_reminder(f"s-{number}", due_at=NOW + number) for number in range(60)]
        store.write_reminders(ACME, [*several, a_reminder("s-0", due_at=NOW)])
        assert list(store.due_reminders_of(ACME, NOW + 60)) == several

    def test_is_due_from_its_time_on(self, store: ReminderStore) -> None:
        """Not a second before; and to its tenant only."""
        store.write_reminder(ACME, a_reminder())
        assert list(store.due_reminders_of(ACME, NOW - 1)) == []
        assert list(store.due_reminders_of(ACME, NOW)) == [a_reminder()]
        assert list(store.due_reminders_of(ACME_LIVE, NOW)) == []
        assert list(store.due_reminders_of(BEST, NOW)) == []

    def test_earliest_comes_first(self, store: ReminderStore) -> None:
        """Whatever the order in which they were written."""
        for ahead in (2, 0, 1):
            store.write_reminder(ACME, a_reminder(f"s-{ahead}", due_at=NOW + ahead))
        found = [reminder.subject for reminder in store.due_reminders_of(ACME, NOW + 9)]
        assert found == ["s-0", "s-1", "s-2"]

    def test_written_again_it_moves(self, store: ReminderStore) -> None:
        """There is one of a kind and subject."""
        store.write_reminder(ACME, a_reminder())
        store.write_reminder(ACME, a_reminder(due_at=NOW + 60))
        store.write_reminder(ACME, a_reminder(kind=ReminderKind.LEARN_DAY))
        assert list(store.due_reminders_of(ACME, NOW)) == [a_reminder(kind=ReminderKind.LEARN_DAY)]
        assert len(list(store.due_reminders_of(ACME, NOW + 60))) == 2

    def test_finished_is_gone_or_comes_again(self, store: ReminderStore) -> None:
        """As whoever acted on it says."""
        store.write_reminder(ACME, a_reminder("once"))
        store.write_reminder(ACME, a_reminder("again"))
        store.finish_reminder(ACME, a_reminder("once"), None)
        store.finish_reminder(ACME, a_reminder("again"), NOW + 60)
        assert list(store.due_reminders_of(ACME, NOW)) == []
        assert list(store.due_reminders_of(ACME, NOW + 60)) == [a_reminder("again", due_at=NOW + 60)]

    def test_finishing_leaves_alone_what_was_written_meanwhile(self, store: ReminderStore) -> None:
        """Something happened while it was acted on, and asked for another time: that time holds."""
        store.write_reminder(ACME, a_reminder())
        [read] = store.due_reminders_of(ACME, NOW)
        store.write_reminder(ACME, a_reminder(due_at=NOW + 30))
        store.finish_reminder(ACME, read, None)
        store.finish_reminder(ACME, read, NOW + 900)
        assert list(store.due_reminders_of(ACME, NOW + 900)) == [a_reminder(due_at=NOW + 30)]

    def test_those_of_all_tenants_are_found(self, store: ReminderStore) -> None:
        """Each with whose it is, whatever letters its subject has."""
        subject = "porto/2026-11-22#a#REMINDER#b"
        store.write_reminder(ACME, a_reminder(subject))
        store.write_reminder(BEST, a_reminder())
        found: list[Any] = list(store.due_reminders(NOW))
        assert sorted(found, key=str) == sorted([(ACME, a_reminder(subject)), (BEST, a_reminder())], key=str)
        assert list(store.due_reminders(NOW - 1)) == []
