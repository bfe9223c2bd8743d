"""``upbit-stream record``: streams of the exchange into files.

Owns the command's options and what it shows. Must not know how anything is received or written.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from upbit_stream.cli import exits
from upbit_stream.cli.connections import Connections
from upbit_stream.cli.display import Display
from upbit_stream.cli.ending import closing_lines, silent_streams, summary_table
from upbit_stream.cli.options import (
    Connection,
    Shown,
    address_of,
    connection_options,
    make_stream,
    shown_options,
)
from upbit_stream.cli.progress import Progress, StreamKey
from upbit_stream.cli.recording import record_until
from upbit_stream.cli.signals import ending_signals
from upbit_stream.cli.subscriptions import check_one_file_each, parse_subscriptions, subscription_options
from upbit_stream.errors import UpbitStreamError
from upbit_stream.model.subscription import Subscription
from upbit_stream.record import Recorder, Summary
from upbit_stream.stream import Stream

_log = logging.getLogger(__name__)

_UNWRAPPED_COLUMNS: Final = 1000  # a table in a file or a pipe is as wide as it is


@click.command(
    epilog=f"""{exits.HELP}
\b
Examples:
  upbit-stream record trade:SGD-BTC,SGD-ETH orderbook:SGD-BTC.15 --region sg
  upbit-stream record candle.1m:KRW-BTC --region kr --out data --duration 3600
  upbit-stream record myOrder myAsset --region sg
"""
)
@click.argument("streams", nargs=-1, required=True, metavar="TYPE[:CODE[,CODE...]]...")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("data"),
    show_default=True,
    help="The directory for the files; made where it is missing. A recording that is there goes on.",
)
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End after so long. Default: on SIGINT, SIGTERM or SIGHUP.",
)
@click.option(
    "--audit",
    "audit_s",
    type=click.FloatRange(min=0),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="Compare what came with what the exchange has, this often; 0: only after interruptions.",
)
@click.option(
    "--connections",
    type=click.IntRange(1, 3),
    default=1,
    show_default=True,
    help="Receive public streams over so many connections side by side: one that is lost loses nothing.",
)
@click.option("--no-recover", is_flag=True, help="Do not fetch over REST what was missed; only tell of it.")
@connection_options
@subscription_options
@shown_options
@click.pass_context
def record(
    ctx: click.Context,
    /,
    *,
    streams: tuple[str, ...],
    out: Path,
    duration: float | None,
    audit_s: float,
    connections: int,
    no_recover: bool,
    verbosity: int,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Record streams of the exchange into JSON Lines files, one file a stream.

    A stream is named as the exchange names it: trade:SGD-BTC,SGD-ETH, orderbook:SGD-BTC.15,
    candle.1m:SGD-BTC, or myOrder and myAsset, whose keys come from the environment variables UPBIT_ACCESS_KEY
    and UPBIT_SECRET_KEY.

    A message of trade:SGD-BTC becomes a line of SGD-BTC_trade.jsonl: the exchange's object byte for byte,
    with received_at_ns (ns since 1970, UTC) as one more key at its end.

    What an interruption missed, also one of this program, is fetched over REST and added with the stream type
    RECOVERED; gaps.jsonl tells of every gap and whether it was filled.
    """
    console = Console(stderr=True, highlight=False)
    shown = Shown(verbosity, quiet, as_json)
    shown.set_up(ctx, console)
    connection = Connection(**{field.name: options.pop(field.name) for field in fields(Connection)})
    subscriptions = parse_subscriptions(streams, options)
    check_one_file_each(subscriptions)
    make = functools.partial(
        make_stream,
        connection,
        subscriptions,
        recover=not no_recover,
        connections=connections,
        audit_s=audit_s or None,
    )
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_record(make, address_of(connection).rest, subscriptions, out, duration, shown, console))


async def _record(
    make: Callable[[], Stream],
    address: str,
    subscriptions: list[Subscription],
    out: Path,
    duration_s: float | None,
    shown: Shown,
    console: Console,
) -> None:
    with ending_signals() as ending:
        stream = make()
        recorder = Recorder(out)
        _log.info("recording %s into %s", address, out)
        connections = Connections()
        expected = _expected(subscriptions)
        live = console.is_terminal and not shown.quiet and not shown.as_json
        failed = False
        try:
            with Display(Progress(expected, connections), recorder.summary, console, live=live) as display:
                await record_until(
                    ending,
                    stream,
                    recorder,
                    subscriptions,
                    connections,
                    duration_s=duration_s,
                    on_tick=display.tick,
                )
        except UpbitStreamError:
            failed = True
            raise
        finally:
            try:
                recorder.close()
            finally:
                _tell_the_end(recorder, expected, connections, failed=failed, quiet=shown.quiet)


def _tell_the_end(
    recorder: Recorder, expected: list[StreamKey], connections: Connections, *, failed: bool, quiet: bool
) -> None:
    summary = recorder.summary()
    nothing = not summary.messages and not summary.malformed
    if nothing and failed:
        return  # the error says it all
    if nothing and not connections.made:
        _log.warning("nothing was recorded: there was no connection")
        return
    if not quiet:
        _show_summary(summary, recorder.directory, expected)
    if silent := silent_streams(summary, expected):
        _log.warning("%s", silent)


def _show_summary(summary: Summary, directory: Path, expected: list[StreamKey]) -> None:
    output = Console(highlight=False, soft_wrap=False)
    if not output.is_terminal:
        output.width = _UNWRAPPED_COLUMNS
    table = summary_table(summary, expected, output)
    output.print(table)
    files_named = any(column.header == "file" for column in table.columns)
    for line in closing_lines(summary, directory, files_named=files_named):
        output.print(line, markup=False, soft_wrap=True)


def _expected(subscriptions: list[Subscription]) -> list[StreamKey]:
    # An order book's code may ask for a depth (SGD-BTC.15), which its messages do not name. Private streams
    # speak only when something happens, so none of their codes is waited for.
    return [
        (subscription.type, code.partition(".")[0])
        for subscription in subscriptions
        for code in subscription.codes
        if subscription.endpoint != "private"
    ]


def _loop_factory() -> Any:
    try:
        import uvloop  # noqa: PLC0415 - optional
    except ImportError:
        return None
    return uvloop.new_event_loop
