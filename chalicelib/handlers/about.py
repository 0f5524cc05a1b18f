"""What the service says of itself: whether it is up, and how it is spoken to."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal

from pydantic import RootModel

from chalicelib.handlers.endpoints import Declares, Endpoints, OpenCall
from chalicelib.handlers.http import Answer, Text
from chalicelib.handlers.wire import View

_CACHED = {"Cache-Control": "public, max-age=300"}


class Health(View):
    """That we answer at all."""

    status: Literal["ok"] = "ok"


class Document(RootModel[dict[str, Any]]):
    """An OpenAPI 3.1 document."""


def endpoints(features: Iterable[Declares]) -> Endpoints:
    """Declare the endpoints that describe all these features, and themselves."""
    api = Endpoints("Service")

    @lru_cache(maxsize=4)  # callers name the host: a bound, whatever they name
    def document(base_url: str) -> dict[str, Any]:
        from chalicelib.handlers import openapi  # tens of milliseconds that no checkout should pay

        declared = [endpoint for feature in (*features, api) for endpoint in feature.declared]
        return openapi.document(declared, base_url=base_url)

    @api.open_endpoint("GET", "/v1/health", answers={200: Health})
    def health(_call: OpenCall) -> Answer:
        """Tell whether the service is up."""
        return Answer(200, Health())

    @api.open_endpoint("GET", "/openapi.json", answers={200: Document})
    def openapi_document(call: OpenCall) -> Answer:
        """Describe every endpoint, in OpenAPI 3.1."""
        return Answer(200, Document(document(call.base_url)), _CACHED)

    @api.open_endpoint("GET", "/docs", answers={200: "text/html"})
    def docs(call: OpenCall) -> Answer:
        """Show the description as a page."""
        from chalicelib.handlers import docs_page

        headers = {**_CACHED, "Content-Security-Policy": docs_page.SECURITY_POLICY}
        return Answer(200, Text("text/html; charset=utf-8", docs_page.page(document(call.base_url))), headers)

    return api
