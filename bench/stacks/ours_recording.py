"""Ours, recording to JSONL: received, written, flushed each second, and the files closed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import upbit_stream
from bench.measure import Meter, Task
from bench.stacks.ours import measured_from_first, subscriptions_of, until_received, versions
from upbit_stream import Recorder

_FLUSH_S = 1.0  # as the command line does


async def receive(task: Task, meter: Meter, directory: Path) -> None:
    """Record until all have come."""
    async with measured_from_first(task, meter) as stream:
        with Recorder(directory) as recorder:
            recorder.attach(stream)
            flushing = asyncio.create_task(_flush(recorder))
            await stream.subscribe_all(subscriptions_of(task))
            await until_received(stream, task.messages)
            flushing.cancel()
            await stream.close()  # before the recorder: nothing may come for a file that is closed
        meter.end(task.messages)


async def _flush(recorder: Recorder) -> None:
    while True:
        await asyncio.sleep(_FLUSH_S)
        recorder.flush()


def rows(directory: Path) -> int:
    """How many rows the files hold."""
    return sum(path.read_bytes().count(b"\n") for path in directory.glob("*.jsonl"))


def main() -> None:
    """Run the stack; rows that are not there are a failure."""
    task = Task.from_arguments()
    directory = Path(task.directory)
    meter = Meter("ours_recording", task.messages)
    upbit_stream.run(receive(task, meter, directory))
    if (found := rows(directory)) < task.messages:
        raise SystemExit(f"{found} rows of {task.messages} messages")
    meter.report(**versions())


if __name__ == "__main__":
    main()
