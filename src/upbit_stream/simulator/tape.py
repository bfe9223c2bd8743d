"""The tape: every trade that was executed, in order, for as long as REST may be asked for it.

Owns what is kept (seven days and today, in UTC) and where in the order a trade stands. Must not know how
trades come about or how they are told.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from .dates import DAY_MS
from .market import Trade

DAYS_BACK = 7


def _executed_ms(trade: Trade) -> int:
    return trade.trade_timestamp


class Tape:
    """Trades of all markets, oldest first. Beyond ``limit`` the oldest are forgotten also within the seven days."""

    def __init__(self, limit: int | None = None) -> None:
        self.trades: list[Trade] = []
        self._limit = limit
        self._by_id: dict[int, Trade] = {}
        self._days: dict[tuple[str, int], list[Trade]] = {}
        self._today = -1

    def add(self, trade: Trade) -> None:
        """Append a trade, executed no earlier than the one before."""
        day = trade.trade_timestamp // DAY_MS
        if day > self._today:
            self._today = day
            oldest_ms = (day - DAYS_BACK) * DAY_MS
            self._forget(bisect_left(self.trades, oldest_ms, key=_executed_ms))
        self.trades.append(trade)
        self._by_id[trade.sequential_id] = trade
        self._days.setdefault((trade.code, day), []).append(trade)
        # In batches: to take one from the front of a list moves all the others.
        if self._limit is not None and len(self.trades) > self._limit + self._limit // 10:
            self._forget(len(self.trades) - self._limit)

    def _forget(self, count: int) -> None:
        gone: dict[tuple[str, int], int] = {}
        for trade in self.trades[:count]:
            del self._by_id[trade.sequential_id]
            key = (trade.code, trade.trade_timestamp // DAY_MS)
            gone[key] = gone.get(key, 0) + 1
        del self.trades[:count]
        for key, oldest in gone.items():
            kept = self._days[key]
            del kept[:oldest]
            if not kept:
                del self._days[key]

    def find(self, sequential_id: int) -> Trade | None:
        """The trade with this id, if it is still kept."""
        return self._by_id.get(sequential_id)

    def page(
        self, code: str, day: int, count: int, *, before: Trade | None = None, to_ms: int | None = None
    ) -> list[Trade]:
        """The newest ``count`` trades of a market on a UTC day (counted from the epoch), newest first.

        Only those that stand before the trade ``before``, and were executed before ``to_ms``.
        """
        trades = self._days.get((code, day), [])
        end = len(trades)
        if to_ms is not None:
            end = bisect_left(trades, to_ms, key=_executed_ms)
        if before is not None:
            end = min(end, _place(trades, before))
        return trades[max(0, end - count) : end][::-1]


def _place(trades: list[Trade], trade: Trade) -> int:
    """How many of ``trades`` stand before ``trade``: none or all, if it is of an earlier or later day."""
    first = bisect_left(trades, trade.trade_timestamp, key=_executed_ms)
    last = bisect_right(trades, trade.trade_timestamp, key=_executed_ms)
    # Several trades share a millisecond, and their ids do not give the order: only the tape does.
    return next((i for i in range(first, last) if trades[i] is trade), first)
