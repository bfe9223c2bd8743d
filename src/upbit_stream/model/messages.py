"""The messages of the exchange as typed, frozen values: one class per type, whatever the wire format.

Field names are the exchange's own (its DEFAULT format), so that its documentation is ours. Times ending in
``timestamp`` are ms since the epoch, ``received_at_ns`` is ns since the epoch (the wall clock when the bytes
were read). Market data numbers are floats, or ``decimal.Decimal`` where the stream was opened with
``exact=True``; amounts of ``MyOrder`` and ``MyAsset`` are always Decimal.

Owns what a message is. Knows nothing of bytes, formats or how a message is made from them.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple, TypeAlias

import msgspec
from msgspec import Raw, Struct

from upbit_stream.errors import MalformedMessage


class Message(Struct, frozen=True, gc=False, kw_only=True):
    """The base of every message.

    >>> Asset(currency="SGD", balance=Decimal(1), locked=Decimal(0)).to_dict()
    {'currency': 'SGD', 'balance': Decimal('1'), 'locked': Decimal('0')}
    """

    def to_dict(self) -> dict[str, Any]:
        """The fields by the exchange's DEFAULT names, ``type`` first where the message has one, nested values
        as dicts too. Decimals stay Decimals.
        """
        kind = getattr(self, "type", None)
        fields = {name: _plain(getattr(self, name)) for name in self.__struct_fields__}
        return fields if kind is None else {"type": kind, **fields}


def _plain(value: object) -> object:
    if isinstance(value, Message):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return value.copy()
    return value


class Ticker(Message, frozen=True, gc=False, kw_only=True, tag="ticker", tag_field="type"):
    """The day of a market so far, and its latest trade.

    https://global-docs.upbit.com/reference/websocket-ticker
    """

    type: ClassVar[str] = "ticker"
    code: str
    opening_price: float
    high_price: float
    low_price: float
    trade_price: float
    prev_closing_price: float
    change: str  # RISE EVEN FALL
    change_price: float
    signed_change_price: float
    change_rate: float
    signed_change_rate: float
    trade_volume: float
    acc_trade_volume: float
    acc_trade_volume_24h: float
    acc_trade_price: float
    acc_trade_price_24h: float
    trade_date: str  # yyyyMMdd, UTC
    trade_time: str  # HHmmss, UTC
    trade_timestamp: int
    ask_bid: str  # ASK BID
    acc_ask_volume: float
    acc_bid_volume: float
    highest_52_week_price: float
    highest_52_week_date: str
    lowest_52_week_price: float
    lowest_52_week_date: str
    market_state: str | None = None  # PREVIEW ACTIVE DELISTED
    is_trading_suspended: bool | None = None  # deprecated by the exchange
    delisting_date: str | None = None
    market_warning: str | None = None  # deprecated by the exchange
    timestamp: int
    stream_type: str  # SNAPSHOT REALTIME
    trade_status: str | None = None  # older servers
    market_state_for_ios: str | None = None  # older servers
    received_at_ns: int = 0


class Trade(Message, frozen=True, gc=False, kw_only=True, tag="trade", tag_field="type"):
    """One execution. ``sequential_id`` is unique and tells nothing of the order.

    https://global-docs.upbit.com/reference/websocket-trade
    """

    type: ClassVar[str] = "trade"
    code: str
    timestamp: int
    trade_date: str  # yyyy-MM-dd, UTC
    trade_time: str  # HH:mm:ss, UTC
    trade_timestamp: int
    trade_price: float
    trade_volume: float
    ask_bid: str  # the taker's side: ASK BID
    prev_closing_price: float
    change: str  # RISE EVEN FALL
    change_price: float
    sequential_id: int
    best_ask_price: float | None = None  # absent before 2025
    best_ask_size: float | None = None
    best_bid_price: float | None = None
    best_bid_size: float | None = None
    stream_type: str  # SNAPSHOT REALTIME
    received_at_ns: int = 0


class OrderBookUnit(Message, frozen=True, gc=False, kw_only=True):
    """One level of an order book: the ask and the bid at that depth."""

    ask_price: float
    bid_price: float
    ask_size: float
    bid_size: float


class OrderBook(Message, frozen=True, gc=False, kw_only=True, tag="orderbook", tag_field="type"):
    """The whole book of a market, best prices first; never a delta.

    ``orderbook_units`` is decoded when it is first asked for, so a consumer that does not look pays nothing; `best`
    decodes the first level alone. Asking (and comparing, hashing, pickling) may therefore raise `MalformedMessage`,
    where a unit is no unit.

    https://global-docs.upbit.com/reference/websocket-orderbook
    """

    type: ClassVar[str] = "orderbook"
    code: str
    timestamp: int
    total_ask_size: float
    total_bid_size: float
    orderbook_units: tuple[OrderBookUnit, ...]
    stream_type: str  # SNAPSHOT REALTIME
    level: float | None = None  # the price grouping; absent in old captures
    received_at_ns: int = 0

    @property
    def best(self) -> OrderBookUnit | None:
        """The best ask and bid; None while the book is empty. A tenth of the price of all units.

        >>> spread = lambda book: book.best.ask_price - book.best.bid_price
        """
        units = _held_units(self)
        if type(units) is Raw:
            return _units_decoders[0].best(units, isinstance(self.total_ask_size, Decimal))
        return units[0] if units else None

    def __eq__(self, other: object) -> bool:
        return type(other) is OrderBook and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        return f"OrderBook({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, self._shown(name)) for name in self.__struct_fields__]

    def _shown(self, name: str) -> object:
        """A field for loggers and debuggers: units that cannot be read say so instead of raising."""
        try:
            return getattr(self, name)
        except MalformedMessage as error:
            return error

    def __reduce__(self) -> Any:
        return _order_book, self._values()

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__struct_fields__)


def _order_book(*values: Any) -> OrderBook:
    return OrderBook(**dict(zip(OrderBook.__struct_fields__, values, strict=True)))


class UnitsDecoder(NamedTuple):
    """What reads the undecoded units of an `OrderBook`: all of them, or the first; ``(raw, exact)``."""

    every: Callable[[Raw, bool], tuple[OrderBookUnit, ...]]
    best: Callable[[Raw, bool], OrderBookUnit | None]


_units_decoders: list[UnitsDecoder] = []
_units_slot = OrderBook.__dict__["orderbook_units"]
_held_units = _units_slot.__get__  # the units, or their bytes


def decode_units_with(decoder: UnitsDecoder) -> None:
    """The wire room does, when it is imported: this room knows no bytes."""
    _units_decoders[:] = [decoder]


def _read_units(book: OrderBook) -> tuple[OrderBookUnit, ...]:
    units = _held_units(book)
    if type(units) is Raw:
        units = _units_decoders[0].every(units, isinstance(book.total_ask_size, Decimal))
        _units_slot.__set__(book, units)
    return units  # type: ignore[no-any-return]  # the slot holds the units, or was given them just now


# The class is frozen and its slot holds either the units or their bytes; reading goes through a property.
OrderBook.orderbook_units = property(_read_units)  # type: ignore[assignment]  # same name, same type for readers


class Candle(Message, frozen=True, gc=False, kw_only=True):
    """One candle as it stands now; the last one received for its time is the truth.

    ``type`` names the unit: ``candle.1m``. ``trade_price`` is the close.

    https://global-docs.upbit.com/reference/websocket-candle
    """

    type: str
    code: str
    candle_date_time_utc: str  # yyyy-MM-ddTHH:mm:ss
    candle_date_time_kst: str
    opening_price: float
    high_price: float
    low_price: float
    trade_price: float
    candle_acc_trade_volume: float
    candle_acc_trade_price: float
    timestamp: int
    stream_type: str  # SNAPSHOT REALTIME
    received_at_ns: int = 0

    @property
    def unit(self) -> str:
        """The candle's length as the exchange writes it: ``1s``, ``1m`` … ``240m``."""
        return self.type.partition(".")[2]


