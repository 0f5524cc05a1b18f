"""A buyer's link over HTTP: how the delivery stands, and what it was like; and nothing without the link."""

import json
import re
from base64 import b64encode
from dataclasses import asdict, replace
from hashlib import sha256
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.errors import Upstream
from chalicelib.handlers.tracking_map import HEIGHT, WIDTH, drawn
from chalicelib.handlers.tracking_words import LANGUAGES
from chalicelib.handlers.tracking_words.words import PageWords
from chalicelib.promises.model import ChangeKind, Outcome, PromiseState, Refusal
from chalicelib.routing.model import Location
from chalicelib.tracking.model import Cause
from tests.handlers.shop_client import ACME, Shop, at
from tests.handlers.test_motion import completed, event, o_clock, report
from tests.handlers.test_texts_on_the_road import held_up

PERSONAL = ("Ana", "+12025550123", "41.1", "4471")
NOT_HOME = "failed_not_home"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Buyer:
    """Somebody with a link; no key."""

    def __init__(self, shop: Shop, promise: dict[str, Any]) -> None:
        self.shop, self.promise = shop, promise
        self.path = promise["tracking_url"].removeprefix("https://track.example")

    def state(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.shop.done("GET", f"{self.path}/state", key=None)
        return shown

    def score(self, product: int, delivery: int, **more: Any) -> Any:
        body = {"product": product, "delivery": delivery, **more.pop("body", {})}
        return self.shop.ask("POST", f"{self.path}/feedback", body, key=None, **more)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def buyer(shop: Shop) -> Buyer:
    """A promise from eight to ten; it is nine."""
    instructions = {"gate_code": "4471"}
    buyer = Buyer(shop, shop.promise(instructions=instructions))
    shop.clock.at = at(o_clock("09:00"))
    return buyer


def test_state_tells_the_window_and_nothing_personal(buyer: Buyer) -> None:
    """No name, number, address, order or code: whoever finds the link learns when, and that is all."""
    shown = buyer.state()
    assert shown["window"] == buyer.promise["promised_window"]
    assert (shown["state"], shown["late"], shown["poll_after_seconds"]) == ("confirmed", False, 900)
    text = json.dumps(shown)
    assert not [word for word in (*PERSONAL, buyer.promise["order_ref"]) if word in text]


def test_state_under_way_tells_the_expected_time_and_where_the_van_is(shop: Shop, buyer: Buyer) -> None:
    """On the last stretch, with the place of the van and of nothing else."""
    report(shop, event("departed_depot", "08:55"), event("position", "08:59", lat=41.155, lon=-8.605))
    shown = buyer.state()
    assert shown["eta"]["stops_before"] == 0
    assert shown["van"]["location"] == {"lat": 41.155, "lon": -8.605}
    assert shown["poll_after_seconds"] == 20


def test_state_is_not_sent_again_while_it_is_the_same(shop: Shop, buyer: Buyer) -> None:
    """304 under its tag; another one as soon as anything changed. Nobody between us may keep it."""
    first = shop.ask("GET", f"{buyer.path}/state", key=None)
    same = {"If-None-Match": first.headers["ETag"]}
    assert shop.ask("GET", f"{buyer.path}/state", key=None, headers=same).status_code == 304
    assert "private" in first.headers["Cache-Control"]
    report(shop, event("departed_depot", "08:59"))
    assert shop.ask("GET", f"{buyer.path}/state", key=None, headers=same).status_code == 200


@pytest.mark.parametrize("end", ["", "/state"])
def test_wrong_token_is_answered_alike(shop: Shop, buyer: Buyer, end: str) -> None:
    """Guessed, cut short, of another shape, or with something stuck to it (B11); nobody keeps the answer."""
    token = buyer.path.removeprefix("/t/")
    wrong = ("x", "0" * 22, token[:-1], "a" * 200, f"{token}%29", f"{token} ", "%00", "%E2%82%AC")
    answers = [shop.ask("GET", f"/t/{each}{end}", key=None) for each in wrong]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"private, no-store"}
    if end:
        assert {answer.json_body["code"] for answer in answers} == {"not_found"}
    else:
        [page] = {answer.body.decode() for answer in answers}
        assert "This page does not exist" in page


