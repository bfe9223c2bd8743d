"""What the stacks of this client share: the stream that a user opens, and where the measuring begins.

Owns nothing of the client: all of it is what the package offers to everybody, with its defaults.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from bench.measure import Meter, Task, versions_of
from upbit_stream import Stream, Subscription
from upbit_stream.native import native
from upbit_stream.wire.requests import Format

_LOOK_S = 0.005  # between two looks at how far it is; idle, so it costs no CPU worth counting


def stream_of(task: Task, **options: Any) -> Stream:
    """A stream with the defaults, on the blaster."""
    scheme, _, rest = task.url.partition("://")
    base_url = f"{'https' if scheme == 'wss' else 'http'}://{rest.partition('/')[0]}"
    trusted = ssl.create_default_context(cafile=task.certificate) if task.certificate else None
    wire_format = cast("Format", task.format)
    return Stream(base_url=base_url, format=wire_format, compression=task.deflate, ssl_context=trusted, **options)


def subscriptions_of(task: Task) -> list[Subscription]:
    """The subscriptions of the task."""
    return [Subscription.with_options(kind, task.codes, {}) for kind in task.types]


@asynccontextmanager
async def measured_from_first(task: Task, meter: Meter, **options: Any) -> AsyncIterator[Stream]:
    """A stream, open and not yet subscribed. The meter begins with the first message, before any consumer has it."""
    async with stream_of(task, **options) as stream:

        def first(_message: object) -> None:
            stream.off("message", first)
            meter.begin()

        stream.on("message", first)
        yield stream


async def until_received(stream: Stream, count: int) -> None:
    """Wait until so many messages have come, consumed or not."""
    kinds = ("ticker", "trade", "orderbook")
    while sum(stream.counts()[kind] for kind in kinds) < count:  # noqa: ASYNC110  # nobody is told: that would cost
        await asyncio.sleep(_LOOK_S)


def versions() -> dict[str, str]:
    """Whose speed this is."""
    return {
        **versions_of("upbit-stream", "picows", "msgspec", "uvloop"),
        "hot_path": "Python" if native is None else "C",
    }
