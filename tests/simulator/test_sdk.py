"""The exchange's own Python package is served: it finds what it expects and parses it to its types."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from upbit_stream.simulator import DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY, Exchange
from upbit_stream.simulator.server import Server

upbit = pytest.importorskip("upbit")

KEYS = {"access_key": DEFAULT_ACCESS_KEY, "secret_key": DEFAULT_SECRET_KEY}
PUBLIC: dict[str, Any] = {
    "ticker": ["SGD-BTC"],
    "trade": ["SGD-BTC"],
    "orderbook": ["SGD-BTC.5"],
    "candle": {"1s": ["SGD-BTC"], "1m": ["SGD-BTC"]},
}
DEFAULT_TYPES = {"Ticker", "Trade", "Orderbook", "WsCandleResponse"}
SIMPLE_TYPES = {"SimpleTicker", "SimpleTrade", "SimpleOrderbook", "SimpleCandle"}


@asynccontextmanager
async def serving(trade_rate: float = 50, private_rate: float = 20) -> AsyncIterator[Server]:
    exchange = Exchange(
        start_ms=time.time_ns() // 1_000_000,
        trade_rate=trade_rate,
        private_rate=private_rate,
        codes=["SGD-BTC", "KRW-BTC"],
    )
    async with asyncio.timeout(20), Server(exchange) as server:
        yield server


def checked(event: Any) -> str:
    """The event's type, once it has held its values against the package's own model, strictly."""
    type(event).model_validate(event.to_dict(), strict=False)
    return type(event).__name__


@pytest.mark.parametrize(
    ("style", "types"),
    [(None, DEFAULT_TYPES), ("SIMPLE", SIMPLE_TYPES), ("JSON_LIST", DEFAULT_TYPES), ("SIMPLE_LIST", SIMPLE_TYPES)],
)
def test_the_blocking_client_receives_public_types(style: Any, types: set[str]) -> None:
    def client(base_url: str) -> None:
        seen: set[tuple[str, str]] = set()
        with upbit.Upbit(base_url=base_url, **KEYS) as api, api.ws_stream.subscribe(**PUBLIC, format=style) as stream:
            listed = stream.list_subscriptions()
            assert len(listed.result if style in (None, "JSON_LIST") else listed.rslt) == 5
            for received in stream:
                for event in received if isinstance(received, list) else [received]:
                    stream_type = event.stream_type if types is DEFAULT_TYPES else event.st
                    seen.add((checked(event), stream_type))
                if seen == {(name, kind) for name in types for kind in ("SNAPSHOT", "REALTIME")}:
                    return

    async def run() -> None:
        async with serving() as server:
            await asyncio.to_thread(client, server.base_url)

    asyncio.run(run())


def test_the_async_client_receives_public_types() -> None:
    async def run() -> None:
        async with serving() as server, upbit.AsyncUpbit(base_url=server.base_url, **KEYS) as api:
            seen: set[str] = set()
            async with api.ws_stream.subscribe(**PUBLIC) as stream:
                async for event in stream:
                    seen.add(checked(event))
                    if seen == DEFAULT_TYPES:
                        break

    asyncio.run(run())


def test_the_blocking_client_receives_private_types() -> None:
    def client(base_url: str) -> None:
        seen: set[str] = set()
        with (
            upbit.Upbit(base_url=base_url, **KEYS) as api,
            api.ws_stream.subscribe_private(my_order=[], my_asset=True) as stream,
        ):
            for event in stream:
                seen.add(checked(event))
                if seen == {"MyOrder", "MyAsset"}:
                    return

    async def run() -> None:
        async with serving() as server:
            await asyncio.to_thread(client, server.base_url)

    asyncio.run(run())


def test_the_async_client_receives_private_types() -> None:
    async def run() -> None:
        async with serving() as server, upbit.AsyncUpbit(base_url=server.base_url, **KEYS) as api:
            for _ in range(2):  # each connection with a nonce of its own
                async with api.ws_stream.my_order(["SGD-BTC"]) as stream:
                    assert checked(await stream.recv()) == "MyOrder"
            async with api.ws_stream.my_asset() as stream:
                assert checked(await stream.recv()) == "MyAsset"

    asyncio.run(run())


def test_the_info_endpoint_and_announcements() -> None:
    rsi = {"type": "rsi", "params": {"period": 14}}

    async def run() -> None:
        async with serving(0, 0) as server, upbit.AsyncUpbit(base_url=server.base_url, **KEYS) as api:
            async with api.ws_stream.indicator(["KRW-BTC"], timeframe="5m", indicators=[rsi]) as stream:
                listed = await stream.list_subscriptions()
                assert listed.result[0].type == "indicator"
                await stream._manager._connection.send_raw("PING")
                assert (await stream.recv()).status == "UP"
                server._ahead_ms += 300_000  # kept alive by the status every ten seconds
                # All are read: with too many unread, the package's close waits ten seconds.
                events = [await stream.recv() for _ in range(31)]
                (indicator,) = [event for event in events if type(event).__name__ == "RsiIndicator"]
                assert 0 <= float(indicator.value.rsi) <= 100
            async with api.ws_stream.announcement(categories=["notice"], include_body=True) as stream:
                await stream.list_subscriptions()
                server.exchange.publish({"type": "announcement", "category": "notice", "body": "text"})
                assert (await stream.recv()).body == "text"

    asyncio.run(run())


def test_an_error_and_a_refusal() -> None:
    from websockets.exceptions import ConnectionClosedError, InvalidStatus

    async def run() -> None:
        async with serving() as server:
            async with (
                upbit.AsyncUpbit(base_url=server.base_url, **KEYS) as api,
                api.ws_stream.candle(["SGD-BTC"], interval="7m") as stream,
            ):
                event = await stream.recv()
                assert event.error["name"] == "INVALID_PARAM"
                with pytest.raises(ConnectionClosedError):
                    await stream.recv()
            async with upbit.AsyncUpbit(base_url=server.base_url, access_key="no", secret_key="x" * 64) as api:
                with pytest.raises(InvalidStatus, match="401"):
                    async with api.ws_stream.my_asset():
                        pass

    asyncio.run(run())
