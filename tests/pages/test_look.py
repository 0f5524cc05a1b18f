"""The page as a browser shows it: nothing axe objects to, nothing wider than the screen, a picture of each.

`make axe` fetches axe-core once; the pictures are in `build/look`. Where there is no browser this is skipped.
"""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest

from tests.handlers.shop_client import Shop, at
from tests.handlers.test_motion import completed, event, o_clock, report
from tests.handlers.test_texts_on_the_road import held_up
from tests.handlers.test_tracking import NOT_HOME, Buyer
from tests.pages.browser import DESK, PHONE, Browser, Screen, browsing, missing

WHY_NOT = missing()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "")
BROKEN = (
    '<html><head></head><body><img src="x"><input>'
    '<p style="color:#ccc;background:#fff">hardly seen</p></body></html>'
)


def booked(shop: Shop) -> Buyer:
    return Buyer(shop, shop.promise())


def on_its_way(shop: Shop) -> Buyer:
    """Another one is served before."""
    made = [shop.promise() for _ in range(3)]
    shop.clock.at = at(o_clock("09:00"))
    report(shop, event("departed_depot", "08:55"))
    shop.services.publish()
    stops = shop.done("GET", "/v1/depots/porto/plans/2026-11-24")["routes"][0]["stops"]
    last = next(each for each in made if each["promise_id"] == stops[-1]["promise_id"])
    return Buyer(shop, last)


def van_near(shop: Shop) -> Buyer:
    buyer = booked(shop)
    shop.clock.at = at(o_clock("09:00"))
    report(shop, event("departed_depot", "08:55"), event("position", "08:59", lat=41.155, lon=-8.605))
    return buyer


def missed(shop: Shop) -> Buyer:
    """Other slots are offered unasked."""
    buyer = booked(shop)
    shop.clock.at = at(o_clock("09:00"))
    report(shop, event("departed_depot", "08:30"), completed(buyer.promise, "08:50", NOT_HOME))
    shop.services.publish()
    return buyer


def missed_yesterday(shop: Shop) -> Buyer:
    """What was offered unasked has run out."""
    buyer = missed(shop)
    shop.clock.at = at("2026-11-25T12:00:00Z")
    return buyer


def told_later(shop: Shop) -> Buyer:
    """The van is held up, and a text said until when."""
    buyer = Buyer(shop, held_up(shop))
    for _ in range(2):
        shop.services.publish()
    return buyer


def delivered(shop: Shop) -> Buyer:
    """There is something to score."""
    buyer = booked(shop)
    shop.clock.at = at(o_clock("09:00"))
    report(shop, event("departed_depot", "08:30"), completed(buyer.promise, "08:50"))
    return buyer


def scored(shop: Shop) -> Buyer:
    buyer = delivered(shop)
    assert buyer.score(9, 8).status_code == 201
    return buyer


def returned(shop: Shop) -> Buyer:
    """Its buyer did not want it."""
    buyer = booked(shop)
    shop.clock.at = at(o_clock("09:00"))
    report(shop, event("departed_depot", "08:30"), completed(buyer.promise, "08:50", "failed_refused"))
    return buyer


def cancelled(shop: Shop) -> Buyer:
    buyer = booked(shop)
    shop.change(buyer.promise["promise_id"], kind="cancel")
    return buyer


def not_found(shop: Shop) -> Buyer:
    buyer = booked(shop)
    buyer.path = f"/t/{'A' * 22}"
    return buyer


