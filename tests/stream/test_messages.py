"""What a stream delivers: the real `Stream`, in memory and virtual time."""

from __future__ import annotations

import pytest

from tests.lab import START_MS, Lab, in_lab, take
from upbit_stream import (
    Candle,
    OrderBook,
    Ticker,
    Trade,
)
from upbit_stream.wire import requests


@pytest.mark.parametrize("wire_format", requests.FORMATS)
def test_the_readme_example_works_in_every_format(wire_format: str) -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC", "SGD-ETH"])
        await lab.stream.subscribe("orderbook", ["SGD-BTC.15"])
        await lab.stream.subscribe("ticker", ["SGD-BTC"])
        await lab.stream.subscribe("candle.1s", ["SGD-BTC"])
        seen = {type(message) for message in await take(lab.stream, 300)}
        assert seen == {Trade, OrderBook, Ticker, Candle}

    in_lab(body, format=wire_format)


def test_messages_carry_the_clock_of_their_arrival() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        for message in await take(lab.stream, 5):
            assert START_MS * 1_000_000 <= message.received_at_ns <= lab.world.time_ns()

    in_lab(body)


def test_depth_is_what_was_asked_for() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("orderbook", ["SGD-BTC.5"])
        assert {len(book.orderbook_units) for book in await take(lab.stream, 10)} == {5}

    in_lab(body)
