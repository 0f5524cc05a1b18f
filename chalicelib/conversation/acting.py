"""What a reply makes happen: done and told, refused with what is possible, or one short question.

Only what is certain changes anything, by the same commands as the page and the API, so a slot is taken like
any other sale. A number counts for what our prompt listed under it; a delivery that somebody moved since then
is not moved again by it. Weak point: of several slots that fit a wish the buyer has to choose, also where any
would have done.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from chalicelib.conversation.answers import IN_WORDS, PASSED_ON, SILENCE, Answer, Answers
from chalicelib.conversation.choices import CANCEL_OR_KEEP, KEEP_OR_CANCEL, Choices, left_elsewhere
from chalicelib.conversation.model import AT_ONCE, Option, Prompt, Talk, Unhandled, Weight
from chalicelib.conversation.orders import Order
from chalicelib.conversation.ports import Ports
from chalicelib.events import Actor
from chalicelib.notifications.intents import (
    Answer as YesOrNo,
)
from chalicelib.notifications.intents import (
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
    Thanks,
    WhereIsIt,
    WrongAddress,
    WrongNumber,
)
from chalicelib.notifications.wording.sayings import (
    ChoiceKind,
    Done,
    Effect,
    HelpGiven,
    Obstacle,
    Whereabouts,
)
from chalicelib.promises.changes import Changed, MovedMeanwhile
from chalicelib.promises.heard import Heard
from chalicelib.promises.model import Change, ChangeKind, Feedback, PromiseState, Refusal
from chalicelib.promises.outlook import outlooks
from chalicelib.promises.store import Changes
from chalicelib.receipts import ReceiptRow

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

type Keep = Callable[[Answer], ReceiptRow]
"""Makes the row by which a reply that comes again is answered the same."""


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
        self._keep = keep
        self._tenant, self._promise, self._now = order.tenant, order.promise, order.now
        self._choices = Choices(ports, order)
        self._link = ports.tracking_url(order.promise.tracking_token)
        self._answers = Answers(order, sid, self._link)

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
                return self._asked(IntentKind.NOT_HOME, self._choices.instead())
            case WhereIsIt():
                return self._where()
            case Cancel():
                return self._asked(IntentKind.CANCEL, CANCEL_OR_KEEP)
            case read:
                return self._other(read)

    @property
    def _prompt(self) -> Prompt | None:
        return self._order.prompt

    def _other(self, read: object) -> Answer:
        match read:
            case Thanks():
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
                answer = Answer(saying=Done(effect=Effect.FEEDBACK), weight=Weight.NOTHING)
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
            case Thanks() | Help() as read:
                return self._other(read)
            case Choose() | YesOrNo():
                return self._kept(self._as_it_is())
            case Question(candidates=(IntentKind.ANSWER,)) if self._promise.state is PromiseState.CANCELLED:
                return self._kept(self._as_it_is())  # "yes" and "1" to the same question
            case _:
                return self._passed_on(Unhandled.NO_OPEN_DELIVERY)

    def _chosen(self, number: int) -> Answer:
        prompt = self._prompt
        if prompt is not None and prompt.option(number) is not None:
            return self._taken(prompt, number)
        taken = self._taken_before(number)
        if taken is not None and taken.kind is ChoiceKind.KEEP:
            return self._kept_as_told()
        if taken is not None or self._was_just_moved():
            return self._kept(self._as_it_is())
        return self._kept(self._answers.too_old(self._choices.slots()))

    def _taken_before(self, number: int) -> Option | None:
        """What this very number was taken for before, of what was asked last."""
        last = self._talk.prompt
        is_it = last is not None and last.about == (self._order.about,) and last.taken == number
        return last.option(number) if last is not None and is_it else None

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
                return self._kept_as_told(prompt.used(number, self._now))
            case _:
                return self._passed_on(Unhandled.PERSON_WANTED)

    def _moved(self, option: Option, prompt: Prompt, number: int) -> Answer:
        if option.slot_id == self._promise.slot_id and option.window == self._promise.window:
            return self._kept(self._as_it_is())
        offer = self._choices.offer(option)
        if offer is None:
            return self._refused(Obstacle.SLOT_TAKEN, self._choices.slots())
        return self._changed(Change(kind=ChangeKind.SLOT, offer=offer), prompt.used(number, self._now))

    def _another_time(self, day: date | None, hours: Hours | None) -> Answer:
        choices = self._choices
        if choices.is_wished(self._promise.window, day, hours):
            return self._kept_as_told()
        possible = choices.possible()
        fitting = choices.wished(possible.slots, day, hours)
        if len(fitting) == 1:
            return self._changed(Change(kind=ChangeKind.SLOT, offer=fitting[0].offer), None)
        if fitting:
            return self._asked(IntentKind.RESCHEDULE, choices.nearest(fitting))
        if ChangeKind.SLOT not in possible.kinds:
            return self._refused(Obstacle.CUTOFF_PASSED, left_elsewhere(possible.kinds))
        return self._refused(Obstacle.NO_ROUTE_FIT, choices.nearest(possible.slots))

    def _instructed(self, kind: ChangeKind, text: str) -> Answer:
        if getattr(self._promise.order.instructions, kind) == text:
            return self._kept(Answer(saying=Done(effect=_EFFECTS[kind])))
        return self._changed(Change(kind=kind, text=text), None)

    def _changed(self, change: Change, used: Prompt | None) -> Answer:
        """Carry a change out as the buyer's, on the window the buyer knows of."""

        def answer(changed: Changed) -> Answer:
            if changed.refusal is not None:
                nearest = self._choices.nearest(changed.alternatives)
                options = nearest or left_elsewhere(changed.still_possible)
                return self._answers.refusal(_OBSTACLES[changed.refusal], options)
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
                by_text=True,
            )
        except MovedMeanwhile:
            self._promise = self._ports.promises.read(self._tenant, self._promise.stop_id)
            return self._kept(self._as_it_is())
        return answer(changed)

    def _as_it_is(self) -> Answer:
        """Somebody was faster, or it is so already: the same is told to both."""
        if self._promise.state is PromiseState.CANCELLED:
            return Answer(saying=Done(effect=Effect.CANCELLED))
        if self._promise.state.finished:
            return self._answers.too_old(())
        moved = Done(effect=Effect.MOVED, window=self._promise.window)
        return Answer(saying=moved)

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
            case IntentKind.NOT_HOME:
                return self._asked(about, self._choices.instead())
            case IntentKind.RESCHEDULE:
                return self._asked(about, self._listed_slots() or self._choices.slots())
            case IntentKind.CANCEL:
                return self._unclear(KEEP_OR_CANCEL)
            case kind if kind in IN_WORDS:
                return self._asked(kind, ())
            case _:
                return self._unclear()

    def _listed_slots(self) -> Sequence[Option]:
        """The slots that were listed and can still be chosen: a day that several of them have picks none."""
        options = self._prompt.options if self._prompt else ()
        return options if all(option.kind is ChoiceKind.SLOT for option in options) else ()

    def _unclear(self, otherwise: Sequence[Option] = ()) -> Answer:
        """Ask once, with what was open or what there is to choose; and let the merchant read it."""
        listed = (self._prompt.options if self._prompt else ()) or otherwise or self._choices.instead()
        question = self._answers.question(None, listed, Weight.QUESTION, unhandled=Unhandled.UNCLEAR)
        return self._kept(question)

    def _kept_as_told(self, used: Prompt | None = None) -> Answer:
        done = Done(effect=Effect.KEPT, window=self._promise.told_window)
        return self._kept(Answer(saying=done, prompt=used))

    def _asked(self, about: IntentKind, options: Sequence[Option]) -> Answer:
        return self._kept(self._answers.question(about, options))

    def _refused(self, obstacle: Obstacle, options: Sequence[Option]) -> Answer:
        return self._kept(self._answers.refusal(obstacle, options))

    def _passed_on(self, why: Unhandled) -> Answer:
        return self._kept(Answer(saying=PASSED_ON, unhandled=why))

    def _kept(self, answer: Answer) -> Answer:
        """Write down what is answered, where nothing else is to be written."""
        changes = Changes(receipt=self._keep(answer))
        self._ports.promise_ports.store.commit(self._tenant, changes)
        return answer
