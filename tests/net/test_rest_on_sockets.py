"""REST on real sockets, against the stand-in exchange's server."""

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from upbit_stream.errors import RequestFailed
from upbit_stream.model.credentials import Credentials
from upbit_stream.model.regions import resolve
from upbit_stream.net.environment import Environment
from upbit_stream.net.rest import SdkRest
from upbit_stream.simulator import DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY, Exchange
from upbit_stream.simulator.faults import IgnoreRest
from upbit_stream.simulator.server import Server

from .peer import BOUND_S, Peer, serving

CREDENTIALS = Credentials(DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY)


@asynccontextmanager
async def exchange(*, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Server]:
    stand_in = Exchange(
        start_ms=time.time_ns() // 1_000_000,
        trade_rate=0,
        private_rate=0,
        history_ms=600_000,
        history_rate=1,
        **options,
    )
    async with asyncio.timeout(BOUND_S), Server(stand_in, ssl_context=tls) as server:
        yield server


@asynccontextmanager
async def asking(base_url: str, **options: Any) -> AsyncIterator[SdkRest]:
    rest = SdkRest(resolve(None, base_url), CREDENTIALS, environment=Environment(), **options)
    try:
        yield rest
    finally:
        await rest.close()


@pytest.mark.parametrize("family", [socket.AF_UNSPEC, socket.AF_INET])
def test_trades_candles_orders_and_balances_come_over_sockets(family):
    async def main() -> None:
        async with exchange() as server, asking(server.base_url, family=family) as rest:
            now_ms = server.exchange.agenda.now_ms
            uuid = server.exchange.place_order(DEFAULT_ACCESS_KEY, "SGD-BTC", "BID", "1", "2", now_ms=now_ms)
            day_before = await rest.trades("SGD-BTC", days_ago=1)
            page = await rest.trades("SGD-BTC")
            tape = {trade.sequential_id for trade in server.exchange.tape if trade.code == "SGD-BTC"}
            assert {row.sequential_id for row in (*page.rows, *day_before.rows)} == tape
            assert abs(page.at_ms - time.time() * 1_000) < 2_000
            assert abs(rest.offset_ms) < 1_000
            assert (await rest.candles("1s", "SGD-ETH", to_ms=None)).rows
            assert (await rest.candles("5m", "SGD-ETH", to_ms=None)).rows
            assert [row.uuid for row in (await rest.open_orders()).rows] == [uuid]
            assert [row.uuid for row in (await rest.orders([uuid])).rows] == [uuid]
            assert (await rest.closed_orders(start_ms=now_ms - 86_400_000, end_ms=now_ms)).rows == ()
            assert {row.currency for row in (await rest.balances()).rows} == {"SGD", "BTC"}
            assert set(server.exchange.stats.rest_answers) == {200}

    asyncio.run(main())


def test_two_clients_share_a_budget_in_the_file_of_the_host():
    async def main() -> None:
        async with exchange() as server, asking(server.base_url) as one, asking(server.base_url) as other:
            await asyncio.gather(*((one, other)[n % 2].trades("SGD-BTC", count=1) for n in range(15)))
            assert server.exchange.stats.rest_over_budget == 0
            assert server.exchange.stats.rest_answers == {200: 15}

    asyncio.run(main())


def test_an_exchange_that_does_not_answer_or_is_not_there_is_given_up():
    async def main() -> None:
        async with exchange() as server, asking(server.base_url, timeout_s=0.2) as rest:
            server.inject(IgnoreRest(at_ms=server.now_ms(), duration_ms=600_000))
            with pytest.raises(RequestFailed, match="no answer") as failed:
                await rest.trades("SGD-BTC")
            assert not failed.value.is_final
            await server.close()
            with pytest.raises(RequestFailed, match="ConnectError") as failed:
                await rest.trades("SGD-BTC")
            assert not failed.value.is_final

    asyncio.run(main())


def server_tls(certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate):
    async def main() -> None:
        async with exchange(tls=server_tls(certificate)) as server:
            async with asking(f"https://localhost:{server.port}") as rest:
                with pytest.raises(RequestFailed, match="(?i)certificate verify failed"):
                    await rest.trades("SGD-BTC")
            trusting = ssl.create_default_context(cafile=str(certificate[0]))
            async with asking(f"https://localhost:{server.port}", ssl_context=trusting) as rest:
                assert (await rest.candles("1m", "SGD-BTC", to_ms=None)).rows

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_through_a_proxy(kind, certificate, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # only what we were told counts
    through = []

    async def proxy(peer: Peer) -> None:
        if kind == "http":
            head = await peer.reader.readuntil(b"\r\n\r\n")
            assert b"uthorization" not in head
            port = int(head.split()[1].rpartition(b":")[2])
            answer = b"HTTP/1.1 200 Established\r\n\r\n"
        else:
            await peer.reader.readexactly((await peer.reader.readexactly(2))[1])
            peer.writer.write(b"\x05\x00")
            _, _, _, address_type = await peer.reader.readexactly(4)
            length = 4 if address_type == 1 else (await peer.reader.readexactly(1))[0]
            await peer.reader.readexactly(length)
            (port,) = struct.unpack("!H", await peer.reader.readexactly(2))
            answer = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00"
        through.append(port)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        peer.writer.write(answer)
        await asyncio.gather(pipe(reader, peer.writer), pipe(peer.reader, writer))

    async def main() -> None:
        trusting = ssl.create_default_context(cafile=str(certificate[0]))
        async with exchange(tls=server_tls(certificate)) as server, serving(proxy) as proxy_port:
            options = {"proxy": f"{kind}://127.0.0.1:{proxy_port}", "ssl_context": trusting}
            async with asking(f"https://localhost:{server.port}", **options) as rest:
                assert (await rest.balances()).rows == ()
                assert (await rest.candles("1m", "SGD-BTC", to_ms=None)).rows
            assert through == [server.port]

    asyncio.run(main())


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()
