"""What is told of many numbers: percentiles, a slope, a median with its spread, and whether a goal is met. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

TOLD = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}


def percentile(ordered: Sequence[int], share: float) -> int:
    """The smallest of them that ``share`` per cent do not exceed (nearest rank); ``ordered`` is sorted.

    >>> percentile([10, 20, 30, 40], 50), percentile([10, 20, 30, 40], 51), percentile([10, 20, 30, 40], 100)
    (20, 30, 40)
    """
    if not ordered or not 0 < share <= 100:
        raise ValueError(f"{share} % of {len(ordered)} numbers")
    # Rounded before it is rounded up: 99.9 % of 1,000 is 999, also where binary fractions have it a little above.
    return ordered[math.ceil(round(share * len(ordered) / 100, 6)) - 1]


def percentiles_us(took_ns: Iterable[int]) -> dict[str, float]:
    """The percentiles that are told, by their names, in µs."""
    ordered = sorted(took_ns)
    return {name: percentile(ordered, share) / 1000 for name, share in TOLD.items()}


def slope(points: Sequence[tuple[float, float]]) -> float:
    """How much y grows with x, by least squares.

    >>> slope([(0, 5), (1, 7), (2, 9)])
    2.0
    """
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def spread(numbers: Sequence[float]) -> dict[str, float]:
    """The median of several rounds, with the least and the most.

    >>> spread([3, 1, 2])
    {'median': 2, 'min': 1, 'max': 3}
    """
    return {"median": statistics.median(numbers), "min": min(numbers), "max": max(numbers)}


def told(numbers: Mapping[str, float], digits: int = 2) -> str:
    """A spread as text.

    >>> told({"median": 1234.567, "min": 1.0, "max": 2000})
    '1,234.57 (1.00–2,000.00)'
    """
    median, least, most = (f"{numbers[name]:,.{digits}f}" for name in ("median", "min", "max"))
    return f"{median} ({least}–{most})"


def goal(text: str, most: float, value: float | None) -> dict[str, Any]:
    """A goal that is met by ``value`` up to ``most``; None: it was not measured."""
    return {"goal": text, "limit": most, "value": value, "met": None if value is None else value <= most}
