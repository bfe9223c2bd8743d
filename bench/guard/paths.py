"""The paths that are counted: from the payload of a message to whoever takes it, without a socket.

Owns how the client is put together for each of them, in the state in which it spends its life: subscribed, confirmed,
every market heard of. Knows nothing of counting.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.loads import LOADS, Load
from bench.stacks.typed import decoder
from upbit_stream.flow.hub import Hub
from upbit_stream.flow.intake import Intake
from upbit_stream.flow.lane import Sink, Tap
from upbit_stream.model.marks import Mark
from upbit_stream.model.subscription import Subscription
from upbit_stream.record import Recorder

BATCH = 50  # messages that one reading of a socket brings
_BEGIN_NS = 1_760_000_000_000_000_000
_STEP_NS = 1_000
_BUFFER = 4096


class Feed(Protocol):
    """One way through the client, or past it. To be made where an event loop runs."""

    async def feed(self, payloads: Sequence[bytes]) -> None:
        """Put these through, until the consumer has them."""

    def delivered(self) -> int:
        """How many the consumer has, over all calls."""

    def close(self) -> None:
        """Let go of what is held."""


@dataclass(frozen=True)
class Way:
    """A path that is counted. ``reference`` is the path that only decodes the same payloads."""

    name: str
    load: Load
    open: Callable[[Load, Path], Feed]
    reference: str


class Tally:
    """A user's handler that does next to nothing."""

    def __init__(self) -> None:
        self.count = 0

    def take(self, _message: Any) -> None:
        """One more."""
        self.count += 1


class _MsgspecAlone:
    def __init__(self, load: Load, _directory: Path) -> None:
        self._decode = decoder(load.format)
        self._tally = Tally()

    async def feed(self, payloads: Sequence[bytes]) -> None:
        decode, take = self._decode, self._tally.take
        for payload in payloads:
            take(decode(payload))

    def delivered(self) -> int:
        return self._tally.count

    def close(self) -> None:
        """Nothing is held."""


class Client:
    """The client's receiving path with no consumer yet, wired as a stream with its default options does it."""

    def __init__(self, load: Load) -> None:
        # A clock that goes on by itself: the same in every run, and read at the price of a call into C.
        time_ns = itertools.count(_BEGIN_NS, _STEP_NS).__next__
        self.hub = Hub(
            wire_format=load.format,
            exact=False,
            time_ns=time_ns,
            hold=_hold,
            fail=_fail,
            tells_apart=True,
        )
        self.intake: Intake = self.hub.receiver("public", lambda _: None)
        self._subscriptions = tuple(Subscription(type=kind, codes=tuple(codes)) for kind, codes in load.codes().items())

    def begin(self) -> None:
        """Subscribed and confirmed; each market's first message is still looked at by the attentive path."""
        self.intake.asking(self._subscriptions, "connected")
        self.intake.registered(self._subscriptions)

    def receive(self, payloads: Iterable[bytes]) -> None:
        """As a connection hands them over."""
        receive = self.intake.receive
        for payload in payloads:
            receive(payload)

    def close(self) -> None:
        """See `Feed.close`."""
        self.hub.close(None)


class _Handler:
    def __init__(self, load: Load, _directory: Path) -> None:
        self._tally = Tally()
        self.client = Client(load)
        for kind in load.types:
            self.client.hub.on(kind, self._tally.take)
        self.client.begin()

    async def feed(self, payloads: Sequence[bytes]) -> None:
        self.client.receive(payloads)

    def delivered(self) -> int:
        return self._tally.count

    def close(self) -> None:
        self.client.close()


class _Iterator:
    def __init__(self, load: Load, _directory: Path) -> None:
        self._count = 0
        self.client = Client(load)
        self._subscriber = self.client.hub.subscriber("iterator", (), policy="wait", limit=_BUFFER, events=False)
        self.client.begin()
        self._task = asyncio.get_running_loop().create_task(self._consume())

    async def feed(self, payloads: Sequence[bytes]) -> None:
        for begin in range(0, len(payloads), BATCH):
            self.client.receive(payloads[begin : begin + BATCH])
            await asyncio.sleep(0)
        while len(self._subscriber):  # noqa: ASYNC110  # one turn of the loop is what is counted
            await asyncio.sleep(0)

    async def _consume(self) -> None:
        async for _ in self._subscriber:
            self._count += 1

    def delivered(self) -> int:
        return self._count

    def close(self) -> None:
        self.client.close()


class _Latest:
    """Nobody takes anything: each message but the last of its market is superseded."""

    def __init__(self, load: Load, _directory: Path) -> None:
        self.client = Client(load)
        self._subscriber = self.client.hub.subscriber("latest", (), policy="latest", limit=_BUFFER, events=False)
        self.client.begin()

    async def feed(self, payloads: Sequence[bytes]) -> None:
        self.client.receive(payloads)

    def delivered(self) -> int:
        return self.client.hub.counts()["dropped"] + len(self._subscriber)

    def close(self) -> None:
        self.client.close()


class _Recording:
    def __init__(self, load: Load, directory: Path) -> None:
        self.client = Client(load)
        self.recorder = Recorder(directory)
        self.recorder.attach(_AsStream(self.client.hub))
        self.client.begin()

    async def feed(self, payloads: Sequence[bytes]) -> None:
        self.client.receive(payloads)
        self.recorder.flush()

    def delivered(self) -> int:
        return sum(stream.messages for stream in self.recorder.summary().streams)

    def close(self) -> None:
        self.client.close()
        self.recorder.close()


class _AsStream:
    """What a recorder needs of a stream, of a hub without one."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def resume(self, marks: Iterable[Mark]) -> None:
        for mark in marks:
            self._hub.continuity.resume(mark)

    def tap(self, tap: Tap, sink: Sink | None = None) -> None:
        """To the hub."""
        self._hub.tap(tap, sink)

    def on(self, name: str, handler: Callable[[Any], None]) -> None:
        self._hub.on(name, handler)


def _hold(_full: bool) -> None:
    raise RuntimeError("a buffer is full: what comes then is not the hot path")


def _fail(error: Exception) -> None:
    raise error


_A, _B = LOADS["A"], LOADS["B"]
_ALONE_A, _ALONE_B = "msgspec alone, load A", "msgspec alone, load B"

WAYS = {
    way.name: way
    for way in (
        Way(_ALONE_A, _A, _MsgspecAlone, _ALONE_A),
        Way(_ALONE_B, _B, _MsgspecAlone, _ALONE_B),
        Way("handler, load A", _A, _Handler, _ALONE_A),
        Way("handler, load B", _B, _Handler, _ALONE_B),
        Way("iterator, load A", _A, _Iterator, _ALONE_A),
        Way("recording, load A", _A, _Recording, _ALONE_A),
        Way("latest superseded, load A", _A, _Latest, _ALONE_A),
    )
}
