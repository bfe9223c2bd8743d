"""The exchange's sample program as it records: every message is parsed and appended to the file of its market and type,
CODE_TYPE.jsonl, which is opened and closed for it.

Receives as the stack ``sample`` does. Nothing is patched.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from bench.measure import Meter, Task, versions_of
from bench.stacks.sample import receive


def recording(directory: Path, simple: bool) -> Callable[[Callable[[object], None]], Callable[[bytes], None]]:
    """What the sample does with a message, made from what counts it."""
    kind_key, code_key = ("ty", "cd") if simple else ("type", "code")

    def made(count: Callable[[object], None]) -> Callable[[bytes], None]:
        def take(message: bytes) -> None:
            data = json.loads(message)
            name = f"{data[code_key]}_{data[kind_key]}.jsonl"
            with open(directory / name, "a", encoding="utf-8") as file:  # noqa: PTH123  # as the sample does
                file.write(json.dumps(data, ensure_ascii=False) + "\n")
            count(data)

        return take

    return made


def main() -> None:
    """Record, and say what it took."""
    task = Task.from_arguments()
    meter = Meter("sample_recording", task.messages)
    receive(task, meter, recording(Path(task.directory), task.format == "SIMPLE"))
    meter.report(**versions_of("websocket-client"))


if __name__ == "__main__":
    main()
