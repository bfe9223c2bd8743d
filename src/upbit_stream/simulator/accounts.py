"""One account: its balances and its orders, and what the private streams tell of them.

Owns the arithmetic of locking, filling, fees and cancelling, in exact integers. Orders do not reach the
public book: the two sides of the stand-in exchange run beside each other. Must not know who listens;
messages leave through one callable.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from .book import Side
from .dates import DAY_MS
from .messages import REALTIME, Message
from .plain import fixed
from .seeds import next_uuid
from .wanted import EVERY_CODE

Tell = Callable[[str, str, Callable[[], Message], str], None]
"""Called with type, code, what builds the message if anyone listens, and whose it is."""

E16_TO_E20 = 10**4
E8_TO_E20 = 10**12
FEE_PER_10000 = 25
"""0.25 %, the fee of the exchange's global markets."""


CLOSED_KEPT_MS = 7 * DAY_MS
"""As far back as the exchange can be asked for closed orders in one window."""


@dataclass(slots=True)
class Balance:
    """Free and locked amount of one currency, in units of 10^-20: as many decimals as the exchange tells."""

    free: int
    locked: int = 0


class Execution(NamedTuple):
    """One trade of an order; price and volume in units of 10^-8."""

    uuid: str
    price: int
    volume: int
    at_ms: int


@dataclass(slots=True)
class Order:
    """An order. Price and volumes in units of 10^-8, funds of 10^-16, fees of 10^-20."""

    uuid: str
    code: str
    side: Side
    price: int
    volume: int
    remaining: int
    order_timestamp: int
    number: int
    """Counts the account's orders, as they were placed."""
    identifier: str | None = None
    trades: int = 0
    funds: int = 0
    paid_fee: int = 0
    trade_timestamp: int | None = None
    state: Literal["wait", "done", "cancel"] = "wait"
    closed_ms: int = 0
    """When it was done or cancelled; 0 while it is open."""
    executions: list[Execution] = field(default_factory=list)

    @property
    def reserved_fee(self) -> int:
        """The fee of the whole order, reserved when a buyer places it."""
        return self.price * self.volume * FEE_PER_10000 if self.side == "BID" else 0

    @property
    def remaining_fee(self) -> int:
        """The part of the reserved fee for what is not executed."""
        return self.price * self.remaining * FEE_PER_10000 if self.side == "BID" else 0

    @property
    def locked(self) -> int:
        """What the rest of the order holds back (10^-20): funds with fee of a buyer, volume of a seller."""
        if self.side == "ASK":
            return self.remaining * E8_TO_E20
        return self.price * self.remaining * E16_TO_E20 + self.remaining_fee


