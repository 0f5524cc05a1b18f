"""Shops whose workers may be killed; each has its table, queues, Twilio and nursery."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from infra.sandbox.emulator import Emulator
from tests.faults.premises import Shop, open_shop


@pytest.fixture
def new_shop(emulator: Emulator) -> Iterator[Callable[..., Shop]]:
    """Opens shops, and closes them behind the test."""
    with ExitStack() as closing:

        def make(**nursery: bool) -> Shop:
            shop = open_shop(emulator, **nursery)
            closing.push(shop.nursery.__exit__)
            return shop

        yield make
