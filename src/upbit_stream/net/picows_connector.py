"""Connections by picows' core: the one module that knows it.

Owns the socket: names and addresses, TLS, proxy, the upgrade, frames into messages, the bounds on size. Knows
nothing of what the messages mean. Third-party exceptions stop here.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohappyeyeballs
from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    ws_connect,
)
from picows.picows import WSCloseHandshake
from picows.url import WSParsedURL
from python_socks import ProxyError

from upbit_stream.errors import ConnectionFailed, UsageError
from upbit_stream.net.connection import Admission, Connection, Listener
from upbit_stream.net.inflate import Inflater, offered
from upbit_stream.net.refused import refused


class _NoHeaders(logging.LoggerAdapter[logging.Logger]):
    """picows logs the headers of its requests, the bearer token among them, below DEBUG: nothing from there is let
    through, whatever level a program sets. (An adapter, because picows makes child loggers of a Logger.)
    """

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  # the standard library's name
        return level > logging.DEBUG and super().isEnabledFor(level)


_PICOWS_LOG = _NoHeaders(logging.getLogger("upbit_stream.net.picows"), {})

# All that the kernel holds is read, and decoded, before a consumer runs. Left to itself the kernel holds up to 6 MiB,
# which is thousands of messages past every limit and out of the processor's caches. This is room for 2 MB/s at a round
# trip of 100 ms, more than the exchange sends for all markets.
_RECEIVE_BUFFER_BYTES = 128 * 1024

_CLOSE_WAIT_S = 1.0  # for the peer's half of the closing handshake
_MAX_CONTROL_PAYLOAD = 125  # RFC 6455 section 5.5: a longer frame is no control frame
_HAPPY_EYEBALLS_DELAY_S = 0.25  # RFC 8305 section 5


@dataclass(frozen=True, slots=True)
class PicowsConnector:
    """How to connect.

    ``family`` is ``socket.AF_INET`` or ``AF_INET6`` to use only one of them, ``proxy`` an ``http://``,
    ``https://``, ``socks4://`` or ``socks5://`` address, ``compression`` asks for permessage-deflate.
    """

    ssl_context: ssl.SSLContext | None = None
    proxy: str | None = None
    family: int = socket.AF_UNSPEC
    compression: bool = False
    max_message_bytes: int = 4 * 1024 * 1024
    handshake_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.proxy is not None and not _is_proxy(self.proxy):
            raise UsageError("proxy must be of the form http|https|socks4|socks5://[USER:PASSWORD@]HOST:PORT")

    async def connect(
        self, url: str, *, headers: Mapping[str, str], listener: Listener, admission: Admission
    ) -> Connection:
        """See `Connector.connect`."""

        async def socket_factory(peer: WSParsedURL) -> socket.socket:
            connected = await self._tcp(str(peer.host), int(peer.port))
            try:
                await admission.confirm()
            except BaseException:
                connected.close()
                raise
            return connected

        gone = asyncio.Event()

        def frames(_request: WSUpgradeRequest, response: WSUpgradeResponse) -> WSListener:
            accepted = response.headers.get("Sec-WebSocket-Extensions", "")
            inflater = Inflater.negotiated(accepted, self.compression, self.max_message_bytes)
            kind = _Frames if inflater is None else _CompressedFrames
            return kind(listener, self.max_message_bytes, inflater, gone)

        extra = {**headers, **({"Sec-WebSocket-Extensions": offered()} if self.compression else {})}
        try:
            transport, _ = await ws_connect(
                frames,
                url,
                ssl_context=(self.ssl_context or _default_tls()) if url.startswith("wss:") else None,
                websocket_handshake_timeout=self.handshake_timeout_s,
                logger_name=_PICOWS_LOG,
                enable_auto_pong=True,
                max_frame_size=self.max_message_bytes,
                extra_headers=extra,
                max_redirects=0,  # a redirect would carry the token to another host, past the budget
                proxy=self.proxy,
                socket_factory=socket_factory,
            )
        except WSError as error:
            raise _refusal(url, error) from error
        except (OSError, ValueError, EOFError, ProxyError) as error:
            # Nothing wider: a mistake in this program must come out, not be tried again for ever.
            raise ConnectionFailed(f"cannot connect to {url}: {_describe(error)}") from error
        if transport.is_disconnected and not gone.is_set():
            # picows calls a connection that was lost before the answer to the upgrade a success.
            raise ConnectionFailed(f"cannot connect to {url}: the connection was lost before the upgrade was answered")
        return _PicowsConnection(transport, gone)

    async def _tcp(self, host: str, port: int) -> socket.socket:
        """A connected socket, IPv6 and IPv4 raced as RFC 8305 says."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=self.family, type=socket.SOCK_STREAM)
        connected = await aiohappyeyeballs.start_connection(
            found, happy_eyeballs_delay=_HAPPY_EYEBALLS_DELAY_S, socket_factory=_socket
        )
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected


def _socket(address: aiohappyeyeballs.AddrInfoType) -> socket.socket:
    made = socket.socket(address[0], address[1], address[2])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    made.setblocking(False)
    return made


