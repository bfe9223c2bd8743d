"""Ours, with a consumer that is always late and takes only the newest of each type and code.

Nearly every message is superseded before the consumer looks, so this is what a superseded message costs.
"""

from __future__ import annotations

import asyncio

import upbit_stream
from bench.measure import Meter, Task
from bench.stacks.ours import measured_from_first, subscriptions_of, until_received, versions
from upbit_stream import Stream

_LATE_S = 0.01  # hundreds of messages of each code come meanwhile


async def receive(task: Task, meter: Meter) -> None:
    """Receive until all have come; what is still waiting for the consumer then belongs to nobody."""
    async with measured_from_first(task, meter, policy="latest") as stream:
        late = asyncio.create_task(_consume(stream))
        await stream.subscribe_all(subscriptions_of(task))
        await until_received(stream, task.messages)
        meter.end(task.messages)
        late.cancel()


async def _consume(stream: Stream) -> None:
    async for _ in stream:
        await asyncio.sleep(_LATE_S)


def main() -> None:
    """Run the stack."""
    task = Task.from_arguments()
    meter = Meter("ours_latest", task.messages)
    upbit_stream.run(receive(task, meter))
    meter.report(**versions())


if __name__ == "__main__":
    main()
