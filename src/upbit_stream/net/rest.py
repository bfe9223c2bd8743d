"""What is asked of the exchange's REST interface to fill gaps.

Owns the requests and the check that the rows are what was asked for. Knows nothing of budgets and refusals, which
`upbit_stream.net.asking` does, nor of which rows are missing. It does not try again.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from msgspec import Struct

from upbit_stream.errors import MalformedMessage, RequestFailed
from upbit_stream.model.credentials import Credentials
from upbit_stream.model.regions import Address
from upbit_stream.net.answers import Answer, Pass
from upbit_stream.net.asking import Asking, Group
from upbit_stream.net.environment import Environment
from upbit_stream.wire.rest import (
    BalanceRow,
    CandleRow,
    OrderRow,
    TradeRow,
    read_balances,
    read_candles,
    read_orders,
    read_trades,
)

if TYPE_CHECKING:
    from upbit_stream.net.sdk import SdkClient

MOST_TRADES = 500
MOST_CANDLES = 200
MOST_OPEN_ORDERS = 100
MOST_CLOSED_ORDERS = 1_000
MOST_NAMED_ORDERS = 100
_MOST_PAGES = 100
_MOST_PASSES = 3

Row = TypeVar("Row")


class Page(Struct, Generic[Row], frozen=True):
    """The rows of one answer in the exchange's order, and the exchange's time when it gave it, in ms.

    That time is never later than the true one: the exchange tells it in whole seconds.
    """

    rows: tuple[Row, ...]
    at_ms: int


class Rest(Protocol):
    """Each call waits for its place in the budget, then for the answer, and raises `RequestFailed` for anything but
    rows. None of them tries again.
    """

    @property
    def offset_ms(self) -> int:
        """The exchange's clock minus ours, by its newest answer; 0 before the first."""

    async def trades(
        self, market: str, *, days_ago: int = 0, to: str | None = None, cursor: int | None = None, count: int = 500
    ) -> Page[TradeRow]:
        """Trades of one UTC day, newest first: before ``to`` (HHmmss), before the trade with the id ``cursor``."""

    async def candles(self, unit: str, market: str, *, to_ms: int | None, count: int = 200) -> Page[CandleRow]:
        """Candles of ``unit`` (``1s``, ``1m`` …) that begin before ``to_ms``, newest first."""

    async def open_orders(self) -> Page[OrderRow]:
        """All orders in ``wait`` and ``watch``, the oldest first. One that closes meanwhile may still be among them."""

    async def closed_orders(self, *, start_ms: int, end_ms: int) -> Page[OrderRow]:
        """Orders in ``done`` and ``cancel`` that were placed in a window of at most 7 days, newest first.

        There are at most `MOST_CLOSED_ORDERS`: with so many the window held more, and has to be halved.
        """

    async def orders(self, uuids: Sequence[str]) -> Page[OrderRow]:
        """The orders of these uuids, as far as they exist, in no order."""

    async def balances(self) -> Page[BalanceRow]:
        """The balances of all currencies that the account holds."""

    async def close(self) -> None:
        """Close every connection; calls after this fail."""


