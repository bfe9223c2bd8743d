"""The messages of the loads as an expert would declare them for msgspec alone: a tagged union for each format.

Owns these declarations. Every field is decoded, every unit of a book too; nothing is checked, stamped or remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct


class Unit(Struct, gc=False):
    """One level of a book."""

    ask_price: float
    bid_price: float
    ask_size: float
    bid_size: float


class OrderBook(Struct, gc=False, tag_field="type", tag="orderbook"):
    """A book, DEFAULT."""

    code: str
    timestamp: int
    total_ask_size: float
    total_bid_size: float
    orderbook_units: list[Unit]
    level: float
    stream_type: str


class Trade(Struct, gc=False, tag_field="type", tag="trade"):
    """A trade, DEFAULT."""

    code: str
    timestamp: int
    trade_date: str
    trade_time: str
    trade_timestamp: int
    trade_price: float
    trade_volume: float
    ask_bid: str
    prev_closing_price: float
    change: str
    change_price: float
    sequential_id: int
    best_ask_price: float
    best_ask_size: float
    best_bid_price: float
    best_bid_size: float
    stream_type: str


class Ticker(Struct, gc=False, tag_field="type", tag="ticker"):
    """A ticker, DEFAULT."""

    code: str
    opening_price: float
    high_price: float
    low_price: float
    trade_price: float
    prev_closing_price: float
    change: str
    change_price: float
    signed_change_price: float
    change_rate: float
    signed_change_rate: float
    trade_volume: float
    acc_trade_volume: float
    acc_trade_volume_24h: float
    acc_trade_price: float
    acc_trade_price_24h: float
    trade_date: str
    trade_time: str
    trade_timestamp: int
    ask_bid: str
    acc_ask_volume: float
    acc_bid_volume: float
    highest_52_week_price: float
    highest_52_week_date: str
    lowest_52_week_price: float
    lowest_52_week_date: str
    market_state: str
    is_trading_suspended: bool
    delisting_date: str | None
    market_warning: str
    timestamp: int
    stream_type: str


_NAMES = {
    "ask_price": "ap",
    "bid_price": "bp",
    "ask_size": "as",
    "bid_size": "bs",
    "code": "cd",
    "timestamp": "tms",
    "total_ask_size": "tas",
    "total_bid_size": "tbs",
    "orderbook_units": "obu",
    "level": "lv",
    "stream_type": "st",
    "trade_date": "td",
    "trade_time": "ttm",
    "trade_timestamp": "ttms",
    "trade_price": "tp",
    "trade_volume": "tv",
    "ask_bid": "ab",
    "prev_closing_price": "pcp",
    "change": "c",
    "change_price": "cp",
    "sequential_id": "sid",
    "best_ask_price": "bap",
    "best_ask_size": "bas",
    "best_bid_price": "bbp",
    "best_bid_size": "bbs",
}


def _short(declared: type[Struct], **kinds: Any) -> Any:
    """The same struct under the names of the SIMPLE format: msgspec renames no inherited fields."""
    fields = [(field.name, kinds.get(field.name, field.type)) for field in msgspec.structs.fields(declared)]
    tag = declared.__struct_config__.tag
    name = f"Short{declared.__name__}"
    return msgspec.defstruct(name, fields, gc=False, rename=_NAMES, tag=tag, tag_field=None if tag is None else "ty")


_ShortUnit: Any = _short(Unit)
_ShortTrade: Any = _short(Trade)
_ShortOrderBook: Any = _short(OrderBook, orderbook_units=list[_ShortUnit])


def decoder(wire_format: str) -> Callable[[Any], Any]:
    """What decodes each message of a format."""
    if wire_format == "SIMPLE":
        return msgspec.json.Decoder(_ShortTrade | _ShortOrderBook).decode
    return msgspec.json.Decoder(Trade | OrderBook | Ticker).decode
