"""One append-only file that holds whole lines and nothing else.

Owns a file descriptor and the promise: after every call, and after a crash at the next opening, the file ends
with a line break. Knows nothing of messages.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from upbit_stream.record.trouble import recording_error

_log = logging.getLogger(__name__)

_BLOCK_BYTES: Final = 64 * 1024
# O_NOFOLLOW: in a directory that others may write to, a planted link would send the rows elsewhere.
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class AppendFile:
    """An open file of lines; a torn last line is cut when it is opened.

    Raises RecordingError, from every method, where the file cannot be opened, written or brought to disk.

        file = AppendFile(Path("data/SGD-BTC_trade.jsonl"))
        file.append(b'{"type":"trade"}\\n')
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1
        try:
            self._fd = os.open(path, _FLAGS, 0o644)
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")  # noqa: TRY301 - told like any other reason
            #: Bytes cut off at opening because a crash had left them without a line break.
            self.cut_bytes = cut_torn_line(self._fd, path)
            self._torn_at: int | None = None
        except OSError as error:
            self.close()
            raise recording_error("open", path, error) from error

    def append(self, lines: bytes | memoryview) -> None:
        """Write ``lines`` (each ending with a line break) all, or leave the file as it was and raise."""
        try:
            if self._torn_at is not None:
                os.ftruncate(self._fd, self._torn_at)
                self._torn_at = None
            # Asked each time, not remembered: whoever empties the file meanwhile must not get it back as zeros.
            good_size = os.fstat(self._fd).st_size
            try:
                _write_all(self._fd, lines)
            except BaseException:  # an interrupt between two writes tears a line as well
                self._take_back(good_size)
                raise
        except OSError as error:
            raise recording_error("write", self.path, error) from error

    def sync(self) -> None:
        """Wait until what was written is on the disk."""
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise recording_error("write", self.path, error) from error

    def close(self) -> None:
        """Let go of the descriptor; may be called again."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _take_back(self, good_size: int) -> None:
        try:
            os.ftruncate(self._fd, good_size)
        except OSError as error:
            self._torn_at = good_size
            # The next append tries again; if there is none, the next opening cuts the torn line.
            _log.warning("%s may end in a torn line, which the next start cuts: %s", self.path, error)


def cut_torn_line(fd: int, path: Path, *, only_after: Callable[[int, int], bool] | None = None) -> int:
    """Cut what follows the last line break of the file open as ``fd``; return how many bytes that was.

    Reads backwards from the end, so it costs the same for a file of any size. ``only_after(fd, end)`` may
    look at the whole lines, which end at ``end``, and forbid the cut. Raises OSError.
    """
    size = os.fstat(fd).st_size
    end = _end_of_last_line(fd, size)
    if end == size or (only_after is not None and not only_after(fd, end)):
        return 0
    os.ftruncate(fd, end)
    _log.warning("cut a torn last line of %d bytes from %s", size - end, path)
    return size - end


def _end_of_last_line(fd: int, size: int) -> int:
    end = size
    # Most files are whole: ask for one byte before asking for a block.
    if end == 0 or os.pread(fd, 1, end - 1) == b"\n":
        return end
    while end > 0:
        start = max(0, end - _BLOCK_BYTES)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _write_all(fd: int, lines: bytes | memoryview) -> None:
    written = os.write(fd, lines)
    while written < len(lines):  # a disk that fills up takes a part first and refuses the next
        more = os.write(fd, memoryview(lines)[written:])
        if more == 0:
            raise OSError(errno.EIO, "nothing was written")
        written += more
