"""Every kind of text, in every language, from what really happens to the phone it arrives on.

Four neighbours who speak four languages live through the same deliveries: what holds up their van concerns
them all. What each of them reads is held against the words of their language.
"""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from chalicelib.notifications.model import ANSWERS, MessageKind
from chalicelib.notifications.templates import LANGUAGES
from chalicelib.notifications.wording.language import Language
from chalicelib.notifications.wording.sayings import LeftHow
from chalicelib.units import MINUTE
from tests.handlers.deployed import Deployed, Start
from tests.handlers.played import Played
from tests.handlers.shop_client import a_depot, at, fresh
from tests.handlers.test_remedies import DAY, ahead

LATER: Final = "2026-11-26"
PLACES = {tag: {"lat": 41.16 + nth / 500, "lon": -8.61} for nth, tag in enumerate(LANGUAGES)}
PHONES = {tag: f"+1202555016{nth}" for nth, tag in enumerate(LANGUAGES)}
LEFT = dict(zip(LANGUAGES, LeftHow, strict=True))

KINDS: Final = {
    "promise_confirmed": MessageKind.PROMISE_CONFIRMED,
    "day_before": MessageKind.DAY_BEFORE,
    "morning_window": MessageKind.MORNING_WINDOW,
    "window_narrowed": MessageKind.WINDOW_CHANGED,
    "window_moved": MessageKind.WINDOW_CHANGED,
    "next_stop": MessageKind.NEXT_STOP,
    "at_risk": MessageKind.AT_RISK,
    "back_on_time": MessageKind.BACK_ON_TIME,
    "delayed": MessageKind.DELAYED,
    "delivered": MessageKind.DELIVERED,
    "failed": MessageKind.FAILED,
    "rescheduled": MessageKind.RESCHEDULED,
    "address_changed": MessageKind.ADDRESS_CHANGED,
    "redirected_neighbour": MessageKind.REDIRECTED,
    "redirected_safe_place": MessageKind.REDIRECTED,
    "cancelled": MessageKind.CANCELLED,
    "feedback_asked": MessageKind.FEEDBACK_ASKED,
    "access_asked": MessageKind.ACCESS_ASKED,
}
"""What is said, by its name among a language's words."""


class Street(Played):
    """Deliveries to four neighbours, each of whom speaks another language."""

    def __init__(self, product: Deployed) -> None:
        super().__init__(product, quiet_hours=None)
        hours = [(8, 18), (10, 12), (12, 14), (14, 16)]
        slots = [{"starts": f"{start:02}:00", "ends": f"{end:02}:00"} for start, end in hours]
        product.done("PUT", "/v1/depots/porto", a_depot(slots=slots))
        self.day, self.made = DAY, list[tuple[str, str]]()

    def order(self, tag: str, hour: int, **recipient: str) -> str:
        """Order for the slot of the day that begins then; gives the promise's id."""
        slots = self.product.search(destination=PLACES[tag], days=3)
        starts = f"{self.day}T{hour:02}:00"
        [offer] = [slot["offer"] for slot in slots if slot["starts_at"].startswith(starts)]
        recipient = {"name": "Ana", "phone": PHONES[tag], "locale": tag} | recipient
        made: str = self.product.promise(offer=offer, recipient=recipient)["promise_id"]
        self.made.append((tag, made))
        return made

    def everybody(self, hour: int) -> list[str]:
        """All four of them order."""
        made = [self.order(tag, hour) for tag in LANGUAGES]
        self.settle()
        return made

    def hear(self, wall: str, *events: dict[str, Any]) -> None:
        """The van's phone reports, and what came due by then is done."""
        self.comes(wall)
        told = [{"event_id": fresh("event"), "at": f"{self.day}T{wall}:00Z", **event} for event in events]
        shift = f"porto.van-1.{self.day}.0800"
        answer = self.product.done("POST", f"/v1/shifts/{shift}/events", {"events": told})
        assert answer["ignored"] == []
        self.settle()
        self.tick()

    def comes(self, wall: str) -> None:
        """It is as late as that."""
        self.product.clock.at = at(f"{self.day}T{wall}:00Z")
        self.tick()

    def visit(self, wall: str, promise_id: str, outcome: str) -> None:
        """The van is at a door."""
        about = {"promise_id": promise_id}
        done = {"type": "completed", **about, "outcome": outcome}
        self.hear(wall, {"type": "arrived", **about}, done)

    def read(self) -> set[tuple[str, str]]:
        """What was said, and in which language: of this kind by the record, and in these words."""
        return {
            (name, tag)
            for tag, promise_id in self.made
            for text in self.product.done("GET", f"/v1/promises/{promise_id}/messages")["data"]
            for name, kind in KINDS.items()
            if text["kind"] == kind and text["status"] in ("sent", "delivered")
            if says(LANGUAGES[tag], name, text["body"])
        }


