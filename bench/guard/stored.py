"""The stored counts: a file in the repository.

Owns its form. What the numbers mean is said in `bench.guard.judging`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

COUNTS = Path(__file__).with_name("counts.json")


class Counts(msgspec.Struct, frozen=True):
    """Instructions a message, by path, and what they depend on beside the code."""

    surroundings: Mapping[str, str]
    messages: int
    instructions_per_message: Mapping[str, float]

    def of(self, paths: frozenset[str]) -> Counts:
        """Those of some paths."""
        kept = {path: count for path, count in self.instructions_per_message.items() if path in paths}
        return Counts(self.surroundings, self.messages, kept)


NOTHING = Counts({}, 0, {})


def load(path: Path = COUNTS) -> dict[str, Counts]:
    """What is stored for each variant of the hot path; nothing where there is no file."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Counts]) if path.exists() else {}


def save(variant: str, counts: Counts, path: Path = COUNTS) -> None:
    """Store these for a variant, and leave what is stored for others."""
    encoded = msgspec.json.encode({**load(path), variant: counts}, order="sorted")
    path.write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")
