"""What turns a text round takes its certainty away, whatever the text was.

Each clear wish of the corpus is edited as people turn their own words: denied, doubted, told of somebody else
or of yesterday, made a condition or a question of price, taken back, or followed by another wish. Nothing may
then be done at once. Which of the edits a text gets is decided by a hash, so that each edit meets every kind
of wish and a run stays short.
"""

import zlib
from collections.abc import Iterator

import pytest

from chalicelib.notifications.intents import (
    Answer,
    Cancel,
    Choose,
    GateCode,
    Hours,
    Intent,
    Neighbour,
    NotHome,
    Question,
    Reschedule,
    SafePlace,
    Scores,
    Situation,
    Unclear,
    WhereIsIt,
    WrongAddress,
    WrongNumber,
)
from chalicelib.notifications.replies import understand
from tests.benchmarks.replies import naive
from tests.notifications.corpus import Labelled, corpus, situation

ONE_IN = 6
AT_ONCE = (Answer, Choose, GateCode, Neighbour, Reschedule, SafePlace, Scores)
WISHES = {"choose", "yes", "reschedule", "place", "neighbour", "code", "scores"}
BEFORE = {
    "en": (
        "don't |please dont |never |if it rains |unless I call |yesterday I said |my neighbour said "
        "|last time you |I never said |maybe |why did you |should I say |what if I say |my husband thinks "
        "|I was going to say |you said |anything but |is it true that |they told me "
    ),
    "es": (
        "no |por favor no |nunca |si llueve |ayer dije |mi vecino dijo |la ultima vez |nunca dije |quizas "
        "|por que |mi marido cree que |iba a decir |dijisteis |todo menos |si no estoy |me dijeron "
    ),
    "de": (
        "nicht |bitte nicht |niemals |wenn es regnet |gestern sagte ich |mein nachbar sagte |letztes mal "
        "|vielleicht |warum |mein mann meint |ich wollte sagen |ihr habt gesagt |alles außer "
        "|falls ich nicht da bin |mir wurde gesagt "
    ),
    "fr": (
        "pas |surtout pas |ne jamais |s'il pleut |hier j'ai dit |mon voisin a dit |la derniere fois "
        "|peut etre |pourquoi |mon mari pense que |j'allais dire |vous aviez dit |tout sauf "
        "|si je suis pas la |on m'a dit "
    ),
}
BEHIND = {
    "en": (
        ", just kidding| or not|, actually no|, or maybe not| or friday| if it rains| unless it rains"
        "|, but only if its free| he said| my neighbour said| was what I said yesterday|, forget that"
        "|, no wait| and bring my other parcel too|, also take the old one away| and ring twice"
        "|. And refund me|, on second thoughts no| is not ok| doesnt work for me| is what my wife wants"
        "|, i take that back|, not sure though| and how much is it?| isnt right|, im joking|, my mistake"
        "|, ignore that| would be wrong| was fine last week|, said nobody ever|, scrap that"
        "| and leave it with no 31| except fridays| anymore| was wrong| is closed| is full"
    ),
    "es": (
        ", es broma| o no|, mejor no|, o quizas no| o el viernes| si llueve| a no ser que llueva"
        "|, pero solo si es gratis| dijo el| dijo mi vecino|, olvidalo|, no espera"
        "| y trae mi otro paquete tambien|, ademas llevaos el viejo| y llama dos veces"
        "|, pensandolo bien no| no me va bien| es lo que quiere mi mujer|, no estoy seguro|, ignora eso"
        "| y cuanto cuesta?|, era broma| esta mal"
    ),
    "de": (
        ", war nur spaß| oder nicht|, doch nicht|, oder vielleicht nicht| oder freitag| wenn es regnet"
        "|, außer es regnet|, aber nur wenn es nichts kostet| hat er gesagt| meinte mein nachbar"
        "|, vergiss es|, nein warte| und bringt mein anderes paket mit|, und nehmt das alte mit"
        "| und zweimal klingeln| passt nicht| geht nicht| will meine frau|, bin nicht sicher"
        "|, ignoriert das| und was kostet das?|, kleiner scherz| ist falsch| war gestern"
    ),
    "fr": (
        ", je plaisante| ou pas|, en fait non|, ou peut etre pas| ou vendredi| s'il pleut| sauf s'il pleut"
        "|, mais seulement si c'est gratuit| a-t-il dit| m'a dit mon voisin|, oubliez|, non attendez"
        "| et apportez mon autre colis aussi|, et reprenez l'ancien| et sonnez deux fois|, finalement non"
        "| ne me va pas| c'est ce que veut ma femme|, pas sur|, ignorez ca| et combien ca coute?"
        "|, c'etait une blague| est faux| ne marche pas| c'etait hier"
    ),
}


