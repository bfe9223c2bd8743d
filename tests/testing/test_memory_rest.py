"""REST of the stand-in exchange in memory takes virtual time, and tells the exchange's."""

import asyncio
from email.utils import parsedate_to_datetime

import httpx
import pytest
from tests.lab import START_MS

from upbit_stream.simulator.exchange import Exchange
from upbit_stream.simulator.faults import IgnoreRest
from upbit_stream.testing.memory import BASE_URL, MemoryExchange
from upbit_stream.testing.virtual_time import run_virtual

URL = f"{BASE_URL}/v1/trades/ticks?market=SGD-BTC&count=3"


async def asked(world: MemoryExchange) -> httpx.Response:
    make = world.environment().rest_transport
    assert make is not None
    return await make().handle_async_request(httpx.Request("GET", URL))


def world_of(**options) -> MemoryExchange:
    return MemoryExchange(Exchange(start_ms=START_MS, history_ms=60_000, **options), latency_s=0.5)


def test_an_answer_takes_the_latency_and_has_the_exchanges_date():
    async def main() -> None:
        world = world_of()
        await asyncio.sleep(100)
        began = asyncio.get_running_loop().time()
        answer = await asked(world)
        assert asyncio.get_running_loop().time() - began == pytest.approx(0.5)
        assert answer.status_code == 200
        assert len(answer.json()) == 3
        assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == START_MS / 1_000 + 100

    run_virtual(main())


def test_what_is_not_reachable_refuses_and_what_is_ignored_never_ends():
    async def main() -> None:
        world = world_of(trade_rate=0, private_rate=0)
        world.reachable = False
        with pytest.raises(httpx.ConnectError):
            await asked(world)
        world.reachable = True
        world.exchange.inject(IgnoreRest(at_ms=START_MS, duration_ms=10**9))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(600):
                await asked(world)

    run_virtual(main())
