"""The exchange's own package for REST: the one module that knows it, and httpx below it.

Importing it takes about a second, so `SdkRest` does that when the first gap has to be filled, and nothing else
imports this module. The package makes the requests. Around them stand here: the token (the package never gets the
secret), the place in the budget right before a request is sent, the bound on the size of an answer. Third-party
exceptions stop here.

Owns one client. Knows nothing of rows, nor what follows from a refusal.
"""

from __future__ import annotations

import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, cast
from urllib.parse import unquote

import httpx
import upbit
from upbit import omit

from upbit_stream._version import __version__
from upbit_stream.errors import ConnectionFailed, UpbitStreamError
from upbit_stream.net.answers import Answer, Pass

MAX_BODY_BYTES = 16 * 1024 * 1024
"""A page of trades has about 130 kB."""

_MAX_CONNECTIONS = 8
_LOCAL_ADDRESS = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104  # any of ours, of one family
_SENDING = "send_request_headers.started"  # httpcore's trace: the connection stands, now the request goes out


# UnicodeError: a host that is no name.
_EXPECTED = (upbit.UpbitError, httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, UnicodeError)

_pass: ContextVar[Pass] = ContextVar("pass")


class SdkClient:
    """One client of the exchange's package.

    Every method returns what the exchange answered, whatever the status, and raises `ConnectionFailed` where it did
    not answer. ``transport`` None means sockets.
    """

    def __init__(
        self,
        base_url: str,
        *,
        transport: httpx.AsyncBaseTransport | None,
        proxy: str | None,
        ssl_context: ssl.SSLContext | None,
        family: int,
        timeout_s: float,
    ) -> None:
        if proxy is not None and proxy.lower().startswith("socks4"):
            raise ConnectionFailed("REST cannot go through a SOCKS4 proxy; use one for http or socks5")
        try:
            inner = transport or _sockets(proxy, ssl_context or _default_tls(), family)
            http = httpx.AsyncClient(
                transport=_Guarded(inner), timeout=timeout_s, follow_redirects=False, trust_env=False
            )
            headers = {"User-Agent": f"upbit-stream/{__version__}", "Accept-Encoding": "gzip"}
            self._api = upbit.AsyncUpbit(
                base_url=base_url, max_retries=0, timeout=timeout_s, http_client=http, default_headers=headers
            )
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            raise ConnectionFailed(f"no REST client can be made: {_describe(error)}") from error
        # The package has looked for keys in the environment: only those that we were given are used, and not by it.
        self._api.access_key = self._api.secret_key = None
        # Otherwise it asks a thread which Linux this is, to tell the exchange.
        self._api._platform = "Unknown"  # noqa: SLF001  # it has no option for that

    async def trades(
        self, way: Pass, market: str, *, days_ago: int, to: str | None, cursor: int | None, count: int
    ) -> Answer:
        """``/v1/trades/ticks``."""
        return await self._send(
            way,
            lambda: self._api.trades.with_raw_response.list(
                market=market,
                count=count,
                cursor=omit if cursor is None else str(cursor),
                days_ago=days_ago or omit,
                to=omit if to is None else to,
            ),
        )

    async def seconds(self, way: Pass, market: str, *, to: str | None, count: int) -> Answer:
        """``/v1/candles/seconds``."""
        return await self._send(
            way,
            lambda: self._api.candles.with_raw_response.list_seconds(
                market=market, count=count, to=omit if to is None else to
            ),
        )

    async def minutes(self, way: Pass, minutes: int, market: str, *, to: str | None, count: int) -> Answer:
        """``/v1/candles/minutes/UNIT``."""
        return await self._send(
            way,
            lambda: self._api.candles.with_raw_response.list_minutes(
                cast(Any, minutes), market=market, count=count, to=omit if to is None else to
            ),
        )

    async def open_orders(self, way: Pass, *, page: int, limit: int) -> Answer:
        """``/v1/orders/open``, the oldest first: a new order does not move the others to another page."""
        return await self._send(
            way,
            lambda: self._api.orders.with_raw_response.list_open(
                states=["wait", "watch"], page=page, limit=limit, order_by="asc"
            ),
        )

    async def closed_orders(self, way: Pass, *, start_ms: int, end_ms: int, limit: int) -> Answer:
        """``/v1/orders/closed``."""
        return await self._send(
            way,
            lambda: self._api.orders.with_raw_response.list_closed(
                states=["done", "cancel"], start_time=str(start_ms), end_time=str(end_ms), limit=limit
            ),
        )

    async def orders(self, way: Pass, uuids: Sequence[str]) -> Answer:
        """``/v1/orders/uuids``."""
        return await self._send(way, lambda: self._api.orders.with_raw_response.list_by_uuids(uuids=list(uuids)))

    async def balances(self, way: Pass) -> Answer:
        """``/v1/accounts``."""
        return await self._send(way, self._api.accounts.with_raw_response.list)

    async def close(self) -> None:
        """Close every connection."""
        await self._api.close()

    async def _send(self, way: Pass, request: Callable[[], Awaitable[upbit.AsyncAPIResponse[Any]]]) -> Answer:
        token = _pass.set(way)
        try:
            answered = (await request()).http_response
        except upbit.APIStatusError as error:
            answered = error.response
        except (upbit.UpbitError, httpx.HTTPError, httpx.InvalidURL) as error:
            failure = _failure(error)
            raise failure from (None if failure is error.__cause__ else error)
        finally:
            _pass.reset(token)
        return Answer(answered.status_code, dict(answered.headers), answered.content)