class SdkRest:
    """`Rest` through the exchange's own package. Make it inside of an event loop; it connects with the first call.

    The arguments are the stream's own; ``timeout_s`` bounds each request from when its place has come.
    """

    def __init__(
        self,
        address: Address,
        credentials: Credentials | None,
        *,
        environment: Environment,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        family: int = socket.AF_UNSPEC,
        timeout_s: float = 10.0,
    ) -> None:
        self._asking = Asking(
            address,
            credentials,
            environment=environment,
            proxy=proxy,
            ssl_context=ssl_context,
            family=family,
            timeout_s=timeout_s,
        )

    @property
    def offset_ms(self) -> int:
        """See `Rest.offset_ms`."""
        return self._asking.clock.offset_ms

    async def trades(
        self,
        market: str,
        *,
        days_ago: int = 0,
        to: str | None = None,
        cursor: int | None = None,
        count: int = MOST_TRADES,
    ) -> Page[TradeRow]:
        """See `Rest.trades`."""
        what = f"/v1/trades/ticks of {market}"
        page = await self._ask(
            "trade",
            what,
            lambda client, way: client.trades(way, market, days_ago=days_ago, to=to, cursor=cursor, count=count),
            read_trades,
        )
        return _of(market, page, what)

    async def candles(self, unit: str, market: str, *, to_ms: int | None, count: int = MOST_CANDLES) -> Page[CandleRow]:
        """See `Rest.candles`."""
        to = None if to_ms is None else _iso(to_ms)
        if unit == "1s":
            what = f"/v1/candles/seconds of {market}"
            page = await self._ask(
                "candle", what, lambda client, way: client.seconds(way, market, to=to, count=count), read_candles
            )
        else:
            minutes = int(unit.removesuffix("m"))
            what = f"/v1/candles/minutes/{minutes} of {market}"
            page = await self._ask(
                "candle",
                what,
                lambda client, way: client.minutes(way, minutes, market, to=to, count=count),
                read_candles,
            )
        return _of(market, page, what)

    async def open_orders(self) -> Page[OrderRow]:
        """See `Rest.open_orders`.

        An order that closes between two pages moves the ones after it forward, over the edge of a page already read.
        So several pages are read again until nothing new is among them.
        """
        found: dict[str, OrderRow] = {}
        at_ms: int | None = None
        for _ in range(_MOST_PASSES):
            known = len(found)
            pages = 0
            for number in range(1, _MOST_PAGES + 1):
                page = await self._open_page(number)
                pages = number
                at_ms = page.at_ms if at_ms is None else at_ms
                found |= {row.uuid: row for row in page.rows}
                if len(page.rows) < MOST_OPEN_ORDERS:
                    break
            if pages == 1 or len(found) == known:
                break
        return Page(tuple(found.values()), self._asking.clock.now_ms() if at_ms is None else at_ms)

    async def _open_page(self, number: int) -> Page[OrderRow]:
        return await self._ask(
            "account",
            "/v1/orders/open",
            lambda client, way: client.open_orders(way, page=number, limit=MOST_OPEN_ORDERS),
            read_orders,
        )

    async def closed_orders(self, *, start_ms: int, end_ms: int) -> Page[OrderRow]:
        """See `Rest.closed_orders`."""
        return await self._ask(
            "account",
            "/v1/orders/closed",
            lambda client, way: client.closed_orders(way, start_ms=start_ms, end_ms=end_ms, limit=MOST_CLOSED_ORDERS),
            read_orders,
        )

    async def orders(self, uuids: Sequence[str]) -> Page[OrderRow]:
        """See `Rest.orders`."""
        pages = [
            await self._named(uuids[start : start + MOST_NAMED_ORDERS])
            for start in range(0, len(uuids), MOST_NAMED_ORDERS)
        ]
        at_ms = pages[0].at_ms if pages else self._asking.clock.now_ms()
        return Page(tuple(row for page in pages for row in page.rows), at_ms)

    async def _named(self, uuids: Sequence[str]) -> Page[OrderRow]:
        return await self._ask(
            "account", "/v1/orders/uuids", lambda client, way: client.orders(way, uuids), read_orders
        )

    async def balances(self) -> Page[BalanceRow]:
        """See `Rest.balances`."""
        return await self._ask("account", "/v1/accounts", lambda client, way: client.balances(way), read_balances)

    async def close(self) -> None:
        """See `Rest.close`."""
        await self._asking.close()

    async def _ask(
        self,
        group: Group,
        what: str,
        send: Callable[[SdkClient, Pass], Awaitable[Answer]],
        read: Callable[[bytes], list[Row]],
    ) -> Page[Row]:
        answer, at_ms = await self._asking.ask(group, what, send)
        try:
            return Page(tuple(read(answer.body)), at_ms)
        except MalformedMessage as error:
            raise RequestFailed(f"REST {what}: {error}", status=answer.status) from error


_MarketRow = TypeVar("_MarketRow", TradeRow, CandleRow)


def _of(market: str, page: Page[_MarketRow], what: str) -> Page[_MarketRow]:
    foreign = next((row.market for row in page.rows if row.market != market), None)
    if foreign is not None:
        raise RequestFailed(f"REST {what}: the answer is about {foreign}")
    return page


def _iso(at_ms: int) -> str:
    """The first whole second that is not before, as candles begin at whole seconds."""
    return f"{datetime.fromtimestamp(-(-at_ms // 1_000), UTC):%Y-%m-%dT%H:%M:%SZ}"
