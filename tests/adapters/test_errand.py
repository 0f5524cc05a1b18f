"""An errand is under way in its block and in its thread, and nowhere else."""

import threading

from chalicelib.adapters.errand import current_request_id, errand, note_conflict


def test_inner_errand_hides_the_outer_one_until_it_ends() -> None:
    """A batch has no request id of its own; each of its records has one."""
    with errand("outer"):
        with errand("inner"):
            assert current_request_id() == "inner"
        assert current_request_id() == "outer"
        with errand():
            assert current_request_id() is None
    assert current_request_id() is None


def test_id_that_is_learnt_later_counts_from_then_on() -> None:
    """A worker opens the errand, reads its record and learns on whose behalf it works."""
    with errand() as opened:
        opened.request_id = "learnt"
        assert current_request_id() == "learnt"


def test_conflicts_are_those_of_the_errand_around_it_too() -> None:
    """So an invocation knows those of all its records."""
    with errand() as outer:
        with errand() as inner:
            note_conflict()
        note_conflict()
    assert (inner.conflicts, outer.conflicts) == (1, 2)


def test_threads_do_not_see_each_others_errands() -> None:
    """Two requests in one process never exchange their ids."""
    seen: list[str | None] = []
    with errand("mine"):
        thread = threading.Thread(target=lambda: seen.append(current_request_id()))
        thread.start()
        thread.join()
    assert seen == [None]
