"""One consumer with a bounded buffer, and what happens when it is too slow.

Owns the buffer, its policy and the count of what was dropped. Knows nothing of where messages come from.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar, get_args

from upbit_stream.errors import UsageError
from upbit_stream.flow.inbox import Inbox
from upbit_stream.model.events import Dropped, Event, Gap, Malformed
from upbit_stream.model.messages import AnyMessage
from upbit_stream.model.raw import RawMessage

Policy: TypeAlias = Literal["wait", "drop_oldest", "latest"]
Item = TypeVar("Item")
DROPPED = "its messages were dropped, as its policy says; other consumers have them"


class Subscriber(Inbox, Generic[Item]):
    """An asynchronous iterator over messages (and events, where asked for).

    ``policy`` says what happens at ``limit`` buffered messages: ``wait`` stops reading from the exchange until this
    consumer has caught up, ``drop_oldest`` drops the oldest, ``latest`` keeps only the newest of each type and code
    and needs no limit. Drops are counted in ``dropped``, and told as a `Dropped` event in the place of what
    is missing; after ``drop_oldest`` with a `Gap` for each type and code, from the first to the last one dropped.

    With ``latest`` what is superseded need not be decoded: `put_latest` takes a message as it came, and ``read``
    decodes it (None: it cannot be read) when its turn has come.
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
        read: Callable[[RawMessage], AnyMessage | None] = lambda _: None,
    ) -> None:
        check_buffer(policy, limit)
        super().__init__(limit, drops=policy != "wait")
        self.name = name
        self.policy: Policy = policy
        self.wants_events = events
        self.is_drop_told = False
        self.held_since_ns = 0  # since when it holds reading back, where it does
        self.told = False  # whether the consumer has seen the error that ended the stream
        self._time_ns = time_ns
        self._hold = hold
        self._on_drop = on_drop
        self._next_gap = next_gap
        self._read = read
        self._lost: dict[tuple[str, str], tuple[int, int]] = {}  # of what was dropped and is not told yet: from, to
        self._untold = 0
        self._next_up: deque[Any] = deque()  # what comes right after a `Dropped`
        self._error: Exception | None = None
        if policy == "latest":
            self.put = self.put_latest  # type: ignore[method-assign]  # one of two ways to put

    def __len__(self) -> int:
        return self.waiting + len(self.latest) + len(self._next_up)

    def __aiter__(self) -> Self:
        return self

    # `anext` is a method, not a generator: a time-out on it loses nothing and does not end the stream.

    async def _next(self) -> Item:
        """Everything but a message that lies in the buffer."""
        while True:
            item: Any
            if self._next_up:
                item = self._next_up.popleft()
            elif self._untold:
                item = self._dropped_event()  # only where Item has events
            elif self.waiting:
                item = self.popleft()
                self.extra -= isinstance(item, Event)
            else:
                item = self._take_latest()
            if item is not None:
                self._look()
                return item  # type: ignore[no-any-return]  # of what it was given
            if self.is_holding:
                self.is_holding = False
                self._hold(self, False)
            if self.is_closed and not len(self):
                break
            await self._wait()
        if self._error is not None:
            self.told = True
            raise self._error
        raise StopAsyncIteration

    def _take_latest(self) -> AnyMessage | None:
        """The next of the newest that can be read."""
        while self.latest:
            message = self.latest.pop(next(iter(self.latest)))
            opened = self._read(message) if isinstance(message, RawMessage) else message
            if opened is not None:
                return opened
        return None

    def _look(self) -> None:
        """What comes next is what lies in the buffer, unless something else is due or has to be counted."""
        self.is_plain = not (self._untold or self._next_up or self.extra)

    async def _wait(self) -> None:
        if len(self) or self.is_closed:
            return
        if self.waiter is not None:
            raise UsageError(f"{self.name}: two tasks iterate over one consumer; make a second with Stream.messages()")
        self.waiter = asyncio.get_running_loop().create_future()
        self.is_sleeping = True
        try:
            await self.waiter
        finally:
            self.waiter = None
            self.is_sleeping = False

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    # while it is too slow

    def _hold_back(self) -> None:
        self.is_holding = True
        self._hold(self, True)

    def _drop_oldest(self) -> None:
        events: list[Event] = []
        while self.waiting:
            oldest = self.popleft()
            if not isinstance(oldest, Event):
                if self.wants_events:
                    self._note_lost(oldest)
                self._count_drop()
                break
            events.append(oldest)
        for event in reversed(events):
            self.appendleft(event)

    def _count_drop(self) -> None:
        self.dropped += 1
        if self.wants_events:
            self._untold += 1
            self.is_plain = False
        if not self.is_drop_told:
            self._on_drop(self)

    def tell_drops(self, tell: bool) -> None:
        """Whether whoever is told of drops wants to hear of the next."""
        self.is_drop_told = not tell
        self.counts_drops = self.is_drop_told and not self.wants_events

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
        if self.waiting:
            following = self.popleft()
            self.extra -= isinstance(following, Event)
            self._next_up.append(following)
        elif (message := self._take_latest()) is not None:
            self._next_up.append(message)
        return Dropped(at_ns=at_ns, consumer=self.name, count=count, total=self.dropped)

    # events, and the end

    def put_event(self, event: Event) -> None:
        """An event keeps its place among the messages. It is never dropped, nor is a message for its sake; only
        malformed messages are, where as many events wait as messages may.

        It does count for ``wait``, which can hold back what makes events: garbage is one.
        """
        if not self.wants_events:
            return
        if isinstance(event, Malformed) and self.policy != "wait" and self.extra >= self.limit:
            self._count_drop()  # garbage has no bound of its own
            return
        # What was kept as the latest came before the event, so it goes before it.
        while (message := self._take_latest()) is not None:
            self.append(message)
        self.append(event)
        self.extra += 1
        self.is_plain = False
        self._wake()
        if self.policy == "wait" and self.waiting >= self.limit and not self.is_holding:
            self._hold_back()

    def close(self, error: Exception | None = None) -> None:
        """The iterator ends after what is buffered, or raises ``error`` there."""
        self.is_closed = True
        self._error = error
        self._wake()

    def discard(self) -> None:
        """Forget what is buffered, hold nobody, and end the iterator."""
        self.is_closed = True
        self._wake()
        self.empty()
        self._next_up.clear()
        self.extra = self._untold = 0
        self.latest.clear()
        self._look()
        if self.is_holding:
            self.is_holding = False
            self._hold(self, False)


def check_buffer(policy: object, limit: object) -> None:
    """Raises `UsageError` for a policy or size that makes no sense."""
    if policy not in get_args(Policy):
        raise UsageError(f"policy {policy!r} is not one of {', '.join(get_args(Policy))}")
    if not isinstance(limit, int) or limit < 1:
        raise UsageError(f"buffer {limit!r}: a buffer holds at least 1 message")
