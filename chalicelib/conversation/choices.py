"""What a buyer may choose from instead: slots that can be had now, a neighbour, a safe place.

Nothing here changes or keeps anything: a slot that is listed is not held, and is looked up anew when its
number comes back. Weak point: each look at what is possible is a search for slots; a reply may take two.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from chalicelib.conversation.model import Option
from chalicelib.conversation.orders import Order
from chalicelib.conversation.ports import Ports
from chalicelib.notifications.intents import Hours
from chalicelib.notifications.wording.sayings import ChoiceKind
from chalicelib.promises.changes import Possible
from chalicelib.promises.model import ChangeKind, Listed, Offer
from chalicelib.promises.search import OFFER_LIFE
from chalicelib.routing.model import TimeWindow
from chalicelib.units import MINUTE

MOST_CHOICES: Final = 3  # a text that lists more is read by nobody
CANCEL_OR_KEEP: Final = (Option(kind=ChoiceKind.CANCEL), Option(kind=ChoiceKind.KEEP))
KEEP_OR_CANCEL: Final = (Option(kind=ChoiceKind.KEEP), Option(kind=ChoiceKind.CANCEL))
"""For who only speaks of cancelling, maybe to ask whether we did: it takes a number, no yes is one to it."""
_DAYS: Final = 14  # that are searched for another slot
_LEFT_ELSEWHERE: Final = {
    ChangeKind.NEIGHBOUR: ChoiceKind.NEIGHBOUR,
    ChangeKind.SAFE_PLACE: ChoiceKind.SAFE_PLACE,
}


class Choices:
    """What there is to choose for one delivery, at its merchant's own time."""

    def __init__(self, ports: Ports, order: Order) -> None:
        self._ports, self._tenant = ports, order.tenant
        self._promise, self._now = order.promise, order.now

    def possible(self) -> Possible:
        """What can be changed about it at all.

        Cost: a search for slots over two weeks.
        """
        return self._ports.promises.possible(self._tenant, self._promise, self._now, days=_DAYS)

    def slots(self) -> tuple[Option, ...]:
        """The nearest slots that can be had, whenever they are."""
        return self.nearest(self.possible().slots)

    def instead(self) -> tuple[Option, ...]:
        """What somebody may want who will not be there."""
        possible = self.possible()
        elsewhere = left_elsewhere(possible.kinds)
        return (*self.nearest(possible.slots)[: MOST_CHOICES - len(elsewhere)], *elsewhere)

    def nearest(self, slots: Iterable[Listed]) -> tuple[Option, ...]:
        """Those nearest in time to what was promised, to choose from."""
        there = [slot for slot in slots if slot.offer is not None]
        there.sort(key=lambda slot: (abs(slot.window.start - self._promise.window.start), slot.window.start))
        return tuple(
            Option(kind=ChoiceKind.SLOT, window=slot.window, slot_id=slot.slot_id)
            for slot in there[:MOST_CHOICES]
        )

    def offer(self, option: Option) -> Offer | None:
        """The slot as it can be had now: by the promise's own choices, or else looked up anew."""
        offered = self._promise.offered(self._now, OFFER_LIFE).values()
        own = next((offer for offer in offered if offer.slot_id == option.slot_id), None)
        listed = (slot.offer for slot in self.possible().slots if slot.slot_id == option.slot_id)
        return own or next(listed, None)

    def is_wished(self, window: TimeWindow, day: date | None, hours: Hours | None) -> bool:
        """Whether a window is what a buyer wishes.

        Parameters
        ----------
        day
            None: the one promised.
        """
        zone = ZoneInfo(self._promise.timezone)
        wanted = day or datetime.fromtimestamp(self._promise.window.start, zone).date()
        return _fits(window, wanted, hours, zone)

    def wished(self, slots: Sequence[Listed], day: date | None, hours: Hours | None) -> list[Listed]:
        """Those of some slots that a buyer wishes."""
        return [slot for slot in slots if self.is_wished(slot.window, day, hours)]


def left_elsewhere(kinds: Iterable[ChangeKind]) -> tuple[Option, ...]:
    """Where it may be left, of what is still possible."""
    known = set(kinds)
    return tuple(Option(kind=choice) for kind, choice in _LEFT_ELSEWHERE.items() if kind in known)


def _fits(window: TimeWindow, day: date, hours: Hours | None, zone: ZoneInfo) -> bool:
    """Whether a window lies on a day, and in the hours that are wished."""
    starts, ends = (datetime.fromtimestamp(at, zone) for at in (window.start, window.end))
    if starts.date() != day:
        return False
    if hours is None:
        return True
    start = starts.hour * 60 + starts.minute
    end = start + round((ends.timestamp() - starts.timestamp()) / MINUTE)
    if hours.start is not None and hours.start == hours.end:
        return start <= hours.start < end
    return (hours.start is None or start >= hours.start) and (hours.end is None or end <= hours.end)
