"""Ours, through a handler."""

from __future__ import annotations

import asyncio

import upbit_stream
from bench.measure import Meter, Task
from bench.stacks.ours import stream_of, subscriptions_of, versions


async def receive(task: Task, meter: Meter) -> None:
    """Receive until the handler has had all."""
    finished = asyncio.Event()
    async with stream_of(task) as stream:
        stream.on("message", meter.counter(finished.set))
        await stream.subscribe_all(subscriptions_of(task))
        await finished.wait()


def main() -> None:
    """Run the stack."""
    task = Task.from_arguments()
    meter = Meter("ours_handler", task.messages)
    upbit_stream.run(receive(task, meter))
    meter.report(**versions())


if __name__ == "__main__":
    main()
