"""The virtual environments of the peers: made once, made again when what they hold changed.

Owns `.bench/NAME`, one directory for each requirement file beside this module. What can't be installed is told as a
reason, so that the benchmark goes on without it. Knows nothing of stacks. Standard library only.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path(__file__).parent
ENVIRONMENTS = REQUIREMENTS.parents[1] / ".bench"
INSTALL_TIMEOUT_S = 900.0

_STAMP = ".installed"
_REASON_LINES = 3  # pip says last what was wrong

Run = Callable[[Sequence[str], float], "Outcome"]


@dataclass(frozen=True)
class Environment:
    """An environment that is ready: ``python`` runs what is installed there."""

    name: str
    python: Path


@dataclass(frozen=True)
class Unavailable:
    """An environment that could not be made, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it said."""

    code: int
    said: str = ""


def environment(
    name: str,
    *,
    requirements: Path = REQUIREMENTS,
    within: Path = ENVIRONMENTS,
    run: Run | None = None,
) -> Environment | Unavailable:
    """The environment of ``requirements``/NAME.txt, made where it isn't there yet or its requirements changed."""
    pinned = requirements / f"{name}.txt"
    if not pinned.is_file():
        return Unavailable(name, f"there are no requirements named {pinned.name}")
    home = within / name
    python = home / "bin" / "python"
    stamp = home / _STAMP
    wanted = _digest(pinned)
    if python.exists() and stamp.is_file() and stamp.read_text() == wanted:
        return Environment(name, python)
    reason = _make(home, python, pinned, run_command if run is None else run)
    if reason is not None:
        return Unavailable(name, reason)
    stamp.write_text(wanted)
    return Environment(name, python)


def run_command(command: Sequence[str], timeout_s: float) -> Outcome:
    """Run a command to its end; that it can't be started or takes too long is an outcome too."""
    try:
        # only this interpreter and the one of an environment that it made are run
        ended = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return Outcome(1, f"not done after {timeout_s:g} s")
    except OSError as error:
        return Outcome(1, str(error))
    return Outcome(ended.returncode, ended.stderr.strip() or ended.stdout.strip())


def _make(home: Path, python: Path, pinned: Path, run: Run) -> str | None:
    """Make it anew; the reason why that was not possible."""
    try:
        if home.exists():
            shutil.rmtree(home)  # what an earlier version installed must not be left beside the new
        home.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return str(error)
    steps = (
        [sys.executable, "-m", "venv", str(home)],
        [
            *(str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-input"),
            *("--require-hashes", "-r", str(pinned)),
        ],
    )
    for step in steps:
        outcome = run(step, INSTALL_TIMEOUT_S)
        if outcome.code != 0:
            return _reason(outcome)
    return None


def _reason(outcome: Outcome) -> str:
    lines = [line.strip() for line in outcome.said.splitlines() if line.strip()]
    return "; ".join(lines[-_REASON_LINES:]) or f"ended with {outcome.code}"


def _digest(pinned: Path) -> str:
    """What decides whether an environment is the one that is wanted: its requirements, and who runs them."""
    digest = hashlib.sha256(pinned.read_bytes())
    digest.update(sys.version.encode())
    return digest.hexdigest()
