"""The course of asking the exchange for the trades of a file.

Owns that order: which piece next, and when to try again. Knows nothing of what is compared, nor of what is shown.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from upbit_stream.errors import MalformedMessage, RequestFailed
from upbit_stream.record.verify_trades import Comparison
from upbit_stream.session.trade_backfill import TradeBackfill, TradesRequest

if TYPE_CHECKING:
    from upbit_stream.net.rest import Page, Rest
    from upbit_stream.record.verify_ids import TradeIds
    from upbit_stream.record.verify_report import Compared
    from upbit_stream.wire.rest import TradeRow

_log = logging.getLogger(__name__)

WAITS_S: Final = (1.0, 2.0, 5.0, 10.0, 20.0)  # between attempts that failed in a row
_SETTLED_MS: Final = 3_000  # REST may tell of a trade a moment later than the stream


async def compare(
    rest: Rest,
    market: str,
    ids: TradeIds,
    *,
    limit: int | None,
    now_ms: Callable[[], int],
    on_time: Callable[[int], object] = lambda _: None,
    waits_s: Sequence[float] = WAITS_S,
) -> Compared:
    """Compare the trades of one file with those of the exchange; ``on_time`` is told how many ms are covered.

    ``now_ms`` is our clock. A request that failed is tried again after each of ``waits_s``; what fails for good
    is told in ``Compared.failed``.
    """
    comparison = Comparison(ids, limit=limit)
    try:
        await _walk(rest, market, ids, comparison, now_ms, on_time, waits_s)
    except (RequestFailed, MalformedMessage) as error:
        return comparison.give_up(str(error))
    return comparison.finish()


async def _walk(
    rest: Rest,
    market: str,
    ids: TradeIds,
    comparison: Comparison,
    now_ms: Callable[[], int],
    on_time: Callable[[int], object],
    waits_s: Sequence[float],
) -> None:
    def there_ms() -> int:
        return now_ms() + rest.offset_ms

    await _ask(rest, market, TradesRequest(0, None, None, 1), waits_s)  # tells the exchange's clock
    await asyncio.sleep(max(0, min(ids.last_ms + _SETTLED_MS - there_ms(), _SETTLED_MS)) / 1000)
    end_ms = min(ids.last_ms, there_ms())
    backfill: TradeBackfill[TradeRow] = TradeBackfill(ids.first_ms, end_ms, now_ms=there_ms())
    while (request := backfill.next_request(there_ms())) is not None:
        comparison.leave_before(backfill.lost_before_ms)
        page = await _ask(rest, market, request, waits_s)
        rows = backfill.take(request, page.rows, page.at_ms)
        comparison.take(rows, backfill.reached_ms)
        on_time(backfill.reached_ms - ids.first_ms)
    comparison.leave_before(backfill.lost_before_ms)


async def _ask(rest: Rest, market: str, request: TradesRequest, waits_s: Sequence[float]) -> Page[TradeRow]:
    waits = iter(waits_s)
    while True:
        try:
            return await rest.trades(
                market, days_ago=request.days_ago, to=request.to, cursor=request.cursor, count=request.count
            )
        except RequestFailed as error:
            wait_s = None if error.is_final else next(waits, None)
            if wait_s is None:
                raise
            _log.info("%s; trying again in %g s", error, wait_s)
        await asyncio.sleep(wait_s)
