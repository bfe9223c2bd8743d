"""The trading floor: all generated markets, when they trade, and what they tell.

Owns the random process in time: the same seed and start give the same trades, however often and in
whichever steps time is advanced. Must not know sessions, only that an audience listens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from .agenda import Agenda
from .audience import Audience
from .broadcast import Broadcast, Told
from .candles import UNIT_MS
from .dates import SECOND_MS
from .instruments import instrument
from .market import Market, Trade
from .messages import (
    REALTIME,
    SNAPSHOT,
    Message,
    book_message,
    candle_message,
    ticker_message,
    trade_message,
)
from .seeds import seeded
from .wanted import Depth, Variant

PUBLISH_DELAY_MS = 3
"""A trade is published this long after it was executed; so ``timestamp`` > ``trade_timestamp``."""
_BURST_ODDS = 0.25
"""How likely a taker's order goes on to one more trade in the same millisecond (4 at most)."""
_BURST_MOST = 4
_MEAN_BURST = sum(_BURST_ODDS**more for more in range(_BURST_MOST))
_STIR_MS = (200, 400)
_IDS_A_SECOND = 10_000_000
_ID_STRIDE = 7_654_321
_FIRST = -1
"""Candles are told before anything else of the same millisecond: the second they close is over."""


class History(NamedTuple):
    """How long the markets have been trading when the exchange opens, and at which rate."""

    length_ms: int
    trade_rate: float


NO_HISTORY = History(0, 0.0)


