"""How far back the rows of a file matter to the next run, and what of them it has to know.

Owns these reaches. Gets rows handed in, the newest first, and takes no more of them than it needs. Pure; knows nothing
of files.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from upbit_stream.record.gaps import GapRow
from upbit_stream.record.rows import CandleRow, Row, TradeRow

_MS_NS: Final = 1_000_000
_S_NS: Final = 1_000_000_000
_REACH_NS: Final = 300 * _S_NS
_KEPT_NS: Final = 8 * 86_400 * _S_NS  # the exchange keeps trades for seven UTC days; what is older cannot be filled
_MIN_TRADES: Final = 1000
_MIN_CANDLES: Final = 4
_MAX_CANDLES: Final = 400


class RecentTrades(Struct, frozen=True):
    """``recent``: when the newest trades were received, by id. ``around``: for each gap, the ids received around it."""

    received_at_ns: int
    recent: dict[int, int]
    around: list[frozenset[int]]


def trades_of(rows: Iterable[TradeRow], gaps: Sequence[GapRow]) -> RecentTrades | None:
    """What to know of the trades of one file, or None where there are none.

    Recent is what came within 300 s before the newest live row or later, and 1,000 rows at least. Around a gap is what
    was traded from 300 s before it to 300 s after it.
    """
    reach = _Reach(min((gap.from_ns for gap in gaps), default=None))
    recent: dict[int, int] = {}
    ranges = _Ranges([(gap.from_ns - _REACH_NS, gap.to_ns + _REACH_NS) for gap in gaps])
    for taken, row in enumerate(row for row in rows if row.id):
        at_ns = row.received_at_ns
        reach.take(row)
        if taken >= _MIN_TRADES and reach.is_over(at_ns):
            break
        if taken < _MIN_TRADES or not reach.is_before_recent(at_ns):
            recent.setdefault(row.id, at_ns)
        ranges.take(row.traded_at_ms * _MS_NS, row.id)
    if reach.newest_ns is None:
        return None
    return RecentTrades(reach.live(), recent, ranges.taken())


def candles_of(rows: Iterable[CandleRow]) -> tuple[int, dict[str, tuple[int, float]]] | None:
    """When the newest live row was received, and the newest candles as they were received last; None without any.

    At least 4 candles, those of the last 300 s, and never more than 400.
    """
    reach = _Reach()
    candles: dict[str, tuple[int, float]] = {}
    for row in rows:
        if not row.begin:
            continue
        reach.take(row)
        if len(candles) >= _MIN_CANDLES and reach.is_over(row.received_at_ns):
            break
        candles.setdefault(row.begin, row.state)
        if len(candles) > 2 * _MAX_CANDLES:
            candles = _newest(candles)
    return None if reach.newest_ns is None else (reach.live(), _newest(candles))


def newest_live_of(rows: Iterable[Row]) -> int | None:
    """When the newest live row was received; None without any row."""
    reach = _Reach()
    for row in rows:
        reach.take(row)
        if reach.live_ns is not None or reach.is_over(row.received_at_ns):
            break
    return None if reach.newest_ns is None else reach.live()


def _newest(candles: dict[str, tuple[int, float]]) -> dict[str, tuple[int, float]]:
    return {begin: candles[begin] for begin in sorted(candles)[-_MAX_CANDLES:]}


class _Reach:
    """How far back rows matter: 300 s before the newest live one, and further to where a gap begins."""

    def __init__(self, gap_from_ns: int | None = None) -> None:
        self._gap_from_ns = gap_from_ns
        self._oldest_ns = 0
        self.newest_ns: int | None = None
        self.live_ns: int | None = None

    def take(self, row: Row) -> None:
        at_ns = row.received_at_ns
        if self.newest_ns is None:
            self.newest_ns = self._oldest_ns = at_ns
        self._oldest_ns = min(self._oldest_ns, at_ns)
        if self.live_ns is None and not row.is_recovered:
            self.live_ns = at_ns

    def live(self) -> int:
        """When the stream itself was last seen alive; where all was recovered, the earliest moment that is known."""
        return self._oldest_ns if self.live_ns is None else self.live_ns

    def is_before_recent(self, at_ns: int) -> bool:
        if self.live_ns is None or self.newest_ns is None:
            return False
        # An older row with a much later time: the clock was set back since, and times no longer tell how far it is.
        return at_ns < self.live_ns - _REACH_NS or at_ns > self.newest_ns + _REACH_NS

    def is_over(self, at_ns: int) -> bool:
        """Whether a row received then, and all before it, matter no more."""
        if self.newest_ns is not None and at_ns < self.newest_ns - _KEPT_NS:
            return True
        before_gaps = self._gap_from_ns is None or at_ns < self._gap_from_ns - _REACH_NS
        return before_gaps and self.is_before_recent(at_ns)


class _Ranges:
    """Sorts ids into ranges of time, which may overlap; what falls into none is not kept."""

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self._ranges = ranges
        self._begins: list[int] = []
        self._ends: list[int] = []
        for begin, end in sorted(ranges):
            if self._ends and begin <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._begins.append(begin)
                self._ends.append(end)
        self._kept: list[tuple[int, int]] = []

    def take(self, at_ns: int, id_: int) -> None:
        place = bisect_right(self._begins, at_ns) - 1
        if place >= 0 and at_ns <= self._ends[place]:
            self._kept.append((at_ns, id_))

    def taken(self) -> list[frozenset[int]]:
        """The ids of each range, in the order of the ranges."""
        self._kept.sort()
        times = [at_ns for at_ns, _ in self._kept]
        return [
            frozenset(id_ for _, id_ in self._kept[bisect_left(times, begin) : bisect_right(times, end)])
            for begin, end in self._ranges
        ]
