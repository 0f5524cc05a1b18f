"""Lists come in pages, and a cursor is good for one list of one merchant."""

import pytest

from tests.handlers.bakery import Bakery, problem_of


@pytest.fixture
def shelf(bakery: Bakery) -> Bakery:
    bakery.oven.loaves = [f"Rye {number}" for number in range(5)]
    return bakery


def test_pages_join_to_the_whole_list(shelf: Bakery) -> None:
    """Following next_cursor gives every entry once, in order, and ends."""
    seen, path = [], "/v1/loaves?limit=2"
    while path:
        page = shelf.ask("GET", path).json_body
        seen += [loaf["name"] for loaf in page["data"]]
        path = page["next_cursor"] and f"/v1/loaves?limit=2&cursor={page['next_cursor']}"
    assert seen == shelf.oven.loaves


def test_page_may_change_its_size_on_the_way(shelf: Bakery) -> None:
    """A cursor says where, not how many."""
    cursor = shelf.ask("GET", "/v1/loaves?limit=2").json_body["next_cursor"]
    rest = shelf.ask("GET", f"/v1/loaves?limit=9&cursor={cursor}").json_body
    assert ([loaf["name"] for loaf in rest["data"]], rest["next_cursor"]) == (
        ["Rye 2", "Rye 3", "Rye 4"],
        None,
    )


def cursor_of(shelf: Bakery, path: str = "/v1/loaves?limit=2") -> str:
    cursor: str = shelf.ask("GET", path).json_body["next_cursor"]
    return cursor


def test_edited_cursor_is_refused_wherever_it_was_edited(shelf: Bakery) -> None:
    """B18: each single character matters, the last one included."""
    cursor = cursor_of(shelf)
    for place, letter in enumerate(cursor):
        edited = cursor[:place] + ("A" if letter != "A" else "B") + cursor[place + 1 :]
        problem = problem_of(shelf.ask("GET", f"/v1/loaves?cursor={edited}"))
        assert (problem["status"], problem["code"]) == (400, "cursor_invalid")


@pytest.mark.parametrize("cursor", ["x", "%20", "MQ==", "eyJhIjoxfQ", "%FF%FE", "a" * 4096])
def test_made_up_cursor_is_refused(shelf: Bakery, cursor: str) -> None:
    """B18: 400, and never a 500."""
    assert problem_of(shelf.ask("GET", f"/v1/loaves?cursor={cursor}"))["code"] == "cursor_invalid"


def test_cursor_of_another_merchant_is_refused(shelf: Bakery) -> None:
    """B18: a cursor opens for the tenant it was given to."""
    answer = shelf.ask("GET", f"/v1/loaves?cursor={cursor_of(shelf)}", key=shelf.other)
    assert problem_of(answer)["code"] == "cursor_invalid"


def test_cursor_of_another_filter_is_refused(shelf: Bakery) -> None:
    """A position in one selection means nothing in another."""
    answer = shelf.ask("GET", f"/v1/loaves?grain=oat&cursor={cursor_of(shelf)}")
    assert problem_of(answer)["code"] == "cursor_invalid"
