"""From the readings of all rounds to the figures that are told. Owns this arithmetic; the JSON is its result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.figures import spread
from bench.goals import GOALS, Rounds, ratios
from bench.plan import BASE, STACKS
from bench.runner import Reading, Series

Json = dict[str, Any]


def cpu_us(reading: Reading) -> float:
    """User and system time of one message."""
    return float(reading["cpu_s"]) / int(reading["messages"]) * 1e6


def costs(series: Mapping[str, Series]) -> Rounds:
    """CPU a message, by stack and round."""
    return {
        name: [None if reading is None else cpu_us(reading) for reading in one.rounds] for name, one in series.items()
    }


def of_stack(one: Series, rounds: Rounds, wire_format: str, absent: str = "") -> Json:
    """The figures of one stack on one load; only its failures where it has none."""
    stack = STACKS[one.stack]
    told: Json = {
        "title": stack.title,
        "format": wire_format,
        "note": stack.note,
        "failures": [absent] if absent else one.failures,
        "rounds": one.rounds,
    }
    readings = [reading for reading in one.rounds if reading is not None]
    if not readings:
        return told
    beside = ratios(rounds, one.stack, BASE)
    return {
        **told,
        "messages": readings[0]["messages"],
        "versions": readings[0].get("versions", {}),
        "cpu_us": spread([cpu_us(reading) for reading in readings]),
        "per_s": spread([reading["messages"] / reading["wall_s"] for reading in readings]),
        "peak_rss_mb": spread([reading["peak_rss_bytes"] / 1e6 for reading in readings]),
        "ratio": spread(beside) if beside else None,
    }


def goals(rounds_of: Mapping[str, Rounds], loads: Iterable[str]) -> list[Json]:
    """The goals of the loads that were run."""
    wanted = set(loads)
    return [goal.judged(rounds_of.get(goal.load, {})) for goal in GOALS if goal.load in wanted]
