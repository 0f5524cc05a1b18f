"""The labelled texts of `tests/data/replies.tsv`, and how a reading is judged against its label.

A line is a language, what had been asked (`-`: nothing, `eve`: nothing, on the evening before), what a person
would want done, and the text. `ask` stands for texts that nobody should act on without asking. Half of them,
by a hash of the text, are held out: the grammar was not tuned on what it does with those.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from chalicelib.notifications.intents import (
    Answer,
    Asked,
    Cancel,
    Choose,
    GateCode,
    Help,
    Hours,
    Intent,
    Neighbour,
    NotHome,
    Question,
    Reschedule,
    SafePlace,
    Scores,
    Situation,
    Start,
    Stop,
    Thanks,
    Unclear,
    WhereIsIt,
    WrongAddress,
    WrongNumber,
)
from chalicelib.notifications.understanding.times import Wall
from chalicelib.notifications.understanding.tokens import folded
from chalicelib.routing.model import TimeWindow

DATA = Path(__file__).parent.parent / "data"
ZONE = ZoneInfo("Europe/Lisbon")
TODAY = date(2026, 11, 24)  # a Tuesday
FIRST_WITH_WINDOWS = 7  # the round whose writers knew what they chose from


class Verdict(StrEnum):
    RIGHT = "right"  # a clear intent, done as meant
    ASKED = "asked"  # a clear intent, asked about: safe, but a bother
    WRONG = "wrong"  # anything else is done than was meant
    CAUTIOUS = "cautious"  # not clear, and asked about: as it should be


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    round: int
    language: str
    asked: str
    meant: str
    text: str

    @property
    def part(self) -> str:
        """`tuning` or `held out` in the first round; later rounds were held out when they were written."""
        if self.round:
            return f"round {self.round}"
        digest = hashlib.sha256(f"{self.language}/{self.asked}/{self.text}".encode()).digest()
        return "held out" if digest[0] % 2 else "tuning"

    @property
    def clear(self) -> bool:
        return self.meant != "ask"

    @property
    def kind(self) -> str:
        return self.meant.split()[0]

    @property
    def situation(self) -> Situation:
        return situation(self.asked, self.language, windows=self.round >= FIRST_WITH_WINDOWS)


def corpus() -> Iterator[Labelled]:
    lines = (DATA / "replies.tsv").read_text(encoding="utf-8").split("\n")
    for line in lines[1:]:
        if line:
            number, language, asked, meant, text = line.split("\t")
            text = text.replace("\\n", "\n")
            yield Labelled(round=int(number), language=language, asked=asked, meant=meant, text=text)


def at(day: date, hour: int, minute: int = 0) -> int:
    return int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE).timestamp())


_ASKED = {
    "pick": Asked.CHOICE,
    "yesno": Asked.CONFIRMATION,
    "code": Asked.GATE_CODE,
    "who": Asked.NEIGHBOUR,
    "place": Asked.SAFE_PLACE,
    "scores": Asked.SCORES,
}


def situation(asked: str = "-", language: str = "en", *, windows: bool = False) -> Situation:
    """Tuesday at half past nine, and the parcel comes between two and four; on the eve, tomorrow at ten.

    To choose from are tomorrow at 8 to 10 or 18 to 20, and the day after at 10 to 12.
    """
    tomorrow = TODAY + timedelta(days=1)
    to_choose = ((tomorrow, 8), (tomorrow, 18), (tomorrow + timedelta(days=1), 10))
    eve = asked == "eve"
    return Situation(
        now=at(TODAY, 18, 5) if eve else at(TODAY, 9, 30),
        timezone="Europe/Lisbon",
        window=TimeWindow(start=at(tomorrow, 10), end=at(tomorrow, 12))
        if eve
        else TimeWindow(start=at(TODAY, 14), end=at(TODAY, 16)),
        language=language,
        asked=_ASKED.get(asked),
        choices=3 if asked == "pick" else 0,
        windows=tuple(TimeWindow(start=at(day, hour), end=at(day, hour + 2)) for day, hour in to_choose)
        if asked == "pick" and windows
        else (),
    )


def judge(case: Labelled, understood: Intent | Question | Unclear) -> Verdict:
    asking = isinstance(understood, Question | Unclear)
    if not case.clear:
        return Verdict.CAUTIOUS if asking else Verdict.WRONG
    if asking:
        return Verdict.ASKED
    return Verdict.RIGHT if _same(understood, meant(case), case.situation) else Verdict.WRONG


def meant(case: Labelled) -> Intent:
    """Read a label."""
    kind, _, rest = case.meant.partition(" ")
    match kind:
        case "choose":
            return Choose(int(rest))
        case "reschedule":
            day, _, hours = rest.partition(" ")
            return Reschedule(
                day=None if day == "-" else TODAY + timedelta(days=int(day)),
                hours=_hours(hours, case.language) if hours else None,
            )
        case "place":
            return SafePlace(rest)
        case "neighbour":
            return Neighbour(rest)
        case "code":
            return GateCode(rest)
        case "scores":
            product, delivery = (None if score == "-" else int(score) for score in rest.split())
            return Scores(product=product, delivery=delivery)
        case _:
            return _SIMPLE[kind]


_SIMPLE: dict[str, Intent] = {
    "yes": Answer(yes=True),
    "no": Answer(yes=False),
    "not_home": NotHome(),
    "where": WhereIsIt(),
    "wrong_address": WrongAddress(),
    "wrong_number": WrongNumber(),
    "cancel": Cancel(),
    "stop": Stop(),
    "start": Start(),
    "help": Help(),
    "thanks": Thanks(),
}
_PARTS = {"morning": "06:00-12:00", "afternoon": "12:00-18:00", "evening": "18:00-22:00"}


def _hours(written: str, language: str) -> Hours:
    if (written, language) == ("afternoon", "es"):  # la tarde is longer
        written = "12:00-20:00"
    start, _, end = _PARTS.get(written, written).partition("-")
    return Hours(start=_minutes(start), end=_minutes(end))


def _minutes(written: str) -> int | None:
    hour, _, minute = written.partition(":")
    return int(hour) * 60 + int(minute) if hour else None


def _same(understood: Intent, label: Intent, situation: Situation) -> bool:
    """Whether both have the same effect."""
    match understood, label:
        case Choose(number=number), Answer(yes=yes) if situation.asked is Asked.CONFIRMATION:
            return number == (1 if yes else 2)  # as the question lists them
        case Reschedule(), Reschedule():
            promised = Wall.of(situation).promised
            first, second = ((each.day or promised, each.hours) for each in (understood, label))
            return first == second  # no day is the day that is promised
        case (SafePlace(), SafePlace()) | (Neighbour(), Neighbour()):
            first, second = (next(iter(_told(intent))) for intent in (understood, label))
            return folded(first) == folded(second)
        case _:
            return understood == label


def _told(intent: SafePlace | Neighbour) -> tuple[str]:
    return (intent.where if isinstance(intent, SafePlace) else intent.number_or_name,)
