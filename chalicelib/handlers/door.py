"""The door: every request passes here in this order, and every answer leaves in the same dress.

    request id -> key -> quota -> scope -> path, query, body -> receipt of a twin -> handler -> headers

Whatever is refused leaves as problem+json with a request id, or as its endpoint dresses that; whatever breaks
leaves as a 500 that tells nothing, and a log line that tells where. Weak point: a path that nobody declared
never gets here: API Gateway answers it (`infra` dresses that answer), and so does Chalice's local server.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from chalice import Response

from chalicelib.errors import Forbidden, RateLimited, SlotkeeperError
from chalicelib.handlers import incoming
from chalicelib.handlers.endpoints import Call, Declares, Endpoint, OpenCall
from chalicelib.handlers.http import PROBLEM_JSON, Rendered, problem
from chalicelib.handlers.idempotency import Repeatable, callers_key, fingerprint_of
from chalicelib.handlers.strict_json import canonical
from chalicelib.handlers.telemetry import Line, Telemetry, count_conflicts, structured_log
from chalicelib.merchants.model import ApiKey, KeyType
from chalicelib.merchants.quota import Allowance
from chalicelib.units import Timestamp

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from chalice import Chalice
    from chalice.app import Request

    from chalicelib.bootstrap import Services

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, X-Request-Id",
    "Access-Control-Max-Age": "7200",
}
_EXPOSED = "X-Request-Id, RateLimit, RateLimit-Policy, Retry-After, Idempotent-Replayed"


def register(
    app: "Chalice",
    features: Iterable[Declares],
    build: "Callable[[], Services]",
    *,
    log: "Logger | None" = None,
) -> None:
    """Hang every path into the Chalice app.

    Parameters
    ----------
    features
        Their declarations are looked at by the first request for one of their paths, not here.
    build
        Makes the services; called once, by the first request that needs them. Nothing is built at import.
    """
    door = Door(build, log=log or structured_log())
    for feature in features:
        for path, methods in feature.paths.items():
            for method in methods:
                make = door.preflight if method == "OPTIONS" else door.view
                view = make(app, feature, method, path)
                # Chalice's own check of content types would answer before us, and not in problem+json.
                app.route(path, methods=[method], name=f"{method} {path}", content_types=["*/*"])(view)
    app.register_middleware(door.dress_foreign_answers, "http")


@dataclass(slots=True, kw_only=True)
class _Visit:
    """What is known about a request so far, for the headers of its answer and its log line."""

    request_id: str
    origin: str | None
    key: ApiKey | None = None
    allowance: Allowance | None = None
    cause: BaseException | None = None  # what lies behind a refusal: a vendor's error, say


class Door:
    """Turns declared endpoints into views of Chalice."""

    def __init__(self, build: "Callable[[], Services]", *, log: "Logger") -> None:
        self._services = cache(build)
        self._telemetry = Telemetry(log, stage=lambda: self._services().settings.stage)

    def view(self, app: "Chalice", feature: Declares, method: str, path: str) -> Callable[..., Response]:
        """Make the function that Chalice calls for an endpoint."""

        @cache
        def endpoint() -> Endpoint:
            return next(each for each in feature.declared if (each.method, each.path) == (method, path))

        def serve(**names: str) -> Response:
            return self._serve(endpoint(), _current(app), names)

        return serve

    def preflight(
        self, app: "Chalice", feature: Declares, _method: str, path: str
    ) -> Callable[..., Response]:
        """Make the view that answers a browser's preflight: anybody may ask, the real answer decides."""

        @cache
        def methods() -> str:
            return ", ".join(
                each.method for each in feature.declared if each.path == path and each.publishable
            )

        def serve(**_names: str) -> Response:
            headers = {
                **_PREFLIGHT,
                "Access-Control-Allow-Methods": methods(),
                "X-Request-Id": incoming.request_id(_current(app).headers),
            }
            return _response("", headers, 204)

        return serve

    def dress_foreign_answers(self, request: "Request", respond: Callable[[Any], Response]) -> Response:
        """Turn an answer of Chalice's own (a method that nobody declared) into problem+json."""
        response = respond(request)
        if "X-Request-Id" in response.headers:
            return response
        request_id = incoming.request_id(request.headers)
        error = _our_fault()
        if response.status_code == 405:
            error = SlotkeeperError("This path has no such method.", code="method_not_allowed")
        rendered = problem(error, request_id)
        headers = {"X-Request-Id": request_id, "Content-Type": PROBLEM_JSON, **rendered.headers}
        allowed = response.headers.get("Allow")
        if isinstance(allowed, str):
            headers["Allow"] = allowed
        return _response(rendered.text, headers, rendered.status)

    def _serve(self, endpoint: Endpoint, request: "Request", path: Mapping[str, str]) -> Response:
        visit = _Visit(request_id=incoming.request_id(request.headers), origin=request.headers.get("origin"))
        with self._telemetry.line("request", visit.request_id) as line:
            try:
                answer = self._answer if endpoint.scope else self._answer_anybody
                rendered = answer(endpoint, request, path, visit)
            except SlotkeeperError as error:
                visit.cause = error.__cause__
                rendered = endpoint.dress.put_on(problem(error, visit.request_id), request.headers)
            except Exception as bug:
                # The one place where bugs end: the caller gets an answer, the log gets the place.
                self._telemetry.bug(bug, request_id=visit.request_id)
                rendered = endpoint.dress.put_on(problem(_our_fault(), visit.request_id), request.headers)
            _tell(line, endpoint, visit, rendered)
        return _response(rendered.text, _headers(endpoint, visit, rendered), rendered.status)

    def _answer_anybody(
        self, endpoint: Endpoint, request: "Request", path: Mapping[str, str], visit: _Visit
    ) -> Rendered:
        call = OpenCall(
            query=incoming.query(endpoint, request),
            path=incoming.path_names(endpoint, path),
            headers=request.headers,
            raw=incoming.raw_body(request),
            base_url=incoming.base_url(request, endpoint),
            request_id=visit.request_id,
            source_ip=incoming.source_ip(request),
            build=self._services,
        )
        return endpoint.handler(call).rendered()

    def _answer(
        self, endpoint: Endpoint, request: "Request", path: Mapping[str, str], visit: _Visit
    ) -> Rendered:
        services = self._services()
        key = self._admit(endpoint, request, visit, now=services.clock.system_now())
        system_now = services.clock.system_now()  # by now a new process, too, has heard the store's clock
        callers = callers_key(request.headers.get("idempotency-key"), endpoint.idempotency)
        names = incoming.path_names(endpoint, path)
        query = incoming.query(endpoint, request)
        body, tree = incoming.body(endpoint, request)
        place = f"{endpoint.method} {endpoint.path.format(**names)}"
        repeatable = None
        if callers is not None:
            repeatable = Repeatable(
                tenant=key.tenant,
                key=f"{key.type}/{endpoint.method}/{endpoint.path}/{callers}",
                fingerprint=fingerprint_of(place, canonical(tree)),
                system_now=system_now,
                store=services.receipts,
                sealer=services.sealer,
            )
        call: Call[Any, Any] = Call(
            tenant=key.tenant,
            key=key,
            body=body,
            query=query,
            path=names,
            place=place,
            headers=request.headers,
            now=services.business_now(key.tenant, system_now=system_now),
            system_now=system_now,
            request_id=visit.request_id,
            source_ip=incoming.source_ip(request),
            services=services,
            repeatable=repeatable,
        )

        def answer() -> Rendered:
            return endpoint.handler(call).rendered()

        return repeatable.once(answer) if repeatable else answer()

    def _admit(self, endpoint: Endpoint, request: "Request", visit: _Visit, *, now: Timestamp) -> ApiKey:
        """Find the key, count the request, check what the key may do; in this order, so that all count."""
        services = self._services()
        key = visit.key = services.merchants.authenticate(incoming.bearer(request), now=now)
        left = visit.allowance = services.rate_limiter.take(key.key_id, now=now)
        if left.is_exceeded:
            raise RateLimited("This key's quota is used up.", retry_after=left.resets_in)
        if key.type is KeyType.PUBLISHABLE and not endpoint.publishable:
            raise Forbidden("This endpoint needs a secret key.")
        if endpoint.scope and not key.scopes & endpoint.scope:
            raise Forbidden(f"This endpoint needs the scope {' or '.join(endpoint.scope.names)}.")
        return key


