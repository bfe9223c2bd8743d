"""The messages of one stream that are not in its file yet.

Owns one stream's buffer and counts. Knows its path, and nothing of how a file is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from upbit_stream.model.raw import RawMessage
from upbit_stream.record.pool import FilePool
from upbit_stream.record.summary import StreamCount


class Track:
    """One stream on its way to its file; ``form`` makes a row of a payload and the time in ns.

    Messages are held as they came and become rows when they are written, so that the receiving path pays for
    an append alone. The recorder adds to ``held`` and ``held_bytes`` by itself: one call more for each
    message would be felt.
    """

    __slots__ = (
        "code",
        "first_ns",
        "form",
        "held",
        "held_bytes",
        "newest_ns",
        "path",
        "type",
        "written",
        "written_bytes",
    )

    def __init__(self, first: RawMessage, path: Path, form: Callable[[bytes, int], bytes]) -> None:
        self.type = first.type
        self.code = first.code
        self.path = path
        self.form = form
        self.first_ns = first.received_at_ns
        self.newest_ns = first.received_at_ns
        self.held: list[RawMessage] = []
        self.held_bytes = 0
        self.written = 0
        self.written_bytes = 0

    def drain(self, pool: FilePool) -> None:
        """Write what is held with one write. Raises RecordingError, and then still holds it."""
        held, form = self.held, self.form
        if not held:
            return
        rows = b"".join([form(raw.payload, raw.received_at_ns) for raw in held])
        pool.open(self.path).append(rows)
        self.newest_ns = held[-1].received_at_ns
        self.written += len(held)
        self.written_bytes += len(rows)
        held.clear()
        self.held_bytes = 0

    def sync(self, pool: FilePool) -> None:
        """Wait until the file is on the disk, if this run wrote to it. Raises RecordingError."""
        if self.written:
            pool.open(self.path).sync()

    def count(self) -> StreamCount:
        """The numbers as they stand."""
        return StreamCount(
            type=self.type,
            code=self.code,
            messages=self.written + len(self.held),
            unwritten=len(self.held),
            bytes=self.written_bytes,
            first_received_at_ns=self.first_ns,
            newest_received_at_ns=self.held[-1].received_at_ns if self.held else self.newest_ns,
            path=self.path,
        )
