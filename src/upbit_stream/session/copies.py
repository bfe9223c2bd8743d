"""Which message of several connections is a copy of one that was delivered.

A market's newest picture (ticker, order book) is told by its time: an older one is late, one of the same time is a
copy if it says the same. Whether it came as a snapshot or in real time does not matter. Trades have ids and candles
states of their own: see `ledger` and `candle_states`. Pure.
"""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

Picture: TypeAlias = tuple[str, str, float | None]  # type, code, level

_PICTURES = frozenset({"ticker", "orderbook"})
_OTHERS_KEPT = 4096


class Copies:
    """``is_copy`` notes what it lets through.

    >>> copies = Copies()
    >>> copies.is_copy("ticker", "SGD-BTC", None, 5, b"{}"), copies.is_copy("ticker", "SGD-BTC", None, 5, b"{}")
    (False, True)
    """

    def __init__(self) -> None:
        self._newest: dict[Picture, tuple[int, set[int]]] = {}
        self._others: set[int] = set()
        self._order: deque[int] = deque()

    def is_copy(self, kind: str, code: str, level: float | None, timestamp: int, payload: bytes) -> bool:
        """Whether the message was delivered, or one that is newer."""
        said = hash(payload.replace(b'"SNAPSHOT"', b'"REALTIME"'))
        if kind not in _PICTURES:
            return self._is_known(said)
        picture = (kind, code, level)
        newest, saying = self._newest.get(picture, (-1, set()))
        if timestamp > newest:
            self._newest[picture] = (timestamp, {said})
            return False
        if timestamp < newest or said in saying:
            return True
        saying.add(said)  # another depth of the same moment
        return False

    def _is_known(self, said: int) -> bool:
        if said in self._others:
            return True
        self._others.add(said)
        self._order.append(said)
        if len(self._order) > _OTHERS_KEPT:
            self._others.discard(self._order.popleft())
        return False
