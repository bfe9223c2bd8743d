"""permessage-deflate (RFC 7692) for what is received. What is sent stays uncompressed, which the RFC allows.

Owns the negotiation and the decompression, bounded in size.
"""

from __future__ import annotations

import zlib
from collections import deque

from upbit_stream.errors import ConnectionFailed

_TAIL = b"\x00\x00\xff\xff"  # RFC 7692 section 7.2.2: appended before inflating
_PARAMETERS = {
    "server_no_context_takeover",
    "client_no_context_takeover",
    "server_max_window_bits",
    "client_max_window_bits",
}
# zlib deflates with 9 bits where 8 were agreed, and so do servers built on it; a larger window reads both.
_WINDOW_BITS = {str(bits): max(9, bits) for bits in range(8, 16)}
_MOST_FINAL_BLOCKS = 100  # in one message; each costs a copy of the rest


def offered() -> str:
    """The value of the ``Sec-WebSocket-Extensions`` header that asks for compression."""
    return "permessage-deflate; client_max_window_bits"


class Inflater:
    """Decompresses the messages of one connection."""

    def __init__(self, *, window_bits: int, keep_context: bool, max_message_bytes: int) -> None:
        self._window_bits = window_bits
        self._keep_context = keep_context
        self._max_message_bytes = max_message_bytes
        self._stream = zlib.decompressobj(-window_bits)
        self._recent: deque[bytes] = deque()  # the latest messages, together at least the window
        self._recent_bytes = 0

    @classmethod
    def negotiated(cls, accepted: str, asked: bool, max_message_bytes: int) -> Inflater | None:
        """For what the server accepted, or None where it accepted nothing.

        Raises `ConnectionFailed` for an extension that was not asked for (RFC 6455 section 4.1), and for parameters
        that make no sense (RFC 7692 section 7.1).
        """
        if not accepted.strip():
            return None
        name, *rest = [part.strip() for part in accepted.split(";")]
        if not asked or name != "permessage-deflate" or "," in accepted:
            raise ConnectionFailed(f"the exchange answered with an extension that was not asked for: {accepted!r}")
        parameters = {key.strip(): value.strip(' "') for key, _, value in (part.partition("=") for part in rest)}
        bits = parameters.get("server_max_window_bits", "15")
        if not parameters.keys() <= _PARAMETERS or bits not in _WINDOW_BITS:
            raise ConnectionFailed(f"the exchange answered with an extension in a way of its own: {accepted!r}")
        return cls(
            window_bits=_WINDOW_BITS[bits],
            keep_context="server_no_context_takeover" not in parameters,
            max_message_bytes=max_message_bytes,
        )

    def inflate(self, message: bytes) -> bytes:
        """The original of a compressed message. Raises ValueError where it is broken or larger than the bound."""
        if not self._keep_context:
            self._stream = zlib.decompressobj(-self._window_bits)
        plain = self._decompress(message + _TAIL, b"")
        if self._stream.eof:
            plain = self._after_final_blocks(plain)
        if self._keep_context and plain:
            self._remember(plain)
        return plain

    def _decompress(self, compressed: bytes, before: bytes) -> bytes:
        try:
            plain = before + self._stream.decompress(compressed, self._max_message_bytes + 1 - len(before))
        except zlib.error as error:
            raise ValueError(f"a compressed message is broken: {error}") from error
        if len(plain) > self._max_message_bytes:
            raise ValueError(f"a compressed message inflates to more than {self._max_message_bytes} bytes")
        return plain

    def _after_final_blocks(self, plain: bytes) -> bytes:
        """Go on behind blocks that say they are the last, which RFC 7692 section 7.2.3.4 allows anywhere.

        zlib's stream is over with such a block; the window, to which what follows refers, is not.
        """
        for _ in range(_MOST_FINAL_BLOCKS):
            rest = self._stream.unused_data
            window = b"".join((*self._recent, plain))[-(1 << self._window_bits) :]
            self._stream = zlib.decompressobj(-self._window_bits, zdict=window)
            if rest != _TAIL:  # nothing but the tail: the sender left out the empty block behind the final one
                plain = self._decompress(rest, plain)
            if not self._stream.eof:
                return plain
        raise ValueError(f"a compressed message is broken: more than {_MOST_FINAL_BLOCKS} final blocks")

    def _remember(self, plain: bytes) -> None:
        window = 1 << self._window_bits
        kept = plain if len(plain) <= window else plain[-window:]
        self._recent.append(kept)
        self._recent_bytes += len(kept)
        while self._recent_bytes - len(self._recent[0]) >= window:
            self._recent_bytes -= len(self._recent.popleft())
