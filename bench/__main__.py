"""The command: ``python -m bench throughput|latency|scale|all``. Owns its options; no figures."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

import click

from bench.loads import LOADS
from bench.options import Options
from bench.plan import STACKS

PARTS = ("throughput", "latency", "scale")


def _names(_context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    known = LOADS if parameter.name == "loads" else STACKS
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; there are {', '.join(known)}")
    return names or tuple(known)


@click.command()
@click.argument("part", type=click.Choice((*PARTS, "all")))
@click.option("--rounds", type=click.IntRange(1), help="Rounds that count, beside the one that is dropped.")
@click.option("--messages", type=click.IntRange(1_000), help="Messages for the fastest stacks; slow ones take a part.")
@click.option("--loads", default="", callback=_names, help="Which loads: A,B.")
@click.option("--stacks", default="", callback=_names, help="Which stacks: floor,ours_handler.")
@click.option("--quick", is_flag=True, help="A minute or two: to see that all works. The figures mean little.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("bench-results"), show_default=True)
def main(
    part: str,
    rounds: int | None,
    messages: int | None,
    loads: tuple[str, ...],
    stacks: tuple[str, ...],
    quick: bool,
    out: Path,
) -> None:
    """Measure this client beside its peers, in processes pinned to their cores."""
    options = Options(rounds=rounds, messages=messages, loads=loads, stacks=stacks, quick=quick, out=out)
    out.mkdir(parents=True, exist_ok=True)
    for name in PARTS if part == "all" else (part,):
        run_part(name, options)


def run_part(name: str, options: Options) -> None:
    """Run one part: the ``run`` of its module."""
    click.echo(f"\n== {name}", err=True)
    importlib.import_module(f"bench.{name}").run(options)


def entry(arguments: Sequence[str] | None = None) -> None:
    """The command, with the name that it is called by."""
    main(arguments, prog_name="python -m bench")


if __name__ == "__main__":
    entry()
