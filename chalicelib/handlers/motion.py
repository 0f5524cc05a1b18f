"""Endpoints of the day in motion: what drivers are told, and what they report."""

from typing import Any

from chalicelib.fleet.service import Duty
from chalicelib.handlers.endpoints import Call, Endpoints
from chalicelib.handlers.http import Answer
from chalicelib.handlers.motion_wire import EventsRequest, EventsView
from chalicelib.merchants.model import Scope
from chalicelib.motion.service import Reported

api = Endpoints("The day in motion")

_DRIVES = Scope.DRIVER | Scope.OPS


@api.endpoint(
    "POST",
    "/v1/shifts/{shift_id}/events",
    scope=_DRIVES,
    request=EventsRequest,
    answers={202: EventsView},
    problems=("not_found",),
    example={
        "events": [
            {"event_id": "e-1", "type": "departed_depot", "at": "2026-11-24T08:02:00+00:00"},
            {
                "event_id": "e-2",
                "type": "completed",
                "at": "2026-11-24T08:31:00+00:00",
                "promise_id": "prm_0am361y23vtsq",
                "outcome": "delivered_to_recipient",
                "proof": {"name": "Ana"},
            },
        ],
        "sent_at": "2026-11-24T08:31:05+00:00",
    },
)
def report_events(call: Call[EventsRequest]) -> Answer:
    """Report what happened on a shift.

    A batch may come late, twice, or in any order: a finished promise stays finished, and whatever changes
    nothing is named in `ignored` with its reason. Where nobody taps, arrival and departure are concluded from
    positions; a tap wins over that.
    """

    def answer(reported: Reported) -> Answer:
        return Answer(202, EventsView.of(reported))

    wanted = call.body
    return answer(
        call.services.motion.report(
            call.tenant,
            duty_of(call),
            wanted.happened(),
            call.now,
            call.receipt(answer),
            sent_at=wanted.sent_at,
        )
    )


def duty_of(call: Call[Any, Any]) -> Duty:
    """Find the shift that the path names."""
    return call.services.fleet.duty(call.tenant, call.path["shift_id"])