def test_link_opens_whatever_an_app_appended_to_it(shop: Shop, buyer: Buyer) -> None:
    """Unknown, repeated or senseless parameters are as good as none; CONTROL: programs are told."""
    for query in ("fbclid=x", "utm=a&utm=b", "done=abc", "done=-1", "done=", "done=1&done=999", "done=1&x"):
        answer = shop.ask("GET", f"{buyer.path}?{query}", key=None)
        assert (query, answer.status_code) == (query, 200)
    assert shop.ask("GET", f"{buyer.path}/state?fbclid=x", key=None).status_code == 422


def test_network_that_asks_too_often_is_slowed_down(shop: Shop, buyer: Buyer) -> None:
    """With a time after which to come back."""
    statuses = [shop.ask("GET", "/t/guess/state", key=None).status_code for _ in range(601)]
    assert statuses == [404] * 600 + [429]
    program, person = (shop.ask("GET", f"{buyer.path}{end}", key=None) for end in ("/state", ""))
    assert program.json_body["code"] == "rate_limited"
    assert "Please try again in a minute." in person.body.decode()
    for answer in (program, person):
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
        assert answer.headers["Cache-Control"] == "private, no-store"
    shop.wait(60)
    assert buyer.state()["state"] == "confirmed"


def test_scores_are_taken_after_somebody_came(shop: Shop, buyer: Buyer) -> None:
    """Product and delivery apart; the words go to the merchant and to nobody else."""
    assert buyer.score(9, 8).json_body["code"] == "not_delivered"
    report(shop, event("departed_depot", "08:30"), completed(buyer.promise, "08:50"))
    answer = buyer.score(9, 3, body={"comment": "Ana says the box was wet"})
    assert (answer.status_code, answer.json_body) == (201, {"product": 9, "delivery": 3})
    shown = buyer.state()
    assert shown["feedback"] == {"product": 9, "delivery": 3}
    assert "wet" not in json.dumps(shown)
    ledger = shop.done("GET", f"/v1/promises/{buyer.promise['promise_id']}/ledger")["data"]
    assert ledger[-1]["kind"] == "promise.scored"
    assert ledger[-1]["actor"] == "buyer"
    assert "wet" not in json.dumps(ledger)


def test_score_sent_twice_is_one(shop: Shop, buyer: Buyer) -> None:
    """Under one Idempotency-Key; under the same one with another body it is refused."""
    report(shop, event("departed_depot", "08:30"), completed(buyer.promise, "08:50", NOT_HOME))
    first, again = (buyer.score(9, 3, idempotency_key="one") for _ in range(2))
    assert first.json_body == again.json_body
    assert again.headers["Idempotent-Replayed"] == "true"
    assert buyer.score(1, 3, idempotency_key="one").json_body["code"] == "idempotency_mismatch"
    ledger = shop.done("GET", f"/v1/promises/{buyer.promise['promise_id']}/ledger")["data"]
    assert [each["kind"] for each in ledger].count("promise.scored") == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"product": 11}, "/product"), ({"delivery": -1}, "/delivery"), ({"stars": 5}, "/stars")],
)
def test_bad_score_names_the_field(shop: Shop, buyer: Buyer, body: dict[str, int], pointer: str) -> None:
    """As every other request."""
    report(shop, event("departed_depot", "08:30"), completed(buyer.promise, "08:50"))
    problem = buyer.score(5, 5, body=body).json_body
    assert problem["code"] == "invalid_request"
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_scores_reach_the_figures(shop: Shop, buyer: Buyer) -> None:
    """As net promoter scores, product and delivery apart."""
    report(shop, event("departed_depot", "08:30"), completed(buyer.promise, "08:50"))
    buyer.score(10, 0)
    shop.clock.advance(86_400)
    query = "depot_id=porto&from=2026-11-24&to=2026-11-24"
    [day] = shop.done("GET", f"/v1/kpis?{query}", key="ops")["data"]
    assert (day["nps_product"]["nps"], day["nps_delivery"]["nps"]) == (100, -100)


def page_of(buyer: Buyer, **headers: str) -> Any:
    return buyer.shop.ask("GET", buyer.path, key=None, headers=headers)


def readable(html: str) -> str:
    """A page without its tokens and sealed offers: in those any name may come about by chance."""
    return re.sub(r'(value|action)="[^"]{22,}"', "", html)


def test_page_tells_the_window_in_words(buyer: Buyer) -> None:
    """In the depot's zone, as a person would say it; nothing personal, and nobody keeps it."""
    answer = page_of(buyer)
    html = answer.body.decode()
    assert answer.status_code == 200
    assert "Today, 08:00\N{EN DASH}\N{WORD JOINER}10:00" in html
    assert "Booked" in html
    assert not [word for word in (*PERSONAL, buyer.promise["order_ref"]) if word in readable(html)]
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer.headers["Cache-Control"]


