"""The endpoint that forgets a buyer."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.erasure.service import Buyer, Erased
from chalicelib.handlers.endpoints import Call, Endpoints
from chalicelib.handlers.http import Answer
from chalicelib.handlers.wire import Body, Id, View
from chalicelib.merchants.model import Scope

api = Endpoints("Privacy")


class ErasureRequest(Body):
    """Who is to be forgotten: a number, or whoever one order was for."""

    phone: Annotated[
        str | None,
        Field(
            pattern=r"^\+[1-9][0-9]{6,14}$",
            description="E.164. Everything that was ever to be delivered to this number.",
            examples=["+12025550123"],
        ),
    ] = None
    order_ref: Annotated[Id | None, Field(description="All shipments of this order, and no other.")] = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.phone is None) == (self.order_ref is None):
            raise PydanticCustomError("buyer", "Input should have either a phone or an order_ref")
        return self

    def buyer(self) -> Buyer:
        """Give the buyer as the erasure wants it."""
        return Buyer(phone=self.phone, order_ref=self.order_ref)


class ErasureView(View):
    """What was forgotten by this request; what was forgotten before is not counted again."""

    promises: Annotated[int, Field(description="Deliveries that are nobody's from now on.")]
    texts: Annotated[int, Field(description="Texts sent; the carrier is told to delete them as well.")]
    replies: Annotated[int, Field(description="Texts that came from the buyer.")]
    doors: Annotated[int, Field(description="Gate codes learned from the buyer.")]


@api.endpoint(
    "POST",
    "/v1/erasures",
    scope=Scope.ADMIN,
    request=ErasureRequest,
    answers={200: ErasureView},
    problems=("promises_open",),
    example={"phone": "+12025550123"},
)
def erase_buyer(call: Call[ErasureRequest]) -> Answer:
    """Forget a buyer.

    Name, number, address, instructions, what was said and texted, photos, gate codes: gone at once, and the
    buyer's page with them; the carrier is told to delete its copies, again and again until it has. The place
    on a route goes some hours after the route's day. What remains is that something was delivered, when and
    how well, about where to a kilometre, and that a number wants no more texts. A buyer who still waits for a
    delivery is not forgotten: cancel it first.
    """

    def answer(erased: Erased) -> Answer:
        view = ErasureView(
            promises=erased.promises, texts=erased.texts, replies=erased.replies, doors=erased.doors
        )
        return Answer(200, view)

    erasing = call.services.erasure
    return answer(erasing.erase(call.tenant, call.body.buyer(), call.now, call.receipt(answer)))
