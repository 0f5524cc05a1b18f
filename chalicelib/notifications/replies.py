"""A buyer's text becomes an intent, or a question back: certain or nothing.

A text is read in each language, and the reading of the one that knows most of its words counts; where two
know as much and read it differently, it is a question. Text is only ever data: nothing in it is followed but
what the grammar of `understanding` can read. Weak point: the language is decided for a whole text, so one
that mixes two of them is mostly a question.
"""

from collections.abc import Mapping, Sequence

from chalicelib.notifications.intents import (
    Answer,
    Asked,
    Cancel,
    Choose,
    Help,
    Intent,
    IntentKind,
    Neighbour,
    NotHome,
    Question,
    Reschedule,
    SafePlace,
    Situation,
    Start,
    Stop,
    Thanks,
    Unclear,
    WhereIsIt,
    WrongNumber,
)
from chalicelib.notifications.keywords import Keyword, meant
from chalicelib.notifications.understanding.asides import asides, beside, unsigned
from chalicelib.notifications.understanding.covering import covering, glimpsed, phrases
from chalicelib.notifications.understanding.lexicons import lexicons
from chalicelib.notifications.understanding.parts import Aside, Mention, Nod, Part, Said
from chalicelib.notifications.understanding.scores import scores
from chalicelib.notifications.understanding.signs import Lexicon, Meaning, Sign, signs
from chalicelib.notifications.understanding.telling import parted, telling
from chalicelib.notifications.understanding.times import Wall, Wish, chosen_by_time, covers
from chalicelib.notifications.understanding.tokens import cleaned, folded

_MOST_SIGNS = 60  # of a text that is read as a whole; a longer one is nothing to be certain about
_BY_KEYWORD: Mapping[Keyword, Intent] = {
    Keyword.STOP: Stop(),
    Keyword.START: Start(),
    Keyword.HELP: Help(),
}


def understand(text: str, situation: Situation) -> Intent | Question | Unclear:
    """Read what a buyer wrote.

    Parameters
    ----------
    text
        As it came, in any script; what is beyond 1,600 characters is not read.

    Returns
    -------
    An intent only if there is no other way to read the text. Nothing of the text is kept but what the intent
    itself needs.

    Cost
    ----
    Linear in the length of the text: about a millisecond, and up to 50 for the worst 1,600 characters.
    """
    text = cleaned(text)
    keyword = meant(text)
    if keyword is not None:
        return _BY_KEYWORD[keyword]
    readings = [_Reading(text, lexicon, situation) for lexicon in lexicons()]
    most = max(reading.known for reading in readings)
    best = [reading for reading in readings if reading.known == most]
    own = [reading for reading in best if reading.language == situation.language]
    intents = {reading.intent() for reading in own or best}
    if len(intents) == 1 and (intent := intents.pop()) is not None:
        return intent
    candidates = tuple(dict.fromkeys(kind for reading in best for kind in reading.candidates()))
    return Question(candidates) if candidates else Unclear()


class _Reading:
    """A text as one language reads it.

    Attributes
    ----------
    known
        Share of its signs the language knows.
    """

    def __init__(self, text: str, lexicon: Lexicon, situation: Situation) -> None:
        self._every = unsigned(signs(text, lexicon), lexicon.manner, capitals=lexicon.capitals)
        words = [sign for sign in self._every if sign.meaning is not Meaning.PAUSE]
        unknown = sum(sign.meaning is Meaning.UNKNOWN for sign in words)
        repaired = sum(sign.repaired for sign in words)
        self.language = lexicon.language
        self.known = 1 - (unknown + repaired / 2) / max(1, len(words))
        self._said = Said(
            signs=telling(parted(self._every, lexicon.manner)),
            text=text,
            situation=situation,
            wall=Wall.of(situation),
            afternoon=lexicon.afternoon,
            manner=lexicon.manner,
            capitals=lexicon.capitals,
            polite=any(folded(sign.spelled) in lexicon.manner.polite for sign in self._every),
        )

    def intent(self) -> Intent | None:
        """What is certainly meant; None where nothing is.

        In a language the buyer does not write in, a word that had to be put right is most likely another.
        """
        foreign = self.language != self._said.situation.language
        if foreign and any(sign.repaired for sign in self._every):
            return None
        return _intent(self._said, self._every)

    def candidates(self) -> tuple[IntentKind, ...]:
        """What it may be about."""
        return _candidates(self._said)


def _intent(said: Said, every: Sequence[Sign]) -> Intent | None:
    if not said.signs or len(said.signs) > _MOST_SIGNS:
        return _sole_one(said, every) or glimpsed(said)
    if _may_be_one(said, every) and all(sign.meaning in _POLITE for sign in said.signs):
        return None  # "un, gracias": thanks, or the first?
    if said.situation.asked is Asked.SCORES and (
        told := scores(said, asides(every, said.signs, said.manner))
    ):
        return told
    read = phrases(said)
    parts = covering(said, read)
    if parts is None:
        parts = covering(said, read, asides(every, said.signs, said.manner))
    if parts is not None:
        return _together(parts, said)
    parts = covering(said, read, asides(every, said.signs, said.manner, loosely=True))
    if parts is not None and (answered := _together(parts, said)):
        return answered
    return glimpsed(said)


