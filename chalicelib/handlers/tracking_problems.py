"""What goes wrong under a buyer's link, told to whoever asked: a person reads a page, a program problem+json.

Either way nobody between us and the buyer is to keep it. Weak point: whose link it is, and so which language
to speak, is mostly not known when something goes wrong; then it is the browser's.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from chalicelib.handlers.endpoints import Dress
from chalicelib.handlers.http import PROBLEM_JSON, Answer, Rendered, Text
from chalicelib.handlers.tracking_wire import is_form

if TYPE_CHECKING:
    from chalicelib.handlers.tracking_page import Shop
    from chalicelib.handlers.tracking_words.words import PageWords

HTML: Final = "text/html; charset=utf-8"
PRIVATE: Final = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


def said(problem: Rendered, words: "PageWords", shop: "Shop") -> Answer:
    """Say a problem to a person: what to do about it, and nothing of the rest."""
    from chalicelib.handlers.tracking_page import plain_page, security_policy

    title, text = words.refused_title, words.go_back
    if problem.status == 404:
        title, text = words.not_found_title, words.not_found
    elif problem.status == 429 or problem.status >= 500:
        text = words.later
    page = plain_page(words, shop, title=title, text=text)
    headers = {**PRIVATE, **problem.headers, "Content-Security-Policy": security_policy()}
    return Answer(problem.status, Text(HTML, page), headers)


def _in_private(problem: Rendered, _headers: Mapping[str, str]) -> Rendered:
    return replace(problem, headers={**PRIVATE, **problem.headers})


def _in_words(problem: Rendered, headers: Mapping[str, str]) -> Rendered:
    """Say it in a language that the browser asks for; of a shop nothing is known."""
    from chalicelib.handlers.tracking_page import Shop
    from chalicelib.handlers.tracking_words import words_for

    asked = headers.get("accept-language", "").split(",")
    words = words_for(*(each.partition(";")[0].strip() for each in asked))
    answer = said(problem, words, Shop(brand="", support_phone=None))
    return replace(answer.rendered(), code=problem.code)


def _as_sent(problem: Rendered, headers: Mapping[str, str]) -> Rendered:
    return (_in_words if is_form(headers) else _in_private)(problem, headers)


IN_PRIVATE: Final = Dress((PROBLEM_JSON,), _in_private)
IN_WORDS: Final = Dress(("text/html",), _in_words)
AS_SENT: Final = Dress((PROBLEM_JSON, "text/html"), _as_sent)
