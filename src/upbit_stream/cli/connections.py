"""How many connections are open, as the stream's events tell.

Owns that count. Knows nothing of how it is shown.
"""

from __future__ import annotations

from upbit_stream.model.events import Connected, Disconnected


class Connections:
    """Counts connections: how many are ``open``, how many were made, and why the last one failed."""

    def __init__(self) -> None:
        self._open: set[str] = set()
        #: Connections that were opened, all told.
        self.made = 0
        #: Of these, those that ended.
        self.lost = 0
        #: Attempts that came to nothing.
        self.failed = 0
        #: Why the last one failed, or "".
        self.last_reason = ""

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._open)

    def on_connected(self, event: Connected) -> None:
        """Take note of a connection."""
        self._open.add(event.endpoint)
        self.made += 1

    def on_disconnected(self, event: Disconnected) -> None:
        """Take note of the end of one, or of an attempt that failed."""
        self._open.discard(event.endpoint)
        if event.session:
            self.lost += 1
        else:
            self.failed += 1
        self.last_reason = event.reason
