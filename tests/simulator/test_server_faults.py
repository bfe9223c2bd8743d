"""Faults and REST on real sockets. Every wait is for a message or an event, with a bound."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from yarl import URL

from upbit_stream.simulator import DEFAULT_ACCESS_KEY, Exchange
from upbit_stream.simulator.faults import (
    CloseConnections,
    CutMessages,
    CutRest,
    FreezeConnections,
    IgnoreRest,
    RefuseConnections,
    RefuseRest,
    ResetConnections,
)
from upbit_stream.simulator.server import Server

from .asking import token

TRADES = [{"ticket": "t"}, {"type": "trade", "codes": ["SGD-BTC"]}]
EVER_MS = 10**15
CLOSED = {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[tuple[Server, aiohttp.ClientSession]]:
    exchange = Exchange(**{"start_ms": time.time_ns() // 1_000_000, "trade_rate": 50, **options})
    async with asyncio.timeout(20), Server(exchange) as server, aiohttp.ClientSession() as http:
        yield server, http


async def until(true: Callable[[], object]) -> None:
    while not true():  # noqa: ASYNC110  # what is waited for tells nobody
        await asyncio.sleep(0.01)


async def last(ws: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMessage:
    """How it ends, once all messages are read."""
    while (message := await ws.receive()).type is aiohttp.WSMsgType.BINARY:
        pass
    return message


def test_a_reset_comes_without_a_closing_handshake() -> None:
    async def run() -> None:
        async with serving() as (server, http):
            ws = await http.ws_connect(server.stream_url)
            await ws.send_json(TRADES)
            await ws.receive_bytes()
            server.inject(ResetConnections(at_ms=0))
            assert (await last(ws)).type in CLOSED
            assert ws.close_code == 1006
            await until(lambda: not server._connections)
            assert server.exchange.stats.connections_open == 0

    asyncio.run(run())


def test_a_close_comes_with_its_code() -> None:
    async def run() -> None:
        # Nothing else is due that would wake the server.
        async with serving(codes=(), private_rate=0) as (server, http):
            ws = await http.ws_connect(server.stream_url)
            server.inject(CloseConnections(at_ms=server.now_ms() + 50, code=1012, reason="restart"))
            end = await last(ws)
            assert (end.type, end.data, end.extra) == (aiohttp.WSMsgType.CLOSE, 1012, "restart")

    asyncio.run(run())


def test_a_frozen_connection_does_not_answer_a_goodbye() -> None:
    async def run() -> None:
        async with serving() as (server, http):
            for frozen in (False, True):
                ws = await http.ws_connect(server.stream_url, timeout=aiohttp.ClientWSTimeout(ws_close=0.2))
                if frozen:
                    server.inject(FreezeConnections(at_ms=0))
                await ws.close()
                assert ws.close_code == (1006 if frozen else 1000)
                await until(lambda: not server._connections)
            assert server.exchange.stats.connections_open == 0

    asyncio.run(run())


def test_a_frozen_connection_answers_no_ping() -> None:
    async def run() -> None:
        async with serving() as (server, http):
            ws = await http.ws_connect(server.stream_url, autoping=False, timeout=aiohttp.ClientWSTimeout(ws_close=0.2))
            await ws.send_json(TRADES)
            await ws.receive_bytes()
            other = await http.ws_connect(server.stream_url)
            server.inject(FreezeConnections(at_ms=0, pick=0))
            await ws.ping()
            await ws.send_str("PING")
            await other.send_json(TRADES)
            for _ in range(5):
                await other.receive_bytes()
            with pytest.raises(TimeoutError):
                while True:  # what was under way still comes, and no pong
                    message = await ws.receive(timeout=0.2)
                    assert message.type is aiohttp.WSMsgType.BINARY
            await ws.close()
            await until(lambda: len(server._connections) == 1)

    asyncio.run(run())


def test_a_server_with_frozen_connections_and_open_questions_can_be_closed() -> None:
    async def run() -> None:
        async with serving() as (server, http):
            ws = await http.ws_connect(server.stream_url)
            server.inject(FreezeConnections(at_ms=0))
            server.inject(IgnoreRest(at_ms=0, duration_ms=EVER_MS))
            question = asyncio.create_task(http.get(server.base_url + "/v1/market/all"))
            await until(lambda: server._unanswered)
            started = time.monotonic()
            await server.close()
            assert time.monotonic() - started < 1.5
            with pytest.raises(aiohttp.ClientConnectionError):
                await question
            assert (await last(ws)).type in CLOSED
            assert ws.close_code == 1006

    asyncio.run(run())


def test_refusals_reach_the_client() -> None:
    async def run() -> None:
        async with serving() as (server, http):
            server.inject(RefuseConnections(at_ms=0, duration_ms=EVER_MS, status=503))
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await http.ws_connect(server.stream_url)
            assert caught.value.status == 503

    asyncio.run(run())


def test_what_was_cut_reaches_the_client() -> None:
    async def run() -> None:
        async with serving() as (server, http):
            server.inject(CutMessages(at_ms=0, duration_ms=EVER_MS))
            ws = await http.ws_connect(server.stream_url)
            await ws.send_json(TRADES)
            for _ in range(3):
                with pytest.raises(json.JSONDecodeError):
                    json.loads(await ws.receive_bytes())

    asyncio.run(run())


def test_rest_over_http() -> None:
    async def run() -> None:
        async with serving(trade_rate=0, private_rate=0) as (server, http):
            for n in range(3):
                server.exchange.place_order(
                    DEFAULT_ACCESS_KEY, "SGD-BTC", "BID", 1, 1, now_ms=server.now_ms(), identifier=f"a&b {n}"
                )
            async with http.get(server.base_url + "/v1/market/all?is_details=true") as answer:
                assert answer.headers["Remaining-Req"] == "group=market; min=600; sec=9"
                assert len(await answer.json()) == 2
            # The raw query is what is signed: encoded brackets, ampersand and all.
            query = "identifiers%5B%5D=a%26b%202&identifiers[]=a%26b%200"
            url = server.base_url + "/v1/orders/uuids?" + query
            async with http.get(URL(url, encoded=True), headers={"Authorization": token(query)}) as answer:
                assert [order["identifier"] for order in await answer.json()] == ["a&b 2", "a&b 0"]
            async with http.delete(server.base_url + "/v1/order") as answer:
                assert answer.status == 405

    asyncio.run(run())


def test_rest_faults_over_http() -> None:
    async def run() -> None:
        async with serving() as (server, http):
            server.inject(RefuseRest(at_ms=0, duration_ms=EVER_MS, status=500, path="/v1/trades"))
            server.inject(CutRest(at_ms=0, duration_ms=EVER_MS, path="/v1/market"))
            server.inject(IgnoreRest(at_ms=0, duration_ms=EVER_MS, path="/v1/candles"))
            async with http.get(server.base_url + "/v1/trades/ticks") as answer:
                assert answer.status == 500
            async with http.get(server.base_url + "/v1/market/all") as answer:
                assert answer.status == 200
                with pytest.raises(json.JSONDecodeError):
                    json.loads(await answer.text())
            with pytest.raises(TimeoutError):
                await http.get(server.base_url + "/v1/candles/seconds", timeout=aiohttp.ClientTimeout(total=0.2))
            await until(lambda: not server._unanswered)

    asyncio.run(run())
