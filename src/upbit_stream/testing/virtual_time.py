"""An event loop whose clock jumps to the next timer, so that hours pass in moments.

Owns time in tests. Threads are outside of it: what runs in an executor takes no virtual time, and must not be
waited for here.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

Result = TypeVar("Result")


class NothingLeftToHappenError(RuntimeError):
    """Everything waits, and no timer is set: in real time this would hang for ever."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """``time()`` starts at ``start_s`` and moves only when there is nothing to do."""

    def __init__(self, start_s: float = 1_000.0) -> None:
        self._now = start_s
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """The virtual time in seconds."""
        return self._now

    def jump(self, seconds: float) -> None:
        """Move on."""
        self._now += seconds


class _Jumping(selectors.BaseSelector):
    """Does not wait for its time-out, but moves the clock by it."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise NothingLeftToHappenError("every task waits and no timer is set")
        self._loop.jump(max(0.0, timeout))
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


def run_virtual(main: Coroutine[Any, Any, Result]) -> Result:
    """Like `asyncio.run`, in virtual time.

    >>> run_virtual(asyncio.sleep(3600, "an hour later"))
    'an hour later'
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
