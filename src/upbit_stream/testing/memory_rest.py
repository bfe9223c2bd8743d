"""REST of the stand-in exchange in memory: a transport for httpx that takes virtual time.

Owns the bridge from an HTTP request to the exchange's and back. Everything above the socket is the real thing: the
exchange's own package, httpx, budgets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email.utils import formatdate

import httpx

from upbit_stream.simulator.exchange import Exchange
from upbit_stream.simulator.rest import RestRequest


class MemoryTransport(httpx.AsyncBaseTransport):
    """Carries requests to ``exchange``, half of ``latency_s`` each way. ``now_ms`` is the exchange's time.

    While ``is_reachable`` says no, none arrives.
    """

    def __init__(
        self, exchange: Exchange, now_ms: Callable[[], int], latency_s: float, is_reachable: Callable[[], bool]
    ) -> None:
        self._exchange = exchange
        self._now_ms = now_ms
        self._latency_s = latency_s
        self._is_reachable = is_reachable

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request, as `httpx.AsyncBaseTransport` wants it. One that the exchange ignores never ends."""
        trace = request.extensions.get("trace")
        if trace is not None:
            await trace("memory.send_request_headers.started", {})  # where httpcore says it: the connection stands
        await asyncio.sleep(self._latency_s / 2)
        if not self._is_reachable():
            raise httpx.ConnectError("refused", request=request)
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._exchange.rest(RestRequest(request.method, path, query, headers), self._now_ms())
        if answer is None:
            await asyncio.get_running_loop().create_future()
            raise httpx.ReadError("no answer", request=request)  # not reached: nobody completes that future
        # As the exchange's own clock shows it, whose seconds are whole.
        headers = {**answer.headers, "Date": formatdate(self._now_ms() // 1_000, usegmt=True)}
        await asyncio.sleep(self._latency_s / 2)
        return httpx.Response(answer.status, headers=headers, content=answer.body, request=request)
