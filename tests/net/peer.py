"""A raw server that sends exactly the bytes a test of the connector wants, and a listener that keeps what it hears.

Waits are for bytes and events, bounded by a time-out that only a fault reaches.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

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
