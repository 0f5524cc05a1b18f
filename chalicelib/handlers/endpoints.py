'''How an HTTP endpoint is written: one declaration, and a body of a few lines.

    api = Endpoints("Checkout")


    @api.endpoint(
        "POST",
        "/v1/holds",
        scope=Scope.CHECKOUT,
        publishable=True,
        request=HoldRequest,
        answers={201: HoldView},
        problems=("slot_taken", "offer_expired", "offer_invalid"),
        idempotency=Idempotency.REQUIRED,
    )
    def hold_slot(call: Call[HoldRequest]) -> Answer:
        """Hold an offered slot.

        What stands here is the description in `/docs`.
        """

        def answer(hold: Hold) -> Answer:
            return Answer(201, HoldView.of(hold))

        hold = call.services.promises.hold(
            call.tenant, call.body.wish(), now=call.now, receipt=call.receipt(answer)
        )
        return answer(hold)

Its path stands in `site` too, which `app.py` hands to `door.register`. Before the body runs, the door has
authenticated the key, counted the request, checked scope, path, query and body, and looked for the receipt of
an earlier twin; after it, the door writes the answer, or turns whatever was raised into problem+json. A
service that has an effect puts `receipt(result)` into its transaction and lets `AlreadyDone` fly. Requests
are models of `wire.Body`, queries of `wire.Query` (lists: of `paging.PageQuery`), answers of `wire.View`.
Weak point: what a declaration says about answers is documentation, which only tests hold against the truth.
'''

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol

from pydantic import BaseModel
from typing_extensions import TypeVar  # with defaults, which typing has from 3.13

from chalicelib.events import Tenant
from chalicelib.handlers.http import PROBLEM_JSON, PROBLEMS, Answer, Rendered
from chalicelib.handlers.idempotency import Idempotency, Repeatable
from chalicelib.merchants.model import ApiKey, KeyType, Scope
from chalicelib.receipts import Receipt, no_receipt
from chalicelib.units import Timestamp

if TYPE_CHECKING:
    from chalicelib.bootstrap import Services

B = TypeVar("B", default=None)
Q = TypeVar("Q", default=None)

type AnswerKind = type[BaseModel] | str | None
"""A model, the media type of a text, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[B, Q]):
    """A request that has passed every check of the door.

    Attributes
    ----------
    body, query
        Instances of the models that the declaration names.
    path
        The parameters of the path; each matches `wire.ID_PATTERN`.
    place
        Method and path, parameters filled in: what a cursor is good for.
    now
        The merchant's business time, read once.
    system_now
        System time, read once.
    source_ip
        Network address of the client as the gateway saw it; no header can change it.
    """

    tenant: Tenant
    key: ApiKey
    body: B
    query: Q
    path: Mapping[str, str]
    place: str
    headers: Mapping[str, str]
    now: Timestamp
    system_now: Timestamp
    request_id: str
    source_ip: str
    services: "Services"
    repeatable: Repeatable | None

    @property
    def sees_detours(self) -> bool:
        """Added driving is the merchant's business only."""
        return self.key.type is KeyType.SECRET

    def receipt[R](self, render: Callable[[R], Answer]) -> Receipt[R]:
        """Make what a service needs to record the answer in the transaction of its effect."""
        return self.repeatable.receipt(render) if self.repeatable else no_receipt


class Asking(Protocol):
    """Whoever asks about one merchant's things: a key's holder, or a buyer."""

    @property
    def services(self) -> "Services":
        """What answers."""

    @property
    def tenant(self) -> Tenant:
        """Whose things."""

    @property
    def now(self) -> Timestamp:
        """The merchant's business time."""

    @property
    def sees_detours(self) -> bool:
        """Whether the merchant's own figures are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall(Generic[Q]):
    """A request to an endpoint that takes no API key.

    Attributes
    ----------
    raw
        The body, unread: at most `strict_json.MAX_BYTES`.
    source_ip
        As in `Call`.
    base_url
        Scheme, host and stage under which the caller reached us, as the caller says.
    build
        Gives the application's services.
    """

    query: Q
    path: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    base_url: str
    request_id: str
    source_ip: str
    build: "Callable[[], Services]"


@dataclass(frozen=True, slots=True)
class Dress:
    """How what goes wrong leaves an endpoint.

    Attributes
    ----------
    kinds
        Media types that it may have.
    put_on
        Dresses a problem for who sent these headers.
    """

    kinds: tuple[str, ...]
    put_on: Callable[[Rendered, Mapping[str, str]], Rendered]


FOR_PROGRAMS = Dress((PROBLEM_JSON,), lambda problem, _headers: problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One declaration. See `Endpoints.endpoint` for the meaning of each part."""

    method: str
    path: str
    handler: Callable[[Any], Answer]
    tag: str
    scope: Scope | None
    publishable: bool = False
    request: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answers: Mapping[int, AnswerKind | tuple[AnswerKind, ...]]
    problems: tuple[str, ...] = ()
    idempotency: Idempotency = Idempotency.UNUSED
    example: Mapping[str, Any] | None = None
    dress: Dress = FOR_PROGRAMS
    path_parameters: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        unknown = set(self.problems) - PROBLEMS.keys()
        if unknown:
            raise ValueError(f"{self.name}: no entry in PROBLEMS for {sorted(unknown)}")
        object.__setattr__(self, "path_parameters", tuple(re.findall(r"{(\w+)}", self.path)))

    @property
    def name(self) -> str:
        """Name of the handler: `operationId` in OpenAPI."""
        return self.handler.__name__

    @property
    def summary(self) -> str:
        """First line of the handler's docstring."""
        return (self.handler.__doc__ or self.name).strip().partition("\n")[0].rstrip(".")

    @property
    def description(self) -> str:
        """The rest of the handler's docstring."""
        lines = (self.handler.__doc__ or "").strip().partition("\n")[2].splitlines()
        return "\n".join(line.strip() for line in lines).strip()