class MyOrder(Message, frozen=True, gc=False, kw_only=True, tag="myOrder", tag_field="type"):
    """A change of one of the account's orders.

    https://global-docs.upbit.com/reference/websocket-myorder
    """

    type: ClassVar[str] = "myOrder"
    code: str
    uuid: str
    ask_bid: str  # ASK BID
    order_type: str  # limit price market best
    state: str  # wait watch trade done cancel prevented
    timestamp: int
    stream_type: str
    trade_uuid: str | None = None
    price: Decimal | None = None
    avg_price: Decimal | None = None
    volume: Decimal | None = None
    remaining_volume: Decimal | None = None
    executed_volume: Decimal | None = None
    trades_count: int | None = None
    reserved_fee: Decimal | None = None
    remaining_fee: Decimal | None = None
    paid_fee: Decimal | None = None
    locked: Decimal | None = None
    executed_funds: Decimal | None = None
    time_in_force: str | None = None  # ioc fok post_only
    trade_fee: Decimal | None = None  # only while state is trade
    is_maker: bool | None = None  # likewise
    identifier: str | None = None
    smp_type: str | None = None  # reduce cancel_maker cancel_taker
    prevented_volume: Decimal | None = None
    prevented_locked: Decimal | None = None
    trade_timestamp: int | None = None
    order_timestamp: int | None = None
    received_at_ns: int = 0


