"""What words signify: a language's lexicon turns tokens into signs.

All languages share one small alphabet of signs, so that `grammar` is written once. The longest phrase of the
lexicon wins. A word that is not in it is put right where it is one slip of the thumb from a single sign, and
otherwise stays unknown: what nobody knows is never acted on.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.notifications.understanding.tokens import Shape, Token, folded, tokens


class Meaning(StrEnum):
    """What a sign says; the values are how `grammar` writes it."""

    FILLER = "FILLER"  # politeness, articles, pronouns: never reach the grammar
    UNKNOWN = "UNKNOWN"
    PAUSE = "PAUSE"  # a mark that ends a phrase
    ASKING = "ASKING"  # a question mark
    # answers
    THANKS = "THANKS"
    OK = "OK"  # 1: it may also be a yes
    YES = "YES"
    NO = "NO"
    NOT = "NOT"
    NONE = "NONE"  # none of them
    AND = "AND"
    OR = "OR"
    BUT = "BUT"
    DOUBT = "DOUBT"  # if, unless, maybe, why: nothing near it is certain
    PAST = "PAST"  # was, yesterday, last time: tells, does not ask
    REQUEST = "REQUEST"  # can you
    ASKS = "ASKS"  # did you, is it
    GOOD = "GOOD"
    BAD = "BAD"
    INSTEAD = "INSTEAD"
    # numbers
    NUMBER = "NUMBER"
    ORDINAL = "ORDINAL"
    LAST = "LAST"
    MIXED = "MIXED"
    SUFFIX = "SUFFIX"  # 12 bis
    NR = "NR"
    PICK = "PICK"
    # times
    TODAY = "TODAY"
    TOMORROW = "TOMORROW"  # 1: it may also wish a good morning
    OVERMORROW = "OVERMORROW"
    WEEKDAY = "WEEKDAY"
    MONTH = "MONTH"
    DATE = "DATE"
    NEXT = "NEXT"
    WEEK = "WEEK"
    CLOCK = "CLOCK"
    MORNING = "MORNING"
    AFTERNOON = "AFTERNOON"
    EVENING = "EVENING"
    NOON = "NOON"
    HALF_PAST = "HALF_PAST"
    HALF_TO = "HALF_TO"
    AFTER = "AFTER"
    BEFORE = "BEFORE"
    BETWEEN = "BETWEEN"
    UNTIL = "UNTIL"
    FROM = "FROM"
    TO = "TO"
    AT = "AT"
    ANYTIME = "ANYTIME"
    LATER = "LATER"  # another time, and nobody says which
    MOVE = "MOVE"  # come, bring, make it
    # places and people
    LEAVE = "LEAVE"
    WITH = "WITH"
    IN = "IN"
    NEAR = "NEAR"  # a preposition of place: behind, under
    PLACE = "PLACE"
    NEIGHBOUR = "NEIGHBOUR"
    UNIT = "UNIT"  # flat, apartment
    TITLE = "TITLE"
    BESIDE = "BESIDE"  # upstairs, across the road: says more of a neighbour who is named
    BOTH = "BOTH"
    TAKES = "TAKES"  # will take it
    CODE = "CODE"
    ENTRY = "ENTRY"  # gate, door: what a code opens
    USE = "USE"
    ME = "ME"  # I, we: before a verb it tells what somebody does
    IT_IS = "IT_IS"  # before a time it tells the time
    SELF = "SELF"  # I am, we are
    THEY = "THEY"  # somebody else
    HOME = "HOME"
    AWAY = "AWAY"
    NOBODY = "NOBODY"
    PRESENT = "PRESENT"  # I shall be in
    BACK = "BACK"
    # the delivery
    WHERE = "WHERE"
    WHEN = "WHEN"
    HOWLONG = "HOWLONG"
    ARRIVE = "ARRIVE"
    PARCEL = "PARCEL"  # 1: the delivery of it, 2: the goods
    DRIVER = "DRIVER"
    WAITING = "WAITING"
    NEWS = "NEWS"
    SEE = "SEE"  # see you: names a day and asks for nothing
    CLOSE = "CLOSE"
    LATE = "LATE"
    NOTHING_YET = "NOTHING_YET"
    WRONG = "WRONG"
    ADDRESS = "ADDRESS"
    MOVED = "MOVED"
    PHONE = "PHONE"
    CANCEL = "CANCEL"
    # the texts themselves
    STOP = "STOP"
    TEXTS = "TEXTS"
    NO_TEXTS = "NO_TEXTS"
    NO_MORE = "NO_MORE"  # of what is named next
    UNSUBSCRIBE = "UNSUBSCRIBE"
    START = "START"
    HELP = "HELP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A word or phrase and what it says.

    Attributes
    ----------
    spelled
        As typed, slips put right.
    start, end
        Where it stands in the cleaned text.
    repaired
        Whether a slip was put right.
    told
        See `Token`.
    """

    meaning: Meaning
    spelled: str
    start: int
    end: int
    value: int = 0
    told: bool = False
    repaired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """Words by which a statement is told from a wish, folded.

    Attributes
    ----------
    polite
        Please: what stands behind it may be another clause.
    subjects
        What opens a statement, even without a mark before it.
    tells
        What opens one behind a mark.
    copulas
        Verbs of statements, where they stand near the beginning.
    turns
        What may take back, report or add to what stands beside it.
    undoes
        Those of them that do so even beside an intent that changes nothing at once.
    introducing, closings
        What stands before a name at the beginning and at the end of a text.
    therefore
        What leads from a reason to the wish.
    articles
        What may stand between the words that name one thing.
    """

    polite: frozenset[str]
    subjects: frozenset[str]
    tells: frozenset[str]
    copulas: frozenset[str]
    turns: frozenset[str]
    undoes: frozenset[str]
    introducing: frozenset[str]
    closings: frozenset[str]
    therefore: frozenset[str]
    articles: frozenset[str]

    @property
    def opens(self) -> frozenset[str]:
        """What opens a statement without a mark, where taking it for one does no harm."""
        return self.subjects | self.tells

    @property
    def no_thing(self) -> frozenset[str]:
        """Words that cannot be the name of a place or a person."""
        return self.turns | self.tells | self.subjects | self.copulas | self.polite

    @staticmethod
    def of(**words: str) -> "Manner":
        """Read lists of words, parted by commas; where no `undoes` is given, all that turns undoes."""
        return Manner(
            **{
                name: frozenset(folded(" ".join(word.split())) for word in listed.split(","))
                for name, listed in {"undoes": words["turns"], **words}.items()
            }
        )


