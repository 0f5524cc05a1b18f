"""What is done when its time has come: for each kind of reminder, who acts.

An act may be done twice, or late, and says when it is to be done again. One that fails does not hold up the
others, and is tried again when reminders are looked at next.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from chalicelib.events import Tenant
from chalicelib.fleet.plans import PlanKey
from chalicelib.handlers.telemetry import Telemetry
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.units import DAY, Seconds, Timestamp

if TYPE_CHECKING:
    from chalicelib.bootstrap import Services

type Act = Callable[["Services", Tenant, str, Timestamp], Timestamp | None]
"""Takes a reminder's subject and the business time; gives when to be reminded again, None if never."""

_FARTHEST: Final[Seconds] = 400 * DAY  # that a test clock may run ahead


def _watch_plan(services: "Services", tenant: Tenant, subject: str, now: Timestamp) -> Timestamp | None:
    plan = PlanKey.parse(subject)
    services.motion.keep_planned(tenant, plan, now)
    return services.watch.muster(tenant, plan, now)


def _watch_shift(services: "Services", tenant: Tenant, subject: str, now: Timestamp) -> Timestamp | None:
    from chalicelib.motion.watching import shift_of  # which no door that moves a clock need load

    return services.watch.watch(tenant, *shift_of(subject), now)


def _learn_day(services: "Services", tenant: Tenant, subject: str, now: Timestamp) -> Timestamp | None:
    return services.learning.learn(tenant, PlanKey.parse(subject), now)


def _see_to_text(services: "Services", tenant: Tenant, message_id: str, now: Timestamp) -> Timestamp | None:
    from chalicelib.notifications.progress import Moment

    at = Moment(now=now, system_now=services.clock.system_now())
    return services.text_progress.remind(tenant, message_id, at)


def _tell(kind: ReminderKind) -> Act:
    return lambda services, tenant, subject, now: services.notifications.remind(tenant, kind, subject, now)


ACTS: Final[Mapping[ReminderKind, Act]] = {
    ReminderKind.LEARN_DAY: _learn_day,
    ReminderKind.SEE_TO_TEXT: _see_to_text,
    ReminderKind.WATCH_PLAN: _watch_plan,
    ReminderKind.WATCH_SHIFT: _watch_shift,
    ReminderKind.FINISH_ERASURE: lambda services, tenant, subject, now: services.erasure.finish(
        tenant, subject, now
    ),
    ReminderKind.ASK_ACCESS: lambda services, tenant, subject, now: services.access.due(tenant, subject, now),
    ReminderKind.TELL_DAY_BEFORE: _tell(ReminderKind.TELL_DAY_BEFORE),
    ReminderKind.TELL_MORNING: _tell(ReminderKind.TELL_MORNING),
    ReminderKind.TELL_ANEW: lambda services, tenant, subject, now: services.notifications.tell_anew(
        tenant, subject, now
    ),
    ReminderKind.ASK_FEEDBACK: _tell(ReminderKind.ASK_FEEDBACK),
}


def due_anywhere(services: "Services", now: Timestamp) -> Iterator[tuple[Tenant, Reminder, Timestamp]]:
    """What is due to all tenants, and their business time, at a system time.

    Their clocks are the system's but where there is a test clock, which only runs ahead.
    """
    moved = services.settings.has_test_clock
    clocks = dict[Tenant, Timestamp]()
    for tenant, reminder in services.store.reminders.due_reminders(now + _FARTHEST if moved else now):
        if tenant not in clocks:
            clocks[tenant] = services.business_now(tenant, system_now=now)
        if reminder.due_at <= clocks[tenant]:
            yield tenant, reminder, clocks[tenant]


def due_to(
    services: "Services", tenant: Tenant, now: Timestamp
) -> Iterator[tuple[Tenant, Reminder, Timestamp]]:
    """What is due to one tenant by a business time."""
    return ((tenant, due, now) for due in services.store.reminders.due_reminders_of(tenant, now))


def remind(
    services: "Services",
    due: Iterable[tuple[Tenant, Reminder, Timestamp]],
    telemetry: Telemetry,
    acts: Mapping[ReminderKind, Act] = ACTS,
) -> int:
    """Act on what is due; gives how much was acted on.

    Raises
    ------
    ExceptionGroup
        What went wrong, when all others are done.
    """
    done, failures = 0, list[Exception]()
    for tenant, reminder, now in due:
        try:
            with telemetry.line("reminder") as line:
                line.fields |= {"tenant": str(tenant), "reminder": reminder.kind, "subject": reminder.subject}
                again_at = acts[reminder.kind](services, tenant, reminder.subject, now)
                services.store.reminders.finish_reminder(tenant, reminder, again_at)
        except Exception as failed:  # raised again below: one that fails must not hold up the others
            failures.append(failed)
        else:
            done += 1
    if failures:
        raise ExceptionGroup("reminders failed", failures)
    return done
