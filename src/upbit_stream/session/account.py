"""What changed in an account while its private streams were interrupted.

Owns what a consumer was told of each order and of each currency, and the comparison with what REST answers. Pure: rows
and times are arguments. Knows neither who asks, nor how a row becomes a message.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol, TypeVar

from upbit_stream.model.messages import Asset, MyAsset, MyOrder
from upbit_stream.model.progress import amount, is_final, rank
from upbit_stream.wire.rest import BalanceRow

# REST tells in whole seconds when an order was placed, and two clocks differ: one that was placed so much before a gap
# may have been placed in it.
OVERLAP_MS = 10_000
MOST_CLOSED = 10_000  # closed orders that are remembered
MOST_OPEN = 100_000  # a bound for an account whose orders end unseen; far above what anyone has open

_NOTHING = Decimal(0)


class OrderState(Protocol):
    """What is looked at of an order that REST tells of.

    https://global-docs.upbit.com/reference/list-open-orders
    """

    @property
    def uuid(self) -> str:
        """The order's name."""

    @property
    def state(self) -> str:
        """``wait watch done cancel``."""

    @property
    def executed_volume(self) -> Decimal | None:
        """How much of it is executed."""

    @property
    def created_ms(self) -> int:
        """When it was placed, in ms since the epoch, to the whole second."""


OrderRow = TypeVar("OrderRow", bound=OrderState)


class Orders:
    """How far each order got, as a consumer was told.

    An order goes on in one direction only: more of it is executed, or its state is a later one. So an answer that is
    older than the stream is recognised, and nothing is told twice. Closed orders are remembered, the newest
    ``most_closed`` of them; what is older is told apart by when it was placed.

    After a gap: ask for the open orders, then for the closed ones (in this order, or an order that is closed between
    the two is in neither), hand on what `changed` returns, ask for `missing` by uuid, and hand on ``changed`` of
    that. After a gap that could not be recovered, the next one may be asked with its ``since_ms``.

    >>> from types import SimpleNamespace
    >>> row = SimpleNamespace(uuid="a", state="done", executed_volume=Decimal(1), created_ms=61_000)
    >>> orders = Orders()
    >>> [[told.uuid for told in orders.changed([], [row], since_ms=60_000)] for _ in range(2)]
    [['a'], []]
    """

    def __init__(self, *, most_closed: int = MOST_CLOSED, most_open: int = MOST_OPEN) -> None:
        self._most_closed = most_closed
        self._most_open = most_open
        self._open: dict[str, tuple[Decimal, int]] = {}
        self._closed: dict[str, None] = {}
        self._complete_since_ms: int | None = None

    def seen(self, order: MyOrder) -> None:
        """A message of the stream, live or recovered."""
        self._note(order)

    def baseline(self, open_rows: Iterable[OrderState], at_ms: int) -> None:
        """All orders that were open when the stream was first confirmed, as told at ``at_ms``, the exchange's time.

        They are known from now on and not told. Only before the first gap: what was placed in one would be taken for
        known.
        """
        for row in open_rows:
            self._note(row)
        if self._complete_since_ms is None:
            self._complete_since_ms = at_ms

    def changed(self, open_rows: Iterable[OrderRow], closed_rows: Iterable[OrderRow], since_ms: int) -> list[OrderRow]:
        """The rows that tell a consumer something new, the order placed first being first; each once.

        Rows are as the exchange sorts them, newest first. ``since_ms`` is when the gap began, by the exchange's
        clock. An order that was never told of is told if it was placed since then. If it was placed earlier and is
        open, it is told where there is a `baseline` that it is younger than; otherwise it is taken for known.
        """
        newest: dict[str, OrderRow] = {}
        for row in (*open_rows, *closed_rows):
            other = newest.get(row.uuid)
            if other is None or _progress(row) > _progress(other):
                newest[row.uuid] = row
        oldest_first = list(newest.values())[::-1]
        oldest_first.sort(key=lambda row: row.created_ms)  # which keeps the order within a second
        return [row for row in oldest_first if self._is_news(row, since_ms)]

    def missing(self, open_rows: Iterable[OrderState], closed_rows: Iterable[OrderState]) -> list[str]:
        """The orders that were open and are in neither answer, to be asked for by uuid.

        Closed orders are listed by when they were placed, so one that waited for long is not among them.
        """
        told = {row.uuid for rows in (open_rows, closed_rows) for row in rows}
        return [uuid for uuid in self._open if uuid not in told]

    def forget(self, uuids: Iterable[str]) -> None:
        """Orders that the exchange does not know any more: they are no longer `missing`."""
        for uuid in uuids:
            self._open.pop(uuid, None)

    def _is_news(self, row: OrderState, since_ms: int) -> bool:
        known = self._open.get(row.uuid)
        if row.uuid in self._closed or (known is not None and _progress(row) <= known):
            return False
        if known is None and not self._is_since(row, since_ms):
            if not is_final(row.state):
                self._note(row)
            return False
        self._note(row)
        return True

    def _is_since(self, row: OrderState, since_ms: int) -> bool:
        if self._complete_since_ms is not None and not is_final(row.state):
            since_ms = min(since_ms, self._complete_since_ms)
        return row.created_ms >= since_ms - OVERLAP_MS

    def _note(self, order: MyOrder | OrderState) -> None:
        uuid = order.uuid
        if uuid in self._closed:
            return
        if is_final(order.state):
            self._open.pop(uuid, None)
            self._closed[uuid] = None
            if len(self._closed) > self._most_closed:
                del self._closed[next(iter(self._closed))]
            return
        self._open[uuid] = max(_progress(order), self._open.get(uuid, (_NOTHING, 0)))
        if len(self._open) > self._most_open:
            del self._open[next(iter(self._open))]
            # What is not known may have been told, from now on.
            self._complete_since_ms = None


