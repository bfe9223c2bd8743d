"""What is asked of a part of the benchmark. Owns the defaults; each part reads what concerns it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROUNDS, QUICK_ROUNDS = 5, 2


@dataclass(frozen=True)
class Options:
    """``rounds`` and ``messages`` are None where nothing was asked; ``quick`` is to see that all works.

    Every part of the benchmark is a module ``bench.NAME`` with a function ``run(options)``. It writes NAME.json and
    what else it makes into ``out``, which is there.
    """

    out: Path
    rounds: int | None = None
    messages: int | None = None
    loads: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    quick: bool = False

    @property
    def rounds_or_default(self) -> int:
        """How many rounds count."""
        return self.rounds or (QUICK_ROUNDS if self.quick else ROUNDS)
