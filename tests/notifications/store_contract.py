"""What every store of senders and counts keeps: subclass with fixtures `senders` and `counter`."""

from typing import Final

from chalicelib.notifications.caps import TextCounter
from chalicelib.notifications.pace import Reserved, SenderState, SenderStore

NOW: Final = 1_795_000_000_000  # milliseconds
SENDER: Final = "+12025550100"
WELL: Final = SenderState()
ILL: Final = SenderState(failures=3, open_until=7)


class SenderStoreContract:
    """A sender's moment moves on by what each text costs, and by nothing else."""

    def test_an_idle_sender_is_free_now(self, senders: SenderStore) -> None:
        """Whether nobody ever asked, or its moment has gone by."""
        assert self.asked(senders, now=NOW) == Reserved(at=NOW, state=WELL)
        assert self.asked(senders, now=NOW + 5000) == Reserved(at=NOW + 5000, state=WELL)
        assert self.asked(senders, now=NOW + 99_000) == Reserved(at=NOW + 99_000, state=WELL)

    def test_whoever_comes_next_stands_behind(self, senders: SenderStore) -> None:
        """Also behind one that came when nobody waited, and the other way round."""
        found = [self.asked(senders, now=NOW + wait).at for wait in (0, 0, 10, 5000, 5000, 5001)]
        assert found == [NOW, NOW + 1000, NOW + 2000, NOW + 5000, NOW + 6000, NOW + 7000]

    def test_a_place_that_is_too_late_is_not_taken(self, senders: SenderStore) -> None:
        """The next one finds the moment where it was."""
        self.asked(senders)
        assert self.asked(senders, latest=NOW + 999) == Reserved(at=None, state=WELL)
        assert self.asked(senders, latest=NOW + 1000).at == NOW + 1000

    def test_a_sender_in_trouble_gives_no_place(self, senders: SenderStore) -> None:
        """Unless so many failures are allowed; how it stands is told either way."""
        self.asked(senders)
        assert senders.move_sender(SENDER, WELL, ILL)
        assert self.asked(senders, failures=2) == Reserved(at=None, state=ILL)
        assert self.asked(senders, failures=3) == Reserved(at=NOW + 1000, state=ILL)
        assert senders.sender_state(SENDER) == ILL

    def test_a_sender_in_trouble_that_was_never_paced_gives_no_place(self, senders: SenderStore) -> None:
        """Its row has nothing but its failures."""
        assert senders.move_sender(SENDER, WELL, ILL)
        assert self.asked(senders, failures=2) == Reserved(at=None, state=ILL)
        assert self.asked(senders, failures=3) == Reserved(at=NOW, state=ILL)

    def asked(
        self, senders: SenderStore, *, now: int = NOW, latest: int = NOW + 3_600_000, failures: int = 2
    ) -> Reserved:
        """A text of a second."""
        return senders.reserve(SENDER, cost=1000, now=now, latest=latest, failures=failures)


class TextCounterContract:
    """Counts of one row go up together, or not at all."""

    def test_counts_stop_at_their_caps(self, counter: TextCounter) -> None:
        """The first that is full is named, and nothing is added to the others."""
        caps = {"a": 2, "all": 3}
        assert [counter.take("row", 0, caps) for _ in range(4)] == [None, None, "a", "a"]
        assert [counter.take("row", 0, {"b": 2, "all": 3}) for _ in range(2)] == [None, "all"]

    def test_each_row_and_window_counts_for_itself(self, counter: TextCounter) -> None:
        """Tomorrow is another day."""
        for name, window in (("row", 0), ("row", 86_400), ("other", 0)):
            assert [counter.take(name, window, {"a": 1}) for _ in range(2)] == [None, "a"]
