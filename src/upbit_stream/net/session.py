"""One session: from an open connection to its end.

Three things go on at once: the conversation, the heartbeat, and the watch for silence. Whichever finds the session at
its end raises `SessionLost`, or the error that ends the stream.

Owns these three. Data passes by: the receiver takes it straight from the connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from upbit_stream.model.events import Event, Resubscribed
from upbit_stream.model.subscription import Endpoint, Subscription
from upbit_stream.net.budget import Budget
from upbit_stream.net.clock import Chance, Clock
from upbit_stream.net.connection import Connection
from upbit_stream.net.conversation import Conversation, SessionLost
from upbit_stream.net.options import SessionOptions
from upbit_stream.session.desired import Desired
from upbit_stream.session.heartbeat import Heartbeat
from upbit_stream.session.lane import Lane
from upbit_stream.session.silence import ALTHOUGH_ALIVE, SilenceWatch
from upbit_stream.wire.decoder import Reply, StatusReply
from upbit_stream.wire.requests import PING_TEXT

log = logging.getLogger(__name__)

_SILENCE_CHECK_S = 5.0


class Receiver(Protocol):
    """Takes what a session receives."""

    @property
    def receive(self) -> Callable[[bytes], None]:
        """Takes the payload of one message; does not raise."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Messages so far, by ``ticker``, ``trade``, ``orderbook``, ``candle``, …"""

    def alive(self) -> None:
        """The exchange was heard of, though not with a message."""

    def paused(self) -> None:
        """Nothing is read from now on: what comes then may be old."""

    def resumed(self) -> None:
        """Reading goes on."""

    def asking(self, subscriptions: tuple[Subscription, ...], cause: str) -> None:
        """The whole set is about to be asked for; what was subscribed before ends with that."""

    def registered(self, subscriptions: tuple[Subscription, ...]) -> None:
        """The exchange has confirmed the set."""


class Sink(Protocol):
    """Where sessions deliver to."""

    def receiver(self, endpoint: Endpoint, on_reply: Callable[[Reply], None], connection: int) -> Receiver:
        """A receiver for a new session; replies that concern the session come back through ``on_reply``.

        ``connection`` counts the connections of one endpoint that live side by side, from 1.
        """

    def release(self, receiver: Any, reason: str) -> None:
        """The session of this receiver is over; ``reason`` says why."""

    def emit(self, event: Event) -> None:
        """An event, in order with the data."""


class Session:
    """Drives one connection. It is the connection's listener, too.

    ``registered`` is called whenever the exchange has confirmed the whole set.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        number: int,
        desired: Desired,
        *,
        budget: Budget,
        sink: Sink,
        options: SessionOptions,
        clock: Clock,
        chance: Chance,
        silence: SilenceWatch,
        lane: Lane,
        registered: Callable[[], None],
    ) -> None:
        self.endpoint = endpoint
        self.number = number
        self.is_registered = False
        self._lane = lane
        self._name = lane.named(endpoint)
        self._registered = registered
        self.receiver = sink.receiver(endpoint, self._on_reply, lane.number)
        self.receive = self.receiver.receive
        self._desired = desired
        self._sink = sink
        self._options = options
        self._clock = clock
        self._conversation = Conversation(desired, budget, options, clock, chance, self.receiver.asking)
        interval_s, timeout_s = options.beat_s
        now = clock.monotonic()
        self._heartbeat = Heartbeat(
            interval_s=interval_s, timeout_s=timeout_s, now=now, first_s=lane.first_ping_s(interval_s, now)
        )
        self._silence = silence
        silence.connected()
        self._connection: Connection | None = None
        self._paused = False
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._beat_now = asyncio.Event()

    # what the connection tells

    def pong(self) -> None:
        """See `Listener.pong`."""
        self.receiver.alive()
        self._heartbeat.pong(self._clock.monotonic())
        self._beat_now.set()

    def closed(self, reason: str) -> None:
        """See `Listener.closed`."""
        if not self._over.done():
            self._over.set_result(reason)

    def _on_reply(self, reply: Reply) -> None:
        if isinstance(reply, StatusReply):
            if self._options.heartbeat == "text":
                self.pong()
        elif not self._conversation.replied(reply):
            self.closed("the exchange sent an error")

    # what the supervisor tells

    def wake(self) -> None:
        """There are changes to the wanted set."""
        self._conversation.wake()

    def end(self, reason: str) -> None:
        """End the session; another may follow."""
        self.closed(reason)

    def pause_reading(self) -> None:
        """Hold the exchange back. A pong or an answer that is missing meanwhile says nothing."""
        self._paused = True
        if self._connection is not None:
            self._connection.pause_reading()
            self.receiver.paused()
            self._heartbeat.suspend()
            self._conversation.reading(False)

    def resume_reading(self) -> None:
        """Go on reading."""
        self._paused = False
        if self._connection is not None:
            self._heartbeat.resume(self._clock.monotonic())
            self._conversation.reading(True)
            self.receiver.resumed()
            self._connection.resume_reading()
            self._beat_now.set()

    # the session itself

    async def run(self, connection: Connection) -> None:
        """Drive the connection until it is lost. Raises `SessionLost`, or an error that ends the stream."""
        self._connection = connection
        if self._paused:
            self.pause_reading()
        work = (self._converse(connection), self._beat(connection), self._watch())
        tasks = [asyncio.create_task(part) for part in work]
        try:
            ends: list[asyncio.Future[Any]] = [*tasks, self._over]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            self._conversation.judge_error()
            raise SessionLost(self._over.result())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._desired.interrupted()
            await connection.close()

    async def _converse(self, connection: Connection) -> None:
        while True:
            cause, registered = await self._conversation.next_round(connection)
            self.receiver.registered(registered.subscriptions)
            self._silence.subscribed(registered.subscriptions, self.receiver.counts, self._clock.monotonic())
            self._sink.emit(
                Resubscribed(
                    at_ns=self._clock.time_ns(),
                    endpoint=self.endpoint,
                    session=self.number,
                    connection=self._lane.number,
                    cause=cause,
                    subscriptions=registered.subscriptions,
                )
            )
            self.is_registered = True
            self._registered()

    async def _beat(self, connection: Connection) -> None:
        while True:
            beat = self._heartbeat.due(self._clock.monotonic())
            if beat == "dead":
                connection.abort()
                raise SessionLost(f"no pong within {self._options.beat_s[1]:g} s: the connection is dead")
            if beat == "ping":
                await self._ping(connection)
            await self._sleep_until_beat()

    async def _ping(self, connection: Connection) -> None:
        if self._options.heartbeat == "frame":
            connection.ping()
            return
        try:
            async with asyncio.timeout(self._options.pong_timeout_s):
                await self._conversation.send(connection, PING_TEXT)
        except TimeoutError:
            log.debug("%s: no place for a PING; with so many messages the connection is not idle", self._name)

    async def _sleep_until_beat(self) -> None:
        self._beat_now.clear()
        try:
            async with asyncio.timeout(max(0.0, self._heartbeat.next_at - self._clock.monotonic())):
                await self._beat_now.wait()
        except TimeoutError:
            pass

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_SILENCE_CHECK_S)
            found = None if self._paused else self._silence.check(self.receiver.counts, self._clock.monotonic())
            if found is None:
                continue
            kind, remedy = found
            log.warning("%s: no %s for too long although the connection lives: %s", self._name, kind, remedy)
            if remedy == "reconnect":
                raise SessionLost(f"no {kind} {ALTHOUGH_ALIVE}")
            self._conversation.wake("silent")
