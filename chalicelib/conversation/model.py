"""Where a conversation by text stands: what was asked last, what was answered lately.

A number in a reply means nothing by itself: it is read against the prompt that listed it, which names slots
and orders by their ids. So a prompt may be as old as it likes, nothing is sold by it. Weak point: of all we
asked ourselves only the last is kept; what other texts offered stands with the promise.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Self

from chalicelib.events import Tenant
from chalicelib.notifications.intents import Asked
from chalicelib.notifications.wording.sayings import ChoiceKind
from chalicelib.routing.model import TimeWindow
from chalicelib.units import DAY, HOUR, MINUTE, Seconds, StopId, Timestamp

PROMPT_LIFE: Final[Seconds] = DAY
CANCELLING_LIFE: Final[Seconds] = HOUR  # it cannot be taken back, and a late yes may be to something else
QUIET_FOR: Final[Seconds] = 30 * MINUTE
MOST_ALIKE: Final = 2  # answers in that time to one who wants the same again: a machine repeats itself
_MOST_ANSWERS: Final = 6  # in that time to whoever wants something else each time
AT_ONCE: Final[Seconds] = MINUTE  # two replies this near were sent before either was answered


class Weight(StrEnum):
    """What an answer costs of those a machine may get."""

    NOTHING = "nothing"  # something was done that was wished
    ONE = "one"
    QUESTION = "question"  # we did not understand: one, and no other before it is quiet for a while


class Unhandled(StrEnum):
    """Why a merchant has to read a buyer's text."""

    UNCLEAR = "unclear"
    WRONG_ADDRESS = "wrong_address"
    WRONG_NUMBER = "wrong_number"
    MAY_CANCEL = "may_cancel"  # CANCEL ended the texts, so nobody can be asked by one
    PERSON_WANTED = "person_wanted"
    NO_OPEN_DELIVERY = "no_open_delivery"
    NOT_ANSWERED = "not_answered"  # it may be a machine's, or is of somebody who may not be texted


@dataclass(frozen=True, slots=True)
class About:
    """One promise of one merchant."""

    tenant: Tenant
    stop_id: StopId


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One numbered choice; of a slot, which."""

    kind: ChoiceKind
    window: TimeWindow | None = None
    slot_id: str | None = None


def can_cancel(options: Iterable[Option]) -> bool:
    """Whether one of them takes the delivery back."""
    return any(option.kind is ChoiceKind.CANCEL for option in options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What we asked.

    Attributes
    ----------
    sid
        The buyer's text that it answered. Empty for a prompt that no text of the buyer's led to.
    waiting
        Where it asks which order: the text that waits for that.
    asked
        What it waits for; None: which order of `about`.
    about
        The promise, or those to choose from by number.
    at
        System time of the text that led to it: merchants have clocks of their own.
    window
        The promise's, when it was asked; with another one its slots are of no use.
    taken, taken_at
        The number that was chosen, and when.
    """

    sid: str
    asked: Asked | None
    about: tuple[About, ...]
    at: Timestamp
    valid_until: Timestamp
    options: tuple[Option, ...] = ()
    window: TimeWindow | None = None
    waiting: str = ""
    taken: int | None = None
    taken_at: Timestamp = 0

    def is_open(self, now: Timestamp) -> bool:
        """Whether it can still be answered."""
        return self.taken is None and now < self.valid_until

    @property
    def outlives_texts(self) -> bool:
        """Whether it can be answered though something else was texted since.

        A number stands for the last list; words answer what was said last, and so does what would cancel.
        """
        return self.asked in (None, Asked.CHOICE) and not can_cancel(self.options)

    def option(self, number: int) -> Option | None:
        """What a number stands for; None if it is none of its."""
        return self.options[number - 1] if 1 <= number <= len(self.options) else None

    def used(self, number: int, now: Timestamp) -> Self:
        """The same, answered."""
        return replace(self, taken=number, taken_at=now)

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "sid": self.sid,
            "asked": self.asked,
            "about": [[str(each.tenant), each.stop_id] for each in self.about],
            "at": self.at,
            "valid_until": self.valid_until,
            "options": [[each.kind, each.slot_id, _span(each.window)] for each in self.options],
            "window": _span(self.window),
            "waiting": self.waiting,
            "taken": self.taken,
            "taken_at": self.taken_at,
        }

    @staticmethod
    def of(document: dict[str, Any]) -> "Prompt":
        """Read what `document` wrote."""
        return Prompt(
            sid=document["sid"],
            asked=Asked(document["asked"]) if document["asked"] else None,
            about=tuple(About(Tenant.parse(whose), stop_id) for whose, stop_id in document["about"]),
            at=document["at"],
            valid_until=document["valid_until"],
            options=tuple(
                Option(kind=ChoiceKind(kind), slot_id=slot_id, window=_window(span))
                for kind, slot_id, span in document["options"]
            ),
            window=_window(document["window"]),
            waiting=document.get("waiting", document["sid"]),  # it was the same one
            taken=document["taken"],
            taken_at=document["taken_at"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer of ours, lately, and what it answered (`Order.wish`)."""

    sid: str
    at: Timestamp
    weight: Weight
    wish: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What is known of one buyer's number and one of ours.

    Attributes
    ----------
    version
        Of the stored row; 0 before it is stored.
    """

    prompt: Prompt | None = None
    said: tuple[Said, ...] = ()
    version: int = 0

    def may_say(self, answer: Said) -> bool:
        """Whether an answer does not keep a machine going; one that was let go before still may."""
        if answer.weight is Weight.NOTHING or any(each.sid == answer.sid for each in self.said):
            return True
        lately = [each for each in self.said if answer.at - each.at < QUIET_FOR]
        if answer.weight is Weight.QUESTION and any(each.weight is Weight.QUESTION for each in lately):
            return False
        alike = sum(each.wish == answer.wish for each in lately)
        counted = sum(each.weight is not Weight.NOTHING for each in lately)
        return alike < MOST_ALIKE and counted < _MOST_ANSWERS

    def after(self, answer: Said, prompt: Prompt | None) -> "Talk":
        """The same with one answer more; what is long ago is forgotten, an older prompt never returns."""
        others = (each for each in self.said if each.sid != answer.sid and answer.at - each.at < QUIET_FOR)
        before = self.prompt
        if prompt is None and before is not None and not before.outlives_texts:
            before = None
        newer = prompt is not None and (before is None or prompt.at >= before.at)
        return replace(self, prompt=prompt if newer else before, said=(*others, answer))

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "prompt": self.prompt.document() if self.prompt else None,
            "said": [[each.sid, each.at, each.weight, each.wish] for each in self.said],
        }

    @staticmethod
    def of(document: dict[str, Any], version: int) -> "Talk":
        """Read what `document` wrote."""
        return Talk(
            prompt=Prompt.of(document["prompt"]) if document["prompt"] else None,
            said=tuple(
                Said(sid=sid, at=at, weight=Weight(weight), wish=wish)
                for sid, at, weight, wish in document["said"]
            ),
            version=version,
        )


def _span(window: TimeWindow | None) -> list[Timestamp] | None:
    return [window.start, window.end] if window else None


def _window(span: list[Timestamp] | None) -> TimeWindow | None:
    return TimeWindow(start=span[0], end=span[1]) if span else None
