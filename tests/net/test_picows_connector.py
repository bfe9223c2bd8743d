"""The connector on real sockets: a raw server that sends exactly the bytes a test wants.

Waits are for bytes and events, bounded by a time-out that only a fault reaches.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import random
import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from upbit_stream.errors import ConnectionFailed, HandshakeRefused, UpbitStreamError, UsageError
from upbit_stream.net.picows_connector import PicowsConnector

MESSAGE = b'{"type":"trade","code":"SGD-BTC","padding":"' + b"x" * 300 + b'"}'
BOUND_S = 20


class Admitted:
    confirmed = 0

    async def enter(self) -> None:
        return

    async def confirm(self) -> None:
        self.confirmed += 1


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.pongs = 0
        self.reason = ""
        self.over = asyncio.Event()
        self.came = asyncio.Event()
        self.receive = self._receive

    def _receive(self, payload: bytes) -> None:
        self.messages.append(payload)
        self.came.set()

    def pong(self) -> None:
        self.pongs += 1
        self.came.set()

    def closed(self, reason: str) -> None:
        assert not self.over.is_set()
        self.reason = reason
        self.over.set()

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            self.came.clear()
            await self.came.wait()


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.request = b""

    async def accept(self, *headers: bytes) -> None:
        self.request = await self.reader.readuntil(b"\r\n\r\n")
        key = next(
            line.split(b":", 1)[1].strip()
            for line in self.request.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())  # noqa: S324
        head = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
        head += [b"Sec-WebSocket-Accept: " + accept, *headers]
        self.writer.write(b"\r\n".join(head) + b"\r\n\r\n")

    def frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv1: bool = False) -> None:
        first = opcode | (0x80 if fin else 0) | (0x40 if rsv1 else 0)
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", first, size)
        elif size < 65536:
            head = struct.pack("!BBH", first, 126, size)
        else:
            head = struct.pack("!BBQ", first, 127, size)
        self.writer.write(head + payload)

    async def read_frame(self) -> tuple[int, bytes]:
        first, second = await self.reader.readexactly(2)
        assert second & 0x80  # RFC 6455 section 5.3: a client masks
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        mask = await self.reader.readexactly(4)
        body = await self.reader.readexactly(size)
        return first & 0x0F, bytes(byte ^ mask[n % 4] for n, byte in enumerate(body))


@asynccontextmanager
async def serving(serve: Callable[[Peer], Awaitable[None]], **more: Any) -> AsyncIterator[int]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(Peer(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, more.pop("host", "127.0.0.1"), 0, **more)
    async with server:
        yield server.sockets[0].getsockname()[1]


def with_server(
    serve: Callable[[Peer], Awaitable[None]],
    body: Callable[[Any, Heard], Awaitable[None]],
    **options: Any,
) -> None:
    """Connect to a server that does ``serve`` and run ``body(connection, heard)``."""

    async def main() -> None:
        async with asyncio.timeout(BOUND_S), serving(serve) as port:
            heard = Heard()
            connection = await PicowsConnector(**options).connect(
                f"ws://127.0.0.1:{port}/websocket/v1", headers={"X-Test": "1"}, listener=heard, admission=Admitted()
            )
            try:
                await body(connection, heard)
            finally:
                await connection.close()

    asyncio.run(main())


async def until_closed(peer: Peer) -> None:
    while True:
        opcode, payload = await peer.read_frame()
        if opcode == 8:
            peer.frame(8, payload)
            return


def test_binary_and_text_messages_short_and_long() -> None:
    payloads = [b"{}", MESSAGE, b"[" + MESSAGE * 1000 + b"]", b'{"status":"UP"}']

    async def serve(peer: Peer) -> None:
        await peer.accept()
        for payload in payloads:
            peer.frame(2, payload)
            peer.frame(1, payload)
        await until_closed(peer)

    async def body(_: Any, heard: Heard) -> None:
        await heard.until(lambda: len(heard.messages) == 8)
        assert heard.messages == [payload for payload in payloads for _ in range(2)]

    with_server(serve, body)


def test_fragments_are_joined_also_around_control_frames() -> None:
    async def serve(peer: Peer) -> None:
        await peer.accept()
        peer.frame(2, MESSAGE)
        peer.frame(2, MESSAGE[:200], fin=False)
        peer.frame(9, b"are you there")
        peer.frame(0, MESSAGE[200:210], fin=False)
        peer.frame(10, b"unasked")
        peer.frame(0, MESSAGE[210:])
        peer.frame(2, b"", fin=False)
        peer.frame(0, MESSAGE)  # a continuation longer than any control frame
        peer.frame(2, MESSAGE)
        await until_closed(peer)

    async def body(_: Any, heard: Heard) -> None:
        await heard.until(lambda: len(heard.messages) == 4)
        assert heard.messages == [MESSAGE] * 4
        assert heard.pongs == 1

    with_server(serve, body)


def test_pings_are_answered_and_pongs_are_told() -> None:
    answered: list[tuple[int, bytes]] = []

    async def serve(peer: Peer) -> None:
        await peer.accept()
        peer.frame(9, b"hello")
        answered.append(await peer.read_frame())
        opcode, payload = await peer.read_frame()
        answered.append((opcode, payload))
        peer.frame(10, payload)
        await until_closed(peer)

    async def body(connection: Any, heard: Heard) -> None:
        await asyncio.sleep(0)
        connection.ping()
        await heard.until(lambda: heard.pongs == 1)

    with_server(serve, body)
    assert sorted(opcode for opcode, _ in answered) == [9, 10]
    assert (10, b"hello") in answered


@pytest.mark.parametrize(("code", "words"), [(1000, "1000 (bye)"), (1001, "1001"), (1013, "1013"), (4000, "4000")])
def test_a_close_is_answered_and_told(code: int, words: str) -> None:
    answers: list[tuple[int, bytes]] = []

    async def serve(peer: Peer) -> None:
        await peer.accept()
        peer.frame(8, struct.pack("!H", code) + (b"bye" if code == 1000 else b""))
        answers.append(await peer.read_frame())

    async def body(_: Any, heard: Heard) -> None:
        await heard.over.wait()
        assert words in heard.reason

    with_server(serve, body)
    assert answers[0][0] == 8
    assert answers[0][1][:2] == struct.pack("!H", code)


def test_a_connection_that_just_ends_is_told() -> None:
    async def serve(peer: Peer) -> None:
        await peer.accept()
        peer.frame(2, MESSAGE[:50])
        await peer.writer.drain()
        peer.writer.transport.abort()

    async def body(_: Any, heard: Heard) -> None:
        await heard.over.wait()
        assert "without a closing handshake" in heard.reason

    with_server(serve, body)


def test_closing_does_the_handshake_and_is_bounded_where_the_peer_does_not() -> None:
    async def mute(peer: Peer) -> None:
        await peer.accept()
        await peer.reader.read()  # reads everything, answers nothing

    async def body(connection: Any, heard: Heard) -> None:
        await connection.close()
        assert heard.over.is_set()
        connection.send_text(b"too late")  # does nothing
        connection.ping()
        connection.pause_reading()

    with_server(mute, body)


@pytest.mark.parametrize("split", [1, 3])
def test_a_message_over_the_bound_ends_the_connection(split: int) -> None:
    async def serve(peer: Peer) -> None:
        await peer.accept()
        big = b"x" * 5000
        size = len(big) // split
        for n in range(split):
            last = n == split - 1
            peer.frame(2 if n == 0 else 0, big[n * size : None if last else (n + 1) * size], fin=last)
        await until_closed(peer)

    async def body(_: Any, heard: Heard) -> None:
        await heard.over.wait()
        assert heard.messages == []

    with_server(serve, body, max_message_bytes=4096)


def test_the_upgrade_request_is_what_the_exchange_wants() -> None:
    requests: list[bytes] = []

    async def serve(peer: Peer) -> None:
        await peer.accept()
        requests.append(peer.request)
        await until_closed(peer)

    async def body(_: Any, __: Heard) -> None:
        return

    with_server(serve, body)
    lines = requests[0].lower().split(b"\r\n")
    assert lines[0] == b"get /websocket/v1 http/1.1"
    names = [line.split(b":")[0] for line in lines[1:]]
    assert b"origin" not in names
    assert b"sec-websocket-extensions" not in names
    assert b"x-test" in names
    assert names.count(b"host") == 1


@pytest.mark.parametrize("takeover", [True, False])
def test_compressed_messages(takeover: bool) -> None:
    rng = random.Random(1)
    payloads = [MESSAGE + bytes(rng.choices(b"abcdef", k=rng.randrange(2000))) for _ in range(50)]

    async def serve(peer: Peer) -> None:
        extra = b"" if takeover else b"; server_no_context_takeover"
        await peer.accept(b"Sec-WebSocket-Extensions: permessage-deflate" + extra)
        assert b"permessage-deflate" in peer.request
        deflate = zlib.compressobj(wbits=-15)
        for n, payload in enumerate(payloads):
            if not takeover:
                deflate = zlib.compressobj(wbits=-15)
            if n % 7 == 0:
                peer.frame(1, payload)  # a server may leave a message as it is
                continue
            packed = (deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
            if n % 5 == 0:
                peer.frame(2, packed[:10], fin=False, rsv1=True)
                peer.frame(0, packed[10:])
            else:
                peer.frame(2, packed, rsv1=True)
        await until_closed(peer)

    async def body(_: Any, heard: Heard) -> None:
        await heard.until(lambda: heard.messages and heard.messages[-1] == payloads[-1])
        assert heard.messages == payloads

    with_server(serve, body, compression=True)


def test_a_compressed_bomb_ends_the_connection() -> None:
    async def serve(peer: Peer) -> None:
        await peer.accept(b"Sec-WebSocket-Extensions: permessage-deflate")
        deflate = zlib.compressobj(9, wbits=-15)
        peer.frame(2, (deflate.compress(bytes(50_000_000)) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4], rsv1=True)
        await until_closed(peer)

    async def body(_: Any, heard: Heard) -> None:
        await heard.over.wait()
        assert "inflates to more than" in heard.reason
        assert heard.messages == []

    with_server(serve, body, compression=True)


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
