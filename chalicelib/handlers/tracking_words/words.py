"""What the buyer's page has to say, in whatever language.

Weak point: a number beside a noun is only said of stops, in the three forms that these languages need.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from chalicelib.promises.model import ChangeKind, Outcome, PromiseState, Refusal
from chalicelib.tracking.model import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWords:
    """One language.

    Attributes
    ----------
    weekdays, months
        Monday and January first.
    day
        A date, of `{weekday}`, `{day}` and `{month}`.
    stops
        Deliveries before this one: none, one, `{count}`.
    """

    language: str
    title: str
    today: str
    tomorrow: str
    weekdays: Sequence[str]
    months: Sequence[str]
    day: str
    states: Mapping[PromiseState, str]
    expected: str
    stops: tuple[str, str, str]
    causes: Mapping[Cause, str]
    late: str
    before: str
    outcomes: Mapping[Outcome, str]
    map_label: str
    van_seen: str
    roads: str
    score_title: str
    score_product: str
    score_delivery: str
    score_from: str
    score_to: str
    comment: str
    send: str
    scored: str
    call: str
    not_found_title: str
    not_found: str
    refused_title: str
    change_title: str
    offers_title: str
    change_slot: str
    which_slot: str
    change_neighbour: str
    which_neighbour: str
    change_safe_place: str
    which_safe_place: str
    change_gate_code: str
    which_gate_code: str
    change_cancel: str
    sure_to_cancel: str
    until: str
    arranged: Mapping[ChangeKind, str]
    dones: Mapping[ChangeKind, str]
    refusals: Mapping[Refusal, str]
    go_back: str
    later: str

    def day_of(self, day: date, today: date) -> str:
        """Name a date as a person would who is told today."""
        if day == today:
            return self.today
        if day == today + timedelta(days=1):
            return self.tomorrow
        weekday, month = self.weekdays[day.weekday()], self.months[day.month - 1]
        return self.day.format(weekday=weekday, day=day.day, month=month)

    def stops_before(self, count: int) -> str:
        """Say how many deliveries the van makes first."""
        return self.stops[min(count, 2)].format(count=count)
