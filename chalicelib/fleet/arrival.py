"""An expected arrival, and what it rests on: the words in which `fleet.live` answers.

Apart from it, because whoever holds a slot speaks of arrivals and forecasts none.
"""

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.units import Timestamp


class EtaStatus(StrEnum):
    """What an expected arrival rests on."""

    PLANNED = "planned"  # the van has not left
    UNDER_WAY = "under_way"
    NEXT = "next"  # the van drives to it
    AT_THE_DOOR = "at_the_door"
    STRANDED = "stranded"  # the van broke down
    STALE = "stale"  # nothing was heard of the van for long


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """When service is expected to start: 5 %, 50 % and 95 %, waiting included.

    Attributes
    ----------
    stops_before
        Deliveries the van makes first.
    """

    earliest_at: Timestamp
    expected_at: Timestamp
    latest_at: Timestamp
    stops_before: int
    status: EtaStatus
