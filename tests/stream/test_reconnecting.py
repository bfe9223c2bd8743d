"""Losing the connection, and coming back: the real `Stream`, in memory and virtual time."""

from __future__ import annotations

import asyncio

import pytest

from tests.lab import Lab, in_lab
from upbit_stream import (
    RetriesExhausted,
    StreamClosed,
    UpbitStreamError,
)


def test_a_half_open_connection_is_found_within_40_s() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        loop = asyncio.get_running_loop()
        await asyncio.sleep(31)
        frozen_at = loop.time()
        lab.world.connections[0].freeze()
        await lab.until(lambda: "disconnected" in lab.kinds())
        assert loop.time() - frozen_at <= 40.1
        assert "no pong" in lab.of("disconnected")[0].reason

    in_lab(body)


@pytest.mark.parametrize("heartbeat", ["frame", "text"])
def test_an_idle_connection_is_kept_for_hours(heartbeat: str) -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-NOTHING"])
        await asyncio.sleep(6 * 3600)
        assert lab.exchange.stats.idle_closes == 0
        assert lab.exchange.stats.messages_over_budget == 0
        assert lab.kinds().count("disconnected") == 0

    in_lab(body, exchange={"trade_rate": 0.0}, silence_limits_s={}, heartbeat=heartbeat)


def test_a_silent_type_is_subscribed_again_and_then_reconnected() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("ticker", ["SGD-BTC"])
        await lab.until(lambda: [event.cause for event in lab.of("resubscribed")][-1] == "silent", within_s=200)
        await lab.until(lambda: "disconnected" in lab.kinds(), within_s=400)
        assert "no ticker" in lab.of("disconnected")[0].reason

    in_lab(body, exchange={"trade_rate": 0.0})


def test_an_exchange_that_accepts_and_drops_is_not_hammered() -> None:
    async def body(lab: Lab) -> None:
        waiting = asyncio.create_task(lab.stream.subscribe("trade", ["SGD-BTC"]))

        def drop(_: object) -> None:
            asyncio.get_running_loop().call_soon(lambda: lab.world.connections and lab.world.connections[0].reset())

        lab.stream.on("connected", drop)
        await asyncio.sleep(600)
        waiting.cancel()
        delays = [event.retry_in_s for event in lab.of("disconnected")]
        assert delays[0] <= 1.0
        assert all(15.0 <= delay <= 30.0 for delay in delays[6:])
        assert len(set(delays[6:])) > 5
        assert lab.exchange.stats.connections_accepted < 50

    in_lab(body)


def test_a_stable_session_resets_the_backoff() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        for _ in range(8):
            await lab.until(lambda: lab.world.connections)
            lab.world.connections[0].reset()
            await asyncio.sleep(0.05)
        assert lab.of("disconnected")[-1].retry_in_s > 5
        await lab.until(lambda: lab.world.connections)
        await asyncio.sleep(61)
        lab.world.connections[0].reset()
        await lab.until(lambda: len(lab.of("disconnected")) == 9)
        assert lab.of("disconnected")[-1].retry_in_s <= 1.0

    in_lab(body)


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 1013])
def test_every_close_of_the_exchange_is_a_reason_to_reconnect(code: int) -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        lab.world.connections[0].session._close(code, "bye")
        await lab.until(lambda: lab.kinds().count("resubscribed") == 2)
        assert str(code) in lab.of("disconnected")[0].reason

    in_lab(body)


def test_max_retries_bounds_the_attempts() -> None:
    async def body(lab: Lab) -> None:
        lab.world.reachable = False
        with pytest.raises(RetriesExhausted, match="3 retries") as caught:
            await lab.stream.subscribe("trade", ["SGD-BTC"])
        assert isinstance(caught.value, UpbitStreamError)
        assert len(lab.of("disconnected")) == 3  # the fourth failure is the end

    in_lab(body, max_retries=3)


def test_closing_cancels_any_wait_at_once() -> None:
    async def body(lab: Lab) -> None:
        lab.world.reachable = False
        waiting = asyncio.create_task(lab.stream.subscribe("trade", ["SGD-BTC"]))
        await asyncio.sleep(300)
        loop = asyncio.get_running_loop()
        before = loop.time()
        await lab.stream.close()
        assert loop.time() == before
        with pytest.raises(StreamClosed):
            await waiting

    in_lab(body)


def test_reconnect_by_hand_does_not_wait_for_the_backoff() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        loop = asyncio.get_running_loop()
        before = loop.time()
        lab.stream.reconnect()
        await lab.until(lambda: lab.kinds().count("resubscribed") == 2)
        assert loop.time() - before < 0.2

    in_lab(body)
