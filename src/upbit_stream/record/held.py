r"""The rows of one recorded stream that are not in its file yet.

`PythonRows` says what happens; where the package was built with its C part, ``src/native/rows.c`` does the same.

Owns the bytes. Knows nothing of files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from upbit_stream.native import native
from upbit_stream.record.line import message_line


class PythonRows:
    r"""Rows in the order they came.

    >>> rows = PythonRows()
    >>> rows.add(b'{"type":"trade"}', 1), bytes(rows)
    (True, b'{"type":"trade","received_at_ns":1}\n')
    """

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self.size = 0  # bytes
        self.newest_ns = 0  # the time of the last one

    def __len__(self) -> int:
        return len(self._rows)

    def __bytes__(self) -> bytes:
        return b"".join(self._rows)

    def add(self, payload: bytes, received_at_ns: int) -> bool:
        """Make the row of a message and keep it. False: it takes more than one more key; see `append`."""
        self.append(message_line(payload, received_at_ns), received_at_ns)
        return True

    def append(self, row: bytes, received_at_ns: int) -> None:
        """Keep a row that is made."""
        self._rows.append(row)
        self.size += len(row)
        self.newest_ns = received_at_ns

    def clear(self) -> None:
        """Forget all."""
        self._rows.clear()
        self.size = 0


if TYPE_CHECKING:
    Rows = PythonRows
else:
    Rows = PythonRows if native is None else native.Rows
