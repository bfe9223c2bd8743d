"""How long a message takes from the sender's stamp until user code has it: one a millisecond, and in bursts.

    python -m bench latency

Owns the order of it, and what is made of the stamps. The cases are `latency_cases`'s, the text `latency_table`'s.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from bench import latency_table
from bench.figures import TOLD, goal, percentiles_us, spread
from bench.latency_cases import BURSTS, ITERATOR, LOAD, STEADY, Case, Pattern, busy_cases, cases_of
from bench.latency_log import LATE, RECEIVED, SENT, StampsDisagree, join, read
from bench.machine import machine
from bench.options import Options
from bench.pairs import Json
from bench.pairs import run as run_pair
from bench.peers.environments import environment
from bench.plan import BASE, STACKS
from bench.processes import Cores, Failed
from bench.runner import Series, run_rounds

SECONDS, QUICK_SECONDS = 4.0, 0.5  # that one run sends
BURST_LIMIT = 1.15
_WARM_UP = 0.25  # of the messages, at the beginning: until each type and code was heard of


def run(options: Options) -> None:
    """Measure, and write latency.json and .md."""
    result = measured(options, tell=lambda text: click.echo(text, err=True))
    (options.out / "latency.json").write_text(json.dumps(result, indent=1) + "\n")
    text = latency_table.render(result)
    (options.out / "latency.md").write_text(text)
    click.echo(text)


def measured(options: Options, *, tell: Callable[[str], None]) -> Json:
    """Everything, as the JSON has it."""
    cores = Cores.chosen()
    names = options.stacks or tuple(STACKS)
    wanted = {STACKS[name].environment for name in names} - {""}
    alone, absent = cases_of(names, {name: environment(name) for name in sorted(wanted)})
    result: Json = {"kind": "latency", "load": LOAD, "rounds": options.rounds_or_default, "absent": absent}
    result |= {"quick": options.quick, "machine": machine(), "remark": cores.remark, "patterns": {}}
    for pattern, cases in ((STEADY, [*alone, *busy_cases(names)]), (BURSTS, alone)):
        tell(pattern.title)
        messages = pattern.messages(QUICK_SECONDS if options.quick else SECONDS)
        runs = {case.name: partial(measure, case, pattern, messages, cores) for case in cases}
        series = run_rounds(runs, options.rounds_or_default, tell=tell)
        result["patterns"][pattern.name] = pattern_of(pattern, messages, cases, series)
    result["goals"] = goals(result["patterns"][BURSTS.name]["stacks"])
    return result


def measure(case: Case, pattern: Pattern, messages: int, cores: Cores) -> Json:
    """One run: what the stack measured, the percentiles as ``us``, and how late the sender was with its groups as
    ``late_us``. Raises `Failed`.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        directory = Path(made)
        reading = run_pair(case.pair(pattern, messages, directory), cores)
        try:
            sent, late, received = (read(directory / name) for name in (SENT, LATE, RECEIVED))
            took = join(sent, received, skip=int(len(sent) * _WARM_UP))
        except (StampsDisagree, OSError) as error:
            raise Failed(f"{case.name}: {error}") from error
    return {**reading, "us": percentiles_us(took), "late_us": percentiles_us(late_ns for _, late_ns in late)}


def pattern_of(pattern: Pattern, messages: int, cases: Sequence[Case], series: Mapping[str, Series]) -> Json:
    """What came of one pattern, as JSON."""
    base = series[BASE].rounds
    taken = [one for each in series.values() for one in each.rounds if one]
    return {
        "title": pattern.title,
        "messages": messages,
        "titles": {case.name: case.title for case in cases},
        "stacks": {name: figures for name, one in series.items() if (figures := _figures(one, base))},
        "late_us": {share: spread([one["late_us"][share] for one in taken]) for share in TOLD} if taken else {},
        "failures": {name: one.failures for name, one in series.items() if one.failures},
    }


def _figures(series: Series, base: Sequence[Json | None]) -> Json | None:
    """A stack's percentiles over its rounds, and beside those of picows and msgspec alone in the same rounds."""
    taken = [one["us"] for one in series.rounds if one]
    both = [(one["us"], other["us"]) for one, other in zip(series.rounds, base, strict=True) if one and other]
    if not taken:
        return None
    return {
        "us": {told: spread([one[told] for one in taken]) for told in TOLD},
        "ratio": {told: spread([one[told] / other[told] for one, other in both]) for told in TOLD} if both else {},
        "rounds": taken,
    }


def goals(stacks: Mapping[str, Json]) -> list[Json]:
    """What the bursts had to show."""
    ratio = stacks.get(ITERATOR, {}).get("ratio", {})
    titles = f"{STACKS[ITERATOR].title}: ≤ {BURST_LIMIT:g} × {STACKS[BASE].title}"
    return [
        goal(
            f"bursts of {BURSTS.group}, {told}, {titles}", BURST_LIMIT, ratio[told]["median"] if told in ratio else None
        )
        for told in ("p50", "p99")
    ]
