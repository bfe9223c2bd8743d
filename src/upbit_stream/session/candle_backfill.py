"""Which requests bring the candles of a gap, and what their answers are worth.

Owns the walk over ``GET /v1/candles/…``, which answers newest first, at most 200 a call: pieces ascending in time, each
walked backwards and handed out oldest first. Must not know who asks, or what a row looks like beyond its start. All
times are ms since the epoch by the exchange's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from upbit_stream.errors import MalformedMessage, UsageError
from upbit_stream.model.subscription import CANDLE_UNITS
from upbit_stream.session.slices import Pace

PAGE = 200
SECONDS_KEPT_MS = 90 * 86_400_000
"""«Second candles support data up to 3 months prior»; the others have no end."""
_MOST_PAGES = 50  # held at a time: 10,000 rows
_LEAST_PERIODS = _MOST_PAGES * PAGE  # a piece of so many periods cannot hold more

UNIT_MS: Mapping[str, int] = {unit: int(unit[:-1]) * (1_000 if unit[-1] == "s" else 60_000) for unit in CANDLE_UNITS}
"""How long the period of a unit is."""


class CandleLike(Protocol):
    """What is needed of a row."""

    @property
    def start_ms(self) -> int:
        """The begin of its period, in ms since the epoch."""


Row = TypeVar("Row", bound=CandleLike)


@dataclass(frozen=True, slots=True)
class CandlesRequest:
    """The parameters of one request. ``to_ms`` is exclusive."""

    to_ms: int
    count: int = PAGE


@dataclass(slots=True)
class _Walk(Generic[Row]):
    """One piece, from ``start_ms`` to ``end_ms`` (exclusive), walked from its end to its start."""

    start_ms: int
    end_ms: int
    place_ms: int  # candles that begin here or later are known
    pages: int = 0
    page_ms: int = 0  # how much of the time the newest page covers
    rows: list[Row] = field(default_factory=list)  # newest first

    def take(self, rows: Sequence[Row], count: int, unit_ms: int) -> bool:
        """Take one page in; say whether nothing more of this piece is to come."""
        self.pages += 1
        self.page_ms = rows[0].start_ms - rows[-1].start_ms if rows else 0
        before_ms, previous_ms = self.place_ms, None
        for row in rows:
            if row.start_ms % unit_ms or (previous_ms is not None and row.start_ms > previous_ms):
                raise MalformedMessage("a page of candles does not go back in time, period by period")
            previous_ms = row.start_ms
            if row.start_ms >= self.place_ms:
                continue
            self.place_ms = row.start_ms
            if row.start_ms >= self.start_ms:
                self.rows.append(row)
        if len(rows) < count or self.place_ms <= self.start_ms:
            return True
        if self.place_ms == before_ms:
            raise MalformedMessage("a page of candles holds nothing that is older than the page before it")
        return False


class CandleBackfill(Generic[Row]):
    """All candles of one market and unit that begin from the period of ``from_ms`` to ``to_ms``, both included.

    Ask what `next_request` says, give the answer to `take`, until there is no next request. ``to_ms`` lies not after
    the exchange's present. Rows are handed out in ascending order, each once; how many are held does not depend on the
    length of the gap. A candle exists only where a trade fell into its period. Raises `UsageError` for an unknown unit.

    >>> backfill = CandleBackfill("1m", 1_790_000_030_000, 1_790_000_100_000, now_ms=1_790_000_200_000)
    >>> request = backfill.next_request(1_790_000_200_000)
    >>> request
    CandlesRequest(to_ms=1790000160000, count=200)
    >>> backfill.take(request, [], 1_790_000_200_000), backfill.next_request(1_790_000_200_000)
    ([], None)
    """

    def __init__(self, unit: str, from_ms: int, to_ms: int, *, now_ms: int) -> None:
        if unit not in UNIT_MS:
            raise UsageError(f"candles have no unit {unit!r}: it is one of {', '.join(UNIT_MS)}")
        self._unit_ms = length = UNIT_MS[unit]
        self.reached_ms = from_ms - from_ms % length
        """Every candle that begins before it was handed out, or is lost: a new backfill may start from here."""
        self.lost_before_ms: int | None = None
        """Candles that begin before it are older than the exchange keeps; None: nothing is out of reach."""
        self._end_ms = to_ms - to_ms % length + length
        self._kept_ms = SECONDS_KEPT_MS if unit == "1s" else None
        self._pace = Pace(
            least_ms=_LEAST_PERIODS * length, most_ms=self._end_ms - self.reached_ms, most_pages=_MOST_PAGES
        )
        self._walk: _Walk[Row] | None = None
        self._leave_what_is_gone(now_ms)

    def next_request(self, now_ms: int) -> CandlesRequest | None:
        """What to ask next; None: there is nothing more to ask for. The same again until its answer was taken."""
        if self._walk is None:
            self._leave_what_is_gone(now_ms)
            if self.reached_ms >= self._end_ms:
                return None
            end_ms = self._piece_end_ms()
            self._walk = _Walk(self.reached_ms, end_ms, end_ms)
        return CandlesRequest(self._walk.place_ms)

    def take(self, request: CandlesRequest, rows: Sequence[Row], now_ms: int) -> list[Row]:  # noqa: ARG002 - as of trades
        """The answer to the request: gives the rows that are complete now, in ascending order.

        Raises `MalformedMessage` for answers that make no sense.
        """
        walk = self._walk
        if walk is None:
            return []
        if walk.take(rows, request.count, self._unit_ms):
            self._pace.took(walk.pages)
            self._walk = None
            self.reached_ms = walk.end_ms
            return walk.rows[::-1]
        if len(walk.rows) >= _LEAST_PERIODS:
            self._pace.too_long(walk.end_ms - walk.place_ms, walk.page_ms)
            self._walk = None
        return []

    def _leave_what_is_gone(self, now_ms: int) -> None:
        if self._kept_ms is None:
            return
        oldest_ms = now_ms - self._kept_ms
        oldest_ms += -oldest_ms % self._unit_ms
        if self.reached_ms < min(oldest_ms, self._end_ms):
            self.lost_before_ms = oldest_ms
            self.reached_ms = min(oldest_ms, self._end_ms)

    def _piece_end_ms(self) -> int:
        end_ms = self.reached_ms + self._pace.length_ms
        return min(end_ms + -end_ms % self._unit_ms, self._end_ms)