def _failure(error: Exception) -> Exception:
    """What to raise. The package calls everything a connection error that goes wrong between it and the socket, also a
    mistake in this program: that comes out as it is.
    """
    cause = error.__cause__ if isinstance(error, upbit.APIConnectionError) else error
    if isinstance(cause, UpbitStreamError):
        return cause
    if cause is None or isinstance(cause, _EXPECTED):
        return ConnectionFailed(_describe(cause or error))
    return cause if isinstance(cause, Exception) else error


def _describe(error: BaseException) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _default_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # the exchange's own minimum
    return context


def _sockets(proxy: str | None, ssl_context: ssl.SSLContext, family: int) -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(
        verify=ssl_context,
        trust_env=False,
        http2=False,
        limits=httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_CONNECTIONS),
        proxy=proxy,
        local_address=_LOCAL_ADDRESS.get(socket.AddressFamily(family)) if proxy is None else None,
    )


class _Guarded(httpx.AsyncBaseTransport):
    """Around the transport: the token, the place in the budget, the bound on the answer."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """A copy of the request carries the token, so that nothing above can log it."""
        way = _pass.get()
        headers = request.headers.copy()
        if way.authorize is not None:
            headers["Authorization"] = way.authorize(unquote(request.url.query.decode("ascii")))

        async def trace(name: str, _info: Mapping[str, Any]) -> None:
            if name.endswith(_SENDING):
                await way.admission.confirm()

        extensions = {**request.extensions, "trace": trace}
        sent = httpx.Request(request.method, request.url, headers=headers, extensions=extensions)
        response = await self._inner.handle_async_request(sent)
        try:
            body = await _bounded(response)
        finally:
            await response.aclose()
        kept = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name not in ("content-encoding", "content-length", "transfer-encoding")
        ]
        return httpx.Response(response.status_code, headers=kept, content=body, request=request)

    async def aclose(self) -> None:
        """Close what is inside."""
        await self._inner.aclose()


async def _bounded(response: httpx.Response) -> bytes:
    """The whole body, inflated, or `ConnectionFailed` where it is larger than any answer."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise ConnectionFailed(f"the answer came in the encoding {encoding!r}, which was not asked for")
    body = bytearray()
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding == "gzip" else None
    async for chunk in cast(AsyncIterator[bytes], response.stream):
        try:
            body += chunk if inflater is None else inflater.decompress(chunk, MAX_BODY_BYTES + 1 - len(body))
        except zlib.error as error:
            raise ConnectionFailed(f"the answer cannot be inflated: {error}") from error
        if len(body) > MAX_BODY_BYTES:
            raise ConnectionFailed(f"an answer of more than {MAX_BODY_BYTES} bytes")
    if inflater is not None and not inflater.eof:
        raise ConnectionFailed("the answer ended before its compressed data did")
    return bytes(body)


# The last name: with it the module is imported wholly.
READY = True
