"""The exchange's limits: sliding windows, and the block that follows ignoring them.

Owns the counting. Must not know what is counted, nor read a clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

CONNECTS_PER_SECOND = 5
ORIGIN_WINDOW_MS = 10_000
MESSAGES_PER_SECOND = 5
MESSAGES_PER_MINUTE = 100
QUOTATIONS_PER_SECOND = 10
PRIVATE_PER_SECOND = 30

VIOLATION_WINDOW_MS = 10_000
VIOLATIONS_TO_BLOCK = 3
"""The third attempt over the limit within ten seconds is answered with a block (418) in place of 429.
The documentation says only «going on after 429»; two refusals are what an unlucky client may collect."""
FIRST_BLOCK_MS = 10_000
LONGEST_BLOCK_MS = 24 * 3_600_000
"""The first block lasts ten seconds and each later one twice as long as the one before, up to a day.
The exchange's own lengths are not documented, only that they grow."""


class SlidingWindow:
    """At most ``limit`` events in any ``window_ms``; an event leaves after exactly ``window_ms``."""

    def __init__(self, limit: int, window_ms: int) -> None:
        self._limit = limit
        self._window_ms = window_ms
        self._taken: deque[int] = deque()

    def has_room(self, now_ms: int) -> bool:
        """Whether one more event fits now."""
        return self.left(now_ms) > 0

    def left(self, now_ms: int) -> int:
        """How many more events fit now."""
        while self._taken and self._taken[0] <= now_ms - self._window_ms:
            self._taken.popleft()
        return self._limit - len(self._taken)

    def take(self, now_ms: int) -> None:
        """Count one event. Refused ones are not counted: they must not starve the client for good."""
        self._taken.append(now_ms)


class Budget:
    """Several windows that an event must all fit into."""

    def __init__(self, *windows: SlidingWindow) -> None:
        self._windows = windows

    def spend(self, now_ms: int) -> bool:
        """Count one event if every window has room for it; say whether it had."""
        fits = all(window.has_room(now_ms) for window in self._windows)
        if fits:
            for window in self._windows:
                window.take(now_ms)
        return fits


def message_budget() -> Budget:
    """What one connection may send: 5 messages a second and 100 a minute."""
    return Budget(SlidingWindow(MESSAGES_PER_SECOND, 1_000), SlidingWindow(MESSAGES_PER_MINUTE, 60_000))


@dataclass(slots=True)
class _Offender:
    violations: deque[int] = field(default_factory=deque)
    blocks: int = 0


class Blocks:
    """Who went on after being told to wait, and until when he is shut out."""

    def __init__(self) -> None:
        self._offenders: dict[str, _Offender] = {}
        self._blocked_until: dict[str, int] = {}

    def left_ms(self, now_ms: int, *keys: str) -> int:
        """How much longer any of these keys is blocked; 0 if none is."""
        return max(0, *(self._blocked_until.get(key, 0) - now_ms for key in keys))

    def violate(self, key: str, now_ms: int, *also: str) -> int:
        """Note an attempt over the limit; the ms that ``key`` (and ``also``) is blocked for now, mostly 0."""
        offender = self._offenders.setdefault(key, _Offender())
        recent = offender.violations
        while recent and recent[0] <= now_ms - VIOLATION_WINDOW_MS:
            recent.popleft()
        recent.append(now_ms)
        if len(recent) < VIOLATIONS_TO_BLOCK:
            return 0
        recent.clear()
        length = min(FIRST_BLOCK_MS << min(offender.blocks, 32), LONGEST_BLOCK_MS)
        offender.blocks += 1
        for blocked in (key, *also):
            self._blocked_until[blocked] = now_ms + length
        return length


class Gate:
    """So many a second for each source or account, and far fewer for requests with an ``Origin``."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._seconds: dict[str, SlidingWindow] = {}
        self._origins: dict[str, SlidingWindow] = {}

    def _second(self, key: str) -> SlidingWindow:
        return self._seconds.setdefault(key, SlidingWindow(self._per_second, 1_000))

    def spend(self, key: str, now_ms: int, *, with_origin: bool) -> bool:
        """Count one request on ``key``'s budget; False if there was no room."""
        windows = [self._second(key)]
        if with_origin:
            windows.append(self._origins.setdefault(key, SlidingWindow(1, ORIGIN_WINDOW_MS)))
        return Budget(*windows).spend(now_ms)

    def left(self, key: str, now_ms: int) -> int:
        """How many more requests fit now."""
        return self._second(key).left(now_ms)