STATES: dict[str, Callable[[Shop], Buyer]] = {
    "booked": booked,
    "on-its-way": on_its_way,
    "van-near": van_near,
    "missed": missed,
    "missed-yesterday": missed_yesterday,
    "told-later": told_later,
    "delivered": delivered,
    "scored": scored,
    "returned": returned,
    "cancelled": cancelled,
    "not-found": not_found,
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def shown(state: str) -> tuple[str, dict[str, str]]:
    """The page of a delivery in this state, and its headers."""
    shop = Shop()
    answer: Any = shop.ask("GET", STATES[state](shop).path, key=None)
    return answer.body.decode(), dict(answer.headers)


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=lambda screen: screen.name)
@pytest.mark.parametrize("state", STATES)
def test_page_has_nothing_axe_objects_to(browser: Browser, state: str, screen: Screen) -> None:
    """WCAG 2.2 AA by machine, in all its states, opened as far as it opens; and nobody scrolls sideways."""
    html, headers = shown(state)
    assert ">None<" not in html
    browser.picture(state, html, headers, screen, dark=False)
    found = browser.findings(state, html.replace("<details>", "<details open>"), screen, dark=False)
    assert found["violations"] == []
    assert found["passes"] > 10
    assert found["wide"] <= max(screen.width, 500)  # but for pictures no headless window is narrower


@pytest.mark.parametrize("state", ["missed", "delivered", "van-near"])
def test_page_in_the_dark_has_nothing_axe_objects_to(browser: Browser, state: str) -> None:
    """Its second set of colours has contrast enough as well."""
    html, headers = shown(state)
    browser.picture(state, html, headers, PHONE, dark=True)
    assert browser.findings(state, html, PHONE, dark=True)["violations"] == []


AWAY = 'let away = true; Object.defineProperty(document, "hidden", { get: () => away });'
BACK = """
setTimeout(() => { away = false; document.dispatchEvent(new Event("visibilitychange")); }, 2500);"""
OPENED = 'document.querySelector("details").open = true'
CHOSEN = 'document.querySelector("input[type=radio]").checked = true'


def visited(browser: Browser, state: str, *, news: bool, before: str = "") -> list[str]:
    """What the page of a delivery asks for that looks again every second; beforehand somebody did this."""
    html, headers = shown(state)
    html = re.sub('data-poll-after="[0-9]+"', 'data-poll-after="1"', html)
    tag = unescape(html.partition('data-state="')[2].partition('"')[0])
    if before:  # as for axe, the policy would not let it in
        html = html.replace("<script>", f"<script>{before}</script><script>")
        headers = {"Content-Type": headers["Content-Type"]}
    shows = re.sub('data-state="[^"]+"', 'data-state="older"', html) if news else html
    return browser.visits(f"visited-{state}", shows, headers, anew=html, tag=tag)


@pytest.mark.parametrize("state", ["booked", "missed"])
def test_page_is_loaded_anew_when_there_is_news(browser: Browser, state: str) -> None:
    """Also with slots opened on it that nobody asked for. CONTROL: while there is none it only looks."""
    assert visited(browser, state, news=True)[:3] == ["", "/state", ""]
    assert set(visited(browser, state, news=False)[1:]) == {"/state"}


@pytest.mark.parametrize(
    ("state", "touched"),
    [("booked", OPENED), ("missed", CHOSEN)],
    ids=["a form is open", "a slot is chosen"],
)
def test_page_is_not_loaded_anew_under_somebodys_hands(browser: Browser, state: str, touched: str) -> None:
    """Who opened a form, or has chosen a slot, keeps it; CONTROL: `test_page_is_loaded_anew_…`."""
    looks = visited(browser, state, news=True, before=touched)
    assert set(looks[1:]) == {"/state"}
    assert len(looks) > 2  # the news is not forgotten


def test_news_that_came_while_nobody_looked_is_there_when_somebody_does(browser: Browser) -> None:
    """A phone that is locked asks for nothing; unlocked, it asks at once."""
    assert visited(browser, "booked", news=True, before=AWAY) == [""]
    assert visited(browser, "booked", news=True, before=AWAY + BACK)[:3] == ["", "/state", ""]


def test_page_that_is_bad_is_found_to_be(browser: Browser) -> None:
    """CONTROL: no language, no title, a picture without words, a field without a name, grey on white."""
    found = {name for name, _ in browser.findings("bad", BROKEN, PHONE, dark=False)["violations"]}
    assert found >= {"html-has-lang", "document-title", "image-alt", "label", "color-contrast"}
