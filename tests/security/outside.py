"""The shop in memory as the internet sees it: behind the stand-in for API Gateway, from any address."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from chalice.test import HTTPResponse

from infra.sandbox.gateway import Gateway, stage_config
from tests.handlers.described import check_described
from tests.handlers.shop_client import NEAR, Shop, ShopClient


class Outside:
    """The way to a shop through the gateway."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.gateway = Gateway(shop.app, stage_config())

    def client(self, source_ip: str, *, headers: Mapping[str, str] = {}) -> ShopClient:
        """Somebody at a network address, with the keys of the shop's merchant; sends these headers, too."""

        def send(method: str, target: str, own: Mapping[str, str], body: bytes) -> HTTPResponse:
            sent = {name.lower(): value for name, value in (*own.items(), *headers.items())}
            answer = self.gateway.answer(method, target, sent, body, source_ip=source_ip)
            said = HTTPResponse(answer.body, dict(answer.headers), answer.status)
            check_described(self._shop.endpoints, method, target, said)
            return said

        return ShopClient(send, self._shop.keys, destination=NEAR)

    def wsgi(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        """The same as a WSGI application, for tools that speak to one; targets stay as they were sent."""
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        query = environ["QUERY_STRING"]
        answer = self.gateway.answer(
            environ["REQUEST_METHOD"],
            environ["REQUEST_URI"].partition("?")[0] + (f"?{query}" if query else ""),
            headers,
            environ["wsgi.input"].read(),
            source_ip=environ.get("REMOTE_ADDR", "127.0.0.1"),
        )
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.headers)
        return [answer.body]
