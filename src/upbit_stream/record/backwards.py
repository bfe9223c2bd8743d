"""The lines of a file from its end to its beginning.

Owns reading backwards, in blocks, so that the newest lines of a large file cost no more than those of a small one.
Knows nothing of what a line holds.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

_BLOCK_BYTES: Final = 64 * 1024
_LONGEST_LINE_BYTES: Final = 64 * 1024 * 1024  # beyond any message: what is longer was not written by us


def lines_backwards(path: Path) -> Generator[bytes, None, None]:
    """The whole lines of ``path`` without their line breaks, the last one first.

    What follows the last line break is no whole line. One that is longer than 64 MiB comes as b"". Raises OSError.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        yield from _lines(fd)
    finally:
        os.close(fd)


def _lines(fd: int) -> Iterator[bytes]:
    position = os.fstat(fd).st_size
    line = _Tail()  # its beginning lies before `position`
    is_whole = False
    while position > 0:
        start = max(0, position - _BLOCK_BYTES)
        first, *others = os.pread(fd, position - start, start).split(b"\n")
        position = start
        for part in reversed(others):
            line.prepend(part)
            if is_whole:
                yield line.taken()
            else:
                line.taken()
            is_whole = True
        line.prepend(first)
    if is_whole:
        yield line.taken()


class _Tail:
    """A line that becomes known from its end."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def prepend(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > _LONGEST_LINE_BYTES:
            self._parts.clear()
        else:
            self._parts.append(part)

    def taken(self) -> bytes:
        """The line; what is prepended from then on belongs to the line before it."""
        line = b"".join(reversed(self._parts)) if self._size <= _LONGEST_LINE_BYTES else b""
        self._parts.clear()
        self._size = 0
        return line
