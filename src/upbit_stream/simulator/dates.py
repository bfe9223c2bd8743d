"""Dates and times as the exchange writes them, from ms since the epoch.

Owns formats. Must not read a clock.
"""

from __future__ import annotations

import time
from functools import lru_cache

SECOND_MS = 1_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000
_KST_AHEAD_MS = 9 * 3_600_000


@lru_cache(maxsize=4096)
def _utc(at_s: int, pattern: str) -> str:
    return time.strftime(pattern, time.gmtime(at_s))


def utc(at_ms: int, pattern: str) -> str:
    """The moment in UTC, in a strftime pattern."""
    return _utc(at_ms // SECOND_MS, pattern)


def utc_iso(at_ms: int) -> str:
    """yyyy-MM-ddTHH:mm:ss in UTC."""
    return utc(at_ms, "%Y-%m-%dT%H:%M:%S")


def kst_iso(at_ms: int) -> str:
    """yyyy-MM-ddTHH:mm:ss in Korean time, without an offset (as candles carry it)."""
    return utc_iso(at_ms + _KST_AHEAD_MS)


def kst_offset_iso(at_ms: int) -> str:
    """yyyy-MM-ddTHH:mm:ss+09:00 (as announcements carry it)."""
    return kst_iso(at_ms) + "+09:00"
