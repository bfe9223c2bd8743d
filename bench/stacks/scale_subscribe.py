"""Ours, subscribing many codes: how long it takes, and what memory they hold.

Told beside the usual: ``confirmed_s`` from asking until the exchange has confirmed, ``complete_s`` until a message of
every code was there, and how much memory was held more at that moment than before (``held_bytes``).
"""

from __future__ import annotations

import asyncio
import gc
import json
import time

import upbit_stream
from bench.measure import Meter, Task
from bench.stacks.ours import stream_of, subscriptions_of, versions
from bench.stacks.scale_ours import rss_bytes
from upbit_stream import AnyMessage


async def subscribe(task: Task, meter: Meter) -> dict[str, object]:
    """Subscribe all codes at once, wait for a message of each."""
    complete = asyncio.Event()
    count = meter.counter(complete.set)
    seen: set[str] = set()

    def take(message: AnyMessage) -> None:
        seen.add(message.code)
        count(message)

    async with stream_of(task) as stream:
        stream.on("message", take)
        gc.collect()
        before_bytes, before_s = rss_bytes(), time.perf_counter()
        await stream.subscribe_all(subscriptions_of(task))
        confirmed_s = time.perf_counter() - before_s
        await complete.wait()
        complete_s = time.perf_counter() - before_s
        held_bytes = rss_bytes() - before_bytes
    return {"confirmed_s": confirmed_s, "complete_s": complete_s, "held_bytes": held_bytes, "codes_seen": len(seen)}


def main() -> None:
    """One run."""
    task = Task.from_arguments()
    meter = Meter("scale_subscribe", task.messages)
    found = upbit_stream.run(subscribe(task, meter))
    print(json.dumps(meter.result(versions=versions(), **found)), flush=True)  # noqa: T201  # this line is the result


if __name__ == "__main__":
    main()
