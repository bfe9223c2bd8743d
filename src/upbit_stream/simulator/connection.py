"""One accepted socket: what the client sends goes to the session, what the session says goes to the client.

Owns the two tasks of a connection and how it ends. Must not know what is read or written. A slow reader
holds up only its own writer; the session's outbox is bounded, and over its bound the session says Close.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import WSMsgType, web

from .session import Close, Reset, Session

GOING_AWAY = Close(1001, "the exchange is shutting down")
CLOSE_GRACE_S = 2.0
"""How long a client may take to read what is left and to answer our close; then it is cut off."""


_GLANCE_S = 0.05


async def until_gone(transport: asyncio.BaseTransport) -> None:
    """Wait for the client to hang up. aiohttp tells nobody who does not read, so it takes looking."""
    while not transport.is_closing():  # noqa: ASYNC110  # there is no event to wait for
        await asyncio.sleep(_GLANCE_S)


class Connection:
    """Runs one session on one socket. ``after`` is called when the session was told something."""

    def __init__(
        self,
        session: Session,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        now_ms: Callable[[], int],
        after: Callable[[], None],
    ) -> None:
        self._session = session
        self._socket = socket
        self._transport = transport
        self._now_ms = now_ms
        self._after = after
        self._something = asyncio.Event()
        self._farewell: Close | None = None
        self._deadline: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Serve until either side closes."""
        self._session.on_output = self._woken
        self._woken()
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            self._session.on_output = None
            self._session.closed(self._now_ms())
            await self._part()
        for result in results:
            # A client that went away is nobody's fault; anything else is ours and has to be seen.
            if isinstance(result, Exception) and not isinstance(result, ConnectionError):
                raise result

    def go_away(self) -> None:
        """End the connection because the server stops."""
        if self._session.frozen:
            self._abort()
            return
        self._farewell = GOING_AWAY
        self._woken()

    def _woken(self) -> None:
        self._something.set()
        ending = self._farewell is not None or not self._session.is_open
        if ending and self._deadline is None:
            # A reader that is stuck must not keep us: the writer may be waiting for room in the pipe.
            self._deadline = asyncio.get_running_loop().call_later(CLOSE_GRACE_S, self._abort)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            match message.type:
                case WSMsgType.TEXT:
                    self._session.receive_text(message.data, self._now_ms())
                case WSMsgType.BINARY:
                    # Bytes that are no UTF-8 stay recognizable, and no JSON.
                    text = message.data.decode("utf-8", "surrogateescape")
                    self._session.receive_text(text, self._now_ms())
                case WSMsgType.PING:
                    self._session.receive_ping(self._now_ms())
                    if not self._session.frozen:
                        await self._socket.pong(message.data)
                case WSMsgType.PONG:
                    self._session.receive_ping(self._now_ms())
                case WSMsgType.CLOSE if not self._session.frozen:
                    # Not drained: the client may be gone already.
                    await self._socket.close(drain=False)
                    return
                case _:
                    if self._session.frozen and self._transport is not None:
                        # A client's goodbye is not answered: only when it hangs up, it is gone.
                        await until_gone(self._transport)
                    return
            self._after()

    async def _write(self) -> None:
        while self._farewell is None:
            await self._something.wait()
            self._something.clear()
            for item in self._session.take_output():
                if isinstance(item, Reset):
                    self._abort()
                    return
                if isinstance(item, Close):
                    self._farewell = item
                    return
                await self._socket.send_bytes(item.payload)

    async def _part(self) -> None:
        # Only now, when no other task reads: aiohttp then waits for the client's close frame in place of
        # shutting the socket with its messages unread, which would reset the connection and could cost
        # the client our last words.
        try:
            if self._farewell is not None and not self._socket.closed:
                async with asyncio.timeout(CLOSE_GRACE_S):
                    await self._socket.close(code=self._farewell.code, message=self._farewell.reason.encode())
        except (ConnectionError, TimeoutError):
            self._abort()
        finally:
            if self._deadline is not None:
                self._deadline.cancel()