def _together(parts: Sequence[Part], said: Said) -> Intent | None:
    """Make one intent of all that was said, if it is one."""
    asked = said.situation.asked
    nods = {part for part in parts if isinstance(part, Nod)}
    wishes = [part for part in parts if isinstance(part, Wish)]
    mentions = {SafePlace(part.where) for part in parts if isinstance(part, Mention)}
    told = [part for part in parts if isinstance(part, Aside)]
    intents = {part for part in parts if not isinstance(part, Nod | Wish | Mention | Aside)}
    if Nod.ANOTHER_TIME in nods or (Nod.OTHERWISE in nods and not wishes):
        return None
    if Nod.BUT in nods and (asked is not None or Nod.NO in nods or told):
        return None
    if any(isinstance(intent, SafePlace | Neighbour) for intent in intents):
        wishes = [asked for asked in wishes if not _as_promised(asked, said.wall)]
    if wishes:
        wanted = _at_that_time(parts, wishes, said)
        if wanted is None or (Nod.NONE in nods and not _at_another_time(wanted, said.wall)):
            return None
        intents.add(wanted)
    if NotHome() in intents and asked in (Asked.NEIGHBOUR, Asked.SAFE_PLACE):
        return None  # who is not home: the buyer, or the neighbour?
    if mentions:
        if asked is not Asked.SAFE_PLACE and not any(isinstance(intent, SafePlace) for intent in intents):
            return None
        intents |= mentions
    intents = _without_reasons(intents)
    if intents == {Stop(), WrongNumber()}:
        intents = {Stop()}
    if len(intents) > 1 or not all(beside(aside, intents, wishes, said) for aside in told):
        return None
    if intents and Nod.PRESENT in nods:
        return None
    return _allowed(intents.pop(), nods, said.situation) if intents else _nodded(nods, said.situation)


def _at_that_time(parts: Sequence[Part], wishes: Sequence[Wish], said: Said) -> Intent | None:
    """Make a choice of a time that one choice alone has, and a wish of one that was not offered.

    A time that every choice has says nothing yet: it stays the wish that it was before they were offered.
    """
    asked, windows = said.situation.asked, said.situation.windows
    if asked is Asked.CHOICE and (chosen := chosen_by_time(wishes, said.situation)):
        if len(chosen) == 1:
            return Choose(chosen[0])
        if len(chosen) < len(windows):
            return None
    elif asked not in (None, Asked.CHOICE) and not all(each.asked_for for each in wishes):
        return None  # a number, a code: named where something else was asked
    return None if _only_named(parts, wishes) else _merged(wishes, said.wall)


def _as_promised(asked: Wish, wall: Wall) -> bool:
    """Whether it only names the day that was told anyway: "tomorrow leave it with no 5"."""
    return asked.certain and asked.hours is None and asked.day == wall.promised


def _at_another_time(wanted: Intent, wall: Wall) -> bool:
    """Whether a wish can stand beside "none of them", "not today" or "tomorrow morning is no good"."""
    if not isinstance(wanted, Reschedule) or wanted.day in (None, wall.today):
        return False
    return wanted.day != wall.promised or not covers(Wish(day=wanted.day, hours=wanted.hours), wall)


def _only_named(parts: Sequence[Part], wishes: Sequence[Wish]) -> bool:
    """Whether a time may only be repeated: "thanks, tomorrow"."""
    polite = parts[0] in (Nod.THANKS, Nod.OK, Nod.YES)
    return polite and Nod.BUT not in parts and not any(asked.asked_for for asked in wishes)


def _without_reasons(intents: set[Intent]) -> set[Intent]:
    """Leave out why somebody asks beside what they ask, and the shorter of two words for one place."""
    places = [intent.where for intent in intents if isinstance(intent, SafePlace)]
    longest = max(places, key=len, default="")
    kept = {
        intent
        for intent in intents
        if not isinstance(intent, SafePlace)
        or intent.where == longest
        or folded(intent.where) not in folded(longest)
    }
    if any(isinstance(intent, Neighbour | SafePlace | Reschedule) for intent in kept):
        kept.discard(NotHome())
    return kept


def _merged(wishes: Sequence[Wish], wall: Wall) -> Reschedule | None:
    days = {asked.day for asked in wishes if asked.day is not None}
    hours = {asked.hours for asked in wishes if asked.hours is not None}
    if not all(asked.certain for asked in wishes) or len(days) > 1 or len(hours) > 1:
        return None
    day, part = days.pop() if days else None, hours.pop() if hours else None
    if part is None and day == wall.promised:
        return None
    if day == wall.promised == wall.today:
        day = None
    return Reschedule(day=day, hours=part)