def _tell(line: Line, endpoint: Endpoint, visit: _Visit, rendered: Rendered) -> None:
    """Write down who asked what and how it ended; nothing of what was asked or answered but ids of ours."""
    line.fields |= {"endpoint": f"{endpoint.method} {endpoint.path}", "status": rendered.status}
    line.fields |= rendered.about
    if visit.key:
        line.fields |= {"tenant": str(visit.key.tenant), "key_id": visit.key.key_id}
    if rendered.code:
        line.fields["code"] = rendered.code
    if visit.cause:
        line.fields["cause"] = type(visit.cause).__qualname__
    line.counts.update(rendered.counts)
    count_conflicts(line)


def _current(app: "Chalice") -> "Request":
    assert app.current_request is not None  # Chalice sets it before it calls a view
    return app.current_request


def _our_fault() -> SlotkeeperError:
    return SlotkeeperError("We made a mistake.")


def _response(text: str, headers: Mapping[str, str], status: int) -> Response:
    return Response(text, dict(headers), status)


def _headers(endpoint: Endpoint, visit: _Visit, rendered: Rendered) -> dict[str, str]:
    headers = {"X-Request-Id": visit.request_id, "X-Content-Type-Options": "nosniff"}
    if rendered.media_type:
        headers["Content-Type"] = rendered.media_type
    if endpoint.scope is not None:
        headers["Cache-Control"] = "no-store"
    if visit.allowance:
        quota = visit.allowance.quota
        headers["RateLimit-Policy"] = f'"key";q={quota.requests};w={quota.window}'
        headers["RateLimit"] = f'"key";r={visit.allowance.remaining};t={visit.allowance.resets_in}'
    if endpoint.publishable:
        headers["Vary"] = "Origin"
        if visit.key and visit.origin and visit.origin in visit.key.origins:
            headers["Access-Control-Allow-Origin"] = visit.origin
            headers["Access-Control-Expose-Headers"] = _EXPOSED
    headers.update((name, _CONTROL.sub("", text)) for name, text in rendered.headers.items())
    return headers
