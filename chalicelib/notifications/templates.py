"""Words. English; plain ASCII where possible, so that a text stays one GSM-7 segment."""

from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.notifications.model import Addressee


def promise_confirmed(to: Addressee) -> str:
    """Tell the buyer what was promised."""
    zone = ZoneInfo(to.timezone)
    starts, ends = (datetime.fromtimestamp(at, zone) for at in (to.window.start, to.window.end))
    day = f"{starts:%a} {starts.day} {starts:%b}"
    return f"{to.brand}: your delivery is booked for {day}, {starts:%H:%M}-{ends:%H:%M}."
