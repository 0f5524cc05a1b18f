"""What a buyer was asked last, of what they had read: all that an answer is read against.

A prompt counts only if the carrier had its text when the buyer wrote, so none counts that was never sent, or
that crossed with the answer. The last one counts: a number stands for the last list, a word answers the last
text. Weak point: with the carrier is not yet read; who writes in those seconds is taken to have read it.
"""

from collections.abc import Sequence
from typing import Final

from chalicelib.conversation.model import PROMPT_LIFE, About, Option, Prompt, Talk
from chalicelib.fleet.ids import promise_id
from chalicelib.notifications.inbound import Inbound
from chalicelib.notifications.intents import Asked
from chalicelib.notifications.model import ASKED_OF, Message, MessageKind, MessageStatus
from chalicelib.notifications.ports import MessageStore
from chalicelib.notifications.wording.sayings import ChoiceKind
from chalicelib.promises.model import Promise
from chalicelib.units import Timestamp

_ACCEPTED: Final = frozenset(
    {MessageStatus.SENDING, MessageStatus.UNKNOWN, MessageStatus.SENT, MessageStatus.DELIVERED}
)
_OFFERING: Final = frozenset({MessageKind.AT_RISK, MessageKind.FAILED})
_ASKING: Final = {MessageKind.ACCESS_ASKED: Asked.GATE_CODE, MessageKind.FEEDBACK_ASKED: Asked.SCORES}
_OUR_QUESTIONS: Final = frozenset({MessageKind.QUESTION, MessageKind.REFUSED, MessageKind.PROMPT_TOO_OLD})


def is_seen(text: Message, inbound: Inbound) -> bool:
    """Whether a text of ours was with the carrier when the buyer wrote: both by the system's clock.

    In the same second it counts: a program may answer that fast, and a person who wrote just before does not.
    """
    return text.status in _ACCEPTED and text.called_at <= inbound.at


def asked_last(
    about: About, promise: Promise, seen: Sequence[Message], talk: Talk, *, told_at: Timestamp
) -> tuple[Timestamp, Prompt | None]:
    """When a buyer was last asked what is not answered, and what it was: None if that is over or forgotten.

    Parameters
    ----------
    seen
        Texts about this promise that they had.
    told_at
        System time of the last text that they had, about whatever delivery.

    Returns
    -------
    System time, 0 if they were never asked. Of our own questions only the last is kept; each of them ends
    what was offered before it.
    """
    own = talk.prompt if talk.prompt is not None and talk.prompt.about == (about,) else None
    own_id = f"{promise_id(promise.stop_id)}.{own.sid}" if own is not None else ""
    answered = {
        MessageKind.ACCESS_ASKED: promise.order.instructions.gate_code is not None,
        MessageKind.FEEDBACK_ASKED: promise.feedback is not None,
    }
    asking = [
        text
        for text in seen
        if text.kind in _OFFERING | _OUR_QUESTIONS or (text.kind in _ASKING and not answered[text.kind])
    ]
    last = max(asking, key=lambda text: (text.called_at, text.message_id == own_id), default=None)
    if last is None:
        return 0, None
    if last.kind in _OFFERING:
        return last.called_at, _offered(about, promise, last)
    if last.kind in _ASKING:
        return last.called_at, _asked(about, last)
    if own is None or last.message_id != own_id:
        return last.called_at, None
    return last.called_at, own if own.outlives_texts or last.called_at >= told_at else None


def open_list(
    messages: MessageStore, talk: Talk, inbound: Inbound, now: Timestamp, *, asked_at: Timestamp
) -> Prompt | None:
    """The question which delivery is meant, if a text may answer it.

    Parameters
    ----------
    asked_at
        System time when anything was last asked about any of them: a number stands for the last list.
    """
    listed = talk.prompt
    if listed is None or listed.asked is not None or not listed.is_open(now):
        return None
    text = messages.message(listed.about[0].tenant, f"{subject_of_list(listed)}.{listed.sid}")
    is_last = text is not None and is_seen(text, inbound) and text.called_at >= asked_at
    return listed if is_last else None


def subject_of_list(listed: Prompt) -> str:
    """What a question which one is meant is kept with: its first promise; of several merchants, none."""
    if len({each.tenant for each in listed.about}) > 1:
        return f"{ASKED_OF}{listed.sid}"
    return promise_id(listed.about[0].stop_id)


def _offered(about: About, promise: Promise, text: Message) -> Prompt | None:
    """The promise's own choices, if the text was written for these."""
    choices = promise.choices
    if choices is None or text.created_at < choices.made_at:
        return None
    options = [
        Option(kind=ChoiceKind.SLOT, window=each.window, slot_id=each.slot_id) for each in choices.choices
    ]
    return Prompt(
        sid="",
        asked=Asked.CHOICE,
        about=(about,),
        at=text.called_at,
        valid_until=choices.valid_until,
        options=tuple(options),
        window=promise.window,
    )


def _asked(about: About, text: Message) -> Prompt:
    return Prompt(
        sid="",
        asked=_ASKING[text.kind],
        about=(about,),
        at=text.called_at,
        valid_until=text.created_at + PROMPT_LIFE,
    )
