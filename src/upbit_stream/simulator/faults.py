"""What can go wrong, as values, and chance schedules of it.

Owns the vocabulary of faults. Must not know how they are brought about.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .seeds import seeded


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong at a moment of the exchange's time; one in the past happens at once."""

    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFault(Fault):
    """Befalls all connections that are open then, or the one at ``pick``: oldest first, counting round and round."""

    pick: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetConnections(ConnectionFault):
    """They are lost without a closing handshake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseConnections(ConnectionFault):
    """They are closed with a code."""

    code: int = 1001
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeConnections(ConnectionFault):
    """They are half-open from now on: nothing arrives on either side, and nobody is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailConnections(ConnectionFault):
    """They are told an error and closed, as if a request of theirs had been refused."""

    name: str = "TOO_MANY_REQUEST"
    message: str = "A fault of the stand-in exchange."


@dataclass(frozen=True, slots=True, kw_only=True)
class Period(Fault):
    """Lasts from ``at_ms`` until just before ``at_ms + duration_ms``."""

    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseConnections(Period):
    """No new connection is made: each is answered with ``status`` (503, 429, 418, 401 or any other)."""

    status: int = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class DropConnections(Period):
    """New connections are accepted, and reset ``after_ms`` later."""

    after_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFault(Period):
    """Befalls messages of the type ``kind`` (None: every type), each with the probability ``odds``.

    Snapshots are messages too; errors, the answer to ``LIST_SUBSCRIPTIONS`` and ``{"status": "UP"}`` are not
    touched. With ``pick`` only the connection that this picks at the beginning is concerned; otherwise all,
    also those made later.
    """

    kind: str | None = None
    odds: float = 1.0
    pick: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseMessages(MessageFault):
    """They are never sent. With odds of 1: silence, while pings are answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GarbleMessages(MessageFault):
    """Something that is no message is sent before them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutMessages(MessageFault):
    """They end at some byte before their last; the rest is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatMessages(MessageFault):
    """They are sent twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayMessages(MessageFault):
    """They are sent up to ``most_ms`` late, and so out of order."""

    most_ms: int = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RestFault(Period):
    """Befalls REST requests whose path begins with ``path``."""

    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseRest(RestFault):
    """They are answered with ``status`` (500, 429, 418 or any other) and do not reach the exchange."""

    status: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRest(RestFault):
    """The body of the answer ends at some byte before its last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreRest(RestFault):
    """They are not answered at all and do not reach the exchange."""


_LATEST_MS = 3_000
_CODES = (1000, 1001, 1008, 1011, 1012, 1013)


class _Dice:
    """One draw of a fault's particulars, within a schedule that ends at ``end_ms``."""

    def __init__(self, chance: random.Random, span: tuple[int, int], longest_ms: int, kinds: Sequence[str]) -> None:
        self.chance = chance
        self.at_ms, self._end_ms = span
        self._longest_ms = longest_ms
        self._kinds = kinds

    def duration_ms(self) -> int:
        return min(self.chance.randint(1, self._longest_ms), self._end_ms - self.at_ms)

    def pick(self) -> int | None:
        return self.chance.choice((None, self.chance.randrange(10)))

    def kind(self) -> str | None:
        return self.chance.choice((None, *self._kinds))

    def odds(self) -> float:
        return self.chance.choice((0.01, 0.1, 0.5))

    def message(self, make: Callable[..., MessageFault]) -> MessageFault:
        at = {"at_ms": self.at_ms, "duration_ms": self.duration_ms()}
        return make(**at, kind=self.kind(), odds=self.odds(), pick=self.pick())

    def most_ms(self) -> int:
        return min(_LATEST_MS, self._end_ms - self.at_ms)


_DRAWN: Mapping[type[Fault], Callable[[_Dice], Fault]] = {
    ResetConnections: lambda dice: ResetConnections(at_ms=dice.at_ms, pick=dice.pick()),
    CloseConnections: lambda dice: CloseConnections(
        at_ms=dice.at_ms, pick=dice.pick(), code=dice.chance.choice(_CODES)
    ),
    FreezeConnections: lambda dice: FreezeConnections(at_ms=dice.at_ms, pick=dice.pick()),
    FailConnections: lambda dice: FailConnections(
        at_ms=dice.at_ms, pick=dice.pick(), name=dice.chance.choice(("TOO_MANY_REQUEST", "INTERNAL"))
    ),
    RefuseConnections: lambda dice: RefuseConnections(
        at_ms=dice.at_ms, duration_ms=dice.duration_ms(), status=dice.chance.choice((503, 429, 418, 401))
    ),
    DropConnections: lambda dice: DropConnections(
        at_ms=dice.at_ms, duration_ms=dice.duration_ms(), after_ms=dice.chance.choice((0, 10, 1_000))
    ),
    # Seldom a lost message is a gap that no client can see by itself: only silence is drawn.
    LoseMessages: lambda dice: LoseMessages(
        at_ms=dice.at_ms, duration_ms=dice.duration_ms(), kind=dice.kind(), pick=dice.pick()
    ),
    GarbleMessages: lambda dice: dice.message(GarbleMessages),
    CutMessages: lambda dice: dice.message(CutMessages),
    RepeatMessages: lambda dice: dice.message(RepeatMessages),
    DelayMessages: lambda dice: DelayMessages(
        at_ms=dice.at_ms,
        duration_ms=max(1, dice.duration_ms() - dice.most_ms()),
        most_ms=dice.most_ms(),
        kind=dice.kind(),
        odds=dice.odds(),
        pick=dice.pick(),
    ),
    RefuseRest: lambda dice: RefuseRest(
        at_ms=dice.at_ms, duration_ms=dice.duration_ms(), status=dice.chance.choice((500, 429))
    ),
    CutRest: lambda dice: CutRest(at_ms=dice.at_ms, duration_ms=dice.duration_ms()),
    IgnoreRest: lambda dice: IgnoreRest(at_ms=dice.at_ms, duration_ms=dice.duration_ms()),
}
EVERY_FAULT: tuple[type[Fault], ...] = tuple(_DRAWN)
"""What a schedule can hold."""


def random_schedule(
    seed: int,
    start_ms: int,
    duration_ms: int,
    *,
    mean_gap_ms: int = 30_000,
    longest_ms: int = 20_000,
    faults: Sequence[type[Fault]] = EVERY_FAULT,
    kinds: Sequence[str] = ("ticker", "trade", "orderbook"),
) -> list[Fault]:
    """Faults of the given classes at chance moments, one every ``mean_gap_ms`` on average, in order.

    The same arguments give the same schedule. All of them begin at or after ``start_ms``, last no longer
    than ``longest_ms`` and are over ``duration_ms`` later, a late message by 3 s at most after that.
    """
    chance = seeded(seed, "faults")
    schedule: list[Fault] = []
    at_ms = start_ms + chance.expovariate(1.0) * mean_gap_ms
    while at_ms < start_ms + duration_ms:
        span = (int(at_ms), start_ms + duration_ms)
        schedule.append(_DRAWN[chance.choice(faults)](_Dice(chance, span, longest_ms, kinds)))
        at_ms += chance.expovariate(1.0) * mean_gap_ms
    return schedule
