"""picows and msgspec alone: a listener that decodes everything and calls a handler, and nothing else."""

from __future__ import annotations

import uvloop

from bench.measure import Meter, Task
from bench.stacks import by_picows


def main() -> None:
    """Run the stack."""
    task = Task.from_arguments()
    meter = Meter("picows_msgspec", task.messages)
    kind = by_picows.Deflated if task.deflate else by_picows.Messages
    uvloop.run(by_picows.receive(task, lambda: kind(task, meter)))
    meter.report(**by_picows.versions())


if __name__ == "__main__":
    main()
