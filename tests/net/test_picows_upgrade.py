"""The connector on real sockets: refusals, broken upgrades, TLS, proxies, addresses, and no token in any log."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.net.peer import BOUND_S, MESSAGE, Admitted, Heard, Peer, serving, until_closed

from upbit_stream.errors import ConnectionFailed, HandshakeRefused, UpbitStreamError, UsageError
from upbit_stream.net.picows_connector import PicowsConnector

ANSWERS = [
    (401, b'{"error":{"name":"nonce_used","message":"used"}}', b"", ("nonce_used", "used", None)),
    (429, b'{"error":{"name":"too_many_requests","message":"slow"}}', b"", ("too_many_requests", "slow", None)),
    (418, b'{"error":{"name":418,"message":"blocked for 70 seconds"}}', b"", ("418", "blocked for 70 seconds", 70.0)),
    (418, b"blocked", b"Retry-After: 33\r\n", ("", "blocked", 33.0)),
    (503, b"<html>\xff</html>", b"", ("", "<html>�</html>", None)),
    (302, b"", b"Location: ws://127.0.0.1:1/elsewhere\r\n", ("", "", None)),
]


@pytest.mark.parametrize(("status", "answer", "header", "told"), ANSWERS)
def test_a_refused_upgrade_tells_why(status: int, answer: bytes, header: bytes, told: tuple[Any, ...]) -> None:
    async def serve(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n%b\r\n" % (status, len(answer), header)
        peer.writer.write(head + answer)
        await peer.writer.drain()

    async def main() -> None:
        async with asyncio.timeout(BOUND_S), serving(serve) as port:
            with pytest.raises(HandshakeRefused) as caught:
                await PicowsConnector().connect(
                    f"ws://127.0.0.1:{port}/", headers={}, listener=Heard(), admission=Admitted()
                )
            refusal = caught.value
            assert (refusal.status, (refusal.name, refusal.detail, refusal.retry_after_s)) == (status, told)

    asyncio.run(main())


BROKEN: list[Callable[[Peer], Awaitable[None]]] = []


def broken(serve: Callable[[Peer], Awaitable[None]]) -> Callable[[Peer], Awaitable[None]]:
    BROKEN.append(serve)
    return serve


@broken
async def says_nothing_that_makes_sense(peer: Peer) -> None:
    peer.writer.write(b"\x00\x01\x02 hello\r\n\r\n")
    await peer.writer.drain()


@broken
async def hangs_up(peer: Peer) -> None:
    await peer.reader.readuntil(b"\r\n\r\n")


@broken
async def accepts_with_a_wrong_key(peer: Peer) -> None:
    await peer.reader.readuntil(b"\r\n\r\n")
    peer.writer.write(
        b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm8=\r\n\r\n"
    )
    await peer.writer.drain()


@broken
async def accepts_an_extension_that_nobody_asked_for(peer: Peer) -> None:
    await peer.accept(b"Sec-WebSocket-Extensions: permessage-deflate")
    await peer.reader.read()


@broken
async def answers_with_an_unknown_status(peer: Peer) -> None:
    await peer.reader.readuntil(b"\r\n\r\n")
    peer.writer.write(b"HTTP/1.1 799 What\r\nContent-Length: 0\r\n\r\n")
    await peer.writer.drain()


@pytest.mark.parametrize("serve", BROKEN)
def test_every_other_failure_is_one_of_ours(serve: Callable[[Peer], Awaitable[None]]) -> None:
    """The mapping of third-party exceptions is complete: nothing else comes out."""

    async def main() -> None:
        async with asyncio.timeout(BOUND_S), serving(serve) as port:
            with pytest.raises(UpbitStreamError):
                await PicowsConnector().connect(
                    f"ws://127.0.0.1:{port}/", headers={}, listener=Heard(), admission=Admitted()
                )

    asyncio.run(main())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("ws://127.0.0.1:{closed}/", {}),
        ("ws://name.invalid/", {}),
        ("ws://127.0.0.1:{closed}/", {"proxy": "http://127.0.0.1:{closed}"}),
        ("ws://127.0.0.1:{closed}/", {"proxy": "socks5://127.0.0.1:{closed}"}),
    ],
)
def test_nobody_there(url: str, options: dict[str, str]) -> None:
    closed = free_port()

    async def main() -> None:
        given: dict[str, Any] = {name: value.format(closed=closed) for name, value in options.items()}
        with pytest.raises(ConnectionFailed, match="cannot connect"):
            await PicowsConnector(**given).connect(
                url.format(closed=closed), headers={}, listener=Heard(), admission=Admitted()
            )

    asyncio.run(main())


@pytest.mark.parametrize("proxy", ["nonsense", "ftp://127.0.0.1:1", "http://", "http://host:port"])
def test_a_proxy_that_is_none_is_refused_at_once(proxy: str) -> None:
    with pytest.raises(UsageError, match="proxy"):
        PicowsConnector(proxy=proxy)


def test_the_place_in_the_budget_is_confirmed_after_the_tcp_connection() -> None:
    order: list[str] = []

    class Admission(Admitted):
        async def confirm(self) -> None:
            order.append("confirmed")

    async def serve(peer: Peer) -> None:
        order.append("tcp")
        await peer.accept()
        order.append("upgrade")
        await until_closed(peer)

    async def main() -> None:
        async with asyncio.timeout(BOUND_S), serving(serve) as port:
            connection = await PicowsConnector().connect(
                f"ws://127.0.0.1:{port}/", headers={}, listener=Heard(), admission=Admission()
            )
            await connection.close()

    asyncio.run(main())
    assert order.index("confirmed") < order.index("upgrade")


def test_an_ipv6_address_and_one_family_only() -> None:
    async def serve(peer: Peer) -> None:
        await peer.accept()
        await until_closed(peer)

    async def main() -> None:
        async with asyncio.timeout(BOUND_S), serving(serve, host="::1") as port:
            connection = await PicowsConnector(family=socket.AF_INET6).connect(
                f"ws://[::1]:{port}/", headers={}, listener=Heard(), admission=Admitted()
            )
            await connection.close()
            with pytest.raises(ConnectionFailed):
                await PicowsConnector(family=socket.AF_INET).connect(
                    f"ws://[::1]:{port}/", headers={}, listener=Heard(), admission=Admitted()
                )

    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    asyncio.run(main())


# TLS


def tls_server(certificate: tuple[Path, Path], most: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if most is not None:
        context.minimum_version = most
        context.maximum_version = most
    return context


async def echo_once(peer: Peer) -> None:
    await peer.accept()
    peer.frame(2, MESSAGE)
    await until_closed(peer)


def test_tls_with_a_trusted_certificate(certificate: tuple[Path, Path]) -> None:
    async def main() -> None:
        async with asyncio.timeout(BOUND_S), serving(echo_once, ssl=tls_server(certificate)) as port:
            heard = Heard()
            trusting = ssl.create_default_context(cafile=str(certificate[0]))
            connection = await PicowsConnector(ssl_context=trusting).connect(
                f"wss://localhost:{port}/", headers={}, listener=heard, admission=Admitted()
            )
            await heard.until(lambda: heard.messages)
            await connection.close()

    asyncio.run(main())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_tls_is_verified(certificate: tuple[Path, Path], host: str) -> None:
    """An unknown issuer is refused, and so is a trusted certificate for another name."""

    async def main() -> None:
        context = None if host == "localhost" else ssl.create_default_context(cafile=str(certificate[0]))
        async with asyncio.timeout(BOUND_S), serving(echo_once, ssl=tls_server(certificate)) as port:
            with pytest.raises(ConnectionFailed, match="(?i)certificate.verify.failed"):
                await PicowsConnector(ssl_context=context).connect(
                    f"wss://{host}:{port}/", headers={}, listener=Heard(), admission=Admitted()
                )

    asyncio.run(main())


# proxies


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_through_a_proxy(kind: str) -> None:
    through: list[int] = []

    async def proxy(peer: Peer) -> None:
        if kind == "http":
            head = await peer.reader.readuntil(b"\r\n\r\n")
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
        async with asyncio.timeout(BOUND_S), serving(echo_once) as port, serving(proxy) as proxy_port:
            heard = Heard()
            connection = await PicowsConnector(proxy=f"{kind}://127.0.0.1:{proxy_port}").connect(
                f"ws://127.0.0.1:{port}/", headers={}, listener=heard, admission=Admitted()
            )
            await heard.until(lambda: heard.messages)
            await connection.close()
            assert through == [port]

    asyncio.run(main())


def test_the_token_is_in_no_log_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(1)
    logging.getLogger("upbit_stream.net.picows").setLevel(1)
    try:

        async def body(_: Any, __: Heard) -> None:
            return

        async def main() -> None:
            async with asyncio.timeout(BOUND_S), serving(echo_once) as port:
                heard = Heard()
                connection = await PicowsConnector().connect(
                    f"ws://127.0.0.1:{port}/",
                    headers={"Authorization": "Bearer THE-TOKEN"},
                    listener=heard,
                    admission=Admitted(),
                )
                await heard.until(lambda: heard.messages)
                await connection.close()

        asyncio.run(main())
    finally:
        logging.getLogger("upbit_stream.net.picows").setLevel(0)
    assert "THE-TOKEN" not in caplog.text
