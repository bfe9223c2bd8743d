"""A REST client on the stand-in exchange in memory, in virtual time; and transports that answer as a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
from tests.lab import CREDENTIALS, KEYS, START_MS

from upbit_stream.model.credentials import Credentials
from upbit_stream.model.regions import resolve
from upbit_stream.net.environment import Environment
from upbit_stream.net.rest import SdkRest
from upbit_stream.simulator.exchange import Exchange
from upbit_stream.testing.memory import BASE_URL, MemoryExchange
from upbit_stream.testing.virtual_time import run_virtual

ADDRESS = resolve(None, BASE_URL)
Answering = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


class RestLab:
    def __init__(self, world: MemoryExchange) -> None:
        self.world = world
        self.exchange = world.exchange
        self.made: list[SdkRest] = []

    @property
    def over_budget(self) -> int:
        return self.exchange.stats.rest_over_budget

    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def rest(
        self, credentials: Credentials | None = CREDENTIALS, environment: Environment | None = None, **options: Any
    ) -> SdkRest:
        made = SdkRest(ADDRESS, credentials, environment=environment or self.world.environment(), **options)
        self.made.append(made)
        return made

    def transport(self) -> httpx.AsyncBaseTransport:
        make = self.world.environment().rest_transport
        assert make is not None
        return make()

    def through(self, transport: httpx.AsyncBaseTransport) -> SdkRest:
        return self.rest(environment=replace(self.world.environment(), rest_transport=lambda: transport))


@asynccontextmanager
async def rest_lab(*, latency_s: float = 0.01, **exchange: Any) -> AsyncIterator[RestLab]:
    options = {"start_ms": START_MS, "keys": KEYS, "seed": 1, "private_rate": 0, "history_ms": 3_600_000, **exchange}
    lab = RestLab(MemoryExchange(Exchange(**options), latency_s=latency_s))
    yield lab
    for made in lab.made:
        await made.close()


def in_rest_lab(test: Callable[[RestLab], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with rest_lab(**options) as lab:
            await test(lab)

    run_virtual(main())


class Scripted(httpx.AsyncBaseTransport):
    """Answers by ``answer``, and keeps what it was asked."""

    def __init__(self, answer: Answering) -> None:
        self._answer = answer
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answer(request)
        return answer if isinstance(answer, httpx.Response) else await answer