def _is_proxy(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https", "socks4", "socks5") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _default_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # the exchange's own minimum
    return context


class _Frames(WSListener):
    """Joins frames into messages and hands them on."""

    def __init__(
        self, listener: Listener, max_message_bytes: int, inflater: Inflater | None, gone: asyncio.Event
    ) -> None:
        super().__init__()
        self._listener = listener
        self._receive = listener.receive
        self._max_message_bytes = max_message_bytes
        self._inflater = inflater
        self._is_whole = True  # False while a fragmented message is incomplete
        self._fragments: list[bytes] = []
        self._held = 0
        self._deflated = False
        self._fault = ""
        self._gone = gone

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Nearly every frame is a whole, uncompressed message too long to be a control frame."""
        if self._is_whole and _MAX_CONTROL_PAYLOAD < frame.payload_size <= self._max_message_bytes and frame.fin:
            self._receive(frame.get_payload_as_bytes())
        else:
            self._other_frame(transport, frame)

    def _other_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == WSMsgType.PONG:
            self._listener.pong()
        elif kind == WSMsgType.CLOSE:
            # RFC 6455 section 5.5.1: answer with a close frame; picows does not by itself.
            code = frame.get_close_code()
            transport.send_close(WSCloseCode.OK if code == WSCloseCode.NO_INFO else code)
            transport.disconnect()
        elif kind != WSMsgType.PING:
            self._data_frame(transport, frame)

    def _data_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if not self._fragments:
            self._deflated = frame.rsv1
        self._held += frame.payload_size
        if self._held > self._max_message_bytes:
            self._give_up(
                transport, WSCloseCode.MESSAGE_TOO_BIG, f"a message of more than {self._max_message_bytes} bytes"
            )
            return
        self._fragments.append(frame.get_payload_as_bytes())
        self._is_whole = False
        if not frame.fin:
            return
        message = b"".join(self._fragments)
        self._fragments.clear()
        self._held = 0
        self._is_whole = True
        if self._deflated and self._inflater is not None:
            self._inflate(transport, self._inflater, message)
        else:
            self._receive(message)

    def _inflate(self, transport: WSTransport, inflater: Inflater, compressed: bytes) -> None:
        try:
            message = inflater.inflate(compressed)
        except ValueError as error:
            # The shared window is lost with this message: nothing after it could be read.
            self._give_up(transport, WSCloseCode.PROTOCOL_ERROR, str(error))
            return
        self._receive(message)

    def _give_up(self, transport: WSTransport, code: WSCloseCode, fault: str) -> None:
        self._fault = fault
        transport.send_close(code)
        transport.disconnect(graceful=False)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The socket is gone."""
        self._gone.set()
        self._listener.closed(self._fault or _close_reason(transport))


class _CompressedFrames(_Frames):
    """The same where permessage-deflate was agreed: nearly every frame is a whole compressed message."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """RFC 7692 section 6: the first frame of a compressed message has RSV1 set; control frames never have."""
        if frame.rsv1 and self._is_whole and frame.fin and self._inflater is not None:
            self._inflate(transport, self._inflater, frame.get_payload_as_bytes())
        else:
            self._other_frame(transport, frame)


def _close_reason(transport: WSTransport) -> str:
    handshake: WSCloseHandshake | None = transport.close_handshake  # None until a close frame passed either way
    if handshake is None:
        return "the connection was lost without a closing handshake"
    if handshake.recv is not None and handshake.recv_then_sent:
        reason = f" ({handshake.recv.reason})" if handshake.recv.reason else ""
        return f"the exchange closed the connection: {_close_code(handshake.recv.code)}{reason}"
    return "the connection was closed from here"


def _close_code(code: WSCloseCode | int) -> int:
    """picows gives codes that are none of its enumeration as plain numbers."""
    return code.value if isinstance(code, WSCloseCode) else code


class _PicowsConnection:
    """The sending half."""

    def __init__(self, transport: WSTransport, gone: asyncio.Event) -> None:
        self._transport = transport
        self._gone = gone

    def send_text(self, payload: bytes) -> None:
        self._transport.send(WSMsgType.TEXT, payload)

    def ping(self) -> None:
        self._transport.send_ping(b"upbit-stream")

    def pause_reading(self) -> None:
        if not self._transport.is_disconnected:
            self._transport.underlying_transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._transport.is_disconnected:
            self._transport.underlying_transport.resume_reading()

    async def close(self, code: int = 1000) -> None:
        if not self._gone.is_set():
            self._transport.send_close(WSCloseCode(code))
            try:
                async with asyncio.timeout(_CLOSE_WAIT_S):
                    await self._gone.wait()
            except TimeoutError:
                self.abort()
        await self._gone.wait()

    def abort(self) -> None:
        if not self._transport.is_disconnected:
            self._transport.disconnect(graceful=False)


def _refusal(url: str, error: WSError) -> ConnectionFailed:
    """The error for an upgrade that the exchange answered with something else, or broke off."""
    response: WSUpgradeResponse | None = getattr(error, "response", None)
    if response is None:
        return ConnectionFailed(f"cannot connect to {url}: the WebSocket upgrade failed: {_describe(error)}")
    return refused(int(response.status), response.headers, getattr(error, "raw_body", None) or b"")


def _describe(error: BaseException) -> str:
    text = str(error).strip()
    if isinstance(error, TimeoutError) and not text:
        return "no answer in time"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