class Asset(Message, frozen=True, gc=False, kw_only=True):
    """The balance of one currency, with all of its decimals."""

    currency: str
    balance: Decimal
    locked: Decimal


class MyAsset(Message, frozen=True, gc=False, kw_only=True, tag="myAsset", tag_field="type"):
    """Balances that changed.

    https://global-docs.upbit.com/reference/websocket-myasset
    """

    type: ClassVar[str] = "myAsset"
    code: ClassVar[str] = ""
    asset_uuid: str
    assets: tuple[Asset, ...]
    asset_timestamp: int
    timestamp: int
    stream_type: str
    received_at_ns: int = 0


class Announcement(Message, frozen=True, gc=False, kw_only=True, tag="announcement", tag_field="type"):
    """A notice of the exchange (Korea). ``body`` only where asked for; None when it is too large."""

    type: ClassVar[str] = "announcement"
    code: ClassVar[str] = ""
    event_type: str  # CREATED UPDATED
    uuid: str
    title: str
    category: str
    url: str
    first_listed_at: str  # ISO 8601, KST
    listed_at: str
    timestamp: int
    stream_type: str
    body: str | None = None
    received_at_ns: int = 0


def _hash_of_scalars(message: Message) -> int:
    """The hash of what can be hashed: equal messages have equal ones."""
    fields = (getattr(message, name) for name in message.__struct_fields__)
    return hash(tuple(field for field in fields if not isinstance(field, dict)))


class Indicator(Message, frozen=True, gc=False, kw_only=True, tag="indicator", tag_field="type"):
    """A technical indicator at the close of a candle (Korea). Nested names are the DEFAULT ones too.

    Numbers inside ``params``, ``value`` and ``event_params`` are ints where the exchange writes no fraction.
    """

    type: ClassVar[str] = "indicator"
    code: str
    timeframe: str  # 5m 15m 60m 240m 1d
    indicator: str
    params: dict[str, Any]
    value: dict[str, Any]
    candle_date_time_utc: str
    timestamp: int
    stream_type: str
    received_at_ns: int = 0

    def __hash__(self) -> int:
        return _hash_of_scalars(self)


class IndicatorSignal(Message, frozen=True, gc=False, kw_only=True, tag="indicator_signal", tag_field="type"):
    """A technical indicator that met its trigger (Korea). Nested names are the DEFAULT ones too."""

    type: ClassVar[str] = "indicator_signal"
    code: str
    timeframe: str
    indicator: str
    params: dict[str, Any]
    trigger: str
    event_params: dict[str, Any] | None
    value: dict[str, Any]
    candle_date_time_utc: str
    timestamp: int
    stream_type: str
    received_at_ns: int = 0

    def __hash__(self) -> int:
        return _hash_of_scalars(self)


class Unknown(Message, frozen=True, kw_only=True):
    """A message of a type that this version does not know, as it came.

    ``payload`` is the exchange's object byte for byte; `content` reads it.
    """

    type: str
    code: str
    payload: bytes
    received_at_ns: int = 0

    @property
    def content(self) -> dict[str, Any]:
        """The object as plain Python values, floats for numbers with a fraction."""
        content: dict[str, Any] = msgspec.json.decode(self.payload)
        return content


AnyMessage: TypeAlias = (
    Ticker | Trade | OrderBook | Candle | MyOrder | MyAsset | Announcement | Indicator | IndicatorSignal | Unknown
)
