"""Telling of what happens often, without a flood of lines.

Owns how often. Time is an argument.
"""

from __future__ import annotations

from collections.abc import Hashable


class Throttle:
    """Lets one thing be told at once, and again only after ``interval_s``, with the count of what went untold.

    >>> throttle = Throttle(interval_s=10)
    >>> [throttle.due("x", now_ns=second * 1_000_000_000) for second in (0, 3, 6, 11)]
    [1, 0, 0, 3]
    """

    def __init__(self, *, interval_s: float) -> None:
        self._interval_ns = int(interval_s * 1e9)
        self._told: dict[Hashable, tuple[int, int]] = {}

    def due(self, key: Hashable, now_ns: int) -> int:
        """How many times it happened since it was told last, if it is to be told now; else 0."""
        told_at_ns, untold = self._told.get(key, (now_ns - self._interval_ns, 0))
        if now_ns - told_at_ns < self._interval_ns:
            self._told[key] = told_at_ns, untold + 1
            return 0
        self._told[key] = now_ns, 0
        return untold + 1
