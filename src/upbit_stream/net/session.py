"""One session: from an open connection to its end.

Three things go on at once: the conversation (requests and their answers), the heartbeat, and the watch for silence.
Whichever finds the session at its end raises `SessionLost`, or the error that ends the stream.

Owns the order of what is sent. Data passes by: the receiver takes it straight from the connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from upbit_stream.errors import SubscriptionRejected, UpbitStreamError
from upbit_stream.model.events import Event, Resubscribed
from upbit_stream.model.subscription import Endpoint
from upbit_stream.net.budget import Budget
from upbit_stream.net.clock import Chance, Clock
from upbit_stream.net.connection import Connection
from upbit_stream.net.options import SessionOptions
from upbit_stream.session.confirmation import missing
from upbit_stream.session.desired import Desired, SubscriptionSet
from upbit_stream.session.heartbeat import Heartbeat
from upbit_stream.session.refusal import NEXT_SECOND_S, fatal
from upbit_stream.session.silence import SilenceWatch
from upbit_stream.wire import requests
from upbit_stream.wire.decoder import ErrorReply, Reply, StatusReply, SubscriptionsReply

log = logging.getLogger(__name__)

_SILENCE_CHECK_S = 5.0


class SessionLost(UpbitStreamError):
    """The session is over and another may follow. ``pause_s``: not before so many seconds, for nobody."""

    def __init__(self, reason: str, *, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


class Receiver(Protocol):
    """Takes what a session receives."""

    @property
    def receive(self) -> Callable[[bytes], None]:
        """Takes the payload of one message; does not raise."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Messages so far, by ``ticker``, ``trade``, ``orderbook``, ``candle``, …"""


class Sink(Protocol):
    """Where sessions deliver to."""

    def receiver(self, endpoint: Endpoint, on_reply: Callable[[Reply], None]) -> Receiver:
        """A receiver for a new session; replies that concern the session come back through ``on_reply``."""

    def release(self, receiver: Any) -> None:
        """The session of this receiver is over."""

    def emit(self, event: Event) -> None:
        """An event, in order with the data."""


