"""One of everything that can be said, with values as they are on an ordinary day and at their longest."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.notifications.intents import IntentKind
from chalicelib.notifications.wording.sayings import (
    AccessAsked,
    AddressChanged,
    Asking,
    AtRisk,
    BackOnTime,
    Cancelled,
    Cause,
    Choice,
    ChoiceKind,
    DayBefore,
    Delayed,
    Delivered,
    Done,
    Effect,
    Failed,
    FailedWhy,
    FeedbackAsked,
    HelpGiven,
    LeftHow,
    MorningWindow,
    NextStop,
    Obstacle,
    Order,
    PromiseConfirmed,
    PromptTooOld,
    Redirected,
    Refused,
    Rescheduled,
    Saying,
    Whereabouts,
    WhichOrder,
    WindowChanged,
)
from chalicelib.routing.model import TimeWindow

ZONE = ZoneInfo("Europe/Lisbon")
LINK = "https://d.example.com/t/k7Q2mZ9xW4bT1rVs"
LONGEST_LINK = "https://deliveries.eu-west-1.example.com/t/k7Q2mZ9xW4bT1rVs"
PHONE = "+12025550123"


def local(day: int, hour: int, minute: int = 0) -> int:
    """An instant of November 2026 on the wall in Lisbon."""
    return int(datetime(2026, 11, day, hour, minute, tzinfo=ZONE).timestamp())


NOW = local(24, 9, 30)  # a Tuesday
THIS_AFTERNOON = TimeWindow(start=local(24, 14), end=local(24, 16))
THIS_EVENING = TimeWindow(start=local(24, 17, 10), end=local(24, 17, 40))
TOMORROW = TimeWindow(start=local(25, 10), end=local(25, 12))
SATURDAY = TimeWindow(start=local(28, 10), end=local(28, 12))
LONGEST_WINDOW = TimeWindow(start=local(28, 10, 15), end=local(28, 20, 45))


def everything(
    *,
    window: TimeWindow,
    moved: TimeWindow,
    link: str,
    order_ref: str = "1042",
    stops: int = 3,
) -> Iterator[tuple[str, Saying]]:
    """Every kind of saying with every reason, cause and effect it may have."""
    slots = (Choice(kind=ChoiceKind.SLOT, window=moved), Choice(kind=ChoiceKind.SLOT, window=SATURDAY))
    ways = (Choice(kind=ChoiceKind.NEIGHBOUR), Choice(kind=ChoiceKind.SAFE_PLACE))
    keep, cancel = Choice(kind=ChoiceKind.KEEP), Choice(kind=ChoiceKind.CANCEL)
    yield "confirmed", PromiseConfirmed(window=window, link=link)
    yield "day_before", DayBefore(window=moved, link=link)
    yield "morning", MorningWindow(window=window, link=link)
    yield "narrowed", WindowChanged(window=window, narrowed=True, link=link)
    yield "moved", WindowChanged(window=moved, narrowed=False, link=link)
    yield "next_stop", NextStop(window=window, link=link)
    yield "at_risk", AtRisk(promised=window, expected=moved, choices=(keep, slots[0], ways[0]))
    yield "back_on_time", BackOnTime(window=window)
    for cause in Cause:
        yield f"delayed.{cause}", Delayed(window=moved, cause=cause, link=link)
    broken_down = Cause.VEHICLE
    yield "delayed.open", Delayed(window=None, cause=broken_down, link=link)
    yield "at_risk.open", AtRisk(promised=window, expected=None, choices=slots, cause=broken_down)
    for how in LeftHow:
        yield f"delivered.{how}", Delivered(at=window.start, how=how, link=link)
    for why in FailedWhy:
        yield f"failed.{why}", Failed(why=why, choices=slots)
    yield "failed.no_choices", Failed(why=FailedWhy.NOT_HOME, link=link)
    yield "rescheduled", Rescheduled(window=moved, link=link)
    yield "address_changed", AddressChanged(link=link)
    for to_neighbour, name in ((True, "neighbour"), (False, "safe_place")):
        yield f"redirected.{name}", Redirected(to_neighbour=to_neighbour, link=link)
    yield "cancelled", Cancelled()
    yield "feedback_asked", FeedbackAsked()
    yield "access_asked", AccessAsked()
    for effect in Effect:
        yield f"done.{effect}", Done(effect=effect, window=moved)
    for obstacle in Obstacle:
        yield f"refused.{obstacle}", Refused(obstacle=obstacle, choices=slots)
    yield "refused.no_choices", Refused(obstacle=Obstacle.FINISHED, link=link)
    for about in IntentKind:
        yield f"question.{about}", Asking(about=about)
    yield "question.choices", Asking(about=IntentKind.NOT_HOME, choices=(*ways, slots[0], cancel))
    yield "question.unclear", Asking(choices=(*ways, Choice(kind=ChoiceKind.OTHER)), link=link)
    orders = (Order(order_ref=order_ref, window=window), Order(order_ref=order_ref, window=moved))
    yield "which_order", WhichOrder(orders=orders)
    yield "too_old", PromptTooOld(choices=slots)
    yield "whereabouts", Whereabouts(window=window, link=link)
    yield "whereabouts.next", Whereabouts(window=window, stops_before=0, link=link)
    yield "whereabouts.one", Whereabouts(window=window, stops_before=1, link=link)
    yield "whereabouts.more", Whereabouts(window=window, stops_before=stops, link=link)
    yield "help", HelpGiven(support_phone=PHONE)
    yield "help.no_phone", HelpGiven()


def examples() -> Iterator[tuple[str, Saying]]:
    """As on an ordinary day."""
    return everything(window=THIS_AFTERNOON, moved=THIS_EVENING, link=LINK)


def longest() -> Iterator[tuple[str, Saying]]:
    """With the longest values there are."""
    return everything(
        window=LONGEST_WINDOW, moved=LONGEST_WINDOW, link=LONGEST_LINK, order_ref="W" * 12, stops=199
    )
