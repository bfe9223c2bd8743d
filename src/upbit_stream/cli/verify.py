"""``upbit-stream verify``: whether a recording is whole.

Owns the command's options and the order of reading, asking and telling. Must not know what makes a recording whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from upbit_stream.cli import exits
from upbit_stream.cli.options import Reach, Shown, address_of, address_options, shown_options, trusting
from upbit_stream.cli.text import printable
from upbit_stream.cli.verify_online import WAITS_S, compare
from upbit_stream.cli.verify_text import NAMED, as_json, notes, overview, verdict, wrongs
from upbit_stream.errors import UsageError
from upbit_stream.net.environment import Environment
from upbit_stream.net.rest import SdkRest
from upbit_stream.record.verify import Verification

if TYPE_CHECKING:
    from upbit_stream.record.verify_ids import TradeIds
    from upbit_stream.record.verify_report import Compared, FileReport, Report

_log = logging.getLogger(__name__)

_UNWRAPPED_COLUMNS: Final = 1000  # a table in a file or a pipe is as wide as it is
_NS_PER_MS: Final = 1_000_000


@click.command(
    epilog=f"""{exits.HELP}
\b
Examples:
  upbit-stream verify data
  upbit-stream verify data --online --region sg
  upbit-stream verify data --json | jq '.files[] | select(.wrong != [])'
"""
)
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--online",
    is_flag=True,
    help="Compare every trade with what the exchange tells over REST, as far back as it keeps them (7 days).",
)
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object that names everything.")
@address_options
@shown_options
@click.pass_context
def verify(
    ctx: click.Context,
    /,
    *,
    directory: Path,
    online: bool,
    as_object: bool,
    verbosity: int,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Check whether the recording in DIR is whole, and say of each file what it holds.

    Wrong are torn lines and lines that cannot be read, rows of another stream, trades that stand there twice, and gaps
    of trades, candles, orders and balances that were not filled; with --online also trades that are missing, invented
    or altered. Gaps of order books and tickers, and what the exchange itself sent unreadable, are told and not wrong.

    A recorder may be at work in DIR meanwhile.
    """
    console = Console(stderr=True, highlight=False)
    shown = Shown(verbosity, quiet, as_json)
    shown.set_up(ctx, console)
    reach = Reach(**{field.name: options.pop(field.name) for field in fields(Reach)})
    if not online and reach != Reach():
        raise UsageError("how to reach the exchange is said for --online only: without it no exchange is asked")
    limit = None if as_object else NAMED
    verification = Verification(directory, limit=limit)
    asking = _Asking(reach, limit=limit) if online else None
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal or quiet or as_json,
    ) as progress:
        _look_through(verification, asking, progress)
    _tell(verification.report, as_object=as_object, quiet=quiet)
    for file in verification.report.files:
        if file.online is not None and file.online.failed:
            _log.error("%s: not compared: %s", file.file, file.online.failed)
    ctx.exit(_status(verification.report))


def _look_through(verification: Verification, asking: _Asking | None, progress: Progress) -> None:
    reading = progress.add_task("reading", total=verification.bytes)
    try:
        for file, ids in verification.files(lambda count: progress.advance(reading, count)):
            if asking is not None and file.type == "trade" and len(ids):
                file.online = asking.ask(file, ids, progress)
    finally:
        if asking is not None:
            asking.close()


class _Asking:
    """One conversation with the exchange, for all files."""

    def __init__(self, reach: Reach, *, limit: int | None) -> None:
        address, tls = address_of(reach), trusting(reach.ca_file)
        self._limit = limit
        self._environment = Environment()
        self._rest = SdkRest(address, None, environment=self._environment, proxy=reach.proxy, ssl_context=tls)
        self._runner = asyncio.Runner()
        self._waits_s: Sequence[float] = WAITS_S

    def ask(self, file: FileReport, ids: TradeIds, progress: Progress) -> Compared:
        """Compare the trades of one file."""
        task = progress.add_task(f"asking for {printable(file.code)}", total=ids.last_ms - ids.first_ms + 1)
        comparing = compare(
            self._rest,
            file.code,
            ids,
            limit=self._limit,
            now_ms=lambda: self._environment.clock.time_ns() // _NS_PER_MS,
            on_time=lambda covered_ms: progress.update(task, completed=covered_ms),
            waits_s=self._waits_s,
        )
        found = self._runner.run(comparing)
        progress.remove_task(task)
        # An exchange that is away is not waited for again with each file.
        self._waits_s = () if found.failed else WAITS_S
        return found

    def close(self) -> None:
        """Close the connections."""
        self._runner.run(self._rest.close())
        self._runner.close()


def _tell(report: Report, *, as_object: bool, quiet: bool) -> None:
    if as_object:
        click.echo(as_json(report))
        return
    output = Console(highlight=False, soft_wrap=False)
    if not output.is_terminal:
        output.width = _UNWRAPPED_COLUMNS
    if not quiet:
        output.print(overview(report, output))
    for file in report.files:
        for line in wrongs(file):
            output.print(line, style="red", markup=False, emoji=False, soft_wrap=True)
    if not quiet:
        for line in notes(report):
            output.print(f"note: {line}", markup=False, emoji=False, soft_wrap=True)
        output.print(verdict(report), markup=False, emoji=False, soft_wrap=True)


def _status(report: Report) -> int:
    if not report.is_whole:
        return exits.NOT_WHOLE
    return exits.FAILED if report.failures else exits.OK
