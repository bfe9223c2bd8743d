"""Ways to iterate over a stream that people use: time-outs, breaks, cancelled tasks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.lab import Lab, in_lab, take
from upbit_stream import Stream, StreamClosed, UsageError
from upbit_stream.testing.virtual_time import run_virtual


def test_a_time_out_on_the_next_message_is_no_end() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        messages = aiter(lab.stream)
        seen, timeouts = [], 0
        while len(seen) < 20:
            try:
                seen.append(await asyncio.wait_for(anext(messages), 0.2))
            except TimeoutError:
                timeouts += 1
        assert timeouts > 5
        told = [trade.sequential_id for trade in lab.exchange.tape if trade.code == "SGD-BTC"]
        ids = [message.sequential_id for message in seen]
        first = told.index(ids[0])
        assert ids == told[first : first + 20]

    in_lab(body)


def test_breaking_out_and_iterating_again_goes_on() -> None:
    async def body(lab: Lab) -> None:
        handled: list[object] = []
        lab.stream.on("trade", handled.append)
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        taken = [*await take(lab.stream, 3), *await take(lab.stream, 4), *await take(lab.stream, 5)]
        assert taken == handled[:12]

    in_lab(body)


def test_a_cancelled_subscription_does_not_come_back_with_the_next_session() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        lab.world.connections[0].freeze()
        waiting = asyncio.create_task(lab.stream.subscribe("ticker", ["SGD-BTC"]))
        await asyncio.sleep(1)  # sent, and never answered
        waiting.cancel()
        await lab.until(lambda: lab.kinds().count("resubscribed") == 2)
        assert [str(had) for had in lab.stream.subscriptions] == ["trade:SGD-BTC"]
        assert [str(had) for had in lab.of("resubscribed")[-1].subscriptions] == ["trade:SGD-BTC"]

    in_lab(body)


def test_a_busy_market_gets_its_turn_when_only_the_latest_is_kept() -> None:
    async def body(lab: Lab) -> None:
        codes = [f"SGD-C{n}" for n in range(9)]
        books = lab.stream.messages("orderbook", policy="latest")
        await lab.stream.subscribe("orderbook", ["SGD-HOT", *codes], is_only_realtime=True)
        served: list[str] = []

        async def consume() -> None:
            async for book in books:
                served.append(book.code)
                await asyncio.sleep(0.1)

        consuming = asyncio.create_task(consume())
        template = {"timestamp": 1, "total_ask_size": 1.0, "total_bid_size": 1.0, "orderbook_units": [], "level": 0}
        for n in range(2000):
            for code in ("SGD-HOT", codes[n % 9] if n % 5 == 0 else "SGD-HOT"):
                lab.exchange.publish({"type": "orderbook", "code": code, **template, "stream_type": "REALTIME"})
            await asyncio.sleep(0.01)
        consuming.cancel()
        assert served.count("SGD-HOT") >= len(served) // 11

    in_lab(body, exchange={"trade_rate": 0.0})


def test_closing_just_after_subscribing_ends_the_waiting() -> None:
    async def body(lab: Lab) -> None:
        for turns in range(4):
            waiting = asyncio.create_task(lab.stream.subscribe("trade", ["SGD-BTC"]))
            for _ in range(turns):
                await asyncio.sleep(0)
        await lab.stream.close()
        with pytest.raises(StreamClosed):
            async with asyncio.timeout(5):
                await waiting

    in_lab(body)


def test_iterating_over_a_stream_that_was_never_opened_says_so() -> None:
    async def main() -> None:
        with pytest.raises(StreamClosed, match="async with"):
            await take(Stream("sg"), 1)

    run_virtual(main())


def test_handlers_are_told_of_drops_once_in_a_while() -> None:
    async def body(lab: Lab) -> None:
        lab.stream.messages("trade", policy="drop_oldest", buffer=5, name="slow")
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await asyncio.sleep(60)
        told = lab.of("dropped")
        assert 3 <= len(told) <= 7
        assert {event.consumer for event in told} == {"slow"}
        assert lab.stream.counts()["dropped"] >= sum(event.count for event in told) > 100

    in_lab(body, exchange={"trade_rate": 20.0})


@pytest.mark.parametrize(
    "options",
    [
        {"policy": "x"},
        {"buffer": 0},
        {"credentials": ("a", "b")},
        {"silence_limits_s": 60},
        {"silence_limits_s": None},
        {"reconnect_delay_s": 5},
        {"max_message_bytes": 1},
        {"family": "ipv5"},
        {"format": "XML"},
        {"heartbeat": "drum"},
        {"max_retries": -1},
    ],
)
def test_arguments_that_make_no_sense_are_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        Stream("sg", **options)


@pytest.mark.parametrize("handler", [None, 5, lambda: None, lambda one, two: None])
def test_what_is_no_handler_is_refused(handler: Any) -> None:
    with pytest.raises(UsageError, match="one argument"):
        Stream("sg").on("trade", handler)
