"""Throughput: what a message costs each stack, when they come as fast as it takes them.

Owns the course of it: environments, blasters, rounds, and where the results go. The figures are made elsewhere.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from bench.certificate import Certificate, made_in
from bench.chart import draw
from bench.goals import Rounds
from bench.loads import CODES, LOADS, Load, payloads
from bench.machine import machine
from bench.measure import Task
from bench.options import Options
from bench.peers.environments import Environment, environment
from bench.plan import STACKS, Stack
from bench.processes import Cores, blaster, run_stack
from bench.report import report
from bench.runner import Reading, Series, run_rounds
from bench.summary import costs, goals, of_stack

MESSAGES, QUICK_MESSAGES = 400_000, 40_000
_SAMPLED = 5_000  # messages, for the mean size

Pythons = dict[str, Path | None]  # by the name of the environment; "" is this one
Json = dict[str, Any]


def run(options: Options) -> None:
    """Measure, and write throughput.json, .md, .png and .svg."""
    result = measured(options, tell=lambda text: click.echo(text, err=True))
    text = report(result)
    (options.out / "throughput.json").write_text(json.dumps(result, indent=1) + "\n")
    (options.out / "throughput.md").write_text(text)
    draw(result, options.out / "throughput")
    click.echo(text)
    click.echo(f"Written to {options.out}/throughput.json, .md, .png and .svg", err=True)


def measured(options: Options, *, tell: Callable[[str], None]) -> Json:
    """Everything, as the JSON has it."""
    stacks = [STACKS[name] for name in options.stacks or STACKS]
    loads = [LOADS[name] for name in options.loads or LOADS]
    most = options.messages or (QUICK_MESSAGES if options.quick else MESSAGES)
    cores = Cores.chosen()
    pythons, absent = interpreters(stacks, tell)
    rounds_of: dict[str, Rounds] = {}
    told: dict[str, Json] = {}
    with tempfile.TemporaryDirectory() as made:
        certificate = made_in(Path(made)) if any(load.tls for load in loads) else None
        for load in loads:
            tell(f"load {load.name}: {load.title}")
            able = [stack for stack in stacks if load.name in stack.formats]
            series = run_load(load, able, most, options.rounds_or_default, cores, pythons, certificate, tell)
            rounds_of[load.name] = costs(series)
            told[load.name] = {
                "title": load.title,
                "mean_bytes": mean_bytes(load),
                "stacks": {
                    stack.name: of_stack(
                        series.get(stack.name) or Series(stack.name),
                        rounds_of[load.name],
                        stack.formats[load.name],
                        absent.get(stack.environment, ""),
                    )
                    for stack in able
                },
            }
    return {
        "kind": "throughput",
        "machine": machine(),
        "remark": cores.remark,
        "rounds": options.rounds_or_default,
        "messages": most,
        "quick": options.quick,
        "loads": told,
        "goals": goals(rounds_of, told),
    }


def interpreters(
    stacks: Iterable[Stack],
    tell: Callable[[str], None],
    make: Callable[[str], Any] = environment,
) -> tuple[Pythons, dict[str, str]]:
    """The Python of each environment that the stacks need, and why others could not be made."""
    found: Pythons = {"": None}
    absent: dict[str, str] = {}
    for name in dict.fromkeys(stack.environment for stack in stacks if stack.environment):
        tell(f"the environment of {name}")
        made = make(name)
        if isinstance(made, Environment):
            found[name] = made.python
        else:
            absent[name] = f"its environment could not be made: {made.reason}"
            tell(f"{name}: {absent[name]}")
    return found, absent


def run_load(
    load: Load,
    stacks: Iterable[Stack],
    most: int,
    rounds: int,
    cores: Cores,
    pythons: Pythons,
    certificate: Certificate | None,
    tell: Callable[[str], None],
) -> dict[str, Series]:
    """All rounds of one load. One blaster serves all stacks that want the same format, one after the other."""
    ready = [stack for stack in stacks if stack.environment in pythons]
    with ExitStack() as blasters:
        ports: dict[str, int] = {}
        for wire_format in dict.fromkeys(stack.formats[load.name] for stack in ready):
            wanted = [stack.messages(load.name, most) for stack in ready if stack.formats[load.name] == wire_format]
            told = sent(load, wire_format, max(wanted), certificate)
            ports[wire_format] = blasters.enter_context(blaster(told, cores.sender))

        def runs(stack: Stack) -> Callable[[], Reading]:
            task = task_of(load, stack, ports[stack.formats[load.name]], most, certificate)
            program, python = stack.program or stack.name, pythons[stack.environment]
            return lambda: run_stack(program, task, cores.receiver, python=python, settings=stack.settings)

        return run_rounds({stack.name: runs(stack) for stack in ready}, rounds, tell=tell)


def sent(load: Load, wire_format: str, messages: int, certificate: Certificate | None) -> Json:
    """The blaster's argument."""
    told: Json = {"load": load.name, "format": wire_format, "messages": messages}
    if load.tls and certificate is not None:
        told |= {"certificate": certificate.chain, "key": certificate.key}
    return told


def task_of(load: Load, stack: Stack, port: int, most: int, certificate: Certificate | None) -> Task:
    """The stack's argument."""
    return Task(
        url=f"{'wss' if load.tls else 'ws'}://127.0.0.1:{port}/websocket/v1",
        load=load.name,
        format=stack.formats[load.name],
        messages=stack.messages(load.name, most),
        codes=list(CODES),
        types=list(load.types),
        certificate=certificate.authority if load.tls and certificate is not None else None,
        deflate=load.deflate,
    )


def mean_bytes(load: Load) -> float:
    """The size of a message before it is compressed."""
    return sum(map(len, payloads(load, _SAMPLED))) / _SAMPLED
