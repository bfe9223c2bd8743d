"""One consumer with a bounded buffer, and what happens when it is too slow.

Owns the buffer, its policy and the count of what was dropped. Knows nothing of where messages come from.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar, get_args

from upbit_stream.errors import UsageError
from upbit_stream.model.events import Dropped, Event, Gap, Malformed
from upbit_stream.model.messages import AnyMessage

Policy: TypeAlias = Literal["wait", "drop_oldest", "latest"]
Item = TypeVar("Item")
DROPPED = "its messages were dropped, as its policy says; other consumers have them"


class Subscriber(Generic[Item]):
    """An asynchronous iterator over messages (and events, where asked for).

    ``policy`` says what happens at ``limit`` buffered messages: ``wait`` stops reading from the exchange until this
    consumer has caught up, ``drop_oldest`` drops the oldest, ``latest`` keeps only the newest of each type and code
    and needs no limit. Drops are counted in ``dropped``, and told as a `Dropped` event in the place of what
    is missing; after ``drop_oldest`` with a `Gap` for each type and code, from the first to the last one dropped.
    """

    def __init__(
        self,
        name: str,
        *,
        policy: Policy,
        limit: int,
        events: bool,
        time_ns: Callable[[], int],
        hold: Callable[[Subscriber[Any], bool], None],
        on_drop: Callable[[Subscriber[Any]], None],
        next_gap: Callable[[], int],
    ) -> None:
        check_buffer(policy, limit)
        self.name = name
        self.policy: Policy = policy
        self.wants_events = events
        self.dropped = 0
        self.held_since_ns = 0  # since when it holds reading back, where it does
        self.told = False  # whether the consumer has seen the error that ended the stream
        self._limit = limit
        self._time_ns = time_ns
        self._hold = hold
        self._on_drop = on_drop
        self._next_gap = next_gap
        self._lost: dict[tuple[str, str], tuple[int, int]] = {}  # of what was dropped and is not told yet: from, to
        self._holding = False
        self._untold = 0
        self._buffer: deque[Any] = deque()
        self._events = 0  # of what is in the buffer
        self._latest: dict[tuple[str, str], AnyMessage] = {}
        self._next_up: deque[Any] = deque()  # what comes right after a `Dropped`
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self._error: Exception | None = None
        self.put: Callable[[AnyMessage], None] = {
            "wait": self._put,
            "drop_oldest": self._put_dropping,
            "latest": self._put_latest,
        }[policy]

    def __len__(self) -> int:
        return len(self._buffer) + len(self._latest) + len(self._next_up)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        """The next message. Cancelling it, with a time-out for instance, loses nothing: the next call goes on."""
        if self._buffer and not self._untold and not self._next_up:
            item: Item = self._buffer.popleft()
            if self._events and isinstance(item, Event):
                self._events -= 1
            return item
        return await self._next()

    async def _next(self) -> Item:
        """Everything but a message that lies in the buffer."""
        while True:
            if self._next_up:
                return self._next_up.popleft()  # type: ignore[no-any-return]  # of what it was given
            if self._untold:
                return self._dropped_event()  # type: ignore[return-value]  # only where Item has events
            if self._buffer:
                return await self.__anext__()
            if self._latest:
                return self._latest.pop(next(iter(self._latest)))  # type: ignore[return-value]  # a message is an Item
            if self._holding:
                self._holding = False
                self._hold(self, False)
            if self._closed and not len(self):
                break
            await self._wait()
        if self._error is not None:
            self.told = True
            raise self._error
        raise StopAsyncIteration

    async def _wait(self) -> None:
        if len(self) or self._closed:
            return
        if self._waiter is not None:
            raise UsageError(f"{self.name}: two tasks iterate over one consumer; make a second with Stream.messages()")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # one of these is `put`

    def _put(self, message: AnyMessage) -> None:
        self._buffer.append(message)
        if self._waiter is not None:
            self._wake()
        # Also where the consumer is awake: it runs only after all that the socket has is read.
        if len(self._buffer) >= self._limit and not self._holding:
            self._hold_back()

    def _hold_back(self) -> None:
        self._holding = True
        self._hold(self, True)

    def _put_dropping(self, message: AnyMessage) -> None:
        if len(self._buffer) - self._events >= self._limit:
            self._drop_oldest()
        self._buffer.append(message)
        if self._waiter is not None:
            self._wake()

    def _put_latest(self, message: AnyMessage) -> None:
        key = (message.type, message.code)
        if key in self._latest:
            self._count_drop()
        self._latest[key] = message  # a key that is there keeps its turn: a busy market must not wait for ever
        if self._waiter is not None:
            self._wake()

    def _drop_oldest(self) -> None:
        events: list[Event] = []
        while self._buffer:
            oldest = self._buffer.popleft()
            if not isinstance(oldest, Event):
                if self.wants_events:
                    self._note_lost(oldest)
                self._count_drop()
                break
            events.append(oldest)
        self._buffer.extendleft(reversed(events))

    def _count_drop(self) -> None:
        self.dropped += 1
        if self.wants_events:
            self._untold += 1
        self._on_drop(self)

    def _note_lost(self, message: AnyMessage) -> None:
        key = (message.type, message.code)
        from_ns, _ = self._lost.get(key, (message.received_at_ns, 0))
        self._lost[key] = (from_ns, message.received_at_ns)

    def _dropped_event(self) -> Dropped:
        """What was dropped, in the place of it; the gaps that this makes come right after it."""
        count, self._untold = self._untold, 0
        at_ns = self._time_ns()
        lost, self._lost = self._lost, {}
        gaps = [
            Gap(
                at_ns=at_ns,
                number=self._next_gap(),
                message_type=kind,
                code=code,
                from_ns=from_ns,
                to_ns=to_ns,
                reason="this consumer was too slow",
                lost=DROPPED,
            )
            for (kind, code), (from_ns, to_ns) in lost.items()
        ]
        self._next_up.extend(gaps)
        # What follows is safe from being dropped: a slow consumer would get nothing but word of what it did not get.
        if self._buffer:
            following = self._buffer.popleft()
            self._events -= isinstance(following, Event)
            self._next_up.append(following)
        elif self._latest:
            self._next_up.append(self._latest.pop(next(iter(self._latest))))
        return Dropped(at_ns=at_ns, consumer=self.name, count=count, total=self.dropped)

    # events, and the end

    def put_event(self, event: Event) -> None:
        """An event keeps its place among the messages. It is never dropped, nor is a message for its sake; only
        malformed messages are, where as many events wait as messages may.

        It does count for ``wait``, which can hold back what makes events: garbage is one.
        """
        if not self.wants_events:
            return
        if isinstance(event, Malformed) and self.policy != "wait" and self._events >= self._limit:
            self._count_drop()  # garbage has no bound of its own
            return
        # What was kept as the latest came before the event, so it goes before it.
        self._buffer.extend(self._latest.values())
        self._latest.clear()
        self._buffer.append(event)
        self._events += 1
        if self._waiter is not None:
            self._wake()
        if self.policy == "wait" and len(self._buffer) >= self._limit and not self._holding:
            self._hold_back()

    def close(self, error: Exception | None = None) -> None:
        """The iterator ends after what is buffered, or raises ``error`` there."""
        self._closed = True
        self._error = error
        self._wake()

    def discard(self) -> None:
        """Forget what is buffered, hold nobody, and end the iterator."""
        self._closed = True
        self._wake()
        self._buffer.clear()
        self._next_up.clear()
        self._events = self._untold = 0
        self._latest.clear()
        if self._holding:
            self._holding = False
            self._hold(self, False)


def check_buffer(policy: object, limit: object) -> None:
    """Raises `UsageError` for a policy or size that makes no sense."""
    if policy not in get_args(Policy):
        raise UsageError(f"policy {policy!r} is not one of {', '.join(get_args(Policy))}")
    if not isinstance(limit, int) or limit < 1:
        raise UsageError(f"buffer {limit!r}: a buffer holds at least 1 message")
