"""The exchange's own Python package reads every REST endpoint of the stand-in exchange."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from upbit_stream.simulator import DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY, Exchange
from upbit_stream.simulator.book import Side
from upbit_stream.simulator.server import Server

upbit = pytest.importorskip("upbit")

KEYS = {"access_key": DEFAULT_ACCESS_KEY, "secret_key": DEFAULT_SECRET_KEY, "max_retries": 0}
DAY_MS = 86_400_000


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Server]:
    exchange = Exchange(
        start_ms=time.time_ns() // 1_000_000,
        trade_rate=0,
        private_rate=0,
        codes=["SGD-BTC", "KRW-BTC"],
        history_ms=2 * DAY_MS,
        history_rate=0.01,
        **options,
    )
    async with asyncio.timeout(20), Server(exchange) as server:
        yield server


def placed(exchange: Exchange) -> list[str]:
    """Three orders of the account: done, cancelled with a part executed, and open."""
    now_ms = exchange.agenda.now_ms
    sides: tuple[Side, ...] = ("BID", "ASK", "BID")
    done, cancelled, waiting = (
        exchange.place_order(
            DEFAULT_ACCESS_KEY, "SGD-BTC", side, "130000.5", "0.3", now_ms=now_ms, identifier=f"mine & {side} {n}"
        )
        for n, side in enumerate(sides)
    )
    exchange.fill_order(DEFAULT_ACCESS_KEY, done, "0.1", now_ms=now_ms)
    exchange.fill_order(DEFAULT_ACCESS_KEY, done, "0.2", now_ms=now_ms)
    exchange.fill_order(DEFAULT_ACCESS_KEY, cancelled, "0.1", now_ms=now_ms)
    exchange.cancel_order(DEFAULT_ACCESS_KEY, cancelled, now_ms=now_ms)
    return [done, cancelled, waiting]


def checked(told: Any) -> Any:
    """What was told, once each item holds its values against the package's own model."""
    items = told if isinstance(told, list) else [told]
    for item in items:
        type(item).model_validate(item.to_dict(), strict=False)
        assert not set(item.model_extra or {}) - {"executed_funds"}, "the package knows every field"
    return told