# What turns here is why somebody asks, and not what they ask for.
STILL_MEANT = {
    "bitte kommen morgen nachmittag, ich heute arbeit passt nicht",
    "niemals keiner da, bitte in 3b abgeben",
}


def turned() -> Iterator[tuple[Labelled, str]]:
    """Every wish that is acted on, each with the edits that fall to it."""
    for case in corpus():
        if "\n" in case.text:  # what is quoted or signed below is not read
            continue
        edits = [
            *(edit + case.text for edit in BEFORE[case.language].split("|")),
            *(case.text.rstrip() + edit for edit in BEHIND[case.language].split("|")),
        ]
        if case.kind in WISHES:
            chosen = (text for text in edits if zlib.crc32(text.encode()) % ONE_IN == 0)
            yield from ((case, text) for text in chosen if text not in STILL_MEANT)


def _opposite(wish: Intent | Question | Unclear, other: Intent | Question | Unclear) -> bool:
    """Whether two wishes are "after five" and "not after five": both of them can be done."""
    if not (isinstance(wish, Reschedule) and isinstance(other, Reschedule)) or wish.hours is None:
        return False
    return other.hours == Hours(start=wish.hours.end, end=wish.hours.start)


def test_nothing_is_done_at_once_that_was_turned_round() -> None:
    """Denied, doubted, reported, conditional, taken back, or one of two wishes: it is asked about."""
    found = [
        (text, understood)
        for case, text in turned()
        if isinstance(understood := understand(text, case.situation), AT_ONCE)
        and not _opposite(understand(case.text, case.situation), understood)
    ]
    assert found == []


def test_a_matcher_of_keywords_does_what_was_turned_round() -> None:
    """CONTROL: one that looks for words acts on thousands of the same texts."""
    acted = sum(isinstance(naive(text, case.situation), AT_ONCE) for case, text in turned())
    assert acted > 1000


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Pop it in the greenhouse please, the door slides to the left", SafePlace("in the greenhouse")),
        ("give it to no 14 pls they know about it", Neighbour("14")),
        ("Hi its Dawn. leave it with no 12 please. Many thanks, Dawn", Neighbour("12")),
        ("can it be after 3 please, fetching kids b4 that", Reschedule(hours=Hours(start=15 * 60))),
        ("please leave it in the shed, I'm at a wedding", SafePlace("in the shed")),
        (
            "could you do this evening please, I finish work at 5",
            Reschedule(hours=Hours(start=18 * 60, end=22 * 60)),
        ),
    ],
)
def test_who_writes_and_why_is_told_beside_a_wish(text: str, meant: Intent) -> None:
    """Nobody has to know every word of a reason to know that it is no second wish."""
    assert understand(text, situation()) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Please cancel my order. My dad bought me the same one", Cancel()),
        ("Its gone 4 and nothing has arrived, where is my parcel?", WhereIsIt()),
        ("what time will you be here? I need to move the car", WhereIsIt()),
        ("Address is wrong, we are at number 40 now", WrongAddress()),
        ("who is this? i didn't order anything", WrongNumber()),
        ("Sorry I won't be at home, I have a doctors appointment at 2.30", NotHome()),
    ],
)
def test_what_changes_nothing_at_once_is_read_beside_facts_of_any_kind(text: str, meant: Intent) -> None:
    """It is answered, passed on, or asked about once more: days, numbers and denials beside it do no harm."""
    assert understand(text, situation()) == meant