class Declares(Protocol):
    """Endpoints, declared already or known by their paths so far."""

    @property
    def paths(self) -> Mapping[str, Collection[str]]:
        """Methods by path; OPTIONS among them where web pages may call."""

    @property
    def declared(self) -> Sequence[Endpoint]:
        """Every endpoint."""


class Endpoints:
    """The endpoints of one feature.

    Parameters
    ----------
    tag
        Heading under which `/docs` shows them.
    """

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.declared: list[Endpoint] = []

    @property
    def paths(self) -> Mapping[str, Collection[str]]:
        """Methods by path; OPTIONS among them where web pages may call."""
        found: dict[str, dict[str, None]] = {}
        for endpoint in self.declared:
            methods = found.setdefault(endpoint.path, {})
            methods[endpoint.method] = None
            if endpoint.publishable:
                methods["OPTIONS"] = None
        return found

    def endpoint[H: Callable[[Call[Any, Any]], Answer]](
        self,
        method: str,
        path: str,
        *,
        scope: Scope,
        publishable: bool = False,
        request: type[BaseModel] | None = None,
        query: type[BaseModel] | None = None,
        answers: Mapping[int, AnswerKind | tuple[AnswerKind, ...]],
        problems: tuple[str, ...] = (),
        idempotency: Idempotency | None = None,
        example: Mapping[str, Any] | None = None,
    ) -> Callable[[H], H]:
        """Declare an endpoint that needs an API key.

        Parameters
        ----------
        scope
            Any one of these scopes opens it: `Scope.CHECKOUT | Scope.OPS`.
        publishable
            Whether publishable keys may use it, from web pages (CORS).
        request
            Model of the body; without one, a body is refused. Where every field is optional it may be empty.
        query
            Model of the query; without one, any parameter is refused.
        answers
            What each good status carries: a model, a media type such as `text/csv`, a tuple of both, or
            `None`.
        problems
            Codes of this endpoint beyond those that any endpoint may answer.
        idempotency
            Optional for POST, unused otherwise, unless told.
        example
            A request body for `/docs`.
        """
        if idempotency is None:
            idempotency = Idempotency.OPTIONAL if method == "POST" else Idempotency.UNUSED

        def declare(handler: H) -> H:
            self.declared.append(
                Endpoint(
                    method=method,
                    path=path,
                    handler=handler,
                    tag=self.tag,
                    scope=scope,
                    publishable=publishable,
                    request=request,
                    query=query,
                    answers=answers,
                    problems=problems,
                    idempotency=idempotency,
                    example=example,
                )
            )
            return handler

        return declare

    def open_endpoint[H: Callable[[OpenCall[Any]], Answer]](
        self,
        method: str,
        path: str,
        *,
        request: type[BaseModel] | None = None,
        query: type[BaseModel] | None = None,
        answers: Mapping[int, AnswerKind | tuple[AnswerKind, ...]],
        problems: tuple[str, ...] = (),
        idempotency: Idempotency = Idempotency.UNUSED,
        dress: Dress = FOR_PROGRAMS,
    ) -> Callable[[H], H]:
        """Declare an endpoint without a key: its handler gets an `OpenCall` and reads the body itself.

        Parameters
        ----------
        dress
            How what goes wrong is told: to people otherwise than to programs.
        """

        def declare(handler: H) -> H:
            self.declared.append(
                Endpoint(
                    method=method,
                    path=path,
                    handler=handler,
                    tag=self.tag,
                    scope=None,
                    request=request,
                    query=query,
                    answers=answers,
                    problems=problems,
                    idempotency=idempotency,
                    dress=dress,
                )
            )
            return handler

        return declare