def test_the_blocking_client_reads_trades_candles_and_markets() -> None:
    def client(server: Server) -> None:
        api = upbit.Upbit(base_url=server.base_url, **KEYS)
        tape = [trade for trade in server.exchange.tape if trade.code == "SGD-BTC"]
        today = tape[-1].trade_timestamp // DAY_MS
        kept = [trade for trade in tape if trade.trade_timestamp // DAY_MS == today - 1][::-1]
        with api:
            got = checked(api.trades.list(market="SGD-BTC", count=500, days_ago=1))
            assert [trade.sequential_id for trade in got] == [trade.sequential_id for trade in kept][:500]
            assert [Decimal(trade.trade_price) for trade in got] == [trade.price for trade in kept][:500]
            after = checked(api.trades.list(market="SGD-BTC", count=3, days_ago=1, cursor=str(got[4].sequential_id)))
            assert after == got[5:8]
            assert checked(api.trades.list(market="SGD-BTC", count=3, days_ago=1, to="00:00:00")) == []
            for candles in (
                api.candles.list_seconds(market="SGD-BTC", count=5),
                api.candles.list_minutes(240, market="SGD-BTC", count=5, to="2100-01-01T00:00:00+09:00"),
            ):
                assert len(checked(candles)) == 5
            assert candles[0].unit == 240
            (first, second) = checked(api.trading_pairs.list(is_details=True))
            assert (first.market, second.market) == ("SGD-BTC", "KRW-BTC")
            assert first.market_event.warning is False
            (korean,) = checked(api.orderbooks.list_instruments(markets="KRW-BTC"))
            assert (korean.tick_size, korean.supported_levels[:2]) == ("1000", ["0", "10000"])
            with pytest.raises(upbit.NotFoundError, match="404"):
                api.trades.list(market="SGD-NONE")

    async def run() -> None:
        async with serving() as server:
            await asyncio.to_thread(client, server)

    asyncio.run(run())


def test_the_async_client_reads_trades_candles_and_markets() -> None:
    async def run() -> None:
        async with serving() as server, upbit.AsyncUpbit(base_url=server.base_url, **KEYS) as api:
            assert len(checked(await api.trades.list(market="SGD-BTC", count=7, days_ago=1))) == 7
            assert len(checked(await api.candles.list_seconds(market="SGD-BTC", count=7))) == 7
            for unit in (1, 3, 5, 10, 15, 30, 60, 240):
                (candle,) = checked(await api.candles.list_minutes(unit, market="SGD-BTC"))
                assert candle.unit == unit
            assert len(checked(await api.trading_pairs.list())) == 2
            assert len(checked(await api.orderbooks.list_instruments(markets="KRW-BTC,SGD-BTC"))) == 2

    asyncio.run(run())


def test_the_blocking_client_reads_orders_and_balances() -> None:
    def client(server: Server) -> None:
        done, cancelled, waiting = placed(server.exchange)
        with upbit.Upbit(base_url=server.base_url, **KEYS) as api:
            assert [order.uuid for order in checked(list(api.orders.list_open(states=["wait", "watch"], limit=1)))] == [
                waiting
            ]
            assert api.orders.list_open(state="watch", market="SGD-BTC").items == []
            closed = checked(api.orders.list_closed(states=["done", "cancel"], order_by="asc"))
            assert {order.uuid: order.state for order in closed} == {done: "done", cancelled: "cancel"}
            now_ms = server.exchange.agenda.now_ms
            window = {"start_time": str(now_ms - DAY_MS), "end_time": "2100-01-01T00:00:00+09:00"}
            with pytest.raises(upbit.BadRequestError, match="validation_error"):
                api.orders.list_closed(**window)
            assert checked(api.orders.list_closed(end_time=str(now_ms - DAY_MS))) == []
            assert len(checked(api.orders.list_closed(start_time=str(now_ms - DAY_MS)))) == 2
            assert {o.uuid for o in checked(api.orders.list_by_uuids(uuids=[done, waiting]))} == {done, waiting}
            named = checked(api.orders.list_by_uuids(identifiers=["mine & ASK 1", "nobody's"]))
            assert [order.uuid for order in named] == [cancelled]
            order = checked(api.orders.retrieve(identifier="mine & BID 0"))
            assert (order.uuid, order.state, order.side, order.trades_count) == (done, "done", "bid", 2)
            assert [Decimal(trade.volume) for trade in order.trades] == [Decimal("0.1"), Decimal("0.2")]
            assert order.created_at.endswith("+09:00")
            with pytest.raises(upbit.NotFoundError, match="order_not_found"):
                api.orders.retrieve(uuid="none")
            assert {account.currency for account in checked(api.accounts.list())} == {"SGD", "BTC"}

    async def run() -> None:
        async with serving() as server:
            await asyncio.to_thread(client, server)

    asyncio.run(run())


def test_the_async_client_reads_orders_and_balances() -> None:
    async def run() -> None:
        async with serving() as server, upbit.AsyncUpbit(base_url=server.base_url, **KEYS) as api:
            done, cancelled, waiting = placed(server.exchange)
            assert [order.uuid for order in checked((await api.orders.list_open()).items)] == [waiting]
            assert len(checked(await api.orders.list_closed(limit=1))) == 1
            assert len(checked(await api.orders.list_by_uuids(uuids=[done, cancelled]))) == 2
            assert checked(await api.orders.retrieve(uuid=cancelled)).state == "cancel"
            assert len(checked(await api.accounts.list())) == 2
            with pytest.raises(upbit.AuthenticationError, match="jwt_verification"):
                await api.with_options(secret_key="x" * 64).accounts.list()

    asyncio.run(run())
