"""What is made of the runs of `scale_cases`: costs, ratios, slopes, and whether they are as they should be. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.figures import goal, slope, spread
from bench.pairs import Json
from bench.plan import STACKS
from bench.runner import Series
from bench.scale_cases import MARKET_STACKS, MARKETS, Case

FLAT_COST = 1.1
# The ids of two million trades are kept in a flood, a bound of the client's own: what comes before is warm-up.
WARM_UP_MESSAGES = 4_000_000
# Eight bytes a message: whatever is kept of one takes more. What is held goes up and down by tens of MB as ids are let
# go in generations, so less could not be told apart from that.
FLAT_MB_PER_MILLION = 8.0

_MB = 1e6


def us_per_message(result: Json) -> float:
    """The CPU for a message that user code got."""
    return float(result["cpu_s"]) / int(result["messages"]) * 1e6


def markets(series: Mapping[str, Series]) -> Json:
    """What a message costs with so many markets, and beside what it costs with one in the same round."""
    stacks: Json = {}
    for stack in MARKET_STACKS:
        base = series[f"{stack}_{MARKETS[0]}"].rounds
        stacks[stack] = {}
        for count in MARKETS:
            rounds = series[f"{stack}_{count}"].rounds
            pairs = [(one, first) for one, first in zip(rounds, base, strict=True) if one and first]
            if pairs:
                ratios = [us_per_message(one) / us_per_message(first) for one, first in pairs]
                us = spread([us_per_message(one) for one, _ in pairs])
                stacks[stack][str(count)] = {"us": us, "ratio": spread(ratios)}
    return stacks


def market_goals(stacks: Json) -> list[Json]:
    """Flat from one market to the most."""
    few, many = MARKETS[0], MARKETS[-1]
    goals = []
    for stack in MARKET_STACKS[1:]:
        most = stacks.get(stack, {}).get(str(many))
        text = f"{STACKS[stack].title}, {many} markets: ≤ {FLAT_COST:g} × {few} market"
        goals.append(goal(text, FLAT_COST, most["ratio"]["median"] if most else None))
    return goals


def connections(case: Case, taken: Sequence[Json]) -> Json:
    """What a message costs that came over several connections and is delivered once by each stream."""
    delivered = case.messages * case.does["streams"]
    received = delivered * case.does["connections"]
    cpu_us = [float(one["cpu_s"]) * 1e6 for one in taken]
    return {
        "title": case.title,
        "us_per_delivered": spread([one / delivered for one in cpu_us]),
        "us_per_received": spread([one / received for one in cpu_us]),
        "copies": [one["counts"]["copies"] for one in taken],
    }


def slow(case: Case, taken: Sequence[Json]) -> Json:
    """What a message costs the fast one, and whether it lost any."""
    return {
        "title": case.title,
        "us": spread([us_per_message(one) for one in taken]),
        "lost_by_the_fast_one": [case.messages - int(one["messages"]) for one in taken],
        "dropped_by_the_slow": [one["counts"]["dropped"] for one in taken],
    }


def subscribing(case: Case, taken: Sequence[Json]) -> Json:
    """How long it took to subscribe, and what it holds."""
    return {
        "title": case.title,
        "confirmed_ms": spread([one["confirmed_s"] * 1e3 for one in taken]),
        "complete_ms": spread([one["complete_s"] * 1e3 for one in taken]),
        "held_mb": spread([one["held_bytes"] / _MB for one in taken]),
        "codes_seen": [one["codes_seen"] for one in taken],
    }


def memory(samples: Sequence[tuple[int, int]], warm_up: int = WARM_UP_MESSAGES) -> Json:
    """How memory grows after the warm-up, in MB a million messages; None where the run ended before."""
    after = [(messages / 1e6, held / _MB) for messages, held in samples if messages >= warm_up]
    return {
        "samples": [list(sample) for sample in samples],
        "most_mb": max(held for _, held in samples) / _MB,
        "last_mb": samples[-1][1] / _MB,
        "warm_up_messages": warm_up,
        "mb_per_million": slope(after) if len(after) > 1 else None,
    }


def memory_goals(found: Json | None) -> list[Json]:
    """Flat, as far as it went beyond the warm-up."""
    text = f"memory after the warm-up: ≤ {FLAT_MB_PER_MILLION:g} MB per million messages"
    return [goal(text, FLAT_MB_PER_MILLION, found["mb_per_million"] if found else None)]
