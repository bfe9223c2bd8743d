"""The private half of REST: an account's orders and balances.

Owns what these endpoints answer: amounts as decimal strings, times in Korean time, sides in lower case.
Must not know tokens, budgets or HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .accounts import CLOSED_KEPT_MS, Account, Execution, Order
from .dates import kst_offset_iso
from .messages import Message
from .plain import fixed
from .rest_query import Parameters, RestError

MOST_OPEN = 100
MOST_CLOSED = 1_000
MOST_NAMED = 100
_DEFAULT_LIMIT = 100


class Private:
    """Answers about one account. ``codes`` are the markets there are."""

    def __init__(self, account: Account, codes: Callable[[], Sequence[str]]) -> None:
        self._account = account
        self._codes = codes

    def open_orders(self, asked: Parameters, _now_ms: int) -> object:
        """``/v1/orders/open``. Nothing is ever in ``watch`` here: the stand-in knows no reserved orders."""
        limit = asked.count("limit", _DEFAULT_LIMIT, MOST_OPEN)
        page = asked.count("page", 1)
        states = _states(asked, ("wait", "watch"), ["wait"])
        found = self._sorted(asked, (o for o in self._account.open.values() if o.state in states))
        return [_order(order) for order in found[(page - 1) * limit : page * limit]]

    def closed_orders(self, asked: Parameters, now_ms: int) -> object:
        """``/v1/orders/closed``: orders that were created in the window (both ends included) and are closed now."""
        limit = asked.count("limit", _DEFAULT_LIMIT, MOST_CLOSED)
        states = _states(asked, ("done", "cancel"), ["done", "cancel"])
        start_ms, end_ms = asked.moment("start_time", or_ms=True), asked.moment("end_time", or_ms=True)
        if start_ms is None:
            end_ms = now_ms if end_ms is None else end_ms
            start_ms = end_ms - CLOSED_KEPT_MS
        elif end_ms is None:
            end_ms = start_ms + CLOSED_KEPT_MS
        if not 0 <= end_ms - start_ms <= CLOSED_KEPT_MS:
            raise asked.bad("start_time and end_time are not at most 7 days apart, in this order.")
        closed = (
            order
            for order in self._account.closed.values()
            if order.state in states and start_ms <= order.order_timestamp <= end_ms
        )
        return [_order(order) for order in self._sorted(asked, closed)[:limit]]

    def named_orders(self, asked: Parameters, _now_ms: int) -> object:
        """``/v1/orders/uuids``: those of the named orders that exist."""
        uuids, identifiers = asked.listed("uuids"), asked.listed("identifiers")
        if bool(uuids) == bool(identifiers):
            raise asked.bad("Either uuids[] or identifiers[] is required.")
        if len(uuids) + len(identifiers) > MOST_NAMED:
            raise asked.bad(f"At most {MOST_NAMED} orders can be named.")
        named = (o for o in self._all() if o.uuid in uuids or o.identifier in identifiers)
        return [_order(order) for order in self._sorted(asked, named)]

    def order(self, asked: Parameters, _now_ms: int) -> object:
        """``/v1/order``: one order with its trades. If both names are given, the uuid counts."""
        uuid, identifier = asked.text("uuid"), asked.text("identifier")
        if uuid is None and identifier is None:
            raise asked.bad("Either uuid or identifier is required.")
        for order in self._all():
            if order.uuid == uuid if uuid is not None else order.identifier == identifier:
                return _order(order) | {"trades": [_execution(order, one) for one in order.executions]}
        raise RestError(404, "order_not_found", "There is no such order.")

    def balances(self, _asked: Parameters, _now_ms: int) -> object:
        """``/v1/accounts``: the currencies that the account has met so far."""
        return [
            {
                "currency": currency,
                "balance": _text(balance.free, 20),
                "locked": _text(balance.locked, 20),
                "avg_buy_price": "0",
                "avg_buy_price_modified": False,
                "unit_currency": self._unit(currency),
            }
            for currency, balance in self._account.balances.items()
        ]

    def _unit(self, currency: str) -> str:
        """What its price is counted in: the first quote currency it is traded for; itself, if it is none's base."""
        return next((code.split("-")[0] for code in self._codes() if code.endswith(f"-{currency}")), currency)

    def _all(self) -> Iterable[Order]:
        yield from self._account.open.values()
        yield from self._account.closed.values()

    def _sorted(self, asked: Parameters, orders: Iterable[Order]) -> list[Order]:
        newest_first = asked.one_of("order_by", ("asc", "desc"), "desc") == "desc"
        market = asked.text("market")
        if market is not None and market not in self._codes():
            raise asked.bad("market does not have a valid value")
        kept = [order for order in orders if market in (None, order.code)]
        return sorted(kept, key=lambda order: order.number, reverse=newest_first)


def _states(asked: Parameters, choices: tuple[str, ...], default: list[str]) -> list[str]:
    state, states = asked.text("state"), asked.listed("states")
    if state is not None and states:
        raise asked.bad("state and states[] cannot be used at the same time.")
    wanted = states or ([state] if state is not None else default)
    if not set(wanted) <= set(choices):
        raise asked.bad("state does not have a valid value")
    return wanted


def _text(value: int, places: int = 8) -> str:
    return str(fixed(value, places), "ascii")


def _order(order: Order) -> Message:
    told: Message = {
        "uuid": order.uuid,
        "side": order.side.lower(),
        "ord_type": "limit",
        "price": _text(order.price),
        "state": order.state,
        "market": order.code,
        "created_at": kst_offset_iso(order.order_timestamp),
        "volume": _text(order.volume),
        "remaining_volume": _text(order.remaining),
        "reserved_fee": _text(order.reserved_fee, 20),
        "remaining_fee": _text(order.remaining_fee, 20),
        "paid_fee": _text(order.paid_fee, 20),
        "locked": _text(order.locked, 20),
        "executed_volume": _text(order.volume - order.remaining),
        "executed_funds": _text(order.funds, 16),
        "trades_count": order.trades,
        "prevented_volume": "0",
        "prevented_locked": "0",
    }
    # «Fields that are null are excluded from the response.»
    if order.identifier is not None:
        told["identifier"] = order.identifier
    return told


def _execution(order: Order, execution: Execution) -> Message:
    return {
        "market": order.code,
        "uuid": execution.uuid,
        "price": _text(execution.price),
        "volume": _text(execution.volume),
        "funds": _text(execution.price * execution.volume, 16),
        "trend": "up" if order.side == "BID" else "down",
        "created_at": kst_offset_iso(execution.at_ms),
        "side": order.side.lower(),
    }
