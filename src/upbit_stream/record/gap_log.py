"""The account of a run's gaps: noticed at once, settled once what was recovered is in its file.

Owns which row is written when, and under which name. Knows nothing of the files of messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final
from uuid import uuid4

from msgspec.structs import replace

from upbit_stream.model.events import CLOSED_BEFORE_RECOVERED, Gap, Recovered
from upbit_stream.model.marks import Mark
from upbit_stream.record.gaps import GAPS, GapRow, gap_line
from upbit_stream.record.pool import FilePool
from upbit_stream.record.summary import GapCount

_RUN_CHARS: Final = 12

_Span = tuple[str, str, int, int]


class GapLog:
    """Writes the ``gaps.jsonl`` of ``directory``. A row that the disk refuses is kept for `write`.

    An earlier run that crashed may have left a torn last line: it is cut.

        log = GapLog(directory, FilePool(256))
        log.noticed(gap)
        log.recovered(event)

    The constructor and every method raise RecordingError where the disk says no.
    """

    def __init__(self, directory: Path, pool: FilePool) -> None:
        self._path = directory / GAPS
        self._pool = pool
        self._run = uuid4().hex[:_RUN_CHARS]
        self._open: dict[int, GapRow] = {}
        self._earlier: dict[_Span, list[str]] = {}
        self._unwritten: list[bytes] = []
        self._written = False
        self._noticed = self._filled = self._messages = self._lost = 0
        if self._path.exists():
            pool.open(self._path)

    def adopt(self, marks: Iterable[Mark]) -> None:
        """A gap of this run that is one of these unfilled ones goes on under the name that it has."""
        for mark in marks:
            for gap in mark.unfilled:
                self._earlier.setdefault((mark.type, mark.code, gap.from_ns, gap.to_ns), []).append(gap.key)

    def noticed(self, gap: Gap) -> None:
        """Write a gap down, or, the second time, that it could not be filled.

        One that is lost merely because the stream closed stays open, for the next run to fill.
        """
        known = self._open.get(gap.number)
        if known is None:
            self._noticed += 1
        left = gap.lost == CLOSED_BEFORE_RECOVERED
        if known is not None and left:
            return
        row = GapRow(
            gap=known.gap if known else self._name(gap),
            type=gap.message_type,
            code=gap.code,
            from_ns=gap.from_ns,
            to_ns=gap.to_ns,
            reason=gap.reason,
            state="lost" if gap.lost and not left else "open",
            why="" if left else gap.lost,
        )
        if row.state == "open":
            self._open[gap.number] = row
        else:
            self._open.pop(gap.number, None)
            self._lost += 1
        self._append(row)

    def recovered(self, event: Recovered) -> None:
        """Write down that a gap is filled. The messages must be in their file by now."""
        known = self._open.pop(event.number, None)
        if known is None:  # its beginning was not told to us
            self._noticed += 1
            known = GapRow(
                gap=f"{self._run}-{event.number}",
                type=event.message_type,
                code=event.code,
                from_ns=event.from_ns,
                to_ns=event.to_ns,
                reason="",
                state="open",
            )
        self._filled += 1
        self._messages += event.count
        self._append(replace(known, state="recovered", recovered=event.count))

    def write(self) -> None:
        """Try again what the disk refused."""
        if self._unwritten:
            self._pool.open(self._path).append(b"".join(self._unwritten))
            self._unwritten.clear()
            self._written = True

    def sync(self) -> None:
        """Wait until the rows of this run are on the disk."""
        if self._written:
            self._pool.open(self._path).sync()

    def count(self) -> GapCount:
        """The numbers as they stand."""
        return GapCount(
            noticed=self._noticed,
            filled=self._filled,
            messages=self._messages,
            lost=self._lost,
            open=len(self._open),
        )

    def _append(self, row: GapRow) -> None:
        self._unwritten.append(gap_line(row))
        self.write()

    def _name(self, gap: Gap) -> str:
        names = self._earlier.get((gap.message_type, gap.code, gap.from_ns, gap.to_ns))
        return names.pop(0) if names else f"{self._run}-{gap.number}"