type Entry = tuple[tuple[Meaning, int], ...]  # what a phrase stands for: one sign or several


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """The words of a language.

    Attributes
    ----------
    language
        Such as `de`.
    apostrophe
        See `tokens`.
    phrases
        What a sequence of folded words stands for.
    accented
        Words that mean something else than the same letters without accents.
    afternoon
        First and last hour of the part of the day that `Meaning.AFTERNOON` names.
    capitals
        Whether every noun has one, so that a capital tells no name.
    manner
        How people say what is no wish.
    """

    language: str
    apostrophe: str
    phrases: Mapping[tuple[str, ...], Entry]
    afternoon: tuple[int, int]
    accented: Mapping[str, Entry]
    manner: "Manner"
    capitals: bool
    longest: int = field(init=False)
    words: frozenset[str] = field(init=False)
    spellings: Mapping[tuple[str, int], Sequence[str]] = field(init=False)

    def __post_init__(self) -> None:
        """Arrange single words by first letter and length, for putting slips right."""
        spellings = dict[tuple[str, int], list[str]]()
        for words in self.phrases:
            for word in words:
                if len(word) >= _SHORTEST_REPAIRED - 1 and word.isalpha():
                    known = spellings.setdefault((word[0], len(word)), [])
                    if word not in known:
                        known.append(word)
        object.__setattr__(self, "spellings", spellings)
        object.__setattr__(
            self, "words", self.manner.turns | {word for words in self.phrases for word in words}
        )
        object.__setattr__(self, "longest", max(map(len, self.phrases)))

    @staticmethod
    def of(
        language: str,
        words: Mapping[str, str],
        *,
        apostrophe: str,
        afternoon: tuple[int, int],
        accented: Mapping[str, str],
        manner: Manner,
        capitals: bool = False,
    ) -> "Lexicon":
        """Read a table of meanings (`"WEEKDAY:0"`, `"TODAY EVENING"`) and phrases, parted by commas."""
        phrases = dict[tuple[str, ...], Entry]()
        for meanings, spelled in words.items():
            entry = tuple(_meaning(meaning) for meaning in meanings.split())
            for phrase in spelled.split(","):
                for variant in _spellings(phrase.strip()):
                    key = tuple(variant.split())
                    if phrases.setdefault(key, entry) != entry:
                        raise ValueError(f"{language}: {variant!r} stands twice")
        return Lexicon(
            language=language,
            apostrophe=apostrophe,
            phrases=phrases,
            afternoon=afternoon,
            manner=manner,
            capitals=capitals,
            accented={
                word.strip(): tuple(_meaning(meaning) for meaning in meanings.split())
                for meanings, spelled in accented.items()
                for word in spelled.split(",")
            },
        )


