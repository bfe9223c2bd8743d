"""What the stacks of picows alone share: the connection, as an expert would open it by hand.

Owns the socket's options: the same receive buffer as this client's, because a small one keeps what is read in the
processor's caches, and the comparison is not to be about that.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.measure import Meter, Task, versions_of
from bench.stacks.typed import decoder

_RECEIVE_BUFFER_BYTES = 128 * 1024
_MOST_CONTROL_BYTES = 125  # RFC 6455 section 5.5: a longer frame is data
_TAIL = b"\x00\x00\xff\xff"  # RFC 7692 section 7.2.2


class Listener(WSListener):
    """Subscribes, and leaves when all was counted. What is done with a frame is the subclass's."""

    def __init__(self, task: Task, meter: Meter) -> None:
        super().__init__()
        self._task = task
        self._transport: WSTransport | None = None
        self.count = meter.counter(self._leave)
        self.gone = asyncio.Event()

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is through."""
        self._transport = transport
        types = [{"type": kind, "codes": self._task.codes} for kind in self._task.types]
        request = [{"ticket": "bench"}, *types, {"format": self._task.format}]
        transport.send(WSMsgType.TEXT, json.dumps(request).encode())

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        """The connection is over: all was counted, or something went wrong."""
        self.gone.set()

    def _leave(self) -> None:
        if self._transport is not None:
            self._transport.disconnect()


class Frames(Listener):
    """Counts frames and looks at nothing in them."""

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        """One frame."""
        self.count(frame)


class Messages(Listener):
    """Decodes the payload where it lies and calls the user's handler, which counts unless another is set."""

    def __init__(self, task: Task, meter: Meter) -> None:
        super().__init__(task, meter)
        self.decode = decoder(task.format)
        self.handler: Callable[[Any], None] = self.count

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        """One frame: a whole message, as the exchange sends them, unless it is too short for one."""
        if frame.payload_size > _MOST_CONTROL_BYTES:
            self.handler(self.decode(frame.get_payload_as_memoryview()))


class Deflated(Messages):
    """The same for messages that come compressed, with the window kept."""

    def __init__(self, task: Task, meter: Meter) -> None:
        super().__init__(task, meter)
        self._inflate = zlib.decompressobj(-15).decompress

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        """One frame; all that are compressed are messages."""
        if frame.rsv1:
            self.handler(self.decode(self._inflate(frame.get_payload_as_bytes() + _TAIL)))


async def receive(task: Task, make_listener: Callable[[], Listener]) -> None:
    """Connect and wait until the connection is over."""
    listener = make_listener()
    peer = urlsplit(task.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (peer.hostname, peer.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def connected(_peer: object) -> socket.socket:
        return connection

    await ws_connect(
        lambda: listener,
        task.url,
        ssl_context=ssl.create_default_context(cafile=task.certificate) if task.certificate else None,
        extra_headers={"Sec-WebSocket-Extensions": "permessage-deflate"} if task.deflate else None,
        socket_factory=connected,
    )
    await listener.gone.wait()


def versions() -> dict[str, str]:
    """Whose speed this is."""
    return versions_of("picows", "msgspec", "uvloop")
