"""What an answer other than 101 says: the exchange's error name, its text, and how long to wait.

Owns reading that answer. What follows from it is decided in the session room.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from upbit_stream.errors import HandshakeRefused

_SECONDS: Mapping[str, float] = {
    "ms": 0.001,
    "millisecond": 0.001,
    "s": 1.0,
    "sec": 1.0,
    "초": 1.0,
    "m": 60.0,
    "min": 60.0,
    "분": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "시간": 3600.0,
}
_LONGEST_S = 7 * 86_400.0  # whatever an answer says, after a week it is worth a look
_TIME = re.compile(r"(\d{1,9})\s*(ms|millisecond|sec|s\b|초|min|m\b|분|hour|h\b|시간)")


class _Error(msgspec.Struct):
    name: str | int = ""
    message: str = ""


class _Body(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


def refused(status: int, headers: Mapping[str, str], body: bytes) -> HandshakeRefused:
    """The error for an upgrade that was answered with ``status``."""
    try:
        said = msgspec.json.decode(body, type=_Body).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = _Error(message=body[:200].decode("utf-8", "replace").strip())
    return HandshakeRefused(
        status,
        name=str(said.name),
        detail=said.message,
        retry_after_s=_retry_after_s(
            {name.lower(): value for name, value in headers.items()}.get("retry-after", ""), said.message
        ),
    )


def _retry_after_s(header: str, message: str) -> float | None:
    """Seconds to wait, by the header or else by the words; None where neither tells."""
    if header.strip().isdecimal():
        return min(_LONGEST_S, float(header))
    found = _TIME.search(message)
    return None if found is None else min(_LONGEST_S, float(found[1]) * _SECONDS[found[2]])
