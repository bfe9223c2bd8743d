"""One market's order book: 30 levels a side on a grid of ticks.

Owns prices and sizes and how trades and orders move them. Must not know time or messages; chance is an
argument.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from .instruments import Instrument
from .plain import to_units

LEVELS = 30
_LOWEST_BID = 2 * LEVELS
_FOLLOWS = 0.7
"""How often the other side follows at once when a level is used up."""

Side = Literal["ASK", "BID"]


class Best(NamedTuple):
    """The best price and size of both sides, in units of 10^-8."""

    ask_price: int
    ask_size: int
    bid_price: int
    bid_size: int


class Unit(NamedTuple):
    """One line of a book: an ask and a bid of the same rank, in units of 10^-8."""

    ask_price: int
    bid_price: int
    ask_size: int
    bid_size: int


@dataclass(slots=True)
class Fill:
    """What a taker's order met."""

    price: int
    volume: int


class Book:
    """The whole picture of one market's resting orders."""

    def __init__(self, instrument: Instrument, chance: random.Random) -> None:
        self._instrument = instrument
        self._chance = chance
        self._ask = instrument.reference_ticks + 1
        self._bid = instrument.reference_ticks
        self._asks = [self._size() for _ in range(LEVELS)]
        self._bids = [self._size() for _ in range(LEVELS)]

    def _size(self) -> int:
        return int(self._instrument.typical_size_e8 * (0.05 + self._chance.expovariate(1.0))) + 1

    def restore(self, best: Best) -> None:
        """Go on from where the first line once stood; the lines behind it are others."""
        tick = self._instrument.tick_e8
        self._ask, self._bid = best.ask_price // tick, best.bid_price // tick
        self._asks[0], self._bids[0] = best.ask_size, best.bid_size

    @property
    def best(self) -> Best:
        """The first line of the book."""
        tick = self._instrument.tick_e8
        return Best(self._ask * tick, self._asks[0], self._bid * tick, self._bids[0])

    @property
    def ask_total(self) -> int:
        """All asks of the book, whatever depth is looked at."""
        return sum(self._asks)

    @property
    def bid_total(self) -> int:
        """All bids of the book."""
        return sum(self._bids)

    def taker_side(self) -> Side:
        """Which side the next taker is likely on: chance, drawn back towards the reference price."""
        if self._bid - LEVELS < _LOWEST_BID:
            return "BID"
        reference = self._instrument.reference_ticks
        pull = max(-0.2, min(0.2, 5 * (reference - self._bid) / reference))
        return "BID" if self._chance.random() < 0.5 + pull else "ASK"

    def take(self, side: Side, volume: int) -> Fill:
        """A taker buys (BID) or sells (ASK) up to ``volume`` at the best price of the other side."""
        sizes = self._asks if side == "BID" else self._bids
        price = (self._ask if side == "BID" else self._bid) * self._instrument.tick_e8
        if volume < sizes[0]:
            sizes[0] -= volume
            return Fill(price, volume)
        volume = sizes.pop(0)
        sizes.append(self._size())
        follows = self._chance.random() < _FOLLOWS
        if side == "BID":
            self._ask += 1
        else:
            self._bid -= 1
        if follows:
            self._improve("BID" if side == "BID" else "ASK")
        return Fill(price, volume)

    def _improve(self, side: Side) -> None:
        """Someone quotes one tick better on ``side``, if the spread has room."""
        if self._ask - self._bid < 2:
            return
        if side == "BID":
            self._bid += 1
            self._bids = [self._size(), *self._bids[:-1]]
        else:
            self._ask -= 1
            self._asks = [self._size(), *self._asks[:-1]]

    def stir(self) -> None:
        """Orders come and go between trades: one size changes, and a wide spread narrows."""
        sizes = self._asks if self._chance.random() < 0.5 else self._bids
        sizes[self._chance.randrange(LEVELS)] = self._size()
        if self._ask - self._bid > 1 and self._chance.random() < 0.5:
            self._improve("BID" if self._chance.random() < 0.5 else "ASK")

    def units(self, depth: int) -> list[Unit]:
        """The best ``depth`` lines."""
        tick = self._instrument.tick_e8
        return [
            Unit((self._ask + i) * tick, (self._bid - i) * tick, self._asks[i], self._bids[i]) for i in range(depth)
        ]

    def grouped(self, depth: int, level: Decimal) -> list[Unit]:
        """The best ``depth`` lines with prices grouped by ``level``: asks rounded up, bids down.

        Beyond the 30 levels that are kept, each group is taken to hold what an average group does.
        """
        step = to_units(level) // self._instrument.tick_e8
        asks, first_ask = _grouped([(-(-(self._ask + i) // step), s) for i, s in enumerate(self._asks)])
        bids, first_bid = _grouped([((self._bid - i) // step, s) for i, s in enumerate(self._bids)])
        ask_filler, bid_filler = self.ask_total * step // LEVELS, self.bid_total * step // LEVELS
        width = step * self._instrument.tick_e8
        return [
            Unit(
                (first_ask + i) * width,
                max(first_bid - i, 1) * width,
                asks.get(first_ask + i, ask_filler),
                bids.get(first_bid - i, bid_filler),
            )
            for i in range(min(depth, first_bid))
        ]


def _grouped(lines: list[tuple[int, int]]) -> tuple[dict[int, int], int]:
    sizes: dict[int, int] = {}
    for group, size in lines:
        sizes[group] = sizes.get(group, 0) + size
    return sizes, lines[0][0]
