"""How a manifest looks in JSON and CSV."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chalicelib.fleet.ids import promise_id
from chalicelib.handlers.delivery_wire import AddressBody, HandoverBody
from chalicelib.handlers.plan_wire import ArrivalView, StopWindowView
from chalicelib.handlers.promise_wire import InstructionsBody
from chalicelib.handlers.wire import Date, Instant, LocationView, View, absent, rfc3339
from chalicelib.motion.manifest import Line, Manifest
from chalicelib.promises.model import Outcome, PromiseState
from chalicelib.routing.model import StopKind
from chalicelib.units import Timestamp

MANIFEST_COLUMNS = (
    *("shift_id", "version", "sequence", "promise_id", "order_ref", "state", "outcome", "recipient", "phone"),
    *("lat", "lon", "address_lines", "unit", "floor", "postal_code", "city", "country", "parcels"),
    *("window_starts_at", "window_ends_at", "live_eta", "attended", "requires"),
    *("gate_code", "note", "safe_place", "neighbour"),
)


class ManifestStopView(View):
    """One stop, as its driver needs it."""

    sequence: Annotated[int, Field(description="From 1: those behind first, then in driving order.")]
    kind: Annotated[str, Field(description="`promised`, `done`, or `meeting`, where nobody waits but a van.")]
    promise_id: str | None = absent()
    order_ref: str | None = absent()
    state: PromiseState | None = absent()
    outcome: Annotated[Outcome | None, absent(description="Of the last attempt on this shift.")]
    location: LocationView
    address: AddressBody | None
    recipient: str | None
    phone: str | None
    parcels: int
    promised_window: StopWindowView | None
    live_eta: Annotated[ArrivalView | None, Field(description="Null once it is behind.")]
    handover: HandoverBody | None
    instructions: InstructionsBody | None

    @staticmethod
    def of(line: Line) -> "ManifestStopView":
        """Show a line."""
        stop, promise = line.stop, line.promise
        delivery = promise.delivery if promise else None
        told = promise.order.instructions if promise else None
        meeting = stop.kind is StopKind.MEETING
        outcome = line.served.outcome if line.served else None
        kind = StopKind.DONE if outcome is not None else stop.kind
        return ManifestStopView(
            sequence=line.sequence,
            kind=kind.name.lower(),
            promise_id=None if meeting else promise_id(stop.stop_id),
            order_ref=promise.order.order_ref if promise else None,
            state=promise.state if promise else None,
            outcome=Outcome(outcome) if outcome is not None else None,
            location=LocationView.of(stop.location),
            address=AddressBody.of(delivery.address) if delivery and delivery.address else None,
            recipient=promise.order.recipient.name if promise else None,
            phone=promise.order.recipient.phone if promise else None,
            parcels=stop.load.parcels,
            promised_window=(
                None if meeting else StopWindowView(starts_at=stop.window.start, ends_at=stop.window.end)
            ),
            live_eta=ArrivalView.of(line.arrival) if line.arrival else None,
            handover=(
                HandoverBody(attended=delivery.handover.attended, requires=sorted(delivery.handover.requires))
                if delivery
                else None
            ),
            instructions=(
                InstructionsBody(
                    gate_code=told.gate_code,
                    note=told.note,
                    safe_place=told.safe_place,
                    neighbour=told.neighbour,
                )
                if told
                else None
            ),
        )


class ManifestView(View):
    """A shift as its driver sees it."""

    shift_id: str
    version: Annotated[int, Field(description="Grows when stops or their order change.")]
    depot_id: str
    date: Date
    timezone: str
    vehicle_id: str
    driver: str | None
    starts_at: Instant
    ends_at: Instant
    departed_at: Instant | None
    returned_at: Instant | None
    computed_at: Instant
    stops: list[ManifestStopView]

    @staticmethod
    def of(manifest: Manifest, now: Timestamp) -> "ManifestView":
        """Show a manifest."""
        duty, shift = manifest.duty, manifest.duty.route.shift
        return ManifestView(
            shift_id=shift.shift_id,
            version=manifest.version,
            depot_id=duty.depot.depot_id,
            date=duty.place.day,
            timezone=duty.depot.timezone,
            vehicle_id=shift.vehicle_id,
            driver=duty.driver.name if duty.driver else None,
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            departed_at=manifest.progress.departed_at,
            returned_at=manifest.progress.returned_at,
            computed_at=now,
            stops=[ManifestStopView.of(line) for line in manifest.lines],
        )


def manifest_rows(manifest: Manifest) -> Iterator[tuple[object, ...]]:
    """Write a manifest as rows of `MANIFEST_COLUMNS`, one a stop."""
    zone = manifest.duty.depot.timezone
    for line in manifest.lines:
        shown, stop = ManifestStopView.of(line), line.stop
        address, told = shown.address, shown.instructions
        yield (
            manifest.duty.route.shift.shift_id,
            manifest.version,
            shown.sequence,
            shown.promise_id,
            shown.order_ref,
            shown.state and str(shown.state),
            shown.outcome and str(shown.outcome),
            shown.recipient,
            shown.phone,
            stop.location.lat,
            stop.location.lon,
            address and "; ".join(address.lines),
            address and address.unit,
            address and address.floor,
            address and address.postal_code,
            address and address.city,
            address and address.country,
            shown.parcels,
            shown.promised_window and rfc3339(shown.promised_window.starts_at, zone),
            shown.promised_window and rfc3339(shown.promised_window.ends_at, zone),
            shown.live_eta and rfc3339(shown.live_eta.expected_at, zone),
            shown.handover and shown.handover.attended,
            shown.handover and " ".join(shown.handover.requires),
            told and told.gate_code,
            told and told.note,
            told and told.safe_place,
            told and told.neighbour,
        )
