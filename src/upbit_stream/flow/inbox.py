"""The buffer of one consumer, and the next message for it.

`PythonInbox` says what happens; where the package was built with its C part, ``src/native/inbox.c`` does the same.

Owns the buffer. Knows nothing of policies but when to ask for them: a subclass answers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from upbit_stream.native import native


class PythonInbox:
    """At ``limit`` messages either the oldest goes (``drops``) or reading is held back. ``extra`` of what lies here
    does not count for that.

    ``latest`` keeps the newest of each type and code. A drop is counted in ``dropped``; while ``counts_drops``, nobody
    has to be told of one more.

    ``is_plain`` says that what comes next is what lies here, ``is_sleeping`` that the consumer waits to be woken,
    ``is_holding`` that reading is held back, ``is_closed`` that no more will come; ``waiter`` is what wakes the
    consumer.
    """

    def __init__(self, limit: int, drops: bool = False) -> None:
        self.limit = limit
        self.extra = 0
        self.is_plain = True
        self.is_sleeping = False
        self.is_holding = False
        self.latest: dict[tuple[str, str], Any] = {}
        self.dropped = 0
        self.counts_drops = False
        self.waiter: asyncio.Future[None] | None = None
        self.is_closed = False
        self._drops = drops
        self._lying: deque[Any] = deque()

    @property
    def waiting(self) -> int:
        """How many lie here."""
        return len(self._lying)

    def put(self, message: Any) -> None:
        """A message for the consumer."""
        if self._drops and len(self._lying) - self.extra >= self.limit:
            if self.counts_drops and not self.extra and self._lying:
                self.dropped += 1
                self._lying.popleft()
            else:
                self._drop_oldest()
        self._lying.append(message)
        if self.is_sleeping:
            self.is_sleeping = False
            self._wake()
        # Also where the consumer is awake: it runs only after all that the socket has is read.
        if not self._drops and len(self._lying) >= self.limit and not self.is_holding:
            self._hold_back()

    def put_latest(self, message: Any) -> None:
        """A message that supersedes the one before of its type and code; it need not be decoded."""
        key = (message.type, message.code)
        if key in self.latest:
            if self.counts_drops:
                self.dropped += 1
            else:
                self._count_drop()
        self.latest[key] = message  # a key that is there keeps its turn: a busy market must not wait for ever
        if self.is_sleeping:
            self.is_sleeping = False
            self._wake()

    def append(self, item: Any) -> None:
        """Something more, whatever the limit."""
        self._lying.append(item)

    def appendleft(self, item: Any) -> None:
        """Something that comes before all."""
        self._lying.appendleft(item)

    def popleft(self) -> Any:
        """The oldest. Raises IndexError where there is none."""
        return self._lying.popleft()

    def empty(self) -> None:
        """Forget all."""
        self._lying.clear()

    async def __anext__(self) -> Any:
        """The next one. Nothing is taken before it is awaited, so giving up loses nothing."""
        if self._lying and self.is_plain:
            return self._lying.popleft()
        return await self._next()

    # a subclass answers

    async def _next(self) -> Any:
        raise NotImplementedError

    def _wake(self) -> None:
        raise NotImplementedError

    def _hold_back(self) -> None:
        raise NotImplementedError

    def _count_drop(self) -> None:
        raise NotImplementedError

    def _drop_oldest(self) -> None:
        raise NotImplementedError


if TYPE_CHECKING:
    Inbox = PythonInbox
else:
    Inbox = PythonInbox if native is None else native.Inbox
