"""The command ``python -m bench.guard``: count the instructions of the hot path, compare them with the stored ones.

Owns its options and what becomes of an error. Without valgrind it says so and is content.
"""

from __future__ import annotations

import sys

import click

from bench.guard import stored
from bench.guard.all_paths import MESSAGES, chosen, count_all
from bench.guard.counting import CountingError, find_valgrind
from bench.guard.judging import judge
from bench.guard.report import report, table
from bench.guard.surroundings import differences, surroundings, variant


@click.command()
@click.option("--update", is_flag=True, help="Store what is counted.")
@click.option("--only", default="", help="Only the paths whose name holds this.")
def main(update: bool, only: str) -> None:
    """Count the instructions of the hot path; end with 1 where they are more than 5 % above the stored ones."""
    if update and only:
        raise click.UsageError("--update stores all paths together: what they are compared with has to fit")
    valgrind = find_valgrind()
    if valgrind is None:
        click.echo("valgrind is not found here, so no instructions are counted: nothing is known, nothing failed")
        return
    ways = chosen(only)
    if not ways:
        raise click.UsageError(f"no path is named like {only!r}")
    try:
        found = stored.Counts(surroundings(valgrind), MESSAGES, count_all(valgrind, ways))
    except CountingError as error:
        raise click.ClickException(str(error)) from error
    if update:
        stored.save(variant(), found)
        click.echo("\n".join([*table(found.instructions_per_message), f"stored for the hot path in {variant()}"]))
        return
    had = stored.load().get(variant(), stored.NOTHING).of(frozenset(ways))
    judgement = judge(
        had.instructions_per_message,
        found.instructions_per_message,
        {name: way.reference for name, way in ways.items()},
        differences(had.surroundings, found.surroundings),
    )
    click.echo("\n".join(report(judgement, variant())))
    sys.exit(judgement.failed)


if __name__ == "__main__":
    main()
