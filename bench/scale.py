"""What more of everything costs: markets, connections, messages, codes, slow consumers.

    python -m bench scale

Owns the order of it. The cases are `scale_cases`'s, the arithmetic `scale_figures`'s, the text `scale_table`'s.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial

import click

from bench import scale_cases, scale_figures, scale_table
from bench.loads import CHUNK
from bench.machine import machine
from bench.options import Options
from bench.pairs import Json
from bench.pairs import run as run_pair
from bench.processes import Cores, Failed
from bench.runner import Series, run_rounds
from bench.scale_cases import Case

MESSAGES, QUICK_MESSAGES = 300_000, 20_000
MEMORY_MESSAGES, QUICK_MEMORY_MESSAGES = 10_000_000, 1_000_000
_MEMORY_SAMPLES = 100

Tell = Callable[[str], None]


def run(options: Options) -> None:
    """Measure, and write scale.json and .md."""
    cores = Cores.chosen()
    found = measured(
        rounds=options.rounds_or_default,
        messages=options.messages or (QUICK_MESSAGES if options.quick else MESSAGES),
        memory_messages=QUICK_MEMORY_MESSAGES if options.quick else MEMORY_MESSAGES,
        run_case=lambda case: run_pair(case.pair(), cores),
        tell=lambda text: click.echo(text, err=True),
    )
    result = {**found, "quick": options.quick, "machine": machine(), "remark": cores.remark}
    (options.out / "scale.json").write_text(json.dumps(result, indent=1) + "\n")
    text = scale_table.render(result)
    (options.out / "scale.md").write_text(text)
    click.echo(text)


def measured(*, rounds: int, messages: int, memory_messages: int, run_case: Callable[[Case], Json], tell: Tell) -> Json:
    """Everything, as the JSON has it. ``memory_messages`` are those of the one long run."""
    chunks = _chunks(messages)
    result: Json = {"kind": "scale", "load": "A", "rounds": rounds, "messages": chunks * CHUNK, "failures": {}}

    def series_of(cases: Sequence[Case]) -> dict[str, Series]:
        tell(f"{cases[0].title}, and so on")
        series = run_rounds({case.name: partial(run_case, case) for case in cases}, rounds, tell=tell)
        result["failures"].update({name: one.failures for name, one in series.items() if one.failures})
        return series

    def each(cases: Sequence[Case], figures: Callable[[Case, Sequence[Json]], Json]) -> dict[str, Json]:
        series = series_of(cases)
        taken = {case.name: [one for one in series[case.name].rounds if one] for case in cases}
        return {case.name: figures(case, taken[case.name]) for case in cases if taken[case.name]}

    result["markets"] = scale_figures.markets(series_of(scale_cases.market_cases(chunks)))
    result["connections"] = each(scale_cases.connection_cases(chunks), scale_figures.connections)
    result["slow"] = each(scale_cases.slow_cases(chunks), scale_figures.slow)
    result["subscribing"] = each(scale_cases.subscribe_cases(), scale_figures.subscribing)
    result["memory"] = None
    long = scale_cases.memory_case(_chunks(memory_messages), _MEMORY_SAMPLES)
    tell(f"memory: {long.title}")
    try:
        result["memory"] = scale_figures.memory(run_case(long)["samples"])
    except Failed as failed:
        result["failures"][long.name] = [str(failed)]
    result["goals"] = scale_figures.market_goals(result["markets"]) + scale_figures.memory_goals(result["memory"])
    return result


def _chunks(messages: int) -> int:
    return max(1, messages // CHUNK)
