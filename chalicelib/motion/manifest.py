"""What a driver is told: today's stops in order, who waits where, and when.

It holds what is personal of its promises, so it is read by the shift's driver and the merchant's office only.
Its version is the route's: a change of the order of stops makes a higher one. Its tag changes with everything
a driver should see, expected arrivals aside, which go on by themselves between milestones. What altered the
route is shown until the driver is done at a stop that he came to afterwards: by then he has read it. Weak
point: it reads every promise of the shift, also when nothing has changed since.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from chalicelib.fleet.arrival import Arrival
from chalicelib.fleet.progress import Progress, Served
from chalicelib.fleet.service import Duty
from chalicelib.promises.model import Promise
from chalicelib.routing.altered import Alteration, Altered
from chalicelib.routing.model import Stop
from chalicelib.units import StopId


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One stop of a manifest.

    Attributes
    ----------
    promise
        None where vans meet: nobody waits there.
    arrival
        None once it is behind.
    """

    sequence: int
    stop: Stop
    promise: Promise | None
    arrival: Arrival | None
    served: Served | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A shift as its driver sees it."""

    duty: Duty
    progress: Progress
    lines: Sequence[Line]

    @property
    def version(self) -> int:
        """Grows whenever the stops or their order change."""
        return self.duty.route.version

    @property
    def alterations(self) -> Sequence[Alteration]:
        """What altered the route since its driver could last be sure of it, oldest first."""
        read_until = max((each.arrived_at for each in self.progress.served if each.left_at), default=0)
        return [each for each in self.duty.route.altered if each.at >= read_until]

    @property
    def altered(self) -> Mapping[StopId, tuple[Altered, Alteration]]:
        """What became of which stop, by the last change that touched it."""
        return {stop_id: (what, each) for each in self.alterations for stop_id, what in each.stops}

    @property
    def tag(self) -> str:
        """Stands for all that is in it but expected arrivals: equal tags, equal manifests."""
        parts = [f"{self.version}.{self.progress.milestones}"]
        parts += [f"{line.stop.stop_id}.{line.promise.version if line.promise else 0}" for line in self.lines]
        return blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()
