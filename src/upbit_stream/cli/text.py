"""Numbers and foreign text, made fit for a terminal.

Owns the wording of sizes, ages and times. Pure; knows nothing of rich or of streams.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_NS: Final = 1_000_000_000
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


def printable(text: str) -> str:
    r"""``text`` with what could command a terminal written as an escape.

    Names and error texts come from the wire; none of them may clear the screen or forge a line.

        >>> printable("SGD-BTC\x1b[2J\n")
        'SGD-BTC\\x1b[2J\\n'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def stream_name(type_: str, code: str) -> str:
    """A stream as the command line names it: ``trade:SGD-BTC``, or ``myAsset``."""
    return printable(f"{type_}:{code}" if code else type_)


def size(count: int) -> str:
    """A number of bytes, in decimal units.

    >>> size(1_234_567)
    '1.2 MB'
    """
    value, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.95 or unit == "TB":  # what would be shown as 1000.0 belongs to the next unit
            break
        value /= 1000
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def age(now_ns: int, then_ns: int) -> str:
    """The time from ``then_ns`` to ``now_ns`` (ns since the epoch): ``0.3 s``, ``2 min 5 s``, ``3 h 1 min``.

    A clock that was set back gives ``0.0 s``.
    """
    seconds = max(0, now_ns - then_ns) / _NS
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"


def clock(at_ns: int) -> str:
    """A time (ns since the epoch) as ``2026-11-22 12:00:00Z``."""
    return f"{datetime.fromtimestamp(at_ns // _NS, UTC):%Y-%m-%d %H:%M:%S}Z"


def plural(count: int, noun: str) -> str:
    """``1 message``, ``1,234 messages``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