class Account:
    """Balances and orders of one access key; closed ones for as long as they may be asked for."""

    def __init__(self, access_key: str, chance: random.Random, tell: Tell) -> None:
        self.access_key = access_key
        self.open: dict[str, Order] = {}
        self.closed: dict[str, Order] = {}
        self.balances: dict[str, Balance] = {}
        self._placed = 0
        self._chance = chance
        self._tell = tell

    def balance(self, currency: str) -> Balance:
        """The account's balance, made up on first sight: plenty, with 20 decimals."""
        if currency not in self.balances:
            self.balances[currency] = Balance(self._chance.randint(10**25, 10**27))
        return self.balances[currency]

    def place(
        self, code: str, side: Side, price: int, volume: int, now_ms: int, identifier: str | None = None
    ) -> Order:
        """A limit order: told as ``wait``, its funds or volume locked."""
        uuid = next_uuid(self._chance)
        self._placed += 1
        order = Order(uuid, code, side, price, volume, volume, now_ms, self._placed, identifier)
        held = self._held(order)
        # A stand-in account is never short of anything: what is missing arrives just in time.
        held.free = max(held.free, order.locked) - order.locked
        held.locked += order.locked
        self.open[uuid] = order
        self._tell_order(order, "wait", now_ms)
        self._tell_assets(order, now_ms)
        return order

    def fill(self, uuid: str, volume: int, now_ms: int) -> None:
        """Execute up to ``volume`` of an order at its price: ``trade``, and ``done`` after the last."""
        order = self.open[uuid]
        volume = min(volume, order.remaining)
        locked_before = order.locked
        quote, base = (self.balance(currency) for currency in order.code.split("-"))
        value = order.price * volume
        fee = value * FEE_PER_10000
        order.remaining -= volume
        order.trades += 1
        order.funds += value
        order.paid_fee += fee
        order.trade_timestamp = now_ms
        self._held(order).locked -= locked_before - order.locked
        if order.side == "BID":
            base.free += volume * E8_TO_E20
        else:
            quote.free += value * E16_TO_E20 - fee
        execution = Execution(next_uuid(self._chance), order.price, volume, now_ms)
        order.executions.append(execution)
        self._tell_order(order, "trade", now_ms, (volume, fee, execution.uuid))
        if not order.remaining:
            self._file(order, "done", now_ms)
            self._tell_order(order, "done", now_ms)
        self._tell_assets(order, now_ms)

    def cancel(self, uuid: str, now_ms: int) -> None:
        """Take an order back: ``cancel``, and what it locked is free again."""
        order = self.open[uuid]
        self._file(order, "cancel", now_ms)
        held = self._held(order)
        held.locked -= order.locked
        held.free += order.locked
        self._tell_order(order, "cancel", now_ms)
        self._tell_assets(order, now_ms)

    def _file(self, order: Order, state: Literal["done", "cancel"], now_ms: int) -> None:
        del self.open[order.uuid]
        order.state, order.closed_ms = state, now_ms
        self.closed[order.uuid] = order
        while (oldest := next(iter(self.closed.values()))).closed_ms < now_ms - CLOSED_KEPT_MS:
            del self.closed[oldest.uuid]

    def _held(self, order: Order) -> Balance:
        quote, base = order.code.split("-")
        return self.balance(quote if order.side == "BID" else base)

    def _tell_assets(self, order: Order, now_ms: int) -> None:
        # What draws on chance is drawn here, whether or not anyone listens.
        balances = {currency: self.balance(currency) for currency in order.code.split("-")}
        asset_uuid = next_uuid(self._chance)

        def build() -> Message:
            return {
                "type": "myAsset",
                "asset_uuid": asset_uuid,
                "assets": [
                    {
                        "currency": currency,
                        "balance": fixed(balance.free, 20),
                        "locked": fixed(balance.locked, 20),
                    }
                    for currency, balance in balances.items()
                ],
                "asset_timestamp": now_ms,
                "timestamp": now_ms,
                "stream_type": REALTIME,
            }

        self._tell("myAsset", EVERY_CODE, build, self.access_key)

    def _tell_order(self, order: Order, state: str, now_ms: int, executed: tuple[int, int, str] | None = None) -> None:
        volume, fee, trade_uuid = executed or (order.volume, None, None)

        def build() -> Message:
            return {
                "type": "myOrder",
                "code": order.code,
                "uuid": order.uuid,
                "ask_bid": order.side,
                "order_type": "limit",
                "state": state,
                "trade_uuid": trade_uuid,
                "price": fixed(order.price),
                "avg_price": fixed(order.price if order.trades else 0),
                # When the state is ``trade``, price and volume are those of the trade.
                "volume": fixed(volume),
                "remaining_volume": fixed(order.remaining),
                "executed_volume": fixed(order.volume - order.remaining),
                "trades_count": order.trades,
                "reserved_fee": fixed(order.reserved_fee, 20),
                "remaining_fee": fixed(order.remaining_fee, 20),
                "paid_fee": fixed(order.paid_fee, 20),
                "locked": fixed(order.locked, 20),
                "executed_funds": fixed(order.funds, 16),
                "time_in_force": None,
                "trade_fee": None if fee is None else fixed(fee, 20),
                "is_maker": None if fee is None else True,
                "identifier": order.identifier,
                "smp_type": None,
                "prevented_volume": fixed(0),
                "prevented_locked": fixed(0),
                "trade_timestamp": order.trade_timestamp,
                "order_timestamp": order.order_timestamp,
                "timestamp": now_ms,
                "stream_type": REALTIME,
            }

        self._tell("myOrder", order.code, build, self.access_key)