class Balances:
    """What a consumer was told of each currency, and how new that is.

    Balances have no order of their own, so time decides: what the stream tells after a request was sent is newer than
    the answer. Times are ns by our own clock.

    >>> balances = Balances()
    >>> balances.baseline([BalanceRow(currency="SGD", balance=Decimal(10), locked=Decimal(0))])
    >>> [row.balance for row in balances.changed([], asked_at_ns=5)]
    [Decimal('0')]
    """

    def __init__(self) -> None:
        self._told: dict[str, tuple[Decimal, Decimal]] = {}
        self._told_ns: dict[str, int] = {}

    def seen(self, message: MyAsset) -> None:
        """A message of the stream. A recovered one is known since `changed` returned it, and may be old by now."""
        if message.stream_type == "RECOVERED":
            return
        for asset in message.assets:
            self._told[asset.currency] = _amounts(asset)
            self._told_ns[asset.currency] = message.received_at_ns

    def baseline(self, rows: Iterable[BalanceRow]) -> None:
        """All balances, as told when the stream was first confirmed. What the stream told by then stands."""
        for row in rows:
            self._told.setdefault(row.currency, _amounts(row))

    def changed(self, rows: Iterable[BalanceRow], asked_at_ns: int) -> list[BalanceRow]:
        """The rows that tell a consumer something new; each once. A currency that was never told of is new.

        The exchange lists what is owned, so a currency that held something and is not listed holds nothing now: the
        row for it is made here. ``asked_at_ns`` is just before the request was sent.
        """
        listed = {row.currency: row for row in rows}
        for currency in self._told:
            listed.setdefault(currency, BalanceRow(currency=currency, balance=_NOTHING, locked=_NOTHING))
        return [row for row in listed.values() if self._is_news(row.currency, _amounts(row), asked_at_ns)]

    def _is_news(self, currency: str, amounts: tuple[Decimal, Decimal], asked_at_ns: int) -> bool:
        if self._told_ns.get(currency, asked_at_ns) > asked_at_ns:
            return False
        self._told_ns[currency] = asked_at_ns
        if self._told.get(currency) == amounts:
            return False
        self._told[currency] = amounts
        return True


def _progress(order: MyOrder | OrderState) -> tuple[Decimal, int]:
    return amount(order.executed_volume), rank(order.state)


def _amounts(row: Asset | BalanceRow) -> tuple[Decimal, Decimal]:
    return amount(row.balance), amount(row.locked)