def test_page_knows_which_state_it_shows(shop: Shop, buyer: Buyer) -> None:
    """Its script asks with that tag: 304 until anything is news, were it news before it asked first."""
    tag = unescape(page_of(buyer).body.decode().partition('data-state="')[2].partition('"')[0])
    known = {"If-None-Match": tag}
    assert shop.ask("GET", f"{buyer.path}/state", key=None, headers=known).status_code == 304
    report(shop, event("departed_depot", "08:59"))
    assert shop.ask("GET", f"{buyer.path}/state", key=None, headers=known).status_code == 200


def test_page_may_load_nothing_but_itself(buyer: Buyer) -> None:
    """Style and script by their hashes: what a merchant wrote can be neither."""
    answer = page_of(buyer)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    html = answer.body.decode()
    for tag in ("style", "script"):
        text = html.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        assert f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy
    assert "http" not in readable(html).replace("https://track.example", "")


def test_page_shows_the_van_on_its_last_stretch(shop: Shop, buyer: Buyer) -> None:
    """As a picture that is described; and when the van was there."""
    assert "<svg" not in page_of(buyer).body.decode()
    report(shop, event("departed_depot", "08:55"), event("position", "08:59", lat=41.155, lon=-8.605))
    html = page_of(buyer).body.decode()
    assert 'role="img" aria-label="The van is about 700 metres from your door."' in html
    assert "Where the van was at 08:59" in html
    assert "You are next" in html
    assert "OpenStreetMap" not in html  # there is no road graph here


def test_page_speaks_the_buyers_language(shop: Shop) -> None:
    """The recipient's, else the merchant's first that it speaks."""
    for locale, said in (("de-AT", "Heute"), ("fr", "Aujourd&#39;hui"), ("es-MX", "Hoy"), ("xx", "Today")):
        recipient = {"name": "Ana", "locale": locale}
        assert said in page_of(Buyer(shop, shop.promise(recipient=recipient))).body.decode()


def test_what_a_merchant_wrote_is_text(shop: Shop) -> None:
    """B06: a brand with markup in it shows as it was written."""
    merchant = shop.services.merchants.settings(ACME)
    shop.services.merchants.save_settings(replace(merchant, brand="<script>alert(1)</script>"))
    html = page_of(Buyer(shop, shop.promise())).body.decode()
    assert "&lt;script&gt;alert(1)" in html


def test_link_that_opens_nothing_is_answered_with_a_page(shop: Shop, buyer: Buyer) -> None:
    """In the browser's language."""
    answer = shop.ask("GET", "/t/nobody", key=None, headers={"Accept-Language": "pt, de;q=0.8"})
    assert answer.status_code == 404
    assert "Diese Seite gibt es nicht" in answer.body.decode()


def test_form_is_answered_with_the_page_and_acts_once(shop: Shop, buyer: Buyer) -> None:
    """Sent twice, as by an impatient finger, it is one; the page then says thank you."""
    report(shop, event("departed_depot", "08:30"), completed(buyer.promise, "08:50"))
    html = page_of(buyer).body.decode()
    key = html.partition('name="key" value="')[2].partition('"')[0]
    form = urlencode({"key": key, "product": 9, "delivery": 4, "comment": ""}).encode()
    for _ in range(2):
        answer = shop.ask(
            "POST", f"{buyer.path}/feedback", form, key=None, headers=FORM, idempotency_key=None
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, f"..{buyer.path[2:]}")
    assert "You gave 9 for what you bought and 4 for how it came" in page_of(buyer).body.decode()
    ledger = shop.done("GET", f"/v1/promises/{buyer.promise['promise_id']}/ledger")["data"]
    assert [each["kind"] for each in ledger].count("promise.scored") == 1


def offers_on(html: str) -> list[str]:
    """The slots to choose from, in the page's order."""
    return re.findall(r'name="offer" value="([^"]+)"', html)


def filled_in(buyer: Buyer, kind: str, **fields: str) -> str:
    """Send a form of the page, and read the page it leads to."""
    html = page_of(buyer).body.decode()
    key = next(key for key in re.findall(r'name="key" value="([^"]+)"', html) if key.endswith(f"-{kind}"))
    form = urlencode({"key": key, "kind": kind, **fields}).encode()
    answer = buyer.shop.ask(
        "POST", f"{buyer.path}/changes", form, key=None, headers=FORM, idempotency_key=None
    )
    assert answer.status_code == 303, answer.body
    target = answer.headers["Location"].replace("..", "/t", 1)
    shown: str = buyer.shop.ask("GET", target, key=None).body.decode()
    return shown


