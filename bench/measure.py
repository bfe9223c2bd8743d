"""What a stack is told, and what it measures of itself.

Owns the argument of a stack, the clock readings, and the line that a stack prints. Standard library only, and no
other module of this project: it runs in the environments of the peers too.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """What a stack has to do: the one argument of its program, as JSON.

    ``certificate`` is the file of the authority to trust, where ``url`` begins with ``wss:``; ``directory`` is a new,
    empty one for stacks that write.
    """

    url: str
    load: str
    format: str
    messages: int
    codes: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    directory: str = ""
    certificate: str | None = None
    deflate: bool = False

    @classmethod
    def from_arguments(cls, arguments: Sequence[str] | None = None) -> Task:
        """The task of this process. Unknown keys are left alone."""
        [text] = sys.argv[1:] if arguments is None else arguments
        told = json.loads(text)
        return cls(**{name: told[name] for name in cls.__dataclass_fields__ if name in told})

    def to_json(self) -> str:
        """The argument for a process."""
        return json.dumps(self.__dict__)


class Meter:
    """The readings of one run: `begin` at the first data message, `end` at the last, then `report`."""

    def __init__(self, name: str, total: int) -> None:
        self.name = name
        self.total = total
        self._begun: tuple[float, float] | None = None
        self._ended: tuple[float, float] | None = None
        self._count = 0

    def begin(self) -> None:
        """The first data message is here."""
        self._begun = _reading()

    def end(self, count: int) -> None:
        """The last of ``count`` messages was handed to user code, or is in its closed file."""
        self._ended = _reading()
        self._count = count

    def counter(self, finished: Callable[[], object]) -> Callable[[object], None]:
        """What every stack's user does with a message: count it. Begins with the first, ends with the last and then
        calls ``finished``.
        """
        count = 0
        total = self.total
        noted = 1  # the next count at which there is something to do: one comparison a message

        def count_one(_message: object) -> None:
            nonlocal count, noted
            count += 1
            if count == noted:
                if count == 1:
                    self.begin()
                    noted = total
                if count == total:
                    self.end(count)
                    finished()

        return count_one

    def result(self, **more: object) -> dict[str, object]:
        """The readings as the runner wants them."""
        if self._begun is None or self._ended is None:
            raise RuntimeError(f"{self.name}: a run has to begin and to end before it is reported")
        return {
            "stack": self.name,
            "messages": self._count,
            "cpu_s": self._ended[0] - self._begun[0],
            "wall_s": self._ended[1] - self._begun[1],
            "peak_rss_bytes": peak_rss_bytes(),
            **more,
        }

    def report(self, **versions: str) -> None:
        """Print the readings: the one line on standard output."""
        print(json.dumps(self.result(versions=versions)), flush=True)  # noqa: T201  # this line is the result


def versions_of(*packages: str) -> dict[str, str]:
    """The installed versions, for `Meter.report`."""
    return {name.replace("-", "_"): metadata.version(name) for name in packages}


def peak_rss_bytes() -> int:
    """The most memory that this process has held."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss begins with what the parent held when it started this process
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _reading() -> tuple[float, float]:
    """User and system time of this process, all its threads and its ended children; and the time on the wall."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime, time.perf_counter()