def says(language: Language, name: str, body: str) -> bool:
    """Whether a text is made of these words of a language, whatever they are filled in with."""
    words = re.sub(r"\\\{\w+\\\}", ".+", re.escape(getattr(language, name)))
    return re.match(f"Acme: {words}", body) is not None


def changes_of_mind(street: Street) -> None:
    """Booked; moved by the merchant, then cancelled."""
    for promise_id in street.everybody(10):
        slots = street.product.other_slots(promise_id)
        offer = next(slot["offer"] for slot in slots if slot["starts_at"].startswith(f"{DAY}T14"))
        street.product.change(promise_id, kind="slot", offer=offer)
        street.settle()
        street.product.change(promise_id, kind="cancel")
    street.settle()


def second_thoughts_on_the_page(street: Street) -> None:
    """To another address, to a neighbour, and then to be left somewhere, each after a while."""
    made, product = street.everybody(12), street.product
    there = {"lines": ["Rua Nova 1"], "postal_code": "4000", "city": "Porto", "country": "PT"}
    place = {"lat": 41.163, "lon": -8.612}
    for change in (
        {"kind": "address", "address": there, "location": place},
        {"kind": "neighbour", "name_or_number": "12"},
        {"kind": "safe_place", "where": "in the shed"},
    ):
        for promise_id in made:
            page = urlsplit(product.done("GET", f"/v1/promises/{promise_id}")["tracking_url"]).path
            assert product.done("POST", f"{page}/changes", change, key=None)["state"] == "accepted"
        street.settle()
        product.clock.at += 10 * MINUTE
        street.tick()


def any_time_of_the_day(street: Street) -> None:
    """The van has left before the morning's text, and then stands still; at last nobody is in."""
    made = [*street.everybody(8), *street.everybody(8)]  # so that nobody's language is only next
    street.hear("07:40", {"type": "departed_depot"})
    street.hear("07:58", {"type": "incident", "kind": "delay", "delay_seconds": 5400})
    street.comes("08:16")
    for nth, promise_id in enumerate(made[:4]):
        street.visit(f"09:{30 + 2 * nth}", promise_id, "failed_not_home")


def trouble_that_is_over(street: Street) -> None:
    """Held up, and then for longer; asked for a code meanwhile; the one before them is reached after all."""
    first = street.order("en", 10, phone="+12025550170")
    made = street.everybody(12)
    street.hear("09:50", {"type": "departed_depot"})
    street.hear("10:10", {"type": "incident", "kind": "delay", "delay_seconds": 5 * 3600})
    street.hear("10:30", {"type": "incident", "kind": "delay", "delay_seconds": 6 * 3600})
    street.hear("10:50", *({"type": "incident", "kind": "access", "promise_id": each} for each in made))
    street.visit("11:10", first, "delivered_to_recipient")
    street.comes("11:30")


def an_ordinary_round(street: Street) -> None:
    """Each is next, hears where it was left, and is asked how it was."""
    whose = dict(zip(street.everybody(12), LANGUAGES, strict=True))
    street.hear("11:50", {"type": "departed_depot"})
    for nth, promise_id in enumerate(ahead(street.manifest("van-1"))):
        tag = whose[promise_id]
        street.visit(f"12:{10 + 5 * nth}", promise_id, f"delivered_to_{LEFT[tag]}")
        assert any(LANGUAGES[tag].left[LEFT[tag]] in body for body in street.texts(PHONES[tag]))
    street.comes("14:40")


def ordered_long_ago(street: Street) -> None:
    """On Tuesday for Thursday, at any time of the day."""
    street.day = LATER
    street.everybody(8)
    street.product.clock.at = at("2026-11-25T18:01:00Z")
    street.tick()
    street.comes("08:01")


STORIES: Final[dict[Callable[[Street], None], tuple[str, ...]]] = {
    changes_of_mind: ("promise_confirmed", "rescheduled", "cancelled"),
    second_thoughts_on_the_page: ("address_changed", "redirected_neighbour", "redirected_safe_place"),
    any_time_of_the_day: ("window_narrowed", "window_moved", "failed"),
    trouble_that_is_over: ("at_risk", "delayed", "access_asked", "back_on_time"),
    an_ordinary_round: ("next_stop", "delivered", "feedback_asked"),
    ordered_long_ago: ("day_before", "morning_window"),
}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_what_happens_is_read_in_every_language(start: Start, story: Callable[[Street], None]) -> None:
    """From the event to the phone, through handlers, workers and the carrier."""
    street = Street(start())
    story(street)
    read = street.read()
    assert [(name, tag) for name in STORIES[story] for tag in LANGUAGES if (name, tag) not in read] == []


def test_the_stories_hold_every_kind_there_is() -> None:
    """CONTROL: a kind that nothing leads to would be missed here; answers are for whoever writes."""
    told = [name for names in STORIES.values() for name in names]
    assert sorted(told) == sorted(KINDS)
    assert set(KINDS.values()) == set(MessageKind) - ANSWERS - {MessageKind.REPLY}
