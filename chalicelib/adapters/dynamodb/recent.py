"""What was used last, up to a number: what is forgotten is only read once more."""

from collections import OrderedDict
from collections.abc import Hashable


class Recent[K: Hashable, V]:
    """A bounded memory; beyond `most` entries, what was not used for longest goes.

    Not shared between threads.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """What is remembered under a key, which counts as a use of it."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]

    def put(self, key: K, value: V) -> V:
        """Remember a value instead of what was there; returns it."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return value
