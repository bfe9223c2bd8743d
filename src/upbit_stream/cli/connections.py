"""How many connections are open, as the stream's events tell, and when one is there again.

Owns that count, and the log lines that end an outage. Knows nothing of how either is shown.
"""

from __future__ import annotations

import logging
from typing import TypeAlias

from upbit_stream.cli.hints import hint
from upbit_stream.cli.text import age
from upbit_stream.model.events import Connected, Disconnected

_log = logging.getLogger(__name__)


_Place: TypeAlias = tuple[str, int]


class Connections:
    """Counts connections, several of one endpoint too: how many are ``open``, how many were made, and why the last
    one failed.

    The stream's own log warns of every loss and every failed attempt; what ends an outage is a warning, too, so
    that whoever reads warnings alone sees both ends of it.
    """

    def __init__(self) -> None:
        self._open: set[_Place] = set()
        self._down_since_ns: dict[_Place, int] = {}
        self._hinted = False
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
        self._open.add(_place(event))
        self.made += 1
        since_ns = self._down_since_ns.pop(_place(event), None)
        if since_ns is not None:
            again = " again" if event.session > 1 else ""
            _log.warning("%s: connected%s after %s", _named(event), again, age(event.at_ns, since_ns))

    def on_disconnected(self, event: Disconnected) -> None:
        """Take note of the end of one, or of an attempt that failed."""
        self._open.discard(_place(event))
        if event.session:
            self.lost += 1
        else:
            self.failed += 1
        self.last_reason = event.reason
        if event.retry_in_s is not None:
            self._down_since_ns.setdefault(_place(event), event.at_ns)
        said = hint(event.reason)
        if said and not self._hinted:  # the attempts go on for ever: the error line may never come
            self._hinted = True
            _log.warning("%s: %s", event.endpoint, said)


def _place(event: Connected | Disconnected) -> _Place:
    return event.endpoint, event.connection


def _named(event: Connected | Disconnected) -> str:
    return event.endpoint if event.connection == 1 else f"{event.endpoint} ({event.connection})"