_SHORTEST_REPAIRED = 4
_MOST_REPAIRED = 40  # words: a long text is nothing to be certain about
# A slip must not make one of these: they end something, turn it round, or choose.
_NEVER_REPAIRED = frozenset(
    {
        Meaning.STOP,
        Meaning.UNSUBSCRIBE,
        Meaning.NO_TEXTS,
        Meaning.NO_MORE,
        Meaning.START,
        Meaning.NO,
        Meaning.NOT,
        Meaning.NUMBER,
        Meaning.ORDINAL,
        Meaning.NR,
        Meaning.HELP,
    }
)
_BY_SHAPE = {
    Shape.CLOCK: Meaning.CLOCK,
    Shape.DATE: Meaning.DATE,
    Shape.ORDINAL: Meaning.ORDINAL,
    Shape.NUMBER: Meaning.NUMBER,
    Shape.MIXED: Meaning.MIXED,
    Shape.BETWEEN: Meaning.TO,
    Shape.ASKING: Meaning.ASKING,
    Shape.STOP: Meaning.PAUSE,
}

# Weather, plants, food, animals and hearts adorn; a face or a hand may say that something is not meant.
_PICTURED = re.compile("[\U0001f300-\U0001f43f\U0001f493-\U0001f49f\u2764\u2728]")


def signs(text: str, lexicon: Lexicon) -> list[Sign]:
    """Say what every word of a cleaned text stands for, fillers included.

    Linear in the text's length; slips are looked for in its first words only.
    """
    cut = list(tokens(text, apostrophe=lexicon.apostrophe))
    return list(_signs(cut, lexicon))


def _signs(cut: Sequence[Token], lexicon: Lexicon) -> Iterator[Sign]:
    words = [token.folded for token in cut]
    words = [
        _repaired(word, lexicon) if at < _MOST_REPAIRED and not _is_name(at, cut, lexicon) else word
        for at, word in enumerate(words)
    ]
    at = 0
    while at < len(cut):
        length, entry = _longest(words, at, lexicon)
        if length <= 1:
            entry = lexicon.accented.get(cut[at].typed.casefold(), entry)
        part = cut[at : at + max(1, length)]
        if entry is None:
            token = part[0]
            meaning = _BY_SHAPE.get(token.shape, Meaning.UNKNOWN)
            if token.shape is Shape.SYMBOL and _PICTURED.fullmatch(token.typed):
                meaning = Meaning.FILLER
            yield Sign(
                meaning=meaning,
                spelled=token.typed,
                start=token.start,
                end=token.end,
                value=token.value,
                told=token.told,
            )
        else:
            repaired = any(words[at + n] != token.folded for n, token in enumerate(part))
            for nth, (meaning, value) in enumerate(entry, start=1):
                yield Sign(
                    meaning=meaning,
                    spelled=" ".join(
                        words[at + n] if words[at + n] != token.folded else token.typed
                        for n, token in enumerate(part)
                    ),
                    start=part[-1 if nth > 1 and nth == len(entry) else 0].start,
                    end=part[-1].end,
                    value=value,
                    repaired=repaired,
                )
        at += len(part)


