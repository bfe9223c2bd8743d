"""The floor: picows reads and parses the frames, and nobody looks into them."""

from __future__ import annotations

import uvloop

from bench.measure import Meter, Task
from bench.stacks import by_picows


def main() -> None:
    """Run the stack."""
    task = Task.from_arguments()
    meter = Meter("floor", task.messages)
    uvloop.run(by_picows.receive(task, lambda: by_picows.Frames(task, meter)))
    meter.report(**by_picows.versions())


if __name__ == "__main__":
    main()
