"""The limits of the exchange: the real `Stream`, in memory and virtual time."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from tests.lab import START_MS, Lab, in_lab
from upbit_stream import (
    Connected,
    Disconnected,
    Stream,
    Subscription,
)
from upbit_stream.errors import BudgetUnavailable, HandshakeRefused
from upbit_stream.net.budget import CONNECTIONS
from upbit_stream.simulator.exchange import Exchange
from upbit_stream.testing.memory import MemoryExchange
from upbit_stream.testing.virtual_time import run_virtual


def test_300_changes_and_30_reconnects_in_a_minute_meet_no_limit() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def reconnects() -> None:
            for _ in range(30):
                await asyncio.sleep(1.8)
                await lab.until(lambda: lab.stream.connections() == {"public": "open"})
                lab.stream.reconnect()

        async def changes() -> None:
            pending = []
            for n in range(150):
                await asyncio.sleep(0.3)
                pending.append(asyncio.create_task(lab.stream.subscribe("ticker", [f"SGD-C{n}"])))
                if n % 2:
                    pending.append(asyncio.create_task(lab.stream.subscribe("orderbook", [f"SGD-C{n}"])))
            await asyncio.gather(*pending)
            await asyncio.gather(*(lab.stream.unsubscribe("ticker", [f"SGD-C{n}"]) for n in range(75)))

        await asyncio.gather(reconnects(), changes())
        await lab.until(lambda: lab.kinds().count("connected") == 31)
        assert loop.time() - began <= 60
        assert lab.stream.subscriptions[0] == Subscription(type="trade", codes=("SGD-BTC",))
        assert [len(had.codes) for had in lab.stream.subscriptions] == [1, 75, 75]
        stats = lab.exchange.stats
        assert stats.connects_over_budget == stats.messages_over_budget == stats.error_frames == 0
        assert stats.refused_429 == stats.refused_418 == 0

    in_lab(body)


def test_sequential_changes_wait_for_the_budget_of_messages() -> None:
    async def body(lab: Lab) -> None:
        for n in range(60):
            await lab.stream.subscribe("ticker", [f"SGD-C{n}"])
        assert lab.exchange.stats.messages_over_budget == 0
        assert lab.exchange.stats.requests_received == 120
        assert lab.world.now_ms() - START_MS > 60_000  # 120 messages take more than a minute

    in_lab(body)


def test_a_429_waits_for_the_next_second_and_a_418_for_its_time() -> None:
    async def body(lab: Lab) -> None:
        answers = iter([HandshakeRefused(429), HandshakeRefused(418, retry_after_s=90.0)])
        connect = lab.world.connect

        async def refusing(*args: Any, **more: Any) -> Any:
            for answer in answers:
                raise answer
            return await connect(*args, **more)

        lab.world.connect = refusing  # type: ignore[method-assign]
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        times = [event.at_ns / 1e9 for event in lab.events if isinstance(event, Disconnected | Connected)]
        first, second = (later - earlier for earlier, later in itertools.pairwise(times))
        assert first >= 1.0
        assert second >= 90.0

    in_lab(body)


def test_a_budget_that_fails_while_pausing_does_not_end_the_stream() -> None:
    async def body(lab: Lab) -> None:
        store = lab.world._store(CONNECTIONS, f"connect {lab.stream._address.site} address")
        answers = iter([HandshakeRefused(429)])
        connect = lab.world.connect

        async def refusing(*args: Any, **more: Any) -> Any:
            for answer in answers:
                raise answer
            return await connect(*args, **more)

        async def failing(until_ms: int) -> None:
            raise BudgetUnavailable("the lock is held")

        lab.world.connect = refusing  # type: ignore[method-assign]
        store.pause = failing  # type: ignore[method-assign]
        began = lab.world.now_ms()
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        assert lab.world.now_ms() - began >= 1_000

    in_lab(body)


def test_a_mistake_in_the_program_comes_out_and_is_not_tried_again() -> None:
    async def body(lab: Lab) -> None:
        async def mistaken(*args: Any, **more: Any) -> Any:
            raise TypeError("a mistake")

        lab.world.connect = mistaken  # type: ignore[method-assign]
        with pytest.raises(TypeError, match="a mistake"):
            await lab.stream.subscribe("trade", ["SGD-BTC"])
        with pytest.raises(TypeError):
            await lab.stream.join()

    in_lab(body)


def test_a_pause_outlives_a_disconnect_and_holds_for_every_stream() -> None:
    """A 418 told to one stream keeps the others of the same address from connecting, too."""

    async def main() -> None:
        world = MemoryExchange(Exchange(start_ms=START_MS))
        environment = world.environment()
        connect = world.connect
        blocked = True

        async def refusing(*args: Any, **more: Any) -> Any:
            nonlocal blocked
            if blocked:
                blocked = False
                raise HandshakeRefused(418, retry_after_s=50.0)
            return await connect(*args, **more)

        world.connect = refusing  # type: ignore[method-assign]
        async with (
            Stream(base_url="http://127.0.0.1:1", environment=environment) as first,
            Stream(base_url="http://127.0.0.1:1", environment=environment) as second,
        ):
            one = asyncio.create_task(first.subscribe("trade", ["SGD-BTC"]))
            await asyncio.sleep(0.1)
            await second.subscribe("trade", ["SGD-BTC"])
            await one
            assert world.now_ms() - START_MS >= 50_000

    run_virtual(main())
