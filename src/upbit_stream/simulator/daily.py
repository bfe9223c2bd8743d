"""One market's day, last 24 hours and last 52 weeks: what a ticker tells beside the last trade.

Owns the running sums, and a seeded history from before the exchange was started. Must not know messages.
Prices and volumes in units of 10^-8, values (price x volume) in units of 10^-16.
"""

from __future__ import annotations

import random
from collections import deque

from .dates import DAY_MS, MINUTE_MS
from .instruments import Instrument

_MINUTES_A_DAY = DAY_MS // MINUTE_MS


class Daily:
    """Sums since 00:00 UTC, over 24 hours (to the minute), and the extremes of 52 weeks."""

    def __init__(self, instrument: Instrument, chance: random.Random, start_ms: int) -> None:
        tick, reference = instrument.tick_e8, instrument.reference_ticks
        price = reference * tick
        self.previous_close = (reference + chance.randint(-reference // 50, reference // 50)) * tick
        self.opening = self.previous_close
        self.high = max(price, self.opening)
        self.low = min(price, self.opening)
        self.highest_52w = price * 3 // 2 // tick * tick
        self.highest_52w_ms = start_ms - chance.randint(1, 360) * DAY_MS
        self.lowest_52w = max(price // 2 // tick, 1) * tick
        self.lowest_52w_ms = start_ms - chance.randint(1, 360) * DAY_MS
        # Before the start, each minute traded the same volume at the reference price.
        volume = instrument.typical_size_e8 * chance.randint(5, 20)
        minute = start_ms // MINUTE_MS
        self._minutes: deque[tuple[int, int, int]] = deque(
            (minute - back, volume, volume * price) for back in range(_MINUTES_A_DAY, 0, -1)
        )
        self.volume_24h = volume * _MINUTES_A_DAY
        self.value_24h = self.volume_24h * price
        self._day = start_ms // DAY_MS
        passed = minute % _MINUTES_A_DAY
        self.volume = volume * passed
        self.value = self.volume * price
        self.ask_volume = self.volume // 2
        self.bid_volume = self.volume - self.ask_volume
        self.last_price = price
        self.traded = 0
        """Volume of all trades since the start."""

    def fold(self, at_ms: int, price: int, volume: int, side: str) -> None:
        """Take in one trade."""
        if at_ms // DAY_MS > self._day:
            self._new_day(at_ms // DAY_MS, price)
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.traded += volume
        self.volume += volume
        self.value += price * volume
        if side == "ASK":
            self.ask_volume += volume
        else:
            self.bid_volume += volume
        self.last_price = price
        self._fold_minute(at_ms // MINUTE_MS, volume, price * volume)
        if price > self.highest_52w:
            self.highest_52w, self.highest_52w_ms = price, at_ms
        if price < self.lowest_52w:
            self.lowest_52w, self.lowest_52w_ms = price, at_ms

    def _new_day(self, day: int, price: int) -> None:
        self._day = day
        self.previous_close = self.last_price
        self.opening = self.high = self.low = price
        self.volume = self.value = self.ask_volume = self.bid_volume = 0

    def _fold_minute(self, minute: int, volume: int, value: int) -> None:
        self.volume_24h += volume
        self.value_24h += value
        if self._minutes and self._minutes[-1][0] == minute:
            _, before, value_before = self._minutes.pop()
            volume, value = volume + before, value + value_before
        self._minutes.append((minute, volume, value))
        while self._minutes[0][0] <= minute - _MINUTES_A_DAY:
            _, old_volume, old_value = self._minutes.popleft()
            self.volume_24h -= old_volume
            self.value_24h -= old_value
