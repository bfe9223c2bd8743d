"""Ours, measured for latency: a handler or the iterator; alone, while it records, and beside a consumer that is slow.

More keys in the argument: ``consumer`` (``"handler"`` or ``"iterator"``), ``record``, ``slow`` (the policy of a second
consumer, or null).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import upbit_stream
from bench.latency_log import LatencyLog
from bench.measure import Meter, Task
from bench.stacks.ours import stream_of, subscriptions_of, versions
from bench.stacks.stamped import noting
from bench.stacks.until import until
from upbit_stream import AnyMessage, Recorder, Stream
from upbit_stream.flow.subscriber import Policy

_SLEEPS_S = 0.005  # five times as long as the messages are apart
# A consumer with the policy that waits holds everybody back when it is full, as it should. This one is only late.
_ROOM = {"wait": 1_000_000, "drop_oldest": 100, "latest": 1}


async def receive(
    task: Task, meter: Meter, log: LatencyLog, *, consumer: str, record: bool, slow: Policy | None
) -> None:
    """Take every message and note when it came."""
    finished = asyncio.Event()
    take = noting(log, meter.counter(finished.set))
    async with contextlib.AsyncExitStack() as life:
        recorder = life.enter_context(Recorder(Path(task.directory, "recording"))) if record else None
        stream = await life.enter_async_context(stream_of(task))
        works = []
        if recorder is not None:
            recorder.attach(stream)
            works.append(_flush(recorder))
        if slow is not None:
            works.append(_dawdle(stream.messages(policy=slow, buffer=_ROOM[slow])))
        works.append(_fast(stream, task, take, consumer))
        await until(finished, *works)


async def _fast(stream: Stream, task: Task, take: Callable[[object], None], consumer: str) -> None:
    if consumer == "handler":
        stream.on("message", take)
    await stream.subscribe_all(subscriptions_of(task))
    if consumer == "iterator":
        async for message in stream:
            take(message)


async def _flush(recorder: Recorder) -> None:
    while True:
        await asyncio.sleep(1)
        recorder.flush()


async def _dawdle(consumer: AsyncIterator[AnyMessage]) -> None:
    async for _ in consumer:
        await asyncio.sleep(_SLEEPS_S)


def main() -> None:
    """One run."""
    task = Task.from_arguments()
    told = json.loads(sys.argv[1])
    log = LatencyLog.from_arguments()
    if log is None:
        raise SystemExit("latency_ours measures latency only: it wants the key latency")
    meter = Meter("latency_ours", task.messages)
    more = {key: told.get(key) for key in ("consumer", "record", "slow")}
    upbit_stream.run(receive(task, meter, log, **more))
    log.save()
    meter.report(**versions())


if __name__ == "__main__":
    main()
