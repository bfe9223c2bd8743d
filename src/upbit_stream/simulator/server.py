"""The stand-in exchange on a socket.

Owns the clock, the listening socket and one task for each connection. Must not know the protocol: what a
client sends goes to the core's session, what the core has for it goes out as binary messages.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterable
from email.utils import formatdate
from types import TracebackType
from typing import Self

from aiohttp import web

from .connection import CLOSE_GRACE_S, Connection, until_gone
from .exchange import Exchange
from .faults import Fault
from .rest import RestRequest
from .session import Session
from .upgrade import Refusal, Upgrade


class Server:
    """Serves one exchange: ``async with Server(exchange) as server: ... server.base_url``."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.exchange = exchange
        self._host = host
        self._wanted_port = port
        self._ssl_context = ssl_context
        self._runner: web.AppRunner | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_ms: int | None = None
        self._connections: set[Connection] = set()
        self._unanswered: set[asyncio.Transport] = set()
        # The exchange's time starts where it was made, and moves with the monotonic clock: a wall clock
        # that is set back does not stop the market.
        self._ahead_ms = exchange.agenda.now_ms - time.monotonic_ns() // 1_000_000
        self.port = 0

    @property
    def base_url(self) -> str:
        """Where REST lives; the streams are under the same host and port."""
        scheme = "http" if self._ssl_context is None else "https"
        return f"{scheme}://{self._authority}"

    @property
    def stream_url(self) -> str:
        """The public WebSocket endpoint; ``/private`` and ``/info`` follow it."""
        scheme = "ws" if self._ssl_context is None else "wss"
        return f"{scheme}://{self._authority}/websocket/v1"

    @property
    def _authority(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self.port}"

    def now_ms(self) -> int:
        """The exchange's time."""
        return self._ahead_ms + time.monotonic_ns() // 1_000_000

    async def start(self) -> None:
        """Listen; OSError if the port is taken."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._request)
        runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=CLOSE_GRACE_S)
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._wanted_port, ssl_context=self._ssl_context)
        try:
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = _port_of(runner.addresses)
        self._tick()

    async def close(self) -> None:
        """Close every connection (code 1001) and stop listening."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        runner, self._runner = self._runner, None
        if runner is not None:
            for connection in list(self._connections):
                connection.go_away()
            for transport in self._unanswered:
                transport.abort()
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # Time

    def _tick(self) -> None:
        self._timer = self._timer_at_ms = None
        self.exchange.advance(self.now_ms())
        self._arm()

    def _arm(self) -> None:
        """Keep exactly one timer, at the moment the exchange is next due."""
        next_ms = self.exchange.next_event_at_ms()
        if self._runner is None or next_ms is None or next_ms == self._timer_at_ms:
            return
        if self._timer is not None:
            self._timer.cancel()
        wait_s = max(0, next_ms - self.now_ms()) / 1_000
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)
        self._timer_at_ms = next_ms

    def inject(self, fault: Fault) -> None:
        """Have a fault happen when its time has come, as ``Exchange.inject``, and be awake then."""
        self.exchange.inject(fault)
        self._arm()

    # Requests

    async def _request(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").strip().lower() != "websocket":
            return await self._rest(request)
        upgrade = Upgrade(request.path_qs, _headers(request), request.remote or "unknown")
        outcome = self.exchange.connect(upgrade, self.now_ms())
        self._arm()
        if isinstance(outcome, Refusal):
            return web.Response(status=outcome.status, headers=outcome.headers, body=outcome.body)
        return await self._serve(request, outcome)

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        # The target as it was sent: what is decoded could not be told from what was not encoded.
        path, _, query = request.raw_path.partition("?")
        asked = RestRequest(request.method, path, query, _headers(request), request.remote or "unknown")
        now_ms = self.now_ms()
        answer = self.exchange.rest(asked, now_ms)
        self._arm()
        if answer is None:
            await self._stay_silent(request)
            return web.Response(status=504)
        # The exchange's own clock, which clients set theirs by: not this machine's.
        headers = {**answer.headers, "Date": formatdate(now_ms // 1_000, usegmt=True)}
        return web.Response(status=answer.status, headers=headers, body=answer.body)

    async def _stay_silent(self, request: web.Request) -> None:
        """Wait until the client has given up, or the server stops."""
        transport = request.transport
        if transport is None:
            return
        self._unanswered.add(transport)
        try:
            await until_gone(transport)
        finally:
            self._unanswered.discard(transport)

    async def _serve(self, request: web.Request, session: Session) -> web.StreamResponse:
        # Pings and closes are answered by the connection, so that the core sees them and may be deaf to them;
        # compression is used if the client offers it.
        socket = web.WebSocketResponse(autoping=False, autoclose=False, compress=True, timeout=CLOSE_GRACE_S)
        try:
            await socket.prepare(request)
        except BaseException:
            session.closed(self.now_ms())
            raise
        connection = Connection(session, socket, request.transport, self.now_ms, self._arm)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
        return socket


def _headers(request: web.Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _port_of(addresses: Iterable[tuple[str, int] | str]) -> int:
    for address in addresses:
        if not isinstance(address, str):
            return int(address[1])
    raise RuntimeError("the server listens on no TCP port")
