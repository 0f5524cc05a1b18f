"""The buyer's page: one HTML document that needs nothing from anywhere and works without JavaScript.

What is said is chosen here, how it looks stands in `pages`. Jinja escapes whatever a merchant wrote.
Weak point: times are shown on a 24-hour clock in every language.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from chalicelib.handlers.tracking_map import Streets, drawn, metres_away
from chalicelib.handlers.tracking_words.words import PageWords
from chalicelib.promises.changes import Possible
from chalicelib.promises.model import ChangeKind, Offer, PromiseState
from chalicelib.routing.model import TimeWindow
from chalicelib.tracking.model import Tracked
from chalicelib.units import Timestamp

if TYPE_CHECKING:
    from jinja2 import Template

_PAGES = Path(__file__).parent / "pages"
_MOST_SLOTS = 12
_TO = "\N{EN DASH}\N{WORD JOINER}"  # hours stay on one line
_WITH_A_TIME = (PromiseState.CONFIRMED, PromiseState.OUT_FOR_DELIVERY, PromiseState.ARRIVING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Who sold it, as its buyers know it."""

    brand: str
    support_phone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """What the page's forms carry.

    Attributes
    ----------
    key
        Their Idempotency-Key: sent twice, they act once.
    """

    token: str
    key: str


def page(
    shown: Tracked,
    possible: Possible,
    words: PageWords,
    shop: Shop,
    now: Timestamp,
    *,
    tag: str,
    forms: Forms,
    seal: Callable[[Offer], str],
    streets: Streets,
) -> str:
    """Show a delivery.

    Parameters
    ----------
    possible
        What its buyer could change right now.
    tag
        Of the state that is shown; the page is old when that has another.
    seal
        Makes the token that stands for an offer.
    streets
        Asked only when the van is shown.
    """
    zone = ZoneInfo(shown.timezone)
    picture = caption = None
    next_one = shown.state is PromiseState.ARRIVING  # which says how many stops there are before
    if shown.van is not None:
        metres = metres_away(shown.van.location, shown.door)
        label = words.map_label.format(metres=metres)
        picture = drawn(shown.van.location, shown.door, streets, label=label)
        seen = words.van_seen.format(time=_clock(shown.van.at, zone))
        caption = f"{label} {seen}."
        caption += f" {words.roads}" if picture.has_streets else ""
    scores = shown.feedback
    said = words.scored.format(product=scores.product, delivery=scores.delivery) if scores else None
    return _rendered(
        "tracking.html",
        words,
        shop,
        headline=_headline(shown, words, zone, now),
        state=_state(shown, words),
        expected=_expected(shown, words, zone, now),
        stops=words.stops_before(shown.eta.stops_before) if shown.eta and not next_one else None,
        notice=_notice(shown, words, zone, now),
        picture=picture.svg if picture else None,
        picture_caption=caption,
        arranged=[words.arranged[kind] for kind in shown.arranged if _is_news(kind, shown)],
        done=_done(shown, words, zone, now),
        refused=shown.done is not None and shown.done.refusal is not None,
        slots=[(seal(offer), _window(offer.window, words, zone, now)) for offer in _slots(shown, possible)],
        kinds={str(kind) for kind in possible.kinds},
        offers_first=bool(shown.offered) or shown.in_vain is not None,
        until=_until(possible, words, zone),
        scored=said,
        wants_score=shown.ended_at is not None and scores is None,
        poll_after=shown.poll_after,
        state_tag=tag,
        path=forms.token,
        key=forms.key,
        script=Markup(_asset("tracking.js")),
        title=words.title,
    )


def plain_page(words: PageWords, shop: Shop, *, title: str, text: str) -> str:
    """Say one thing: there is no such page, or a form did not work."""
    return _rendered(
        "plain.html", words, shop, title=title, text=text, poll_after=0, state_tag="", script=None
    )


