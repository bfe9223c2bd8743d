"""The tape in a file: what an exchange executed, for one that is started again.

Owns the file: whole lines, one a trade. Must not know what the trades are used for.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import msgspec

from .market import Trade

_BLOCK_BYTES = 64 * 1024
_BEGINNING = b'{"code":"'
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class TapeError(ValueError):
    """The file holds something else than a tape."""


class TapeFile:
    """Trades that outlive the process, also one that is killed: each is in the file when ``append`` returns.

    One process at a time holds the file. A last line that a crash tore is cut at opening. OSError where the file
    cannot be had or written; TapeError where it holds anything else.

        with TapeFile(Path("tape.jsonl")) as tape:
            exchange = Exchange(start_ms=start_ms, former=tape.trades(), on_trade=tape.append)
    """

    def __init__(self, path: Path, *, on_failure: Callable[[OSError], None] = lambda _: None) -> None:
        self.path = path
        self.on_failure = on_failure
        """Told why a trade could not be written, before `append` raises it."""
        self._encoder = msgspec.json.Encoder()
        self._fd = os.open(path, _FLAGS, 0o644)
        try:
            # A lock of the system's own ends with the process, however that ends.
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _BEGINNING.startswith(os.pread(self._fd, len(_BEGINNING), 0)):
                raise TapeError(f"{path} is no tape")  # noqa: TRY301  # and none of its bytes is to be cut
            os.ftruncate(self._fd, _end_of_whole_lines(self._fd))
        except BaseException:
            self.close()
            raise

    def trades(self) -> Iterator[Trade]:
        """What the file holds, oldest first; read as it is asked for."""
        decoder = msgspec.json.Decoder(Trade)
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield decoder.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as problem:
                    raise TapeError(f"line {number} of {self.path} is no trade of a tape: {problem}") from problem

    def append(self, trade: Trade) -> None:
        """Write one trade; when this returns it is the system's, and a killed process does not lose it."""
        line = self._encoder.encode(trade) + b"\n"
        try:
            written = os.write(self._fd, line)
            while written < len(line):  # a disk that fills up takes a part first and refuses the next
                written += os.write(self._fd, line[written:])
        except OSError as problem:
            self.on_failure(problem)
            raise

    def close(self) -> None:
        """Let go of the file; may be called again."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _end_of_whole_lines(fd: int) -> int:
    end = os.fstat(fd).st_size
    while end > 0:
        start = max(0, end - _BLOCK_BYTES)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
