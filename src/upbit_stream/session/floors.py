"""Where the trades of a code begin: at the first subscription. What was traded before it is nobody's loss.

Owns the first trade of each code. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Floor:
    """``trade_id`` is the snapshot trade of the first subscription, executed at ``executed_ms`` by the exchange's
    clock; 0 where there was none. ``subscribed_ns`` is by our own.
    """

    subscribed_ns: int
    trade_id: int = 0
    executed_ms: int = 0


class Floors:
    """Floors by code.

    >>> floors = Floors()
    >>> floors.begin("SGD-BTC", 1, 17, 5)
    >>> floors.of("SGD-BTC").trade_id
    17
    """

    def __init__(self) -> None:
        self._floors: dict[str, Floor] = {}

    def begin(self, code: str, subscribed_ns: int, trade_id: int = 0, executed_ms: int = 0) -> None:
        """A code is subscribed for the first time, or again after it was not."""
        self._floors[code] = Floor(subscribed_ns, trade_id, executed_ms)

    def of(self, code: str) -> Floor | None:
        """The floor of a code, or None: an earlier run received it already."""
        return self._floors.get(code)
