"""How depots look in JSON.

A body becomes a description of `fleet.model`, judged when it is put; a view is made of what is stored.
Weak point: body and view repeat each other's fields, because one has defaults and the other none.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from chalicelib.fleet.area import (
    MAX_HOLES,
    MAX_RADIUS_METRES,
    MAX_RING_POINTS,
    geojson,
    polygons_from_geojson,
)
from chalicelib.fleet.model import (
    BookingRules,
    Closure,
    Depot,
    Handover,
    OfferShaping,
    OrderBy,
    Radius,
    Requirement,
    ServiceArea,
    ServiceTime,
    ShapingMode,
    SlotTemplate,
    Travel,
    TravelEngine,
    Weekday,
)
from chalicelib.fleet.model import Money as Price
from chalicelib.fleet.service import Accepted
from chalicelib.handlers.paging import Listed
from chalicelib.handlers.wire import (
    Body,
    Currency,
    Id,
    Instant,
    Label,
    LatLon,
    LocationView,
    Money,
    Name,
    View,
    WallTime,
    Zone,
)
from chalicelib.routing.travel_times import CITY_PROFILE, SpeedProfile

AT_RISK = "Promises that can no longer be expected to be kept."
Days = Annotated[list[Weekday], Field(min_length=1, max_length=7)]
_MOST_SLOTS = 100
_MOST_CLOSURES = 100

Slowness = Annotated[tuple[Annotated[float, Field(ge=0.1, le=10)], ...], Field(min_length=24, max_length=24)]


class RadiusArea(Body):
    """Everything within so many metres of the depot, as the crow flies."""

    radius_metres: Annotated[int, Field(ge=1, le=MAX_RADIUS_METRES)]


class PolygonArea(Body):
    """A GeoJSON Polygon: an outer ring and holes, points as `[longitude, latitude]`."""

    type: Literal["Polygon"]
    coordinates: Annotated[
        list[list[list[float]]],
        Field(description=f"At most {MAX_RING_POINTS} points a ring and {MAX_HOLES} holes."),
    ]


class MultiPolygonArea(Body):
    """A GeoJSON MultiPolygon: several polygons."""

    type: Literal["MultiPolygon"]
    coordinates: list[list[list[list[float]]]]


def _kind_of_area(area: object) -> str:
    kind = area.get("type", "radius") if isinstance(area, Mapping) else getattr(area, "type", "radius")
    return kind if kind in ("Polygon", "MultiPolygon") else "radius"


AreaBody = Annotated[
    Annotated[RadiusArea, Tag("radius")]
    | Annotated[PolygonArea, Tag("Polygon")]
    | Annotated[MultiPolygonArea, Tag("MultiPolygon")],
    Discriminator(_kind_of_area),
]


class OrderByBody(Body):
    """The last local moment at which a slot can be ordered."""

    days_before: Annotated[int, Field(ge=0, le=14)]
    time: WallTime


class SlotBody(Body):
    """A window on sale every week. One that ends no later than it starts ends the day after."""

    starts: WallTime
    ends: WallTime
    days: Days = list(Weekday)
    price: Money | None = None
    order_by: OrderByBody | None = None

    def template(self) -> SlotTemplate:
        """Read it as the domain has it."""
        price, order_by = self.price, self.order_by
        return SlotTemplate(
            starts=self.starts,
            ends=self.ends,
            days=frozenset(self.days),
            price=Price(amount=price.amount, currency=price.currency) if price else None,
            order_by=OrderBy(days_before=order_by.days_before, time=order_by.time) if order_by else None,
        )

    @staticmethod
    def of(template: SlotTemplate) -> "SlotBody":
        """Show a template."""
        price, order_by = template.price, template.order_by
        return SlotBody(
            starts=template.starts,
            ends=template.ends,
            days=[day for day in Weekday if day in template.days],
            price=Money(amount=price.amount, currency=price.currency) if price else None,
            order_by=OrderByBody(days_before=order_by.days_before, time=order_by.time) if order_by else None,
        )


class BookingBody(Body):
    """How far ahead, how late and for how long a checkout may claim a slot."""

    horizon_days: Annotated[int, Field(ge=1, le=60)] = BookingRules().horizon_days
    cutoff_minutes: Annotated[int, Field(ge=0, le=7 * 1440)] = BookingRules().cutoff_minutes
    hold_seconds: Annotated[int, Field(ge=30, le=3600)] = BookingRules().hold_seconds


class ServiceBody(Body):
    """What a visit takes at the door."""

    base_seconds: Annotated[int, Field(ge=0, le=7200)] = ServiceTime().base_seconds
    per_parcel_seconds: Annotated[int, Field(ge=0, le=600)] = ServiceTime().per_parcel_seconds


class HandoverTerms(Body):
    """How a parcel changes hands: whether somebody must be at home, and what proves it."""

    attended: Annotated[bool, Field(description="Somebody must be there to take it.")] = Handover().attended
    requires: Annotated[list[Requirement], Field(max_length=len(Requirement))] = []

    def handover(self) -> Handover:
        """Read it as the domain has it."""
        return Handover(attended=self.attended, requires=frozenset(self.requires))

    @staticmethod
    def of(handover: Handover) -> "HandoverTerms":
        """Show a handover."""
        return HandoverTerms(
            attended=handover.attended, requires=[each for each in Requirement if each in handover.requires]
        )


class ClosureBody(Body):
    """A time whose slots are not sold. With `deliver: true` what was sold before is still brought."""

    from_at: Instant
    to_at: Instant
    reason: Label
    sell: Annotated[bool, Field(description="What is not delivered is not sold either.")] = False
    deliver: bool = False


class TravelBody(Body):
    """Where travel times come from, and how traffic slows them by hour of the local day."""

    engine: TravelEngine = TravelEngine.ROADS
    graph: Annotated[
        Id | None, Field(description="Key of the depot's road graph; the built-in one unless given.")
    ] = None
    slowness: Slowness = CITY_PROFILE.slowness
    weekend: Slowness | None = None

    def travel(self) -> Travel:
        """Read it as the domain has it."""
        profile = SpeedProfile(slowness=self.slowness, weekend=self.weekend)
        return Travel(engine=self.engine, graph=self.graph, profile=profile)

    @staticmethod
    def of(travel: Travel) -> "TravelBody":
        """Show where travel times come from."""
        profile = travel.profile
        return TravelBody(
            engine=travel.engine, graph=travel.graph, slowness=profile.slowness, weekend=profile.weekend
        )


class OfferShapingBody(Body):
    """What becomes of slots with a long detour, for new orders: a promise that moves may have any slot.

    Long is beyond `detour_ratio` times the detour of the cheapest slot offered on the same day, plus
    `detour_seconds`; that cheapest slot is never touched.
    """

    mode: Annotated[
        ShapingMode,
        Field(
            description="`hide`: not available, with the reason `far_from_route`. `price`: dearer by "
            "`surcharge_per_minute` for each minute begun beyond the limit.",
        ),
    ] = OfferShaping().mode
    detour_ratio: Annotated[float, Field(ge=1, le=100)] = OfferShaping().detour_ratio
    detour_seconds: Annotated[int, Field(ge=0, le=86_400)] = OfferShaping().detour_seconds
    surcharge_per_minute: Annotated[
        Money | None, Field(description="Of extra driving, in the depot's currency; `price` needs it.")
    ] = None

    def shaping(self) -> OfferShaping:
        """Read it as the domain has it."""
        price = self.surcharge_per_minute
        return OfferShaping(
            mode=self.mode,
            detour_ratio=self.detour_ratio,
            detour_seconds=self.detour_seconds,
            surcharge_per_minute=Price(amount=price.amount, currency=price.currency) if price else None,
        )

    @staticmethod
    def of(shaping: OfferShaping) -> "OfferShapingBody":
        """Show a policy."""
        price = shaping.surcharge_per_minute
        return OfferShapingBody(
            mode=shaping.mode,
            detour_ratio=shaping.detour_ratio,
            detour_seconds=shaping.detour_seconds,
            surcharge_per_minute=Money(amount=price.amount, currency=price.currency) if price else None,
        )


class DepotBody(Body):
    """A place vans start from, and the terms on which its slots are sold."""

    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "name": "Porto North",
        "location": {"lat": 41.1496, "lon": -8.6109},
        "timezone": "Europe/Lisbon",
        "currency": "EUR",
        "service_area": {"radius_metres": 15000},
        "slots": [
            {"starts": "08:00", "ends": "10:00", "days": ["mon", "tue", "wed", "thu", "fri"]},
            {"starts": "18:00", "ends": "20:00", "price": {"amount": 250, "currency": "EUR"}},
        ],
    }

    name: Name
    location: LatLon
    timezone: Zone
    currency: Currency
    service_area: AreaBody
    slots: Annotated[list[SlotBody], Field(max_length=_MOST_SLOTS)]
    booking: BookingBody = BookingBody()
    service: ServiceBody = ServiceBody()
    loading_lead_minutes: Annotated[int, Field(ge=0, le=1440)] = 30
    handover: HandoverTerms = HandoverTerms()
    closures: Annotated[list[ClosureBody], Field(max_length=_MOST_CLOSURES)] = []
    target_kept: Annotated[float, Field(ge=0.5, le=0.999)] = 0.98
    travel: TravelBody = TravelBody()
    offer_shaping: OfferShapingBody = OfferShapingBody()

    def depot(self, depot_id: str) -> Depot:
        """Read it as the domain has it.

        Raises
        ------
        InvalidRequest
            `bad_area`.
        """
        return Depot(
            depot_id=depot_id,
            name=self.name,
            location=self.location.location(),
            timezone=self.timezone,
            currency=self.currency,
            service_area=self._area(),
            slots=tuple(slot.template() for slot in self.slots),
            booking=BookingRules(**self.booking.model_dump()),
            service=ServiceTime(**self.service.model_dump()),
            loading_lead_minutes=self.loading_lead_minutes,
            handover=self.handover.handover(),
            closures=tuple(Closure(**dict(closure)) for closure in self.closures),
            target_kept=self.target_kept,
            travel=self.travel.travel(),
            offer_shaping=self.offer_shaping.shaping(),
        )

    def _area(self) -> ServiceArea:
        match self.service_area:
            case RadiusArea(radius_metres=metres):
                return Radius(metres=metres)
            case drawn:
                return polygons_from_geojson(dict(drawn))


class DepotView(View):
    """A depot."""

    depot_id: str
    name: str
    location: LocationView
    timezone: str
    currency: str
    service_area: Annotated[dict[str, Any], Field(description="`radius_metres`, or GeoJSON.")]
    slots: list[SlotBody]
    booking: BookingBody
    service: ServiceBody
    loading_lead_minutes: int
    handover: HandoverTerms
    closures: list[ClosureBody]
    target_kept: float
    travel: TravelBody
    offer_shaping: OfferShapingBody
    version: Annotated[int, Field(description="Grows with every change of the depot.")]

    @staticmethod
    def of(depot: Depot) -> "DepotView":
        """Show a depot."""
        area = depot.service_area
        return DepotView(
            depot_id=depot.depot_id,
            name=depot.name,
            location=LocationView.of(depot.location),
            timezone=depot.timezone,
            currency=depot.currency,
            service_area={"radius_metres": area.metres} if isinstance(area, Radius) else geojson(area),
            slots=[SlotBody.of(template) for template in depot.slots],
            booking=BookingBody(
                horizon_days=depot.booking.horizon_days,
                cutoff_minutes=depot.booking.cutoff_minutes,
                hold_seconds=depot.booking.hold_seconds,
            ),
            service=ServiceBody(
                base_seconds=depot.service.base_seconds, per_parcel_seconds=depot.service.per_parcel_seconds
            ),
            loading_lead_minutes=depot.loading_lead_minutes,
            handover=HandoverTerms.of(depot.handover),
            closures=[
                ClosureBody(
                    from_at=closure.from_at,
                    to_at=closure.to_at,
                    reason=closure.reason,
                    sell=closure.sell,
                    deliver=closure.deliver,
                )
                for closure in depot.closures
            ],
            target_kept=depot.target_kept,
            travel=TravelBody.of(depot.travel),
            offer_shaping=OfferShapingBody.of(depot.offer_shaping),
            version=depot.version,
        )


class DepotList(Listed[DepotView]):
    """Depots."""


class DepotAccepted(DepotView):
    """A depot as it was stored, and what that endangers."""

    at_risk: Annotated[tuple[str, ...], Field(description=AT_RISK)]

    @staticmethod
    def accepted(accepted: Accepted[Depot]) -> "DepotAccepted":
        """Show what a PUT did."""
        return DepotAccepted(**dict(DepotView.of(accepted.value)), at_risk=accepted.at_risk)
