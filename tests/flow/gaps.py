"""What the tests of gaps share: a continuity with sessions that can be told apart, and a recoverer that keeps books."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from upbit_stream.flow.continuity import Continuity
from upbit_stream.model.subscription import TYPES, Endpoint, Subscription
from upbit_stream.testing.virtual_time import run_virtual
from upbit_stream.wire.decoder import Head

START_NS = 1_760_000_000_000_000_000
SECOND = 1_000_000_000


def time_ns() -> int:
    """The wall clock of a test in virtual time: `START_NS` at its begin, and outside of it."""
    try:
        return START_NS + round((asyncio.get_running_loop().time() - 1_000) * 1e9)
    except RuntimeError:
        return START_NS


def at(seconds: float) -> int:
    """A moment so many seconds after the begin."""
    return START_NS + round(seconds * 1e9)


def subscriptions(*texts: Any) -> tuple[Subscription, ...]:
    return tuple(Subscription.parse(text) if isinstance(text, str) else text for text in texts)


class Source:
    """Stands for the intake of one session."""

    def __init__(self, endpoint: Endpoint = "public") -> None:
        self.endpoint = endpoint
        self.alive_ns = 0
        self.behind_ms = self.behind_since_ns = 0
        self.heard_ns = {}
        self.attended = 0

    def attend(self) -> None:
        self.attended += 1


class Books:
    """A recoverer that notes what it is asked."""

    def __init__(self) -> None:
        self.recovered: list[Any] = []
        self.known: list[Any] = []
        self.joins: list[int] = []
        self.needed = False
        self.looks_due = 0
        self.checked: list[Any] = []
        self.begun: list[Any] = []

    def expect(self):
        self.looks_due += 1

    def expected(self):
        self.looks_due -= 1

    def recover(self, gap, *, begin_ns=0, known=(), joins=0, since_ms=0):
        self.recovered.append(gap)
        self.known.append(set(known))
        self.joins.append(joins)

    def needs(self, from_ns, to_ns):
        return self.needed

    def check(self, key, from_ns, to_ns, reason):
        self.checked.append((key, from_ns, to_ns, reason))

    def began(self, key, at_ns):
        self.begun.append((key, at_ns))


class Bench:
    """A continuity, all that it told, and who recovers."""

    def __init__(self, *, recovers: bool = True, tells_apart: bool = True, **options: Any) -> None:
        self.told: list[Any] = []
        self.books = Books()
        self.continuity = Continuity(time_ns=time_ns, emit=self.told.append, tells_apart=tells_apart, **options)
        if recovers:
            self.continuity.recoverer = self.books

    def asks(self, source: Source, *texts: Any, cause: str = "connected") -> None:
        self.continuity.asking(source, subscriptions(*texts), cause)

    def confirms(self, source: Source, *texts: Any) -> None:
        self.continuity.registered(source, subscriptions(*texts))

    def up(self, *texts: Any, cause: str = "connected", endpoint: Endpoint | None = None) -> Source:
        """A new session with a set that is confirmed at once."""
        source = Source(endpoint or TYPES[subscriptions(*texts)[0].type].endpoint)
        self.asks(source, *texts, cause=cause)
        self.confirms(source, *texts)
        return source

    def comes(self, source: Source, kind: str, code: str = "", *, trade_id: int = 0, snapshot: bool = False) -> bool:
        """A message, as the receiving path reports it. Whether it is the first of its key."""
        known = kind == "trade" and self.continuity.was_received(code, trade_id, ever=True)
        stream_type = "SNAPSHOT" if snapshot else "REALTIME"
        now_ms = time_ns() // 1_000_000
        head = Head(
            name=kind,
            market=code,
            trade_id=trade_id,
            stream_type=stream_type,
            executed_ms=now_ms,
        )
        source.alive_ns = time_ns()
        first = self.continuity.heard(source, head, time_ns(), known=known)
        if kind == "trade":
            self.continuity.ledger.add(code, trade_id)
        else:
            self.continuity.last[kind][code] = time_ns()
        return first

    def gaps(self) -> list[Any]:
        """What was told, in short: type, code, from, to (in s) and whether it is lost."""
        return [
            (
                gap.message_type,
                gap.code,
                (gap.from_ns - START_NS) / SECOND,
                (gap.to_ns - START_NS) / SECOND,
                bool(gap.lost),
            )
            for gap in self.told
        ]


def in_time(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test body in virtual time."""

    async def main() -> None:
        await test()

    run_virtual(main())
