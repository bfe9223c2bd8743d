"""One run of a sender and a stack that are told more than throughput needs.

Owns what the two are told. Starting and ending them is `processes`'s.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bench.measure import Task
from bench.processes import STACK_LIMIT_S, Cores, Failed, blaster, run_stack

_LEFT_WITHIN_S = 10.0
_LOOK_S = 0.01

Json = dict[str, Any]


@dataclass(frozen=True)
class FullTask(Task):
    """A task with further keys for the stacks that know them."""

    more: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The argument for a process."""
        return json.dumps({one.name: getattr(self, one.name) for one in fields(Task)} | dict(self.more))


@dataclass(frozen=True)
class Pair:
    """``sender`` is a program of this package, ``stack`` one in `stacks`; ``sends`` and ``does`` are what they are told
    beside the usual. ``awaited`` is a file that the sender leaves when it is done.
    """

    sender: str
    stack: str
    load: str
    format: str
    codes: tuple[str, ...]
    types: tuple[str, ...]
    messages: int
    sends: Mapping[str, Any] = field(default_factory=dict)
    does: Mapping[str, Any] = field(default_factory=dict)
    python: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    limit_s: float = STACK_LIMIT_S
    awaited: Path | None = None


def run(pair: Pair, cores: Cores) -> Json:
    """What the stack measured. Raises `Failed`."""
    told = {"load": pair.load, "format": pair.format, "messages": pair.messages, "codes": list(pair.codes)}
    with blaster({**told, **pair.sends}, cores.sender, f"bench.{pair.sender}") as port:
        task = FullTask(
            url=f"ws://127.0.0.1:{port}/websocket/v1",
            load=pair.load,
            format=pair.format,
            messages=pair.messages,
            codes=list(pair.codes),
            types=list(pair.types),
            more=pair.does,
        )
        reading = run_stack(
            pair.stack, task, cores.receiver, python=pair.python, settings=pair.settings, limit_s=pair.limit_s
        )
        _wait_for(pair.awaited)
        return reading


def _wait_for(path: Path | None) -> None:
    until = time.monotonic() + _LEFT_WITHIN_S
    while path is not None and not path.exists():
        if time.monotonic() > until:
            raise Failed(f"the sender did not leave {path.name} within {_LEFT_WITHIN_S:g} s")
        time.sleep(_LOOK_S)
