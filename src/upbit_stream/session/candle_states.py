"""What was last said of each candle, so that an older word never follows a newer one.

A candle is sent many times and the last word is the truth; its ``timestamp`` is that of its last trade and its
volume only grows. Owns the newest state of the newest candles. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

State: TypeAlias = tuple[int, float]  # timestamp, candle_acc_trade_volume

_KEPT = 200  # candles of one type and code: as many as one page of REST


class CandleStates:
    """States by type, code and ``candle_date_time_utc``.

    >>> states = CandleStates()
    >>> states.take("candle.1m", "SGD-BTC", "2026-01-01T00:00:00", (5, 1.0))
    1
    >>> states.take("candle.1m", "SGD-BTC", "2026-01-01T00:00:00", (4, 0.5))
    -1
    """

    def __init__(self) -> None:
        self._states: dict[tuple[str, str], dict[str, State]] = {}
        self._first: dict[tuple[str, str], str] = {}

    def take(self, kind: str, code: str, start: str, state: State) -> int:
        """Note a state: 1 where it is news, 0 where it is what was known, -1 where it is older, and not noted."""
        states = self._states.setdefault((kind, code), {})
        self._first.setdefault((kind, code), start)
        known = states.get(start)
        if known is not None and state <= known:
            return 0 if state == known else -1
        states[start] = state
        if len(states) > 2 * _KEPT:
            self._states[kind, code] = {start: states[start] for start in sorted(states)[-_KEPT:]}
        return 1

    def is_news(self, kind: str, code: str, start: str, state: State) -> bool:
        """Whether `take` would say 1."""
        known = self._states.get((kind, code), {}).get(start)
        return known is None or state > known

    def newest(self, kind: str, code: str) -> str | None:
        """The start of the newest candle that is known."""
        states = self._states.get((kind, code))
        return max(states) if states else None

    def first(self, kind: str, code: str) -> str | None:
        """The start of the candle that was received first."""
        return self._first.get((kind, code))

    def load(self, kind: str, code: str, states: Mapping[str, State]) -> None:
        """What an earlier run knew."""
        self._states.setdefault((kind, code), {}).update(states)
        if states:
            self._first[kind, code] = min(states)
