"""A schedule of faults and all around it, drawn from one seed: what is subscribed, how, and what goes wrong when."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from upbit_stream.simulator.faults import (
    EVERY_FAULT,
    DelayMessages,
    Fault,
    IgnoreRest,
    LoseMessages,
    RefuseConnections,
    RefuseRest,
    random_schedule,
)

MORNING_MS = 1_760_000_000_000
MIDNIGHT_MS = 1_760_054_400_000
CODES = ("SGD-BTC", "SGD-ETH", "SGD-XRP")
OTHER = "SGD-SOL"  # comes and goes
FORMATS = ("DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST")
CANDLES = ("candle.1s", "candle.1m")
PRIVATE = ("myOrder", "myAsset")
AUDIT_S = 60.0
_FIRST_FAULT_MS = 5_000


@dataclass(frozen=True)
class Change:
    """At ``at_s`` something else is subscribed, or ended where ``ends``."""

    at_s: float
    kind: str
    code: str
    ends: bool


@dataclass(frozen=True)
class Schedule:
    """``repr`` tells all that was drawn."""

    seed: int
    start_ms: int
    seconds: int  # of faults
    codes: tuple[str, ...]
    kinds: tuple[str, ...]  # besides trades
    trade_rate: float
    bursts: tuple[tuple[float, int], ...]  # seconds after the start, executions
    witnesses: tuple[str, ...]  # who takes the messages: "handler", "tap", "slow"
    skew_ms: int  # of our clock
    rest_lag_ms: int  # how far the trades of REST are behind the stream
    unreachable: tuple[tuple[float, float], ...]  # from, for so many seconds
    reconnects: tuple[float, ...]  # asked for by the program
    changes: tuple[Change, ...]
    options: dict[str, Any]  # of the stream
    faults: tuple[Fault, ...]

    @property
    def crosses_midnight(self) -> bool:
        return self.start_ms < MIDNIGHT_MS < self.start_ms + self.seconds * 1_000

    @property
    def is_private(self) -> bool:
        return any(kind in PRIVATE for kind in self.kinds)


def draw(seed: int) -> Schedule:
    """The schedule of a seed, the same on every machine."""
    chance = random.Random(f"{seed}/nothing lost")
    audits = random.Random(f"{seed}/audits").random() < 0.6
    seconds = chance.randint(180, 360)
    start_ms = MORNING_MS
    if chance.random() < 1 / 3:
        start_ms = MIDNIGHT_MS - chance.randint(1_000, (seconds + 60) * 1_000)
    codes = CODES[: chance.randint(1, 3)]
    kinds = _kinds(chance)
    bursts = [(chance.uniform(2, seconds), chance.choice((5, 50, 600))) for _ in range(chance.choice((0, 0, 1, 3)))]
    outages = [(chance.uniform(2, seconds - 30), chance.uniform(1, 30)) for _ in range(chance.choice((0, 0, 0, 1, 2)))]
    return Schedule(
        seed=seed,
        start_ms=start_ms,
        seconds=seconds,
        codes=codes,
        kinds=kinds,
        trade_rate=chance.choice((0.05, 0.3, 1.0, 2.0, 6.0)),
        bursts=tuple(sorted(bursts)),
        witnesses=chance.choice(
            (("handler",), ("handler",), ("handler", "tap"), ("tap",), ("slow",), ("handler", "slow"), ("tap", "slow"))
        ),
        skew_ms=chance.choice((0, 0, 0, 0, 400, -400, 90_000, -90_000, 3_600_000, -3_600_000)),
        rest_lag_ms=chance.choice((0, 0, 0, 500, 3_000)),
        unreachable=tuple(outages),
        reconnects=tuple(chance.uniform(2, seconds) for _ in range(chance.choice((0, 0, 0, 1)))),
        changes=_changes(chance, seconds, kinds),
        options={
            "connections": chance.choice((1, 1, 1, 2, 3)),
            "format": chance.choice(FORMATS),
            "ordered": chance.random() < 0.4,
            "exact": chance.random() < 0.3,
            "heartbeat": chance.choice(("frame", "text")),
            "audit_s": AUDIT_S if audits else None,
            **chance.choice(({}, {}, {"silence_limits_s": {"trade": 20.0, "ticker": 15.0, "orderbook": 10.0}})),
        },
        # What is lost on the way while the connection lives is seen by nothing but audits, and these would find
        # also what was forgotten after an interruption.
        faults=tuple(
            fault
            for fault in _faults(chance, seed, start_ms, seconds, kinds)
            if audits or not isinstance(fault, LoseMessages)
        ),
    )


def _kinds(chance: random.Random) -> tuple[str, ...]:
    kinds: list[str] = []
    if chance.random() < 0.35:
        kinds += chance.choice((CANDLES, CANDLES[:1], CANDLES[1:]))
    if chance.random() < 0.3:
        kinds += chance.choice((PRIVATE, PRIVATE[:1], PRIVATE[1:]))
    kinds += [kind for kind in ("orderbook", "ticker") if chance.random() < 0.3]
    return tuple(kinds)


def _changes(chance: random.Random, seconds: int, kinds: tuple[str, ...]) -> tuple[Change, ...]:
    """Each thing is subscribed once, and some are ended later."""
    changes = []
    wanted = [("trade", OTHER), ("candle.3m", CODES[0]), ("candle.1m", OTHER), ("orderbook", OTHER), ("ticker", OTHER)]
    for kind, code in chance.sample(wanted, chance.choice((0, 0, 1, 2, 4))):
        at_s = chance.uniform(1, seconds)
        changes.append(Change(at_s, kind, code, ends=False))
        if chance.random() < 0.5:
            changes.append(Change(at_s + chance.uniform(1, 60), kind, code, ends=True))
    return tuple(sorted(changes, key=lambda change: change.at_s))


def _faults(chance: random.Random, seed: int, start_ms: int, seconds: int, kinds: tuple[str, ...]) -> tuple[Fault, ...]:
    # Some schedules know a few kinds of faults only, so that these meet each other often.
    classes = EVERY_FAULT if chance.random() < 0.6 else tuple(chance.sample(EVERY_FAULT, 4))
    drawn = random_schedule(
        seed,
        start_ms + _FIRST_FAULT_MS,
        seconds * 1_000 - _FIRST_FAULT_MS,
        mean_gap_ms=chance.choice((5_000, 15_000, 15_000, 40_000)),
        longest_ms=chance.choice((3_000, 20_000, 20_000, 60_000)),
        faults=classes,
        kinds=("trade", *(kind for kind in kinds if kind not in PRIVATE)),
    )
    told = [_survivable(chance, fault, is_private=any(kind in PRIVATE for kind in kinds)) for fault in drawn]
    return tuple(told)


def _survivable(chance: random.Random, fault: Fault, *, is_private: bool) -> Fault:
    """Refused credentials rightly end a stream. Nobody can see that a private message was lost on the way or is late
    while the connection lives, so those befall what is public.
    """
    if isinstance(fault, RefuseConnections) and fault.status == 401:
        return replace(fault, status=chance.choice((500, 502)))
    if isinstance(fault, RefuseRest) and chance.random() < 0.3:
        return replace(fault, status=418)
    if isinstance(fault, RefuseRest | IgnoreRest) and chance.random() < 0.2:
        return replace(fault, path=chance.choice(("/v1/trades", "/v1/candles", "/v1/orders", "/v1/accounts")))
    if isinstance(fault, LoseMessages | DelayMessages) and is_private and fault.kind is None:
        return replace(fault, kind="trade")
    return fault
