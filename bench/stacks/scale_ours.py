"""Ours, with more of everything: streams, connections, slow consumers, or simply messages.

More keys in the argument: ``consumer`` (``"handler"`` or ``"iterator"``), ``streams`` side by side in the process, each
with ``connections``, ``slow`` further consumers of each stream with ``policy``, and ``sample_every`` so many messages
how much memory is held.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import upbit_stream
from bench.measure import Meter, Task
from bench.stacks.ours import stream_of, subscriptions_of, versions
from bench.stacks.until import until
from upbit_stream import Stream

_SLEEPS_S = 0.01
_ROOM = 1_000  # messages that wait for a slow consumer


@dataclass
class _Samples:
    """How much memory was held after how many messages."""

    every: int
    taken: list[tuple[int, int]] = field(default_factory=list)

    def around(self, count: Callable[[object], None]) -> Callable[[object], None]:
        """The same consumer, looked at once in a while."""
        taken = 0

        def take(message: object) -> None:
            nonlocal taken
            taken += 1
            if not taken % self.every:
                self.taken.append((taken, rss_bytes()))
            count(message)

        return take


def rss_bytes() -> int:
    """The memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def _fast(stream: Stream, task: Task, take: Callable[[object], None], consumer: str) -> None:
    if consumer == "handler":
        stream.on("message", take)
    await stream.subscribe_all(subscriptions_of(task))
    if consumer == "iterator":
        async for message in stream:
            take(message)
    await stream.join()


async def _slow(consumer: AsyncIterator[object]) -> None:
    async for _ in consumer:
        await asyncio.sleep(_SLEEPS_S)


async def receive(task: Task, meter: Meter, samples: _Samples | None, told: dict[str, Any]) -> dict[str, int]:
    """Take every message of every stream; returns what was counted over all streams."""
    finished = asyncio.Event()
    count = meter.counter(finished.set)
    take = samples.around(count) if samples else count
    async with contextlib.AsyncExitStack() as life:
        streams, works = [], []
        for _ in range(told.get("streams", 1)):
            stream = await life.enter_async_context(stream_of(task, connections=told.get("connections", 1)))
            streams.append(stream)
            slow = [stream.messages(policy=told["policy"], buffer=_ROOM) for _ in range(told.get("slow", 0))]
            works += [_fast(stream, task, take, told["consumer"]), *map(_slow, slow)]
        await until(finished, *works)
        counts: Counter[str] = Counter()
        for stream in streams:
            counts.update(stream.counts())
        return dict(counts)


def main() -> None:
    """One run."""
    task = Task.from_arguments()
    told = json.loads(sys.argv[1])
    meter = Meter("scale_ours", task.messages * told.get("streams", 1))
    samples = _Samples(told["sample_every"]) if told.get("sample_every") else None
    counts = upbit_stream.run(receive(task, meter, samples, told))
    more = {"counts": counts, "samples": samples.taken if samples else []}
    result = meter.result(versions=versions(), **more) | {"messages": task.messages}  # each stream got them all
    print(json.dumps(result), flush=True)  # noqa: T201  # this line is the result


if __name__ == "__main__":
    main()
