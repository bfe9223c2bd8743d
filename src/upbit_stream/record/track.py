"""The messages of one stream that are not in its file yet.

Owns one stream's buffer and counts. Knows its path, and nothing of how a file is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from upbit_stream.model.raw import RawMessage
from upbit_stream.record.held import Rows
from upbit_stream.record.line import malformed_line, message_line
from upbit_stream.record.pool import FilePool
from upbit_stream.record.summary import StreamCount


class Track:
    """One stream on its way to its file; ``full`` is called when ``limit`` bytes of it are held.

    A message becomes a row at once, so that its memory is free again while it is still warm. ``put`` takes a payload
    and its time in ns.
    """

    __slots__ = ("code", "first_ns", "path", "put", "rows", "type", "written", "written_bytes")

    def __init__(
        self, first: RawMessage, path: Path, limit: int, full: Callable[[Track], None], *, is_malformed: bool = False
    ) -> None:
        self.type = first.type
        self.code = first.code
        self.path = path
        self.first_ns = first.received_at_ns
        form = malformed_line if is_malformed else message_line
        self.rows = Rows(form, limit, partial(full, self), not is_malformed)
        self.put = self.rows.put
        self.written = 0
        self.written_bytes = 0

    def drain(self, pool: FilePool) -> None:
        """Write what is held with one write. Raises RecordingError, and then still holds it."""
        rows = self.rows
        if not rows:
            return
        with rows.lent() as lines:
            pool.open(self.path).append(lines)
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