class Session:
    """Drives one connection. It is the connection's listener, too."""

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
    ) -> None:
        self.endpoint = endpoint
        self.number = number
        self._desired = desired
        self._budget = budget
        self._sink = sink
        self._options = options
        self._clock = clock
        self._chance = chance
        self.receiver = sink.receiver(endpoint, self._on_reply)
        self.receive = self.receiver.receive
        self._connection: Connection | None = None
        self._paused = False
        interval_s, timeout_s = options.beat_s
        self._heartbeat = Heartbeat(interval_s=interval_s, timeout_s=timeout_s, now=clock.monotonic())
        self._silence = SilenceWatch(options.silence_limits_s)
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answer: asyncio.Future[Reply] | None = None
        self._ticket = ""
        self._error: ErrorReply | None = None
        self._work = asyncio.Event()
        self._beat_now = asyncio.Event()
        self._cause = "connected"

    # what the connection tells

    def pong(self) -> None:
        """See `Listener.pong`."""
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
        elif isinstance(reply, ErrorReply):
            self._error = reply
            if not self._answered(reply):
                self.closed(f"the exchange sent an error: {reply.name}: {reply.message}")
        elif reply.ticket != self._ticket or not self._answered(reply):
            log.debug("%s: an answer to LIST_SUBSCRIPTIONS that nobody waits for", self.endpoint)

    def _answered(self, reply: Reply) -> bool:
        if self._answer is None or self._answer.done():
            return False
        self._answer.set_result(reply)
        return True

    # what the supervisor tells

    def wake(self) -> None:
        """There are changes to the wanted set."""
        self._work.set()

    def end(self, reason: str) -> None:
        """End the session; another may follow."""
        self.closed(reason)

    def pause_reading(self) -> None:
        """Hold the exchange back. A pong that is missing meanwhile says nothing."""
        self._paused = True
        if self._connection is not None:
            self._connection.pause_reading()
            self._heartbeat.suspend()

    def resume_reading(self) -> None:
        """Go on reading."""
        self._paused = False
        if self._connection is not None:
            self._connection.resume_reading()
            self._heartbeat.resume(self._clock.monotonic())
            self._beat_now.set()

    @property
    def round_trip_s(self) -> float | None:
        """The latest time from a ping to its pong, in seconds."""
        return self._heartbeat.round_trip_s

    # the session itself

    async def run(self, connection: Connection) -> None:
        """Drive the connection until it is lost. Raises `SessionLost`, or an error that ends the stream."""
        self._connection = connection
        if self._paused:
            self.pause_reading()
        tasks = [
            asyncio.create_task(work) for work in (self._converse(connection), self._beat(connection), self._watch())
        ]
        try:
            ends: list[asyncio.Future[Any]] = [*tasks, self._over]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            self._judge_error()
            raise SessionLost(self._over.result())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._desired.interrupted()
            await connection.close()

    def _judge_error(self) -> None:
        """An error came and the connection went before the conversation could look at it."""
        if self._error is None:
            return
        if self._answer is not None:
            self._refused(self._error)
        self._raise_for(self._error)

    # the conversation

    async def _converse(self, connection: Connection) -> None:
        while True:
            self._work.clear()
            if self._desired.has_changes or self._cause:
                await self._round(connection)
            else:
                await self._work.wait()

    async def _round(self, connection: Connection) -> None:
        """Ask for the whole set, and learn whether the exchange has it."""
        cause, self._cause = self._cause or "changed", ""
        target = self._desired.begin()
        if not target:
            self._desired.accepted()
            raise SessionLost("nothing is subscribed any more")
        reply = await self._ask(connection, target)
        if isinstance(reply, ErrorReply):
            self._refused(reply)
        lacking = missing(target.subscriptions, reply.result) if isinstance(reply, SubscriptionsReply) else []
        if lacking:
            self._not_registered(lacking)
            return
        self._desired.accepted()
        self._silence.subscribed(target.subscriptions, self.receiver.counts, self._clock.monotonic())
        self._sink.emit(
            Resubscribed(
                at_ns=self._clock.time_ns(),
                endpoint=self.endpoint,
                session=self.number,
                cause=cause,
                subscriptions=target.subscriptions,
            )
        )

    async def _ask(self, connection: Connection, target: SubscriptionSet) -> Reply:
        wire_format = self._options.wire_format
        self._answer = asyncio.get_running_loop().create_future()
        request = requests.subscribe(target.subscriptions, ticket=self._chance.unique(), wire_format=wire_format)
        try:
            await self._send(connection, request)
            self._ticket = self._chance.unique()
            await self._send(connection, requests.list_subscriptions(ticket=self._ticket, wire_format=wire_format))
            async with asyncio.timeout(self._options.answer_timeout_s):
                return await self._answer
        except TimeoutError:
            raise SessionLost(
                f"the exchange did not answer LIST_SUBSCRIPTIONS within {self._options.answer_timeout_s:g} s"
            ) from None
        finally:
            self._answer = None

    async def _send(self, connection: Connection, payload: bytes) -> None:
        await self._budget.acquire()
        connection.send_text(payload)

    def _refused(self, reply: ErrorReply) -> None:
        """The exchange closes the connection after an error, so this always ends the session."""
        if reply.name == "TOO_MANY_REQUEST" or fatal(reply.name, reply.message) is not None:
            self._raise_for(reply)
        if not self._desired.refused(SubscriptionRejected(reply.name, reply.message)):
            log.error("the exchange refused a set that it had taken before: %s: %s", reply.name, reply.message)
        raise SessionLost(f"the exchange refused the request: {reply.name}: {reply.message}")

    def _raise_for(self, reply: ErrorReply) -> None:
        error = fatal(reply.name, reply.message)
        if error is not None:
            raise error
        pause_s = NEXT_SECOND_S if reply.name == "TOO_MANY_REQUEST" else 0.0
        raise SessionLost(f"the exchange sent an error: {reply.name}: {reply.message}", pause_s=pause_s)

    def _not_registered(self, lacking: list[str]) -> None:
        """The exchange took the request and lists less: blame the changes, then ask for the set that worked."""
        error = SubscriptionRejected("NOT_REGISTERED", f"the exchange does not list {' '.join(lacking)}")
        if not self._desired.refused(error):
            raise SessionLost(str(error))
        self._cause = "changed"

    # heartbeat and silence

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
        if self._options.heartbeat == "text":
            await self._send(connection, requests.PING_TEXT)
        else:
            connection.ping()

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
            if self._paused:
                continue
            found = self._silence.check(self.receiver.counts, self._clock.monotonic())
            if found is None:
                continue
            kind, remedy = found
            log.warning("%s: no %s for too long although the connection lives: %s", self.endpoint, kind, remedy)
            if remedy == "reconnect":
                raise SessionLost(f"no {kind} for too long although the connection lives")
            self._cause = "silent"
            self._work.set()
