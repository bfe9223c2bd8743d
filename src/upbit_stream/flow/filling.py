"""What a job asks the exchange for, and what of the answer is missing: trades, candles, orders, balances.

Overlaps are generous and a second look is taken where an answer does not join what was received: at the edges time
decides nothing, ids do.

Owns these four. Knows nothing of queues and failures.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from upbit_stream.flow.continuity import Continuity
from upbit_stream.flow.hub import Hub
from upbit_stream.flow.job import Job
from upbit_stream.flow.recovery import Recovery
from upbit_stream.net.environment import Environment
from upbit_stream.net.rest import MOST_CLOSED_ORDERS, Page, Rest
from upbit_stream.session.account import OVERLAP_MS as ACCOUNT_OVERLAP_MS
from upbit_stream.session.account import Balances, Orders
from upbit_stream.session.candle_backfill import CandleBackfill
from upbit_stream.session.trade_backfill import TradeBackfill
from upbit_stream.wire.rest import CandleRow, OrderRow, TradeRow, assets_payload

OVERLAP_MS = 60_000  # before a gap: what was late when the connection was lost
AFTER_MS = 5_000  # after it: the clocks differ, and an answer tells its time in whole seconds
# After the end of a gap. REST may be behind the stream: where the first answer does not join it, a later one will.
LOOKS_S = (1.0, 4.0, 10.0)
_AGAIN_MS = 15_000  # how far a later look goes back
_WINDOW_MS = 7 * 86_400_000  # closed orders are told for so long a time in one request
_LEAST_WINDOW_MS = 1_000
_NS = 1_000_000_000

# Fetches what is missing since a moment (None: since the job's own), and says whether it joined what was received.
Look: TypeAlias = Callable[[Job, int | None], Awaitable[bool]]


class Filling:
    """Does the jobs of a `Recovery`. ``simple`` says under which names messages are made."""

    def __init__(
        self,
        recovery: Recovery,
        continuity: Continuity,
        *,
        orders: Orders,
        balances: Balances,
        simple: bool,
        unique: Callable[[], str],
    ) -> None:
        self._recovery = recovery
        self._ledger = continuity.ledger
        self._candles = continuity.candles
        self._orders = orders
        self._balances = balances
        self._simple = simple
        self._unique = unique
        self._knows_the_time = False

    @classmethod
    def begin(cls, hub: Hub, rest: Rest, environment: Environment, *, simple: bool, audit_s: float | None) -> Recovery:
        """A recovery of what the hub misses, which does its jobs this way."""
        continuity = hub.continuity
        recovery = Recovery(
            rest,
            hub,
            clock=environment.clock,
            chance=environment.chance,
            next_number=continuity.next_number,
            audit_s=audit_s,
            covered=continuity.covered,
            known_since_ns=lambda: continuity.ledger.complete_since_ns,
            floor_of=continuity.floors.of,
        )
        orders, balances = Orders(), Balances()
        continuity.watch("myOrder", orders.seen)
        continuity.watch("myAsset", balances.seen)
        continuity.recoverer = recovery
        unique = environment.chance.unique
        recovery.fill = cls(recovery, continuity, orders=orders, balances=balances, simple=simple, unique=unique).fill
        return recovery

    async def fill(self, job: Job) -> None:
        """Do one job. Raises `RequestFailed` where it can't be done, `MalformedMessage` for answers without sense."""
        if job.is_baseline:
            await (self._first_orders(job) if job.kind == "myOrder" else self._first_balances(job))
        elif job.kind == "trade":
            await self._look(job, self._trades)
        elif job.kind == "myOrder":
            await self._look(job, self._changed_orders)
        elif job.kind == "myAsset":
            await self._look(job, self._changed_balances)
        else:
            await self._look(job, self._periods)

    async def _look(self, job: Job, look: Look) -> None:
        """Look until the answer joins what was received, or until it can be expected to be complete."""
        since_ms = None
        for after_s in LOOKS_S:
            until_ns = job.until_ns
            await self._recovery.until(until_ns + int(after_s * _NS))
            is_last = self._recovery.now_ns >= until_ns + int(LOOKS_S[-1] * _NS)
            if await look(job, since_ms) or is_last:
                return
            since_ms = self._recovery.exchange_ms(until_ns) - _AGAIN_MS

    async def _know_the_time(self, code: str) -> None:
        """Our clock may be wrong by hours: the first answer tells the exchange's time."""
        if not self._knows_the_time:
            await self._recovery.ask(lambda rest: rest.trades(code, count=1))
            self._knows_the_time = True

    def _begin_ms(self, job: Job) -> int:
        """When the gap began, by the exchange's clock."""
        begin_ms = self._recovery.exchange_ms(job.begin_ns)
        return min(begin_ms, job.since_ms) if job.since_ms else begin_ms

    # trades

    async def _trades(self, job: Job, since_ms: int | None) -> bool:
        await self._know_the_time(job.code)
        recovery = self._recovery
        from_ms, floor_id = self._from(job)
        if since_ms is not None and since_ms > from_ms:
            from_ms, floor_id = since_ms, None
        to_ms = min(recovery.exchange_ms(job.until_ns) + AFTER_MS, recovery.now_ms)
        plan: TradeBackfill[TradeRow] = TradeBackfill(from_ms, to_ms, now_ms=recovery.now_ms, floor_id=floor_id)
        joined = False
        while (request := plan.next_request(recovery.now_ms)) is not None:
            asked = request
            page = await recovery.ask(
                lambda rest, asked=asked: rest.trades(  # type: ignore[misc]  # mypy infers no lambda with a default
                    job.code, days_ago=asked.days_ago, to=asked.to, cursor=asked.cursor, count=asked.count
                )
            )
            missing, times_ms = [], []
            for row in plan.take(asked, page.rows, page.at_ms):
                joined = joined or row.sequential_id == job.joins
                if not self._ledger.received(job.code, row.sequential_id) and row.sequential_id not in job.known:
                    missing.append(row.payload(self._simple))
                    times_ms.append(row.timestamp)
            await recovery.put_back(job, missing, times_ms)
        if plan.lost_before_ms is not None:
            job.lost = f"the exchange keeps seven days: what was traded before {plan.lost_before_ms} ms is gone"
        return joined

    def _from(self, job: Job) -> tuple[int, int | None]:
        """The moment from which trades are wanted, and the last one that is not."""
        from_ms = self._begin_ms(job) - OVERLAP_MS
        floor = job.floor
        if floor is None:
            return from_ms, None
        if not floor.trade_id:
            return max(from_ms, self._recovery.exchange_ms(floor.subscribed_ns)), None
        return (floor.executed_ms, floor.trade_id) if floor.executed_ms >= from_ms else (from_ms, None)

    # candles

    async def _periods(self, job: Job, since_ms: int | None) -> bool:
        await self._know_the_time(job.code)
        recovery = self._recovery
        unit = job.kind.partition(".")[2]
        from_ms = since_ms or self._begin_ms(job) - OVERLAP_MS
        to_ms = min(recovery.exchange_ms(job.until_ns) + AFTER_MS, recovery.now_ms)
        plan: CandleBackfill[CandleRow] = CandleBackfill(unit, from_ms, to_ms, now_ms=recovery.now_ms)
        known = self._candles.newest(job.kind, job.code)
        joined = False
        while (request := plan.next_request(recovery.now_ms)) is not None:
            asked = request
            page = await recovery.ask(
                lambda rest, asked=asked: rest.candles(unit, job.code, to_ms=asked.to_ms, count=asked.count)  # type: ignore[misc]  # as above
            )
            news = []
            for row in plan.take(asked, page.rows, page.at_ms):
                start, state = row.candle_date_time_utc, (row.timestamp, row.volume)
                joined = joined or (known is not None and start >= known)
                if self._is_wanted(job, row) and self._candles.is_news(job.kind, job.code, start, state):
                    news.append(row.payload(unit, self._simple))
            await recovery.put_back(job, news)
        if plan.lost_before_ms is not None:
            job.lost = f"candles of seconds are kept for 90 days: before {plan.lost_before_ms} ms they are gone"
        return joined

    def _is_wanted(self, job: Job, row: CandleRow) -> bool:
        """A candle from before the first one that was received is nobody's loss, nor one that was over before its type
        was subscribed.
        """
        first = self._candles.first(job.kind, job.code)
        if first is not None:
            return row.candle_date_time_utc >= first
        began_ns = self._recovery.began_ns(job.key)
        return began_ns is None or row.timestamp >= self._recovery.exchange_ms(began_ns)

    # the account

    async def _first_orders(self, job: Job) -> None:
        page = await self._recovery.ask(lambda rest: rest.open_orders())
        if self._recovery.is_only(job):
            self._orders.baseline(self._of(job, page.rows), page.at_ms)

    async def _first_balances(self, job: Job) -> None:
        page = await self._recovery.ask(lambda rest: rest.balances())
        if self._recovery.is_only(job):
            self._balances.baseline(page.rows)

    async def _changed_orders(self, job: Job, since_ms: int | None) -> bool:  # orders know their progress
        recovery = self._recovery
        opened = await recovery.ask(lambda rest: rest.open_orders())
        since_ms = self._begin_ms(job)
        closed = await self._closed_orders(job, since_ms - ACCOUNT_OVERLAP_MS, recovery.now_ms)
        named: list[OrderRow] = []
        if missing := self._orders.missing(opened.rows, closed):
            page = await recovery.ask(lambda rest: rest.orders(missing))
            named = list(page.rows)
            self._orders.forget(set(missing) - {row.uuid for row in named})
        news = self._orders.changed(self._of(job, opened.rows), self._of(job, [*closed, *named]), since_ms)
        await recovery.put_back(job, [row.payload(opened.at_ms, self._simple) for row in news])
        return False

    async def _closed_orders(self, job: Job, from_ms: int, to_ms: int) -> list[OrderRow]:
        """Newest first, as the exchange tells them; a window that is full is asked for in halves."""
        rows: list[OrderRow] = []
        windows = [(begin, min(to_ms, begin + _WINDOW_MS)) for begin in range(from_ms, to_ms, _WINDOW_MS)][::-1]
        while windows:
            window = windows.pop()
            page = await self._recovery.ask(functools.partial(_closed, window))
            begin_ms, end_ms = window
            if len(page.rows) < MOST_CLOSED_ORDERS:
                rows = [*page.rows, *rows]
            elif end_ms - begin_ms > _LEAST_WINDOW_MS:
                middle_ms = (begin_ms + end_ms) // 2
                windows += [(middle_ms, end_ms), (begin_ms, middle_ms)]
            else:
                rows = [*page.rows, *rows]
                job.lost = f"more than {MOST_CLOSED_ORDERS} orders were placed within a second: not all are told"
        return rows

    def _of(self, job: Job, rows: Sequence[OrderRow]) -> list[OrderRow]:
        return [row for row in rows if job.code in ("", row.market)]

    async def _changed_balances(self, job: Job, since_ms: int | None) -> bool:  # noqa: ARG002  # the newest balance counts
        asked_ns = self._recovery.now_ns
        page = await self._recovery.ask(lambda rest: rest.balances())
        rows = self._balances.changed(page.rows, asked_ns)
        if rows:
            await self._recovery.put_back(job, [assets_payload(rows, self._unique(), page.at_ms, self._simple)])
        return False


def _closed(window: tuple[int, int], rest: Rest) -> Awaitable[Page[OrderRow]]:
    return rest.closed_orders(start_ms=window[0], end_ms=window[1])
