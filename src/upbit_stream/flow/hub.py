"""The fan-out: which consumers get which type, and who holds the exchange back.

Owns handlers, subscribers, taps and counters. Knows nothing of sessions but that each brings an intake.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable
from typing import Any

from upbit_stream.errors import UsageError
from upbit_stream.flow.continuity import Continuity
from upbit_stream.flow.intake import Intake
from upbit_stream.flow.lane import Consumer, Sink, Tap
from upbit_stream.flow.ordering import Ordering
from upbit_stream.flow.subscriber import Policy, Subscriber
from upbit_stream.flow.throttle import Throttle
from upbit_stream.model.events import EVENT_TYPES, Dropped, Event, Malformed
from upbit_stream.model.messages import AnyMessage
from upbit_stream.model.raw import RawMessage
from upbit_stream.model.subscription import TYPES, Endpoint
from upbit_stream.wire.decoder import Decoder, Reply, Unreadable

log = logging.getLogger(__name__)

_TOLD_AGAIN_AFTER_S = 10.0
HELD_LONG_NS = 10 * 1_000_000_000

EVERY_MESSAGE = "message"
EVERY_EVENT = "event"
_EVENT_NAMES = frozenset(event.type for event in EVENT_TYPES)
HANDLER_NAMES = (*TYPES, "candle", EVERY_MESSAGE, *sorted(_EVENT_NAMES), EVERY_EVENT)


class Hub:
    """Delivers the messages and events of a stream.

    ``hold(True)`` asks to stop reading from the exchange, ``hold(False)`` to go on; ``fail`` ends the stream
    with an error. ``ordered``: trades wait for what is recovered before them. See `Continuity` for the others.
    """

    def __init__(
        self,
        *,
        wire_format: str,
        exact: bool,
        time_ns: Callable[[], int],
        hold: Callable[[bool], None],
        fail: Callable[[Exception], None],
        tells_apart: bool = False,
        kept_s: float = 300.0,
        is_redundant: bool = False,
        ordered: bool = False,
    ) -> None:
        self._wire_format = wire_format
        self._exact = exact
        self._time_ns = time_ns
        self._hold = hold
        self._fail = fail
        self._handlers: dict[str, tuple[Consumer, ...]] = {}
        self._subscribers: dict[Subscriber[Any], frozenset[str]] = {}
        self._holders: set[Subscriber[Any]] = set()
        self._intakes: list[Intake] = []
        self._ended_counts: dict[str, int] = {}
        self._dropped = 0  # by subscribers that are gone
        self.taps: tuple[Tap, ...] = ()
        self.sinks: tuple[Sink | None, ...] = ()
        self.handler_errors = 0
        self._failures = Throttle(interval_s=_TOLD_AGAIN_AFTER_S)
        self._told_drops: dict[Subscriber[Any], tuple[int, int]] = {}  # when, and how many there were
        self._ordering = Ordering(self._deliver, self._holding) if ordered else None
        self.continuity = Continuity(
            time_ns=time_ns,
            emit=self.emit,
            tells_apart=tells_apart,
            kept_s=kept_s,
            is_redundant=is_redundant,
            holds=self._ordering.takes if self._ordering else None,
            each_second=self._look_after_subscribers,
        )
        self._source: Intake | None = None  # of what is recovered
        self._decoder: Decoder | None = None  # of what is decoded when its turn comes
        self._flows = asyncio.Event()
        self._flows.set()

    # for sessions

    def receiver(self, endpoint: Endpoint, on_reply: Callable[[Reply], None], connection: int = 1) -> Intake:
        """The intake of a new session on one of the connections of an endpoint."""
        decoder = Decoder(self._wire_format, exact=self._exact)
        intake = Intake(endpoint, decoder, self, on_reply, self._time_ns, connection, self.continuity)
        self._intakes.append(intake)
        return intake

    def release(self, intake: Intake, reason: str) -> None:
        """A session is over; its counts stay."""
        self.continuity.ended(intake, reason)
        self._intakes.remove(intake)
        for name, count in _counts(intake).items():
            self._ended_counts[name] = self._ended_counts.get(name, 0) + count

    def counts(self) -> dict[str, int]:
        """Messages so far by type, with ``unknown``, ``malformed``, ``handler_errors`` and ``dropped``."""
        total = dict(self._ended_counts)
        for intake in self._intakes:
            for name, count in _counts(intake).items():
                total[name] = total.get(name, 0) + count
        dropped = self._dropped + sum(subscriber.dropped for subscriber in self._subscribers)
        return {**total, "handler_errors": self.handler_errors, "dropped": dropped}

    def _read(self, raw: RawMessage) -> AnyMessage | None:
        """Decode what a consumer kept as it came. None: it cannot be read, which is told."""
        if self._decoder is None:
            of_one = "SIMPLE" if self._wire_format.startswith("SIMPLE") else "DEFAULT"
            self._decoder = Decoder(of_one, exact=self._exact)
        [item] = self._decoder.decode(raw.payload, raw.received_at_ns)
        if isinstance(item, AnyMessage):
            return item
        self._ended_counts["malformed"] = self._ended_counts.get("malformed", 0) + 1
        reason = item.reason if isinstance(item, Unreadable) else "it is an answer to no question"
        endpoint = TYPES[raw.type].endpoint
        self.emit(Malformed(at_ns=self._time_ns(), endpoint=endpoint, payload=raw.payload, reason=reason))
        return None

    # for what is recovered

    def put_back(self, payload: bytes) -> None:
        """Deliver a message that REST brought, in the form of the wire."""
        self._recovered().recovered(payload)

    async def room(self) -> None:
        """Wait until no consumer holds the exchange back; and let others run."""
        await asyncio.sleep(0)
        while self._holders:
            await self._flows.wait()

    def keep_back(self, code: str) -> None:
        """Trades of a code wait, where they are to come in order."""
        if self._ordering is not None:
            self._ordering.hold(code)

    def let_go(self, code: str) -> None:
        """They wait no longer."""
        if self._ordering is not None:
            self._ordering.release(code)

    def keeps_back(self, key: tuple[str, str]) -> bool:
        """Whether live messages of a type and code wait now."""
        return self._ordering is not None and key[0] == "trade" and self._ordering.holds(key[1])

    def _recovered(self) -> Intake:
        if self._source is None:
            self._source = self.receiver("public", lambda _: None, 0)
        return self._source

    def _deliver(self, message: AnyMessage) -> None:
        self._recovered().deliver(message)

    def _holding(self, holding: bool) -> None:
        self.continuity.holding = holding
        for intake in self._intakes:
            intake.attend()

    # for consumers

    def on(self, name: str, handler: Consumer) -> None:
        """Call ``handler`` with every message or event of that name, on the receiving path."""
        if name not in HANDLER_NAMES:
            raise UsageError(f"on({name!r}): one of {', '.join(HANDLER_NAMES)}")
        if not _takes_one_argument(handler):
            raise UsageError(f"on({name!r}): {handler!r} is no function of one argument, the message or event")
        if _has_to_be_awaited(handler) or _has_to_be_awaited(type(handler).__call__):
            raise UsageError(
                f"on({name!r}): a handler is a plain function: it is called where the message is received. "
                "To await, iterate over the stream instead"
            )
        self._handlers[name] = (*self._handlers.get(name, ()), handler)
        self._refresh()

    def off(self, name: str, handler: Consumer) -> None:
        """Call ``handler`` no more."""
        self._handlers[name] = tuple(had for had in self._handlers.get(name, ()) if had != handler)
        self._refresh()

    def tap(self, tap: Tap, sink: Sink | None = None) -> None:
        """See `Stream.tap`."""
        self.taps, self.sinks = (*self.taps, tap), (*self.sinks, sink)
        self._refresh()

    def subscriber(
        self, name: str, kinds: Iterable[str], *, policy: Policy, limit: int, events: bool
    ) -> Subscriber[Any]:
        """A new consumer of these types, or of all where none is named."""
        wanted = frozenset(kinds)
        unknown = wanted - {*TYPES, "candle"}
        if unknown:
            raise UsageError(f"messages(): unknown type {sorted(unknown)[0]!r}; one of {', '.join((*TYPES, 'candle'))}")
        subscriber: Subscriber[Any] = Subscriber(
            name,
            policy=policy,
            limit=limit,
            events=events,
            time_ns=self._time_ns,
            hold=self._held,
            on_drop=self._dropping,
            next_gap=self.continuity.next_number,
            read=self._read,
        )
        self._subscribers[subscriber] = wanted
        self._refresh()
        return subscriber

    def remove(self, subscriber: Subscriber[Any]) -> None:
        """A consumer is gone."""
        if self._subscribers.pop(subscriber, None) is not None:
            self._dropped += subscriber.dropped
            self._told_drops.pop(subscriber, None)
        subscriber.discard()
        self._refresh()

    @property
    def is_held(self) -> bool:
        """Whether a consumer is full and waits."""
        return bool(self._holders)

    @property
    def has_other_consumers(self) -> bool:
        """Whether anybody takes messages besides a single subscriber."""
        return bool(self.taps) or len(self._subscribers) > 1 or self._handles_messages

    @property
    def _handles_messages(self) -> bool:
        return any(
            handlers and name not in _EVENT_NAMES and name != EVERY_EVENT for name, handlers in self._handlers.items()
        )

    def close(self, error: Exception | None) -> None:
        """No more will come."""
        self.continuity.close()
        if self._ordering is not None:
            self._ordering.close()
        for subscriber in tuple(self._subscribers):
            subscriber.close(error)

    # for intakes

    def consumers(self, kind: str) -> tuple[Consumer, ...]:
        """See `Outlet.consumers`."""
        puts = [
            subscriber.put
            for subscriber, wanted in self._subscribers.items()
            if not wanted or not wanted.isdisjoint(_names(kind))
        ]
        return (*self._handlers_of(kind), *puts)

    def _handlers_of(self, kind: str) -> list[Consumer]:
        names = dict.fromkeys((*_names(kind), EVERY_MESSAGE))
        return [handler for name in names for handler in self._handlers.get(name, ())]

    def lazy_consumers(self, kind: str) -> tuple[Tap, ...]:
        """See `Outlet.lazy_consumers`."""
        takers = [had for had, wanted in self._subscribers.items() if not wanted or not wanted.isdisjoint(_names(kind))]
        if self._ordering is not None or self._handlers_of(kind) or any(had.policy != "latest" for had in takers):
            return ()
        return tuple(had.put_latest for had in takers)

    def consumer_failed(self, consumer: Consumer, error: Exception) -> None:
        """See `Outlet.consumer_failed`: told, counted, and the stream goes on."""
        self.handler_errors += 1
        if times := self._failures.due(consumer, self._time_ns()):
            name = type(error).__name__
            log.error("the handler %r raised %s (%d ×); the stream goes on", consumer, name, times, exc_info=error)

    def tap_failed(self, error: Exception) -> None:
        """See `Outlet.tap_failed`."""
        self._fail(error)

    def emit(self, event: Event) -> None:
        """Deliver an event, in order with the data."""
        if isinstance(event, Malformed) and (times := self._failures.due(event.type, event.at_ns)):
            what = event.payload[:200]
            log.warning("%s: a malformed message (%s) (%d ×): %r", event.endpoint, event.reason, times, what)
        self._tell(event)
        for subscriber in tuple(self._subscribers):
            subscriber.put_event(event)

    def _dropping(self, subscriber: Subscriber[Any]) -> None:
        """A consumer drops. Its own events say so in order; handlers and the log are told once in a while."""
        subscriber.tell_drops(False)
        now_ns = self._time_ns()
        _, told = self._told_drops.get(subscriber, (0, 0))
        self._told_drops[subscriber] = now_ns, subscriber.dropped
        times = subscriber.dropped - told
        log.warning("%s is too slow: %d messages dropped, %d in all", subscriber.name, times, subscriber.dropped)
        self._tell(Dropped(at_ns=now_ns, consumer=subscriber.name, count=times, total=subscriber.dropped))

    def _look_after_drops(self) -> None:
        """What was dropped since it was told last is told now; or the next drop is told at once."""
        for subscriber, (told_ns, told) in tuple(self._told_drops.items()):
            if subscriber.is_drop_told and self._time_ns() - told_ns >= _TOLD_AGAIN_AFTER_S * 1e9:
                if subscriber.dropped > told:
                    self._dropping(subscriber)
                else:
                    subscriber.tell_drops(True)

    def _tell(self, event: Event) -> None:
        for handler in (*self._handlers.get(event.type, ()), *self._handlers.get(EVERY_EVENT, ())):
            try:
                handler(event)
            except Exception as error:  # noqa: BLE001  # whatever a user's handler raises
                self.consumer_failed(handler, error)

    def _held(self, subscriber: Subscriber[Any], full: bool) -> None:
        if full and subscriber not in self._subscribers:
            return  # it was removed while a message was on its way to it
        if full:
            subscriber.held_since_ns = self._time_ns()
        before = bool(self._holders)
        (self._holders.add if full else self._holders.discard)(subscriber)
        if bool(self._holders) != before:
            (self._flows.clear if self._holders else self._flows.set)()
            self._hold(bool(self._holders))

    def _look_after_subscribers(self) -> None:
        self._look_after_drops()
        self._look_after_holders()

    def _look_after_holders(self) -> None:
        """Who is full and takes nothing holds everybody up, for ever if nobody iterates over it."""
        now_ns = self._time_ns()
        for subscriber in self._holders:
            if now_ns - subscriber.held_since_ns >= HELD_LONG_NS and (self._failures.due(subscriber, now_ns)):
                log.warning(
                    "%s is full for %.0f s, and all reading waits for it: iterate over it, or Stream.remove() it",
                    subscriber.name,
                    (now_ns - subscriber.held_since_ns) / 1e9,
                )

    def _refresh(self) -> None:
        for intake in self._intakes:
            intake.refresh()


def _names(kind: str) -> tuple[str, ...]:
    """What a type goes by. One that this version does not know goes only to who takes everything."""
    return (kind, kind.partition(".")[0]) if kind in TYPES else ()


def _takes_one_argument(handler: object) -> bool:
    if not callable(handler):
        return False
    try:
        inspect.signature(handler).bind(object())
    except TypeError:
        return False
    except ValueError:
        return True  # some built-in functions tell no signature
    return True


def _has_to_be_awaited(function: object) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _counts(intake: Intake) -> dict[str, int]:
    copies = intake.copies
    delivered = {name: count - copies.get(name, 0) for name, count in intake.counts.items()}
    return {**delivered, "malformed": intake.malformed, "copies": sum(copies.values())}
