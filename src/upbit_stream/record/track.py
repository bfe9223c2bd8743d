"""The messages of one stream that are not in its file yet.

Owns one stream's buffer and counts. Knows its path, and nothing of how a file is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from upbit_stream.model.raw import RawMessage
from upbit_stream.record.held import Rows
from upbit_stream.record.line import malformed_line, message_line
from upbit_stream.record.pool import FilePool
from upbit_stream.record.summary import StreamCount


class Track:
    """One stream on its way to its file.

    A message becomes a row at once, so that its memory is free again while it is still warm. ``add`` takes a payload
    and its time in ns, and says False where there is more to it; then `take` does.
    """

    __slots__ = ("_is_malformed", "add", "code", "first_ns", "path", "rows", "type", "written", "written_bytes")

    def __init__(self, first: RawMessage, path: Path, *, is_malformed: bool = False) -> None:
        self.type = first.type
        self.code = first.code
        self.path = path
        self.first_ns = first.received_at_ns
        self.rows = Rows()
        self.add: Callable[[bytes, int], bool] = _takes_none if is_malformed else self.rows.add
        self._is_malformed = is_malformed
        self.written = 0
        self.written_bytes = 0

    def take(self, raw: RawMessage) -> None:
        """Keep the row of a message, whatever it looks like."""
        form = malformed_line if self._is_malformed else message_line
        self.rows.append(form(raw.payload, raw.received_at_ns), raw.received_at_ns)

    def drain(self, pool: FilePool) -> None:
        """Write what is held with one write. Raises RecordingError, and then still holds it."""
        rows = self.rows
        if not rows:
            return
        pool.open(self.path).append(bytes(rows))
        self.written += len(rows)
        self.written_bytes += rows.size
        rows.clear()

    def sync(self, pool: FilePool) -> None:
        """Wait until the file is on the disk, if this run wrote to it. Raises RecordingError."""
        if self.written:
            pool.open(self.path).sync()

    def count(self) -> StreamCount:
        """The numbers as they stand."""
        return StreamCount(
            type=self.type,
            code=self.code,
            messages=self.written + len(self.rows),
            unwritten=len(self.rows),
            bytes=self.written_bytes,
            first_received_at_ns=self.first_ns,
            newest_received_at_ns=self.rows.newest_ns or self.first_ns,
            path=self.path,
        )


def _takes_none(_payload: bytes, _received_at_ns: int) -> bool:
    return False
