"""Which requests bring the trades of a gap, and what their answers are worth.

Owns the walk over ``GET /v1/trades/ticks``, which answers one UTC day, newest first, at most 500 a call: pieces
ascending in time, each walked backwards and handed out oldest first. Must not know who asks, how long an answer takes
or what a row looks like beyond its time and id. All times are ms since the epoch by the exchange's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from upbit_stream.errors import MalformedMessage
from upbit_stream.session.slices import Pace

DAYS_BACK = 7  # beside today
PAGE = 500
_SECOND_MS, _DAY_MS = 1_000, 86_400_000
_MOST_PAGES = 16  # held at a time: 8,000 rows
_MOST_PAGES_A_SECOND = 400  # where a piece cannot be made shorter: 200,000 trades in a second are none
_CLOCK_DOUBT_MS = 2_000  # the exchange tells its time in whole seconds, and an answer was on its way
# Real traffic holds trades that are dated a second before the one they follow.
_DISORDER_MS = 2_000
_MOST_USELESS = 5
_MOST_NEAR_MIDNIGHT = 64  # at the ten requests a second that are allowed, more than the doubt lasts


class TradeLike(Protocol):
    """What is needed of a row."""

    @property
    def timestamp(self) -> int:
        """When it was executed, in ms since the epoch."""

    @property
    def sequential_id(self) -> int:
        """Unique; does not give the order."""


Row = TypeVar("Row", bound=TradeLike)


@dataclass(frozen=True, slots=True)
class TradesRequest:
    """The parameters of one request. ``days_ago`` 0 is today and not sent; ``to`` is HHmmss, exclusive."""

    days_ago: int
    to: str | None
    cursor: int | None
    count: int = PAGE


@dataclass(slots=True)
class _Walk(Generic[Row]):
    """One piece of one UTC day, ``end_ms`` exclusive, walked from its end to its start."""

    start_ms: int
    end_ms: int
    bound_ms: int | None = None  # ``to`` as a moment
    cursor: int | None = None
    oldest_ms: int | None = None
    pages: int = 0
    page_ms: int = 0  # how much of the tape the newest page covers
    rows: list[Row] = field(default_factory=list)  # newest first
    ids: set[int] = field(default_factory=set)

    @property
    def day(self) -> int:
        return self.start_ms // _DAY_MS

    @property
    def covered_ms(self) -> int:
        return self.rows[0].timestamp - self.rows[-1].timestamp if self.rows else 0

    def take(self, rows: Sequence[Row], count: int, floor_id: int | None) -> bool:
        """Take one page in; say whether nothing more of this piece is to come."""
        self.pages += 1
        self.page_ms = rows[0].timestamp - rows[-1].timestamp if rows else 0
        progress = False
        for row in rows:
            if row.sequential_id in self.ids:
                continue
            self._check(row)
            self.ids.add(row.sequential_id)
            self.cursor, progress = row.sequential_id, True
            if row.sequential_id == floor_id or row.timestamp < self.start_ms - _DISORDER_MS:
                return True
            if self.start_ms <= row.timestamp < self.end_ms:
                self.rows.append(row)
        if len(rows) < count:
            return True
        if not progress:
            raise MalformedMessage("a page of trades holds nothing but trades of the pages before it")
        return False

    def _check(self, row: Row) -> None:
        if self.oldest_ms is not None and row.timestamp > self.oldest_ms + _DISORDER_MS:
            raise MalformedMessage("a page of trades does not go back in time")
        if self.bound_ms is not None and row.timestamp >= self.bound_ms + _SECOND_MS:
            raise MalformedMessage("a page of trades reaches beyond the time that was asked for")
        self.oldest_ms = row.timestamp if self.oldest_ms is None else min(self.oldest_ms, row.timestamp)


class TradeBackfill(Generic[Row]):
    """All trades of one market executed from ``from_ms`` to ``to_ms``, both included.

    Ask what `next_request` says, give the answer to `take`, until there is no next request. ``to_ms`` lies not after
    the exchange's present. The trade ``floor_id`` and those before it on the tape are not wanted; it was executed at
    ``from_ms`` or shortly after, so that it lies in the first piece.

    Rows are handed out in order of execution, each once; how many are held does not depend on the length of the gap.
    Several trades share a ms, and a day ends while it is paged through: neither loses or repeats one.

    >>> backfill = TradeBackfill(1_790_000_000_000, 1_790_000_005_000, now_ms=1_790_000_006_000)
    >>> request = backfill.next_request(1_790_000_006_000)
    >>> request
    TradesRequest(days_ago=0, to=None, cursor=None, count=500)
    >>> backfill.take(request, [], 1_790_000_006_000), backfill.next_request(1_790_000_006_000)
    ([], None)
    """

    def __init__(self, from_ms: int, to_ms: int, *, now_ms: int, floor_id: int | None = None) -> None:
        self.reached_ms = from_ms
        """Everything before it was handed out, or is lost: a new backfill may start from here."""
        self.lost_before_ms: int | None = None
        """Trades before this moment are older than the exchange keeps; None: nothing is out of reach."""
        self._end_ms = to_ms + 1
        self._floor_id = floor_id
        self._pace = Pace(least_ms=_SECOND_MS, most_ms=_DAY_MS, most_pages=_MOST_PAGES)
        self._walk: _Walk[Row] | None = None
        self._asked_ms = now_ms
        self._useless = 0
        self._leave_what_is_gone(now_ms)

    def next_request(self, now_ms: int) -> TradesRequest | None:
        """What to ask next; None: there is nothing more to ask for. The same again until its answer was taken."""
        self._leave_what_is_gone(now_ms)
        if self.reached_ms >= self._end_ms:
            return None
        days_ago = now_ms // _DAY_MS - self.reached_ms // _DAY_MS
        if days_ago < -1 or (days_ago == -1 and not _near_midnight(now_ms)):
            return None  # a day to come
        if self._walk is None:
            self._walk = _Walk(self.reached_ms, self._piece_end_ms())
        walk = self._walk
        self._asked_ms = now_ms
        if walk.cursor is None:
            walk.bound_ms = self._bound_ms(walk, now_ms)
        to = None if walk.bound_ms is None or walk.cursor is not None else _time_of_day(walk.bound_ms)
        return TradesRequest(max(0, days_ago), to, walk.cursor)

    def take(self, request: TradesRequest, rows: Sequence[Row], now_ms: int) -> list[Row]:
        """The answer to the request: gives the rows that are complete now, in order of execution.

        ``now_ms`` is the exchange's time of the answer. Raises `MalformedMessage` for answers that make no sense.
        """
        walk = self._walk
        if walk is None or not self._is_of_its_day(walk, rows, now_ms):
            return []
        if walk.take(rows, request.count, self._floor_id):
            self._pace.took(walk.pages)
            self._walk = None
            self.reached_ms = walk.end_ms
            return walk.rows[::-1]
        if walk.pages >= _MOST_PAGES:
            self._shorten(walk)
        return []

    def _leave_what_is_gone(self, now_ms: int) -> None:
        oldest_ms = (now_ms // _DAY_MS - DAYS_BACK) * _DAY_MS
        if self.reached_ms < min(oldest_ms, self._end_ms):
            self.lost_before_ms = oldest_ms
            self.reached_ms = min(oldest_ms, self._end_ms)
            self._walk = None

    def _piece_end_ms(self) -> int:
        start_ms = self.reached_ms
        # On a whole second, which is what ``to`` can say.
        end_ms = -(-(start_ms + self._pace.length_ms) // _SECOND_MS) * _SECOND_MS
        return min(end_ms, (start_ms // _DAY_MS + 1) * _DAY_MS, self._end_ms)

    def _bound_ms(self, walk: _Walk[Row], now_ms: int) -> int | None:
        bound_ms = -(-walk.end_ms // _SECOND_MS) * _SECOND_MS
        if bound_ms % _DAY_MS == 0 or bound_ms > now_ms - _CLOCK_DOUBT_MS:
            return None  # the end of the day, or the present: nothing lies behind it
        return bound_ms

    def _is_of_its_day(self, walk: _Walk[Row], rows: Sequence[Row], now_ms: int) -> bool:
        # ``days_ago`` counts from a midnight that may have passed on the way. Rows tell their day; where there are
        # none, only an answer from the middle of a day can be relied on.
        moved = now_ms // _DAY_MS != self._asked_ms // _DAY_MS
        in_doubt = moved or _near_midnight(now_ms) or _near_midnight(self._asked_ms)
        if all(row.timestamp // _DAY_MS == walk.day for row in rows) if rows else not in_doubt:
            self._useless = 0
            return True
        self._useless += 1
        if self._useless >= (_MOST_NEAR_MIDNIGHT if in_doubt else _MOST_USELESS):
            raise MalformedMessage("the trades of another day were sent, again and again")
        return False

    def _shorten(self, walk: _Walk[Row]) -> None:
        self._pace.too_long(walk.covered_ms, walk.page_ms)
        if self._piece_end_ms() < walk.end_ms:
            self._walk = None
        elif walk.pages >= _MOST_PAGES_A_SECOND:
            raise MalformedMessage("the trades of one second have no end")


def _near_midnight(now_ms: int) -> bool:
    return (now_ms + _CLOCK_DOUBT_MS) % _DAY_MS <= 2 * _CLOCK_DOUBT_MS


def _time_of_day(at_ms: int) -> str:
    seconds = at_ms % _DAY_MS // _SECOND_MS
    return f"{seconds // 3600:02}{seconds // 60 % 60:02}{seconds % 60:02}"
