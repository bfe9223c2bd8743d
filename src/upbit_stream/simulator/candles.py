"""One market's candles in every unit, folded from trades.

Owns open, high, low, close and what was traded. Must not know messages or when they are sent.
"""

from __future__ import annotations

from dataclasses import dataclass

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


class Candles:
    """The newest candle of each unit, and which of them changed since they were last taken."""

    def __init__(self) -> None:
        self.newest: dict[str, Candle] = {}
        self._changed: set[str] = set()

    def fold(self, at_ms: int, price: int, volume: int) -> None:
        """Take in one trade."""
        for unit, length in UNIT_MS.items():
            start = at_ms - at_ms % length
            candle = self.newest.get(unit)
            if candle is None or candle.start_ms != start:
                self.newest[unit] = Candle(start, price, price, price, price, volume, price * volume, at_ms)
                continue
            candle.high = max(candle.high, price)
            candle.low = min(candle.low, price)
            candle.close = price
            candle.volume += volume
            candle.value += price * volume
            candle.timestamp = at_ms
        self._changed.update(UNIT_MS)

    def take_changed(self) -> list[str]:
        """The units whose candle changed since the last call, shortest first."""
        changed = [unit for unit in UNIT_MS if unit in self._changed]
        self._changed.clear()
        return changed
