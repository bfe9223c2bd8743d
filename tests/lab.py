"""What the tests of the client share: a stand-in exchange in memory, in virtual time, and a stream on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from upbit_stream import Credentials, Stream
from upbit_stream.simulator.exchange import Exchange
from upbit_stream.testing.memory import BASE_URL, MemoryExchange
from upbit_stream.testing.virtual_time import run_virtual

START_MS = 1_760_000_000_000
KEYS = {"access-1": "secret-1-of-the-account"}
CREDENTIALS = Credentials("access-1", KEYS["access-1"])


class Lab:
    """One exchange, one stream, and every event that the stream told."""

    def __init__(self, world: MemoryExchange, stream: Stream) -> None:
        self.world = world
        self.exchange = world.exchange
        self.stream = stream
        self.events: list[Any] = []

    def kinds(self) -> list[str]:
        return [event.type for event in self.events]

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.type == kind]

    async def until(self, condition: Callable[[], object], within_s: float = 600.0) -> None:
        """Wait in virtual time until the condition holds."""
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110  # any condition, looked at in virtual time
                await asyncio.sleep(0.05)


@asynccontextmanager
async def laboratory(*, seed: int = 0, exchange: dict[str, Any] | None = None, **options: Any) -> AsyncIterator[Lab]:
    """A stream on an exchange in memory."""
    arguments: dict[str, Any] = {"start_ms": START_MS, "seed": seed, "keys": KEYS, **(exchange or {})}
    world = MemoryExchange(Exchange(**arguments), seed=seed)
    stream = Stream(base_url=BASE_URL, environment=world.environment(), **options)
    async with stream:
        lab = Lab(world, stream)
        stream.on("event", lab.events.append)
        yield lab


def in_lab(test: Callable[[Lab], Awaitable[None]], **options: Any) -> None:
    """Run one test body in a laboratory."""

    async def main() -> None:
        async with laboratory(**options) as lab:
            await test(lab)

    run_virtual(main())


async def take(stream: Any, count: int) -> list[Any]:
    """The next so many of a stream or a consumer."""
    taken = []
    async for message in stream:
        taken.append(message)
        if len(taken) == count:
            break
    return taken
