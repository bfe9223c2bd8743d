"""Live trades kept back until those before them are recovered, so that a consumer sees them in time order.

Owns what is kept back, bounded in time and number: who waits for the past must not lose the present. Knows nothing of
how trades are recovered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from upbit_stream.model.messages import AnyMessage, Trade

log = logging.getLogger(__name__)

HELD_S = 30.0
HELD_TRADES = 10_000  # of one code


class Ordering:
    """``deliver`` hands a trade on, ``changed(holding)`` is told when the first code is held and the last released."""

    def __init__(self, deliver: Callable[[AnyMessage], None], changed: Callable[[bool], None]) -> None:
        self._deliver = deliver
        self._changed = changed
        self._held: dict[str, list[Trade]] = {}
        self._oldest_ms: dict[str, int] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def hold(self, code: str) -> None:
        """Keep the trades of a code back from now on."""
        if code in self._held:
            return
        self._held[code] = []
        self._timers[code] = asyncio.get_running_loop().call_later(HELD_S, self._give_up, code, f"{HELD_S:g} s")
        self._changed(True)

    def holds(self, code: str) -> bool:
        """Whether the trades of a code are kept back now."""
        return code in self._held

    def release(self, code: str) -> None:
        """Hand on what was kept back, in the order of execution."""
        held = self._held.pop(code, None)
        if held is None:
            return
        self._timers.pop(code).cancel()
        self._oldest_ms.pop(code, None)
        for trade in sorted(held, key=_executed):
            self._deliver(trade)
        if not self._held:
            self._changed(False)

    def takes(self, message: AnyMessage) -> bool:
        """Whether a message is kept back. A recovered trade that is older than all of these is not."""
        if not isinstance(message, Trade):
            return False
        held = self._held.get(message.code)
        if held is None:
            return False
        oldest_ms = min(self._oldest_ms.get(message.code, message.trade_timestamp), message.trade_timestamp)
        if message.stream_type == "RECOVERED" and oldest_ms == message.trade_timestamp:
            return False
        self._oldest_ms[message.code] = oldest_ms
        held.append(message)
        if len(held) >= HELD_TRADES:
            self._give_up(message.code, f"{HELD_TRADES} trades")
        return True

    def close(self) -> None:
        """Hand on everything."""
        for code in tuple(self._held):
            self.release(code)

    def _give_up(self, code: str, bound: str) -> None:
        log.warning("trade %s: what is missing is not recovered after %s: it will come out of order", code, bound)
        self.release(code)


def _executed(trade: Trade) -> int:
    return trade.trade_timestamp
