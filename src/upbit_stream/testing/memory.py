"""The stand-in exchange in memory: a `Connector` without sockets, for virtual time.

Owns the bridge between the client's small interface and the exchange's. Everything above the connection is the real
thing: supervisor, sessions, decoding, delivery.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Mapping
from urllib.parse import urlsplit

from upbit_stream.errors import ConnectionFailed
from upbit_stream.net.budget import Rate, Store
from upbit_stream.net.clock import Chance, Clock
from upbit_stream.net.connection import Admission, Listener
from upbit_stream.net.environment import Environment
from upbit_stream.net.places import MemoryStore
from upbit_stream.net.refused import refused
from upbit_stream.simulator.exchange import Exchange
from upbit_stream.simulator.session import Close, Output, Reset, Session
from upbit_stream.simulator.upgrade import Refusal, Upgrade
from upbit_stream.testing.memory_rest import MemoryTransport

BASE_URL = "http://127.0.0.1:1"  # nothing listens there, and nothing asks


class MemoryExchange:
    """Connects clients to ``exchange`` within this event loop. Make it inside of the loop.

    ``connections`` are the open ones, oldest first; each can be hurt. While ``reachable`` is False no new one
    can be made.
    """

    def __init__(self, exchange: Exchange, *, seed: int = 0, latency_s: float = 0.01) -> None:
        self.exchange = exchange
        self.connections: list[MemoryConnection] = []
        self.reachable = True
        self._loop = asyncio.get_running_loop()
        self._latency_s = latency_s
        self._start_s = self._loop.time()
        self._start_ms = exchange.agenda.now_ms
        self._timer: asyncio.TimerHandle | None = None
        self._stores: dict[str, MemoryStore] = {}
        self._random = random.Random(seed)  # noqa: S311  # chance in a test
        self._tick()

    def now_ms(self) -> int:
        """The exchange's time."""
        return self._start_ms + int((self._loop.time() - self._start_s) * 1000)

    def time_ns(self) -> int:
        """The client's wall clock, the same as the exchange's."""
        return self._start_ms * 1_000_000 + int((self._loop.time() - self._start_s) * 1e9)

    def environment(self) -> Environment:
        """What to pass to `Stream`: this exchange, this loop's clock, chance from the seed."""
        return Environment(
            connector=self,
            store=self._store,
            rest_transport=self._rest_transport,
            clock=Clock(time_ns=self.time_ns, monotonic=self._loop.time),
            chance=Chance(random=self._random, unique=lambda: f"{self._random.getrandbits(128):032x}"),
        )

    def _store(self, rates: tuple[Rate, ...], name: str) -> Store:
        return self._stores.setdefault(name, MemoryStore(rates))

    def _rest_transport(self) -> MemoryTransport:
        return MemoryTransport(self.exchange, self.now_ms, self._latency_s, lambda: self.reachable)

    def _tick(self) -> None:
        """Let the exchange live, and come back when it has something to do."""
        self.exchange.advance(self.now_ms())
        due_ms = self.exchange.next_event_at_ms()
        if due_ms is not None:
            self._timer = self._loop.call_later(max(0.001, (due_ms - self.now_ms()) / 1000), self._tick)

    async def connect(
        self, url: str, *, headers: Mapping[str, str], listener: Listener, admission: Admission
    ) -> MemoryConnection:
        """See `Connector.connect`."""
        await asyncio.sleep(self._latency_s)
        await admission.confirm()
        if not self.reachable:
            raise ConnectionFailed(f"cannot connect to {url}: refused")
        upgrade = Upgrade(urlsplit(url).path, {name.lower(): value for name, value in headers.items()}, "127.0.0.1")
        outcome = self.exchange.connect(upgrade, self.now_ms())
        if isinstance(outcome, Refusal):
            raise refused(outcome.status, outcome.headers, outcome.body)
        connection = MemoryConnection(self, outcome, listener)
        self.connections.append(connection)
        return connection


class MemoryConnection:
    """One connection; the client's half and the wire. See `Connection`."""

    def __init__(self, world: MemoryExchange, session: Session, listener: Listener) -> None:
        self.session = session
        self._world = world
        self._listener = listener
        self._receive = listener.receive
        self._loop = asyncio.get_running_loop()
        self._wire: deque[Output] = deque()
        self._reading = True
        self._open = True
        session.on_output = self._has_output

    # what the client does

    def send_text(self, payload: bytes) -> None:
        """See `Connection.send_text`."""
        if self._open and not self.session.frozen:
            self.session.receive_text(payload.decode(), self._world.now_ms())

    def ping(self) -> None:
        """See `Connection.ping`."""
        if self._open and not self.session.frozen:
            self.session.receive_ping(self._world.now_ms())
            self._loop.call_soon(self._pong)

    def pause_reading(self) -> None:
        """See `Connection.pause_reading`."""
        self._reading = False

    def resume_reading(self) -> None:
        """See `Connection.resume_reading`."""
        self._reading = True
        self._deliver()

    async def close(self, code: int = 1000) -> None:  # noqa: ARG002  # the exchange does not look at it
        """See `Connection.close`."""
        self.abort()

    def abort(self) -> None:
        """See `Connection.abort`."""
        self._gone("the connection was closed from here")

    # what can befall it

    def reset(self) -> None:
        """The connection is lost without a closing handshake."""
        self._gone("the connection was lost without a closing handshake")

    def freeze(self) -> None:
        """Half-open from now on: nothing arrives on either side, and nobody is told."""
        self.session.freeze()

    def _has_output(self) -> None:
        self._loop.call_soon(self._deliver)

    def _pong(self) -> None:
        if self._open and self._reading and not self.session.frozen:
            self._listener.pong()

    def _deliver(self) -> None:
        self._wire.extend(self.session.take_output())
        while self._open and self._reading and not self.session.frozen and self._wire:
            item = self._wire.popleft()
            if isinstance(item, Reset):
                self.reset()
            elif isinstance(item, Close):
                self._gone(f"the exchange closed the connection: {item.code} ({item.reason})")
            else:
                self._receive(item.payload)

    def _gone(self, reason: str) -> None:
        if not self._open:
            return
        self._open = False
        self._world.connections.remove(self)
        self.session.closed(self._world.now_ms())
        self._listener.closed(reason)