def test_another_slot_is_chosen_on_the_page(shop: Shop) -> None:
    """A form without JavaScript; the page says what came of it, and the promise has moved."""
    buyer = Buyer(shop, shop.promise())
    html = page_of(buyer).body.decode()
    assert "Another time" in html
    shown = filled_in(buyer, "slot", offer=offers_on(html)[0])
    after = shop.done("GET", f"/v1/promises/{buyer.promise['promise_id']}")
    assert after["original_window"] == buyer.promise["promised_window"]
    assert "Done: Today, 10:00\N{EN DASH}\N{WORD JOINER}12:00" in shown
    assert "Moved as you asked." in shown
    assert "Before: Today, 08:00\N{EN DASH}\N{WORD JOINER}10:00" in shown


@pytest.mark.parametrize(
    ("kind", "field", "said"),
    [
        ("neighbour", "name_or_number", "Done: we try your neighbour."),
        ("safe_place", "where", "Done: we leave it in the safe place."),
        ("gate_code", "code", "Done: the driver has the code."),
    ],
)
def test_driver_is_told_something_from_the_page(shop: Shop, kind: str, field: str, said: str) -> None:
    """What was written reaches the promise, and is not shown again to whoever has the link."""
    buyer = Buyer(shop, shop.promise())
    shown = filled_in(buyer, kind, **{field: "by the shed"})
    assert said in shown
    assert "by the shed" not in shown
    instructions = shop.done("GET", f"/v1/promises/{buyer.promise['promise_id']}")["instructions"]
    assert instructions[kind] == "by the shed"


def test_what_the_driver_was_told_last_is_said_and_not_what_it_was(shop: Shop) -> None:
    """Who comes back to the page sees that it is arranged; a safe place takes the place of a neighbour."""
    buyer = Buyer(shop, shop.promise(instructions={"gate_code": "4471"}))
    filled_in(buyer, "neighbour", name_or_number="Rui at 12")
    shown = page_of(buyer).body.decode()
    assert "We try the neighbour you chose." in shown
    assert "The driver has your code." in shown
    filled_in(buyer, "safe_place", where="by the shed")
    assert buyer.state()["arranged"] == ["safe_place", "gate_code"]
    told = shop.done("GET", f"/v1/promises/{buyer.promise['promise_id']}")["instructions"]
    assert (told["safe_place"], told["neighbour"], told["gate_code"]) == ("by the shed", None, "4471")
    shown = readable(page_of(buyer).body.decode())
    assert not [word for word in ("Rui", "shed", "4471") if word in shown]


def test_delivery_is_cancelled_on_the_page(shop: Shop) -> None:
    """Then there is nothing left to change."""
    buyer = Buyer(shop, shop.promise())
    shown = filled_in(buyer, "cancel")
    assert "Done: the delivery is cancelled." in shown
    assert 'name="kind"' not in shown


def test_what_is_over_without_a_handover_says_so_once(shop: Shop, buyer: Buyer) -> None:
    """Cancelled, or on its way back: the headline is all there is to say, and nothing stands below it."""
    other = Shop()
    gone = Buyer(other, other.promise())
    filled_in(gone, "cancel")
    report(shop, event("departed_depot", "08:30"), completed(buyer.promise, "08:50", "failed_refused"))
    for each, said in ((gone, "Cancelled"), (buyer, "Going back to the shop")):
        html = page_of(each).body.decode()
        assert f"<h1>{said}</h1>" in html
        assert 'class="state"' not in html
        assert ">None<" not in html


def test_what_is_too_late_is_refused_with_what_is_still_possible(shop: Shop) -> None:
    """The form was open when the van set out; the page says so, and goes on with what is left."""
    buyer = Buyer(shop, shop.promise())
    html = page_of(buyer).body.decode()
    shop.clock.at = at(o_clock("09:00"))
    key = next(key for key in re.findall(r'name="key" value="([^"]+)"', html) if key.endswith("-cancel"))
    report(shop, event("departed_depot", "08:55"))
    form = urlencode({"key": key, "kind": "cancel"}).encode()
    answer = shop.ask("POST", f"{buyer.path}/changes", form, key=None, headers=FORM, idempotency_key=None)
    shown = shop.ask("GET", answer.headers["Location"].replace("..", "/t", 1), key=None).body.decode()
    assert "The van is on its way to you already." in shown
    assert 'value="neighbour"' in shown
    assert 'value="cancel"' not in shown


