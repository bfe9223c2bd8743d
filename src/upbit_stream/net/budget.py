"""The exchange's limits, kept, by waiting for a place in a log.

A place is reserved at once for the first moment at which it is allowed, then waited for. So who asks first goes
first, also among processes, and giving up a wait costs only the place.

Owns the limits and the waiting. Knows nothing of what the places are used for, nor where they are kept.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct


class Rate(Struct, frozen=True):
    """At most so many places within a window, wherever it begins."""

    places: int
    window_ms: int


# The exchange counts when a request arrives, and the way there takes now longer, now shorter: a window of a second
# here is longer by a margin, so that it is a whole second there.
MARGIN_MS = 100
CONNECTIONS = (Rate(5, 1_000 + MARGIN_MS),)
MESSAGES = (Rate(5, 1_000 + MARGIN_MS), Rate(100, 60_000 + MARGIN_MS))
QUOTATION = (Rate(10, 1_000 + MARGIN_MS),)  # REST: each group (trade, candle) of a source address
EXCHANGE = (Rate(30, 1_000 + MARGIN_MS),)  # REST: all that is private, of an account

_ROUNDING_S = 0.000_001  # less is no time to wait for: a loop whose clock is rounded would do so for ever
_FRESH_S = 0.08  # within the margin: a place older than this when it is used is asked for again


class Store(Protocol):
    """Where places are reserved. Times are ms of a monotonic clock."""

    async def reserve(self, now_ms: Callable[[], int]) -> int:
        """Reserve the first allowed place from now on and return its time."""

    async def pause(self, until_ms: int) -> None:
        """Let no further reservation be earlier than this."""

    async def paused_until(self) -> int:
        """The end of the latest pause, or 0."""

    def close(self) -> None:
        """Let go of what the store holds."""


class Budget:
    """Waits for places of a store. ``monotonic`` must be one clock for all processes of the host, in seconds."""

    def __init__(self, store: Store, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._order = asyncio.Lock()

    async def acquire(self) -> float:
        """Wait for a place; returns its time. Cancelling gives up the place.

        Raises `BudgetUnavailable` where the store cannot be used.
        """
        while True:
            async with self._order:  # asyncio's lock is fair: first come, first served
                at = await self._store.reserve(lambda: _ms(self._monotonic()))
            if not await self._sleep_until(at / 1000):
                return at / 1000
            # While this one waited, another may have been told to pause: going on would lengthen a block.
            if await self._store.paused_until() <= at:
                return at / 1000

    async def _sleep_until(self, at: float) -> bool:
        """Whether there was anything to wait for. A timer may fire a little early; a place must not be."""
        first = wait = at - self._monotonic()
        while wait > _ROUNDING_S:  # time is awaited here, not an event
            await asyncio.sleep(wait)
            wait = at - self._monotonic()
        return first > 0

    async def pause(self, seconds: float) -> None:
        """Let nobody who shares the store have a place for this long."""
        await self._store.pause(_ms(self._monotonic() + seconds))

    def admission(self) -> ConnectionAdmission:
        """The permission to make one connection."""
        return ConnectionAdmission(self, self._monotonic)


class ConnectionAdmission:
    """See `Admission`."""

    def __init__(self, budget: Budget, monotonic: Callable[[], float]) -> None:
        self._budget = budget
        self._monotonic = monotonic
        self._place = float("-inf")

    async def enter(self) -> None:
        """Wait for a place before anything is sent."""
        self._place = await self._budget.acquire()

    async def confirm(self) -> None:
        """Looking up the name and connecting took time: if the place is old, other requests may have come since."""
        while self._monotonic() - self._place > _FRESH_S:
            self._place = await self._budget.acquire()


def _ms(seconds: float) -> int:
    """Rounded up, so that a place is never before the moment it was asked for."""
    return math.ceil(seconds * 1000)
