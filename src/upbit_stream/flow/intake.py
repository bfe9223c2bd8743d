"""The receiving path of one session: payload in, typed message to every consumer, no queue between.

Nearly every message takes `Lane` and no other way (`flow/lane.py`). While more has to be known of it first (gaps that
begin or end, several connections), or where the lane cannot read it, it is looked at: `Intake._receive_attentively`.

Owns who gets what, and the counts. Knows nothing of sockets and of what consumers do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from msgspec import Raw

from upbit_stream.flow.continuity import Continuity
from upbit_stream.flow.lane import ATTENTIVE, DIRECT, RAW_FIRST, Consumer, Lane, Route, Sink, Tap
from upbit_stream.model.events import Malformed
from upbit_stream.model.messages import AnyMessage
from upbit_stream.model.raw import RawMessage
from upbit_stream.model.subscription import Endpoint, Subscription
from upbit_stream.wire.decoder import UNREADABLE, Decoder, Head, Reply, Unreadable, read_head, split

CAUGHT_UP_S = 30.0  # of reading without a pause, after which nothing that is read can be old
_KEPT_OF_MALFORMED = 4096


class Outlet(Protocol):
    """What an intake delivers into."""

    taps: tuple[Tap, ...]
    sinks: tuple[Sink | None, ...]

    def consumers(self, kind: str) -> tuple[Consumer, ...]:
        """The consumers of a type."""

    def lazy_consumers(self, kind: str) -> tuple[Tap, ...]:
        """The same where all of them take messages undecoded; else none."""

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
        continuity: Continuity | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.connection = connection
        self._decoder = decoder
        self._outlet = outlet
        self._on_reply = on_reply
        self._time_ns = time_ns
        self._continuity = continuity or Continuity(time_ns=time_ns)
        memory = self._continuity
        self._routes = {
            twin.kind: Route(
                twin.kind,
                twin.decoded,
                twin.public,
                memory.last[twin.kind],
                memory.seen if twin.kind == "trade" else None,
                twin.finish,
                memory.guard(twin.kind),
            )
            for twin in decoder.twins.values()
        }
        self.malformed = 0
        self.unknown = 0
        self.alive_ns = time_ns()  # when the exchange was last heard of; kept only where it is asked for
        self._is_simple = decoder.wire_format.startswith("SIMPLE")
        self._awaits = False
        # Where reading was held back, what is read is old: the exchange's time of the first message after it, or 0.
        self.behind_ms = 0
        self.behind_since_ns = 0
        self.heard_ns: dict[str, int] = {}
        self._is_behind = False  # and that message is still to come
        self._catching_up: asyncio.TimerHandle | None = None
        #: Takes the payload of one message; never raises.
        self.receive = Lane(
            decode=decoder.fast,
            unreadable=UNREADABLE,
            routes=tuple(self._routes.values()),
            time_ns=time_ns,
            attentively=self._receive_attentively,
            consumer_failed=outlet.consumer_failed,
            tap_failed=outlet.tap_failed,
            raw_message=RawMessage,
            raw_units=Raw,
            is_simple=self._is_simple,
        )
        self.refresh()

    @property
    def counts(self) -> dict[str, int]:
        """Messages received so far by type, the units of candles together, unknown types as ``unknown``."""
        counts = {"unknown": self.unknown}
        for kind, route in self._routes.items():
            name = kind.partition(".")[0]
            counts[name] = counts.get(name, 0) + route.count
        return counts

    @property
    def copies(self) -> dict[str, int]:
        """Of these, those that were not delivered, since they had been before."""
        copies: dict[str, int] = {}
        for kind, route in self._routes.items():
            name = kind.partition(".")[0]
            copies[name] = copies.get(name, 0) + route.copies
        return copies

    # what a session tells

    def asking(self, subscriptions: tuple[Subscription, ...], cause: str) -> None:
        """See `Receiver.asking`."""
        self._continuity.asking(self, subscriptions, cause)
        self.attend()

    def registered(self, subscriptions: tuple[Subscription, ...]) -> None:
        """See `Receiver.registered`."""
        self._continuity.registered(self, subscriptions)
        self.attend()

    def alive(self) -> None:
        """See `Receiver.alive`."""
        self.alive_ns = self._time_ns()

    def paused(self) -> None:
        """See `Receiver.paused`."""
        if self._catching_up is not None:
            self._catching_up.cancel()
        self.behind_since_ns = self.behind_since_ns or self._time_ns()

    def resumed(self) -> None:
        """See `Receiver.resumed`."""
        self._is_behind = True
        if self._catching_up is not None:
            self._catching_up.cancel()
        self._catching_up = asyncio.get_running_loop().call_later(CAUGHT_UP_S, self._caught_up)
        self.attend()

    def _caught_up(self) -> None:
        self.behind_ms = self.behind_since_ns = 0
        self._is_behind = False
        self.attend()

    # what the hub tells

    def refresh(self) -> None:
        """The consumers changed."""
        for kind, route in self._routes.items():
            route.consumers = self._outlet.consumers(kind)
            route.lazy = self._outlet.lazy_consumers(kind)
        self.receive.taps, self.receive.sinks = self._outlet.taps, self._outlet.sinks
        self.attend()

    def attend(self) -> None:
        """Find out whether each message has to be looked at."""
        self._awaits = self._continuity.awaits(self)
        if self._is_behind or self._continuity.attends(self):
            self.receive.mode = ATTENTIVE
        elif self._outlet.taps or any(route.lazy for route in self._routes.values()):
            self.receive.mode = RAW_FIRST
        else:
            self.receive.mode = DIRECT

    # receiving with attention

    def _receive_attentively(self, payload: bytes) -> None:
        """What wants to be looked at before, or cannot be read at once: replies, unknown types, garbage."""
        now = self._time_ns()
        self.alive_ns = now
        for item in (payload,) if payload.startswith(b"{") else split(payload):
            head = item if isinstance(item, Unreadable) else read_head(item, self._is_simple)
            if isinstance(item, Unreadable) or isinstance(head, Unreadable):
                self._garbage(head if isinstance(head, Unreadable) else item, now)  # type: ignore[arg-type]
            elif head.name:
                self._look_at(head, item, now)
            else:
                self._reply(item, now)

    def _look_at(self, head: Head, item: bytes, now: int) -> None:
        kind, code, continuity = head.name, head.market, self._continuity
        # A snapshot may be days old, and the copy of a connection that lags a few minutes.
        ever = self._awaits or head.is_snapshot or continuity.is_redundant
        known = kind == "trade" and continuity.was_received(code, head.trade_id, ever=ever)
        if continuity.is_redundant:
            self.heard_ns[kind] = now
        if self._is_behind and head.sent_ms:
            self.behind_ms, self._is_behind = head.sent_ms, False
            self.attend()
        if self._awaits and continuity.heard(self, head, now, known=known):
            self.attend()
        if known or (continuity.is_redundant and continuity.is_copy(head, item)):
            self._count_copy(kind)
            return
        self._hand_on(RawMessage(item, kind, code, now), head.trade_id)

    def recovered(self, payload: bytes) -> None:
        """A message that REST brought, in the form of the wire: the taps and consumers get it like any other."""
        now = self._time_ns()
        head = read_head(payload, self._is_simple)
        if isinstance(head, Unreadable):
            self._garbage(head, now)
        elif head.name == "trade" and self._continuity.was_received(head.market, head.trade_id, ever=True):
            self._count_copy(head.name)
        else:
            self._hand_on(RawMessage(payload, head.name, head.market, now), head.trade_id)

    def _hand_on(self, raw: RawMessage, trade_id: int) -> None:
        """To the taps, before it is decoded where nothing has to be known of it, and to the consumers."""
        guard = self._continuity.guard(raw.type)
        decoded = None
        if guard is not None:
            decoded = self._decoder.decode(raw.payload, raw.received_at_ns)
            if all(isinstance(message, AnyMessage) and guard(message) for message in decoded):
                self._count_copy(raw.type)
                return
        self._tap(raw)
        route = self._routes.get(raw.type)
        lazy = () if route is None else route.lazy
        if lazy or (self._outlet.taps and not self._consumers(raw.type)):
            self._count(raw.type)
            self._continuity.received(raw, trade_id)
            self._give(lazy, raw)
            return
        for item in self._decoder.decode(raw.payload, raw.received_at_ns) if decoded is None else decoded:
            if isinstance(item, AnyMessage):
                self._count(raw.type)
                self._continuity.received(raw, trade_id)
                self._deliver(item)
            elif isinstance(item, Unreadable):
                self._count_malformed(item, (raw.type, raw.code))
            else:
                self._on_reply(item)

    def _tap(self, raw: RawMessage) -> None:
        for tap in self._outlet.taps:
            try:
                tap(raw)
            except Exception as error:  # noqa: BLE001  # told to the stream, which ends with it
                self._outlet.tap_failed(error)

    def _deliver(self, message: AnyMessage) -> None:
        if not self._continuity.holds(message):
            self.deliver(message)

    def deliver(self, message: AnyMessage) -> None:
        """To every consumer of its type."""
        self._give(self._consumers(message.type), message)

    def _consumers(self, kind: str) -> tuple[Consumer, ...]:
        route = self._routes.get(kind)
        return self._outlet.consumers(kind) if route is None else route.consumers

    def _give(self, consumers: tuple[Consumer, ...], message: AnyMessage | RawMessage) -> None:
        for consumer in consumers:
            try:
                consumer(message)
            except Exception as error:  # noqa: BLE001  # whatever a user's handler raises
                self._outlet.consumer_failed(consumer, error)

    def _reply(self, item: bytes, now: int) -> None:
        for decoded in self._decoder.decode(item, now):
            if isinstance(decoded, Unreadable):
                self._garbage(decoded, now)
            elif not isinstance(decoded, AnyMessage):
                self._on_reply(decoded)

    def _garbage(self, item: Unreadable, now: int) -> None:
        self._tap(RawMessage(item.payload, "", "", now))
        self._count_malformed(item)

    def _count_malformed(self, item: Unreadable, key: tuple[str, str] | None = None) -> None:
        self.malformed += 1
        self._outlet.emit(
            Malformed(
                at_ns=self._time_ns(),
                endpoint=self.endpoint,
                payload=item.payload[:_KEPT_OF_MALFORMED],
                reason=item.reason,
            )
        )
        self._continuity.unreadable(self, key)

    def _count(self, name: str) -> None:
        route = self._routes.get(name)
        if route is None:
            self.unknown += 1
        else:
            route.count += 1

    def _count_copy(self, name: str) -> None:
        self._count(name)
        route = self._routes.get(name)
        if route is not None:
            route.copies += 1
