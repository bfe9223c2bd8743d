"""The text of what `scale` found. Computes nothing."""

from __future__ import annotations

from bench.figures import told
from bench.latency_table import beginning
from bench.pairs import Json
from bench.plan import STACKS
from bench.report import goal_table, table
from bench.scale_cases import MARKETS


def render(result: Json) -> str:
    """Markdown that reads as well on a terminal."""
    parts = [
        *beginning(result),
        f"CPU µs per message by the number of markets, load {result['load']}, {result['messages']:,} messages a run:",
        _markets(result["markets"]),
        "Several connections bring every message several times; a stream delivers it once. CPU µs:",
        _connections(result["connections"]),
        "A fast iterator beside consumers that sleep 10 ms after each message. CPU µs:",
        _slow(result["slow"]),
        "Subscribing so many codes in one request: until the exchange has confirmed, until a message of every code was "
        "there, and what memory was held more by then, with the connection:",
        _subscribing(result["subscribing"]),
        _memory(result["memory"]) if result["memory"] else "",
        "Goals:",
        goal_table(result["goals"]),
        "\n".join(f"* {text}" for text in _remarks(result)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _remarks(result: Json) -> list[str]:
    said = [result["remark"]] if result["remark"] else []
    return said + [f"{name}: failed: {'; '.join(dict.fromkeys(why))}" for name, why in result["failures"].items()]


def _markets(stacks: Json) -> str:
    header = ["markets", *map(str, MARKETS), f"{MARKETS[-1]} × {MARKETS[0]}"]
    rows = []
    for stack, costs in stacks.items():
        cells = [told(costs[str(n)]["us"]) if str(n) in costs else "–" for n in MARKETS]
        most = costs.get(str(MARKETS[-1]))
        rows.append([STACKS[stack].title, *cells, told(most["ratio"]) if most else "–"])
    return table(header, rows)


def _connections(cases: Json) -> str:
    header = ["", "µs per message received", "µs per message delivered"]
    return table(
        header, [[one["title"], told(one["us_per_received"]), told(one["us_per_delivered"])] for one in cases.values()]
    )


def _slow(cases: Json) -> str:
    header = ["", "µs per message", "lost by the fast one", "dropped by the slow"]
    return table(
        header,
        [
            [
                one["title"],
                told(one["us"]),
                f"{max(one['lost_by_the_fast_one']):,}",
                f"{max(one['dropped_by_the_slow']):,}",
            ]
            for one in cases.values()
        ],
    )


def _subscribing(cases: Json) -> str:
    header = ["", "confirmed, ms", "complete, ms", "memory, MB"]
    return table(
        header,
        [
            [one["title"], told(one["confirmed_ms"], 1), told(one["complete_ms"], 1), told(one["held_mb"], 1)]
            for one in cases.values()
        ],
    )


def _memory(found: Json) -> str:
    messages, grown = found["samples"][-1][0], found["mb_per_million"]
    text = (
        f"Memory over {messages:,} messages: {found['last_mb']:.0f} MB at the end, {found['most_mb']:.0f} MB at most; "
    )
    if grown is None:
        return text + f"all of it warm-up, which takes {found['warm_up_messages']:,}."
    return text + f"after the first {found['warm_up_messages']:,} it grew by {grown:+.2f} MB per million messages."
