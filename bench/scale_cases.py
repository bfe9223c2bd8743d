"""Which runs it takes to see what more of everything costs.

Owns the cases: what is sent, and what the stack is told. What is made of them is `scale_figures`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.fan import messages_of
from bench.loads import CHUNK, CODES, LOADS
from bench.pairs import Json, Pair

MARKETS = (1, 10, 100, 500)
MARKET_STACKS = ("picows_msgspec", "ours_handler", "ours_iterator")
CODES_AT_ONCE = (1, 100, 1_000)

_STARTS_WITHIN_S = 60.0
_SLOWEST_US = 100.0  # a message, on the slowest machine that is waited for


@dataclass(frozen=True)
class Case:
    """One way to run: ``does`` is for the stack, ``sends`` for the sender."""

    name: str
    title: str
    stack: str
    sender: str
    messages: int
    load: str = "A"
    codes: tuple[str, ...] = CODES
    does: Json = field(default_factory=dict)
    sends: Json = field(default_factory=dict)

    def pair(self) -> Pair:
        """The processes of one run."""
        load = LOADS[self.load]
        return Pair(
            self.sender,
            self.stack,
            self.load,
            load.format,
            self.codes,
            load.types,
            self.messages,
            self.sends,
            self.does,
            limit_s=_STARTS_WITHIN_S + self.messages * _SLOWEST_US / 1e6,
        )


def market_codes(count: int) -> tuple[str, ...]:
    """Codes of made-up markets, all of one length: the messages of many are as long as those of few.

    >>> market_codes(2)
    ('KRW-XAAA', 'KRW-XAAB')
    """
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return tuple(f"KRW-X{letters[n // 676 % 26]}{letters[n // 26 % 26]}{letters[n % 26]}" for n in range(count))


def market_cases(chunks: int) -> list[Case]:
    """Every stack with few markets and with many, flat out."""
    return [
        _fanned(f"{stack}_{count}", f"{stack}, markets: {count}", stack, chunks, codes=market_codes(count))
        for count in MARKETS
        for stack in MARKET_STACKS
    ]


def connection_cases(chunks: int) -> list[Case]:
    """One, two and four connections. A stream has three at most, so four are two streams of two."""
    return [
        _fanned(
            f"connections_{streams * connections}",
            f"connections: {streams * connections}" + (" (two streams of two)" if streams > 1 else ""),
            "scale_ours",
            chunks,
            does={"consumer": "handler", "streams": streams, "connections": connections},
            connections=streams * connections,
        )
        for streams, connections in ((1, 1), (1, 2), (2, 2))
    ]


def slow_cases(chunks: int) -> list[Case]:
    """A fast iterator alone, and beside ten consumers that sleep after every message."""
    return [
        _fanned(
            f"slow_{count}_{policy}" if count else "slow_0",
            f"{count} slow consumers ({policy})" if count else "no slow consumer",
            "scale_ours",
            chunks,
            does={"consumer": "iterator", "slow": count, "policy": policy},
        )
        for count, policy in ((0, "drop_oldest"), (10, "drop_oldest"), (10, "latest"))
    ]


def subscribe_cases() -> list[Case]:
    """Few codes and many in one request; the sender answers with one message of each."""
    return [
        Case(f"codes_{n}", f"codes: {n:,}", "scale_subscribe", "blaster", n, load="C", codes=market_codes(n))
        for n in CODES_AT_ONCE
    ]


def memory_case(chunks: int, samples: int) -> Case:
    """One long run, looked at ``samples`` times."""
    does = {"consumer": "handler", "sample_every": chunks * CHUNK // samples}
    return _fanned("memory", f"{chunks * CHUNK:,} messages", "scale_ours", chunks, does=does)


def _fanned(
    name: str,
    title: str,
    stack: str,
    chunks: int,
    *,
    codes: tuple[str, ...] = CODES,
    does: Json | None = None,
    connections: int = 1,
) -> Case:
    messages = messages_of(LOADS["A"], codes, chunks)
    return Case(name, title, stack, "fan", messages, codes=codes, does=does or {}, sends={"connections": connections})
