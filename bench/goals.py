"""The goals of the throughput, as ratios within one run. Owns the numbers, and how they are held against figures."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.plan import BASE, STACKS

Rounds = Mapping[str, Sequence[float | None]]  # CPU a message by stack, None where a round failed


@dataclass(frozen=True)
class Goal:
    """On a load, ``stack`` costs at most ``most`` times what ``against`` does; or at least ``least`` times less."""

    load: str
    stack: str
    against: str
    most: float | None = None
    least: float | None = None

    @property
    def text(self) -> str:
        """For people."""
        stack, against = STACKS[self.stack].title, STACKS[self.against].title
        if self.least is not None:
            return f"{self.load}: {stack}: ≥ {self.least:g} × less than {against}"
        return f"{self.load}: {stack}: ≤ {self.most:g} × {against}"

    def judged(self, rounds: Rounds) -> dict[str, Any]:
        """Whether it is met by the median of the rounds; None where one of the two was not measured."""
        found = ratios(rounds, self.stack, self.against)
        told = {"goal": self.text, "load": self.load, "limit": self.most if self.least is None else self.least}
        if not found:
            return {**told, "value": None, "met": None}
        if self.least is None:
            value = statistics.median(found)
            return {**told, "value": value, "met": self.most is not None and value <= self.most}
        value = statistics.median(1 / ratio for ratio in found)
        return {**told, "value": value, "met": value >= self.least}


GOALS = (
    Goal("A", "ours_handler", BASE, most=1.25),
    Goal("A", "ours_handler", "sample", least=8.5),
    Goal("A", "ours_iterator", BASE, most=1.5),
    Goal("A", "ours_iterator", "sample", least=7),
    Goal("B", "ours_handler", BASE, most=1.2),
    Goal("B", "ours_best_prices", BASE, most=0.6),
    Goal("A", "ours_latest", "ours_iterator", most=0.5),
    Goal("B", "ours_latest", "ours_iterator", most=0.5),
    Goal("C", "ours_latest", "ours_iterator", most=0.5),
    Goal("A", "ours_recording", "sample_recording", least=20),
    Goal("B", "ours_recording", "sample_recording", least=30),
    Goal("A", "ours_recording", "ours_handler", most=1.0),
    Goal("A", "ours_iterator", "upbit_sdk", least=30),
    Goal("A", "ours_handler", "upbit_sdk", least=40),
)


def ratios(rounds: Rounds, stack: str, against: str) -> list[float]:
    """What a stack costs beside another, round by round; only rounds in which both came through.

    >>> ratios({"a": [3.0, None, 8.0], "b": [2.0, 2.0, 4.0]}, "a", "b")
    [1.5, 2.0]
    """
    both = zip(rounds.get(stack, ()), rounds.get(against, ()), strict=False)
    return [mine / theirs for mine, theirs in both if mine is not None and theirs]
