"""Counting several paths with the same messages.

Owns how many messages, and how many paths at once.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.guard.counting import Task, count
from bench.guard.paths import WAYS, Way
from bench.loads import payloads

MESSAGES = 2_000  # twice all that differs in a load
WARM = 1_000  # by then every type and market was heard of, and the interpreter has specialised its instructions


def chosen(only: str) -> dict[str, Way]:
    """The paths that are named so, with those that they are compared with."""
    wanted = [way for way in WAYS.values() if only in way.name]
    names = {name for way in wanted for name in (way.name, way.reference)}
    return {name: way for name, way in WAYS.items() if name in names}


def count_all(valgrind: str, ways: Mapping[str, Way]) -> dict[str, float]:
    """Instructions a message of each. Several are counted at once: their number does not depend on the time."""
    with tempfile.TemporaryDirectory(prefix="bench-guard-") as made:
        home = Path(made)
        for load in {way.load.name: way.load for way in ways.values()}.values():
            (home / load.name).write_bytes(b"\n".join(payloads(load, WARM + MESSAGES)))

        def one(number: int, way: Way) -> float:
            own = home / f"path-{number}"
            own.mkdir()
            return round(count(valgrind, Task(way.name, home / way.load.name, WARM, MESSAGES), own) / MESSAGES, 1)

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            return dict(zip(ways, pool.map(one, range(len(ways)), ways.values()), strict=True))
