"""Processes of the benchmark: a blaster on one core, a stack on another, each new, with nothing of the caller's paths.

Owns starting, pinning and ending them, and what a stack's end means. Knows nothing of rounds, nor of what is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.machine import usable_cores
from bench.measure import Task

ROOT = Path(__file__).resolve().parent.parent
STACK_LIMIT_S = 180.0
_END_S = 5.0
_REASON_CHARS = 300


class Failed(Exception):
    """A stack did not do what it was to do; the text says why."""


@dataclass(frozen=True)
class Cores:
    """Where the sender and the receiver run; None where that is not ours to choose."""

    sender: int | None
    receiver: int | None

    @classmethod
    def chosen(cls) -> Cores:
        """The first core for the sender, the second for the receiver; with one core both share it."""
        if not hasattr(os, "sched_setaffinity"):
            return cls(None, None)
        cores = usable_cores()
        return cls(cores[0], cores[1 if len(cores) > 1 else 0])

    @property
    def remark(self) -> str:
        """What a reader of the figures has to know; "" where all is as it should be."""
        if self.sender is None:
            return "Processes are not pinned to cores on this system."
        if self.sender == self.receiver:
            return "There is one core: sender and receiver share it, so figures on the wall hold both."
        return ""


@contextmanager
def blaster(told: Mapping[str, object], core: int | None, program: str = "bench.blaster") -> Iterator[int]:
    """A running blaster; its port. Raises `Failed` where it does not begin."""
    with tempfile.TemporaryFile() as said:
        child = _start([sys.executable, "-m", program, json.dumps(told)], core, _environment(), said)
        try:
            line = child.stdout.readline() if child.stdout else b""
            if not line:
                child.wait()
                raise Failed(f"{program} ended: {_last_words(said)}")
            yield int(json.loads(line)["port"])
        finally:
            child.terminate()
            _end(child)


def run_stack(
    program: str,
    task: Task,
    core: int | None,
    *,
    python: Path | None = None,
    settings: Mapping[str, str] | None = None,
    limit_s: float = STACK_LIMIT_S,
) -> dict[str, Any]:
    """What a stack measured. It gets a new directory for its files, and one for what it shares between processes.

    Raises `Failed`.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as made, tempfile.TemporaryFile() as said:
        directory, state = Path(made, "files"), Path(made, "state")
        directory.mkdir()
        state.mkdir()
        argument = replace(task, directory=str(directory)).to_json()
        command = [str(python or sys.executable), "-m", f"bench.stacks.{program}", argument]
        try:
            child = _start(command, core, _environment(UPBIT_STREAM_STATE_DIR=str(state), **(settings or {})), said)
        except OSError as error:
            raise Failed(str(error)) from error
        try:
            out, _ = child.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            child.kill()
            raise Failed(f"not done after {limit_s:g} s: {_last_words(said)}") from None
        finally:
            _end(child)
        return judged(out, child.returncode, _last_words(said), task.messages)


def judged(out: bytes, status: int, last_words: str, messages: int) -> dict[str, Any]:
    """The reading on a stack's standard output, its last line. Raises `Failed` where it is none."""
    if status:
        raise Failed(f"ended with status {status}: {last_words}")
    try:
        reading = json.loads(out.splitlines()[-1])
        received = reading["messages"]
    except (IndexError, ValueError, KeyError, TypeError):
        raise Failed(f"printed no reading: {last_words}") from None
    if received != messages:
        raise Failed(f"received {received} messages of {messages}")
    return dict(reading)


@contextmanager
def _pinned(core: int | None) -> Iterator[None]:
    """What is started meanwhile runs on that core only, from its first instruction on."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _start(command: list[str], core: int | None, environment: dict[str, str], said: Any) -> subprocess.Popen[bytes]:
    with _pinned(core):
        return subprocess.Popen(  # noqa: S603  # this project's own programs, by interpreters that it made
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
        )


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(0.0 if child.returncode is not None else _END_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout:
        child.stdout.close()


def _environment(**more: str) -> dict[str, str]:
    """This process's, less what would make a run depend on who started it: paths of Python, proxies, our settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "UPBIT_")) and not name.lower().endswith("_proxy")
    }
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def _last_words(said: Any) -> str:
    """The end of what a process wrote on its standard error."""
    said.seek(0, os.SEEK_END)
    said.seek(max(0, said.tell() - 8 * _REASON_CHARS))
    lines = [line.strip() for line in said.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:_REASON_CHARS] if lines else "it said nothing"
