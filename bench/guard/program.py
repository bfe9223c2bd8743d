"""The program that is counted: one path, its messages between two marks.

    python -m bench.guard.program '{"path": "handler, load A", "payloads": "file", "warm": 1000, "directory": "…"}'

The mark is a call of `getppid`, which nothing else here makes: callgrind begins a new part of its account there. It
prints how many messages were counted and how many came out.

Owns what has to stand still meanwhile: the garbage collector and the loop's clock. Knows nothing of callgrind.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from pathlib import Path

from bench.guard.paths import WAYS

MARK = "getppid"


class StillLoop(asyncio.SelectorEventLoop):
    """Timers never come due, however slow the counting is."""

    def time(self) -> float:
        """Always the same."""
        return 0.0


async def run(path: str, payloads: list[bytes], warm: int, directory: Path) -> dict[str, int]:
    """Put the first ``warm`` messages through, then mark, the others, mark."""
    way = WAYS[path]
    feed = way.open(way.load, directory)
    await feed.feed(payloads[:warm])
    counted = payloads[warm:]
    before = feed.delivered()
    gc.collect()
    gc.freeze()
    gc.disable()
    os.getppid()
    await feed.feed(counted)
    os.getppid()
    gc.enable()
    gc.unfreeze()
    delivered = feed.delivered() - before
    feed.close()
    return {"messages": len(counted), "delivered": delivered}


def main() -> None:
    """Do what the one argument says."""
    task = json.loads(sys.argv[1])
    payloads = Path(task["payloads"]).read_bytes().split(b"\n")
    with asyncio.Runner(loop_factory=StillLoop) as runner:
        done = runner.run(run(task["path"], payloads, task["warm"], Path(task["directory"])))
    print(json.dumps(done))  # noqa: T201  # its parent reads it


if __name__ == "__main__":
    main()
