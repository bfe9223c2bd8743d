"""One job of a recovery: a stretch of one type and code, with what is known of it.

Owns the value, and how jobs that wait are taken together. Knows nothing of who does it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from upbit_stream.session.coverage import Key
from upbit_stream.session.floors import Floor


@dataclass(slots=True, eq=False)
class Job:
    """One stretch of one type and code. ``number`` is its gap's, 0 while nothing was found missing."""

    kind: str
    code: str
    from_ns: int
    to_ns: int
    reason: str
    number: int = 0
    known: frozenset[int] = frozenset()
    joins: int = 0
    since_ms: int = 0
    begin_ns: int = 0  # from where on is looked, where that is later than the last message
    floor: Floor | None = None
    also: list[Job] = field(default_factory=list)  # later ones that are done with it
    until_ns: int = 0  # the end of the last of them
    count: int = 0
    lost: str = ""  # why a part of it cannot be had
    is_baseline: bool = False

    def absorb(self, other: Job) -> None:
        """Do another job of the same key with this one."""
        if other.number:
            self.also.append(other)
        self.begin_ns = min(self.begin_ns or self.from_ns, other.begin_ns or other.from_ns)
        self.until_ns = max(self.until_ns, other.until_ns)
        self.known |= other.known
        self.joins = other.joins
        if other.since_ms:
            self.since_ms = min(self.since_ms or other.since_ms, other.since_ms)

    @property
    def key(self) -> Key:
        """Type and code."""
        return self.kind, self.code

    def __post_init__(self) -> None:
        self.begin_ns = self.begin_ns or self.from_ns
        self.until_ns = self.until_ns or self.to_ns

    def __str__(self) -> str:
        return f"{self.kind} {self.code}".strip()
