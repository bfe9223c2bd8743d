"""What is due when: the stand-in exchange's only notion of the future.

Owns a heap of (moment, action). Must not know a clock: whoever drives the exchange says what time it is.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

Action = Callable[[int], None]
"""Called with the moment it was due, which may lie before the moment the driver gave."""


class Agenda:
    """Actions in the order of their moments; at one moment, by rank, then in the order they were added."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self._due: list[tuple[int, int, int, Action]] = []
        self._added = 0
        self._running = False

    def add(self, at_ms: int, action: Action, rank: int = 0) -> None:
        """Have ``action`` called once the time has come; a moment in the past counts as now."""
        self._added += 1
        heapq.heappush(self._due, (max(at_ms, self.now_ms), rank, self._added, action))

    def next_at_ms(self) -> int | None:
        """When the next action is due."""
        return self._due[0][0] if self._due else None

    def run_until(self, now_ms: int) -> None:
        """Call all that is due up to and including ``now_ms``. A clock that steps back is ignored.

        A call from inside an action does nothing: the outer one will get to it.
        """
        if self._running:
            return
        self._running = True
        try:
            while self._due and self._due[0][0] <= now_ms:
                at_ms, _, _, action = heapq.heappop(self._due)
                self.now_ms = at_ms
                action(at_ms)
            self.now_ms = max(self.now_ms, now_ms)
        finally:
            self._running = False
