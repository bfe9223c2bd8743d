"""The receiving path of one session: payload in, typed message to every consumer, no queue between.

This is the hot path. Each message crosses `Intake.receive` once: raw taps first, so that a decoder's fault loses no
data, then one call into msgspec, the stamp, the class, the consumers.

Owns the order of the stages and the counts. Knows nothing of sockets and of what consumers do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from upbit_stream.model.events import Malformed
from upbit_stream.model.messages import AnyMessage
from upbit_stream.model.raw import RawMessage
from upbit_stream.model.subscription import Endpoint, Subscription
from upbit_stream.wire.decoder import UNREADABLE, Decoded, Decoder, Reply, Unreadable, read_head, split
from upbit_stream.wire.twins import Twin, settle

Consumer = Callable[[Any], None]
Tap = Callable[[RawMessage], None]

_KEPT_OF_MALFORMED = 4096


class Route:
    """Where the messages of one type go. ``consumers`` is replaced, never changed."""

    __slots__ = ("consumers", "count", "finish", "public")

    def __init__(self, twin: Twin, consumers: tuple[Consumer, ...]) -> None:
        self.public = twin.public
        self.finish = twin.finish
        self.consumers = consumers
        self.count = 0


class Outlet(Protocol):
    """What an intake delivers into."""

    taps: tuple[Tap, ...]
    decodes: bool

    def consumers(self, kind: str) -> tuple[Consumer, ...]:
        """The consumers of a type."""

    def consumer_failed(self, consumer: Consumer, error: Exception) -> None:
        """A consumer raised."""

    def tap_failed(self, error: Exception) -> None:
        """A tap raised: its data is not safe, so the stream ends."""

    def emit(self, event: Malformed) -> None:
        """An event, in order with the data."""


class Intake:
    """See the module. ``on_reply`` gets what concerns the session: errors, the list of subscriptions, ``UP``."""

    def __init__(
        self,
        endpoint: Endpoint,
        decoder: Decoder,
        outlet: Outlet,
        on_reply: Callable[[Reply], None],
        time_ns: Callable[[], int],
        connection: int = 1,
    ) -> None:
        self._endpoint = endpoint
        self.connection = connection
        self._decoder = decoder
        self._decode = decoder.fast
        self._outlet = outlet
        self._on_reply = on_reply
        self._time_ns = time_ns
        self._kinds = {twin.kind: twin.decoded for twin in decoder.twins.values()}
        self._routes = {twin.decoded: Route(twin, outlet.consumers(twin.kind)) for twin in decoder.twins.values()}
        self.malformed = 0
        self.unknown = 0
        # Takes the payload of one message; never raises.
        self.receive: Callable[[bytes], None] = self._receive_list if decoder.is_list else self._receive_object

    @property
    def counts(self) -> dict[str, int]:
        """Messages so far by type, the units of candles together, unknown types as ``unknown``."""
        counts = {"unknown": self.unknown}
        for kind, twin in self._kinds.items():
            name = kind.partition(".")[0]
            counts[name] = counts.get(name, 0) + self._routes[twin].count
        return counts

    def asking(self, subscriptions: tuple[Subscription, ...], cause: str) -> None:
        """See `Receiver.asking`."""

    def registered(self, subscriptions: tuple[Subscription, ...]) -> None:
        """See `Receiver.registered`."""

    def refresh(self) -> None:
        """The consumers changed."""
        for kind, twin in self._kinds.items():
            self._routes[twin].consumers = self._outlet.consumers(kind)

    def _receive_object(self, payload: bytes) -> None:
        """`receive` in the formats without lists: nearly every message takes this way and no other."""
        if self._outlet.taps and not self._tap(payload, self._outlet.taps):
            return
        try:
            message = self._decode(payload)
        except UNREADABLE:
            self._receive_other(payload)
            return
        route = self._routes[message.__class__]
        route.count += 1
        if route.finish is not None:
            route.finish(message)
        message.received_at_ns = self._time_ns()
        message.__class__ = route.public
        for consumer in route.consumers:
            try:
                consumer(message)
            except Exception as error:  # noqa: BLE001  # whatever a user's handler raises
                self._outlet.consumer_failed(consumer, error)

    def _receive_list(self, payload: bytes) -> None:
        """`receive` in the list formats."""
        if self._outlet.taps and not self._tap(payload, self._outlet.taps):
            return
        try:
            messages = self._decode(payload)
        except UNREADABLE:
            self._receive_other(payload)
            return
        now = self._time_ns()
        for message in messages:
            self._deliver(settle(self._decoder.twins[message.__class__], message, now))

    def _receive_other(self, payload: bytes) -> None:
        """Replies, unknown types, another format than the connection's, garbage."""
        for item in self._decoder.decode(payload, self._time_ns()):
            self._dispatch(item)

    def _dispatch(self, item: Decoded) -> None:
        if isinstance(item, Unreadable):
            self._count_malformed(item)
        elif isinstance(item, AnyMessage):
            self._deliver(item)
        else:
            self._on_reply(item)

    def _deliver(self, message: AnyMessage) -> None:
        self._count(message.type)
        twin = self._kinds.get(message.type)
        for consumer in self._outlet.consumers(message.type) if twin is None else self._routes[twin].consumers:
            try:
                consumer(message)
            except Exception as error:  # noqa: BLE001  # whatever a user's handler raises
                self._outlet.consumer_failed(consumer, error)

    def _count_malformed(self, item: Unreadable) -> None:
        self.malformed += 1
        self._outlet.emit(
            Malformed(
                at_ns=self._time_ns(),
                endpoint=self._endpoint,
                payload=item.payload[:_KEPT_OF_MALFORMED],
                reason=item.reason,
            )
        )

    # raw taps

    def _tap(self, payload: bytes, taps: Iterable[Tap]) -> bool:
        """Hand the objects of a message to the taps. Whether the message has to be decoded as well."""
        now = self._time_ns()
        items = split(payload)
        raws = [raw for item in items if (raw := _raw(item, now)) is not None]
        for raw in raws:
            for tap in taps:
                try:
                    tap(raw)
                except Exception as error:  # noqa: BLE001  # told to the stream, which ends with it
                    self._outlet.tap_failed(error)
        # A reply makes no raw message; decoding hands it on, and says what is wrong with what cannot be read.
        if self._outlet.decodes or not raws or len(raws) < len(items) or not all(raw.type for raw in raws):
            return True
        for raw in raws:
            self._count(raw.type)
        return False

    def _count(self, name: str) -> None:
        twin = self._kinds.get(name)
        if twin is None:
            self.unknown += 1
        else:
            self._routes[twin].count += 1


def _raw(item: bytes | Unreadable, received_at_ns: int) -> RawMessage | None:
    """The raw message of one object, or None for a reply."""
    if isinstance(item, Unreadable):
        return RawMessage(item.payload, "", "", received_at_ns)
    head = read_head(item)
    if isinstance(head, Unreadable):
        return RawMessage(item, "", "", received_at_ns)
    return RawMessage(item, head.name, head.market, received_at_ns) if head.name or not head.is_reply else None
