"""Whether a recording is whole, as far as its files tell.

Owns which files are looked at and what belongs together. Knows nothing of the exchange: `verify_trades` compares with
what it says.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from upbit_stream.errors import UsageError
from upbit_stream.model.subscription import TYPES
from upbit_stream.record.gaps import GAPS, GapRow, read_gaps
from upbit_stream.record.names import MALFORMED, SUFFIX, file_name
from upbit_stream.record.trouble import recording_error
from upbit_stream.record.verify_file import OnBytes, empty_report, read_file
from upbit_stream.record.verify_ids import TradeIds
from upbit_stream.record.verify_report import FileReport, Report

_LOCK: Final = ".lock"


class Verification:
    """Looks through the recording in ``directory``; ``limit`` bounds how much of each fault is named, None names all.

    However long the recording is, it takes some 120 MB of memory beside what is named, and 16 bytes a trade of
    temporary files. Raises `UsageError` where there is no recording, `RecordingError` where the directory cannot be
    read.

        verification = Verification(Path("data"))
        for file, ids in verification.files():
            ...  # ids: the trades of this file, to be compared with what the exchange tells
        print(verification.report.is_whole)
    """

    def __init__(self, directory: Path, *, limit: int | None = None) -> None:
        #: What was found; complete when `files` is through.
        self.report = Report(directory=str(directory), files=[])
        self._directory = directory
        self._limit = limit
        sizes = _files_of(directory)
        self._paths = list(sizes)
        #: How many bytes there are to read.
        self.bytes = sum(sizes.values())

    def files(self, on_bytes: OnBytes = lambda _: None) -> Iterator[tuple[FileReport, TradeIds]]:
        """Look through one file after the other; ``on_bytes`` is told how many bytes were read.

        The ids are gone when the next file is asked for. The gaps are counted last.
        """
        for path in self._paths:
            with TradeIds() as ids:
                file = read_file(path, ids, limit=self._limit, on_bytes=on_bytes)
                if _is_foreign(file):
                    self.report.foreign.append(file.file)
                    continue
                if file.torn_bytes:
                    file.is_being_written = _is_locked(self._directory)
                if file.file == MALFORMED:
                    self.report.malformed_payloads = file.rows
                self.report.files.append(file)
                yield file, ids
        if not self.report.files:
            raise _no_recording(self._directory)
        self._count_gaps()

    def _count_gaps(self) -> None:
        by_name = {file.file: file for file in self.report.files}
        for row in read_gaps(self._directory):
            name = file_name(row.type, _code_of_file(row))
            if name not in by_name:
                by_name[name] = empty_report(name, limit=self._limit)
                by_name[name].type, by_name[name].code = row.type, row.code
                self.report.files.append(by_name[name])
            gaps = by_name[name].gaps
            gaps.noticed += 1
            gaps.messages += row.recovered
            if row.state == "recovered":
                gaps.recovered += 1
                continue
            if row.state == "lost":
                gaps.lost += 1
            else:
                gaps.open += 1
            gaps.unfilled.add(row)


def _code_of_file(row: GapRow) -> str:
    # An order book is asked for as SGD-BTC.15; its messages, and so its file, are of SGD-BTC.
    return row.code.partition(".")[0] if row.type == "orderbook" else row.code


def _files_of(directory: Path) -> dict[Path, int]:
    """The files that may be of a recording, by name, and their sizes."""
    try:
        with os.scandir(directory) as entries:
            found = [e for e in entries if e.name.endswith(SUFFIX) and e.is_file(follow_symlinks=False)]
        sizes = {Path(entry.path): entry.stat().st_size for entry in sorted(found, key=lambda entry: entry.name)}
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{directory} is no directory: name the one that was recorded into") from error
    except OSError as error:
        raise recording_error("look through", directory, error) from error
    if not sizes:
        raise _no_recording(directory)
    return sizes


def _no_recording(directory: Path) -> UsageError:
    return UsageError(f"there is no recording in {directory}: no file of rows (CODE_TYPE{SUFFIX})")


def _is_foreign(file: FileReport) -> bool:
    """Whether it is somebody else's: no row of ours, and not the name of a stream."""
    is_ours = file.rows or file.error or not file.bytes or file.strays
    return not is_ours and file.type not in TYPES and file.file not in (MALFORMED, GAPS)


def _is_locked(directory: Path) -> bool:
    """Whether a recorder is at work there."""
    try:
        fd = os.open(directory / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a file system without locks has no recorder either
    finally:
        os.close(fd)
    return False