def test_form_that_was_tampered_with_gets_a_page(shop: Shop, buyer: Buyer) -> None:
    """Never a raw problem document: a person filled it in."""
    form = urlencode({"key": "k", "kind": "slot", "offer": "forged"}).encode()
    answer = shop.ask("POST", f"{buyer.path}/changes", form, key=None, headers=FORM, idempotency_key=None)
    assert answer.status_code == 400
    assert "Please go back and choose again." in answer.body.decode()


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (b"key=k&key=j&kind=cancel", 422),
        (b"key=k&kind=neighbour&name_or_number=%ff", 400),
        (b"\xff", 400),
        (b"kind=cancel", 400),
        (b"key=k&kind=gate_code&code=" + b"1" * 70_000, 413),
    ],
    ids=["a field twice", "no text", "no form", "no key", "too long"],
)
def test_form_that_cannot_be_read_gets_a_page(buyer: Buyer, form: bytes, status: int) -> None:
    """In the words of whoever can be spoken to; CONTROL: a program gets its problem document."""
    for headers, kind in ((FORM, "text/html"), ({"Content-Type": "application/json"}, "application/problem")):
        answer = buyer.shop.ask(
            "POST", f"{buyer.path}/changes", form, key=None, headers=headers, idempotency_key=None
        )
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["Cache-Control"] == "private, no-store"
        if headers is FORM:
            assert answer.status_code == status
            assert "Please go back and choose again." in answer.body.decode()


class Failing:
    """Counts nobody's requests."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def take(self, _who: str, *, now: int) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status"), [(Upstream("No answer."), 503), (ZeroDivisionError(), 500)], ids=["outage", "bug"]
)
def test_what_fails_is_told_to_people_in_words(
    shop: Shop, buyer: Buyer, error: Exception, status: int
) -> None:
    """Whatever it is, to come back is what they can do; CONTROL: a program gets the code."""
    shop.services.tracking_limiter = Failing(error)
    page, state = (shop.ask("GET", f"{buyer.path}{end}", key=None) for end in ("", "/state"))
    assert page.status_code == state.status_code == status
    assert "Please try again in a minute." in page.body.decode()
    assert state.json_body["status"] == status
    for answer in (page, state):
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert ("Retry-After" in answer.headers) == (status == 503)


def test_score_that_lacks_half_gets_a_page(shop: Shop, buyer: Buyer) -> None:
    """A browser without the attribute `required` sends it all the same."""
    report(shop, event("departed_depot", "08:30"), completed(buyer.promise, "08:50"))
    form = urlencode({"key": "k", "product": 9}).encode()
    answer = shop.ask("POST", f"{buyer.path}/feedback", form, key=None, headers=FORM, idempotency_key=None)
    assert answer.status_code == 422
    assert "Please go back and choose again." in answer.body.decode()


def test_change_in_json_is_answered_as_for_merchants(shop: Shop, buyer: Buyer) -> None:
    """With its effect; as the buyer's in the ledger; sent twice it is one, and it needs its key."""
    body = {"kind": "gate_code", "code": "4471"}
    path = f"{buyer.path}/changes"
    first, again = (shop.ask("POST", path, body, key=None, idempotency_key="one") for _ in range(2))
    assert first.status_code == 201
    assert first.json_body == again.json_body
    assert first.json_body["state"] == "accepted"
    ledger = shop.done("GET", f"/v1/promises/{buyer.promise['promise_id']}/ledger")["data"]
    assert [(each["kind"], each["actor"]) for each in ledger][1:] == [("promise.changed", "buyer")]
    problem = shop.refused("POST", path, body, key=None, idempotency_key=None)
    assert problem["code"] == "idempotency_key_missing"


def test_slots_after_a_failed_attempt_come_first(shop: Shop, buyer: Buyer) -> None:
    """Offered unasked, open on the page, and taken from there."""
    report(shop, event("departed_depot", "08:30"), completed(buyer.promise, "08:50", NOT_HOME))
    shop.services.publish()
    html = page_of(buyer).body.decode()
    assert "We missed you at the door." in html
    assert "Choose another time" in html
    assert "<details open data-offered>" in html
    shown = filled_in(buyer, "slot", offer=offers_on(html)[0])
    assert "Done: " in shown


