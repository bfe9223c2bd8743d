"""What happens to the connections and to the data, as typed values that travel in order with the data.

Owns the events. ``at_ns`` is the wall clock in ns since the epoch. Knows nothing of who makes them.
"""

from __future__ import annotations

from typing import ClassVar, Final, TypeAlias

from msgspec import Struct

from upbit_stream.model.subscription import Endpoint, Subscription

#: The ``lost`` of a `Gap` that a closing stream left as it was: a later run may still fill it.
CLOSED_BEFORE_RECOVERED: Final = "the stream was closed before it was recovered"


class Event(Struct, frozen=True, kw_only=True):
    """The base of every event. ``type`` is its name for `Stream.on`."""

    type: ClassVar[str] = "event"
    at_ns: int


class Connected(Event, frozen=True, kw_only=True):
    """A session began: the connection is open and nothing is subscribed on it yet.

    ``session`` counts the sessions of this connection, from 1. ``connection`` says which of the connections that
    live side by side it is, from 1: with ``Stream(connections=1)`` there is only this one.
    """

    type: ClassVar[str] = "connected"
    endpoint: Endpoint
    session: int
    connection: int = 1


class Disconnected(Event, frozen=True, kw_only=True):
    """A session ended, or an attempt to begin one failed.

    ``session`` is the one that ended, or 0 for a failed attempt. ``retry_in_s`` is the wait before the next
    attempt, or None where there is none because nothing is subscribed or the stream is closing.
    """

    type: ClassVar[str] = "disconnected"
    endpoint: Endpoint
    session: int
    reason: str
    retry_in_s: float | None
    connection: int = 1


class Resubscribed(Event, frozen=True, kw_only=True):
    """The exchange confirmed the whole set that is now subscribed on a session.

    ``cause`` is ``connected`` (a new session), ``changed`` (subscribe or unsubscribe) or ``silent`` (a type
    had stopped arriving).
    """

    type: ClassVar[str] = "resubscribed"
    endpoint: Endpoint
    session: int
    cause: str
    subscriptions: tuple[Subscription, ...]
    connection: int = 1


class Dropped(Event, frozen=True, kw_only=True):
    """A consumer was too slow: ``count`` messages were dropped from its buffer since the last such event.

    It stands where the dropped messages would have stood. ``total`` counts all drops of that consumer.
    """

    type: ClassVar[str] = "dropped"
    consumer: str
    count: int
    total: int


class Malformed(Event, frozen=True, kw_only=True):
    """Bytes that are no message of the exchange; ``payload`` holds at most their first 4096."""

    type: ClassVar[str] = "malformed"
    endpoint: Endpoint
    payload: bytes
    reason: str


class Gap(Event, frozen=True, kw_only=True):
    """Messages of one type and code may be missing: from the last message before to the first after.

    It stands before the first message after. ``lost`` is "" while the gap is being recovered: a `Recovered` with the
    same ``number`` follows, or a second ``Gap`` with that number whose ``lost`` says why not. Where nothing can be
    recovered (order books, tickers) the first says so. Times are ns since the epoch, by our own clock.
    """

    type: ClassVar[str] = "gap"
    number: int  # counts the gaps of a stream, from 1
    message_type: str
    code: str  # "" for types without one
    from_ns: int
    to_ns: int
    reason: str
    lost: str = ""


class Recovered(Event, frozen=True, kw_only=True):
    """A gap is filled: ``count`` messages that had been missing were delivered, with the stream type ``RECOVERED``.

    It stands after the last of them. ``number`` is that of the `Gap`.
    """

    type: ClassVar[str] = "recovered"
    number: int
    message_type: str
    code: str
    from_ns: int
    to_ns: int
    count: int


AnyEvent: TypeAlias = Connected | Disconnected | Resubscribed | Dropped | Malformed | Gap | Recovered
EVENT_TYPES = (Connected, Disconnected, Resubscribed, Dropped, Malformed, Gap, Recovered)
