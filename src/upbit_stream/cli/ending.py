"""What is shown when a recording is over: a table that fits, where the files are, and what is missing.

Owns the choice of what to show. Gets counts handed in; knows nothing of files or of why it ended.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from upbit_stream.cli.progress import StreamKey, by_stream
from upbit_stream.cli.text import clock, plural, printable, size, stream_name
from upbit_stream.record import GapCount, Summary
from upbit_stream.record.gaps import GAPS

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS: Final = ("messages", "bytes", "newest message", "file")  # beside the stream; the least important last
_UNBOUNDED: Final = 10_000
_MAX_NAMED: Final = 5


def summary_table(summary: Summary, expected: list[StreamKey], console: Console) -> Table:
    """What was recorded of each stream, with as many columns as ``console`` has room for.

    A stream's name is never folded for the sake of a column: the file's name follows from it.
    """
    for number in range(len(_COLUMNS), 0, -1):
        table = _table(summary, expected, _COLUMNS[:number])
        wanted = Measurement.get(console, console.options.update(width=_UNBOUNDED), table).maximum
        if wanted <= console.width:
            break
    return table


def _table(summary: Summary, expected: list[StreamKey], columns: tuple[str, ...]) -> Table:
    footers = {"messages": f"{summary.messages:,}", "bytes": size(summary.bytes)}
    table = Table(box=SIMPLE, show_footer=True)
    table.add_column("stream", footer="total", overflow="fold")
    for name in columns:
        number = name in footers
        table.add_column(name, footer=footers.get(name, ""), justify="right" if number else "left", no_wrap=True)
    for key, count in by_stream(summary, expected).items():
        cells = ("0", "0 B", "never", "")
        if count is not None:
            newest = clock(count.newest_received_at_ns)
            cells = (f"{count.messages:,}", size(count.bytes), newest, printable(count.path.name))
        table.add_row(Text(stream_name(*key)), *map(Text, cells[: len(columns)]))
    return table


def closing_lines(summary: Summary, directory: Path, *, files_named: bool) -> list[str]:
    """What the table does not say: where the files are (and how named), and what was not as it should be."""
    where = f"The files are in {printable(str(directory))}"
    if summary.streams and not files_named:
        where += f", named like {printable(summary.streams[0].path.name)}"
    lines = [where, *_gap_lines(summary.gaps)]
    if summary.malformed:
        lines.append(f"{plural(summary.malformed, 'payload')} could not be read: see {summary.malformed_path.name}")
    if summary.cut_bytes:
        lines.append(f"{size(summary.cut_bytes)} of torn last lines were cut, which a crash had left")
    return lines


def _gap_lines(gaps: GapCount) -> list[str]:
    if not gaps.noticed:
        return []
    parts = [f"{gaps.filled:,} filled with {plural(gaps.messages, 'message')}"]
    if gaps.lost:
        parts.append(f"{gaps.lost:,} could not be filled")
    if gaps.open:
        parts.append(f"{gaps.open:,} left to the next run")
    return [f"{plural(gaps.noticed, 'gap')} noticed: {', '.join(parts)}; see {GAPS}"]


def silent_streams(summary: Summary, expected: list[StreamKey]) -> str:
    """A warning about the streams of which nothing came, or ""."""
    silent = [key for key, count in by_stream(summary, expected).items() if count is None]
    if not silent:
        return ""
    names = ", ".join(stream_name(*key) for key in silent[:_MAX_NAMED])
    left_out = len(silent) - _MAX_NAMED
    more = f" and {plural(left_out, 'stream')} more" if left_out > 0 else ""
    what = "that market" if len({code for _, code in silent}) == 1 else "those markets"
    return f"nothing came of {names}{more}: does this region have {what}?"
