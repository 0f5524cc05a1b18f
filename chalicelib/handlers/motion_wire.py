"""How a driver's day is spoken of on the wire: what a phone reports, and what it is answered."""

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.fleet.ids import PROMISE, stop_id_of
from chalicelib.fleet.progress import Trouble
from chalicelib.handlers.wire import Body, Id, Instant, Label, Lat, LatLon, Lon, Note, View
from chalicelib.motion.events import Event, EventKind, Why
from chalicelib.motion.service import Reported
from chalicelib.promises.model import HandedOver, Outcome
from chalicelib.routing.model import NOBODY, Location
from chalicelib.units import StopId

MOST_EVENTS = 100

PromiseRef = Annotated[str, Field(max_length=64, examples=["prm_0am361y23vtsq"])]


def named_stop(promise_id: str | None) -> StopId:
    """The stop a promise's id names; nobody's, if it is none we would write."""
    stop_id = stop_id_of(promise_id, PROMISE) if promise_id is not None else None
    return NOBODY if stop_id is None else stop_id


class _Reported(Body):
    """What all events have."""

    type: str
    event_id: Annotated[Id, Field(description="Yours: an event that comes again under it changes nothing.")]
    at: Annotated[Instant, Field(description="When it happened, by the phone's clock.")]

    def event(self) -> Event:
        """Give it as the day in motion wants it."""
        return Event(event_id=self.event_id, kind=EventKind(self.type), at=self.at, **self.about())

    def about(self) -> dict[str, Any]:
        """What only its kind has."""
        return {}


class DepartedEvent(_Reported):
    """The van left the depot."""

    type: Literal["departed_depot"]


class PositionEvent(_Reported):
    """Where the van is."""

    type: Literal["position"]
    lat: Lat
    lon: Lon
    speed: Annotated[
        float | None, Field(ge=0, le=200, allow_inf_nan=False, description="Metres a second.")
    ] = None

    def about(self) -> dict[str, Any]:
        """Where."""
        return {"location": Location(lat=self.lat, lon=self.lon)}


class ArrivedEvent(_Reported):
    """The van is at a door."""

    type: Literal["arrived"]
    promise_id: PromiseRef

    def about(self) -> dict[str, Any]:
        """Whose door."""
        return {"stop_id": named_stop(self.promise_id)}


class ProofBody(Body):
    """What the driver brings back from the door."""

    name: Annotated[Label | None, Field(description="Who took it.")] = None
    note: Note | None = None
    photo: Annotated[Id | None, Field(description="`proof_id` of an upload.")] = None
    signature: Annotated[Id | None, Field(description="`proof_id` of an upload.")] = None

    def handed_over(self) -> HandedOver:
        """Give it as the promise keeps it."""
        uploads = tuple(each for each in (self.photo, self.signature) if each is not None)
        return HandedOver(name=self.name, note=self.note, uploads=uploads)


class CompletedEvent(_Reported):
    """An attempt ended, delivered or not."""

    type: Literal["completed"]
    promise_id: PromiseRef
    outcome: Outcome
    parcels_delivered: Annotated[int | None, Field(ge=0, le=100_000)] = None
    proof: ProofBody | None = None

    def about(self) -> dict[str, Any]:
        """Whose it was, and what came of it."""
        return {
            "stop_id": named_stop(self.promise_id),
            "outcome": self.outcome,
            "parcels": self.parcels_delivered,
            "proof": (self.proof or ProofBody()).handed_over(),
        }


class IncidentEvent(_Reported):
    """Something came in the van's way."""

    type: Literal["incident"]
    kind: Trouble
    delay_seconds: Annotated[int | None, Field(ge=0, le=86_400)] = None
    promise_id: Annotated[PromiseRef | None, Field(description="Whose door it is about.")] = None
    location: LatLon | None = None
    radius_metres: Annotated[int | None, Field(ge=0, le=50_000)] = None
    until_at: Instant | None = None

    def about(self) -> dict[str, Any]:
        """What, where, and for how long."""
        return {
            "trouble": self.kind,
            "delay": self.delay_seconds,
            "stop_id": named_stop(self.promise_id),
            "location": self.location.location() if self.location else None,
            "radius": self.radius_metres,
            "until_at": self.until_at,
        }