def _allowed(intent: Intent, nods: set[Nod], situation: Situation) -> Intent | None:
    """Hold an intent against what was asked."""
    if isinstance(intent, Stop):
        return intent  # honoured whatever stands around it
    if isinstance(intent, WhereIsIt) and Nod.OK in nods:
        return None  # "great, waiting all day again"
    if situation.asked is Asked.CONFIRMATION and isinstance(intent, Choose) and nods:
        return intent if nods <= _SAID_TWICE.get(intent.number, frozenset()) else None
    if situation.asked is Asked.CONFIRMATION and isinstance(intent, Cancel) and nods == {Nod.YES}:
        return Answer(yes=True)  # nothing else is asked to be confirmed
    if Nod.NO in nods or (situation.asked is Asked.CONFIRMATION and nods & {Nod.YES, Nod.OK}):
        return None
    return None if isinstance(intent, Choose) and Nod.NONE in nods else intent


_ASSENT = frozenset({Nod.YES, Nod.OK, Nod.THANKS})  # and not that somebody will be there


# "2 no", "yes 1": as our question lists them.
_SAID_TWICE = {
    1: frozenset({Nod.YES, Nod.OK, Nod.THANKS}),
    2: frozenset({Nod.NO, Nod.THANKS}),
}


def _nodded(nods: set[Nod], situation: Situation) -> Intent | None:
    if nods & {Nod.NONE, Nod.BUT, Nod.OTHERWISE}:
        return None
    if situation.asked is Asked.CONFIRMATION:
        if Nod.NO in nods:
            return None if Nod.YES in nods or Nod.OK in nods else Answer(yes=False)
        return Answer(yes=True) if Nod.YES in nods and nods <= _ASSENT else None
    if nods & {Nod.YES, Nod.NO} or nods == {Nod.PRESENT}:
        return None
    if situation.asked is not None and Nod.PRESENT in nods:
        return None
    if situation.asked is Asked.SCORES and Nod.OK in nods:  # praise, and no number yet
        return None
    if Nod.THANKS in nods or (Nod.OK in nods and situation.asked is None):
        return Thanks()
    return None


def _sole_one(said: Said, every: Sequence[Sign]) -> Intent | None:
    """Read an article that stands alone as the number it also is: "un", "una"."""
    return Choose(1) if not said.signs and _may_be_one(said, every) else None


def _may_be_one(said: Said, every: Sequence[Sign]) -> bool:
    """Whether an article stands somewhere that is a number as well, where a number was asked for."""
    asked = said.situation.asked is Asked.CHOICE
    return asked and not _ONES.isdisjoint(folded(sign.spelled) for sign in every)


_POLITE = (Meaning.THANKS, Meaning.PAUSE)
_ONES = frozenset({"un", "une", "una", "ein", "eine"})


_ABOUT = {
    Meaning.NUMBER: IntentKind.CHOOSE,
    Meaning.ORDINAL: IntentKind.CHOOSE,
    Meaning.LEAVE: IntentKind.NEIGHBOUR,
    Meaning.NEIGHBOUR: IntentKind.NEIGHBOUR,
    Meaning.PLACE: IntentKind.SAFE_PLACE,
    Meaning.CODE: IntentKind.GATE_CODE,
    Meaning.TODAY: IntentKind.RESCHEDULE,
    Meaning.TOMORROW: IntentKind.RESCHEDULE,
    Meaning.OVERMORROW: IntentKind.RESCHEDULE,
    Meaning.WEEKDAY: IntentKind.RESCHEDULE,
    Meaning.WEEK: IntentKind.RESCHEDULE,
    Meaning.DATE: IntentKind.RESCHEDULE,
    Meaning.CLOCK: IntentKind.RESCHEDULE,
    Meaning.LATER: IntentKind.RESCHEDULE,
    Meaning.AFTER: IntentKind.RESCHEDULE,
    Meaning.CANCEL: IntentKind.CANCEL,
    Meaning.HOME: IntentKind.NOT_HOME,
    Meaning.AWAY: IntentKind.NOT_HOME,
    Meaning.ADDRESS: IntentKind.WRONG_ADDRESS,
    Meaning.WHERE: IntentKind.WHERE_IS_IT,
    Meaning.WHEN: IntentKind.WHERE_IS_IT,
    Meaning.LATE: IntentKind.WHERE_IS_IT,
    Meaning.STOP: IntentKind.STOP,
    Meaning.YES: IntentKind.ANSWER,
    Meaning.NO: IntentKind.ANSWER,
}


def _candidates(said: Said) -> tuple[IntentKind, ...]:
    kinds = dict.fromkeys(_ABOUT[sign.meaning] for sign in said.signs if sign.meaning in _ABOUT)
    if IntentKind.CHOOSE in kinds and said.situation.asked is not Asked.CHOICE:
        del kinds[IntentKind.CHOOSE]
    return tuple(kinds)
