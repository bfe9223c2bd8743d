"""The small interface between a session and whatever carries its messages.

Owns the three protocols. `picows_connector` implements them with a socket; a laboratory does in memory, so that
everything above can be run in virtual time. Knows neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol


class Listener(Protocol):
    """What a connection tells its session. All calls come from the event loop's thread."""

    @property
    def receive(self) -> Callable[[bytes], None]:
        """Called with the payload of each whole message; it must not raise. Read once, when the connection opens."""

    def pong(self) -> None:
        """A pong frame arrived."""

    def closed(self, reason: str) -> None:
        """The connection is gone, whoever ended it. Called once; nothing is called after it."""


class Connection(Protocol):
    """One open connection. Sending on one that is gone does nothing: `Listener.closed` has told."""

    def send_text(self, payload: bytes) -> None:
        """Send one text message."""

    def ping(self) -> None:
        """Send a ping frame (RFC 6455 section 5.5.2)."""

    def pause_reading(self) -> None:
        """Read no more from the socket, so that the sender is held back."""

    def resume_reading(self) -> None:
        """Read again."""

    async def close(self, code: int = 1000) -> None:
        """Do the closing handshake, bounded in time; afterwards the connection is gone, whatever the peer did."""

    def abort(self) -> None:
        """Drop the connection at once."""


class Admission(Protocol):
    """The permission to make one connection, out of the budget of connections."""

    async def enter(self) -> None:
        """Wait for a place."""

    async def confirm(self) -> None:
        """Called just before the upgrade request: waits again if the place has grown old meanwhile."""


class Connector(Protocol):
    """Makes connections."""

    async def connect(
        self, url: str, *, headers: Mapping[str, str], listener: Listener, admission: Admission
    ) -> Connection:
        """Open a connection.

        Raises `HandshakeRefused` where the exchange answered with another status than 101, and
        `ConnectionFailed` for every other failure.
        """
