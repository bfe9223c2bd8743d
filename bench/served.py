"""The server's side of one connection: the upgrade, the requests, the answers. Blocking, one thread each.

Owns the conversation. What is sent after a subscription, and how fast, is the sender's; what messages say is elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import select
import socket
import ssl
import struct
import zlib
from collections.abc import Callable
from typing import Any, TypeAlias

from bench.loads import plain_frame

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_COMPRESSED = 0x40  # RSV1 of the first byte, RFC 7692 section 6
_TAIL = b"\x00\x00\xff\xff"  # RFC 7692 section 7.2.2: put back before inflating
_LIST_WAIT_S = 0.3  # for clients that ask what is registered before they call themselves subscribed
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10

Sender: TypeAlias = "Callable[[Served], None]"


class Gone(Exception):
    """The client has left."""


class Served:
    """One client."""

    def __init__(self, connection: socket.socket, *, deflate: bool = False) -> None:
        self._connection = connection
        self._deflate = deflate
        self._received = b""
        self._inflater = zlib.decompressobj(wbits=-15)  # clients that negotiated it compress their requests too
        self._wanted: list[dict[str, Any]] = []

    def serve(self, sender: Sender) -> None:
        """Answer until there is a subscription, run the sender once, and answer on until the client leaves."""
        try:
            if self._upgrade():
                while not self._wanted:
                    self._take()
                self.attend(_LIST_WAIT_S)
                sender(self)
                while True:
                    self._take()
        except (Gone, OSError):
            pass  # how every client ends: with a closing handshake or without
        finally:
            self._connection.close()

    @property
    def codes(self) -> list[str]:
        """The codes that the client asked for, each once, without an order book's depth."""
        codes = (code.partition(".")[0] for one in self._wanted for code in one.get("codes", ()))
        return list(dict.fromkeys(codes))

    def send(self, frames: bytes) -> None:
        """Send whole frames, as fast as the client takes them."""
        self._connection.sendall(frames)

    def attend(self, wait_s: float = 0.0) -> None:
        """Answer what the client has sent; senders call it between their pieces. With ``wait_s`` wait so long for it to
        ask something.
        """
        while self._received or self._readable(wait_s):
            wait_s = 0.0
            self._take()

    def _readable(self, wait_s: float) -> bool:
        if isinstance(self._connection, ssl.SSLSocket) and self._connection.pending():
            return True
        return bool(select.select([self._connection], [], [], wait_s)[0])

    # the upgrade

    def _upgrade(self) -> bool:
        """Whether the client asked for a WebSocket and got it. Anything else is answered as by an empty exchange."""
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
        headers = {name.strip().lower(): value.strip() for name, _, value in lines}
        key = headers.get(b"sec-websocket-key")
        if key is None:
            answer = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]"
            )
            self._connection.sendall(answer)
            return False
        accepted = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
        answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        answer += b"Sec-WebSocket-Accept: " + accepted + b"\r\n"
        if self._deflate:
            offer = headers.get(b"sec-websocket-extensions", b"")
            if b"permessage-deflate" not in offer or b"server_" in offer.replace(b" ", b""):
                self._connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                return False  # what was compressed beforehand fits only a client that lets the window be kept
            answer += b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
        self._connection.sendall(answer + b"\r\n")
        return True

    # what the client sends

    def _receive(self) -> None:
        more = self._connection.recv(65_536)
        if not more:
            raise Gone
        self._received += more

    def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            self._receive()
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def _take(self) -> None:
        """Read one frame and answer it. Clients send short, whole messages."""
        head, size = self._exactly(2)
        size &= 0x7F
        if size == 126:
            [size] = struct.unpack(">H", self._exactly(2))
        mask = self._exactly(4)
        masked = self._exactly(size)
        payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked))
        if head & _COMPRESSED:
            payload = self._inflater.decompress(payload + _TAIL)
        kind = head & 0x0F
        if kind == _CLOSE:
            self.send(plain_frame(payload[:2], 0x80 | _CLOSE))
            raise Gone
        if kind == _PING:
            self.send(plain_frame(payload, 0x80 | _PONG))
        elif kind in (_TEXT, _BINARY):
            self._request(payload)

    def _request(self, payload: bytes) -> None:
        if payload == b"PING":
            self.send(plain_frame(b'{"status":"UP"}'))
            return
        parts = json.loads(payload)
        ticket = next(part["ticket"] for part in parts if "ticket" in part)
        simple = any(part.get("format", "DEFAULT").startswith("SIMPLE") for part in parts)
        if any(part.get("method") == "LIST_SUBSCRIPTIONS" for part in parts):
            self.send(plain_frame(json.dumps(self._registered(ticket, simple)).encode()))
            return
        self._wanted = [part for part in parts if "type" in part]

    def _registered(self, ticket: str, simple: bool) -> dict[str, Any]:
        kind, codes = ("ty", "cds") if simple else ("type", "codes")
        registered = [{kind: part["type"], codes: part.get("codes", [])} for part in self._wanted]
        if simple:
            return {"mthd": "LIST_SUBSCRIPTIONS", "rslt": registered, "tckt": ticket}
        return {"method": "LIST_SUBSCRIPTIONS", "result": registered, "ticket": ticket}