def test_the_day_after_an_attempt_in_vain_no_time_is_shown_that_is_over(shop: Shop, buyer: Buyer) -> None:
    """What happened is the headline, other times stand open below it; once one is chosen, that is."""
    report(shop, event("departed_depot", "08:30"), completed(buyer.promise, "08:50", NOT_HOME))
    shop.services.publish()
    shop.clock.at = at("2026-11-25T12:00:00Z")
    html = page_of(buyer).body.decode()
    assert "<h1>We missed you at the door.</h1>" in html
    assert html.count("We missed you") == 1
    assert "24 November" not in html
    assert "Booked" not in html
    assert "<details open data-offered>" in html
    shown = filled_in(buyer, "slot", offer=offers_on(html)[0])
    assert re.search("<h1>(Today|Tomorrow), ", shown)
    assert "Booked" in shown


def test_who_was_told_another_time_is_not_told_that_it_may_be_missed_too(shop: Shop) -> None:
    """What holds, what held before and why. CONTROL: until the text is out, the promised time is doubtful."""
    buyer = Buyer(shop, held_up(shop))
    html = page_of(buyer).body.decode()
    assert "<h1>Today, 08:00" in html
    assert "We may not make it in time." in html
    assert buyer.state()["late"]
    for _ in range(2):  # the text goes out, and that it did is a fact
        shop.services.publish()
    html = page_of(buyer).body.decode()
    assert re.search("<h1>Today, 11:", html)
    assert "We may not make it in time." not in html
    assert "The van is held up." in html
    assert "Before: Today, 08:00\N{EN DASH}\N{WORD JOINER}10:00" in html
    shown = buyer.state()
    assert (shown["late"], shown["moved"]["from_window"]) == (False, buyer.promise["promised_window"])


def test_what_is_said_to_be_done_is_not_said_of_what_came_after_it(shop: Shop) -> None:
    """The page is loaded anew under the same address: moved by the shop since, or cancelled."""
    buyer = Buyer(shop, shop.promise())
    assert "Done: Today, 10:00" in filled_in(buyer, "slot", offer=offers_on(page_of(buyer).body.decode())[0])
    promise_id = buyer.promise["promise_id"]

    def shown() -> str:
        html: str = shop.ask("GET", f"{buyer.path}?done=2", key=None).body.decode()
        return html

    assert "Done: Today, 10:00" in shown()
    slots = shop.done("GET", f"/v1/promises/{promise_id}/slots")["slots"]
    later = next(slot["offer"] for slot in slots if "T14" in slot["starts_at"])
    shop.change(promise_id, kind="slot", offer=later)
    assert "Today, 14:00" in shown()
    assert "Done:" not in shown()
    shop.change(promise_id, kind="cancel")
    assert "Done:" not in shown()


@pytest.mark.parametrize("words", LANGUAGES.values(), ids=LANGUAGES)
def test_every_language_has_words_for_everything(words: PageWords) -> None:
    """Each state, cause and delivery; and no field is left empty."""
    assert set(words.states) == set(PromiseState)
    assert set(words.causes) == set(Cause)
    assert set(words.refusals) == set(Refusal)
    assert set(words.dones) == set(ChangeKind)
    assert set(words.arranged) == {ChangeKind.NEIGHBOUR, ChangeKind.SAFE_PLACE, ChangeKind.GATE_CODE}
    assert set(words.outcomes) == {outcome for outcome in Outcome if outcome.is_delivery}
    assert (len(words.weekdays), len(words.months)) == (7, 12)
    assert not [name for name, text in asdict(words).items() if not text]


def test_picture_has_the_streets_between_van_and_door() -> None:
    """Only those around, and where they come from is said."""
    van, door = Location(lat=41.150, lon=-8.620), Location(lat=41.145, lon=-8.614)
    asked: list[tuple[Location, Location]] = []

    def streets(south_west: Location, north_east: Location) -> list[tuple[Location, Location]]:
        asked.append((south_west, north_east))
        return [(van, door)]

    picture = drawn(van, door, streets, label="<near>")
    [(low, high)] = asked
    assert low.lat < door.lat < van.lat < high.lat
    assert low.lon < van.lon < door.lon < high.lon
    assert picture.has_streets
    assert 'aria-label="&lt;near&gt;"' in picture.svg
    for x, y in re.findall(
        r"([\d.]+) ([\d.]+)", picture.svg.partition('class="streets"')[2].partition("/>")[0]
    ):
        assert 0 < float(x) < WIDTH
        assert 0 < float(y) < HEIGHT
