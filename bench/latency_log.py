"""When which message was sent, and when user code got it: the stamps on both sides, and their join.

A message carries no time. It carries its `sequential_id`; the sender notes when it sent it, the stack notes when its
handler got it, each in a file of its own, and the two are joined afterwards. So frames can be built beforehand, and
what a stack does for the measurement is the same everywhere: read the clock, append two numbers. The clock is
CLOCK_MONOTONIC, which is one for all processes of a machine.

A stack that is measured makes a log with `LatencyLog.from_arguments()` (None where latency is not asked for: the key
``"latency"`` of its one argument, a directory), calls `note` first thing for every trade, and `save` when it has got
all its messages:

    log = LatencyLog.from_arguments()
    ...
    if log is not None:
        log.note(int(trade["sequential_id"]))  # trades only: books have no id

Standard library only, for the environments of all stacks. Must not know who sends.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic_ns
from typing import Self

SENT, LATE, RECEIVED = "sent.stamps", "late.stamps", "received.stamps"


class LatencyLog:
    """Pairs of an id and a moment, in the order of `note`."""

    __slots__ = ("_path", "_stamps", "put")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamps = array("q")
        #: For those who note by themselves: takes an id, then the moment.
        self.put: Callable[[int], None] = self._stamps.append

    @classmethod
    def from_arguments(cls, arguments: Sequence[str] | None = None) -> Self | None:
        """The log of this process; None where ``"latency"`` is not asked for."""
        [text] = sys.argv[1:] if arguments is None else arguments
        told = json.loads(text)
        return cls(Path(told["latency"], RECEIVED)) if told.get("latency") else None

    def note(self, sequential_id: int) -> None:
        """User code has this message now."""
        now = monotonic_ns()
        self.put(sequential_id)
        self.put(now)

    def note_all(self, sequential_ids: list[int], now_ns: int) -> None:
        """These messages have one stamp: they leave together."""
        for sequential_id in sequential_ids:
            self.put(sequential_id)
            self.put(now_ns)

    def __len__(self) -> int:
        return len(self._stamps) // 2

    def save(self) -> None:
        """Write the file that `read` reads; it is whole as soon as it is there."""
        begun = self._path.with_suffix(".begun")
        begun.write_bytes(self._stamps.tobytes())
        begun.replace(self._path)


def read(path: Path) -> list[tuple[int, int]]:
    """The pairs that a log has saved."""
    stamps = array("q")
    stamps.frombytes(path.read_bytes())
    return list(zip(stamps[::2], stamps[1::2], strict=True))


class StampsDisagree(Exception):
    """What was received is not what was sent: nothing can be said about how long it took."""


def join(sent: list[tuple[int, int]], received: list[tuple[int, int]], *, skip: int = 0) -> list[int]:
    """How many ns each message took, in the order sent, but for the first ``skip``: they warm everything up.

    Raises `StampsDisagree` where a message is missing, came twice, was never sent, or came before it was sent.

    >>> join([(1, 100), (2, 200)], [(2, 230), (1, 150)])
    [50, 30]
    """
    arrived = dict(received)
    if len(arrived) != len(received):
        raise StampsDisagree(f"{len(received) - len(arrived)} of {len(received)} messages came twice")
    if len(dict(sent)) != len(sent):
        raise StampsDisagree("the sender used an id twice")
    lacking = [sequential_id for sequential_id, _ in sent if sequential_id not in arrived]
    if lacking:
        raise StampsDisagree(f"{len(lacking)} of {len(sent)} messages did not come, the first is {lacking[0]}")
    if len(arrived) > len(sent):
        raise StampsDisagree(f"{len(arrived) - len(sent)} messages came that were not sent")
    took = [arrived[sequential_id] - at_ns for sequential_id, at_ns in sent]
    if min(took, default=0) < 0:
        raise StampsDisagree("a message came before it was sent: the two clocks are not one")
    return took[skip:]
