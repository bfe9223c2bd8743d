"""Rounds: every stack once a round, so that what the machine does meanwhile hits all alike, and in an order that turns,
so that none always has the same place.

Owns the order, the round that is dropped, and when a stack is given up. Knows nothing of processes and figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.processes import Failed

_MOST_FAILURES = 2  # of one stack; then it is tried no more

Reading = dict[str, Any]


@dataclass
class Series:
    """What one stack did: a reading for each round, None where it failed; and why it did."""

    stack: str
    rounds: list[Reading | None] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def given_up(self) -> bool:
        """Whether it is tried no more."""
        return len(self.failures) >= _MOST_FAILURES


def turned(names: Sequence[str], number: int) -> list[str]:
    """The order of a round.

    >>> turned("abc", 1)
    ['b', 'c', 'a']
    """
    begin = number % len(names) if names else 0
    return [*names[begin:], *names[:begin]]


def run_rounds(
    runs: Mapping[str, Callable[[], Reading]],
    count: int,
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Series]:
    """``count`` rounds of all, after one that warms the machine up and is dropped."""
    series = {name: Series(name) for name in runs}
    for number in range(count + 1):
        for name in turned(list(runs), number):
            reading = _one(runs[name], series[name])
            if number:
                series[name].rounds.append(reading)
            tell(f"round {number} of {count}, {name}: {_said(reading, series[name])}")
    return series


def _one(run: Callable[[], Reading], series: Series) -> Reading | None:
    if series.given_up:
        return None
    try:
        return run()
    except Failed as failed:
        series.failures.append(str(failed))
        return None


def _said(reading: Reading | None, series: Series) -> str:
    if reading is None:
        return f"failed: {series.failures[-1]}"
    return f"{reading['cpu_s'] / reading['messages'] * 1e6:.2f} µs of CPU a message"
