"""Endpoints of the day in motion: what drivers are told, and what they report."""

from dataclasses import replace
from typing import Any

from chalicelib.errors import Upstream
from chalicelib.events import Actor
from chalicelib.fleet.ids import promise_id, proof_key
from chalicelib.fleet.service import Duty
from chalicelib.handlers import incoming
from chalicelib.handlers.csv_export import csv_answer, is_wanted
from chalicelib.handlers.endpoints import Call, Endpoints
from chalicelib.handlers.http import Answer
from chalicelib.handlers.manifest_wire import MANIFEST_COLUMNS, ManifestView, manifest_rows
from chalicelib.handlers.motion_wire import (
    ContactRequest,
    ContactView,
    CorrectionRequest,
    EventsRequest,
    EventsView,
    ProofRequest,
    ProofUploadView,
    TokenView,
)
from chalicelib.handlers.promise_wire import PromiseView, promise_view
from chalicelib.handlers.promises import promise_stop_id
from chalicelib.merchants.model import NewKey, Scope, ShiftPass, driver_mark
from chalicelib.motion.corrections import Correction
from chalicelib.motion.service import Reported
from chalicelib.promises.model import Promise
from chalicelib.units import HOUR, MINUTE

api = Endpoints("The day in motion")

_DRIVES = Scope.DRIVER | Scope.OPS
_UPLOAD_SECONDS = 15 * MINUTE
_TOKEN_OUTLIVES = 12 * HOUR  # the shift: a late return, and what a phone could not send before


@api.endpoint(
    "POST",
    "/v1/shifts/{shift_id}/tokens",
    scope=Scope.OPS,
    answers={201: TokenView},
    problems=("not_found",),
)
def make_token(call: Call) -> Answer:
    """Make the token with which a driver's phone reads the manifest and reports.

    It opens this one shift, until twelve hours after its end. A new token takes the place of the last, and
    none outlives a change of the driver. It is shown this once; only its hash is kept.
    """
    shift_id = call.path["shift_id"]
    duty = call.services.motion.duty(call.tenant, shift_id)
    held = ShiftPass(shift_id=shift_id, place=duty.place, driver=driver_mark(duty.driver))
    expires_at = max(call.now, duty.route.shift.ends_at) + _TOKEN_OUTLIVES

    def answer(new: NewKey) -> Answer:
        url = f"{call.services.settings.public_base_url}/v1/shifts/{shift_id}/manifest#{new.text}"
        view = TokenView(token=new.text, url=url, expires_at=expires_at)
        return Answer(201, view, zone=duty.depot.timezone)

    make = call.services.merchants.create_pass
    new = make(call.tenant, held, expires_at=expires_at, now=call.system_now, receipt=call.receipt(answer))
    return answer(new)


@api.endpoint(
    "GET",
    "/v1/shifts/{shift_id}/manifest",
    scope=_DRIVES,
    answers={200: (ManifestView, "text/csv"), 304: None},
    problems=("not_found",),
)
def read_manifest(call: Call) -> Answer:
    """Read a shift's stops in order: who waits where, when, and what to know at the door.

    `ETag` stands for all of it but `live_eta`, which goes on by itself between milestones: with
    `If-None-Match`, 304 while nothing else has changed. With `Accept: text/csv`, one line a stop.
    """
    manifest = call.services.motion.manifest(call.tenant, duty_of(call), call.now)
    tag = f'W/"{manifest.tag}"'
    headers = {"ETag": tag}
    if incoming.has_already(call.headers, tag):
        return Answer(304, headers=headers)
    zone = manifest.duty.depot.timezone
    if is_wanted(call.headers):
        return replace(csv_answer(MANIFEST_COLUMNS, manifest_rows(manifest)), headers=headers)
    return Answer(200, ManifestView.of(manifest, call.now), headers=headers, zone=zone)


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


@api.endpoint(
    "POST",
    "/v1/shifts/{shift_id}/proofs",
    scope=_DRIVES,
    request=ProofRequest,
    answers={201: ProofUploadView},
    problems=("not_found",),
    example={"kind": "signature", "content_type": "image/png", "size_bytes": 20_480},
)
def announce_proof(call: Call[ProofRequest]) -> Answer:
    """Announce a photo or signature: where its bytes are to be PUT, straight from the phone.

    The address is good for fifteen minutes and for this one object. Name the `proof_id` in the `completed`
    event; the two may come in any order. Objects are kept for as long as promises are, or until their buyer
    is erased.
    """
    duty = duty_of(call)
    uploads, wanted = call.services.uploads, call.body
    if uploads is None:
        raise Upstream("There is no place for proofs here.")
    made = call.services.new_proof_id()
    url = uploads.signed(
        proof_key(call.tenant, str(duty.place), duty.route.shift.shift_id, proof=made, kind=wanted.kind),
        content_type=wanted.content_type,
        size=wanted.size_bytes,
        good_for=_UPLOAD_SECONDS,
    )
    view = ProofUploadView(proof_id=made, upload_url=url, expires_at=call.system_now + _UPLOAD_SECONDS)
    return Answer(201, view, zone=duty.depot.timezone)


@api.endpoint(
    "POST",
    "/v1/promises/{promise_id}/corrections",
    scope=_DRIVES,
    request=CorrectionRequest,
    answers={201: PromiseView},
    problems=("not_found", "nothing_to_correct", "correction_too_late", "illegal_transition"),
    example={"outcome": "failed_not_home", "reason": "Tapped the wrong door"},
)
def correct_promise(call: Call[CorrectionRequest]) -> Answer:
    """Undo a mis-tap: put another outcome in place of the last attempt's.

    The only thing that opens a finished promise: for ten minutes with a driver's key, for seven days with the
    scope `ops`.
    """

    def answer(promise: Promise) -> Answer:
        return Answer(201, promise_view(call, promise, None))

    by_office = Scope.OPS in call.key.scopes
    correction = Correction(
        outcome=call.body.outcome,
        why=call.body.reason,
        actor=Actor.MERCHANT if by_office else Actor.DRIVER,
        held=call.key.shift,
    )
    stop_id, receipt = promise_stop_id(call), call.receipt(answer)
    return answer(call.services.corrections.correct(call.tenant, stop_id, correction, call.now, receipt))


@api.endpoint(
    "POST",
    "/v1/promises/{promise_id}/contacts",
    scope=Scope.CHECKOUT | Scope.OPS,
    request=ContactRequest,
    answers={201: ContactView},
    problems=("not_found",),
    example={"channel": "phone", "reason": "where_is_my_order"},
)
def record_contact(call: Call[ContactRequest]) -> Answer:
    """Write down that a buyer asked about a delivery: for the ledger, and for the day's figures."""
    asked = call.body

    def answer(promise: Promise) -> Answer:
        view = ContactView(
            promise_id=promise_id(promise.stop_id),
            sequence=promise.sequence,
            at=call.now,
            channel=asked.channel,
            reason=asked.reason,
        )
        return Answer(201, view, zone=promise.timezone)

    return answer(
        call.services.heard.contacted(
            call.tenant,
            promise_stop_id(call),
            channel=asked.channel,
            reason=asked.reason,
            now=call.now,
            receipt=call.receipt(answer),
        )
    )


def duty_of(call: Call[Any, Any]) -> Duty:
    """Find the shift that the path names, if the key is good for it."""
    return call.services.motion.duty(call.tenant, call.path["shift_id"], call.key.shift)
