"""What a recorder needs of a stream.

Owns this interface, since a room of files may not know the stream itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from upbit_stream.model.marks import Mark
from upbit_stream.model.raw import RawMessage

Put = Callable[[bytes, int], None]


class Recordable(Protocol):
    """What a recorder needs of a stream."""

    def resume(self, marks: Iterable[Mark]) -> None:
        """Fill in what came since these marks."""

    def tap(self, tap: Callable[[RawMessage], None], sink: Callable[[RawMessage], Put] | None = None) -> None:
        """Call ``tap``, or what ``sink`` named for the type and code, with every message. An error ends the stream."""

    def on(self, name: str, handler: Callable[[Any], None]) -> None:
        """Call ``handler`` with every event of that name."""
