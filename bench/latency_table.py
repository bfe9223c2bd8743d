"""The text of what `latency` found. Computes nothing."""

from __future__ import annotations

from bench.figures import TOLD, told
from bench.machine import described
from bench.pairs import Json
from bench.report import goal_table, table


def beginning(result: Json) -> list[str]:
    """Where the figures come from, and what they are worth."""
    of_what = f"{described(result['machine'])}; median of {result['rounds']} rounds (least–most)."
    return [of_what, *(["A quick run, to see that all works: the figures mean little."] if result["quick"] else [])]


def render(result: Json) -> str:
    """Markdown that reads as well on a terminal."""
    parts = [
        *beginning(result),
        f"Latency, load {result['load']}, µs from the sender's stamp until user code has the message; ×: beside picows "
        "+ msgspec alone in the same round.",
    ]
    for pattern in result["patterns"].values():
        parts += [f"{pattern['title'].capitalize()}, {pattern['messages']:,} messages a run:", _stacks(pattern)]
        if late := pattern["late_us"]:
            parts.append(
                f"The sender left {told(late['p50'], 1)} after the moment that was due, p99 {told(late['p99'], 1)}."
            )
    parts += ["Goals:", goal_table(result["goals"]), "\n".join(f"* {text}" for text in _remarks(result))]
    return "\n\n".join(filter(None, parts)) + "\n"


def _stacks(pattern: Json) -> str:
    rows = []
    for name, found in pattern["stacks"].items():
        ratios = [f"{found['ratio'][share]['median']:.2f}" if found["ratio"] else "–" for share in ("p50", "p99")]
        rows.append([pattern["titles"][name], *(told(found["us"][share], 0) for share in TOLD), *ratios])
    return table(["stack", *TOLD, "p50 ×", "p99 ×"], rows)


def _remarks(result: Json) -> list[str]:
    said = [result["remark"]] if result["remark"] else []
    for pattern in result["patterns"].values():
        for name, failures in pattern["failures"].items():
            said.append(f"{pattern['titles'][name]}, {pattern['title']}: failed: {'; '.join(dict.fromkeys(failures))}")
    return said + [f"{name}: its environment could not be made: {why}" for name, why in result["absent"].items()]
