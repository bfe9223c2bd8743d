"""The figures as text: Markdown that reads as well on a terminal. Owns the layout; computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.machine import described

Json = dict[str, Any]

_ABSENT = "–"


def report(result: Json) -> str:
    """All of it: the table of ratios, what each load cost, the goals, and what was not as it should be."""
    parts = [
        f"{described(result['machine'])}; median of {result['rounds']} rounds (least–most).",
        *(["A quick run, to see that all works: the figures mean little."] if result["quick"] else []),
        "CPU per message, × picows + msgspec alone in the same round:",
        ratio_table(result),
    ]
    for name, load in result["loads"].items():
        parts += [f"Load {name}: {load['title']}, {load['mean_bytes']:,.0f} B a message", load_table(load)]
    if result["goals"]:
        parts += ["Goals:", goal_table(result["goals"])]
    parts += _remarks(result)
    return "\n\n".join(parts) + "\n"


def ratio_table(result: Json) -> str:
    """A row for each stack, a column for each load."""
    names = list(dict.fromkeys(name for load in result["loads"].values() for name in load["stacks"]))
    rows = []
    for name in names:
        told = [load["stacks"].get(name) for load in result["loads"].values()]
        title = next(one["title"] for one in told if one)
        rows.append([title, *(_ratio(one) for one in told)])
    return table(["stack", *result["loads"]], rows)


def load_table(load: Json) -> str:
    """What each stack did on one load."""
    rows = []
    for one in load["stacks"].values():
        if "cpu_us" not in one:
            rows.append([one["title"], "failed", *[_ABSENT] * 4])
            continue
        cells = [_spread(one["cpu_us"], 2), _ratio(one), _spread(one["per_s"], 0)]
        rows.append([one["title"], *cells, f"{one['peak_rss_mb']['median']:.0f}", f"{one['messages']:,}"])
    return table(["stack", "CPU µs a message", "×", "messages a second", "peak MB", "messages"], rows)


def goal_table(goals: Sequence[Json]) -> str:
    """Each goal with what was found."""
    rows = [
        [one["goal"], _ABSENT if one["value"] is None else f"{one['value']:.2f}", _MET[one["met"]]] for one in goals
    ]
    return table(["goal", "found", "met"], rows)


_MET = {True: "yes", False: "NO", None: "not measured"}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with its columns under each other; all but the first to the right.

    >>> print(table(["a", "b"], [["one", "1"]]))
    | a   | b |
    |:----|--:|
    | one | 1 |
    """
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = cells
        numbers = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        return f"| {' | '.join([first.ljust(widths[0]), *numbers])} |"

    rule = "|".join([f":{'-' * (widths[0] + 1)}", *(f"{'-' * (width + 1)}:" for width in widths[1:])])
    return "\n".join([line(head), f"|{rule}|", *(line(row) for row in rows)])


def _ratio(one: Json | None) -> str:
    if one is None:
        return _ABSENT
    if "cpu_us" not in one:
        return "failed"
    return _spread(one["ratio"], 2) if one["ratio"] else "?"


def _spread(told: Json, digits: int) -> str:
    median, least, most = (f"{told[name]:,.{digits}f}" for name in ("median", "min", "max"))
    return f"{median} ({least}–{most})"


def _remarks(result: Json) -> list[str]:
    """What a reader has to know of single figures, each once."""
    said = [result["remark"]] if result["remark"] else []
    for name, load in result["loads"].items():
        for one in load["stacks"].values():
            failures = "; ".join(dict.fromkeys(one["failures"]))
            if failures:
                said.append(f"{one['title']}, load {name}: failed: {failures}")
    notes = {one["title"]: one["note"] for load in result["loads"].values() for one in load["stacks"].values()}
    said += [f"{title}: {note}" for title, note in notes.items() if note]
    said += [f"Versions: {versions}." for versions in [_versions(result)] if versions]
    return ["\n".join(f"* {text}" for text in said)] if said else []


def _versions(result: Json) -> str:
    """Every package that a stack named, with all versions that there were."""
    found: dict[str, set[str]] = {}
    for load in result["loads"].values():
        for one in load["stacks"].values():
            for name, version in one.get("versions", {}).items():
                found.setdefault(name, set()).add(version)
    return ", ".join(f"{name} {' and '.join(sorted(versions))}" for name, versions in sorted(found.items()))
