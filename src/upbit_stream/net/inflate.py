"""permessage-deflate (RFC 7692) for what is received. What is sent stays uncompressed, which the RFC allows.

Owns the negotiation and the decompression, bounded in size.
"""

from __future__ import annotations

import re
import zlib

from upbit_stream.errors import ConnectionFailed

_TAIL = b"\x00\x00\xff\xff"  # RFC 7692 section 7.2.2: appended before inflating


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

    @classmethod
    def negotiated(cls, accepted: str, asked: bool, max_message_bytes: int) -> Inflater | None:
        """For what the server accepted, or None where it accepted nothing.

        Raises `ConnectionFailed` for an extension that was not asked for (RFC 6455 section 4.1).
        """
        if not accepted.strip():
            return None
        name, *parameters = [part.strip() for part in accepted.split(";")]
        if not asked or name != "permessage-deflate" or "," in accepted:
            raise ConnectionFailed(f"the exchange answered with an extension that was not asked for: {accepted!r}")
        found = re.search(r'server_max_window_bits\s*=\s*"?(\d+)', accepted)
        return cls(
            window_bits=int(found[1]) if found else 15,
            keep_context="server_no_context_takeover" not in parameters,
            max_message_bytes=max_message_bytes,
        )

    def inflate(self, message: bytes) -> bytes:
        """The original of a compressed message. Raises ValueError where it is broken or larger than the bound."""
        if not self._keep_context:
            self._stream = zlib.decompressobj(-self._window_bits)
        try:
            plain = self._stream.decompress(message + _TAIL, self._max_message_bytes)
        except zlib.error as error:
            raise ValueError(f"a compressed message is broken: {error}") from error
        if self._stream.unconsumed_tail:
            raise ValueError(f"a compressed message inflates to more than {self._max_message_bytes} bytes")
        return plain
