"""Who is measured for latency, in which situation, and how messages are sent meanwhile.

Owns the cases: the stacks of `plan` by way of `stacks.stamped`, and ours by `stacks.latency_ours`, also while it is
busy with other things.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.latency_log import SENT
from bench.loads import CODES, LOADS
from bench.pairs import Json, Pair
from bench.peers.environments import Environment, Unavailable
from bench.plan import BASE, STACKS, Stack

LOAD = "A"
ITERATOR = "ours_iterator"
_STARTS_WITHIN_S = 30.0
_NO_LATENCY = {"floor", "sample_recording", "ours_recording", "ours_latest"}  # no user code has a message there
_CONSUMERS = {"ours_handler": "handler", ITERATOR: "iterator"}


@dataclass(frozen=True)
class Pattern:
    """When messages are sent: ``group`` of them one after the other, every ``interval_ns``."""

    name: str
    title: str
    group: int
    interval_ns: int

    def messages(self, seconds: float) -> int:
        """How many are sent in so long."""
        return max(1, round(seconds * 1e9 / self.interval_ns)) * self.group

    def lasts_s(self, messages: int) -> float:
        """How long it takes to send so many."""
        return messages / self.group * self.interval_ns / 1e9


STEADY = Pattern("steady", "one message a millisecond", 1, 1_000_000)
BURSTS = Pattern("bursts", "100 messages one right after the other, every 50 ms", 100, 50_000_000)


@dataclass(frozen=True)
class Case:
    """One stack in one situation. ``python`` is None for this project's own."""

    name: str
    title: str
    module: str = "stamped"
    does: Json = field(default_factory=dict)
    format: str = LOADS[LOAD].format
    python: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    def pair(self, pattern: Pattern, messages: int, directory: Path) -> Pair:
        """The processes of one run; both leave their stamps in ``directory``."""
        return Pair(
            "stamper",
            self.module,
            LOAD,
            self.format,
            CODES,
            LOADS[LOAD].types,
            messages,
            {"group": pattern.group, "interval_ns": pattern.interval_ns, "latency": str(directory)},
            {**self.does, "latency": str(directory)},
            python=self.python,
            settings=self.settings,
            awaited=directory / SENT,
            limit_s=_STARTS_WITHIN_S + 2 * pattern.lasts_s(messages),
        )


def cases_of(
    names: Collection[str], made: Mapping[str, Environment | Unavailable]
) -> tuple[list[Case], dict[str, str]]:
    """The cases of these stacks, each alone; and why some of them cannot be had. ``made``: the peers' environments."""
    cases, absent = [], {}
    for stack in STACKS.values():
        if stack.name in _NO_LATENCY or stack.name not in {BASE, *names} or LOAD not in stack.formats:
            continue
        environment = made.get(stack.environment)
        if isinstance(environment, Unavailable):
            absent[stack.name] = environment.reason
        else:
            cases.append(_alone(stack, environment.python if environment else None))
    return cases, absent


def busy_cases(names: Collection[str]) -> list[Case]:
    """Ours while it records, and while a second consumer is slow on top of that."""
    return [
        _busy(name, consumer, slow)
        for name, consumer in _CONSUMERS.items()
        if name in names
        for slow in (None, "drop_oldest", "latest", "wait")
    ]


def _alone(stack: Stack, python: Path | None) -> Case:
    program = stack.program or stack.name
    if program in _CONSUMERS:
        return Case(stack.name, stack.title, "latency_ours", {"consumer": _CONSUMERS[program]}, settings=stack.settings)
    return Case(
        stack.name,
        stack.title,
        does={"stack": program},
        format=stack.formats[LOAD],
        python=python,
        settings=stack.settings,
    )


def _busy(name: str, consumer: str, slow: str | None) -> Case:
    title = f"{STACKS[name].title}, recording" + (f", a slow consumer ({slow})" if slow else "")
    does = {"consumer": consumer, "record": True, "slow": slow}
    return Case(f"{name}_recording" + (f"_slow_{slow}" if slow else ""), title, "latency_ours", does)