def _is_name(at: int, cut: Sequence[Token], lexicon: Lexicon) -> bool:
    """Whether a word is no slip of another, but somebody's name; or no word at all."""
    if cut[at].shape is not Shape.WORD:
        return True
    before = cut[at - 2 : at - 1] if at > 1 and cut[at - 1].typed == "." else cut[max(0, at - 1) : at]
    titled = any(
        lexicon.phrases.get((token.folded,), ((Meaning.UNKNOWN, 0),))[0][0] is Meaning.TITLE
        for token in before
    )
    inside = at > 0 and cut[at - 1].shape is Shape.WORD
    return titled or (inside and not lexicon.capitals and cut[at].typed.istitle())


def _longest(words: Sequence[str], at: int, lexicon: Lexicon) -> tuple[int, Entry | None]:
    for length in range(min(lexicon.longest, len(words) - at), 0, -1):
        entry = lexicon.phrases.get(tuple(words[at : at + length]))
        if entry is not None:
            return length, entry
    return 0, None


def _repaired(word: str, lexicon: Lexicon) -> str:
    """Put right one slip, where only one sign is that near; long drawn words are shortened."""
    if word in lexicon.words or len(word) < _SHORTEST_REPAIRED or len(word) > 20:
        return word
    for most in (2, 1):
        short = _shortened(word, most)
        if short != word and (short,) in lexicon.phrases:
            return short
    near = {
        known
        for length in (len(word) - 1, len(word), len(word) + 1)
        for known in lexicon.spellings.get((word[0], length), ())
        if _one_slip(word, known)
    }
    known_whole = [known for known in near if len(known) == len(word)]
    candidates = sorted(near) if len(near) <= 1 else sorted(known_whole)
    meanings = {lexicon.phrases.get((known,)) for known in candidates}
    if len(meanings) != 1:
        return word
    entry = meanings.pop()
    if entry is not None and any(meaning in _NEVER_REPAIRED for meaning, _ in entry):
        return word
    return candidates[0]


def _one_slip(typed: str, meant: str) -> bool:
    """Whether one letter is missing, one too many, one another, or two neighbours swapped."""
    if len(typed) > len(meant):
        return _one_slip(meant, typed)
    start = 0
    while start < len(typed) and typed[start] == meant[start]:
        start += 1
    rest, other = typed[start:], meant[start:]
    if len(typed) < len(meant):
        return rest == other[1:]
    swapped = len(rest) > 1 and rest[:2] == other[1::-1] and rest[2:] == other[2:]
    return swapped or (len(typed) > _SHORTEST_REPAIRED and rest[1:] == other[1:])


def _shortened(word: str, most: int) -> str:
    out = ""
    for char in word:
        if not out.endswith(char * most):
            out += char
    return out


def _meaning(written: str) -> tuple[Meaning, int]:
    name, _, value = written.partition(":")
    return Meaning(name), int(value or 0)


def _spellings(phrase: str) -> set[str]:
    """Fold a phrase, both ways where a German would write `ue` for `ü`."""
    if phrase.isascii():
        return {phrase.casefold()}
    apart = phrase.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    return {folded(phrase), folded(apart)}
