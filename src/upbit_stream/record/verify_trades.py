"""The trades of a file beside those of the exchange: which are missing, invented or altered.

Owns the comparison, an hour at a time. Gets the exchange's trades handed in; knows nothing of how they are fetched.
"""

from __future__ import annotations

from collections.abc import Sequence

from upbit_stream.record.verify_ids import HOUR_MS, TradeIds, content_of
from upbit_stream.record.verify_report import Compared, ExchangeTrade, InventedTrade, Tally
from upbit_stream.wire.rest import TradeRow


class Comparison:
    """Compares ``ids`` with what `take` is given: the exchange's trades from ``ids.first_ms`` to ``ids.last_ms``.

    The file's span is from its first trade to its last, by their places on the exchange's tape: what the exchange has
    between and the file has not is missing. ``limit`` bounds how much is named; None names all.

        comparison = Comparison(ids, limit=20)
        comparison.leave_before(oldest_kept_ms)
        comparison.take(rows, reached_ms)  # rows in the order of the tape, all of them before reached_ms
        found = comparison.finish()
    """

    def __init__(self, ids: TradeIds, *, limit: int | None) -> None:
        self._ids = ids
        self._limit = limit
        self._kept_from_ms: int | None = None
        self._unchecked = 0
        self._has_begun = False
        self._closed_before = 0  # hours since the epoch
        self._waiting = ids.hours()[::-1]
        self._left: dict[int, dict[int, int]] = {}  # by hour: the trades of the file that were not seen yet
        self._missing: Tally[ExchangeTrade] = Tally(limit)
        self._invented: Tally[InventedTrade] = Tally(limit)
        self._altered: Tally[ExchangeTrade] = Tally(limit)
        self._perhaps_missing: Tally[ExchangeTrade] = Tally(limit)  # until one follows that the file has

    def leave_before(self, kept_from_ms: int | None) -> None:
        """The exchange keeps no trades from before ``kept_from_ms``: those of the file cannot be looked for.

        What it keeps is within the span then, also before the first trade that both have.
        """
        if kept_from_ms is None:
            return
        self._kept_from_ms = kept_from_ms
        while self._waiting and self._waiting[-1] < kept_from_ms // HOUR_MS:
            hour = self._waiting.pop()
            left = self._left.pop(hour, None)
            self._unchecked += self._ids.count_of_hour(hour) if left is None else len(left)
            self._has_begun = True

    def take(self, rows: Sequence[TradeRow], reached_ms: int) -> None:
        """The exchange's next trades. None that was executed before ``reached_ms`` is to come any more."""
        for row in rows:
            content = self._opened(row.timestamp // HOUR_MS).pop(row.sequential_id, None)
            if content is None:
                if self._has_begun:
                    self._perhaps_missing.add(_told(row))
                continue
            self._has_begun = True
            if self._perhaps_missing:
                self._missing.merge(self._perhaps_missing)
                self._perhaps_missing = Tally(self._limit)
            price, volume = float(bytes(row.trade_price)), float(bytes(row.trade_volume))
            if content != content_of(row.timestamp, price, volume, row.ask_bid):
                self._altered.add(_told(row))
        self._close_before(reached_ms // HOUR_MS)

    def finish(self) -> Compared:
        """What was found, when all that the exchange has was taken."""
        self._close_before(None)
        return self._found("")

    def give_up(self, reason: str) -> Compared:
        """What was found until the exchange could not be asked any more."""
        return self._found(reason)

    def _opened(self, hour: int) -> dict[int, int]:
        # Trades may be dated a second before those they follow, so the hour before may still be open.
        if hour < self._closed_before:
            return {}
        if hour not in self._left:
            self._left[hour] = self._ids.of_hour(hour)
        return self._left[hour]

    def _close_before(self, end: int | None) -> None:
        """Whatever is left of the hours before ``end`` (None: of all), the exchange does not know."""
        while self._waiting and (end is None or self._waiting[-1] < end):
            hour = self._waiting.pop()
            for sequential_id in self._opened(hour):
                self._invented.add(InventedTrade(sequential_id, hour * HOUR_MS))
            self._left.pop(hour, None)
        if end is not None and end > self._closed_before:
            self._closed_before = end
            for hour in [hour for hour in self._left if hour < end]:
                del self._left[hour]

    def _found(self, failed: str) -> Compared:
        # Only where it was given up there are some.
        still_waiting = sum(self._ids.count_of_hour(hour) for hour in self._waiting)
        return Compared(
            from_ms=self._ids.first_ms,
            to_ms=self._ids.last_ms,
            checked=len(self._ids) - self._unchecked - still_waiting,
            unchecked=self._unchecked + still_waiting,
            kept_from_ms=self._kept_from_ms if self._unchecked else None,
            missing=self._missing,
            invented=self._invented,
            altered=self._altered,
            failed=failed,
        )


def _told(row: TradeRow) -> ExchangeTrade:
    return ExchangeTrade(
        sequential_id=row.sequential_id,
        trade_timestamp=row.timestamp,
        trade_price=bytes(row.trade_price).decode(),
        trade_volume=bytes(row.trade_volume).decode(),
        ask_bid=row.ask_bid,
    )
