"""One message as it came off the wire, before anybody decoded it.

Owns the value that raw taps (the recorder is one) receive. Knows nothing of decoding.
"""

from __future__ import annotations

from msgspec import Struct


class RawMessage(Struct, frozen=True, gc=False):
    """One JSON object of the exchange, byte for byte.

    A message in one of the list formats is handed over as one RawMessage per element. ``type`` is the
    exchange's type (``trade``, ``candle.1m``), "" where the payload cannot be read or names none; ``code`` is the
    market or "" (``myAsset`` has none). ``received_at_ns`` is the wall clock in ns since the epoch when the bytes
    were read from the socket.
    """

    payload: bytes
    type: str
    code: str
    received_at_ns: int
