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
from chalicelib.routing.altered import Alteration, Altered, Cause
from chalicelib.routing.model import StopKind
from chalicelib.routing.rescue import is_meeting
from chalicelib.units import Timestamp

MANIFEST_COLUMNS = (
    *("shift_id", "version", "sequence", "promise_id", "order_ref", "state", "outcome", "recipient", "phone"),
    *("lat", "lon", "address_lines", "unit", "floor", "postal_code", "city", "country", "parcels"),
    *("window_starts_at", "window_ends_at", "live_eta", "attended", "requires"),
    *("gate_code", "note", "safe_place", "neighbour", "change", "changed_because"),
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
    change: Annotated[
        Altered | None, absent(description="What became of it since the driver could last be sure of it.")
    ]
    changed_because: Annotated[Cause | None, absent(description="Why; `changes` has the whole story.")]

    @staticmethod
    def of(line: Line, altered: tuple[Altered, Alteration] | None) -> "ManifestStopView":
        """Show a line, and what became of it."""
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
            change=altered[0] if altered else None,
            changed_because=altered[1].because if altered else None,
        )


class AlterationView(View):
    """One change of a running route."""

    because: Cause
    by: Annotated[str | None, absent(description="Id of the replan or the change that made it.")]
    at: Instant
    version: Annotated[int, Field(description="Of the first manifest that has it.")]
    new: Annotated[list[str], Field(description="Promises that came, to be fetched or delivered here.")]
    moved: Annotated[list[str], Field(description="Promises with another place in the order.")]
    changed: Annotated[list[str], Field(description="Promises with another window or other instructions.")]
    gone: Annotated[list[str], Field(description="Promises that are no longer this shift's.")]

    @staticmethod
    def of(alteration: Alteration) -> "AlterationView":
        """Show a change; where vans meet is no promise."""

        def which(wanted: Altered) -> list[str]:
            stops = alteration.stops
            return [promise_id(each) for each, what in stops if what is wanted and not is_meeting(each)]

        return AlterationView(
            because=alteration.because,
            by=alteration.by,
            at=alteration.at,
            version=alteration.version,
            new=which(Altered.NEW),
            moved=which(Altered.MOVED),
            changed=which(Altered.CHANGED),
            gone=which(Altered.GONE),
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
    changes: Annotated[
        list[AlterationView],
        Field(
            description="What altered the route, oldest first; each until the driver is done at a stop that "
            "he came to afterwards."
        ),
    ]
    stops: list[ManifestStopView]

    @staticmethod
    def of(manifest: Manifest, now: Timestamp) -> "ManifestView":
        """Show a manifest."""
        duty, shift, altered = manifest.duty, manifest.duty.route.shift, manifest.altered
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
            changes=[AlterationView.of(each) for each in manifest.alterations],
            stops=[ManifestStopView.of(line, altered.get(line.stop.stop_id)) for line in manifest.lines],
        )


def manifest_rows(manifest: Manifest) -> Iterator[tuple[object, ...]]:
    """Write a manifest as rows of `MANIFEST_COLUMNS`, one a stop."""
    zone, altered = manifest.duty.depot.timezone, manifest.altered
    for line in manifest.lines:
        shown, stop = ManifestStopView.of(line, altered.get(line.stop.stop_id)), line.stop
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
            shown.change and str(shown.change),
            shown.changed_because and str(shown.changed_because),
        )
