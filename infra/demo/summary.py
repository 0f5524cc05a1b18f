"""What the day was like, in figures a person reads.

Weak point: latencies are those of clients that share the machine's cores with the API and the emulated AWS.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.demo.audit import Audit
from infra.demo.day import Ending, Tally
from infra.demo.screen import Screen, bar
from infra.demo.shoppers import SecondThought

SHOWN_REQUESTS = ("search", "hold", "confirm", "change")
_SHARE_WIDTH = 24
_REASONS = {
    "full": "every van was full of work then",
    "held": "held by another checkout",
    "load": "too much for any van with room",
    "skill": "needs a fridge van",
    "out_of_area": "lives outside both service areas",
    "no_route_fit": "too far out for any van",
    "cutoff_passed": "too late to order",
    "slot_taken": "somebody else was faster",
    "no_shift": "no van works then",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A finished day.

    Attributes
    ----------
    laps, lone_laps
        Seconds of each answered request, of all clients at a time and of one alone.
    kept
        Probability of each promise, as the plans have it.
    expected_texts
        Numbers whose buyers wanted texts.
    """

    tally: Tally
    seconds: float
    clients: int
    laps: Mapping[str, Sequence[float]]
    lone_laps: Mapping[str, Sequence[float]]
    kept: Sequence[float]
    at_risk: int
    texts: int
    expected_texts: int
    plans: int
    versions: int
    audit: Audit


def show(outcome: Outcome, screen: Screen) -> None:
    """Write the summary."""
    tally, audit = outcome.tally, outcome.audit
    shoppers = len(tally.visits)
    rate = shoppers / outcome.seconds
    screen.heading(
        f"{shoppers} shoppers in {outcome.seconds:.0f} s, {outcome.clients} at a time ({rate:.1f} a second)"
    )
    endings = {
        "promised": tally.count(Ending.PROMISED),
        "gave the slot back": tally.count(Ending.LEFT),
        "closed the browser": tally.count(Ending.VANISHED),
        "refused": tally.count(Ending.REFUSED),
    }
    screen.table([_counted(name, count, shoppers) for name, count in endings.items()])
    _show_wishes(tally, screen)
    _show_refusals(tally.reasons(), shoppers, screen)
    _show_latencies(outcome, screen)
    screen.heading("What stands in the plans")
    if outcome.kept:
        mean = sum(outcome.kept) / len(outcome.kept)
        odds = f"{mean:.1%} on average, {min(outcome.kept):.1%} the least sure"
        screen.say(
            f"    {len(outcome.kept)} promises; kept with a probability of {odds}; at risk: {outcome.at_risk}"
        )
    screen.say(f"    {outcome.texts} numbers texted, {outcome.expected_texts} wanted it")
    screen.say(f"    {outcome.plans} plans in {outcome.versions} versions")
    checked = f"{audit.stops} stops added up and {audit.legs} legs driven again, from the plans' JSON"
    screen.say(f"    {screen.bold(f'oversold: {len(audit.faults)}')}  ({checked})")
    for fault in audit.faults[:10]:
        screen.say(f"      {fault}")


def _show_latencies(outcome: Outcome, screen: Screen) -> None:
    screen.heading(f"What clients waited, in milliseconds: one alone, and {outcome.clients} at a time")
    rows: list[Sequence[str]] = [("", "alone: median", "together: median", "90 %", "99 %", "requests")]
    for name in SHOWN_REQUESTS:
        alone, laps = outcome.lone_laps.get(name), outcome.laps.get(name)
        if laps:
            middle = _milliseconds(alone, 50) if alone else ""
            rows.append(
                (name, middle, *(_milliseconds(laps, share) for share in (50, 90, 99)), str(len(laps)))
            )
    screen.table(rows)


def _show_wishes(tally: Tally, screen: Screen) -> None:
    promised = [visit for visit in tally.visits if visit.ending is Ending.PROMISED]
    changes = Counter(visit.change[0] for visit in promised if visit.change and visit.change[1])
    moved, cancelled = changes[SecondThought.SLOT], changes[SecondThought.CANCEL]
    facts = {
        "got the slot they wanted most": sum(visit.rank == 0 for visit in promised),
        "swapped their hold before paying": sum(visit.swapped for visit in promised),
        "moved to another slot after paying": moved,
        "changed code, neighbour or safe place": changes.total() - moved - cancelled,
        "cancelled": cancelled,
        "races lost, answered with alternatives": sum(visit.taken for visit in tally.visits),
    }
    screen.say()
    screen.table([(what, str(count)) for what, count in facts.items()])


def _show_refusals(reasons: Mapping[str, int], shoppers: int, screen: Screen) -> None:
    if reasons:
        screen.heading("Refused, by the reason their best wish was given")
        ordered = sorted(reasons.items(), key=lambda counted: -counted[1])
        screen.table([_counted(_in_words(reason), count, shoppers) for reason, count in ordered])


def _in_words(reason: str) -> str:
    return f"{reason}: {_REASONS[reason]}" if reason in _REASONS else reason


def _counted(name: str, count: int, of: int) -> tuple[str, str, str]:
    share = count / of if of else 0.0
    percent = "<1%" if 0 < share < 0.01 else f"{share:.0%}"
    return name, str(count), f"{percent:>4} {bar(share, _SHARE_WIDTH, rest=' ')}"


def _milliseconds(laps: Sequence[float], share: int) -> str:
    return f"{percentile(laps, share) * 1000:.0f}"


def percentile(values: Sequence[float], share: int) -> float:
    """The smallest value that so many per cent of the values do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(len(values) * share / 100) - 1)]
