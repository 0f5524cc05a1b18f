"""Figures of days as SVG: three shares as lines, failed attempts as stacked columns, the rest in words.

A share's axis begins where its lowest day needs it to, and says so: between 97 and 99 in a hundred lies what
people look for. A day on which nothing was counted has no dot, and the line has a gap. Weak point: depots are
added up; `--depot` shows one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import pairwise
from typing import Any, Final, NamedTuple

from infra.demo.map import COLOURS, INK, MUTED, PAPER, text

WIDTH, HEIGHT = 1280, 780
EDGE, GAP = 40, 28
TOP, SHARE_HEIGHT = 214, 210  # of the three panels' inside
LOWER_TOP, LOWER_HEIGHT = 520, 190
LEGEND = 270  # pixels for it, right of the columns
GRID = "#e5e7eb"
LINE = "#1f5fbf"
MOST_NUMBERS = 10  # dots that have their number written above
MOST_LABELS = {3: 7, 1: 16}  # dates under a panel, by how many panels stand side by side


class Share(NamedTuple):
    """A part of a whole."""

    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        """In a hundred; None where there is nothing."""
        return 100 * self.part / self.whole if self.whole else None

    def __str__(self) -> str:
        """As it is read."""
        return "\N{EN DASH}" if self.percent is None else f"{self.percent:.1f} %"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One date of all depots shown."""

    day: date
    kept: Share
    on_slot: Share
    first_attempt: Share
    failures: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What is to be seen.

    Attributes
    ----------
    figures
        Numbers of the whole time, and what they are.
    """

    title: str
    subtitle: str
    figures: Sequence[tuple[str, str]]
    days: Sequence[Day]


def charted(shown: Mapping[str, Any], title: str) -> Chart:
    """Read what `GET /v1/kpis` answered; depots of one date are added up."""
    by_date: dict[str, list[Mapping[str, Any]]] = {}
    for row in shown["data"]:
        by_date.setdefault(row["date"], []).append(row)
    days = [_day(date.fromisoformat(day), by_date[day]) for day in sorted(by_date)]
    depots = sorted({row["depot_id"] for row in shown["data"]})
    first, last = (f"{each.day:%d %b %Y}".lstrip("0") for each in (days[0], days[-1]))
    named = ", ".join(depots) if len(depots) <= 4 else f"{len(depots)} depots"
    return Chart(
        title=title,
        subtitle=f"{named} · {first} to {last} · {shown['total']['promised']} promises",
        figures=_figures(_day(days[-1].day, [shown["total"]]), shown["total"]),
        days=days,
    )


def _day(day: date, rows: Sequence[Mapping[str, Any]]) -> Day:
    def windows(name: str) -> Share:
        parts = ("kept", "early", "late", "missed")
        return Share(
            sum(row[name]["kept"] for row in rows), sum(row[name][part] for row in rows for part in parts)
        )

    failures = Counter[str]()
    for row in rows:
        failures.update(row["exceptions"])
    firsts = [row["first_attempts"] for row in rows]
    return Day(
        day=day,
        kept=windows("promises"),
        on_slot=windows("on_slot"),
        first_attempt=Share(sum(each["delivered"] for each in firsts), sum(each["made"] for each in firsts)),
        failures={name: count for name, count in failures.items() if count},
    )


def _figures(whole: Day, total: Mapping[str, Any]) -> list[tuple[str, str]]:
    half_hour = next(each for each in total["eta"] if each["horizon_minutes"] == 30)
    off, covered = half_hour["mean_absolute_error_seconds"], half_hour["covered_share"]
    return [
        (str(whole.kept), "promises kept"),
        (str(whole.on_slot), "on slot"),
        (str(whole.first_attempt), "first attempts right"),
        ("\N{EN DASH}" if off is None else f"{off / 60:.1f} min", "ETA off, 30 min ahead"),
        ("\N{EN DASH}" if covered is None else f"{100 * covered:.0f} %", "in its 90 % interval"),
        (str(total["contacts"]), "asked where it is"),
        (_nps(total["nps_product"]), "NPS goods"),
        (_nps(total["nps_delivery"]), "NPS delivery"),
    ]


def _nps(shown: Mapping[str, Any]) -> str:
    return "\N{EN DASH}" if shown["nps"] is None else f"{shown['nps']:+.0f}"


def draw(chart: Chart) -> str:
    """Draw a chart as one SVG document."""
    wide = (WIDTH - 2 * EDGE - 2 * GAP) / 3
    panels = (
        ("Promises kept, original window", [each.kept for each in chart.days]),
        ("On slot, window last told", [each.on_slot for each in chart.days]),
        ("Delivered at the first attempt", [each.first_attempt for each in chart.days]),
    )
    dates = [each.day for each in chart.days]
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        "font-family=\"'Inter','Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif\" "
        f'fill="{INK}" role="img" aria-label="{escape(chart.title)}: {escape(chart.subtitle)}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="14" fill="{PAPER}"/>',
        text(EDGE, 52, chart.title, size=26, weight=700),
        text(EDGE, 78, chart.subtitle, size=15, colour=MUTED),
        *_numbers(chart.figures),
    ]
    for number, (title, shares) in enumerate(panels):
        parts += _panel(EDGE + number * (wide + GAP), wide, title, dates, shares)
    parts += _columns(chart.days)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _numbers(figures: Sequence[tuple[str, str]]) -> Iterable[str]:
    step = (WIDTH - 2 * EDGE) / len(figures)
    for number, (value, label) in enumerate(figures):
        yield text(EDGE + number * step, 126, value, size=22, weight=700)
        yield text(EDGE + number * step, 145, label, size=12, colour=MUTED)


def _panel(
    left: float, wide: float, title: str, dates: Sequence[date], shares: Sequence[Share]
) -> Iterable[str]:
    """One share, day by day, on an axis from a round number up to a hundred."""
    known = [each.percent for each in shares if each.percent is not None]
    floor = min(90, 10 * (int(min(known, default=100.0)) // 10))
    bottom = TOP + SHARE_HEIGHT
    yield f'<g class="share"><title>{escape(title)}</title>'
    yield text(left, TOP - 14, title, size=14.5, weight=700)
    inside = left + 40
    for tick in (floor, (floor + 100) / 2, 100):
        y = _height(tick, floor)
        yield f'<path d="M{inside:.1f} {y:.1f}H{left + wide:.1f}" stroke="{GRID}"/>'
        yield text(inside - 8, y + 4, f"{tick:g} %", size=11, colour=MUTED, anchor="end")
    step = (left + wide - inside) / len(shares)
    spots = [
        None if each.percent is None else (inside + (at + 0.5) * step, _height(each.percent, floor))
        for at, each in enumerate(shares)
    ]
    for was, now in pairwise(spots):
        if was is not None and now is not None:
            yield (
                f'<path d="M{was[0]:.1f} {was[1]:.1f}L{now[0]:.1f} {now[1]:.1f}" stroke="{LINE}" '
                'stroke-width="2.5" stroke-linecap="round"/>'
            )
    for spot, share, day in zip(spots, shares, dates, strict=True):
        if spot is not None:
            x, y = spot
            yield (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{LINE}" stroke="{PAPER}" '
                f'stroke-width="1.5"><title>{day}: {share.part} of {share.whole}</title></circle>'
            )
            if len(known) <= MOST_NUMBERS:
                number = text(x, y - 11, f"{share.percent:.0f}", size=11.5, anchor="middle")
                yield f'<g stroke="{PAPER}" stroke-width="3" paint-order="stroke">{number}</g>'
    yield from _dates(dates, inside, step, bottom + 20, panels=3)
    yield "</g>"


def _height(percent: float, floor: float) -> float:
    return TOP + SHARE_HEIGHT * (100 - percent) / (100 - floor)


def _columns(days: Sequence[Day]) -> Iterable[str]:
    """Failed attempts of each day, the commonest reason at the bottom of every column."""
    totals = sum((Counter(each.failures) for each in days), Counter[str]())
    names = [name for name, _ in totals.most_common()]
    most = max((sum(each.failures.values()) for each in days), default=0)
    top = _round_up(most)
    inside, right, bottom = EDGE + 40, WIDTH - EDGE - LEGEND, LOWER_TOP + LOWER_HEIGHT
    yield '<g class="failures">'
    yield text(EDGE, LOWER_TOP - 18, "Attempts that failed, by reason", size=14.5, weight=700)
    for tick in (0, top / 2, top):
        y = bottom - LOWER_HEIGHT * tick / top
        yield f'<path d="M{inside} {y:.1f}H{right}" stroke="{GRID}"/>'
        yield text(inside - 8, y + 4, f"{tick:g}", size=11, colour=MUTED, anchor="end")
    step = (right - inside) / len(days)
    for at, day in enumerate(days):
        y = float(bottom)
        for number, name in enumerate(names):
            high = LOWER_HEIGHT * day.failures.get(name, 0) / top
            if high:
                y -= high
                yield (
                    f'<rect x="{inside + (at + 0.2) * step:.1f}" y="{y:.1f}" width="{0.6 * step:.1f}" '
                    f'height="{high:.1f}" fill="{COLOURS[number]}">'
                    f"<title>{day.day}: {day.failures[name]} {escape(_words(name))}</title></rect>"
                )
    yield from _dates([each.day for each in days], inside, step, bottom + 20, panels=1)
    for number, name in enumerate(names):
        y = LOWER_TOP + 12 + 24 * number
        yield f'<rect x="{right + 32}" y="{y - 11}" width="13" height="13" fill="{COLOURS[number]}"/>'
        yield text(right + 54, y, _words(name), size=13.5)
        yield text(WIDTH - EDGE, y, str(totals[name]), size=13.5, anchor="end", weight=600)
    if not names:
        yield text((inside + right) / 2, bottom - LOWER_HEIGHT / 2, "None", size=15, colour=MUTED)
    yield "</g>"


def _dates(dates: Sequence[date], left: float, step: float, y: float, *, panels: int) -> Iterable[str]:
    every = -(-len(dates) // MOST_LABELS[panels])
    for at, day in enumerate(dates):
        if (len(dates) - 1 - at) % every == 0:  # the last one always has its label
            yield text(
                left + (at + 0.5) * step, y, f"{day.day} {day:%b}", size=11, colour=MUTED, anchor="middle"
            )


_ROUND: Final = (1, 2, 4, 6, 10)


def _round_up(number: int) -> int:
    """The next number that reads well, and whose half does; 2 at least."""
    power = 1
    while True:
        for each in _ROUND:
            if each * power >= max(number, 2):
                return each * power
        power *= 10


def _words(name: str) -> str:
    return name.removeprefix("failed_").replace("_", " ")
