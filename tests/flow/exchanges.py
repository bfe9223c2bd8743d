"""What the tests of filling share: a small exchange that answers over REST, and a hub that misses things."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
from tests.flow.gaps import START_NS, at, time_ns

from upbit_stream.errors import RequestFailed
from upbit_stream.flow.filling import Filling
from upbit_stream.flow.hub import Hub
from upbit_stream.model.events import Event, Gap
from upbit_stream.net.clock import Chance, Clock
from upbit_stream.net.environment import Environment
from upbit_stream.net.rest import Page
from upbit_stream.wire.rest import BalanceRow, CandleRow, OrderRow, TradeRow

DAY_MS = 86_400_000
NUMBER = msgspec.Raw(b"1")
BTC = "SGD-BTC"
START_MS = START_NS // 1_000_000


def moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, UTC)


def trade_row(trade_id: int, at_ms: int) -> TradeRow:
    return TradeRow(
        market=BTC,
        sequential_id=trade_id,
        timestamp=at_ms,
        trade_price=NUMBER,
        trade_volume=NUMBER,
        ask_bid="ASK",
        trade_date_utc=f"{moment(at_ms):%Y-%m-%d}",
        trade_time_utc=f"{moment(at_ms):%H:%M:%S}",
    )


def candle_row(start_ms: int, at_ms: int, volume: float = 1.0) -> CandleRow:
    start = f"{moment(start_ms):%Y-%m-%dT%H:%M:%S}"
    return CandleRow(
        market=BTC,
        candle_date_time_utc=start,
        candle_date_time_kst=start,
        opening_price=NUMBER,
        high_price=NUMBER,
        low_price=NUMBER,
        trade_price=NUMBER,
        timestamp=at_ms,
        candle_acc_trade_price=NUMBER,
        candle_acc_trade_volume=msgspec.Raw(b"%r" % volume),
    )


def order_row(uuid: str, placed_ms: int, state: str = "wait", executed: str = "0", market: str = BTC) -> OrderRow:
    return OrderRow(
        uuid=uuid,
        side="bid",
        ord_type="limit",
        state=state,
        market=market,
        created_at=f"{moment(placed_ms):%Y-%m-%dT%H:%M:%S}+00:00",
        paid_fee=Decimal(0),
        locked=Decimal(0),
        executed_volume=Decimal(executed),
        trades_count=0,
    )


def balance_row(currency: str, balance: str) -> BalanceRow:
    return BalanceRow(currency=currency, balance=Decimal(balance), locked=Decimal(0))


class Rest:
    """The exchange's clock is ``off_ms`` ahead of ours, which is known with the first answer. What it has can be set
    at any time; ``behind_ms``: so much of the newest it does not tell yet.
    """

    def __init__(self) -> None:
        self.off_ms = 0
        self.offset_ms = 0
        self.behind_ms = 0
        self.is_down = False
        self.asked: list[Any] = []
        self.tape: list[TradeRow] = []
        self.periods: list[CandleRow] = []
        self.open: list[OrderRow] = []
        self.closed: list[OrderRow] = []
        self.others: list[OrderRow] = []
        self.balance: list[BalanceRow] = []

    def now_ms(self) -> int:
        return time_ns() // 1_000_000 + self.off_ms

    def page(self, rows: Any, *asked: Any) -> Page[Any]:
        if self.is_down:
            raise RequestFailed("no answer")
        self.asked.append((round((time_ns() // 1_000_000 - 1_760_000_000_000) / 1_000, 1), *asked))
        self.offset_ms = self.off_ms
        return Page(tuple(rows), self.now_ms())

    async def trades(self, market, *, days_ago=0, to=None, cursor=None, count=500):
        day = self.now_ms() // DAY_MS - days_ago
        told = [row for row in self.tape if row.timestamp // DAY_MS == day]
        told = [row for row in told if row.timestamp <= self.now_ms() - self.behind_ms]
        if cursor is not None:
            place = [row.sequential_id for row in told].index(cursor)
            told = told[:place]
        elif to is not None:
            told = [row for row in told if f"{moment(row.timestamp):%H%M%S}" < to]
        return self.page(told[::-1][:count], "trades", market, count)

    async def candles(self, unit, market, *, to_ms, count=200):
        told = [row for row in self.periods if to_ms is None or row.start_ms < to_ms]
        return self.page(told[::-1][:count], "candles", unit, market)

    async def open_orders(self):
        return self.page(self.open, "open")

    async def closed_orders(self, *, start_ms, end_ms):
        told = [row for row in self.closed if start_ms <= row.created_ms < end_ms]
        return self.page(told[::-1], "closed", start_ms, end_ms)

    async def orders(self, uuids):
        return self.page([row for row in self.others if row.uuid in uuids], "orders", tuple(uuids))

    async def balances(self):
        return self.page(self.balance, "balances")

    async def close(self):
        pass


class Floor:
    """A hub with a recovery on that exchange; all that consumers get, in one list."""

    def __init__(self, wire_format: str = "DEFAULT", **options: Any) -> None:
        loop = asyncio.get_running_loop()
        self.rest = Rest()
        self.held: list[bool] = []
        self.hub = Hub(
            wire_format=wire_format,
            exact=False,
            time_ns=time_ns,
            hold=self.held.append,
            fail=lambda error: None,
            tells_apart=True,
            **options,
        )
        environment = Environment(
            clock=Clock(time_ns=time_ns, monotonic=loop.time),
            chance=Chance(random=Random(1), unique=lambda: "a-uuid"),
        )
        self.recovery = Filling.begin(
            self.hub,
            self.rest,
            environment,
            simple=wire_format.startswith("SIMPLE"),
            audit_s=None,
        )
        self.continuity = self.hub.continuity
        self.out: list[Any] = []
        self.hub.on("message", self.out.append)
        self.hub.on("event", self.out.append)

    def messages(self) -> list[Any]:
        return [item for item in self.out if not isinstance(item, Event)]

    def ids(self) -> list[int]:
        """Of the trades that came."""
        return [message.sequential_id for message in self.messages()]

    def events(self) -> list[str]:
        return [item.type for item in self.out if isinstance(item, Event)]


def ms(seconds):
    return START_MS + round(seconds * 1_000)


def gap(kind="trade", from_s=100.0, to_s=130.0, code=BTC, number=1):
    return Gap(
        at_ns=at(to_s), number=number, message_type=kind, code=code, from_ns=at(from_s), to_ns=at(to_s), reason="lost"
    )


async def recovered(floor, *gaps, known=(), joins=0):
    """Tell these gaps at the end of the last, and wait for what becomes of them."""
    now_s = (floor.recovery.now_ns - START_NS) / 1e9
    await asyncio.sleep(gaps[-1].to_ns / 1e9 - START_NS / 1e9 - now_s)
    for one in gaps:
        floor.recovery.recover(one, known=known, joins=joins)
    await floor.recovery.settled()


def tape(*seconds, first=1, off_ms=0):
    """Trades, numbered from the first, at these moments of our clock."""
    return [trade_row(first + number, ms(at_s) + off_ms) for number, at_s in enumerate(seconds)]


def trades_asked(floor):
    """The times of the requests for trades, without the one that asks for the time."""
    return [asked[0] for asked in floor.rest.asked if asked[1] == "trades" and asked[3] > 1]
