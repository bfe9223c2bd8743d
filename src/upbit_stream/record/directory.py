"""The directory of a recording: made, locked against a second recorder, and free of torn lines.

Owns what happens before the first message and after the last. Knows nothing of streams.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from upbit_stream.errors import RecordingError
from upbit_stream.record.file import cut_torn_line
from upbit_stream.record.line import ROW_END, ROW_END_BYTES
from upbit_stream.record.names import SUFFIX
from upbit_stream.record.trouble import recording_error

if TYPE_CHECKING:
    from filelock import FileLock

_LOCK: Final = ".lock"


def take_directory(directory: Path) -> FileLock:
    """Make ``directory`` and lock it, until the lock is released or the process ends.

    Raises RecordingError where that is impossible, or another recorder has it.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415  # not everybody who imports the package records

    lock = FileLock(directory / _LOCK, timeout=0, thread_local=False)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise RecordingError(
            f"another recorder writes to {directory} at the moment; end it, or record to another directory"
        ) from error
    except OSError as error:
        raise recording_error("record to", directory, error) from error
    except NotImplementedError as error:  # filelock's word for a file system without flock
        raise RecordingError(
            f"cannot lock {directory}: its file system has no locks; record to a local disk"
        ) from error
    return lock


def cut_torn_lines(directory: Path) -> int:
    """Cut the torn last line of every recording in ``directory``; return the bytes cut.

    Also of streams that are not recorded this time: who reads the directory wants every row whole. A file
    whose last whole line is not a row of ours is left alone; it would be cut only on being appended to.
    Raises RecordingError.
    """
    cut = 0
    try:
        with os.scandir(directory) as entries:
            names = sorted(e.name for e in entries if e.name.endswith(SUFFIX) and e.is_file(follow_symlinks=False))
        for name in names:
            cut += _cut_if_ours(directory / name)
    except OSError as error:
        raise recording_error("look through", directory, error) from error
    return cut


def _cut_if_ours(path: Path) -> int:
    try:
        with path.open("r+b", buffering=0) as file:
            return cut_torn_line(file.fileno(), path, only_after=_is_row)
    except PermissionError:
        return 0  # nobody's row is torn by a file that we cannot write; appending to it would tell


def _is_row(fd: int, end: int) -> bool:
    tail = os.pread(fd, min(end, ROW_END_BYTES), max(0, end - ROW_END_BYTES))
    return ROW_END.search(tail) is not None


def sync_directory(directory: Path) -> None:
    """Bring the names of new files to the disk; without it a power cut can lose a whole new file.

    Raises RecordingError.
    """
    try:
        fd = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise recording_error("write", directory, error) from error