def security_policy() -> str:
    """What the page may load: itself."""
    return (
        f"default-src 'none'; style-src {_hash('tracking.css')}; script-src {_hash('tracking.js')}; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _headline(shown: Tracked, words: PageWords, zone: ZoneInfo, now: Timestamp) -> str:
    """The time while there is one to wait for, else what came of it."""
    if shown.in_vain is not None:
        return words.causes[shown.in_vain]
    if shown.state in _WITH_A_TIME:
        return _window(shown.window, words, zone, now)
    return words.states[shown.state]


def _state(shown: Tracked, words: PageWords) -> str | None:
    if shown.in_vain is not None:
        return None
    if shown.state in _WITH_A_TIME:
        return words.states[shown.state]
    return words.outcomes.get(shown.outcome) if shown.outcome else None


def _expected(shown: Tracked, words: PageWords, zone: ZoneInfo, now: Timestamp) -> str | None:
    if shown.eta is not None:
        return words.expected.format(
            time=_clock(shown.eta.expected_at, zone),
            earliest=_clock(shown.eta.earliest_at, zone),
            latest=_clock(shown.eta.latest_at, zone),
        )
    if shown.state is not PromiseState.DELIVERED or shown.ended_at is None:
        return None
    return f"{_day(shown.ended_at, words, zone, now)}, {_clock(shown.ended_at, zone)}"


def _notice(shown: Tracked, words: PageWords, zone: ZoneInfo, now: Timestamp) -> list[str]:
    """What changed and why, as long as it matters."""
    if shown.moved is None or shown.in_vain is not None or shown.state not in _WITH_A_TIME:
        return []
    lines = [words.causes[shown.moved.cause]]
    if shown.late:
        lines.append(words.late)
    if shown.moved.from_window is not None:
        lines.append(words.before.format(window=_window(shown.moved.from_window, words, zone, now)))
    return lines


def _slots(shown: Tracked, possible: Possible) -> list[Offer]:
    """Those offered unasked first, then the next ones; each once."""
    if ChangeKind.SLOT not in possible.kinds:
        return []
    offers = [*shown.offered, *(slot.offer for slot in possible.slots if slot.offer)]
    had = shown.window if shown.in_vain is None else None  # who was missed may have the same window again
    found = {offer.slot_id: offer for offer in reversed(offers) if offer.window != had}
    return list(reversed(found.values()))[:_MOST_SLOTS]


def _is_news(kind: ChangeKind, shown: Tracked) -> bool:
    """Whether it is not just said as what came of a change."""
    return shown.done is None or shown.done.kind is not kind


def _done(shown: Tracked, words: PageWords, zone: ZoneInfo, now: Timestamp) -> str | None:
    """What came of the change that was just asked for."""
    if shown.done is None:
        return None
    if shown.done.refusal is not None:
        return words.refusals[shown.done.refusal]
    return words.dones[shown.done.kind].format(
        window=_window(shown.done.window or shown.window, words, zone, now)
    )


def _until(possible: Possible, words: PageWords, zone: ZoneInfo) -> str | None:
    return words.until.format(time=_clock(possible.until, zone)) if possible.until is not None else None


def _window(window: TimeWindow, words: PageWords, zone: ZoneInfo, now: Timestamp) -> str:
    day = _day(window.start, words, zone, now)
    return f"{day}, {_clock(window.start, zone)}{_TO}{_clock(window.end, zone)}"


def _day(at: Timestamp, words: PageWords, zone: ZoneInfo, now: Timestamp) -> str:
    day, today = (datetime.fromtimestamp(each, zone).date() for each in (at, now))
    return words.day_of(day, today)


def _clock(at: Timestamp, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at, zone):%H:%M}"


def _rendered(name: str, words: PageWords, shop: Shop, **more: Any) -> str:
    style = Markup(_asset("tracking.css"))
    return _template(name).render(
        words=words, brand=shop.brand, support_phone=shop.support_phone, style=style, **more
    )


@cache
def _template(name: str) -> "Template":
    pages = Environment(
        loader=FileSystemLoader(_PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template(name)


@cache
def _asset(name: str) -> str:
    return (_PAGES / name).read_text()


@cache
def _hash(name: str) -> str:
    return f"'sha256-{b64encode(sha256(_asset(name).encode()).digest()).decode()}'"
