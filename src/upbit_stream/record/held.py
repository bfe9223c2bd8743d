r"""The rows of one recorded stream that are not in its file yet.

`PythonRows` says what happens; where the package was built with its C part, ``src/native/rows.c`` does the same.

Owns the bytes. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from upbit_stream.native import native


class PythonRows:
    r"""Rows in the order they came.

    ``form`` makes a row of a payload and its time in ns. At ``limit`` bytes ``full`` is called before one more is
    taken: it writes them, or raises. ``is_plain`` says that ``form`` is `message_line`, which C need not ask for most.

    >>> from upbit_stream.record.line import message_line
    >>> rows = PythonRows(message_line, 65_536, lambda: None)
    >>> rows.put(b'{"type":"trade"}', 1)
    >>> bytes(rows)
    b'{"type":"trade","received_at_ns":1}\n'
    """

    def __init__(
        self,
        form: Callable[[bytes, int], bytes],
        limit: int,
        full: Callable[[], None],
        is_plain: bool = True,  # noqa: ARG002  # what takes a short cut needs it
    ) -> None:
        self._form = form
        self._full = full
        self._rows: list[bytes] = []
        self.limit = limit
        self.size = 0  # bytes
        self.newest_ns = 0  # the time of the last one

    def __len__(self) -> int:
        return len(self._rows)

    def __bytes__(self) -> bytes:
        return b"".join(self._rows)

    def lent(self) -> memoryview:
        """All of them, to be read and released before anything else is done with them."""
        return memoryview(bytes(self))

    def put(self, payload: bytes, received_at_ns: int) -> None:
        """Keep the row of a message."""
        if self.size >= self.limit:
            self._full()
        row = self._form(payload, received_at_ns)
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
