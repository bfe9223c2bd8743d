"""Schedules of faults, by seed, in virtual time: the stream lives on, restores what was wanted, and oversteps nothing.

A seed that failed once stays in the list.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.extent import extent
from tests.lab import CREDENTIALS, START_MS, Lab, in_lab
from upbit_stream import Trade
from upbit_stream.simulator.faults import Fault, RefuseConnections, random_schedule

DURATION_MS = 30 * 60_000
SETTLED_MS = 25 * 60_000  # no fault after that: what can be mended has to be mended at the end
WANTED = ["trade:SGD-BTC,SGD-ETH", "orderbook:SGD-BTC.15", "ticker:SGD-BTC", "candle.1s:SGD-ETH"]
CHANGING = ",".join(f"SGD-C{number}" for number in range(60))


def survivable(faults: list[Fault]) -> list[Fault]:
    """Without refused credentials: these rightly end a stream."""
    return [fault for fault in faults if not (isinstance(fault, RefuseConnections) and fault.status in (401, 403))]


@pytest.mark.parametrize("seed", range(extent(24, 4)))
def test_the_stream_outlives_them(seed: int) -> None:
    schedule = survivable(random_schedule(seed, START_MS + 5_000, SETTLED_MS, kinds=("trade", "orderbook", "ticker")))
    trades: list[Trade] = []

    async def body(lab: Lab) -> None:
        for fault in schedule:
            lab.exchange.inject(fault)
        lab.stream.on("trade", trades.append)
        subscribing = [
            asyncio.create_task(lab.stream.subscribe(kind, codes.split(",")))
            for kind, _, codes in (text.partition(":") for text in WANTED)
        ]
        for number in range(60):  # the wanted set changes all the time while things go wrong
            await asyncio.sleep(SETTLED_MS / 1000 / 60)
            subscribing.append(asyncio.create_task(lab.stream.subscribe("candle.3m", [f"SGD-C{number}"])))
        await asyncio.sleep((DURATION_MS - SETTLED_MS) / 1000)
        for task in subscribing:
            assert task.done(), "a subscription still waits"
            task.result()
        assert {str(had) for had in lab.stream.subscriptions} == {*WANTED, f"candle.3m:{CHANGING}"}
        assert lab.stream.connections() == {"public": "open"}
        oversteps(lab)
        told(lab)
        tape = {trade.sequential_id: trade for trade in lab.exchange.tape}
        assert all(trade.sequential_id in tape for trade in trades)
        assert max(trade.trade_timestamp for trade in trades) > lab.world.now_ms() - 60_000

    in_lab(body, seed=seed, exchange={"trade_rate": 1.0})


def oversteps(lab: Lab) -> None:
    """No limit was met by the client's doing; refusals are those of the schedule."""
    stats = lab.exchange.stats
    assert stats.connects_over_budget == 0
    assert stats.messages_over_budget == 0
    assert stats.idle_closes == 0


def told(lab: Lab) -> None:
    """Every session's end is told before the next begins, and every set is restored as it was."""
    open_session = 0
    for event in lab.events:
        if event.type == "connected":
            assert open_session == 0
            open_session = event.session
        elif event.type == "disconnected" and event.session:
            assert event.session == open_session
            open_session = 0
        elif event.type == "resubscribed":
            assert event.session == open_session


@pytest.mark.parametrize("seed", range(5))
def test_private_streams_outlive_them_with_fresh_tokens(seed: int) -> None:
    schedule: Any = survivable(random_schedule(1000 + seed, START_MS + 5_000, SETTLED_MS))

    async def body(lab: Lab) -> None:
        for fault in schedule:
            lab.exchange.inject(fault)
        subscribing = asyncio.create_task(lab.stream.subscribe("myOrder"))
        await asyncio.sleep(DURATION_MS / 1000)
        subscribing.result()
        assert lab.stream.connections() == {"private": "open"}
        assert lab.exchange.stats.nonces_reused == 0
        oversteps(lab)

    in_lab(body, seed=seed, exchange={"trade_rate": 1.0}, credentials=CREDENTIALS)