@pytest.mark.parametrize(
    "text",
    [
        "please cancel my order unless it comes today",
        "cancel my order for tuesday not the other one",
        "my husband wants to cancel it, I do not",
        "where can I find my invoice",
        "when I get home I'll call",
        "I moved the bins so the van can park",
        "I wont be in but my neighbour will take it",
    ],
)
def test_what_changes_nothing_at_once_is_still_asked_about_where_it_is_turned(text: str) -> None:
    """CONTROL: conditions, reports and other wishes take the certainty away from these, too."""
    assert isinstance(understand(text, situation()), Question | Unclear)


@pytest.mark.parametrize(
    ("asked", "text", "meant"),
    [
        ("scores", "product 5 - bit flimsy. delivery 9", Scores(product=5, delivery=9)),
        ("scores", "6/10 for the product and 10/10 for the delivery", Scores(product=6, delivery=10)),
        ("who", "Sheila next door", Neighbour("Sheila")),
        ("who", "my mate Dave downstairs", Neighbour("Dave")),
        ("place", "bike shed is open so in the bike shed pls", SafePlace("in the bike shed")),
        ("yesno", "2 no", Choose(2)),
    ],
)
def test_a_short_answer_is_read_as_people_give_it(asked: str, text: str, meant: Intent) -> None:
    """To what we asked for they add what it was like, who that is, and why."""
    assert understand(text, situation(asked)) == meant


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("scores", "goods 9 delivery 10 minutes late"),
        ("scores", "goods 9 or 8 delivery 10"),
        ("who", "Sheila next door is away"),
        ("who", "Ask Sheila next door"),
        ("place", "the shed is full so not in the shed"),
        ("yesno", "yes 2"),
        ("-", "come after 5, I get home at 6"),
    ],
)
def test_a_short_answer_that_something_speaks_against_is_asked_about(asked: str, text: str) -> None:
    """CONTROL: a unit, a second score, an empty house, a contradiction."""
    assert isinstance(understand(text, situation(asked)), Question | Unclear)


@pytest.mark.parametrize(
    "text",
    [
        "leave it with no 12, my wife hates them",
        "leave it with no 12, they are away",
        "can you come after 5, I'm home after 3",
        "leave it in the shed, ring the bell first",
        "leave it in the shed, I was told last time",
        "leave it in the shed, I said to the other driver",
        "2, I have 3 kids",
        "not 12, she is always in",
        "come tomorrow, friday suits my wife",
    ],
)
def test_what_is_told_beside_a_wish_may_turn_it(text: str) -> None:
    """Another wish, another time, a report, a neighbour who is away: then it is asked about."""
    for asked in ("-", "pick", "yesno"):
        assert isinstance(understand(text, situation(asked)), Question | Unclear)


def chosen(text: str, language: str = "en") -> Intent | Question | Unclear:
    return understand(text, situation("pick", language, windows=True))


def test_a_time_that_one_choice_alone_has_chooses_it() -> None:
    """To choose from are Wednesday 8 to 10 and 18 to 20, and Thursday 10 to 12."""
    assert chosen("thursday one please") == Choose(3)
    assert chosen("wed evening") == Choose(2)
    assert chosen("mercredi 8h-10h", "fr") == Choose(1)
    assert chosen("el miercoles a ultima hora, de 18 a 20", "es") == Choose(2)


def test_a_time_that_two_choices_have_chooses_neither() -> None:
    """Wednesday is one of two; Friday is none of them and a wish of its own."""
    assert isinstance(chosen("wednesday"), Question)
    assert isinstance(chosen("not thursday"), Question)
    assert isinstance(chosen("friday"), Reschedule)


def test_without_the_windows_a_day_would_be_a_new_wish() -> None:
    """CONTROL: who only knows how many choices there are asks for a slot that was offered already."""
    bare: Situation = situation("pick")
    assert isinstance(understand("thursday", bare), Reschedule)
