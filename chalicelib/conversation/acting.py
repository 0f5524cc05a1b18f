"""What a reply makes happen: done and told, refused with what is possible, or one short question.

Only what is certain changes anything, by the same commands as the page and the API, so a slot is taken like
any other sale. A number counts for what our prompt listed under it; a delivery that somebody moved since then
is not moved again by it. Weak point: of several slots that fit a wish the buyer has to choose, also where any
would have done.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from chalicelib.conversation.model import AT_ONCE, PROMPT_LIFE, Option, Prompt, Talk, Unhandled, Weight
from chalicelib.conversation.orders import Order
from chalicelib.conversation.ports import Ports
from chalicelib.events import Actor
from chalicelib.notifications.intents import (
    Answer as YesOrNo,
)
from chalicelib.notifications.intents import (
    Asked,
    Cancel,
    Choose,
    GateCode,
    Help,
    Hours,
    IntentKind,
    Neighbour,
    NotHome,
    Question,
    Reschedule,
    SafePlace,
    Scores,
    Start,
    Stop,
    Thanks,
    WhereIsIt,
    WrongAddress,
    WrongNumber,
)
from chalicelib.notifications.wording.sayings import (
    Asking,
    Choice,
    ChoiceKind,
    Done,
    Effect,
    HelpGiven,
    Obstacle,
    PromptTooOld,
    Saying,
    Whereabouts,
)
from chalicelib.notifications.wording.sayings import Refused as RefusedSaying
from chalicelib.promises.changes import Changed, MovedMeanwhile, Possible
from chalicelib.promises.heard import Heard
from chalicelib.promises.model import Change, ChangeKind, Feedback, Listed, Offer, Refusal
from chalicelib.promises.outlook import outlooks
from chalicelib.promises.search import OFFER_LIFE
from chalicelib.promises.store import Changes
from chalicelib.receipts import ReceiptRow
from chalicelib.routing.model import TimeWindow
from chalicelib.units import MINUTE

MOST_CHOICES: Final = 3
_DAYS: Final = 14
_OBSTACLES: Final = {
    Refusal.SLOT_TAKEN: Obstacle.SLOT_TAKEN,
    Refusal.CUTOFF_PASSED: Obstacle.CUTOFF_PASSED,
    Refusal.VAN_ON_ITS_WAY: Obstacle.CUTOFF_PASSED,
    Refusal.FINISHED: Obstacle.FINISHED,
    Refusal.OUT_OF_AREA: Obstacle.OUT_OF_AREA,
    Refusal.NO_ROUTE_FIT: Obstacle.NO_ROUTE_FIT,
    Refusal.HANDOVER_IN_PERSON: Obstacle.HANDOVER_IN_PERSON,
}
_EFFECTS: Final = {
    ChangeKind.SLOT: Effect.MOVED,
    ChangeKind.CANCEL: Effect.CANCELLED,
    ChangeKind.NEIGHBOUR: Effect.NEIGHBOUR,
    ChangeKind.SAFE_PLACE: Effect.SAFE_PLACE,
    ChangeKind.GATE_CODE: Effect.GATE_CODE,
}
_WAITS_FOR: Final = {
    IntentKind.NEIGHBOUR: Asked.NEIGHBOUR,
    IntentKind.SAFE_PLACE: Asked.SAFE_PLACE,
    IntentKind.GATE_CODE: Asked.GATE_CODE,
    IntentKind.SCORES: Asked.SCORES,
    IntentKind.CANCEL: Asked.CONFIRMATION,
}
_LEFT_ELSEWHERE: Final = {
    ChangeKind.NEIGHBOUR: ChoiceKind.NEIGHBOUR,
    ChangeKind.SAFE_PLACE: ChoiceKind.SAFE_PLACE,
}
_CANCEL_OR_KEEP: Final = (Option(kind=ChoiceKind.CANCEL), Option(kind=ChoiceKind.KEEP))


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


type Keep = Callable[[Answer], ReceiptRow]
"""Makes the row by which a reply that comes again is answered the same."""

SILENCE: Final = Answer()


class Acting:
    """One reply, about one delivery.

    Parameters
    ----------
    sid
        The buyer's text.
    keep
        Called in each transaction that acts.
    """

    def __init__(self, ports: Ports, order: Order, talk: Talk, sid: str, keep: Keep) -> None:
        self._ports, self._order, self._talk = ports, order, talk
        self._sid, self._keep = sid, keep
        self._tenant, self._promise, self._now = order.tenant, order.promise, order.now

    def act(self) -> Answer:
        """Do what is certain, and say what to answer.

        Raises
        ------
        AlreadyDone
            This very reply had its effect before.
        """
        if self._promise.state.finished:
            return self._afterwards()
        match self._order.read:
            case Choose(number=number):
                return self._chosen(number)
            case YesOrNo(yes=yes) if self._prompt is not None and self._prompt.options:
                return self._taken(self._prompt, 1 if yes else 2)
            case Reschedule(day=day, hours=hours):
                return self._another_time(day, hours)
            case SafePlace(where=text):
                return self._instructed(ChangeKind.SAFE_PLACE, text)
            case Neighbour(number_or_name=text):
                return self._instructed(ChangeKind.NEIGHBOUR, text)
            case GateCode(code=text):
                return self._instructed(ChangeKind.GATE_CODE, text)
            case NotHome():
                return self._asked(IntentKind.NOT_HOME, self._instead())
            case WhereIsIt():
                return self._where()
            case Cancel():
                return self._asked(IntentKind.CANCEL, _CANCEL_OR_KEEP)
            case read:
                return self._other(read)

    @property
    def _prompt(self) -> Prompt | None:
        return self._order.prompt

    @property
    def _link(self) -> str:
        return self._ports.tracking_url(self._promise.tracking_token)

    def _other(self, read: object) -> Answer:
        match read:
            case Stop() | Start() | Thanks():
                return SILENCE
            case Help():
                return self._kept(
                    Answer(saying=HelpGiven(support_phone=self._ports.support_phone(self._tenant)))
                )
            case WrongAddress():
                return self._passed_on(Unhandled.WRONG_ADDRESS)
            case WrongNumber():
                return self._passed_on(Unhandled.WRONG_NUMBER)
            case Question(candidates=candidates):
                return self._unsure(candidates[0])
            case _:
                return self._unclear()

    def _afterwards(self) -> Answer:
        """Of a delivery that is over nothing can be changed; what is said of it is heard."""
        match self._order.read:
            case Scores(product=int(product), delivery=int(delivery)):
                feedback = Feedback(product=product, delivery=delivery)
                answer = Answer(
                    saying=Done(effect=Effect.FEEDBACK), weight=Weight.NOTHING, prompt=self._used(1)
                )
                Heard(self._ports.promise_ports).rated(
                    self._tenant,
                    self._promise.stop_id,
                    feedback,
                    self._now,
                    lambda _: self._keep(answer),
                )
                return answer
            case Scores():
                return self._asked(IntentKind.SCORES, ())
            case Stop() | Start() | Thanks() | Help() as read:
                return self._other(read)
            case _:
                return self._passed_on(Unhandled.NO_OPEN_DELIVERY)

    def _chosen(self, number: int) -> Answer:
        prompt = self._prompt
        if prompt is not None and prompt.option(number) is not None:
            return self._taken(prompt, number)
        if self._was_just_moved() or self._took(number):
            return self._kept(self._as_it_is())
        return self._too_old()

    def _took(self, number: int) -> bool:
        """Whether this very number was taken before, of what was asked last."""
        last = self._talk.prompt
        return last is not None and last.about == (self._order.about,) and last.taken == number

    def _was_just_moved(self) -> bool:
        """Whether somebody gave it another time while this was on its way: the buyer twice, or the shop."""
        ledger = self._ports.promise_ports.store.ledger(self._tenant, self._promise.stop_id)
        return any("from_window" in fact.data and self._now - fact.at < AT_ONCE for fact in ledger)

    def _taken(self, prompt: Prompt, number: int) -> Answer:
        option = prompt.option(number)
        kind = option.kind if option else None
        match kind:
            case ChoiceKind.SLOT if option is not None:
                return self._moved(option, prompt, number)
            case ChoiceKind.CANCEL:
                return self._changed(Change(kind=ChangeKind.CANCEL), prompt.used(number, self._now))
            case ChoiceKind.NEIGHBOUR:
                return self._asked(IntentKind.NEIGHBOUR, ())
            case ChoiceKind.SAFE_PLACE:
                return self._asked(IntentKind.SAFE_PLACE, ())
            case ChoiceKind.KEEP:
                done = Done(effect=Effect.KEPT, window=self._promise.told_window)
                return self._kept(Answer(saying=done, prompt=prompt.used(number, self._now)))
            case _:
                return self._passed_on(Unhandled.PERSON_WANTED)

    def _moved(self, option: Option, prompt: Prompt, number: int) -> Answer:
        if option.slot_id == self._promise.slot_id and option.window == self._promise.window:
            return self._kept(self._as_it_is())
        offer = self._offer(option)
        if offer is None:
            return self._refused(Obstacle.SLOT_TAKEN, self._slots(self._possible().slots))
        return self._changed(Change(kind=ChangeKind.SLOT, offer=offer), prompt.used(number, self._now))

    def _offer(self, option: Option) -> Offer | None:
        """The slot as it can be had now: by the promise's own choices, or else looked up anew."""
        offered = self._promise.offered(self._now, OFFER_LIFE).values()
        own = next((offer for offer in offered if offer.slot_id == option.slot_id), None)
        listed = (slot.offer for slot in self._possible().slots if slot.slot_id == option.slot_id)
        return own or next(listed, None)

    def _another_time(self, day: date | None, hours: Hours | None) -> Answer:
        zone = ZoneInfo(self._promise.timezone)
        wanted = day or datetime.fromtimestamp(self._promise.window.start, zone).date()
        if _fits(self._promise.window, wanted, hours, zone):
            done = Done(effect=Effect.KEPT, window=self._promise.told_window)
            return self._kept(Answer(saying=done, weight=Weight.AGAIN))
        possible = self._possible()
        fitting = [slot for slot in possible.slots if _fits(slot.window, wanted, hours, zone)]
        if len(fitting) == 1:
            return self._changed(Change(kind=ChangeKind.SLOT, offer=fitting[0].offer), None)
        if fitting:
            return self._asked(IntentKind.RESCHEDULE, self._slots(fitting))
        if ChangeKind.SLOT not in possible.kinds:
            return self._refused(Obstacle.CUTOFF_PASSED, self._elsewhere(possible))
        return self._refused(Obstacle.NO_ROUTE_FIT, self._slots(possible.slots))

    def _instructed(self, kind: ChangeKind, text: str) -> Answer:
        if getattr(self._promise.order.instructions, kind) == text:
            return self._kept(Answer(saying=Done(effect=_EFFECTS[kind]), weight=Weight.AGAIN))
        return self._changed(Change(kind=kind, text=text), self._used(1))

    def _changed(self, change: Change, used: Prompt | None) -> Answer:
        """Carry a change out as the buyer's, on the window the buyer knows of."""

        def answer(changed: Changed) -> Answer:
            if changed.refusal is not None:
                options = self._slots(changed.alternatives) or _left_elsewhere(changed.still_possible)
                return self._refusing(_OBSTACLES[changed.refusal], options)
            window = changed.promise.window if change.kind is ChangeKind.SLOT else None
            done = Done(effect=_EFFECTS[change.kind], window=window)
            return Answer(saying=done, weight=Weight.NOTHING, prompt=used)

        try:
            changed = self._ports.promises.change(
                self._tenant,
                self._promise.stop_id,
                change,
                self._now,
                lambda changed: self._keep(answer(changed)),
                actor=Actor.BUYER,
                going_by=self._promise.window,
            )
        except MovedMeanwhile:
            self._promise = self._ports.promises.read(self._tenant, self._promise.stop_id)
            return self._kept(self._as_it_is())
        return answer(changed)

    def _as_it_is(self) -> Answer:
        """Somebody was faster, or it is so already: the same is told to both."""
        if self._promise.state.finished:
            return Answer(saying=Done(effect=Effect.CANCELLED), weight=Weight.AGAIN)
        moved = Done(effect=Effect.MOVED, window=self._promise.window)
        return Answer(saying=moved, weight=Weight.AGAIN)

    def _where(self) -> Answer:
        outlook = outlooks(
            self._ports.promise_ports.store,
            self._ports.promise_ports.planner,
            self._tenant,
            [self._promise],
            self._now,
        ).get(self._promise.stop_id)
        told = outlook.told if outlook else None
        saying = Whereabouts(
            window=told or self._promise.told_window,
            stops_before=outlook.stops_before if outlook and told else None,
            link=self._link,
        )
        answer = Answer(saying=saying)
        Heard(self._ports.promise_ports).contacted(
            self._tenant,
            self._promise.stop_id,
            channel="sms",
            reason="where_is_it",
            now=self._now,
            receipt=lambda _: self._keep(answer),
        )
        return answer

    def _unsure(self, about: IntentKind) -> Answer:
        match about:
            case IntentKind.NOT_HOME | IntentKind.RESCHEDULE:
                options = (
                    self._instead() if about is IntentKind.NOT_HOME else self._slots(self._possible().slots)
                )
                return self._asked(about, options, Weight.QUESTION)
            case IntentKind.CANCEL:
                return self._asked(about, _CANCEL_OR_KEEP, Weight.QUESTION)
            case kind if kind in _WAITS_FOR:
                return self._asked(kind, (), Weight.QUESTION)
            case _:
                return self._unclear()

    def _unclear(self) -> Answer:
        """Ask once, with what was open or what there is to choose; and let the merchant read it."""
        options = self._prompt.options if self._prompt else ()
        return self._asked(None, options or self._instead(), Weight.QUESTION, unhandled=Unhandled.UNCLEAR)

    def _too_old(self) -> Answer:
        options = self._slots(self._possible().slots)
        saying = PromptTooOld(choices=_shown(options), link=self._link)
        return self._kept(Answer(saying=saying, prompt=self._new_prompt(Asked.CHOICE, options)))

    def _asked(
        self,
        about: IntentKind | None,
        options: Sequence[Option],
        weight: Weight = Weight.ONE,
        *,
        unhandled: Unhandled | None = None,
    ) -> Answer:
        waits_for = _WAITS_FOR.get(about, Asked.CHOICE) if about else Asked.CHOICE
        saying = Asking(about=about, choices=_shown(options), link=None if options else self._link)
        prompt = self._new_prompt(waits_for, options)
        return self._kept(Answer(saying=saying, weight=weight, prompt=prompt, unhandled=unhandled))

    def _refused(self, obstacle: Obstacle, options: Sequence[Option]) -> Answer:
        return self._kept(self._refusing(obstacle, options))

    def _refusing(self, obstacle: Obstacle, options: Sequence[Option]) -> Answer:
        saying = RefusedSaying(
            obstacle=obstacle, choices=_shown(options), link=None if options else self._link
        )
        prompt = self._new_prompt(Asked.CHOICE, options) if options else None
        return Answer(saying=saying, prompt=prompt)

    def _passed_on(self, why: Unhandled) -> Answer:
        return self._kept(Answer(saying=Done(effect=Effect.PASSED_ON), unhandled=why))

    def _kept(self, answer: Answer) -> Answer:
        """Write down what is answered, where nothing else is to be written."""
        changes = Changes(receipt=self._keep(answer))
        self._ports.promise_ports.store.commit(self._tenant, changes)
        return answer

    def _used(self, number: int) -> Prompt | None:
        return self._prompt.used(number, self._now) if self._prompt else None

    def _new_prompt(self, asked: Asked, options: Sequence[Option]) -> Prompt:
        return Prompt(
            sid=self._sid,
            asked=asked,
            about=(self._order.about,),
            at=self._now,
            valid_until=self._now + PROMPT_LIFE,
            options=tuple(options),
            window=self._promise.window,
        )

    def _possible(self) -> Possible:
        return self._ports.promises.possible(self._tenant, self._promise, self._now, days=_DAYS)

    def _instead(self) -> tuple[Option, ...]:
        """What somebody may want who will not be there."""
        possible = self._possible()
        elsewhere = self._elsewhere(possible)
        return (*self._slots(possible.slots)[: MOST_CHOICES - len(elsewhere)], *elsewhere)

    def _elsewhere(self, possible: Possible) -> tuple[Option, ...]:
        return _left_elsewhere(possible.kinds)

    def _slots(self, slots: Iterable[Listed]) -> tuple[Option, ...]:
        """The nearest of them in time, to choose from."""
        there = [slot for slot in slots if slot.offer is not None]
        there.sort(key=lambda slot: (abs(slot.window.start - self._promise.window.start), slot.window.start))
        return tuple(
            Option(kind=ChoiceKind.SLOT, window=slot.window, slot_id=slot.slot_id)
            for slot in there[:MOST_CHOICES]
        )


def _left_elsewhere(kinds: Iterable[ChangeKind]) -> tuple[Option, ...]:
    known = set(kinds)
    return tuple(Option(kind=choice) for kind, choice in _LEFT_ELSEWHERE.items() if kind in known)


def _shown(options: Sequence[Option]) -> tuple[Choice, ...]:
    return tuple(Choice(kind=option.kind, window=option.window) for option in options)


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
