"""The files that are open at one time, within bounds.

Owns when a file is opened and closed: a thousand markets of four types would not fit the usual 1,024
descriptors. Knows nothing of messages.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from upbit_stream.record.file import AppendFile


class FilePool:
    """At most ``max_open`` files; one more closes the one that was used the longest ago.

    pool = FilePool(256)
    pool.open(path).append(lines)
    """

    def __init__(self, max_open: int) -> None:
        self._max_open = max_open
        self._files: OrderedDict[Path, AppendFile] = OrderedDict()
        #: Bytes of torn lines that were cut in all files opened so far.
        self.cut_bytes = 0

    def open(self, path: Path) -> AppendFile:
        """The file at ``path``, opened if it is not. Raises RecordingError."""
        file = self._files.get(path)
        if file is not None:
            self._files.move_to_end(path)
            return file
        while len(self._files) >= self._max_open:
            self._files.popitem(last=False)[1].close()
        file = AppendFile(path)
        self.cut_bytes += file.cut_bytes
        self._files[path] = file
        return file

    def is_open(self, path: Path) -> bool:
        """Whether writing to ``path`` now needs no opening."""
        return path in self._files

    def close(self) -> None:
        """Close all."""
        while self._files:
            self._files.popitem()[1].close()
