"""Who is subscribed to what, over all sessions.

Owns the index from (type, code) to listeners and the delivery of a message to them. Must not know what
a message says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from .broadcast import Broadcast
from .wanted import EVERY_CODE, Feed, Format, Variant


class Listener(Protocol):
    """What the audience needs of a session."""

    @property
    def format(self) -> Format:
        """How its messages are written now."""

    @property
    def account(self) -> str | None:
        """Whose it is."""

    def send(self, payload: bytes, kind: str | None = None) -> None:
        """Put one message, of a type, into its outbox."""


class Audience:
    """The live feeds of all sessions."""

    def __init__(self) -> None:
        self._seats: dict[tuple[str, str], dict[tuple[Listener, Variant], None]] = {}
        self._feeds: dict[Listener, tuple[Feed, ...]] = {}

    def seat(self, listener: Listener, feeds: Iterable[Feed]) -> None:
        """Make ``feeds`` all that ``listener`` gets; a feed asked for twice is one feed."""
        self.leave(listener)
        kept = tuple(dict.fromkeys(feeds))
        self._feeds[listener] = kept
        for feed in kept:
            self._seats.setdefault((feed.kind, feed.code), {})[listener, feed.variant] = None

    def leave(self, listener: Listener) -> None:
        """``listener`` gets nothing any more."""
        for feed in self._feeds.pop(listener, ()):
            key = (feed.kind, feed.code)
            seats = self._seats[key]
            seats.pop((listener, feed.variant), None)
            if not seats:
                del self._seats[key]

    def wants(self, kind: str, code: str) -> bool:
        """Whether anyone would get a message of this type for this code."""
        return (kind, code) in self._seats or (kind, EVERY_CODE) in self._seats

    def variants(self, kind: str, code: str) -> set[Variant]:
        """The variants in which a type and code are wanted."""
        return {variant for _, variant in self._seats.get((kind, code), ())}

    def deliver(self, message: Broadcast) -> None:
        """Send ``message`` to everyone who wants it, in the order they subscribed."""
        seats = list(self._seats.get((message.kind, message.code), ()))
        if message.code != EVERY_CODE:
            seats += self._seats.get((message.kind, EVERY_CODE), ())
        served: set[Listener] = set()
        for listener, variant in seats:
            if message.account is not None and listener.account != message.account:
                continue
            if message.once and listener in served:
                continue
            payload = message.payload(variant, listener.format)
            if payload is not None:
                served.add(listener)
                listener.send(payload, message.kind)
