"""The lines of a file of any size, in blocks, without trusting that it has any.

Owns the reading. Knows nothing of what a line says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Final

_BLOCK: Final = 1 << 20
_LONGEST: Final = 64 << 20  # a message is smaller by far; zeros that a crash left may be as long as the file
_NO_LINE: Final = b"\0"  # stands for a line that was too long: no row begins so


class Lines:
    """The whole lines of the first ``size`` bytes, without their ends, many at a time.

    ``torn_bytes`` is, after the last of them, what followed the last line break. ``on_bytes`` is told of every block.
    """

    def __init__(self, file: IO[bytes], size: int, on_bytes: Callable[[int], object]) -> None:
        self.torn_bytes = 0
        self._file = file
        self._size = size
        self._on_bytes = on_bytes

    def __iter__(self) -> Iterator[list[bytes]]:
        left, rest, dropped = self._size, b"", 0
        while left > 0 and (block := self._file.read(min(_BLOCK, left))):
            left -= len(block)
            self._on_bytes(len(block))
            *lines, rest = (rest + block).split(b"\n")
            if lines:
                dropped = 0
                yield lines
            if len(rest) > _LONGEST:
                dropped += len(rest) - len(_NO_LINE)
                rest = _NO_LINE
        self.torn_bytes = dropped + len(rest)
