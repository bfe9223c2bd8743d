"""One market: its book, its trades and all that is derived from them.

Owns the order in which a trade moves things. Must not know sessions or formats; time and chance are
arguments.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from .book import Best, Book, Side
from .candles import Candles
from .daily import Daily
from .instruments import Instrument
from .plain import from_units
from .seeds import reseed


@dataclass(frozen=True, slots=True)
class Trade:
    """One executed trade. Prices and volumes in units of 10^-8; ``price`` and ``volume`` as Decimals."""

    code: str
    sequential_id: int
    price_e8: int
    volume_e8: int
    side: Side
    trade_timestamp: int
    timestamp: int
    previous_close_e8: int
    best: Best

    @property
    def price(self) -> Decimal:
        """The price, exactly."""
        return from_units(self.price_e8)

    @property
    def volume(self) -> Decimal:
        """The volume, exactly."""
        return from_units(self.volume_e8)


class Market:
    """A market that trades by itself."""

    def __init__(
        self, instrument: Instrument, chance: random.Random, start_ms: int, candles_kept: int | None = None
    ) -> None:
        self.instrument = instrument
        self.book = Book(instrument, chance)
        self.candles = Candles(candles_kept)
        self.daily = Daily(instrument, chance, start_ms)
        self.last: Trade | None = None
        self.book_timestamp = start_ms
        self._chance = chance

    def trade(self, side: Side, sequential_id: int, traded_ms: int, now_ms: int) -> Trade:
        """One taker's trade at the best price, executed at ``traded_ms`` and published at ``now_ms``."""
        size = int(self.instrument.typical_size_e8 * self._chance.expovariate(2.5)) + 1
        fill = self.book.take(side, size)
        self.daily.fold(traded_ms, fill.price, fill.volume, side)
        self.candles.fold(traded_ms, fill.price, fill.volume)
        self.book_timestamp = now_ms
        self.last = Trade(
            code=self.instrument.code,
            sequential_id=sequential_id,
            price_e8=fill.price,
            volume_e8=fill.volume,
            side=side,
            trade_timestamp=traded_ms,
            timestamp=now_ms,
            previous_close_e8=self.daily.previous_close,
            best=self.book.best,
        )
        return self.last

    def relive(self, trade: Trade) -> None:
        """Take in a trade of an earlier run, as if it had been executed here. The book stays as it was."""
        self.daily.fold(trade.trade_timestamp, trade.price_e8, trade.volume_e8, trade.side)
        self.daily.previous_close = trade.previous_close_e8  # that run may have had another seed
        self.candles.fold(trade.trade_timestamp, trade.price_e8, trade.volume_e8)
        self.book_timestamp = trade.timestamp
        self.last = trade

    def go_on(self, seed: int) -> None:
        """Trade on from the last of the relived trades, by the chance of ``seed``."""
        reseed(self._chance, seed, f"market {self.instrument.code}")
        if self.last is not None:
            self.book.restore(self.last.best)

    def stir(self, now_ms: int) -> None:
        """Orders come and go."""
        self.book.stir()
        self.book_timestamp = now_ms
