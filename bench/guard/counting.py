"""Counting the instructions of a program between two marks, by valgrind.

Owns how valgrind is run, and what it writes. Knows nothing of what the program does: see `bench.guard.program`.

Callgrind is told to begin a new part of its account with each call of a function that only the marks make, so a part
holds the instructions between two marks, exactly: neither imports nor what warms up are in it, and nothing has to be
subtracted. What could differ from run to run is kept from it: the hashes of strings, the places of memory where the
system allows that, the environment, the garbage collector, clocks and timers. Counting the same code again
and again, on a busy machine, each path came within 0.5 % of itself; most within 0.1 %.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.guard.program import MARK
from upbit_stream.native import PURE

PROGRAM = "bench.guard.program"
_ROOT = Path(__file__).resolve().parent.parent.parent
_PATIENCE_S = 600.0
_PART = re.compile(r"\.(\d+)\Z")
_TOTALS = re.compile(r"^(?:totals|summary): (\d+)\s*$", re.MULTILINE)


class CountingError(Exception):
    """The program did not do what it was to do, or valgrind did not tell."""


@dataclass(frozen=True)
class Task:
    """What the program is to do. ``payloads`` is a file of lines, of which the first ``warm`` are not counted."""

    path: str
    payloads: Path
    warm: int
    messages: int


def find_valgrind() -> str | None:
    """Where valgrind is, or None."""
    return shutil.which("valgrind")


def steady() -> tuple[str, ...]:
    """The command before a command that gives it the same memory places every time; () where that is not allowed."""
    setarch = shutil.which("setarch")
    if setarch is None:
        return ()
    command = (setarch, platform.machine(), "-R")
    tried = subprocess.run([*command, "true"], capture_output=True, check=False)  # noqa: S603  # a fixed command
    return command if tried.returncode == 0 else ()


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The program's: the same everywhere, but for the choice between C and Python."""
    fixed = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(_ROOT), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    return fixed | {name: value for name, value in ours.items() if name == PURE}


def count(valgrind: str, task: Task, directory: Path) -> int:
    """The instructions between the marks. ``directory`` is an empty one for what is written meanwhile."""
    account = directory / "account"
    written = directory / "written"
    written.mkdir()
    argument = {
        "path": task.path,
        "payloads": str(task.payloads),
        "warm": task.warm,
        "directory": str(written),
    }
    command = [
        *steady(),
        valgrind,
        "-q",
        "--tool=callgrind",
        f"--callgrind-out-file={account}",
        f"--dump-before={MARK}",
        sys.executable,
        "-m",
        PROGRAM,
        json.dumps(argument),
    ]
    try:
        ended = subprocess.run(  # noqa: S603  # this project's own program
            command,
            cwd=_ROOT,
            env=environment(os.environ),
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise CountingError(f"{task.path}: no end after {_PATIENCE_S:.0f} s") from error
    if ended.returncode:
        raise CountingError(f"{task.path}: ended with status {ended.returncode}\n{ended.stderr[-2000:]}")
    check_done(task, ended.stdout)
    return between_marks(task.path, read_parts(account))


def check_done(task: Task, printed: str) -> None:
    """Raises where the program did less, or more, than it was to do: its count would mean nothing."""
    try:
        done = json.loads(printed)
    except ValueError as error:
        raise CountingError(f"{task.path}: it printed {printed[-500:]!r}") from error
    if done != {"messages": task.messages, "delivered": task.messages}:
        raise CountingError(f"{task.path}: {task.messages} messages were to be delivered, it tells of {done}")


def read_parts(account: Path) -> list[str]:
    """The parts of an account, in the order in which they ended; that of the program's end has no number."""
    numbered = {}
    for path in account.parent.glob(f"{account.name}.*"):
        if found := _PART.search(path.name):
            numbered[int(found[1])] = path.read_text(errors="replace")
    return [text for _, text in sorted(numbered.items())]


def between_marks(path: str, parts: list[str]) -> int:
    """What the part between the two marks comes to."""
    if len(parts) != 2:
        raise CountingError(f"{path}: {len(parts)} marks where two were set: does this valgrind see {MARK}?")
    return total(parts[1])


def total(part: str) -> int:
    """The sum that a part of an account tells."""
    found = _TOTALS.findall(part)
    if not found:
        raise CountingError("an account of callgrind without its sum: is that another version?")
    return int(found[-1])
