"""The `websockets` package's asyncio client on uvloop, `orjson.loads` in an `async for`: what many write by hand.

Nothing is patched.
"""

from __future__ import annotations

import asyncio
import json

import orjson
import uvloop
from websockets.asyncio.client import connect

from bench.measure import Meter, Task, versions_of
from bench.peers.dialling import request, trust


class _Finished(Exception):
    """Everything was received."""


async def receive(task: Task, meter: Meter) -> None:
    """Read the connection until everything was received."""

    def finished() -> None:
        raise _Finished

    count = meter.counter(finished)
    async with connect(task.url) as connection:
        await connection.send(json.dumps(request(task)))
        try:
            async for message in connection:
                count(orjson.loads(message))
        except _Finished:
            pass


def main() -> None:
    """Receive, and say what it took."""
    task = Task.from_arguments()
    trust(task)
    meter = Meter("websockets_orjson", task.messages)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(receive(task, meter))
    meter.report(**versions_of("websockets", "orjson", "uvloop"))


if __name__ == "__main__":
    main()
