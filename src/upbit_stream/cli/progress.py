"""What is shown while a recording runs.

Owns the choice of what to show. Gets counts and times handed in; knows nothing of files, sockets or clocks.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from rich.table import Table
from rich.text import Text

from upbit_stream.cli.connections import Connections
from upbit_stream.cli.text import age, plural, size, stream_name
from upbit_stream.record import StreamCount, Summary

_RATE_WINDOW_S: Final = 10.0
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
        self._marks: deque[tuple[float, int]] = deque()

    def count(self, summary: Summary, now_ns: int, monotonic_s: float) -> None:
        """Take the counts of this moment; the rate is the mean of the last ten seconds."""
        self._summary = summary
        self._now_ns = now_ns
        self._marks.append((monotonic_s, summary.messages))
        while len(self._marks) > 2 and self._marks[1][0] <= monotonic_s - _RATE_WINDOW_S:
            self._marks.popleft()  # by time and not by number: counts come late where the machine is busy

    def total(self) -> str:
        """The one line about everything."""
        summary, connections = self._summary, self._connections
        if summary is None:
            return "nothing counted yet"
        parts = [
            plural(summary.messages, "message"),
            f"{self._rate():,.1f}/s",
            size(summary.bytes),
            f"{plural(connections.open, 'connection')} open",
        ]
        for number, noun, what in (
            (connections.lost, "connection", "lost"),
            (connections.failed, "attempt", "failed"),
            (summary.malformed, "payload", "unreadable"),
            (summary.gaps.noticed, "gap", "noticed"),
            (summary.gaps.open, "gap", "to fill"),
        ):
            if number:
                parts.append(f"{plural(number, noun)} {what}")
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
