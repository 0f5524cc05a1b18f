"""What a buyer goes by: the window of the last text that the carrier took.

Looking at a page changes nothing here. Facts of two texts may come in any order, and twice; the one that
follows from the later fact of the promise counts. Weak point: taken by the carrier is not read by anybody.
"""

from dataclasses import replace

from chalicelib.events import Tenant
from chalicelib.promises.placing import Ports, busy
from chalicelib.promises.store import Changes
from chalicelib.routing.model import TimeWindow
from chalicelib.units import StopId


class Telling:
    """Keeps what buyers were told; holds no state."""

    def __init__(self, ports: Ports) -> None:
        self._ports, self._store = ports, ports.store

    def told(self, tenant: Tenant, stop_id: StopId, window: TimeWindow, told_by: int) -> bool:
        """Write down that a buyer was told a window; False if they have heard of something else since.

        Parameters
        ----------
        told_by
            Number that the promise's ledger had reached when the text was written.

        Raises
        ------
        WriteRefused
            Every attempt met another writer; nothing was done.
        """
        for _ in self._ports.attempts():
            promise = self._store.promise(tenant, stop_id)
            if promise is None or promise.state.finished or told_by < promise.told_by:
                return False
            if promise.told_window == window and promise.told_by == told_by:
                return True
            foreseen = None if promise.foreseen == window else promise.foreseen
            knows = replace(promise, told_window=window, told_by=told_by, foreseen=foreseen)
            if self._ports.committed(tenant, Changes(promise=knows)):
                return True
        raise busy()