class BreakStartedEvent(_Reported):
    """The driver's break begins."""

    type: Literal["break_started"]


class BreakEndedEvent(_Reported):
    """The driver's break is over."""

    type: Literal["break_ended"]


class ReturnedEvent(_Reported):
    """The van is back at the depot."""

    type: Literal["returned_to_depot"]


type AnyEvent = Annotated[
    DepartedEvent
    | PositionEvent
    | ArrivedEvent
    | CompletedEvent
    | IncidentEvent
    | BreakStartedEvent
    | BreakEndedEvent
    | ReturnedEvent,
    Field(discriminator="type"),
]


class EventsRequest(Body):
    """What happened since the phone last got through, in any order."""

    events: Annotated[list[AnyEvent], Field(min_length=1, max_length=MOST_EVENTS)]
    sent_at: Annotated[
        Instant | None,
        Field(
            description="What the phone's clock shows now: an `at` by a wrong clock is set right by it. "
            "Without it, an event more than two minutes ahead of us is ignored."
        ),
    ] = None

    def happened(self) -> list[Event]:
        """Give them as the day in motion wants them."""
        return [event.event() for event in self.events]


class CorrectionRequest(Body):
    """What the last attempt really came to."""

    outcome: Outcome
    reason: Annotated[Label, Field(description="Why: it stands in the ledger. No names, please.")]


class ContactRequest(Body):
    """A buyer asked about a delivery."""

    channel: Annotated[Id, Field(description="Your own word for it.", examples=["phone"])]
    reason: Annotated[Label, Field(description="No names, please.", examples=["where_is_my_order"])]


class ContactView(View):
    """A contact as it stands in the ledger."""

    promise_id: str
    sequence: int
    at: Instant
    channel: str
    reason: str


class TokenView(View):
    """What opens one shift to its driver's phone."""

    token: Annotated[str, Field(description="Shown this once; only its hash is kept.")]
    url: Annotated[str, Field(description="For the phone. The token is behind `#`, which no server sees.")]
    expires_at: Instant


class ProofRequest(Body):
    """A photo or signature that is to be uploaded."""

    kind: Literal["photo", "signature"] = "photo"
    content_type: Annotated[
        Literal["image/jpeg", "image/png", "image/webp", "image/heic"],
        Field(description="The upload must be sent with this Content-Type."),
    ] = "image/jpeg"
    size_bytes: Annotated[
        int | None,
        Field(
            ge=1, le=10_000_000, description="The upload must be exactly this long; any length unless given."
        ),
    ] = None


class ProofUploadView(View):
    """Where a proof is to be PUT."""

    proof_id: Annotated[str, Field(description="For `proof.photo` or `proof.signature` of `completed`.")]
    upload_url: Annotated[str, Field(description="PUT it here with the Content-Type that was asked for.")]
    expires_at: Instant


class IgnoredView(View):
    """An event that changed nothing."""

    event_id: str
    reason: Why


class EventsView(View):
    """What became of the events."""

    accepted: int
    duplicates: Annotated[int, Field(description="Known already, by their ids.")]
    ignored: list[IgnoredView]
    manifest_version: Annotated[int, Field(description="A higher one than the phone has: read it again.")]

    @staticmethod
    def of(reported: Reported) -> "EventsView":
        """Show what became of a batch."""
        return EventsView(
            accepted=reported.accepted,
            duplicates=reported.duplicates,
            ignored=[IgnoredView(event_id=each.event_id, reason=each.reason) for each in reported.ignored],
            manifest_version=reported.manifest_version,
        )
