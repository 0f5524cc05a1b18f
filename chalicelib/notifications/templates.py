"""A text from what is to be said, in the recipient's language, on the wall of the delivery address.

Values are put into texts and never read as text to be filled in, so braces in a name stay braces.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from chalicelib.notifications.linting import LONGEST_BRAND, clean_name
from chalicelib.notifications.segments import length, plain
from chalicelib.notifications.wording.english import AMERICAN, ENGLISH
from chalicelib.notifications.wording.french import FRENCH
from chalicelib.notifications.wording.german import GERMAN
from chalicelib.notifications.wording.language import Language
from chalicelib.notifications.wording.sayings import (
    AccessAsked,
    AddressChanged,
    Asking,
    AtRisk,
    BackOnTime,
    Cancelled,
    Choice,
    DayBefore,
    Delayed,
    Delivered,
    Done,
    Failed,
    FeedbackAsked,
    HelpGiven,
    MorningWindow,
    NextStop,
    Order,
    PromiseConfirmed,
    PromptTooOld,
    Redirected,
    Refused,
    Rescheduled,
    Saying,
    Whereabouts,
    WhichOrder,
    WindowChanged,
)
from chalicelib.notifications.wording.spanish import SPANISH
from chalicelib.routing.model import TimeWindow
from chalicelib.units import Seconds, Timestamp

LANGUAGES = {language.tag: language for language in (ENGLISH, SPANISH, GERMAN, FRENCH)}
_VARIANTS = {"en-us": AMERICAN, "en-ca": AMERICAN}
_LONGEST_ORDER_REF = 24
_NO_DAY = date.min  # for today: then every day is named by its date


def language_of(locale: str | None, locales: Sequence[str]) -> Language:
    """Choose the language of a text: the recipient's, else the first of the merchant's, else English.

    Parameters
    ----------
    locale
        Of the recipient, as a BCP 47 tag such as `de-AT`; None if the merchant did not say.
    locales
        Of the merchant, the preferred first.
    """
    for tag in (locale or "", *locales):
        tag = tag.lower().replace("_", "-")
        language = _VARIANTS.get(tag) or LANGUAGES.get(tag.partition("-")[0])
        if language is not None:
            return language
    return ENGLISH


def words(
    saying: Saying,
    *,
    language: Language,
    brand: str,
    timezone: str,
    now: Timestamp,
    lasts: Seconds = 0,
) -> str:
    """Put a saying into words.

    Parameters
    ----------
    brand
        Opens the text; cleaned and cut to 40 characters here once more, whoever saved it.
    timezone
        IANA name, of the delivery address.
    now
        Decides what is today and what tomorrow.
    lasts
        For how long it may wait to be sent: if that is past midnight, days are named by their dates.
    """
    zone = ZoneInfo(timezone)
    first, last = (datetime.fromtimestamp(at, zone).date() for at in (now, now + lasts))
    writer = _Writer(language=language, zone=zone, today=first if first == last else _NO_DAY)
    name = clean_name(brand)[:LONGEST_BRAND].rstrip()
    said = " ".join(sentence for sentence in writer.sentences(saying) if sentence)
    text = plain(f"{name}: {said}" if name else said)
    return _with_way_out(text, language) if isinstance(saying, PromiseConfirmed) else text


def _with_way_out(text: str, language: Language) -> str:
    """Say in the first text of a delivery how to get no more, as carriers want it, where that is for free."""
    longer = f"{text} {language.way_out}"
    return longer if length(longer).segments == length(text).segments else text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    language: Language
    zone: ZoneInfo
    today: date

    def sentences(self, saying: Saying) -> Sequence[str]:
        lang = self.language
        match saying:
            case PromiseConfirmed(window=window, link=link):
                return lang.promise_confirmed.format(when=self._dated(window)), self._link(link)
            case DayBefore(window=window, link=link):
                return lang.day_before.format(when=self._when(window)), self._link(link)
            case MorningWindow(window=window, link=link):
                return lang.morning_window.format(when=self._when(window)), self._link(link)
            case WindowChanged(window=window, narrowed=narrowed, link=link):
                written = lang.window_narrowed if narrowed else lang.window_moved
                return written.format(when=self._when(window)), self._link(link)
            case NextStop(window=window, link=link):
                return lang.next_stop.format(hours=self._hours(window)), self._link(link)
            case AtRisk(promised=promised, expected=expected, choices=choices, cause=cause):
                if expected is None:
                    told = lang.at_risk_open.format(cause=lang.causes[cause], promised=self._when(promised))
                else:
                    hours = self._or_hours(expected, promised)
                    told = lang.at_risk.format(promised=self._when(promised), expected=hours)
                return told, self._choices(choices)
            case BackOnTime(window=window):
                return (lang.back_on_time.format(when=self._when(window)),)
            case Delayed(window=window, cause=cause, link=link):
                written = lang.delayed if window else lang.delayed_open
                when = self._when(window) if window else ""
                return written.format(cause=lang.causes[cause], when=when), self._link(link)
            case Delivered(at=at, how=how, link=link):
                told = lang.delivered.format(time=lang.clock(self._local(at)), how=lang.left[how])
                return told, self._details(link)
            case Failed(why=why, choices=choices, link=link):
                return lang.failed.format(why=lang.failures[why]), self._choices(choices), self._details(link)
            case Rescheduled(window=window, link=link):
                return lang.rescheduled.format(when=self._when(window)), self._link(link)
            case AddressChanged(link=link):
                return lang.address_changed, self._details(link)
            case Redirected(to_neighbour=to_neighbour, link=link):
                told = lang.redirected_neighbour if to_neighbour else lang.redirected_safe_place
                return told, self._details(link)
            case Cancelled():
                return (lang.cancelled,)
            case FeedbackAsked():
                return (lang.feedback_asked,)
            case AccessAsked():
                return (lang.access_asked,)
            case Done(effect=effect, window=window):
                return (lang.effects[effect].format(when=self._when(window) if window else ""),)
            case Refused(obstacle=obstacle, choices=choices, link=link):
                told = lang.refused.format(obstacle=lang.obstacles[obstacle])
                return told, self._choices(choices), self._details(link)
            case Asking(about=about, choices=choices, link=link):
                asked = lang.questions.get(about, lang.question) if about else lang.question
                return asked, self._choices(choices), self._details(link)
            case WhichOrder(orders=orders):
                return lang.which_order, self._orders(orders)
            case PromptTooOld(choices=choices, link=link):
                return lang.prompt_too_old, self._choices(choices), self._details(link)
            case Whereabouts(window=window, stops_before=stops, link=link):
                return *self._whereabouts(window, stops), self._link(link)
            case HelpGiven(support_phone=None):
                return (lang.help_no_phone,)
            case HelpGiven(support_phone=phone):
                return (lang.help.format(support_phone=phone),)

    def _whereabouts(self, window: TimeWindow, stops: int | None) -> Sequence[str]:
        lang = self.language
        if stops == 0:
            return (lang.whereabouts_next.format(hours=self._hours(window)),)
        told = lang.whereabouts.format(when=self._when(window))
        return (told,) if stops is None else (told, lang.stops_before(stops))

    def _choices(self, choices: Sequence[Choice]) -> str:
        if not choices:
            return ""
        return self._numbered([self._choice(choice) for choice in choices])

    def _choice(self, choice: Choice) -> str:
        when = self._when(choice.window) if choice.window else ""
        return self.language.choices[choice.kind].format(when=when)

    def _orders(self, orders: Sequence[Order]) -> str:
        return self._numbered(
            [
                self.language.order.format(
                    order_ref=clean_name(order.order_ref)[:_LONGEST_ORDER_REF], when=self._when(order.window)
                )
                for order in orders
            ]
        )

    def _numbered(self, choices: Sequence[str]) -> str:
        listed = " ".join(f"{number}) {choice}" for number, choice in enumerate(choices, start=1))
        return self.language.reply.format(choices=listed)

    def _link(self, link: str | None) -> str:
        return self.language.link.format(link=link) if link else ""

    def _details(self, link: str | None) -> str:
        return self.language.details.format(link=link) if link else ""

    def _when(self, window: TimeWindow) -> str:
        return self.language.at(self._local(window.start), self._local(window.end), self.today)

    def _dated(self, window: TimeWindow) -> str:
        """Write a window with its date even if that is tomorrow: this text is kept and read again."""
        start, end = self._local(window.start), self._local(window.end)
        day = self.language.on(start.date(), today=_NO_DAY)
        return self.language.when.format(day=day, hours=self.language.span(start, end))

    def _hours(self, window: TimeWindow) -> str:
        return self.language.span(self._local(window.start), self._local(window.end))

    def _or_hours(self, window: TimeWindow, beside: TimeWindow) -> str:
        """Write a window beside another: its day only if that is another one."""
        same_day = self._local(window.start).date() == self._local(beside.start).date()
        return self._hours(window) if same_day else self._when(window)

    def _local(self, at: Timestamp) -> datetime:
        return datetime.fromtimestamp(at, self.zone)
