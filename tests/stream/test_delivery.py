"""Consumers, slow ones too, and the end of a stream: the real `Stream`, in memory and virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.lab import CREDENTIALS, Lab, in_lab, take
from upbit_stream import (
    InvalidSubscription,
    OrderBook,
    Stream,
    StreamClosed,
    Trade,
    Unknown,
    UsageError,
)
from upbit_stream.testing.virtual_time import run_virtual


def test_handlers_and_iterator_see_the_same_messages_in_order() -> None:
    async def body(lab: Lab) -> None:
        handled: list[Any] = []
        lab.stream.on("trade", handled.append)
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        taken = await take(lab.stream, 20)
        assert handled[:20] == taken

    in_lab(body)


def test_a_consumer_that_waits_holds_the_exchange_back_also_where_the_own_iterator_is_unused() -> None:
    async def body(lab: Lab) -> None:
        consumer = lab.stream.messages("trade", buffer=4)
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await asyncio.sleep(60)
        assert len(consumer) >= 4
        assert not lab.world.connections[0]._reading
        taken = await take(consumer, 30)  # it goes on as soon as there is room
        ids = [trade.sequential_id for trade in taken]
        tape = [trade.sequential_id for trade in lab.exchange.tape if trade.code == "SGD-BTC"]
        assert ids == tape[: len(ids)]

    in_lab(body)


def test_a_slow_consumer_that_waits_loses_nothing_and_holds_the_exchange_back() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"], is_only_realtime=True)
        await asyncio.sleep(200)  # far more than the buffer holds
        assert not lab.world.connections[0]._reading
        await asyncio.sleep(200)  # and no pong is seen meanwhile
        wanted = [trade.sequential_id for trade in lab.exchange.tape if trade.code == "SGD-BTC"]
        taken = [message.sequential_id for message in await take(lab.stream, 700)]
        assert lab.kinds().count("disconnected") == 0
        start = wanted.index(taken[0])
        assert taken == wanted[start : start + 700]

    in_lab(body, buffer=50, exchange={"trade_rate": 10.0})


def test_handlers_alone_never_hold_the_exchange_back() -> None:
    async def body(lab: Lab) -> None:
        handled: list[Any] = []
        lab.stream.on("trade", handled.append)
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await asyncio.sleep(100)
        assert lab.world.connections[0]._reading
        assert len(handled) > 300

    in_lab(body, buffer=50, exchange={"trade_rate": 10.0})


def test_keeping_the_latest_gives_each_market_once() -> None:
    async def body(lab: Lab) -> None:
        books = lab.stream.messages("orderbook", policy="latest", events=True)
        await lab.stream.subscribe("orderbook", ["SGD-BTC", "SGD-ETH"])
        await asyncio.sleep(100)
        newest = []
        async for item in books:
            newest.append(item)
            if len([book for book in newest if isinstance(book, OrderBook)]) == 2:
                break
        assert {book.code for book in newest if isinstance(book, OrderBook)} == {"SGD-BTC", "SGD-ETH"}
        assert books.dropped > 50
        assert [item.count for item in newest if item.type == "dropped"]

    in_lab(body)


def test_events_stand_in_order_with_the_data() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await asyncio.sleep(5)
        lab.world.connections[0].reset()
        await asyncio.sleep(5)
        items = await take(lab.stream, 12)
        kinds = [item.type for item in items]
        assert kinds[0] == "connected"
        lost = kinds.index("disconnected")
        assert kinds[lost + 1] == "connected"
        assert "trade" in kinds[:lost]
        before = max(item.received_at_ns for item in items[:lost] if isinstance(item, Trade))
        assert before <= items[lost].at_ns

    in_lab(body, events=True)


def test_a_tap_that_fails_ends_the_stream() -> None:
    def tap(_: object) -> None:
        raise OSError("the disk is full")

    async def body(lab: Lab) -> None:
        lab.stream.tap(tap)
        await asyncio.wait([asyncio.create_task(lab.stream.subscribe("trade", ["SGD-BTC"]))])
        with pytest.raises(OSError, match="disk"):
            await lab.stream.join()

    in_lab(body)


def test_a_region_without_the_type_refuses_it() -> None:
    async def main() -> None:
        async with Stream("sg", credentials=CREDENTIALS) as stream:
            with pytest.raises(InvalidSubscription, match="Korea"):
                await stream.subscribe("announcement")

    run_virtual(main())


def test_a_stream_needs_to_be_open() -> None:
    async def main() -> None:
        stream = Stream("sg")
        with pytest.raises(StreamClosed, match="async with"):
            await stream.subscribe("trade", ["SGD-BTC"])
        await stream.open()
        with pytest.raises(StreamClosed, match="once"):
            await stream.open()
        await stream.close()
        await stream.close()
        assert await take(stream, 1) == []

    run_virtual(main())


def test_where_the_exchange_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UPBIT_BASE_URL", raising=False)
    with pytest.raises(UsageError, match="region"):
        Stream()
    monkeypatch.setenv("UPBIT_BASE_URL", "http://127.0.0.1:8765")
    assert Stream()._address.stream("private") == "ws://127.0.0.1:8765/websocket/v1/private"
    assert Stream("sg")._address.stream("public") == "wss://sg-api.upbit.com/websocket/v1"


def test_an_answer_is_not_missed_while_nothing_is_read() -> None:
    """A consumer that holds the exchange back also holds back the answers: that is no fault of the connection."""

    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await asyncio.sleep(100)
        waiting = asyncio.create_task(lab.stream.subscribe("ticker", ["SGD-BTC"]))
        await asyncio.sleep(300)
        assert not waiting.done()
        consuming = asyncio.create_task(take(lab.stream, 2000))
        await waiting
        consuming.cancel()
        assert lab.kinds().count("disconnected") == 0

    in_lab(body, buffer=50, exchange={"trade_rate": 10.0})


def test_a_consumer_that_is_awake_holds_the_exchange_back_too() -> None:
    """What the socket has is delivered before the consumer runs: the limit has to be looked at all the same."""

    async def body(lab: Lab) -> None:
        holds: list[bool] = []
        consumer = lab.stream.messages("trade", buffer=10)
        hold = consumer._hold
        consumer._hold = lambda who, full: (holds.append(full), hold(who, full))[1]
        waiting = asyncio.create_task(anext(consumer))
        await asyncio.sleep(0)
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await waiting
        waiting = asyncio.create_task(anext(consumer))
        while len(consumer):
            await anext(consumer)
        for message in [lab.exchange.tape[0]] * 30:
            consumer.put(Unknown(type="trade", code=message.code, payload=b""))
        assert holds[-1] is True
        waiting.cancel()

    in_lab(body)
