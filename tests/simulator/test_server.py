"""The stand-in exchange on real sockets. Every wait is for a message or an event, with a bound."""

import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from upbit_stream.simulator import Exchange, Session, connection
from upbit_stream.simulator.server import Server

TRADES = [{"ticket": "t"}, {"type": "trade", "codes": ["SGD-BTC"]}]
OPENSSL_ARGUMENTS = (
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
)
BINARY, CLOSE = aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.CLOSE


class Bench:
    """A running server and a client for it."""

    def __init__(self, server: Server, http: aiohttp.ClientSession) -> None:
        self.server = server
        self.http = http
        self.exchange = server.exchange
        self.stats = server.exchange.stats

    async def open(self, path: str = "", **options: Any) -> aiohttp.ClientWebSocketResponse:
        return await self.http.ws_connect(self.server.stream_url + path, **options)

    async def until(self, true: Callable[[], bool]) -> None:
        """Go round by way of the server until something holds there."""
        while not true():
            async with self.http.get(self.server.base_url) as answer:
                await answer.read()


@asynccontextmanager
async def bench(ssl_context: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Bench]:
    exchange = Exchange(**{"start_ms": time.time_ns() // 1_000_000, "trade_rate": 50, **options})
    async with (
        asyncio.timeout(20),
        Server(exchange, ssl_context=ssl_context) as server,
        aiohttp.ClientSession() as http,
    ):
        yield Bench(server, http)


def test_messages_come_in_real_time_as_binary() -> None:
    async def run() -> None:
        async with bench() as b:
            ws = await b.open()
            await ws.send_json(TRADES)
            received = [await ws.receive() for _ in range(20)]
            assert {message.type for message in received} == {BINARY}
            said = [json.loads(message.data) for message in received]
            assert [m["stream_type"] for m in said] == ["SNAPSHOT"] + ["REALTIME"] * 19
            assert [m["sequential_id"] for m in said[1:]] == [
                t.sequential_id for t in b.exchange.tape if t.code == "SGD-BTC"
            ][1:20]
            assert abs(said[-1]["timestamp"] - time.time_ns() // 1_000_000) < 2_000

    asyncio.run(run())


@pytest.mark.parametrize("compress", [0, 15])
def test_permessage_deflate_is_there_for_who_asks(compress: int) -> None:
    async def run() -> None:
        async with bench() as b:
            ws = await b.open(compress=compress)
            assert bool(ws.compress) == bool(compress)
            await ws.send_json([{"ticket": "t"}, {"type": "orderbook", "codes": ["SGD-BTC"]}])
            for _ in range(3):
                assert len(json.loads(await ws.receive_bytes())["orderbook_units"]) == 30

    asyncio.run(run())


def test_refusals_come_before_the_upgrade() -> None:
    async def run() -> None:
        async with bench() as b:

            async def refused(path: str, **options: Any) -> int:
                with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                    await b.open(path, **options)
                return caught.value.status

            assert await refused("/private") == 401
            assert await refused("/private", headers={"Authorization": "Bearer x.y.z"}) == 401
            assert await refused("/elsewhere") == 404
            for _ in range(3):
                await b.open()
            assert [await refused("") for _ in range(3)] == [429, 429, 418]
            assert b.stats.refused_418 == 1

    asyncio.run(run())


def test_a_refusal_has_its_body_and_headers() -> None:
    async def run() -> None:
        async with bench() as b:
            upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
            async with b.http.get(b.server.stream_url.replace("ws:", "http:") + "/private", headers=upgrade) as answer:
                assert answer.status == 401
                assert answer.content_type == "application/json"
                assert (await answer.json())["error"]["name"] == "no_authorization_token"

    asyncio.run(run())


def test_a_page_that_is_no_websocket_is_not_found() -> None:
    async def run() -> None:
        async with bench() as b:
            for path in ("/", "/v1/nothing", "/websocket/v1"):
                async with b.http.get(b.server.base_url + path) as answer:
                    assert answer.status == 404
                    assert (await answer.json())["error"]["name"] == "not_found"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("send", "name"),
    [
        (lambda ws: ws.send_str("not json"), "WRONG_FORMAT"),
        (lambda ws: ws.send_bytes(b"\xff\xfe"), "WRONG_FORMAT"),
        (lambda ws: ws.send_bytes(json.dumps(TRADES).encode().replace(b"SGD", b"\xff")), "WRONG_FORMAT"),
        (lambda ws: ws.send_bytes(b'[{"ticket":"t"}]'), "NO_TYPE"),
    ],
)
def test_error_close_code_and_reason_reach_the_client(send: Callable[[Any], Any], name: str) -> None:
    async def run() -> None:
        async with bench() as b:
            ws = await b.open()
            await send(ws)
            error, close = await ws.receive(), await ws.receive()
            assert json.loads(error.data)["error"]["name"] == name
            assert (close.type, close.data, close.extra) == (CLOSE, 1008, name)

    asyncio.run(run())


def test_a_client_that_sends_on_and_on_still_gets_our_last_words() -> None:
    async def run() -> None:
        async with bench() as b:
            ws = await b.open()
            for _ in range(200):
                await ws.send_str("PING")
            status, error, close = await ws.receive(), await ws.receive(), await ws.receive()
            assert status.data == b'{"status":"UP"}'
            assert json.loads(error.data)["error"]["name"] == "TOO_MANY_REQUEST"
            assert (close.type, close.data) == (CLOSE, 1008)
            assert b.stats.messages_received == 6

    asyncio.run(run())


def test_ping_frames_are_answered_and_seen() -> None:
    async def run() -> None:
        async with bench() as b:
            ws = await b.open(autoping=False)
            await ws.ping(b"are you there")
            pong = await ws.receive()
            assert (pong.type, bytes(pong.data)) == (aiohttp.WSMsgType.PONG, b"are you there")
            await ws.pong(b"unasked")
            await ws.send_str("PING")
            assert await ws.receive_bytes() == b'{"status":"UP"}'
            assert b.stats.pings_received == 2

    asyncio.run(run())


def test_a_client_that_vanishes_is_cleaned_up() -> None:
    async def run() -> None:
        async with bench() as b:
            ws = await b.open()
            await ws.send_json(TRADES)
            await ws.receive()
            assert b.stats.connections_open == 1
            transport = ws.get_extra_info("socket")
            assert transport is not None
            transport.shutdown(socket.SHUT_RDWR)
            await b.until(lambda: b.stats.connections_open == 0)
            assert not b.exchange.audience.wants("trade", "SGD-BTC")
            await b.until(lambda: not b.server._connections)

    asyncio.run(run())


def test_a_fault_of_ours_is_logged_and_ends_only_that_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(*_: Any) -> None:
        raise ZeroDivisionError("our own fault")

    async def run() -> None:
        async with bench() as b:
            other = await b.open()
            with monkeypatch.context() as patch:
                patch.setattr(Session, "receive_text", faulty)
                ws = await b.open()
                await ws.send_str("PING")
                assert (await ws.receive()).type in {CLOSE, aiohttp.WSMsgType.CLOSED}
            await other.send_str("PING")
            assert await other.receive_bytes() == b'{"status":"UP"}'
            await b.until(lambda: b.stats.connections_open == 1)

    asyncio.run(run())
    assert "our own fault" in caplog.text


def test_a_client_that_says_goodbye_is_cleaned_up() -> None:
    async def run() -> None:
        async with bench() as b:
            ws = await b.open()
            await ws.send_json(TRADES)
            await ws.close(code=1000)
            assert ws.close_code == 1000
            await b.until(lambda: b.stats.connections_open == 0 and not b.server._connections)

    asyncio.run(run())


async def deaf_client(server: Server) -> socket.socket:
    """A client that subscribes and then never reads."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(deaf, ("127.0.0.1", server.port))
    await loop.sock_sendall(
        deaf,
        b"GET /websocket/v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
    )
    assert b" 101 " in await loop.sock_recv(deaf, 1000)
    request = json.dumps([{"ticket": "t"}, {"type": "trade", "codes": ["X-LARGE"]}]).encode()
    await loop.sock_sendall(deaf, bytes([0x81, 0x80 | len(request)]) + bytes(4) + request)
    return deaf


def test_a_slow_reader_is_cut_off_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CLOSE_GRACE_S", 0.05)

    async def run() -> None:
        async with bench(trade_rate=0, outbox_limit_bytes=1_000_000) as b:
            deaf = await deaf_client(b.server)
            quick = await b.open(compress=0)
            await quick.send_json([{"ticket": "t"}, {"type": "trade", "codes": ["X-LARGE"]}])
            await b.until(lambda: b.stats.requests_received == 2)
            count = 0
            while not b.stats.slow_closes:
                count += 1
                b.exchange.publish({"type": "trade", "code": "X-LARGE", "number": count, "pad": "x" * 60_000})
                assert json.loads(await quick.receive_bytes())["number"] == count
            await b.until(lambda: len(b.server._connections) == 1)
            assert b.stats.connections_open == 1
            deaf.close()

    asyncio.run(run())


def test_closing_the_server_says_so_to_every_client() -> None:
    async def run() -> None:
        async with asyncio.timeout(20), aiohttp.ClientSession() as http:
            server = Server(Exchange(start_ms=0, trade_rate=50))
            await server.start()
            sockets = [await http.ws_connect(server.stream_url) for _ in range(3)]
            await sockets[0].send_json(TRADES)
            await sockets[0].receive()

            async def last_words(ws: aiohttp.ClientWebSocketResponse) -> tuple[Any, Any]:
                while (message := await ws.receive()).type is BINARY:
                    pass
                return message.type, message.data

            ends = [asyncio.create_task(last_words(ws)) for ws in sockets]
            await server.close()
            assert [await end for end in ends] == [(CLOSE, 1001)] * 3
            with pytest.raises(aiohttp.ClientConnectionError):
                await http.get(server.base_url)
            await server.close()

    asyncio.run(run())


def test_a_port_in_use_is_an_error_and_leaves_nothing_behind() -> None:
    async def run() -> None:
        async with bench() as b:
            with pytest.raises(OSError, match="address already in use"):
                await Server(Exchange(start_ms=0), port=b.server.port).start()

    asyncio.run(run())


def test_idle_time_is_kept_by_the_timer() -> None:
    async def run() -> None:
        # The exchange's time starts 119.9 s after the session's, so that 120 s pass in a tenth of one.
        async with bench(trade_rate=0, private_rate=0) as b:
            ws = await b.open()
            b.server._ahead_ms += 119_900
            await ws.send_str("PING")
            assert await ws.receive_bytes() == b'{"status":"UP"}'
            b.server._ahead_ms += 9_900
            assert await ws.receive_bytes() == b'{"status":"UP"}'

    asyncio.run(run())


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [openssl, *OPENSSL_ARGUMENTS.split(), "-keyout", os.fspath(key), "-out", os.fspath(cert)],
        check=True,
        capture_output=True,
    )
    return cert, key


def test_tls(certificate: tuple[Path, Path]) -> None:
    async def run() -> None:
        ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ours.load_cert_chain(*certificate)
        theirs = ssl.create_default_context(cafile=os.fspath(certificate[0]))
        async with bench(ours) as b:
            assert b.server.base_url.startswith("https://")
            assert b.server.stream_url.startswith("wss://")
            ws = await b.open(ssl=theirs)
            await ws.send_json(TRADES)
            assert json.loads(await ws.receive_bytes())["type"] == "trade"
            await ws.close()

    asyncio.run(run())


def test_answers_are_dated_by_the_clock_of_the_exchange() -> None:
    async def scenario() -> None:
        async with Server(Exchange(start_ms=1_600_000_000_000)) as server, aiohttp.ClientSession() as http:
            async with http.get(f"{server.base_url}/v1/market/all") as answer:
                dated = parsedate_to_datetime(answer.headers["Date"]).timestamp() * 1_000
            assert dated <= server.now_ms() < dated + 60_000

    asyncio.run(scenario())
