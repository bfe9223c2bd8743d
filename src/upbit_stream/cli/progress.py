"""What is shown while a recording runs, and at its end.

Owns the choice of what to show. Gets counts and times handed in; knows nothing of files, sockets or clocks.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Final

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from upbit_stream.cli.connections import Connections
from upbit_stream.cli.text import age, clock, plural, printable, size, stream_name
from upbit_stream.record import StreamCount, Summary

_RATE_WINDOW: Final = 10  # counts, one a second
_MAX_NAMED: Final = 12  # streams in the live display; a log line names half as many

StreamKey = tuple[str, str]


class Progress:
    """Turns counts into lines; ``expected`` are the streams that were asked for, as (type, code).

    progress = Progress([("trade", "SGD-BTC")], connections)
    progress.count(recorder.summary(), time_ns(), monotonic())
    console.print(progress.lines())
    """

    def __init__(self, expected: list[StreamKey], connections: Connections) -> None:
        self._expected = expected
        self._connections = connections
        self._summary: Summary | None = None
        self._now_ns = 0
        self._marks: deque[tuple[float, int]] = deque(maxlen=_RATE_WINDOW + 1)

    def count(self, summary: Summary, now_ns: int, monotonic_s: float) -> None:
        """Take the counts of this moment; the rate is the mean of the last ten."""
        self._summary = summary
        self._now_ns = now_ns
        self._marks.append((monotonic_s, summary.messages))

    def total(self) -> str:
        """The one line about everything."""
        summary, connections = self._summary, self._connections
        if summary is None:
            return "nothing counted yet"
        parts = [
            plural(summary.messages, "message"),
            f"{self._rate():,.1f}/s",
            size(summary.bytes),
            plural(connections.open, "connection"),
        ]
        for number, what in (
            (connections.lost, "lost"),
            (connections.failed, "failed"),
            (summary.malformed, "unreadable"),
        ):
            if number:
                parts.append(f"{number:,} {what}")
        return ", ".join(parts)

    def as_log_line(self) -> str:
        """The one line, and the newest message of the streams that are silent the longest."""
        named, left_out = self._silent_longest(_MAX_NAMED // 2)
        ages = ", ".join(f"{stream_name(*key)} {self._age(count)}" for key, count in named)
        more = f", and {plural(left_out, 'stream')} more" if left_out else ""
        return f"{self.total()}; newest message: {ages}{more}" if named else self.total()

    def lines(self) -> Table:
        """What a terminal shows: the one line, and below it a line for each stream."""
        table = Table.grid(padding=(0, 2))
        table.add_row(Text(self.total(), style="bold"))
        named, left_out = self._silent_longest(_MAX_NAMED)
        streams = Table.grid(padding=(0, 2))
        for key, count in named:
            taken = plural(count.messages if count else 0, "message")
            streams.add_row(Text("  " + stream_name(*key)), Text(taken, justify="right"), Text(self._age(count)))
        table.add_row(streams)
        if left_out:
            table.add_row(Text(f"  and {plural(left_out, 'stream')} more, with newer messages"))
        return table

    def _rate(self) -> float:
        (first_s, first), (last_s, last) = self._marks[0], self._marks[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0

    def _age(self, count: StreamCount | None) -> str:
        return f"{age(self._now_ns, count.newest_received_at_ns)} ago" if count else "none yet"

    def _silent_longest(self, limit: int) -> tuple[list[tuple[StreamKey, StreamCount | None]], int]:
        everything = list(by_stream(self._summary, self._expected).items())
        if len(everything) <= limit:
            return everything, 0
        everything.sort(key=lambda item: item[1].newest_received_at_ns if item[1] else 0)
        return everything[:limit], len(everything) - limit


def by_stream(summary: Summary | None, expected: list[StreamKey]) -> dict[StreamKey, StreamCount | None]:
    """The count of every stream that was asked for or spoke, in that order; None for one that never spoke."""
    counts: dict[StreamKey, StreamCount | None] = dict.fromkeys(expected)
    if summary is not None:
        counts.update({(count.type, count.code): count for count in summary.streams})
    return counts


def summary_table(summary: Summary, expected: list[StreamKey]) -> Table:
    """The table at the end: what was recorded of each stream, and where it is."""
    table = Table(box=SIMPLE, show_footer=True)
    table.add_column("stream", footer="total", overflow="fold")
    table.add_column("messages", footer=f"{summary.messages:,}", justify="right", no_wrap=True)
    table.add_column("bytes", footer=size(summary.bytes), justify="right", no_wrap=True)
    table.add_column("newest message")
    table.add_column("file", overflow="fold")
    for key, count in by_stream(summary, expected).items():
        name = Text(stream_name(*key))
        if count is None:
            table.add_row(name, "0", "0 B", "never", "")
            continue
        newest = clock(count.newest_received_at_ns)
        table.add_row(name, f"{count.messages:,}", size(count.bytes), newest, Text(printable(count.path.name)))
    return table


def closing_lines(summary: Summary, directory: Path) -> list[str]:
    """What the table does not say: where the files are, and what was not as it should be."""
    lines = [f"The files are in {printable(str(directory))}"]
    if summary.malformed:
        lines.append(f"{plural(summary.malformed, 'payload')} could not be read: see {summary.malformed_path.name}")
    if summary.cut_bytes:
        lines.append(f"{size(summary.cut_bytes)} of torn last lines were cut, which a crash had left")
    return lines
