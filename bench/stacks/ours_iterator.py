"""Ours, through the iterator."""

from __future__ import annotations

import upbit_stream
from bench.measure import Meter, Task
from bench.stacks.ours import measured_from_first, subscriptions_of, versions


async def receive(task: Task, meter: Meter) -> None:
    """Iterate until all have come."""
    async with measured_from_first(task, meter) as stream:
        await stream.subscribe_all(subscriptions_of(task))
        count = 0
        async for _ in stream:
            count += 1
            if count == meter.total:
                break
        meter.end(count)


def main() -> None:
    """Run the stack."""
    task = Task.from_arguments()
    meter = Meter("ours_iterator", task.messages)
    upbit_stream.run(receive(task, meter))
    meter.report(**versions())


if __name__ == "__main__":
    main()
