"""How a delivery is spoken of in requests: where it goes, what it brings, how it changes hands.

`None` leaves it to the depot, which the search looks up.
"""

from typing import Annotated

from pydantic import Field

from chalicelib.fleet.model import Handover, Requirement
from chalicelib.handlers.wire import Body, Grams, Id, Label, LatLon, Millilitres
from chalicelib.promises.model import Address
from chalicelib.promises.search import SlotQuery
from chalicelib.routing.model import Load
from chalicelib.routing.packed import MAX_PARCELS

_LONGEST_VISIT = 4 * 3600
_MOST_SKILLS = 8

PostalCode = Annotated[str, Field(min_length=1, max_length=16)]


class AddressBody(Body):
    """What the driver reads at the door."""

    lines: Annotated[list[Label], Field(min_length=1, max_length=4)]
    city: Label
    country: Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1.", examples=["PT"])]
    postal_code: PostalCode | None = None
    unit: Label | None = None
    floor: Label | None = None

    def address(self) -> Address:
        """Give the address as the promise keeps it."""
        return Address(
            lines=tuple(self.lines),
            city=self.city,
            country=self.country,
            postal_code=self.postal_code,
            unit=self.unit,
            floor=self.floor,
        )

    @staticmethod
    def of(address: Address) -> "AddressBody":
        """Show an address."""
        return AddressBody(
            lines=list(address.lines),
            city=address.city,
            country=address.country,
            postal_code=address.postal_code,
            unit=address.unit,
            floor=address.floor,
        )


class DestinationBody(LatLon):
    """Where it goes: the point decides, the address is for people."""

    address: AddressBody | None = None


class LoadBody(Body):
    """What it brings onto the van."""

    parcels: Annotated[int, Field(ge=1, le=MAX_PARCELS)] = 1
    grams: Grams = 0
    millilitres: Millilitres = 0

    def load(self) -> Load:
        """Give the load as the routing library has it."""
        return Load(parcels=self.parcels, grams=self.grams, millilitres=self.millilitres)


class HandoverBody(Body):
    """How the parcel changes hands."""

    attended: Annotated[bool, Field(description="Somebody must be there to take it.")] = False
    requires: Annotated[list[Requirement], Field(max_length=len(Requirement), strict=False)] = []

    def handover(self) -> Handover:
        """Give the rules as the promise keeps them."""
        return Handover(attended=self.attended, requires=frozenset(self.requires))


class DeliveryBody(Body):
    """What is to be brought where, with the depot's defaults for what is left open."""

    destination: DestinationBody
    load: LoadBody = LoadBody()
    depot_id: Annotated[
        Id | None, Field(description="Every depot that serves the address, unless given.")
    ] = None
    skills: Annotated[list[Id], Field(max_length=_MOST_SKILLS, description="Skills the van must have.")] = []
    handover: Annotated[HandoverBody | None, Field(description="The depot's, unless given.")] = None
    service_time_seconds: Annotated[
        int | None, Field(ge=1, le=_LONGEST_VISIT, description="The depot's, unless given.")
    ] = None

    def asked(self) -> SlotQuery:
        """Give what is asked as the search wants it."""
        return SlotQuery(
            location=self.destination.location(),
            address=self.destination.address.address() if self.destination.address else None,
            load=self.load.load(),
            skills=frozenset(self.skills),
            handover=self.handover.handover() if self.handover else None,
            service_time=self.service_time_seconds,
            depot_id=self.depot_id,
        )