class SequentialIds:
    """Unique ids of 17 digits that grow with the second but jump about within it.

    «Unique, does not give the order»: k -> k * stride mod 10^7 is a permutation (the stride is coprime to
    10^7), so no two trades of a second share an id.
    """

    def __init__(self) -> None:
        self._second = -1
        self._given = 0

    def next(self, traded_ms: int) -> int:
        """The id of a trade executed at this moment."""
        second = max(traded_ms // SECOND_MS, self._second)
        if second != self._second:
            self._second, self._given = second, 0
        self._given += 1
        return second * _IDS_A_SECOND + self._given * _ID_STRIDE % _IDS_A_SECOND

    def given(self, sequential_id: int) -> None:
        """An id that an earlier run gave, in the order in which it did: it is not given again."""
        second = sequential_id // _IDS_A_SECOND
        if second != self._second:
            self._second, self._given = second, 0
        self._given += 1


def _mean_gap_ms(trade_rate: float) -> float | None:
    return 1_000 * _MEAN_BURST / trade_rate if trade_rate > 0 else None


class Floor:
    """Markets that trade by themselves: a Poisson process of ``trade_rate`` trades a second in total.

    Those that traded in an earlier run go on after its trades, ``former``, oldest first.
    """

    def __init__(
        self,
        codes: Sequence[str],
        *,
        seed: int,
        trade_rate: float,
        agenda: Agenda,
        audience: Audience,
        on_trade: Callable[[Trade], None],
        history: History = NO_HISTORY,
        kept: int | None = None,
        former: Iterable[Trade] = (),
    ) -> None:
        self._agenda = agenda
        self._audience = audience
        self._on_trade = on_trade
        self._ids = SequentialIds()
        self.markets: dict[str, Market] = {}
        self.seed = seed
        """What all chance from now on comes from: after every run that is gone on from, another."""
        known = self._relive(former, codes, kept)
        start_ms = agenda.now_ms
        begin_ms = start_ms if known else start_ms - history.length_ms
        self._chance = seeded(self.seed, "floor")
        self._mean_gap_ms = _mean_gap_ms(trade_rate)
        self._next_trade_ms = float(start_ms + PUBLISH_DELAY_MS)
        for code in codes:
            if code in known:
                self.markets[code].go_on(self.seed)
                continue
            market = self.markets[code] = Market(instrument(code), seeded(seed, f"market {code}"), begin_ms, kept)
            # Every market has traded once, so that there is always a last trade to tell.
            traded_ms = begin_ms - PUBLISH_DELAY_MS
            on_trade(market.trade("BID", self._ids.next(traded_ms), traded_ms, begin_ms))
        # Chance picks markets by their place: the order is that of the codes, whichever traded first.
        self.markets = {code: self.markets[code] for code in codes}
        self._order = list(self.markets.values())
        if not known:
            self._live_through(begin_ms, start_ms, _mean_gap_ms(history.trade_rate))
        for market in self._order:
            market.candles.take_changed()
            self._plan_stir(market, start_ms)
        if self._order:
            self._plan_trade()
            self._plan_candles(start_ms)

    def _relive(self, former: Iterable[Trade], codes: Sequence[str], kept: int | None) -> frozenset[str]:
        """Take in the trades of earlier runs; say which markets had any."""
        newest: Trade | None = None
        for newest in former:
            code = newest.code
            self._ids.given(newest.sequential_id)
            if code not in codes:
                continue
            market = self.markets.get(code)
            if market is None:
                chance = seeded(self.seed, f"market {code}")
                market = self.markets[code] = Market(instrument(code), chance, newest.timestamp, kept)
            market.relive(newest)
        if newest is not None:
            self.seed = seeded(self.seed, f"after {newest.sequential_id}").getrandbits(63)
            self._agenda.run_until(newest.timestamp)  # a clock that was set back meanwhile does not reorder trades
        return frozenset(self.markets)

    def _live_through(self, begin_ms: int, end_ms: int, mean_gap_ms: float | None) -> None:
        """Trade as ever, with nobody there. The book is not stirred meanwhile: no one could have seen it."""
        if mean_gap_ms is None or not self._order:
            return
        at_ms = begin_ms + PUBLISH_DELAY_MS + self._chance.expovariate(1.0) * mean_gap_ms
        while at_ms < end_ms:
            self._execute(int(at_ms))
            at_ms += self._chance.expovariate(1.0) * mean_gap_ms

    def _plan_trade(self) -> None:
        if self._mean_gap_ms is not None:
            self._next_trade_ms += self._chance.expovariate(1.0) * self._mean_gap_ms
            self._agenda.add(int(self._next_trade_ms), self._trade)

    def _trade(self, at_ms: int) -> None:
        market = self._execute(at_ms)
        self._tell_ticker(market)
        self._tell_book(market)
        self._plan_trade()

    def _execute(self, at_ms: int) -> Market:
        market = self._order[self._chance.randrange(len(self._order))]
        side = market.book.taker_side()
        traded_ms = at_ms - PUBLISH_DELAY_MS
        wanted = self._audience.wants("trade", market.instrument.code)
        for more in range(_BURST_MOST):
            if more and self._chance.random() >= _BURST_ODDS:
                break
            trade = market.trade(side, self._ids.next(traded_ms), traded_ms, at_ms)
            self._on_trade(trade)
            if wanted:
                self._audience.deliver(self._told_trade(trade, REALTIME))
        return market

    def _plan_stir(self, market: Market, at_ms: int) -> None:
        gap = self._chance.randint(*_STIR_MS)
        self._agenda.add(at_ms + gap, partial(self._stir, market))

    def _stir(self, market: Market, at_ms: int) -> None:
        market.stir(at_ms)
        self._tell_book(market)
        self._plan_stir(market, at_ms)

    def _plan_candles(self, at_ms: int) -> None:
        # Once each whole second, when the trades of the second that ended have all been published: so a
        # candle is told at most once a second, and its last telling is complete.
        second = (at_ms - PUBLISH_DELAY_MS) // SECOND_MS + 1
        self._agenda.add(second * SECOND_MS + PUBLISH_DELAY_MS, self._tell_candles, _FIRST)

    def _tell_candles(self, at_ms: int) -> None:
        for market in self._order:
            for unit in market.candles.take_changed():
                kind, code = f"candle.{unit}", market.instrument.code
                if self._audience.wants(kind, code):
                    self._audience.deliver(self._told_candle(market, unit, REALTIME))
        self._plan_candles(at_ms)

    def _tell_ticker(self, market: Market) -> None:
        code = market.instrument.code
        if self._audience.wants("ticker", code):
            self._audience.deliver(_told("ticker", code, ticker_message(market, REALTIME)))

    def _tell_book(self, market: Market) -> None:
        if self._audience.wants("orderbook", market.instrument.code):
            self._audience.deliver(self._told_book(market, REALTIME))

    def _told_trade(self, trade: Trade, stream_type: str) -> Told:
        return _told("trade", trade.code, trade_message(trade, stream_type))

    def _told_candle(self, market: Market, unit: str, stream_type: str) -> Told:
        candle, code = market.candles.newest[unit], market.instrument.code
        return _told(f"candle.{unit}", code, candle_message(code, unit, candle, stream_type))

    def _told_book(self, market: Market, stream_type: str) -> Told:
        def build(variant: Variant) -> Message | None:
            return book_message(market, variant, stream_type) if isinstance(variant, Depth) else None

        return Told("orderbook", market.instrument.code, build)

    def snapshot(self, kind: str, code: str) -> Broadcast | None:
        """The present state of a public type for a code; None for a market that does not exist."""
        market = self.markets.get(code)
        if market is None or market.last is None:
            return None
        if kind == "ticker":
            return _told(kind, code, ticker_message(market, SNAPSHOT))
        if kind == "trade":
            return self._told_trade(market.last, SNAPSHOT)
        if kind == "orderbook":
            return self._told_book(market, SNAPSHOT)
        unit = kind.removeprefix("candle.")
        return self._told_candle(market, unit, SNAPSHOT) if unit in UNIT_MS else None


def _told(kind: str, code: str, message: Message | None) -> Told:
    return Told(kind, code, lambda _: message)
