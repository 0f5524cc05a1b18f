"""What is answered to a reply, and the question that goes with it: values, nothing is written or sent here.

An answer that lists choices makes the prompt its numbers will be read against. Weak point: a question without
anything to choose from sends its buyer to the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.conversation.model import (
    CANCELLING_LIFE,
    PROMPT_LIFE,
    Option,
    Prompt,
    Unhandled,
    Weight,
    can_cancel,
)
from chalicelib.conversation.orders import Order
from chalicelib.notifications.intents import Asked, IntentKind
from chalicelib.notifications.wording.sayings import (
    Asking,
    Choice,
    Done,
    Effect,
    Obstacle,
    PromptTooOld,
    Refused,
    Saying,
)

_WAITS_FOR: Final = {
    IntentKind.NEIGHBOUR: Asked.NEIGHBOUR,
    IntentKind.SAFE_PLACE: Asked.SAFE_PLACE,
    IntentKind.GATE_CODE: Asked.GATE_CODE,
    IntentKind.SCORES: Asked.SCORES,
    IntentKind.CANCEL: Asked.CONFIRMATION,
}
IN_WORDS: Final = frozenset(_WAITS_FOR) - {IntentKind.CANCEL}
"""What is asked for without anything to choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a reply.

    Attributes
    ----------
    saying
        None: nothing is said.
    prompt
        What the buyer may answer next; or the prompt that was used.
    unhandled
        Why the merchant has to read the text; None if all was done.
    """

    saying: Saying | None = None
    weight: Weight = Weight.ONE
    prompt: Prompt | None = None
    unhandled: Unhandled | None = None


SILENCE: Final = Answer()
PASSED_ON: Final = Done(effect=Effect.PASSED_ON)


class Answers:
    """Answers to one text, about one delivery.

    Parameters
    ----------
    sid
        The buyer's text.
    link
        The buyer's page.
    """

    def __init__(self, order: Order, sid: str, link: str) -> None:
        self._order, self._sid, self._link = order, sid, link

    def question(
        self,
        about: IntentKind | None,
        options: Sequence[Option],
        weight: Weight = Weight.ONE,
        *,
        unhandled: Unhandled | None = None,
    ) -> Answer:
        """Ask one thing.

        Parameters
        ----------
        about
            None: what is meant at all.
        options
            What is listed by number; without any it is asked for in words.
        """
        waits_for = _WAITS_FOR.get(about, Asked.CHOICE) if about else Asked.CHOICE
        saying = Asking(about=about, choices=_shown(options), link=None if options else self._link)
        prompt = self._prompt(waits_for, options)
        return Answer(saying=saying, weight=weight, prompt=prompt, unhandled=unhandled)

    def refusal(self, obstacle: Obstacle, options: Sequence[Option]) -> Answer:
        """Say why not, and what there is instead."""
        saying = Refused(obstacle=obstacle, choices=_shown(options), link=None if options else self._link)
        return Answer(saying=saying, prompt=self._prompt(Asked.CHOICE, options) if options else None)

    def too_old(self, options: Sequence[Option]) -> Answer:
        """Say that a number stands for nothing any more, and what there is now."""
        saying = PromptTooOld(choices=_shown(options), link=self._link)
        return Answer(saying=saying, prompt=self._prompt(Asked.CHOICE, options) if options else None)

    def _prompt(self, asked: Asked, options: Sequence[Option]) -> Prompt:
        order = self._order
        return Prompt(
            sid=self._sid,
            asked=asked,
            about=(order.about,),
            at=order.written_at,
            valid_until=order.now + (CANCELLING_LIFE if can_cancel(options) else PROMPT_LIFE),
            options=tuple(options),
            window=order.promise.window,
        )


def _shown(options: Sequence[Option]) -> tuple[Choice, ...]:
    return tuple(Choice(kind=option.kind, window=option.window) for option in options)
