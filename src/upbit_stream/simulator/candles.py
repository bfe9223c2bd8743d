"""One market's candles in every unit, folded from trades.

Owns open, high, low, close and what was traded, and the finished candles for as long as REST may be asked
for them. Must not know messages or when they are sent.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from .dates import DAY_MS

UNIT_MS = {
    "1s": 1_000,
    "1m": 60_000,
    "3m": 180_000,
    "5m": 300_000,
    "10m": 600_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "60m": 3_600_000,
    "240m": 14_400_000,
}
KEPT_MS = 92 * DAY_MS
"""«Second candles support data up to 3 months prior»; so do all others here."""


@dataclass(slots=True)
class Candle:
    """One period. Prices and volume in units of 10^-8, value (price x volume) in units of 10^-16."""

    start_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    value: int
    timestamp: int
    """When the last trade of the period was executed."""


def _start_ms(candle: Candle) -> int:
    return candle.start_ms


class Candles:
    """The candles of each unit, and which unit's newest one changed since it was last taken.

    Of each unit at most ``limit`` are kept.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.newest: dict[str, Candle] = {}
        self._all: dict[str, list[Candle]] = {unit: [] for unit in UNIT_MS}
        self._limit = limit
        self._changed: set[str] = set()

    def fold(self, at_ms: int, price: int, volume: int) -> None:
        """Take in one trade."""
        for unit, length in UNIT_MS.items():
            start = at_ms - at_ms % length
            candle = self.newest.get(unit)
            if candle is None or candle.start_ms != start:
                self._begin(unit, Candle(start, price, price, price, price, volume, price * volume, at_ms))
                continue
            candle.high = max(candle.high, price)
            candle.low = min(candle.low, price)
            candle.close = price
            candle.volume += volume
            candle.value += price * volume
            candle.timestamp = at_ms
        self._changed.update(UNIT_MS)

    def _begin(self, unit: str, candle: Candle) -> None:
        self.newest[unit] = candle
        kept = self._all[unit]
        kept.append(candle)
        # In batches: to take one from the front of a list moves all the others.
        if self._limit is not None and len(kept) > self._limit + self._limit // 10:
            del kept[: len(kept) - self._limit]
        if kept[0].start_ms < candle.start_ms - KEPT_MS - DAY_MS:
            del kept[: bisect_left(kept, candle.start_ms - KEPT_MS, key=_start_ms)]

    def page(self, unit: str, count: int, before_ms: int | None = None) -> list[Candle]:
        """The newest ``count`` candles that begin before ``before_ms``, newest first."""
        kept = self._all[unit]
        end = len(kept) if before_ms is None else bisect_left(kept, before_ms, key=_start_ms)
        return kept[max(0, end - count) : end][::-1]

    def take_changed(self) -> list[str]:
        """The units whose candle changed since the last call, shortest first."""
        changed = [unit for unit in UNIT_MS if unit in self._changed]
        self._changed.clear()
        return changed
