"""The shop in memory as the internet sees it: behind the stand-in for API Gateway, from any address."""

from collections.abc import Mapping

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
